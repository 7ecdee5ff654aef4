-- +goose Up

-- Since when its work goes on without a stop, and how far it was then: what is left is reckoned from there.
ALTER TABLE deliveries ADD COLUMN clock_at timestamptz NULL;
ALTER TABLE deliveries ADD COLUMN clock_done bigint NOT NULL DEFAULT 0;

-- When a centre last had its turn, at a worker and at the TTP: who waited longest is next.
CREATE TABLE turns (
    centre_id bigint NOT NULL REFERENCES centres (id),
    lane text COLLATE "C" NOT NULL, -- work, call
    served_at timestamptz NOT NULL,
    PRIMARY KEY (centre_id, lane)
);

-- The next chunk of a delivery that waits for the TTP, without a look at those that are done.
CREATE INDEX ix_chunks_next ON chunks (delivery_id, holds, no);
CREATE INDEX ix_chunks_expires ON chunks (expires_at);

-- Requests of a script that may come twice. The key itself is not kept: it could say anything.
CREATE TABLE idempotency_keys (
    key_hash bytea NOT NULL PRIMARY KEY, -- of whose it is and the key
    delivery_id bigint NOT NULL,
    request_hash bytea NOT NULL, -- of all but the file, which the delivery has a hash of
    created_at timestamptz NOT NULL
);
CREATE INDEX ix_idempotency_keys_created ON idempotency_keys (created_at);
CREATE INDEX ix_idempotency_keys_delivery ON idempotency_keys (delivery_id);
