-- +goose Up

-- What of the access log is an alarm. Who caused it is an account, a token or an address.
CREATE TABLE audit_alarms (
    id bigint NOT NULL PRIMARY KEY,
    kind text COLLATE "C" NOT NULL,
    cause text COLLATE "C" NOT NULL,
    day text COLLATE "C" NOT NULL,
    period text COLLATE "C" NOT NULL, -- in which n was counted: the day, or an hour of it
    n bigint NOT NULL,
    most bigint NOT NULL, -- from here on it was an alarm
    centre_id bigint NOT NULL, -- the unusual centre; 0 for none
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    first_record bigint NOT NULL,
    last_record bigint NOT NULL,
    closed_by text COLLATE "C" NOT NULL,
    closed_at timestamptz NULL,
    remark text COLLATE "C" NOT NULL
);
CREATE INDEX ix_audit_alarms_cause ON audit_alarms (kind, day, cause, id);
CREATE INDEX ix_audit_alarms_closed ON audit_alarms (closed_at, id);

-- What was counted for alarms in an hour or a day.
CREATE TABLE audit_counts (
    kind text COLLATE "C" NOT NULL,
    cause text COLLATE "C" NOT NULL,
    period text COLLATE "C" NOT NULL,
    n bigint NOT NULL,
    first_at timestamptz NOT NULL,
    first_record bigint NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (kind, cause, period)
);
CREATE INDEX ix_audit_counts_last ON audit_counts (last_at);

-- In which centres somebody who may see all centres has seen patients.
CREATE TABLE audit_centres (
    cause text COLLATE "C" NOT NULL,
    centre_id bigint NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (cause, centre_id)
);

-- Records with a lower number than audit_watched were looked through for alarms; those from before there were alarms are not.
INSERT INTO sequences (name, next) SELECT 'audit_watched', next FROM sequences WHERE name = 'audit_events';
INSERT INTO sequences (name, next) VALUES ('audit_alarms', 1);

-- The page of the log can be filtered on the result.
CREATE INDEX ix_audit_events_result ON audit_events (result, id);
