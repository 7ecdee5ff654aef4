-- +goose Up

-- A row that others refer to is deleted without reading all of them: an upload that broke off, for example.
CREATE INDEX ix_reviews_delivery ON reviews (delivery_id);
CREATE INDEX ix_reviews_patient ON reviews (patient_id);
CREATE INDEX ix_existing_centres_delivery ON existing_centres (delivery_id);
