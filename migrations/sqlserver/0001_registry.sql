-- +goose Up

-- Keys inside are integers from this table, so that both databases make them alike.
CREATE TABLE sequences (
    name nvarchar(200) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT pk_sequences PRIMARY KEY,
    next bigint NOT NULL
);
INSERT INTO sequences (name, next) VALUES ('centres', 1);
INSERT INTO sequences (name, next) VALUES ('users', 1);
INSERT INTO sequences (name, next) VALUES ('tokens', 1);
INSERT INTO sequences (name, next) VALUES ('patients', 1);
INSERT INTO sequences (name, next) VALUES ('deliveries', 1);
INSERT INTO sequences (name, next) VALUES ('chunks', 1);
INSERT INTO sequences (name, next) VALUES ('audit_events', 1);
INSERT INTO sequences (name, next) VALUES ('reviews', 1);

CREATE TABLE centres (
    id bigint NOT NULL CONSTRAINT pk_centres PRIMARY KEY,
    number nvarchar(20) COLLATE Latin1_General_BIN2 NOT NULL,
    name nvarchar(200) COLLATE Latin1_General_BIN2 NOT NULL,
    identities_allowed bit NOT NULL,
    created_at datetimeoffset(3) NOT NULL
);
CREATE UNIQUE INDEX ux_centres_number ON centres (number);

CREATE TABLE users (
    id bigint NOT NULL CONSTRAINT pk_users PRIMARY KEY,
    public_id nvarchar(36) COLLATE Latin1_General_BIN2 NOT NULL,
    email nvarchar(254) COLLATE Latin1_General_BIN2 NOT NULL, -- lower case
    password_hash nvarchar(200) COLLATE Latin1_General_BIN2 NOT NULL,
    roles nvarchar(100) COLLATE Latin1_General_BIN2 NOT NULL, -- comma separated
    centre_id bigint NULL CONSTRAINT fk_users_centre_id REFERENCES centres (id),
    demo bit NOT NULL,
    created_at datetimeoffset(3) NOT NULL,
    disabled_at datetimeoffset(3) NULL
);
CREATE UNIQUE INDEX ux_users_email ON users (email);

CREATE TABLE sessions (
    token_hash varbinary(32) NOT NULL CONSTRAINT pk_sessions PRIMARY KEY, -- SHA-256 of the cookie's token
    user_id bigint NOT NULL CONSTRAINT fk_sessions_user_id REFERENCES users (id),
    data varbinary(max) NULL,
    created_at datetimeoffset(3) NOT NULL,
    last_seen_at datetimeoffset(3) NOT NULL,
    idle_expires_at datetimeoffset(3) NOT NULL,
    expires_at datetimeoffset(3) NOT NULL
);
CREATE INDEX ix_sessions_user ON sessions (user_id);
CREATE INDEX ix_sessions_expires ON sessions (expires_at);

CREATE TABLE tokens (
    id bigint NOT NULL CONSTRAINT pk_tokens PRIMARY KEY,
    public_id nvarchar(36) COLLATE Latin1_General_BIN2 NOT NULL,
    name nvarchar(200) COLLATE Latin1_General_BIN2 NOT NULL,
    token_hash varbinary(32) NOT NULL, -- SHA-256 of the token
    role nvarchar(100) COLLATE Latin1_General_BIN2 NOT NULL,
    centre_id bigint NULL CONSTRAINT fk_tokens_centre_id REFERENCES centres (id),
    demo bit NOT NULL,
    created_at datetimeoffset(3) NOT NULL,
    expires_at datetimeoffset(3) NULL,
    revoked_at datetimeoffset(3) NULL
);
CREATE UNIQUE INDEX ux_tokens_hash ON tokens (token_hash);

-- A patient is (centre, patient number); the number is text and compared exactly.
CREATE TABLE patients (
    id bigint NOT NULL CONSTRAINT pk_patients PRIMARY KEY,
    public_id nvarchar(36) COLLATE Latin1_General_BIN2 NOT NULL,
    centre_id bigint NOT NULL CONSTRAINT fk_patients_centre_id REFERENCES centres (id),
    patient_number nvarchar(128) COLLATE Latin1_General_BIN2 NOT NULL,
    birth nvarchar(10) COLLATE Latin1_General_BIN2 NOT NULL, -- 2001-01-31, or 2001 where the registry keeps years, or empty
    sex nvarchar(1) COLLATE Latin1_General_BIN2 NOT NULL, -- m, v or empty
    version bigint NOT NULL,
    created_at datetimeoffset(3) NOT NULL,
    updated_at datetimeoffset(3) NOT NULL
);
CREATE UNIQUE INDEX ux_patients_number ON patients (centre_id, patient_number);
CREATE UNIQUE INDEX ux_patients_public ON patients (public_id);

-- Found by a narrow hash of type, domain, key version and value; then compared.
CREATE TABLE pseudonyms (
    patient_id bigint NOT NULL CONSTRAINT fk_pseudonyms_patient_id REFERENCES patients (id),
    type nvarchar(60) COLLATE Latin1_General_BIN2 NOT NULL,
    domain nvarchar(60) COLLATE Latin1_General_BIN2 NOT NULL,
    key_version bigint NOT NULL,
    value_hash bigint NOT NULL,
    value nvarchar(1024) COLLATE Latin1_General_BIN2 NOT NULL,
    observed_on nvarchar(10) COLLATE Latin1_General_BIN2 NOT NULL, -- 2026-01-31
    CONSTRAINT pk_pseudonyms PRIMARY KEY (patient_id, type, domain, key_version, value_hash)
);
CREATE INDEX ix_pseudonyms_hash ON pseudonyms (value_hash);

CREATE TABLE deliveries (
    id bigint NOT NULL CONSTRAINT pk_deliveries PRIMARY KEY,
    public_id nvarchar(36) COLLATE Latin1_General_BIN2 NOT NULL,
    centre_id bigint NOT NULL CONSTRAINT fk_deliveries_centre_id REFERENCES centres (id),
    filename nvarchar(510) COLLATE Latin1_General_BIN2 NOT NULL,
    kind nvarchar(30) COLLATE Latin1_General_BIN2 NOT NULL,
    mode nvarchar(10) COLLATE Latin1_General_BIN2 NOT NULL,
    state nvarchar(20) COLLATE Latin1_General_BIN2 NOT NULL,
    via nvarchar(10) COLLATE Latin1_General_BIN2 NOT NULL,
    confirmed bit NOT NULL,
    user_id bigint NOT NULL, -- 0 for an API token
    user_name nvarchar(600) COLLATE Latin1_General_BIN2 NOT NULL,
    user_role nvarchar(100) COLLATE Latin1_General_BIN2 NOT NULL,
    address nvarchar(64) COLLATE Latin1_General_BIN2 NOT NULL,
    request_id nvarchar(64) COLLATE Latin1_General_BIN2 NOT NULL,
    file_mac varbinary(32) NULL, -- keyed hash: the same file is known again
    file_bytes bigint NOT NULL,
    same_as nvarchar(36) COLLATE Latin1_General_BIN2 NOT NULL, -- public id of the first delivery of this file, or empty
    key_id nvarchar(20) COLLATE Latin1_General_BIN2 NOT NULL, -- the wrapping key; empty once the key is destroyed
    wrapped_key varbinary(max) NULL,
    columns nvarchar(MAX) COLLATE Latin1_General_BIN2 NOT NULL, -- JSON: field to header
    refusals nvarchar(MAX) COLLATE Latin1_General_BIN2 NOT NULL, -- JSON
    notes nvarchar(MAX) COLLATE Latin1_General_BIN2 NOT NULL, -- JSON
    fail_code nvarchar(60) COLLATE Latin1_General_BIN2 NOT NULL,
    rows_read bigint NOT NULL,
    n_created bigint NOT NULL,
    n_updated bigint NOT NULL,
    n_unchanged bigint NOT NULL,
    n_rejected bigint NOT NULL,
    n_review bigint NOT NULL,
    p_created bigint NOT NULL,
    p_updated bigint NOT NULL,
    p_unchanged bigint NOT NULL,
    p_rejected bigint NOT NULL,
    p_review bigint NOT NULL,
    warnings bigint NOT NULL,
    chunks bigint NOT NULL,
    prepared bigint NOT NULL,
    resolved bigint NOT NULL,
    registered bigint NOT NULL,
    paused bit NOT NULL,
    next_try_at datetimeoffset(3) NULL,
    lease_until datetimeoffset(3) NOT NULL,
    fence bigint NOT NULL,
    failures bigint NOT NULL, -- steps that failed for a reason of ours
    created_at datetimeoffset(3) NOT NULL,
    finished_at datetimeoffset(3) NULL,
    expires_at datetimeoffset(3) NULL
);
CREATE UNIQUE INDEX ux_deliveries_public ON deliveries (public_id);
CREATE INDEX ix_deliveries_centre ON deliveries (centre_id, id);
CREATE INDEX ix_deliveries_state ON deliveries (state, id);
CREATE INDEX ix_deliveries_mac ON deliveries (centre_id, file_mac);

CREATE TABLE upload_blocks (
    delivery_id bigint NOT NULL CONSTRAINT fk_upload_blocks_delivery_id REFERENCES deliveries (id),
    no bigint NOT NULL,
    sealed varbinary(max) NOT NULL,
    CONSTRAINT pk_upload_blocks PRIMARY KEY (delivery_id, no)
);

CREATE TABLE chunks (
    id bigint NOT NULL CONSTRAINT pk_chunks PRIMARY KEY,
    delivery_id bigint NOT NULL CONSTRAINT fk_chunks_delivery_id REFERENCES deliveries (id),
    no bigint NOT NULL,
    first_line bigint NOT NULL,
    last_line bigint NOT NULL,
    holds nvarchar(20) COLLATE Latin1_General_BIN2 NOT NULL, -- identities, temporaries or definitives
    sealed varbinary(max) NOT NULL,
    call_key nvarchar(36) COLLATE Latin1_General_BIN2 NOT NULL,
    attempts bigint NOT NULL,
    next_try_at datetimeoffset(3) NOT NULL,
    lease_until datetimeoffset(3) NOT NULL,
    fence bigint NOT NULL,
    failures bigint NOT NULL -- steps that failed for a reason of ours
);
CREATE UNIQUE INDEX ux_chunks_no ON chunks (delivery_id, no);
CREATE INDEX ix_chunks_waiting ON chunks (holds, next_try_at);

CREATE TABLE delivery_rows (
    delivery_id bigint NOT NULL CONSTRAINT fk_delivery_rows_delivery_id REFERENCES deliveries (id),
    line bigint NOT NULL,
    chunk_no bigint NOT NULL,
    patient_number nvarchar(128) COLLATE Latin1_General_BIN2 NOT NULL,
    verdict nvarchar(10) COLLATE Latin1_General_BIN2 NOT NULL, -- what would happen; empty until decided
    outcome nvarchar(10) COLLATE Latin1_General_BIN2 NOT NULL,
    CONSTRAINT pk_delivery_rows PRIMARY KEY (delivery_id, line)
);

-- What deciding compares between the rows of one file; gone when it is decided for good.
CREATE TABLE row_marks (
    delivery_id bigint NOT NULL CONSTRAINT fk_row_marks_delivery_id REFERENCES deliveries (id),
    line bigint NOT NULL,
    patient_number nvarchar(128) COLLATE Latin1_General_BIN2 NOT NULL,
    link_hash bigint NOT NULL,
    content_hash bigint NOT NULL,
    CONSTRAINT pk_row_marks PRIMARY KEY (delivery_id, line)
);
CREATE INDEX ix_row_marks_number ON row_marks (delivery_id, patient_number);
CREATE INDEX ix_row_marks_link ON row_marks (delivery_id, link_hash);

CREATE TABLE findings (
    delivery_id bigint NOT NULL CONSTRAINT fk_findings_delivery_id REFERENCES deliveries (id),
    line bigint NOT NULL,
    seq bigint NOT NULL, -- stage and place in it
    patient_number nvarchar(128) COLLATE Latin1_General_BIN2 NOT NULL,
    stage nvarchar(10) COLLATE Latin1_General_BIN2 NOT NULL,
    severity nvarchar(10) COLLATE Latin1_General_BIN2 NOT NULL,
    source nvarchar(10) COLLATE Latin1_General_BIN2 NOT NULL,
    code nvarchar(60) COLLATE Latin1_General_BIN2 NOT NULL,
    field nvarchar(60) COLLATE Latin1_General_BIN2 NOT NULL,
    message nvarchar(2000) COLLATE Latin1_General_BIN2 NOT NULL, -- the TTP's words; Sluis's own are in the catalogue
    partners nvarchar(200) COLLATE Latin1_General_BIN2 NOT NULL, -- lines, comma separated
    CONSTRAINT pk_findings PRIMARY KEY (delivery_id, line, seq)
);

CREATE TABLE reviews (
    id bigint NOT NULL CONSTRAINT pk_reviews PRIMARY KEY,
    public_id nvarchar(36) COLLATE Latin1_General_BIN2 NOT NULL,
    centre_id bigint NOT NULL CONSTRAINT fk_reviews_centre_id REFERENCES centres (id),
    delivery_id bigint NULL CONSTRAINT fk_reviews_delivery_id REFERENCES deliveries (id),
    line bigint NOT NULL,
    patient_number nvarchar(128) COLLATE Latin1_General_BIN2 NOT NULL,
    birth nvarchar(10) COLLATE Latin1_General_BIN2 NOT NULL,
    sex nvarchar(1) COLLATE Latin1_General_BIN2 NOT NULL,
    pseudonyms nvarchar(MAX) COLLATE Latin1_General_BIN2 NOT NULL, -- JSON
    content_hash bigint NOT NULL,
    reason nvarchar(30) COLLATE Latin1_General_BIN2 NOT NULL,
    patient_id bigint NULL CONSTRAINT fk_reviews_patient_id REFERENCES patients (id),
    partners nvarchar(200) COLLATE Latin1_General_BIN2 NOT NULL,
    state nvarchar(20) COLLATE Latin1_General_BIN2 NOT NULL, -- open, closed
    created_at datetimeoffset(3) NOT NULL
);
CREATE UNIQUE INDEX ux_reviews_public ON reviews (public_id);
CREATE INDEX ix_reviews_number ON reviews (centre_id, patient_number, state);

CREATE TABLE audit_events (
    id bigint NOT NULL CONSTRAINT pk_audit_events PRIMARY KEY,
    at datetimeoffset(3) NOT NULL,
    type nvarchar(60) COLLATE Latin1_General_BIN2 NOT NULL,
    action nvarchar(1) COLLATE Latin1_General_BIN2 NOT NULL,
    result bigint NOT NULL,
    user_id bigint NOT NULL,
    user_name nvarchar(600) COLLATE Latin1_General_BIN2 NOT NULL,
    role nvarchar(100) COLLATE Latin1_General_BIN2 NOT NULL,
    centre_id bigint NOT NULL, -- on whose behalf; 0 for none
    address nvarchar(64) COLLATE Latin1_General_BIN2 NOT NULL,
    request_id nvarchar(64) COLLATE Latin1_General_BIN2 NOT NULL,
    via nvarchar(10) COLLATE Latin1_General_BIN2 NOT NULL,
    object_type nvarchar(30) COLLATE Latin1_General_BIN2 NOT NULL,
    object_id nvarchar(64) COLLATE Latin1_General_BIN2 NOT NULL,
    code nvarchar(60) COLLATE Latin1_General_BIN2 NOT NULL,
    subjects bigint NOT NULL
);
CREATE INDEX ix_audit_events_type ON audit_events (type, id);
CREATE INDEX ix_audit_events_user ON audit_events (user_name, id);

-- The records that an event is about.
CREATE TABLE audit_subjects (
    event_id bigint NOT NULL CONSTRAINT fk_audit_subjects_event_id REFERENCES audit_events (id),
    patient_id bigint NOT NULL,
    action nvarchar(1) COLLATE Latin1_General_BIN2 NOT NULL,
    CONSTRAINT pk_audit_subjects PRIMARY KEY (event_id, patient_id)
);
CREATE INDEX ix_audit_subjects_patient ON audit_subjects (patient_id);
