-- +goose Up

-- A session of somebody whose second factor is still missing is half; the others say how and when it was last given.
-- Whoever is signed in at this moment signs in once more.
DELETE FROM sessions;
ALTER TABLE sessions ADD COLUMN half boolean NOT NULL DEFAULT FALSE;
ALTER TABLE sessions ADD COLUMN proved_by text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN proved_at timestamptz NULL;

-- Passkeys (WebAuthn). There is no secret here: the private key is on the device.
CREATE TABLE passkeys (
    id bigint NOT NULL PRIMARY KEY,
    public_id text COLLATE "C" NOT NULL,
    user_id bigint NOT NULL REFERENCES users (id),
    name text COLLATE "C" NOT NULL, -- as its owner calls it
    credential_hash bytea NOT NULL, -- SHA-256 of the credential's id, which may be long
    credential bytea NOT NULL,
    record bytea NOT NULL, -- public key, transports, flags
    sign_count bigint NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NULL
);
CREATE UNIQUE INDEX ux_passkeys_credential ON passkeys (credential_hash);
CREATE UNIQUE INDEX ux_passkeys_public ON passkeys (public_id);
CREATE INDEX ix_passkeys_user ON passkeys (user_id);

-- The authenticator app of an account.
CREATE TABLE totp_apps (
    user_id bigint NOT NULL PRIMARY KEY REFERENCES users (id),
    wrapped_key bytea NOT NULL, -- of the sealed secret; wrapped by a key that is not in the database
    secret bytea NOT NULL, -- sealed
    last_step bigint NOT NULL, -- the last code that was used; it and those before it are refused
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NULL
);

-- Recovery codes: argon2id with a salt for the set of an account.
CREATE TABLE recovery_codes (
    user_id bigint NOT NULL REFERENCES users (id),
    code_hash bytea NOT NULL,
    salt bytea NOT NULL,
    created_at timestamptz NOT NULL,
    used_at timestamptz NULL,
    PRIMARY KEY (user_id, code_hash)
);

-- Challenges for a passkey that were answered, so that an answer counts once.
CREATE TABLE used_challenges (
    challenge_hash bytea NOT NULL PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ix_used_challenges_expires ON used_challenges (expires_at);

INSERT INTO sequences (name, next) VALUES ('passkeys', 1);
