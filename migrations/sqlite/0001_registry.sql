-- +goose Up

-- Keys inside are integers from this table, so that both databases make them alike.
CREATE TABLE sequences (
    name TEXT NOT NULL PRIMARY KEY,
    next INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO sequences (name, next) VALUES
    ('centres', 1), ('users', 1), ('tokens', 1), ('patients', 1), ('deliveries', 1), ('chunks', 1), ('audit_events', 1), ('reviews', 1);

CREATE TABLE centres (
    id INTEGER NOT NULL PRIMARY KEY,
    number TEXT NOT NULL,
    name TEXT NOT NULL,
    identities_allowed BOOLEAN NOT NULL,
    created_at DATETIME NOT NULL
);
CREATE UNIQUE INDEX ux_centres_number ON centres (number);

CREATE TABLE users (
    id INTEGER NOT NULL PRIMARY KEY,
    public_id TEXT NOT NULL,
    email TEXT NOT NULL, -- lower case
    password_hash TEXT NOT NULL,
    roles TEXT NOT NULL, -- comma separated
    centre_id INTEGER NULL REFERENCES centres (id),
    demo BOOLEAN NOT NULL,
    created_at DATETIME NOT NULL,
    disabled_at DATETIME NULL
);
CREATE UNIQUE INDEX ux_users_email ON users (email);

CREATE TABLE sessions (
    token_hash BLOB NOT NULL PRIMARY KEY, -- SHA-256 of the cookie's token
    user_id INTEGER NOT NULL REFERENCES users (id),
    data BLOB NULL,
    created_at DATETIME NOT NULL,
    last_seen_at DATETIME NOT NULL,
    idle_expires_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL
) WITHOUT ROWID;
CREATE INDEX ix_sessions_user ON sessions (user_id);
CREATE INDEX ix_sessions_expires ON sessions (expires_at);

CREATE TABLE tokens (
    id INTEGER NOT NULL PRIMARY KEY,
    public_id TEXT NOT NULL,
    name TEXT NOT NULL,
    token_hash BLOB NOT NULL, -- SHA-256 of the token
    role TEXT NOT NULL,
    centre_id INTEGER NULL REFERENCES centres (id),
    demo BOOLEAN NOT NULL,
    created_at DATETIME NOT NULL,
    expires_at DATETIME NULL,
    revoked_at DATETIME NULL
);
CREATE UNIQUE INDEX ux_tokens_hash ON tokens (token_hash);

-- A patient is (centre, patient number); the number is text and compared exactly.
CREATE TABLE patients (
    id INTEGER NOT NULL PRIMARY KEY,
    public_id TEXT NOT NULL,
    centre_id INTEGER NOT NULL REFERENCES centres (id),
    patient_number TEXT NOT NULL,
    birth TEXT NOT NULL, -- 2001-01-31, or 2001 where the registry keeps years, or empty
    sex TEXT NOT NULL, -- m, v or empty
    version INTEGER NOT NULL,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL
);
CREATE UNIQUE INDEX ux_patients_number ON patients (centre_id, patient_number);
CREATE UNIQUE INDEX ux_patients_public ON patients (public_id);

-- Found by a narrow hash of type, domain, key version and value; then compared.
CREATE TABLE pseudonyms (
    patient_id INTEGER NOT NULL REFERENCES patients (id),
    type TEXT NOT NULL,
    domain TEXT NOT NULL,
    key_version INTEGER NOT NULL,
    value_hash INTEGER NOT NULL,
    value TEXT NOT NULL,
    observed_on TEXT NOT NULL, -- 2026-01-31
    PRIMARY KEY (patient_id, type, domain, key_version, value_hash)
) WITHOUT ROWID;
CREATE INDEX ix_pseudonyms_hash ON pseudonyms (value_hash);

CREATE TABLE deliveries (
    id INTEGER NOT NULL PRIMARY KEY,
    public_id TEXT NOT NULL,
    centre_id INTEGER NOT NULL REFERENCES centres (id),
    filename TEXT NOT NULL,
    kind TEXT NOT NULL,
    mode TEXT NOT NULL,
    state TEXT NOT NULL,
    via TEXT NOT NULL,
    confirmed BOOLEAN NOT NULL,
    user_id INTEGER NOT NULL, -- 0 for an API token
    user_name TEXT NOT NULL,
    user_role TEXT NOT NULL,
    address TEXT NOT NULL,
    request_id TEXT NOT NULL,
    file_mac BLOB NULL, -- keyed hash: the same file is known again
    file_bytes INTEGER NOT NULL,
    same_as TEXT NOT NULL, -- public id of the first delivery of this file, or empty
    key_id TEXT NOT NULL, -- the wrapping key; empty once the key is destroyed
    wrapped_key BLOB NULL,
    columns TEXT NOT NULL, -- JSON: field to header
    refusals TEXT NOT NULL, -- JSON
    notes TEXT NOT NULL, -- JSON
    fail_code TEXT NOT NULL,
    rows_read INTEGER NOT NULL,
    n_created INTEGER NOT NULL,
    n_updated INTEGER NOT NULL,
    n_unchanged INTEGER NOT NULL,
    n_rejected INTEGER NOT NULL,
    n_review INTEGER NOT NULL,
    p_created INTEGER NOT NULL,
    p_updated INTEGER NOT NULL,
    p_unchanged INTEGER NOT NULL,
    p_rejected INTEGER NOT NULL,
    p_review INTEGER NOT NULL,
    warnings INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    prepared INTEGER NOT NULL,
    resolved INTEGER NOT NULL,
    registered INTEGER NOT NULL,
    paused BOOLEAN NOT NULL,
    next_try_at DATETIME NULL,
    lease_until DATETIME NOT NULL,
    fence INTEGER NOT NULL,
    failures INTEGER NOT NULL, -- steps that failed for a reason of ours
    created_at DATETIME NOT NULL,
    finished_at DATETIME NULL,
    expires_at DATETIME NULL
);
CREATE UNIQUE INDEX ux_deliveries_public ON deliveries (public_id);
CREATE INDEX ix_deliveries_centre ON deliveries (centre_id, id);
CREATE INDEX ix_deliveries_state ON deliveries (state, id);
CREATE INDEX ix_deliveries_mac ON deliveries (centre_id, file_mac);

CREATE TABLE upload_blocks (
    delivery_id INTEGER NOT NULL REFERENCES deliveries (id),
    no INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (delivery_id, no)
);

CREATE TABLE chunks (
    id INTEGER NOT NULL PRIMARY KEY,
    delivery_id INTEGER NOT NULL REFERENCES deliveries (id),
    no INTEGER NOT NULL,
    first_line INTEGER NOT NULL,
    last_line INTEGER NOT NULL,
    holds TEXT NOT NULL, -- identities, temporaries or definitives
    sealed BLOB NOT NULL,
    call_key TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_try_at DATETIME NOT NULL,
    lease_until DATETIME NOT NULL,
    fence INTEGER NOT NULL,
    failures INTEGER NOT NULL -- steps that failed for a reason of ours
);
CREATE UNIQUE INDEX ux_chunks_no ON chunks (delivery_id, no);
CREATE INDEX ix_chunks_waiting ON chunks (holds, next_try_at);

CREATE TABLE delivery_rows (
    delivery_id INTEGER NOT NULL REFERENCES deliveries (id),
    line INTEGER NOT NULL,
    chunk_no INTEGER NOT NULL,
    patient_number TEXT NOT NULL,
    verdict TEXT NOT NULL, -- what would happen; empty until decided
    outcome TEXT NOT NULL,
    PRIMARY KEY (delivery_id, line)
) WITHOUT ROWID;

-- What deciding compares between the rows of one file; gone when it is decided for good.
CREATE TABLE row_marks (
    delivery_id INTEGER NOT NULL REFERENCES deliveries (id),
    line INTEGER NOT NULL,
    patient_number TEXT NOT NULL,
    link_hash INTEGER NOT NULL,
    content_hash INTEGER NOT NULL,
    PRIMARY KEY (delivery_id, line)
) WITHOUT ROWID;
CREATE INDEX ix_row_marks_number ON row_marks (delivery_id, patient_number);
CREATE INDEX ix_row_marks_link ON row_marks (delivery_id, link_hash);

CREATE TABLE findings (
    delivery_id INTEGER NOT NULL REFERENCES deliveries (id),
    line INTEGER NOT NULL,
    seq INTEGER NOT NULL, -- stage and place in it
    patient_number TEXT NOT NULL,
    stage TEXT NOT NULL,
    severity TEXT NOT NULL,
    source TEXT NOT NULL,
    code TEXT NOT NULL,
    field TEXT NOT NULL,
    message TEXT NOT NULL, -- the TTP's words; Sluis's own are in the catalogue
    partners TEXT NOT NULL, -- lines, comma separated
    PRIMARY KEY (delivery_id, line, seq)
) WITHOUT ROWID;

CREATE TABLE reviews (
    id INTEGER NOT NULL PRIMARY KEY,
    public_id TEXT NOT NULL,
    centre_id INTEGER NOT NULL REFERENCES centres (id),
    delivery_id INTEGER NULL REFERENCES deliveries (id),
    line INTEGER NOT NULL,
    patient_number TEXT NOT NULL,
    birth TEXT NOT NULL,
    sex TEXT NOT NULL,
    pseudonyms TEXT NOT NULL, -- JSON
    content_hash INTEGER NOT NULL,
    reason TEXT NOT NULL,
    patient_id INTEGER NULL REFERENCES patients (id),
    partners TEXT NOT NULL,
    state TEXT NOT NULL, -- open, closed
    created_at DATETIME NOT NULL
);
CREATE UNIQUE INDEX ux_reviews_public ON reviews (public_id);
CREATE INDEX ix_reviews_number ON reviews (centre_id, patient_number, state);

CREATE TABLE audit_events (
    id INTEGER NOT NULL PRIMARY KEY,
    at DATETIME NOT NULL,
    type TEXT NOT NULL,
    action TEXT NOT NULL,
    result INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    user_name TEXT NOT NULL,
    role TEXT NOT NULL,
    centre_id INTEGER NOT NULL, -- on whose behalf; 0 for none
    address TEXT NOT NULL,
    request_id TEXT NOT NULL,
    via TEXT NOT NULL,
    object_type TEXT NOT NULL,
    object_id TEXT NOT NULL,
    code TEXT NOT NULL,
    subjects INTEGER NOT NULL
);
CREATE INDEX ix_audit_events_type ON audit_events (type, id);
CREATE INDEX ix_audit_events_user ON audit_events (user_name, id);

-- The records that an event is about.
CREATE TABLE audit_subjects (
    event_id INTEGER NOT NULL REFERENCES audit_events (id),
    patient_id INTEGER NOT NULL,
    action TEXT NOT NULL,
    PRIMARY KEY (event_id, patient_id)
) WITHOUT ROWID;
CREATE INDEX ix_audit_subjects_patient ON audit_subjects (patient_id);
