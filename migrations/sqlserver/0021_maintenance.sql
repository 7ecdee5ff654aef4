-- +goose Up

-- Announced silence: times at which the TTP or Sluis is out of use by plan.
CREATE TABLE maintenance (
    public_id nvarchar(36) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT pk_maintenance PRIMARY KEY,
    subject nvarchar(10) COLLATE Latin1_General_BIN2 NOT NULL, -- ttp or sluis
    from_at datetimeoffset(3) NOT NULL,
    until_at datetimeoffset(3) NOT NULL,
    note nvarchar(300) COLLATE Latin1_General_BIN2 NOT NULL, -- for those who deliver; never about a person
    announced_by nvarchar(300) COLLATE Latin1_General_BIN2 NOT NULL,
    announced_at datetimeoffset(3) NOT NULL,
    cancelled_at datetimeoffset(3) NULL
);
CREATE INDEX ix_maintenance_until ON maintenance (until_at);
