-- +goose Up

-- What of the access log is an alarm. Who caused it is an account, a token or an address.
CREATE TABLE audit_alarms (
    id bigint NOT NULL CONSTRAINT pk_audit_alarms PRIMARY KEY,
    kind nvarchar(20) COLLATE Latin1_General_BIN2 NOT NULL,
    cause nvarchar(300) COLLATE Latin1_General_BIN2 NOT NULL,
    day nvarchar(10) COLLATE Latin1_General_BIN2 NOT NULL,
    period nvarchar(16) COLLATE Latin1_General_BIN2 NOT NULL, -- in which n was counted: the day, or an hour of it
    n int NOT NULL,
    most int NOT NULL, -- from here on it was an alarm
    centre_id bigint NOT NULL, -- the unusual centre; 0 for none
    first_at datetimeoffset(3) NOT NULL,
    last_at datetimeoffset(3) NOT NULL,
    first_record bigint NOT NULL,
    last_record bigint NOT NULL,
    closed_by nvarchar(300) COLLATE Latin1_General_BIN2 NOT NULL,
    closed_at datetimeoffset(3) NULL,
    remark nvarchar(500) COLLATE Latin1_General_BIN2 NOT NULL
);
CREATE INDEX ix_audit_alarms_cause ON audit_alarms (kind, day, cause, id);
CREATE INDEX ix_audit_alarms_closed ON audit_alarms (closed_at, id);

-- What was counted for alarms in an hour or a day.
CREATE TABLE audit_counts (
    kind nvarchar(20) COLLATE Latin1_General_BIN2 NOT NULL,
    cause nvarchar(300) COLLATE Latin1_General_BIN2 NOT NULL,
    period nvarchar(16) COLLATE Latin1_General_BIN2 NOT NULL,
    n int NOT NULL,
    first_at datetimeoffset(3) NOT NULL,
    first_record bigint NOT NULL,
    last_at datetimeoffset(3) NOT NULL,
    CONSTRAINT pk_audit_counts PRIMARY KEY (kind, cause, period)
);
CREATE INDEX ix_audit_counts_last ON audit_counts (last_at);

-- In which centres somebody who may see all centres has seen patients.
CREATE TABLE audit_centres (
    cause nvarchar(300) COLLATE Latin1_General_BIN2 NOT NULL,
    centre_id bigint NOT NULL,
    first_at datetimeoffset(3) NOT NULL,
    last_at datetimeoffset(3) NOT NULL,
    CONSTRAINT pk_audit_centres PRIMARY KEY (cause, centre_id)
);

-- Records with a lower number than audit_watched were looked through for alarms; those from before there were alarms are not.
INSERT INTO sequences (name, next) SELECT N'audit_watched', next FROM sequences WHERE name = N'audit_events';
INSERT INTO sequences (name, next) VALUES (N'audit_alarms', 1);

-- The page of the log can be filtered on the result.
CREATE INDEX ix_audit_events_result ON audit_events (result, id);
