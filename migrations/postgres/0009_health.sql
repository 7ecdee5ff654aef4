-- +goose Up

-- One row, which the check of readiness writes: only a write shows that the disk takes one.
CREATE TABLE health_checks (
    id bigint NOT NULL PRIMARY KEY,
    checked_at timestamptz NOT NULL
);
INSERT INTO health_checks (id, checked_at) VALUES (1, '2026-01-01 00:00:00+00:00');
