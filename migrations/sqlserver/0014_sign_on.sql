-- +goose Up

-- An OpenID provider at which people sign in.
CREATE TABLE sign_on_providers (
    id bigint NOT NULL CONSTRAINT pk_sign_on_providers PRIMARY KEY,
    public_id nvarchar(36) COLLATE Latin1_General_BIN2 NOT NULL,
    name nvarchar(200) COLLATE Latin1_General_BIN2 NOT NULL, -- on the button
    centre_id bigint NULL CONSTRAINT fk_sign_on_providers_centre_id REFERENCES centres (id), -- NULL: the registry's own
    issuer nvarchar(500) COLLATE Latin1_General_BIN2 NOT NULL,
    client_id nvarchar(300) COLLATE Latin1_General_BIN2 NOT NULL,
    secret_file nvarchar(100) COLLATE Latin1_General_BIN2 NOT NULL, -- the name of the file; the secret is not in the database
    scopes nvarchar(500) COLLATE Latin1_General_BIN2 NOT NULL, -- space separated, as are the lists below
    domains nvarchar(2000) COLLATE Latin1_General_BIN2 NOT NULL,
    makes_accounts bit NOT NULL,
    factor_methods nvarchar(500) COLLATE Latin1_General_BIN2 NOT NULL, -- values of amr
    factor_levels nvarchar(500) COLLATE Latin1_General_BIN2 NOT NULL, -- values of acr
    enabled bit NOT NULL,
    created_at datetimeoffset(3) NOT NULL,
    changed_at datetimeoffset(3) NOT NULL
);
CREATE UNIQUE INDEX ux_sign_on_providers_public ON sign_on_providers (public_id);

-- Which role a claim gives. The centre is the provider's.
CREATE TABLE sign_on_roles (
    provider_id bigint NOT NULL CONSTRAINT fk_sign_on_roles_provider_id REFERENCES sign_on_providers (id),
    position int NOT NULL,
    claim nvarchar(200) COLLATE Latin1_General_BIN2 NOT NULL,
    value nvarchar(200) COLLATE Latin1_General_BIN2 NOT NULL,
    role nvarchar(20) COLLATE Latin1_General_BIN2 NOT NULL,
    CONSTRAINT pk_sign_on_roles PRIMARY KEY (provider_id, position)
);

-- Whose account it is. The key is a hash of the issuer and the subject there.
CREATE TABLE sign_on_people (
    person_key varbinary(32) NOT NULL CONSTRAINT pk_sign_on_people PRIMARY KEY,
    provider_id bigint NOT NULL CONSTRAINT fk_sign_on_people_provider_id REFERENCES sign_on_providers (id),
    user_id bigint NOT NULL CONSTRAINT fk_sign_on_people_user_id REFERENCES users (id),
    linked_at datetimeoffset(3) NOT NULL
);
CREATE UNIQUE INDEX ux_sign_on_people_user ON sign_on_people (user_id);

-- Sign-ins that are under way. A row is deleted by the answer that belongs to it.
CREATE TABLE sign_on_flows (
    state_hash varbinary(32) NOT NULL CONSTRAINT pk_sign_on_flows PRIMARY KEY,
    browser_hash varbinary(32) NOT NULL,
    address_hash varbinary(32) NOT NULL,
    provider_id bigint NOT NULL CONSTRAINT fk_sign_on_flows_provider_id REFERENCES sign_on_providers (id),
    nonce nvarchar(100) COLLATE Latin1_General_BIN2 NOT NULL,
    verifier nvarchar(200) COLLATE Latin1_General_BIN2 NOT NULL,
    next nvarchar(500) COLLATE Latin1_General_BIN2 NOT NULL,
    link_hash varbinary(32) NULL,
    created_at datetimeoffset(3) NOT NULL,
    expires_at datetimeoffset(3) NOT NULL
);
CREATE INDEX ix_sign_on_flows_expires ON sign_on_flows (expires_at);
CREATE INDEX ix_sign_on_flows_address ON sign_on_flows (address_hash, created_at);

-- Logout tokens that have been used, for as long as they would be accepted.
CREATE TABLE sign_on_used (
    token_key varbinary(32) NOT NULL CONSTRAINT pk_sign_on_used PRIMARY KEY,
    expires_at datetimeoffset(3) NOT NULL
);
CREATE INDEX ix_sign_on_used_expires ON sign_on_used (expires_at);

ALTER TABLE users ADD provider_id bigint NULL; -- signs in at a provider, and has no password
ALTER TABLE sessions ADD provider_id bigint NULL;
ALTER TABLE sessions ADD provider_session varbinary(32) NULL; -- a hash of its name at the provider
CREATE INDEX ix_sessions_provider ON sessions (provider_id, provider_session);

INSERT INTO sequences (name, next) VALUES ('sign_on_providers', 1);
