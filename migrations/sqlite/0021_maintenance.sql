-- +goose Up

-- Announced silence: times at which the TTP or Sluis is out of use by plan.
CREATE TABLE maintenance (
    public_id TEXT NOT NULL PRIMARY KEY,
    subject TEXT NOT NULL, -- ttp or sluis
    from_at DATETIME NOT NULL,
    until_at DATETIME NOT NULL,
    note TEXT NOT NULL, -- for those who deliver; never about a person
    announced_by TEXT NOT NULL,
    announced_at DATETIME NOT NULL,
    cancelled_at DATETIME NULL
) WITHOUT ROWID;
CREATE INDEX ix_maintenance_until ON maintenance (until_at);
