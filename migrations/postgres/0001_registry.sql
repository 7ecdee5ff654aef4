-- +goose Up

-- Keys inside are integers from this table, so that both databases make them alike.
CREATE TABLE sequences (
    name text COLLATE "C" NOT NULL PRIMARY KEY,
    next bigint NOT NULL
);
INSERT INTO sequences (name, next) VALUES
    ('centres', 1), ('users', 1), ('tokens', 1), ('patients', 1), ('deliveries', 1), ('chunks', 1), ('audit_events', 1), ('reviews', 1);

CREATE TABLE centres (
    id bigint NOT NULL PRIMARY KEY,
    number text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    identities_allowed boolean NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX ux_centres_number ON centres (number);

CREATE TABLE users (
    id bigint NOT NULL PRIMARY KEY,
    public_id text COLLATE "C" NOT NULL,
    email text COLLATE "C" NOT NULL, -- lower case
    password_hash text COLLATE "C" NOT NULL,
    roles text COLLATE "C" NOT NULL, -- comma separated
    centre_id bigint NULL REFERENCES centres (id),
    demo boolean NOT NULL,
    created_at timestamptz NOT NULL,
    disabled_at timestamptz NULL
);
CREATE UNIQUE INDEX ux_users_email ON users (email);

CREATE TABLE sessions (
    token_hash bytea NOT NULL PRIMARY KEY, -- SHA-256 of the cookie's token
    user_id bigint NOT NULL REFERENCES users (id),
    data bytea NULL,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    idle_expires_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ix_sessions_user ON sessions (user_id);
CREATE INDEX ix_sessions_expires ON sessions (expires_at);

CREATE TABLE tokens (
    id bigint NOT NULL PRIMARY KEY,
    public_id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    token_hash bytea NOT NULL, -- SHA-256 of the token
    role text COLLATE "C" NOT NULL,
    centre_id bigint NULL REFERENCES centres (id),
    demo boolean NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NULL,
    revoked_at timestamptz NULL
);
CREATE UNIQUE INDEX ux_tokens_hash ON tokens (token_hash);

-- A patient is (centre, patient number); the number is text and compared exactly.
CREATE TABLE patients (
    id bigint NOT NULL PRIMARY KEY,
    public_id text COLLATE "C" NOT NULL,
    centre_id bigint NOT NULL REFERENCES centres (id),
    patient_number text COLLATE "C" NOT NULL,
    birth text COLLATE "C" NOT NULL, -- 2001-01-31, or 2001 where the registry keeps years, or empty
    sex text COLLATE "C" NOT NULL, -- m, v or empty
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX ux_patients_number ON patients (centre_id, patient_number);
CREATE UNIQUE INDEX ux_patients_public ON patients (public_id);

-- Found by a narrow hash of type, domain, key version and value; then compared.
CREATE TABLE pseudonyms (
    patient_id bigint NOT NULL REFERENCES patients (id),
    type text COLLATE "C" NOT NULL,
    domain text COLLATE "C" NOT NULL,
    key_version bigint NOT NULL,
    value_hash bigint NOT NULL,
    value text COLLATE "C" NOT NULL,
    observed_on text COLLATE "C" NOT NULL, -- 2026-01-31
    PRIMARY KEY (patient_id, type, domain, key_version, value_hash)
);
CREATE INDEX ix_pseudonyms_hash ON pseudonyms (value_hash);

CREATE TABLE deliveries (
    id bigint NOT NULL PRIMARY KEY,
    public_id text COLLATE "C" NOT NULL,
    centre_id bigint NOT NULL REFERENCES centres (id),
    filename text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    mode text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    via text COLLATE "C" NOT NULL,
    confirmed boolean NOT NULL,
    user_id bigint NOT NULL, -- 0 for an API token
    user_name text COLLATE "C" NOT NULL,
    user_role text COLLATE "C" NOT NULL,
    address text COLLATE "C" NOT NULL,
    request_id text COLLATE "C" NOT NULL,
    file_mac bytea NULL, -- keyed hash: the same file is known again
    file_bytes bigint NOT NULL,
    same_as text COLLATE "C" NOT NULL, -- public id of the first delivery of this file, or empty
    key_id text COLLATE "C" NOT NULL, -- the wrapping key; empty once the key is destroyed
    wrapped_key bytea NULL,
    columns text COLLATE "C" NOT NULL, -- JSON: field to header
    refusals text COLLATE "C" NOT NULL, -- JSON
    notes text COLLATE "C" NOT NULL, -- JSON
    fail_code text COLLATE "C" NOT NULL,
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
    paused boolean NOT NULL,
    next_try_at timestamptz NULL,
    lease_until timestamptz NOT NULL,
    fence bigint NOT NULL,
    failures bigint NOT NULL, -- steps that failed for a reason of ours
    created_at timestamptz NOT NULL,
    finished_at timestamptz NULL,
    expires_at timestamptz NULL
);
CREATE UNIQUE INDEX ux_deliveries_public ON deliveries (public_id);
CREATE INDEX ix_deliveries_centre ON deliveries (centre_id, id);
CREATE INDEX ix_deliveries_state ON deliveries (state, id);
CREATE INDEX ix_deliveries_mac ON deliveries (centre_id, file_mac);

CREATE TABLE upload_blocks (
    delivery_id bigint NOT NULL REFERENCES deliveries (id),
    no bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (delivery_id, no)
);

CREATE TABLE chunks (
    id bigint NOT NULL PRIMARY KEY,
    delivery_id bigint NOT NULL REFERENCES deliveries (id),
    no bigint NOT NULL,
    first_line bigint NOT NULL,
    last_line bigint NOT NULL,
    holds text COLLATE "C" NOT NULL, -- identities, temporaries or definitives
    sealed bytea NOT NULL,
    call_key text COLLATE "C" NOT NULL,
    attempts bigint NOT NULL,
    next_try_at timestamptz NOT NULL,
    lease_until timestamptz NOT NULL,
    fence bigint NOT NULL,
    failures bigint NOT NULL -- steps that failed for a reason of ours
);
CREATE UNIQUE INDEX ux_chunks_no ON chunks (delivery_id, no);
CREATE INDEX ix_chunks_waiting ON chunks (holds, next_try_at);

CREATE TABLE delivery_rows (
    delivery_id bigint NOT NULL REFERENCES deliveries (id),
    line bigint NOT NULL,
    chunk_no bigint NOT NULL,
    patient_number text COLLATE "C" NOT NULL,
    verdict text COLLATE "C" NOT NULL, -- what would happen; empty until decided
    outcome text COLLATE "C" NOT NULL,
    PRIMARY KEY (delivery_id, line)
);

-- What deciding compares between the rows of one file; gone when it is decided for good.
CREATE TABLE row_marks (
    delivery_id bigint NOT NULL REFERENCES deliveries (id),
    line bigint NOT NULL,
    patient_number text COLLATE "C" NOT NULL,
    link_hash bigint NOT NULL,
    content_hash bigint NOT NULL,
    PRIMARY KEY (delivery_id, line)
);
CREATE INDEX ix_row_marks_number ON row_marks (delivery_id, patient_number);
CREATE INDEX ix_row_marks_link ON row_marks (delivery_id, link_hash);

CREATE TABLE findings (
    delivery_id bigint NOT NULL REFERENCES deliveries (id),
    line bigint NOT NULL,
    seq bigint NOT NULL, -- stage and place in it
    patient_number text COLLATE "C" NOT NULL,
    stage text COLLATE "C" NOT NULL,
    severity text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    code text COLLATE "C" NOT NULL,
    field text COLLATE "C" NOT NULL,
    message text COLLATE "C" NOT NULL, -- the TTP's words; Sluis's own are in the catalogue
    partners text COLLATE "C" NOT NULL, -- lines, comma separated
    PRIMARY KEY (delivery_id, line, seq)
);

CREATE TABLE reviews (
    id bigint NOT NULL PRIMARY KEY,
    public_id text COLLATE "C" NOT NULL,
    centre_id bigint NOT NULL REFERENCES centres (id),
    delivery_id bigint NULL REFERENCES deliveries (id),
    line bigint NOT NULL,
    patient_number text COLLATE "C" NOT NULL,
    birth text COLLATE "C" NOT NULL,
    sex text COLLATE "C" NOT NULL,
    pseudonyms text COLLATE "C" NOT NULL, -- JSON
    content_hash bigint NOT NULL,
    reason text COLLATE "C" NOT NULL,
    patient_id bigint NULL REFERENCES patients (id),
    partners text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL, -- open, closed
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX ux_reviews_public ON reviews (public_id);
CREATE INDEX ix_reviews_number ON reviews (centre_id, patient_number, state);

CREATE TABLE audit_events (
    id bigint NOT NULL PRIMARY KEY,
    at timestamptz NOT NULL,
    type text COLLATE "C" NOT NULL,
    action text COLLATE "C" NOT NULL,
    result bigint NOT NULL,
    user_id bigint NOT NULL,
    user_name text COLLATE "C" NOT NULL,
    role text COLLATE "C" NOT NULL,
    centre_id bigint NOT NULL, -- on whose behalf; 0 for none
    address text COLLATE "C" NOT NULL,
    request_id text COLLATE "C" NOT NULL,
    via text COLLATE "C" NOT NULL,
    object_type text COLLATE "C" NOT NULL,
    object_id text COLLATE "C" NOT NULL,
    code text COLLATE "C" NOT NULL,
    subjects bigint NOT NULL
);
CREATE INDEX ix_audit_events_type ON audit_events (type, id);
CREATE INDEX ix_audit_events_user ON audit_events (user_name, id);

-- The records that an event is about.
CREATE TABLE audit_subjects (
    event_id bigint NOT NULL REFERENCES audit_events (id),
    patient_id bigint NOT NULL,
    action text COLLATE "C" NOT NULL,
    PRIMARY KEY (event_id, patient_id)
);
CREATE INDEX ix_audit_subjects_patient ON audit_subjects (patient_id);
