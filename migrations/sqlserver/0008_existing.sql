-- +goose Up

ALTER TABLE patients ADD died_on nvarchar(10) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT df_patients_died_on DEFAULT N''; -- 2001-01-31, or 2001 where the registry keeps years, or empty
-- 0, or the patient's id while it has no number: several without one may stand in a centre.
ALTER TABLE patients ADD unnumbered bigint NOT NULL CONSTRAINT df_patients_unnumbered DEFAULT 0;
DROP INDEX ux_patients_number ON patients;
CREATE UNIQUE INDEX ux_patients_number ON patients (centre_id, patient_number, unnumbered);

-- Under which keys of the registry's old patient table a patient is known there.
CREATE TABLE legacy_keys (
    legacy_id nvarchar(128) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT pk_legacy_keys PRIMARY KEY,
    patient_id bigint NOT NULL CONSTRAINT fk_legacy_keys_patient_id REFERENCES patients (id)
);
CREATE INDEX ix_legacy_keys_patient ON legacy_keys (patient_id);

ALTER TABLE reviews ADD legacy nvarchar(400) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT df_reviews_legacy DEFAULT N''; -- JSON: old key, version and date of death of the row that opened it

-- One conversion, or rehearsal, of the old patient table.
CREATE TABLE existing_runs (
    id bigint NOT NULL CONSTRAINT pk_existing_runs PRIMARY KEY,
    public_id nvarchar(36) COLLATE Latin1_General_BIN2 NOT NULL,
    mode nvarchar(10) COLLATE Latin1_General_BIN2 NOT NULL, -- check: a rehearsal; save
    source nvarchar(300) COLLATE Latin1_General_BIN2 NOT NULL, -- what it reads, without how to get there
    mapping nvarchar(MAX) COLLATE Latin1_General_BIN2 NOT NULL, -- JSON: which column is what
    sample bigint NOT NULL, -- so many rows a centre; 0: all
    total bigint NOT NULL,
    user_id bigint NOT NULL,
    user_name nvarchar(600) COLLATE Latin1_General_BIN2 NOT NULL,
    user_role nvarchar(100) COLLATE Latin1_General_BIN2 NOT NULL,
    address nvarchar(64) COLLATE Latin1_General_BIN2 NOT NULL, -- of the operator's account on the machine
    waits_for nvarchar(20) COLLATE Latin1_General_BIN2 NOT NULL, -- why nothing moves, if so
    next_try_at datetimeoffset(3) NULL,
    seen_at datetimeoffset(3) NOT NULL, -- when the command last said that it is at work
    paused_at datetimeoffset(3) NULL,
    paused_by nvarchar(600) COLLATE Latin1_General_BIN2 NOT NULL,
    started_at datetimeoffset(3) NOT NULL,
    finished_at datetimeoffset(3) NULL
);
CREATE UNIQUE INDEX ux_existing_runs_public ON existing_runs (public_id);

-- A run in one centre: how far it has been read, in the transaction of the chunk that says so.
CREATE TABLE existing_centres (
    run_id bigint NOT NULL CONSTRAINT fk_existing_centres_run_id REFERENCES existing_runs (id),
    centre_id bigint NOT NULL CONSTRAINT fk_existing_centres_centre_id REFERENCES centres (id),
    total bigint NOT NULL,
    fed bigint NOT NULL,
    last_key nvarchar(128) COLLATE Latin1_General_BIN2 NOT NULL,
    delivery_id bigint NULL CONSTRAINT fk_existing_centres_delivery_id REFERENCES deliveries (id),
    CONSTRAINT pk_existing_centres PRIMARY KEY (run_id, centre_id)
);

-- Where each row of the old table went; without a delivery, why it went nowhere.
CREATE TABLE existing_rows (
    run_id bigint NOT NULL CONSTRAINT fk_existing_rows_run_id REFERENCES existing_runs (id),
    legacy_id nvarchar(128) COLLATE Latin1_General_BIN2 NOT NULL,
    delivery_id bigint NULL CONSTRAINT fk_existing_rows_delivery_id REFERENCES deliveries (id),
    line bigint NOT NULL,
    code nvarchar(60) COLLATE Latin1_General_BIN2 NOT NULL,
    CONSTRAINT pk_existing_rows PRIMARY KEY (run_id, legacy_id)
);
CREATE INDEX ix_existing_rows_line ON existing_rows (delivery_id, line);

-- What was found: plans, verifications, signed exceptions and proofs.
CREATE TABLE existing_reports (
    id bigint NOT NULL CONSTRAINT pk_existing_reports PRIMARY KEY,
    public_id nvarchar(36) COLLATE Latin1_General_BIN2 NOT NULL,
    kind nvarchar(20) COLLATE Latin1_General_BIN2 NOT NULL,
    run_id bigint NULL CONSTRAINT fk_existing_reports_run_id REFERENCES existing_runs (id),
    clean bit NOT NULL,
    made_by nvarchar(600) COLLATE Latin1_General_BIN2 NOT NULL,
    made_at datetimeoffset(3) NOT NULL,
    document nvarchar(MAX) COLLATE Latin1_General_BIN2 NOT NULL -- JSON
);
CREATE UNIQUE INDEX ux_existing_reports_public ON existing_reports (public_id);
CREATE INDEX ix_existing_reports_kind ON existing_reports (kind, id);

-- That the identities in the source be erased: asked for, approved by two people, done.
CREATE TABLE existing_erasures (
    id bigint NOT NULL CONSTRAINT pk_existing_erasures PRIMARY KEY,
    public_id nvarchar(36) COLLATE Latin1_General_BIN2 NOT NULL,
    run_id bigint NOT NULL CONSTRAINT fk_existing_erasures_run_id REFERENCES existing_runs (id),
    way nvarchar(10) COLLATE Latin1_General_BIN2 NOT NULL, -- new: its owner destroys the old database; inplace
    check_id bigint NOT NULL CONSTRAINT fk_existing_erasures_check_id REFERENCES existing_reports (id),
    exception_id bigint NULL CONSTRAINT fk_existing_erasures_exception_id REFERENCES existing_reports (id),
    asked_by nvarchar(600) COLLATE Latin1_General_BIN2 NOT NULL,
    asked_at datetimeoffset(3) NOT NULL,
    started_at datetimeoffset(3) NULL,
    erased_at datetimeoffset(3) NULL
);
CREATE UNIQUE INDEX ux_existing_erasures_public ON existing_erasures (public_id);

CREATE TABLE existing_approvals (
    erasure_id bigint NOT NULL CONSTRAINT fk_existing_approvals_erasure REFERENCES existing_erasures (id),
    centre_id bigint NOT NULL CONSTRAINT fk_existing_approvals_centre REFERENCES centres (id),
    role nvarchar(20) COLLATE Latin1_General_BIN2 NOT NULL,
    user_id bigint NOT NULL,
    user_name nvarchar(600) COLLATE Latin1_General_BIN2 NOT NULL,
    why nvarchar(1000) COLLATE Latin1_General_BIN2 NOT NULL,
    approved_at datetimeoffset(3) NOT NULL,
    CONSTRAINT pk_existing_approvals PRIMARY KEY (erasure_id, centre_id, role)
);

INSERT INTO sequences (name, next) VALUES ('existing_runs', 1);
INSERT INTO sequences (name, next) VALUES ('existing_reports', 1);
INSERT INTO sequences (name, next) VALUES ('existing_erasures', 1);
