-- +goose Up

-- A session of somebody whose second factor is still missing is half; the others say how and when it was last given.
-- Whoever is signed in at this moment signs in once more.
DELETE FROM sessions;
ALTER TABLE sessions ADD COLUMN half BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE sessions ADD COLUMN proved_by TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN proved_at DATETIME NULL;

-- Passkeys (WebAuthn). There is no secret here: the private key is on the device.
CREATE TABLE passkeys (
    id INTEGER NOT NULL PRIMARY KEY,
    public_id TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id),
    name TEXT NOT NULL, -- as its owner calls it
    credential_hash BLOB NOT NULL, -- SHA-256 of the credential's id, which may be long
    credential BLOB NOT NULL,
    record BLOB NOT NULL, -- public key, transports, flags
    sign_count INTEGER NOT NULL,
    created_at DATETIME NOT NULL,
    last_used_at DATETIME NULL
);
CREATE UNIQUE INDEX ux_passkeys_credential ON passkeys (credential_hash);
CREATE UNIQUE INDEX ux_passkeys_public ON passkeys (public_id);
CREATE INDEX ix_passkeys_user ON passkeys (user_id);

-- The authenticator app of an account.
CREATE TABLE totp_apps (
    user_id INTEGER NOT NULL PRIMARY KEY REFERENCES users (id),
    wrapped_key BLOB NOT NULL, -- of the sealed secret; wrapped by a key that is not in the database
    secret BLOB NOT NULL, -- sealed
    last_step INTEGER NOT NULL, -- the last code that was used; it and those before it are refused
    created_at DATETIME NOT NULL,
    last_used_at DATETIME NULL
);

-- Recovery codes: argon2id with a salt for the set of an account.
CREATE TABLE recovery_codes (
    user_id INTEGER NOT NULL REFERENCES users (id),
    code_hash BLOB NOT NULL,
    salt BLOB NOT NULL,
    created_at DATETIME NOT NULL,
    used_at DATETIME NULL,
    PRIMARY KEY (user_id, code_hash)
) WITHOUT ROWID;

-- Challenges for a passkey that were answered, so that an answer counts once.
CREATE TABLE used_challenges (
    challenge_hash BLOB NOT NULL PRIMARY KEY,
    expires_at DATETIME NOT NULL
) WITHOUT ROWID;
CREATE INDEX ix_used_challenges_expires ON used_challenges (expires_at);

INSERT INTO sequences (name, next) VALUES ('passkeys', 1);
