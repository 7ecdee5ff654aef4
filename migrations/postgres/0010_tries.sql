-- +goose Up

-- Tries to sign in that failed or were refused, counted by account and address, by account, by address and over
-- all. The keys are keyed hashes: the table tells nobody what was typed.
CREATE TABLE sign_in_tries (
    key_hash bytea NOT NULL PRIMARY KEY,
    failures bigint NOT NULL,
    refused bigint NOT NULL,
    turn_at timestamptz NOT NULL, -- when the next one is checked
    expires_at timestamptz NOT NULL
);
CREATE INDEX ix_sign_in_tries_expires ON sign_in_tries (expires_at);
