-- +goose Up

-- An organisation that delivers for hospitals and is none itself.
CREATE TABLE processors (
    id bigint NOT NULL PRIMARY KEY,
    public_id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    contact_name text COLLATE "C" NOT NULL,
    contact_email text COLLATE "C" NOT NULL,
    contact_phone text COLLATE "C" NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX ux_processors_public ON processors (public_id);
CREATE UNIQUE INDEX ux_processors_name ON processors (name);

-- A mandate lets a processor deliver on behalf of a centre.
CREATE TABLE mandates (
    id bigint NOT NULL PRIMARY KEY,
    public_id text COLLATE "C" NOT NULL,
    processor_id bigint NOT NULL REFERENCES processors (id),
    centre_id bigint NOT NULL REFERENCES centres (id),
    from_at timestamptz NOT NULL,
    until_at timestamptz NULL, -- not included; NULL: until it is withdrawn
    reason text COLLATE "C" NOT NULL,
    granted_by text COLLATE "C" NOT NULL,
    granted_at timestamptz NOT NULL,
    withdrawn_at timestamptz NULL,
    withdrawn_by text COLLATE "C" NOT NULL,
    withdrawn_reason text COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX ux_mandates_public ON mandates (public_id);
CREATE INDEX ix_mandates_processor ON mandates (processor_id, centre_id);
CREATE INDEX ix_mandates_centre ON mandates (centre_id, id);

ALTER TABLE users ADD COLUMN processor_id bigint NULL REFERENCES processors (id);
ALTER TABLE tokens ADD COLUMN processor_id bigint NULL REFERENCES processors (id);
ALTER TABLE deliveries ADD COLUMN processor_id bigint NULL REFERENCES processors (id); -- that delivered on behalf of the centre
CREATE INDEX ix_deliveries_processor ON deliveries (processor_id, id);

INSERT INTO sequences (name, next) VALUES ('processors', 1), ('mandates', 1);
