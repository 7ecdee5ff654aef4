package store

import (
	"encoding/json"
	"errors"

	"sluis/internal/patient"
)

// legacy is what the row that opened a review brought from the old table.
func (r reviewRow) legacy() (*patient.Legacy, error) {
	if r.Legacy == "" {
		return nil, nil
	}
	var l patient.Legacy
	if err := json.Unmarshal([]byte(r.Legacy), &l); err != nil {
		return nil, errors.New("decode the old key of a review: failed")
	}
	return &l, nil
}

// giveKeys says of the old keys of a review's rows whose they are by now, whoever
// held them before.
func (t *tx) giveKeys(reviewID, patientID int64) error {
	const of = "SELECT DISTINCT e.legacy_id FROM review_rows x JOIN existing_rows e ON e.delivery_id = x.delivery_id AND e.line = x.line WHERE x.review_id = ?"
	if err := t.db.Exec("DELETE FROM legacy_keys WHERE legacy_id IN ("+of+")", reviewID).Error; err != nil {
		return err
	}
	return t.db.Exec("INSERT INTO legacy_keys (legacy_id, patient_id) SELECT q.legacy_id, ? FROM ("+of+") q", patientID, reviewID).Error
}
