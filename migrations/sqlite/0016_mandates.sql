-- +goose Up

-- An organisation that delivers for hospitals and is none itself.
CREATE TABLE processors (
    id INTEGER NOT NULL PRIMARY KEY,
    public_id TEXT NOT NULL,
    name TEXT NOT NULL,
    contact_name TEXT NOT NULL,
    contact_email TEXT NOT NULL,
    contact_phone TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at DATETIME NOT NULL
);
CREATE UNIQUE INDEX ux_processors_public ON processors (public_id);
CREATE UNIQUE INDEX ux_processors_name ON processors (name);

-- A mandate lets a processor deliver on behalf of a centre.
CREATE TABLE mandates (
    id INTEGER NOT NULL PRIMARY KEY,
    public_id TEXT NOT NULL,
    processor_id INTEGER NOT NULL REFERENCES processors (id),
    centre_id INTEGER NOT NULL REFERENCES centres (id),
    from_at DATETIME NOT NULL,
    until_at DATETIME NULL, -- not included; NULL: until it is withdrawn
    reason TEXT NOT NULL,
    granted_by TEXT NOT NULL,
    granted_at DATETIME NOT NULL,
    withdrawn_at DATETIME NULL,
    withdrawn_by TEXT NOT NULL,
    withdrawn_reason TEXT NOT NULL
);
CREATE UNIQUE INDEX ux_mandates_public ON mandates (public_id);
CREATE INDEX ix_mandates_processor ON mandates (processor_id, centre_id);
CREATE INDEX ix_mandates_centre ON mandates (centre_id, id);

ALTER TABLE users ADD COLUMN processor_id INTEGER NULL REFERENCES processors (id);
ALTER TABLE tokens ADD COLUMN processor_id INTEGER NULL REFERENCES processors (id);
ALTER TABLE deliveries ADD COLUMN processor_id INTEGER NULL REFERENCES processors (id); -- that delivered on behalf of the centre
CREATE INDEX ix_deliveries_processor ON deliveries (processor_id, id);

INSERT INTO sequences (name, next) VALUES ('processors', 1), ('mandates', 1);
