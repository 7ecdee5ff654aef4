-- +goose Up

-- Tries to sign in that failed or were refused, counted by account and address, by account, by address and over
-- all. The keys are keyed hashes: the table tells nobody what was typed.
CREATE TABLE sign_in_tries (
    key_hash binary(32) NOT NULL CONSTRAINT pk_sign_in_tries PRIMARY KEY,
    failures int NOT NULL,
    refused int NOT NULL,
    turn_at datetimeoffset(3) NOT NULL, -- when the next one is checked
    expires_at datetimeoffset(3) NOT NULL
);
CREATE INDEX ix_sign_in_tries_expires ON sign_in_tries (expires_at);
