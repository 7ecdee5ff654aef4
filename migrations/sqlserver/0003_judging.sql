-- +goose Up

-- The rows that wait for one review, of whatever delivery: they are settled together.
CREATE TABLE review_rows (
    review_id bigint NOT NULL CONSTRAINT fk_review_rows_review_id REFERENCES reviews (id),
    delivery_id bigint NOT NULL CONSTRAINT fk_review_rows_delivery_id REFERENCES deliveries (id),
    line bigint NOT NULL,
    CONSTRAINT pk_review_rows PRIMARY KEY (review_id, delivery_id, line)
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
ALTER TABLE reviews ADD decision nvarchar(20) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT df_reviews_decision DEFAULT N'';
ALTER TABLE reviews ADD why nvarchar(1000) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT df_reviews_why DEFAULT N'';
ALTER TABLE reviews ADD judged_by_id bigint NOT NULL CONSTRAINT df_reviews_judged_by_id DEFAULT 0;
ALTER TABLE reviews ADD judged_by nvarchar(600) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT df_reviews_judged_by DEFAULT N'';
ALTER TABLE reviews ADD judged_at datetimeoffset(3) NULL;
CREATE INDEX ix_reviews_state ON reviews (state, id);
