-- +goose Up

-- Which column holds what, where a user said so: JSON of places, no header and no value.
ALTER TABLE deliveries ADD assignment nvarchar(4000) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT df_deliveries_assignment DEFAULT N'';

ALTER TABLE centres ADD brake_percent int NOT NULL CONSTRAINT df_centres_brake_percent DEFAULT 0; -- 0: the registry's
ALTER TABLE centres ADD number_system nvarchar(300) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT df_centres_number_system DEFAULT N''; -- of its patient numbers in FHIR

-- The columns of a header as a centre assigned them before.
CREATE TABLE column_maps (
    centre_id bigint NOT NULL CONSTRAINT fk_column_maps_centre REFERENCES centres (id),
    header_mac binary(32) NOT NULL, -- keyed hash: the header itself is not kept
    assignment nvarchar(4000) COLLATE Latin1_General_BIN2 NOT NULL,
    saved_at datetimeoffset(3) NOT NULL,
    CONSTRAINT pk_column_maps PRIMARY KEY (centre_id, header_mac)
);
