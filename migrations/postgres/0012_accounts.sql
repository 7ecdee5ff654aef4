-- +goose Up

ALTER TABLE users ADD COLUMN name text COLLATE "C" NOT NULL DEFAULT ''; -- of the person, as a colleague knows them
ALTER TABLE users ADD COLUMN last_sign_in_at timestamptz NULL;
CREATE UNIQUE INDEX ux_users_public ON users (public_id);

-- A one-time link: whoever has it sets the password of the account, once.
CREATE TABLE account_links (
    token_hash bytea NOT NULL PRIMARY KEY, -- SHA-256 of the token in the link
    user_id bigint NULL REFERENCES users (id), -- NULL: the link that makes the first administrator
    purpose text COLLATE "C" NOT NULL, -- invite, reset or first
    created_by text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ix_account_links_user ON account_links (user_id);

-- What was changed about an account, by whom and why.
CREATE TABLE account_changes (
    id bigint NOT NULL PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id),
    code text COLLATE "C" NOT NULL,
    was text COLLATE "C" NOT NULL, -- roles and centre before
    became text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    changed_by text COLLATE "C" NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE INDEX ix_account_changes_user ON account_changes (user_id, id);

ALTER TABLE sessions ADD COLUMN public_id text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN address text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN browser text COLLATE "C" NOT NULL DEFAULT '';

-- A review of who has access, signed off.
CREATE TABLE access_reviews (
    id bigint NOT NULL PRIMARY KEY,
    signed_by text COLLATE "C" NOT NULL,
    signed_at timestamptz NOT NULL,
    accounts bigint NOT NULL, -- that could sign in at that moment
    blocked bigint NOT NULL,
    tokens bigint NOT NULL,
    remark text COLLATE "C" NOT NULL,
    due_at timestamptz NOT NULL -- of the next one
);

ALTER TABLE centres ADD COLUMN temporary_refused boolean NOT NULL DEFAULT FALSE;
ALTER TABLE centres ADD COLUMN max_rows bigint NOT NULL DEFAULT 0; -- 0: the registry's
ALTER TABLE centres ADD COLUMN contact_name text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE centres ADD COLUMN contact_email text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE centres ADD COLUMN contact_phone text COLLATE "C" NOT NULL DEFAULT '';

ALTER TABLE tokens ADD COLUMN created_by text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN last_used_at timestamptz NULL;

INSERT INTO sequences (name, next) VALUES ('account_changes', 1), ('access_reviews', 1);
