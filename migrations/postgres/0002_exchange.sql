-- +goose Up

-- The day on which a postcode was true of which a pseudonym was made; empty for other types.
ALTER TABLE pseudonyms ADD COLUMN recorded_on text COLLATE "C" NOT NULL DEFAULT '';

-- With paused: the TTP refuses our credentials, and waiting alone does not help.
ALTER TABLE deliveries ADD COLUMN denied boolean NOT NULL DEFAULT FALSE;
ALTER TABLE deliveries ADD COLUMN dataset_id text COLLATE "C" NOT NULL DEFAULT ''; -- of a delivery that is fetched from the TTP
CREATE INDEX ix_deliveries_dataset ON deliveries (dataset_id, id);

ALTER TABLE chunks ADD COLUMN waiting bigint NOT NULL DEFAULT 0; -- rows that wait for the TTP
ALTER TABLE chunks ADD COLUMN expires_at timestamptz NULL; -- when the first of its temporary pseudonyms runs out
ALTER TABLE chunks ADD COLUMN paused_at timestamptz NULL; -- since when the TTP gives no answer to what it holds

-- How the TTP has been doing: calls a quarter of an hour, by class of duration.
CREATE TABLE ttp_calls (
    start_at timestamptz NOT NULL,
    kind text COLLATE "C" NOT NULL,
    class bigint NOT NULL,
    ok bigint NOT NULL,
    bad bigint NOT NULL,
    last_ok timestamptz NULL,
    last_bad timestamptz NULL,
    PRIMARY KEY (start_at, kind, class)
);

-- A walk over all pseudonyms for their values under the TTP's newest key.
CREATE TABLE renewals (
    id bigint NOT NULL PRIMARY KEY,
    after_patient bigint NOT NULL, -- every patient up to this one is done
    last_patient bigint NOT NULL, -- the last one when it started
    total bigint NOT NULL,
    looked bigint NOT NULL,
    added bigint NOT NULL,
    refused bigint NOT NULL,
    conflicts bigint NOT NULL,
    attempts bigint NOT NULL, -- calls without an answer, one after the other
    next_try_at timestamptz NULL,
    lease_until timestamptz NOT NULL,
    fence bigint NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NULL
);
INSERT INTO sequences (name, next) VALUES ('renewals', 1);
