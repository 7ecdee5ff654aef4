-- +goose Up

-- Announced silence: times at which the TTP or Sluis is out of use by plan.
CREATE TABLE maintenance (
    public_id text COLLATE "C" NOT NULL PRIMARY KEY,
    subject text COLLATE "C" NOT NULL, -- ttp or sluis
    from_at timestamptz NOT NULL,
    until_at timestamptz NOT NULL,
    note text COLLATE "C" NOT NULL, -- for those who deliver; never about a person
    announced_by text COLLATE "C" NOT NULL,
    announced_at timestamptz NOT NULL,
    cancelled_at timestamptz NULL
);
CREATE INDEX ix_maintenance_until ON maintenance (until_at);
