-- +goose Up

-- The rows that wait for one review, of whatever delivery: they are settled together.
CREATE TABLE review_rows (
    review_id bigint NOT NULL REFERENCES reviews (id),
    delivery_id bigint NOT NULL REFERENCES deliveries (id),
    line bigint NOT NULL,
    PRIMARY KEY (review_id, delivery_id, line)
);
CREATE INDEX ix_review_rows_delivery ON review_rows (delivery_id, line);

INSERT INTO review_rows (review_id, delivery_id, line) SELECT id, delivery_id, line FROM reviews WHERE delivery_id IS NOT NULL;
-- Rows that joined an open review before there was this table.
INSERT INTO review_rows (review_id, delivery_id, line)
    SELECT MIN(r.id), w.delivery_id, w.line
    FROM delivery_rows w
    JOIN deliveries d ON d.id = w.delivery_id
    JOIN findings f ON f.delivery_id = w.delivery_id AND f.line = w.line
    JOIN reviews r ON r.centre_id = d.centre_id AND r.patient_number = w.patient_number AND r.reason = f.code AND r.state = 'open'
    WHERE w.outcome = 'review' AND NOT EXISTS (SELECT 1 FROM review_rows x WHERE x.delivery_id = w.delivery_id AND x.line = w.line)
    GROUP BY w.delivery_id, w.line;

-- What a data manager made of it; empty while it is open.
ALTER TABLE reviews ADD COLUMN decision text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE reviews ADD COLUMN why text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE reviews ADD COLUMN judged_by_id bigint NOT NULL DEFAULT 0;
ALTER TABLE reviews ADD COLUMN judged_by text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE reviews ADD COLUMN judged_at timestamptz NULL;
CREATE INDEX ix_reviews_state ON reviews (state, id);
