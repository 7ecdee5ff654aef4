-- +goose Up

-- An OpenID provider at which people sign in.
CREATE TABLE sign_on_providers (
    id bigint NOT NULL PRIMARY KEY,
    public_id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL, -- on the button
    centre_id bigint NULL REFERENCES centres (id), -- NULL: the registry's own
    issuer text COLLATE "C" NOT NULL,
    client_id text COLLATE "C" NOT NULL,
    secret_file text COLLATE "C" NOT NULL, -- the name of the file; the secret is not in the database
    scopes text COLLATE "C" NOT NULL, -- space separated, as are the lists below
    domains text COLLATE "C" NOT NULL,
    makes_accounts boolean NOT NULL,
    factor_methods text COLLATE "C" NOT NULL, -- values of amr
    factor_levels text COLLATE "C" NOT NULL, -- values of acr
    enabled boolean NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX ux_sign_on_providers_public ON sign_on_providers (public_id);

-- Which role a claim gives. The centre is the provider's.
CREATE TABLE sign_on_roles (
    provider_id bigint NOT NULL REFERENCES sign_on_providers (id),
    position bigint NOT NULL,
    claim text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    role text COLLATE "C" NOT NULL,
    PRIMARY KEY (provider_id, position)
);

-- Whose account it is. The key is a hash of the issuer and the subject there.
CREATE TABLE sign_on_people (
    person_key bytea NOT NULL PRIMARY KEY,
    provider_id bigint NOT NULL REFERENCES sign_on_providers (id),
    user_id bigint NOT NULL REFERENCES users (id),
    linked_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX ux_sign_on_people_user ON sign_on_people (user_id);

-- Sign-ins that are under way. A row is deleted by the answer that belongs to it.
CREATE TABLE sign_on_flows (
    state_hash bytea NOT NULL PRIMARY KEY,
    browser_hash bytea NOT NULL,
    address_hash bytea NOT NULL,
    provider_id bigint NOT NULL REFERENCES sign_on_providers (id),
    nonce text COLLATE "C" NOT NULL,
    verifier text COLLATE "C" NOT NULL,
    next text COLLATE "C" NOT NULL,
    link_hash bytea NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ix_sign_on_flows_expires ON sign_on_flows (expires_at);
CREATE INDEX ix_sign_on_flows_address ON sign_on_flows (address_hash, created_at);

-- Logout tokens that have been used, for as long as they would be accepted.
CREATE TABLE sign_on_used (
    token_key bytea NOT NULL PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ix_sign_on_used_expires ON sign_on_used (expires_at);

ALTER TABLE users ADD COLUMN provider_id bigint NULL; -- signs in at a provider, and has no password
ALTER TABLE sessions ADD COLUMN provider_id bigint NULL;
ALTER TABLE sessions ADD COLUMN provider_session bytea NULL; -- a hash of its name at the provider
CREATE INDEX ix_sessions_provider ON sessions (provider_id, provider_session);

INSERT INTO sequences (name, next) VALUES ('sign_on_providers', 1);
