-- +goose Up

-- Why, in the words of who acted; the machine that recorded it; and the seal (an HMAC with the program's key).
ALTER TABLE audit_events ADD reason nvarchar(400) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT df_audit_events_reason DEFAULT N'';
ALTER TABLE audit_events ADD source nvarchar(100) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT df_audit_events_source DEFAULT N'';
ALTER TABLE audit_events ADD seal varbinary(32) NULL;

-- The hash tree over the events, in the layout of golang.org/x/mod/sumdb/tlog. Rows are only added.
CREATE TABLE audit_hashes (
    id bigint NOT NULL CONSTRAINT pk_audit_hashes PRIMARY KEY,
    hash binary(32) NOT NULL
);

-- Events with a lower number than this were recorded before there was a tree; the program adds them to it at its next start.
INSERT INTO sequences (name, next) SELECT N'audit_adopt', next FROM sequences WHERE name = N'audit_events';

-- Each filter of the log's page has an index in the order of its pages.
DROP INDEX ix_audit_events_user ON audit_events;
ALTER TABLE audit_events ADD user_lower AS LOWER(user_name) PERSISTED;
CREATE INDEX ix_audit_events_user ON audit_events (user_lower, id);
CREATE INDEX ix_audit_events_centre ON audit_events (centre_id, id);
CREATE INDEX ix_audit_events_code ON audit_events (code, id);
CREATE INDEX ix_audit_events_at ON audit_events (at, id);
DROP INDEX ix_audit_subjects_patient ON audit_subjects;
CREATE INDEX ix_audit_subjects_patient ON audit_subjects (patient_id, event_id);

-- Who looked through the log of which period, with what remark.
CREATE TABLE audit_reviews (
    id bigint NOT NULL CONSTRAINT pk_audit_reviews PRIMARY KEY,
    from_at datetimeoffset(3) NOT NULL,
    to_at datetimeoffset(3) NOT NULL, -- the first moment after it
    remark nvarchar(2000) COLLATE Latin1_General_BIN2 NOT NULL,
    reviewed_by nvarchar(600) COLLATE Latin1_General_BIN2 NOT NULL,
    reviewed_at datetimeoffset(3) NOT NULL
);
INSERT INTO sequences (name, next) VALUES (N'audit_reviews', 1);
