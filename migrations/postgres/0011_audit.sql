-- +goose Up

-- Why, in the words of who acted; the machine that recorded it; and the seal (an HMAC with the program's key).
ALTER TABLE audit_events ADD COLUMN reason text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE audit_events ADD COLUMN source text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE audit_events ADD COLUMN seal bytea NULL;

-- The hash tree over the events, in the layout of golang.org/x/mod/sumdb/tlog. Rows are only added.
CREATE TABLE audit_hashes (
    id bigint NOT NULL PRIMARY KEY,
    hash bytea NOT NULL
);

-- Events with a lower number than this were recorded before there was a tree; the program adds them to it at its next start.
INSERT INTO sequences (name, next) SELECT 'audit_adopt', next FROM sequences WHERE name = 'audit_events';

-- Each filter of the log's page has an index in the order of its pages.
DROP INDEX ix_audit_events_user;
CREATE INDEX ix_audit_events_user ON audit_events (LOWER(user_name), id);
CREATE INDEX ix_audit_events_centre ON audit_events (centre_id, id);
CREATE INDEX ix_audit_events_code ON audit_events (code, id);
CREATE INDEX ix_audit_events_at ON audit_events (at, id);
DROP INDEX ix_audit_subjects_patient;
CREATE INDEX ix_audit_subjects_patient ON audit_subjects (patient_id, event_id);

-- Who looked through the log of which period, with what remark.
CREATE TABLE audit_reviews (
    id bigint NOT NULL PRIMARY KEY,
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL, -- the first moment after it
    remark text COLLATE "C" NOT NULL,
    reviewed_by text COLLATE "C" NOT NULL,
    reviewed_at timestamptz NOT NULL
);
INSERT INTO sequences (name, next) VALUES ('audit_reviews', 1);
