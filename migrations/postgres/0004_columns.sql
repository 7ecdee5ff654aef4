-- +goose Up

-- Which column holds what, where a user said so: JSON of places, no header and no value.
ALTER TABLE deliveries ADD COLUMN assignment text COLLATE "C" NOT NULL DEFAULT '';

ALTER TABLE centres ADD COLUMN brake_percent bigint NOT NULL DEFAULT 0; -- 0: the registry's
ALTER TABLE centres ADD COLUMN number_system text COLLATE "C" NOT NULL DEFAULT ''; -- of its patient numbers in FHIR

-- The columns of a header as a centre assigned them before.
CREATE TABLE column_maps (
    centre_id bigint NOT NULL REFERENCES centres (id),
    header_mac bytea NOT NULL, -- keyed hash: the header itself is not kept
    assignment text COLLATE "C" NOT NULL,
    saved_at timestamptz NOT NULL,
    PRIMARY KEY (centre_id, header_mac)
);
