-- +goose Up

ALTER TABLE users ADD name nvarchar(200) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT df_users_name DEFAULT N''; -- of the person, as a colleague knows them
ALTER TABLE users ADD last_sign_in_at datetimeoffset(3) NULL;
CREATE UNIQUE INDEX ux_users_public ON users (public_id);

-- A one-time link: whoever has it sets the password of the account, once.
CREATE TABLE account_links (
    token_hash varbinary(32) NOT NULL CONSTRAINT pk_account_links PRIMARY KEY, -- SHA-256 of the token in the link
    user_id bigint NULL CONSTRAINT fk_account_links_user_id REFERENCES users (id), -- NULL: the link that makes the first administrator
    purpose nvarchar(10) COLLATE Latin1_General_BIN2 NOT NULL, -- invite, reset or first
    created_by nvarchar(300) COLLATE Latin1_General_BIN2 NOT NULL,
    created_at datetimeoffset(3) NOT NULL,
    expires_at datetimeoffset(3) NOT NULL
);
CREATE INDEX ix_account_links_user ON account_links (user_id);

-- What was changed about an account, by whom and why.
CREATE TABLE account_changes (
    id bigint NOT NULL CONSTRAINT pk_account_changes PRIMARY KEY,
    user_id bigint NOT NULL CONSTRAINT fk_account_changes_user_id REFERENCES users (id),
    code nvarchar(60) COLLATE Latin1_General_BIN2 NOT NULL,
    was nvarchar(200) COLLATE Latin1_General_BIN2 NOT NULL, -- roles and centre before
    became nvarchar(200) COLLATE Latin1_General_BIN2 NOT NULL,
    reason nvarchar(500) COLLATE Latin1_General_BIN2 NOT NULL,
    changed_by nvarchar(300) COLLATE Latin1_General_BIN2 NOT NULL,
    changed_at datetimeoffset(3) NOT NULL
);
CREATE INDEX ix_account_changes_user ON account_changes (user_id, id);

ALTER TABLE sessions ADD public_id nvarchar(36) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT df_sessions_public_id DEFAULT N'';
ALTER TABLE sessions ADD address nvarchar(64) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT df_sessions_address DEFAULT N'';
ALTER TABLE sessions ADD browser nvarchar(100) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT df_sessions_browser DEFAULT N'';

-- A review of who has access, signed off.
CREATE TABLE access_reviews (
    id bigint NOT NULL CONSTRAINT pk_access_reviews PRIMARY KEY,
    signed_by nvarchar(300) COLLATE Latin1_General_BIN2 NOT NULL,
    signed_at datetimeoffset(3) NOT NULL,
    accounts int NOT NULL, -- that could sign in at that moment
    blocked int NOT NULL,
    tokens int NOT NULL,
    remark nvarchar(500) COLLATE Latin1_General_BIN2 NOT NULL,
    due_at datetimeoffset(3) NOT NULL -- of the next one
);

ALTER TABLE centres ADD temporary_refused bit NOT NULL CONSTRAINT df_centres_temporary_refused DEFAULT 0;
ALTER TABLE centres ADD max_rows int NOT NULL CONSTRAINT df_centres_max_rows DEFAULT 0; -- 0: the registry's
ALTER TABLE centres ADD contact_name nvarchar(200) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT df_centres_contact_name DEFAULT N'';
ALTER TABLE centres ADD contact_email nvarchar(254) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT df_centres_contact_email DEFAULT N'';
ALTER TABLE centres ADD contact_phone nvarchar(50) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT df_centres_contact_phone DEFAULT N'';

ALTER TABLE tokens ADD created_by nvarchar(300) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT df_tokens_created_by DEFAULT N'';
ALTER TABLE tokens ADD last_used_at datetimeoffset(3) NULL;

INSERT INTO sequences (name, next) VALUES ('account_changes', 1);
INSERT INTO sequences (name, next) VALUES ('access_reviews', 1);
