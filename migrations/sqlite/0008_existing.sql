-- +goose Up

ALTER TABLE patients ADD COLUMN died_on TEXT NOT NULL DEFAULT ''; -- 2001-01-31, or 2001 where the registry keeps years, or empty
-- 0, or the patient's id while it has no number: several without one may stand in a centre.
ALTER TABLE patients ADD COLUMN unnumbered INTEGER NOT NULL DEFAULT 0;
DROP INDEX ux_patients_number;
CREATE UNIQUE INDEX ux_patients_number ON patients (centre_id, patient_number, unnumbered);

-- Under which keys of the registry's old patient table a patient is known there.
CREATE TABLE legacy_keys (
    legacy_id TEXT NOT NULL PRIMARY KEY,
    patient_id INTEGER NOT NULL REFERENCES patients (id)
) WITHOUT ROWID;
CREATE INDEX ix_legacy_keys_patient ON legacy_keys (patient_id);

ALTER TABLE reviews ADD COLUMN legacy TEXT NOT NULL DEFAULT ''; -- JSON: old key, version and date of death of the row that opened it

-- One conversion, or rehearsal, of the old patient table.
CREATE TABLE existing_runs (
    id INTEGER NOT NULL PRIMARY KEY,
    public_id TEXT NOT NULL,
    mode TEXT NOT NULL, -- check: a rehearsal; save
    source TEXT NOT NULL, -- what it reads, without how to get there
    mapping TEXT NOT NULL, -- JSON: which column is what
    sample INTEGER NOT NULL, -- so many rows a centre; 0: all
    total INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    user_name TEXT NOT NULL,
    user_role TEXT NOT NULL,
    address TEXT NOT NULL, -- of the operator's account on the machine
    waits_for TEXT NOT NULL, -- why nothing moves, if so
    next_try_at DATETIME NULL,
    seen_at DATETIME NOT NULL, -- when the command last said that it is at work
    paused_at DATETIME NULL,
    paused_by TEXT NOT NULL,
    started_at DATETIME NOT NULL,
    finished_at DATETIME NULL
);
CREATE UNIQUE INDEX ux_existing_runs_public ON existing_runs (public_id);

-- A run in one centre: how far it has been read, in the transaction of the chunk that says so.
CREATE TABLE existing_centres (
    run_id INTEGER NOT NULL REFERENCES existing_runs (id),
    centre_id INTEGER NOT NULL REFERENCES centres (id),
    total INTEGER NOT NULL,
    fed INTEGER NOT NULL,
    last_key TEXT NOT NULL,
    delivery_id INTEGER NULL REFERENCES deliveries (id),
    PRIMARY KEY (run_id, centre_id)
) WITHOUT ROWID;

-- Where each row of the old table went; without a delivery, why it went nowhere.
CREATE TABLE existing_rows (
    run_id INTEGER NOT NULL REFERENCES existing_runs (id),
    legacy_id TEXT NOT NULL,
    delivery_id INTEGER NULL REFERENCES deliveries (id),
    line INTEGER NOT NULL,
    code TEXT NOT NULL,
    PRIMARY KEY (run_id, legacy_id)
) WITHOUT ROWID;
CREATE INDEX ix_existing_rows_line ON existing_rows (delivery_id, line);

-- What was found: plans, verifications, signed exceptions and proofs.
CREATE TABLE existing_reports (
    id INTEGER NOT NULL PRIMARY KEY,
    public_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    run_id INTEGER NULL REFERENCES existing_runs (id),
    clean BOOLEAN NOT NULL,
    made_by TEXT NOT NULL,
    made_at DATETIME NOT NULL,
    document TEXT NOT NULL -- JSON
);
CREATE UNIQUE INDEX ux_existing_reports_public ON existing_reports (public_id);
CREATE INDEX ix_existing_reports_kind ON existing_reports (kind, id);

-- That the identities in the source be erased: asked for, approved by two people, done.
CREATE TABLE existing_erasures (
    id INTEGER NOT NULL PRIMARY KEY,
    public_id TEXT NOT NULL,
    run_id INTEGER NOT NULL REFERENCES existing_runs (id),
    way TEXT NOT NULL, -- new: its owner destroys the old database; inplace
    check_id INTEGER NOT NULL REFERENCES existing_reports (id),
    exception_id INTEGER NULL REFERENCES existing_reports (id),
    asked_by TEXT NOT NULL,
    asked_at DATETIME NOT NULL,
    started_at DATETIME NULL,
    erased_at DATETIME NULL
);
CREATE UNIQUE INDEX ux_existing_erasures_public ON existing_erasures (public_id);

CREATE TABLE existing_approvals (
    erasure_id INTEGER NOT NULL REFERENCES existing_erasures (id),
    centre_id INTEGER NOT NULL REFERENCES centres (id),
    role TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    user_name TEXT NOT NULL,
    why TEXT NOT NULL,
    approved_at DATETIME NOT NULL,
    PRIMARY KEY (erasure_id, centre_id, role)
) WITHOUT ROWID;

INSERT INTO sequences (name, next) VALUES ('existing_runs', 1), ('existing_reports', 1), ('existing_erasures', 1);
