-- +goose Up

-- The day on which a postcode was true of which a pseudonym was made; empty for other types.
ALTER TABLE pseudonyms ADD COLUMN recorded_on TEXT NOT NULL DEFAULT '';

-- With paused: the TTP refuses our credentials, and waiting alone does not help.
ALTER TABLE deliveries ADD COLUMN denied BOOLEAN NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN dataset_id TEXT NOT NULL DEFAULT ''; -- of a delivery that is fetched from the TTP
CREATE INDEX ix_deliveries_dataset ON deliveries (dataset_id, id);

ALTER TABLE chunks ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0; -- rows that wait for the TTP
ALTER TABLE chunks ADD COLUMN expires_at DATETIME NULL; -- when the first of its temporary pseudonyms runs out
ALTER TABLE chunks ADD COLUMN paused_at DATETIME NULL; -- since when the TTP gives no answer to what it holds

-- How the TTP has been doing: calls a quarter of an hour, by class of duration.
CREATE TABLE ttp_calls (
    start_at DATETIME NOT NULL,
    kind TEXT NOT NULL,
    class INTEGER NOT NULL,
    ok INTEGER NOT NULL,
    bad INTEGER NOT NULL,
    last_ok DATETIME NULL,
    last_bad DATETIME NULL,
    PRIMARY KEY (start_at, kind, class)
) WITHOUT ROWID;

-- A walk over all pseudonyms for their values under the TTP's newest key.
CREATE TABLE renewals (
    id INTEGER NOT NULL PRIMARY KEY,
    after_patient INTEGER NOT NULL, -- every patient up to this one is done
    last_patient INTEGER NOT NULL, -- the last one when it started
    total INTEGER NOT NULL,
    looked INTEGER NOT NULL,
    added INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    conflicts INTEGER NOT NULL,
    attempts INTEGER NOT NULL, -- calls without an answer, one after the other
    next_try_at DATETIME NULL,
    lease_until DATETIME NOT NULL,
    fence INTEGER NOT NULL,
    started_at DATETIME NOT NULL,
    finished_at DATETIME NULL
);
INSERT INTO sequences (name, next) VALUES ('renewals', 1);
