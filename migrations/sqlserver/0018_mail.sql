-- +goose Up

-- A message that waits to be sent. What it says is sealed, and destroyed once it is sent.
CREATE TABLE mails (
    id bigint NOT NULL CONSTRAINT pk_mails PRIMARY KEY,
    public_id nvarchar(36) COLLATE Latin1_General_BIN2 NOT NULL,
    kind nvarchar(40) COLLATE Latin1_General_BIN2 NOT NULL,
    state nvarchar(10) COLLATE Latin1_General_BIN2 NOT NULL, -- waiting, sent or given_up
    key_id nvarchar(20) COLLATE Latin1_General_BIN2 NOT NULL,
    wrapped_key varbinary(max) NULL,
    content varbinary(max) NULL,
    attempts int NOT NULL,
    fence bigint NOT NULL,
    next_try_at datetimeoffset(3) NOT NULL,
    created_at datetimeoffset(3) NOT NULL,
    ended_at datetimeoffset(3) NULL
);
CREATE INDEX ix_mails_next ON mails (state, next_try_at);
INSERT INTO sequences (name, next) VALUES ('mails', 1);

ALTER TABLE tokens ADD addresses nvarchar(2000) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT df_tokens_addresses DEFAULT N''; -- networks from which it may be used; empty for all
ALTER TABLE tokens ADD certificate nvarchar(64) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT df_tokens_certificate DEFAULT N''; -- SHA-256 of the client certificate that must go with it
ALTER TABLE tokens ADD warned_days int NOT NULL CONSTRAINT df_tokens_warned_days DEFAULT 0; -- how long before its end the last mail went out

ALTER TABLE centres ADD birth_year_only bit NOT NULL CONSTRAINT df_centres_birth_year_only DEFAULT 0;
