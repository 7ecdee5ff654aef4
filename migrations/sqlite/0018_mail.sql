-- +goose Up

-- A message that waits to be sent. What it says is sealed, and destroyed once it is sent.
CREATE TABLE mails (
    id INTEGER NOT NULL PRIMARY KEY,
    public_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL, -- waiting, sent or given_up
    key_id TEXT NOT NULL,
    wrapped_key BLOB NULL,
    content BLOB NULL,
    attempts INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    next_try_at DATETIME NOT NULL,
    created_at DATETIME NOT NULL,
    ended_at DATETIME NULL
);
CREATE INDEX ix_mails_next ON mails (state, next_try_at);
INSERT INTO sequences (name, next) VALUES ('mails', 1);

ALTER TABLE tokens ADD COLUMN addresses TEXT NOT NULL DEFAULT ''; -- networks from which it may be used; empty for all
ALTER TABLE tokens ADD COLUMN certificate TEXT NOT NULL DEFAULT ''; -- SHA-256 of the client certificate that must go with it
ALTER TABLE tokens ADD COLUMN warned_days INTEGER NOT NULL DEFAULT 0; -- how long before its end the last mail went out

ALTER TABLE centres ADD COLUMN birth_year_only BOOLEAN NOT NULL DEFAULT FALSE;
