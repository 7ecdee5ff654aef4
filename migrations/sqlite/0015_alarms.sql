-- +goose Up

-- What of the access log is an alarm. Who caused it is an account, a token or an address.
CREATE TABLE audit_alarms (
    id INTEGER NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    cause TEXT NOT NULL,
    day TEXT NOT NULL,
    period TEXT NOT NULL, -- in which n was counted: the day, or an hour of it
    n INTEGER NOT NULL,
    most INTEGER NOT NULL, -- from here on it was an alarm
    centre_id INTEGER NOT NULL, -- the unusual centre; 0 for none
    first_at DATETIME NOT NULL,
    last_at DATETIME NOT NULL,
    first_record INTEGER NOT NULL,
    last_record INTEGER NOT NULL,
    closed_by TEXT NOT NULL,
    closed_at DATETIME NULL,
    remark TEXT NOT NULL
);
CREATE INDEX ix_audit_alarms_cause ON audit_alarms (kind, day, cause, id);
CREATE INDEX ix_audit_alarms_closed ON audit_alarms (closed_at, id);

-- What was counted for alarms in an hour or a day.
CREATE TABLE audit_counts (
    kind TEXT NOT NULL,
    cause TEXT NOT NULL,
    period TEXT NOT NULL,
    n INTEGER NOT NULL,
    first_at DATETIME NOT NULL,
    first_record INTEGER NOT NULL,
    last_at DATETIME NOT NULL,
    PRIMARY KEY (kind, cause, period)
) WITHOUT ROWID;
CREATE INDEX ix_audit_counts_last ON audit_counts (last_at);

-- In which centres somebody who may see all centres has seen patients.
CREATE TABLE audit_centres (
    cause TEXT NOT NULL,
    centre_id INTEGER NOT NULL,
    first_at DATETIME NOT NULL,
    last_at DATETIME NOT NULL,
    PRIMARY KEY (cause, centre_id)
) WITHOUT ROWID;

-- Records with a lower number than audit_watched were looked through for alarms; those from before there were alarms are not.
INSERT INTO sequences (name, next) SELECT 'audit_watched', next FROM sequences WHERE name = 'audit_events';
INSERT INTO sequences (name, next) VALUES ('audit_alarms', 1);

-- The page of the log can be filtered on the result.
CREATE INDEX ix_audit_events_result ON audit_events (result, id);
