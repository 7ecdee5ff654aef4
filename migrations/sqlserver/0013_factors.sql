-- +goose Up

-- A session of somebody whose second factor is still missing is half; the others say how and when it was last given.
-- Whoever is signed in at this moment signs in once more.
DELETE FROM sessions;
ALTER TABLE sessions ADD half bit NOT NULL CONSTRAINT df_sessions_half DEFAULT 0;
ALTER TABLE sessions ADD proved_by nvarchar(20) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT df_sessions_proved_by DEFAULT N'';
ALTER TABLE sessions ADD proved_at datetimeoffset(3) NULL;

-- Passkeys (WebAuthn). There is no secret here: the private key is on the device.
CREATE TABLE passkeys (
    id bigint NOT NULL CONSTRAINT pk_passkeys PRIMARY KEY,
    public_id nvarchar(36) COLLATE Latin1_General_BIN2 NOT NULL,
    user_id bigint NOT NULL CONSTRAINT fk_passkeys_user_id REFERENCES users (id),
    name nvarchar(60) COLLATE Latin1_General_BIN2 NOT NULL, -- as its owner calls it
    credential_hash binary(32) NOT NULL, -- SHA-256 of the credential's id, which may be long
    credential varbinary(1023) NOT NULL,
    record varbinary(max) NOT NULL, -- public key, transports, flags
    sign_count bigint NOT NULL,
    created_at datetimeoffset(3) NOT NULL,
    last_used_at datetimeoffset(3) NULL
);
CREATE UNIQUE INDEX ux_passkeys_credential ON passkeys (credential_hash);
CREATE UNIQUE INDEX ux_passkeys_public ON passkeys (public_id);
CREATE INDEX ix_passkeys_user ON passkeys (user_id);

-- The authenticator app of an account.
CREATE TABLE totp_apps (
    user_id bigint NOT NULL CONSTRAINT pk_totp_apps PRIMARY KEY CONSTRAINT fk_totp_apps_user_id REFERENCES users (id),
    wrapped_key varbinary(max) NOT NULL, -- of the sealed secret; wrapped by a key that is not in the database
    secret varbinary(max) NOT NULL, -- sealed
    last_step bigint NOT NULL, -- the last code that was used; it and those before it are refused
    created_at datetimeoffset(3) NOT NULL,
    last_used_at datetimeoffset(3) NULL
);

-- Recovery codes: argon2id with a salt for the set of an account.
CREATE TABLE recovery_codes (
    user_id bigint NOT NULL CONSTRAINT fk_recovery_codes_user_id REFERENCES users (id),
    code_hash binary(32) NOT NULL,
    salt binary(16) NOT NULL,
    created_at datetimeoffset(3) NOT NULL,
    used_at datetimeoffset(3) NULL,
    CONSTRAINT pk_recovery_codes PRIMARY KEY (user_id, code_hash)
);

-- Challenges for a passkey that were answered, so that an answer counts once.
CREATE TABLE used_challenges (
    challenge_hash binary(32) NOT NULL CONSTRAINT pk_used_challenges PRIMARY KEY,
    expires_at datetimeoffset(3) NOT NULL
);
CREATE INDEX ix_used_challenges_expires ON used_challenges (expires_at);

INSERT INTO sequences (name, next) VALUES ('passkeys', 1);
