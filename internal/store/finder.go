package store

import (
	"context"

	"gorm.io/gorm"

	"sluis/internal/patient"
)

// finder implements the queries of patient.Reader, inside or outside a transaction.
type finder struct {
	db   *gorm.DB
	d    dialect
	lock bool // lock the patients that are found until the transaction ends
}

func (f finder) patients() *gorm.DB {
	if f.lock {
		return f.d.forUpdate(f.db, "patients")
	}
	return f.db.Table("patients")
}

func (f finder) byNumber(centreID int64, numbers []string) (map[string]patient.Patient, error) {
	out := make(map[string]patient.Patient, len(numbers))
	err := pieces(numbers, f.d.maxIn(), func(part []string) error {
		var rows []patientRow
		if err := f.patients().Where("centre_id = ? AND patient_number ?", centreID, f.d.oneOf(&part)).Find(&rows).Error; err != nil {
			return err
		}
		return f.whole(rows, func(p patient.Patient) { out[p.Number] = p })
	})
	return out, err
}

func (f finder) byID(centreID int64, ids []int64) (map[int64]patient.Patient, error) {
	out := make(map[int64]patient.Patient, len(ids))
	err := pieces(ids, f.d.maxIn(), func(part []int64) error {
		var rows []patientRow
		if err := f.patients().Where("centre_id = ? AND id ?", centreID, f.d.oneOf(&part)).Find(&rows).Error; err != nil {
			return err
		}
		return f.whole(rows, func(p patient.Patient) { out[p.ID] = p })
	})
	return out, err
}

// whole calls each with every patient of rows, with its pseudonyms.
func (f finder) whole(rows []patientRow, each func(patient.Patient)) error {
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	held := make(map[int64][]patient.Pseudonym, len(rows))
	err := pieces(ids, f.d.maxIn(), func(part []int64) error {
		var rows []pseudonymRow
		err := f.db.Table("pseudonyms").Where("patient_id ?", f.d.oneOf(&part)).Order("patient_id, type, domain, key_version, value_hash").
			Find(&rows).Error
		for _, r := range rows {
			held[r.PatientID] = append(held[r.PatientID], r.pseudonym())
		}
		return err
	})
	for _, r := range rows {
		each(patient.Patient{
			ID: r.ID, PublicID: r.PublicID, CentreID: r.CentreID, Display: r.display(), DiedOn: r.DiedOn, Pseudonyms: held[r.ID],
			Version:   r.Version,
			CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
		})
	}
	return err
}

// keys returns the old keys in keys that have a patient, and every old key of patients.
func (f finder) keys(keys []string, patients []int64) ([]patient.Key, error) {
	var out []patient.Key
	err := pieces(keys, f.d.maxIn(), func(part []string) error {
		var rows []patient.Key
		err := f.db.Table("legacy_keys").Select("legacy_id AS old_key, patient_id").Where("legacy_id ?", f.d.oneOf(&part)).Find(&rows).Error
		out = append(out, rows...)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = pieces(patients, f.d.maxIn(), func(part []int64) error {
		var rows []patient.Key
		err := f.db.Table("legacy_keys").Select("legacy_id AS old_key, patient_id").Where("patient_id ?", f.d.oneOf(&part)).
			Find(&rows).Error
		out = append(out, rows...)
		return err
	})
	return out, err
}

func (f finder) owners(centreID int64, pseudonyms []patient.Pseudonym) (map[patient.Pseudonym][]patient.Owner, error) {
	hashes := make([]int64, len(pseudonyms))
	for i, p := range pseudonyms {
		hashes[i] = p.Hash()
	}
	out := map[patient.Pseudonym][]patient.Owner{}
	err := pieces(hashes, f.d.maxIn(), func(part []int64) error {
		var rows []struct {
			Row           pseudonymRow `gorm:"embedded"`
			PatientNumber string
			CentreID      int64
		}
		// The centre is compared here: as a condition it tempts a planner without
		// statistics to begin with all patients of the centre.
		err := f.db.Table("pseudonyms s").Select("s.*, p.patient_number, p.centre_id").Joins("JOIN patients p ON p.id = s.patient_id").
			Where("s.value_hash ?", f.d.oneOf(&part)).Scan(&rows).Error
		for _, r := range rows {
			if r.CentreID != centreID {
				continue
			}
			k := r.Row.pseudonym()
			k.ObservedOn = ""
			out[k] = append(out[k], patient.Owner{PatientID: r.Row.PatientID, Number: r.PatientNumber})
		}
		return err
	})
	return out, err
}

// PatientsByNumber implements patient.Reader.
func (s *Store) PatientsByNumber(ctx context.Context, centreID int64, numbers []string) (map[string]patient.Patient, error) {
	out, err := finder{db: s.read(ctx), d: s.dialect}.byNumber(centreID, numbers)
	return out, s.dialect.clean(err)
}

// OwnersOf implements patient.Reader.
func (s *Store) OwnersOf(ctx context.Context, centreID int64, p []patient.Pseudonym) (map[patient.Pseudonym][]patient.Owner, error) {
	out, err := finder{db: s.read(ctx), d: s.dialect}.owners(centreID, p)
	return out, s.dialect.clean(err)
}

// PatientsByID implements patient.Reader.
func (s *Store) PatientsByID(ctx context.Context, centreID int64, ids []int64) (map[int64]patient.Patient, error) {
	out, err := finder{db: s.read(ctx), d: s.dialect}.byID(centreID, ids)
	return out, s.dialect.clean(err)
}

// Keys implements patient.Reader.
func (s *Store) Keys(ctx context.Context, keys []string, patients []int64) ([]patient.Key, error) {
	out, err := finder{db: s.read(ctx), d: s.dialect}.keys(keys, patients)
	return out, s.dialect.clean(err)
}
