-- +goose Up

-- A message that waits to be sent. What it says is sealed, and destroyed once it is sent.
CREATE TABLE mails (
    id bigint NOT NULL PRIMARY KEY,
    public_id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL, -- waiting, sent or given_up
    key_id text COLLATE "C" NOT NULL,
    wrapped_key bytea NULL,
    content bytea NULL,
    attempts bigint NOT NULL,
    fence bigint NOT NULL,
    next_try_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    ended_at timestamptz NULL
);
CREATE INDEX ix_mails_next ON mails (state, next_try_at);
INSERT INTO sequences (name, next) VALUES ('mails', 1);

ALTER TABLE tokens ADD COLUMN addresses text COLLATE "C" NOT NULL DEFAULT ''; -- networks from which it may be used; empty for all
ALTER TABLE tokens ADD COLUMN certificate text COLLATE "C" NOT NULL DEFAULT ''; -- SHA-256 of the client certificate that must go with it
ALTER TABLE tokens ADD COLUMN warned_days bigint NOT NULL DEFAULT 0; -- how long before its end the last mail went out

ALTER TABLE centres ADD COLUMN birth_year_only boolean NOT NULL DEFAULT FALSE;
