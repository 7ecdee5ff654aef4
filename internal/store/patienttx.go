package store

import (
	"context"
	"slices"

	"sluis/internal/audit"
	"sluis/internal/patient"
)

// patientTx implements patient.Tx in a transaction of the store.
type patientTx struct {
	t          *tx
	deliveryID *int64          // nil for a single entry or a judgement
	subjects   []audit.Subject // of the transaction's event
	created    *idRange        // if set, it gets the new patients, and subjects does not
}

// PatientsByNumber locks the centre's row first. That makes transactions that register
// rows of one centre go one after the other, so that none of them misses a patient that
// another one is about to store.
func (p *patientTx) PatientsByNumber(_ context.Context, centreID int64, numbers []string) (map[string]patient.Patient, error) {
	var centre centreRow
	if err := first(p.t.dialect.forUpdate(p.t.db, "centres").Where("id = ?", centreID), &centre); err != nil {
		return nil, err
	}
	return finder{p.t.db, p.t.dialect, true}.byNumber(centreID, numbers)
}

func (p *patientTx) OwnersOf(_ context.Context, centreID int64, list []patient.Pseudonym) (map[patient.Pseudonym][]patient.Owner, error) {
	return finder{db: p.t.db, d: p.t.dialect}.owners(centreID, list)
}

func (p *patientTx) PatientsByID(_ context.Context, centreID int64, ids []int64) (map[int64]patient.Patient, error) {
	return finder{p.t.db, p.t.dialect, true}.byID(centreID, ids)
}

func (p *patientTx) Keys(_ context.Context, keys []string, patients []int64) ([]patient.Key, error) {
	return finder{db: p.t.db, d: p.t.dialect}.keys(keys, patients)
}

func (p *patientTx) AttachKeys(ctx context.Context, keys []patient.Key) error {
	return p.t.dialect.insert(ctx, p.t.raw, "legacy_keys", []string{"legacy_id", "patient_id"}, len(keys),
		func(i int) []any { return []any{keys[i].OldKey, keys[i].PatientID} })
}

func (p *patientTx) InsertPatients(ctx context.Context, patients []patient.Patient) error {
	id, err := p.t.ids("patients", len(patients))
	if err != nil {
		return err
	}
	var pseudonyms []pseudonymRow
	for i := range patients {
		patients[i].ID = id + int64(i)
		if patients[i].PublicID, err = publicID(); err != nil {
			return err
		}
		pseudonyms = append(pseudonyms, pseudonymRows(patients[i].ID, patients[i].Pseudonyms)...)
	}
	if p.created != nil && p.created.n == 0 {
		*p.created = idRange{id, len(patients)}
	} else {
		for _, x := range patients {
			p.subjects = append(p.subjects, audit.Subject{PatientID: x.ID, Action: audit.Create})
		}
	}
	columns := []string{"id", "public_id", "centre_id", "patient_number", "birth", "sex", "died_on", "unnumbered", "version", "created_at",
		"updated_at"}
	err = p.t.dialect.insert(ctx, p.t.raw, "patients", columns, len(patients), func(i int) []any {
		x := patients[i]
		return []any{
			x.ID,
			x.PublicID,
			x.CentreID,
			x.Number,
			x.Birth.String(),
			string(x.Sex),
			x.DiedOn,
			unnumbered(x),
			x.Version,
			x.CreatedAt,
			x.UpdatedAt,
		}
	})
	if err != nil {
		return err
	}
	return p.insertPseudonyms(ctx, pseudonyms)
}

// unnumbered returns the last column of the unique index on centre and number. It is
// the patient's id if there is no number, so that a centre may have several such
// patients.
func unnumbered(p patient.Patient) int64 {
	if p.Number == "" {
		return p.ID
	}
	return 0
}

func pseudonymRows(patientID int64, list []patient.Pseudonym) []pseudonymRow {
	rows := make([]pseudonymRow, len(list))
	for i, q := range list {
		rows[i] = pseudonymRow{patientID, q.Type, q.Domain, q.KeyVersion, q.Hash(), q.Value, q.ObservedOn, q.RecordedOn}
	}
	return rows
}

func (p *patientTx) insertPseudonyms(ctx context.Context, rows []pseudonymRow) error {
	if len(rows) == 0 {
		return nil
	}
	columns := []string{"patient_id", "type", "domain", "key_version", "value_hash", "value", "observed_on", "recorded_on"}
	return p.t.dialect.insert(ctx, p.t.raw, "pseudonyms", columns, len(rows), func(i int) []any {
		r := rows[i]
		return []any{r.PatientID, r.Type, r.Domain, r.KeyVersion, r.ValueHash, r.Value, r.ObservedOn, r.RecordedOn}
	})
}

func (p *patientTx) UpdatePatients(ctx context.Context, changes []patient.Change) error {
	var fresh []pseudonymRow
	outdated := map[patient.Pseudonym][]int64{} // by space: the patients that lose their value in it
	var renumbered []patient.Patient
	for _, c := range changes {
		fresh = append(fresh, pseudonymRows(c.Patient.ID, c.Added)...)
		fresh = append(fresh, pseudonymRows(c.Patient.ID, c.Replaced)...)
		for _, q := range slices.Concat(c.Replaced, c.Removed) {
			outdated[q.Space()] = append(outdated[q.Space()], c.Patient.ID)
		}
		if c.Renumbered {
			renumbered = append(renumbered, c.Patient)
		}
		p.subjects = append(p.subjects, audit.Subject{PatientID: c.Patient.ID, Action: audit.Update})
	}
	// One statement for each space. There are as many as pseudonym types, and days of
	// postcodes, in the set.
	for space, ids := range outdated {
		err := pieces(ids, p.t.dialect.maxIn(), func(part []int64) error {
			return p.t.db.Exec(
				"DELETE FROM pseudonyms WHERE type = ? AND domain = ? AND key_version = ? AND recorded_on = ? AND patient_id ?",
				space.Type,
				space.Domain,
				space.KeyVersion,
				space.RecordedOn,
				p.t.dialect.oneOf(&part),
			).Error
		})
		if err != nil {
			return err
		}
	}
	err := p.t.dialect.update(ctx, p.t.raw, "patients", []string{"birth", "sex", "died_on", "version", "updated_at"}, []string{"id"},
		len(changes),
		func(i int) []any {
			x := changes[i].Patient
			return []any{x.Birth.String(), string(x.Sex), x.DiedOn, x.Version, x.UpdatedAt, x.ID}
		})
	if err != nil {
		return err
	}
	err = p.t.dialect.update(ctx, p.t.raw, "patients", []string{"patient_number", "unnumbered"}, []string{"id"}, len(renumbered),
		func(i int) []any { return []any{renumbered[i].Number, int64(0), renumbered[i].ID} })
	if err != nil {
		return err
	}
	return p.insertPseudonyms(ctx, fresh)
}

// RegisterEntry runs register for a single entry in one transaction, with its event. It
// returns the public id of the patient. The id is empty if the entry became a conflict.
func (s *Store) RegisterEntry(ctx context.Context, who audit.Who, register func(tx patient.Tx) (patient.Verdict, error)) (string, error) {
	var id string
	err := s.write(ctx, func(t *tx) error {
		id = ""
		ptx := &patientTx{t: t}
		v, err := register(ptx)
		if err != nil {
			return err
		}
		if v.PatientID != 0 && v.Outcome != patient.Review {
			var row patientRow
			if err := first(t.db.Where("id = ?", v.PatientID), &row); err != nil {
				return err
			}
			id = row.PublicID
		}
		ev := audit.Event{
			Type: audit.PatientEntered, Action: audit.Create, Who: who, ObjectType: "patient", ObjectID: id,
			Code: string(v.Outcome), Subjects: ptx.subjects,
		}
		switch v.Outcome {
		case patient.Updated:
			ev.Action = audit.Update
		case patient.Unchanged:
			ev.Action = audit.Read
			ev.Subjects = []audit.Subject{{PatientID: v.PatientID, Action: audit.Read}}
		}
		return t.record(ev)
	})
	return id, err
}
