-- +goose Up

-- The day on which a postcode was true of which a pseudonym was made; empty for other types.
ALTER TABLE pseudonyms ADD recorded_on nvarchar(10) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT df_pseudonyms_recorded_on DEFAULT N'';

-- With paused: the TTP refuses our credentials, and waiting alone does not help.
ALTER TABLE deliveries ADD denied bit NOT NULL CONSTRAINT df_deliveries_denied DEFAULT 0;
ALTER TABLE deliveries ADD dataset_id nvarchar(64) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT df_deliveries_dataset_id DEFAULT N''; -- of a delivery that is fetched from the TTP
CREATE INDEX ix_deliveries_dataset ON deliveries (dataset_id, id);

ALTER TABLE chunks ADD waiting int NOT NULL CONSTRAINT df_chunks_waiting DEFAULT 0; -- rows that wait for the TTP
ALTER TABLE chunks ADD expires_at datetimeoffset(3) NULL; -- when the first of its temporary pseudonyms runs out
ALTER TABLE chunks ADD paused_at datetimeoffset(3) NULL; -- since when the TTP gives no answer to what it holds

-- How the TTP has been doing: calls a quarter of an hour, by class of duration.
CREATE TABLE ttp_calls (
    start_at datetimeoffset(3) NOT NULL,
    kind nvarchar(20) COLLATE Latin1_General_BIN2 NOT NULL,
    class int NOT NULL,
    ok int NOT NULL,
    bad int NOT NULL,
    last_ok datetimeoffset(3) NULL,
    last_bad datetimeoffset(3) NULL,
    CONSTRAINT pk_ttp_calls PRIMARY KEY (start_at, kind, class)
);

-- A walk over all pseudonyms for their values under the TTP's newest key.
CREATE TABLE renewals (
    id bigint NOT NULL CONSTRAINT pk_renewals PRIMARY KEY,
    after_patient bigint NOT NULL, -- every patient up to this one is done
    last_patient bigint NOT NULL, -- the last one when it started
    total int NOT NULL,
    looked int NOT NULL,
    added int NOT NULL,
    refused int NOT NULL,
    conflicts int NOT NULL,
    attempts int NOT NULL, -- calls without an answer, one after the other
    next_try_at datetimeoffset(3) NULL,
    lease_until datetimeoffset(3) NOT NULL,
    fence bigint NOT NULL,
    started_at datetimeoffset(3) NOT NULL,
    finished_at datetimeoffset(3) NULL
);
INSERT INTO sequences (name, next) VALUES ('renewals', 1);
