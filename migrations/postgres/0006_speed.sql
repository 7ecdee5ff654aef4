-- +goose Up

-- What a chunk holds stands apart: a look for the next chunk shall not have to read past it.
CREATE TABLE chunk_contents (
    chunk_id bigint NOT NULL PRIMARY KEY REFERENCES chunks (id),
    sealed bytea NOT NULL,
    marks bytea NULL -- with answers: what deciding compares between the rows of one file
);
INSERT INTO chunk_contents (chunk_id, sealed) SELECT id, sealed FROM chunks;
ALTER TABLE chunks DROP COLUMN sealed;
