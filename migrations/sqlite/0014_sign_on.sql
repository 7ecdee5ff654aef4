-- +goose Up

-- An OpenID provider at which people sign in.
CREATE TABLE sign_on_providers (
    id INTEGER NOT NULL PRIMARY KEY,
    public_id TEXT NOT NULL,
    name TEXT NOT NULL, -- on the button
    centre_id INTEGER NULL REFERENCES centres (id), -- NULL: the registry's own
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    secret_file TEXT NOT NULL, -- the name of the file; the secret is not in the database
    scopes TEXT NOT NULL, -- space separated, as are the lists below
    domains TEXT NOT NULL,
    makes_accounts BOOLEAN NOT NULL,
    factor_methods TEXT NOT NULL, -- values of amr
    factor_levels TEXT NOT NULL, -- values of acr
    enabled BOOLEAN NOT NULL,
    created_at DATETIME NOT NULL,
    changed_at DATETIME NOT NULL
);
CREATE UNIQUE INDEX ux_sign_on_providers_public ON sign_on_providers (public_id);

-- Which role a claim gives. The centre is the provider's.
CREATE TABLE sign_on_roles (
    provider_id INTEGER NOT NULL REFERENCES sign_on_providers (id),
    position INTEGER NOT NULL,
    claim TEXT NOT NULL,
    value TEXT NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (provider_id, position)
) WITHOUT ROWID;

-- Whose account it is. The key is a hash of the issuer and the subject there.
CREATE TABLE sign_on_people (
    person_key BLOB NOT NULL PRIMARY KEY,
    provider_id INTEGER NOT NULL REFERENCES sign_on_providers (id),
    user_id INTEGER NOT NULL REFERENCES users (id),
    linked_at DATETIME NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX ux_sign_on_people_user ON sign_on_people (user_id);

-- Sign-ins that are under way. A row is deleted by the answer that belongs to it.
CREATE TABLE sign_on_flows (
    state_hash BLOB NOT NULL PRIMARY KEY,
    browser_hash BLOB NOT NULL,
    address_hash BLOB NOT NULL,
    provider_id INTEGER NOT NULL REFERENCES sign_on_providers (id),
    nonce TEXT NOT NULL,
    verifier TEXT NOT NULL,
    next TEXT NOT NULL,
    link_hash BLOB NULL,
    created_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL
) WITHOUT ROWID;
CREATE INDEX ix_sign_on_flows_expires ON sign_on_flows (expires_at);
CREATE INDEX ix_sign_on_flows_address ON sign_on_flows (address_hash, created_at);

-- Logout tokens that have been used, for as long as they would be accepted.
CREATE TABLE sign_on_used (
    token_key BLOB NOT NULL PRIMARY KEY,
    expires_at DATETIME NOT NULL
) WITHOUT ROWID;
CREATE INDEX ix_sign_on_used_expires ON sign_on_used (expires_at);

ALTER TABLE users ADD COLUMN provider_id INTEGER NULL; -- signs in at a provider, and has no password
ALTER TABLE sessions ADD COLUMN provider_id INTEGER NULL;
ALTER TABLE sessions ADD COLUMN provider_session BLOB NULL; -- a hash of its name at the provider
CREATE INDEX ix_sessions_provider ON sessions (provider_id, provider_session);

INSERT INTO sequences (name, next) VALUES ('sign_on_providers', 1);
