-- +goose Up

-- The delivery that this one was delivered to repair (its public id, or empty), and the first of the chain that both belong to.
ALTER TABLE deliveries ADD repairs nvarchar(36) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT df_deliveries_repairs DEFAULT N'';
ALTER TABLE deliveries ADD repair_root bigint NULL;
-- Later deliveries of the chain that are done, rejected rows that one of them stored, and rejected rows without a number to follow.
ALTER TABLE deliveries ADD n_repairs bigint NOT NULL CONSTRAINT df_deliveries_n_repairs DEFAULT 0;
ALTER TABLE deliveries ADD n_repaired bigint NOT NULL CONSTRAINT df_deliveries_n_repaired DEFAULT 0;
ALTER TABLE deliveries ADD n_untraced bigint NOT NULL CONSTRAINT df_deliveries_n_untraced DEFAULT 0;
CREATE INDEX ix_deliveries_repair_root ON deliveries (repair_root, id);
ALTER TABLE delivery_rows ADD repaired bit NOT NULL CONSTRAINT df_delivery_rows_repaired DEFAULT 0;

-- When the rows and findings of a report were deleted; their counts stay.
ALTER TABLE deliveries ADD report_expired_at datetimeoffset(3) NULL;
CREATE INDEX ix_deliveries_finished ON deliveries (finished_at, id);
CREATE TABLE expired_reports (
    delivery_id bigint NOT NULL CONSTRAINT pk_expired_reports PRIMARY KEY CONSTRAINT fk_expired_reports_delivery REFERENCES deliveries (id),
    causes nvarchar(max) COLLATE Latin1_General_BIN2 NOT NULL -- JSON: what was found and how often; no line, no number
);
