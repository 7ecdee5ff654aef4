-- +goose Up

ALTER TABLE patients ADD COLUMN died_on text COLLATE "C" NOT NULL DEFAULT ''; -- 2001-01-31, or 2001 where the registry keeps years, or empty
-- 0, or the patient's id while it has no number: several without one may stand in a centre.
ALTER TABLE patients ADD COLUMN unnumbered bigint NOT NULL DEFAULT 0;
DROP INDEX ux_patients_number;
CREATE UNIQUE INDEX ux_patients_number ON patients (centre_id, patient_number, unnumbered);

-- Under which keys of the registry's old patient table a patient is known there.
CREATE TABLE legacy_keys (
    legacy_id text COLLATE "C" NOT NULL PRIMARY KEY,
    patient_id bigint NOT NULL REFERENCES patients (id)
);
CREATE INDEX ix_legacy_keys_patient ON legacy_keys (patient_id);

ALTER TABLE reviews ADD COLUMN legacy text COLLATE "C" NOT NULL DEFAULT ''; -- JSON: old key, version and date of death of the row that opened it

-- One conversion, or rehearsal, of the old patient table.
CREATE TABLE existing_runs (
    id bigint NOT NULL PRIMARY KEY,
    public_id text COLLATE "C" NOT NULL,
    mode text COLLATE "C" NOT NULL, -- check: a rehearsal; save
    source text COLLATE "C" NOT NULL, -- what it reads, without how to get there
    mapping text COLLATE "C" NOT NULL, -- JSON: which column is what
    sample bigint NOT NULL, -- so many rows a centre; 0: all
    total bigint NOT NULL,
    user_id bigint NOT NULL,
    user_name text COLLATE "C" NOT NULL,
    user_role text COLLATE "C" NOT NULL,
    address text COLLATE "C" NOT NULL, -- of the operator's account on the machine
    waits_for text COLLATE "C" NOT NULL, -- why nothing moves, if so
    next_try_at timestamptz NULL,
    seen_at timestamptz NOT NULL, -- when the command last said that it is at work
    paused_at timestamptz NULL,
    paused_by text COLLATE "C" NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NULL
);
CREATE UNIQUE INDEX ux_existing_runs_public ON existing_runs (public_id);

-- A run in one centre: how far it has been read, in the transaction of the chunk that says so.
CREATE TABLE existing_centres (
    run_id bigint NOT NULL REFERENCES existing_runs (id),
    centre_id bigint NOT NULL REFERENCES centres (id),
    total bigint NOT NULL,
    fed bigint NOT NULL,
    last_key text COLLATE "C" NOT NULL,
    delivery_id bigint NULL REFERENCES deliveries (id),
    PRIMARY KEY (run_id, centre_id)
);

-- Where each row of the old table went; without a delivery, why it went nowhere.
CREATE TABLE existing_rows (
    run_id bigint NOT NULL REFERENCES existing_runs (id),
    legacy_id text COLLATE "C" NOT NULL,
    delivery_id bigint NULL REFERENCES deliveries (id),
    line bigint NOT NULL,
    code text COLLATE "C" NOT NULL,
    PRIMARY KEY (run_id, legacy_id)
);
CREATE INDEX ix_existing_rows_line ON existing_rows (delivery_id, line);

-- What was found: plans, verifications, signed exceptions and proofs.
CREATE TABLE existing_reports (
    id bigint NOT NULL PRIMARY KEY,
    public_id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    run_id bigint NULL REFERENCES existing_runs (id),
    clean boolean NOT NULL,
    made_by text COLLATE "C" NOT NULL,
    made_at timestamptz NOT NULL,
    document text COLLATE "C" NOT NULL -- JSON
);
CREATE UNIQUE INDEX ux_existing_reports_public ON existing_reports (public_id);
CREATE INDEX ix_existing_reports_kind ON existing_reports (kind, id);

-- That the identities in the source be erased: asked for, approved by two people, done.
CREATE TABLE existing_erasures (
    id bigint NOT NULL PRIMARY KEY,
    public_id text COLLATE "C" NOT NULL,
    run_id bigint NOT NULL REFERENCES existing_runs (id),
    way text COLLATE "C" NOT NULL, -- new: its owner destroys the old database; inplace
    check_id bigint NOT NULL REFERENCES existing_reports (id),
    exception_id bigint NULL REFERENCES existing_reports (id),
    asked_by text COLLATE "C" NOT NULL,
    asked_at timestamptz NOT NULL,
    started_at timestamptz NULL,
    erased_at timestamptz NULL
);
CREATE UNIQUE INDEX ux_existing_erasures_public ON existing_erasures (public_id);

CREATE TABLE existing_approvals (
    erasure_id bigint NOT NULL REFERENCES existing_erasures (id),
    centre_id bigint NOT NULL REFERENCES centres (id),
    role text COLLATE "C" NOT NULL,
    user_id bigint NOT NULL,
    user_name text COLLATE "C" NOT NULL,
    why text COLLATE "C" NOT NULL,
    approved_at timestamptz NOT NULL,
    PRIMARY KEY (erasure_id, centre_id, role)
);

INSERT INTO sequences (name, next) VALUES ('existing_runs', 1), ('existing_reports', 1), ('existing_erasures', 1);
