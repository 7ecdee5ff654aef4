-- +goose Up

-- An organisation that delivers for hospitals and is none itself.
CREATE TABLE processors (
    id bigint NOT NULL CONSTRAINT pk_processors PRIMARY KEY,
    public_id nvarchar(36) COLLATE Latin1_General_BIN2 NOT NULL,
    name nvarchar(200) COLLATE Latin1_General_BIN2 NOT NULL,
    contact_name nvarchar(200) COLLATE Latin1_General_BIN2 NOT NULL,
    contact_email nvarchar(254) COLLATE Latin1_General_BIN2 NOT NULL,
    contact_phone nvarchar(50) COLLATE Latin1_General_BIN2 NOT NULL,
    created_by nvarchar(300) COLLATE Latin1_General_BIN2 NOT NULL,
    created_at datetimeoffset(3) NOT NULL
);
CREATE UNIQUE INDEX ux_processors_public ON processors (public_id);
CREATE UNIQUE INDEX ux_processors_name ON processors (name);

-- A mandate lets a processor deliver on behalf of a centre.
CREATE TABLE mandates (
    id bigint NOT NULL CONSTRAINT pk_mandates PRIMARY KEY,
    public_id nvarchar(36) COLLATE Latin1_General_BIN2 NOT NULL,
    processor_id bigint NOT NULL CONSTRAINT fk_mandates_processor_id REFERENCES processors (id),
    centre_id bigint NOT NULL CONSTRAINT fk_mandates_centre_id REFERENCES centres (id),
    from_at datetimeoffset(3) NOT NULL,
    until_at datetimeoffset(3) NULL, -- not included; NULL: until it is withdrawn
    reason nvarchar(500) COLLATE Latin1_General_BIN2 NOT NULL,
    granted_by nvarchar(300) COLLATE Latin1_General_BIN2 NOT NULL,
    granted_at datetimeoffset(3) NOT NULL,
    withdrawn_at datetimeoffset(3) NULL,
    withdrawn_by nvarchar(300) COLLATE Latin1_General_BIN2 NOT NULL,
    withdrawn_reason nvarchar(500) COLLATE Latin1_General_BIN2 NOT NULL
);
CREATE UNIQUE INDEX ux_mandates_public ON mandates (public_id);
CREATE INDEX ix_mandates_processor ON mandates (processor_id, centre_id);
CREATE INDEX ix_mandates_centre ON mandates (centre_id, id);

ALTER TABLE users ADD processor_id bigint NULL CONSTRAINT fk_users_processor_id REFERENCES processors (id);
ALTER TABLE tokens ADD processor_id bigint NULL CONSTRAINT fk_tokens_processor_id REFERENCES processors (id);
ALTER TABLE deliveries ADD processor_id bigint NULL CONSTRAINT fk_deliveries_processor_id REFERENCES processors (id); -- that delivered on behalf of the centre
CREATE INDEX ix_deliveries_processor ON deliveries (processor_id, id);

INSERT INTO sequences (name, next) VALUES ('processors', 1);
INSERT INTO sequences (name, next) VALUES ('mandates', 1);
