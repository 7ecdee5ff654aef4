-- +goose Up

-- The delivery that this one was delivered to repair (its public id, or empty), and the first of the chain that both belong to.
ALTER TABLE deliveries ADD COLUMN repairs text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE deliveries ADD COLUMN repair_root bigint NULL;
-- Later deliveries of the chain that are done, rejected rows that one of them stored, and rejected rows without a number to follow.
ALTER TABLE deliveries ADD COLUMN n_repairs bigint NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN n_repaired bigint NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN n_untraced bigint NOT NULL DEFAULT 0;
CREATE INDEX ix_deliveries_repair_root ON deliveries (repair_root, id);
ALTER TABLE delivery_rows ADD COLUMN repaired boolean NOT NULL DEFAULT FALSE;

-- When the rows and findings of a report were deleted; their counts stay.
ALTER TABLE deliveries ADD COLUMN report_expired_at timestamptz NULL;
CREATE INDEX ix_deliveries_finished ON deliveries (finished_at, id);
CREATE TABLE expired_reports (
    delivery_id bigint NOT NULL PRIMARY KEY REFERENCES deliveries (id),
    causes text COLLATE "C" NOT NULL -- JSON: what was found and how often; no line, no number
);
