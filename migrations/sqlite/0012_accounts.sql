-- +goose Up

ALTER TABLE users ADD COLUMN name TEXT NOT NULL DEFAULT ''; -- of the person, as a colleague knows them
ALTER TABLE users ADD COLUMN last_sign_in_at DATETIME NULL;
CREATE UNIQUE INDEX ux_users_public ON users (public_id);

-- A one-time link: whoever has it sets the password of the account, once.
CREATE TABLE account_links (
    token_hash BLOB NOT NULL PRIMARY KEY, -- SHA-256 of the token in the link
    user_id INTEGER NULL REFERENCES users (id), -- NULL: the link that makes the first administrator
    purpose TEXT NOT NULL, -- invite, reset or first
    created_by TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL
) WITHOUT ROWID;
CREATE INDEX ix_account_links_user ON account_links (user_id);

-- What was changed about an account, by whom and why.
CREATE TABLE account_changes (
    id INTEGER NOT NULL PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id),
    code TEXT NOT NULL,
    was TEXT NOT NULL, -- roles and centre before
    became TEXT NOT NULL,
    reason TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    changed_at DATETIME NOT NULL
);
CREATE INDEX ix_account_changes_user ON account_changes (user_id, id);

ALTER TABLE sessions ADD COLUMN public_id TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN browser TEXT NOT NULL DEFAULT '';

-- A review of who has access, signed off.
CREATE TABLE access_reviews (
    id INTEGER NOT NULL PRIMARY KEY,
    signed_by TEXT NOT NULL,
    signed_at DATETIME NOT NULL,
    accounts INTEGER NOT NULL, -- that could sign in at that moment
    blocked INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    remark TEXT NOT NULL,
    due_at DATETIME NOT NULL -- of the next one
);

ALTER TABLE centres ADD COLUMN temporary_refused BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE centres ADD COLUMN max_rows INTEGER NOT NULL DEFAULT 0; -- 0: the registry's
ALTER TABLE centres ADD COLUMN contact_name TEXT NOT NULL DEFAULT '';
ALTER TABLE centres ADD COLUMN contact_email TEXT NOT NULL DEFAULT '';
ALTER TABLE centres ADD COLUMN contact_phone TEXT NOT NULL DEFAULT '';

ALTER TABLE tokens ADD COLUMN created_by TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN last_used_at DATETIME NULL;

INSERT INTO sequences (name, next) VALUES ('account_changes', 1), ('access_reviews', 1);
