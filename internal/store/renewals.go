package store

import (
	"context"
	"errors"
	"time"

	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/renewal"
)

type renewalRow struct {
	ID           int64 `gorm:"primaryKey;autoIncrement:false"`
	AfterPatient int64
	LastPatient  int64
	Total        int
	Looked       int
	Added        int
	Refused      int
	Conflicts    int
	Attempts     int
	NextTryAt    *time.Time
	LeaseUntil   time.Time
	Fence        int64
	StartedAt    time.Time
	FinishedAt   *time.Time
}

func (renewalRow) TableName() string { return "renewals" }

func (r renewalRow) renewal() patient.Renewal {
	return patient.Renewal{
		StartedAt: r.StartedAt.UTC(), FinishedAt: moment(r.FinishedAt), Total: r.Total, Looked: r.Looked, Added: r.Added,
		Refused: r.Refused, Conflicts: r.Conflicts, NextTryAt: moment(r.NextTryAt),
	}
}

// StartRenewal starts the renewal of all pseudonyms. If another renewal is not finished,
// the error is apperr.Conflict "renewal_under_way".
func (s *Store) StartRenewal(ctx context.Context, who audit.Who) (patient.Renewal, error) {
	var row renewalRow
	err := s.write(ctx, func(t *tx) error {
		id, err := t.next("renewals", 1) // the second of two simultaneous calls waits here
		if err != nil {
			return err
		}
		var open int64
		if err := t.db.Model(&renewalRow{}).Where("finished_at IS NULL").Count(&open).Error; err != nil {
			return err
		}
		if open > 0 {
			return apperr.New(apperr.Conflict, "renewal_under_way")
		}
		row = renewalRow{ID: id, StartedAt: t.at, LeaseUntil: t.at}
		if err := t.db.Raw("SELECT COUNT(*) FROM pseudonyms").Scan(&row.Total).Error; err != nil {
			return err
		}
		if err := t.db.Raw("SELECT COALESCE(MAX(id), 0) FROM patients").Scan(&row.LastPatient).Error; err != nil {
			return err
		}
		if err := t.db.Create(&row).Error; err != nil {
			return err
		}
		return t.record(audit.Event{Type: audit.PseudonymsRenewed, Action: audit.Execute, Who: who, ObjectType: "pseudonyms"})
	})
	return row.renewal(), err
}

// Renewal returns the latest renewal. It returns false if there was none yet.
func (s *Store) Renewal(ctx context.Context) (patient.Renewal, bool, error) {
	var row renewalRow
	err := first(s.read(ctx).Order("id DESC"), &row)
	if apperr.KindOf(err) == apperr.NotFound {
		return patient.Renewal{}, false, nil
	}
	return row.renewal(), err == nil, s.dialect.clean(err)
}

// ClaimRenewal claims the renewal that is under way.
func (s *Store) ClaimRenewal(ctx context.Context, now time.Time, lease time.Duration) (renewal.Claim, bool, error) {
	now = stamp(now)
	var row renewalRow
	err := first(s.read(ctx).Where("finished_at IS NULL AND lease_until <= ?", now).Order("id"), &row)
	if apperr.KindOf(err) == apperr.NotFound {
		return renewal.Claim{}, false, nil
	} else if err != nil {
		return renewal.Claim{}, false, s.dialect.clean(err)
	}
	ok, err := s.take(ctx, "renewals", row.ID, row.Fence, now, lease, turn{})
	return renewal.Claim{ID: row.ID, Fence: row.Fence + 1, After: row.AfterPatient, Attempts: row.Attempts}, ok, err
}

// RenewalBatch returns the pseudonyms of the next patients: about n, since it never
// returns some pseudonyms of a patient without the others. It is empty at the end.
func (s *Store) RenewalBatch(ctx context.Context, c renewal.Claim, n int) ([]renewal.Held, error) {
	var rows []pseudonymRow
	err := s.read(ctx).Table("pseudonyms").Where("patient_id > ? AND patient_id <= (SELECT last_patient FROM renewals WHERE id = ?)",
		c.After, c.ID).
		Order("patient_id, type, domain, key_version, value_hash").Limit(n).Scan(&rows).Error
	if err != nil {
		return nil, s.dialect.clean(err)
	}
	if len(rows) == n { // the last patient may have more pseudonyms
		last := rows[n-1].PatientID
		whole := rows
		for len(whole) > 0 && whole[len(whole)-1].PatientID == last {
			whole = whole[:len(whole)-1]
		}
		if rows = whole; len(rows) == 0 { // one patient with more than n
			err := s.read(ctx).
				Table("pseudonyms").
				Where("patient_id = ?", last).
				Order("type, domain, key_version, value_hash").
				Scan(&rows).
				Error
			if err != nil {
				return nil, s.dialect.clean(err)
			}
		}
	}
	held := make([]renewal.Held, len(rows))
	for i, r := range rows {
		held[i] = renewal.Held{PatientID: r.PatientID, Pseudonym: r.pseudonym()}
	}
	return held, nil
}

// StoreRenewed adds new values next to the old ones, and moves the renewal on to upTo,
// in one transaction. If a patient already has another value in the space of a new one,
// that value stays and is counted as a conflict.
func (s *Store) StoreRenewed(ctx context.Context, c renewal.Claim, looked int, fresh []renewal.Held, refused int, upTo int64) error {
	return s.write(ctx, func(t *tx) error {
		res := t.db.Exec("UPDATE renewals SET lease_until = ? WHERE id = ? AND fence = ? AND finished_at IS NULL", t.at.Add(delivery.LeaseLife),
			c.ID, c.Fence)
		if err := one(res, delivery.ErrLost); err != nil {
			return err
		}
		rows, conflicts, err := t.newValues(fresh)
		if err != nil {
			return err
		}
		if err := (&patientTx{t: t}).insertPseudonyms(ctx, rows); err != nil {
			return err
		}
		return t.db.Exec(
			`UPDATE renewals SET after_patient = ?, looked = looked + ?, added = added + ?, refused = refused + ?, conflicts = conflicts + ?,
			attempts = 0, next_try_at = NULL WHERE id = ?`,
			upTo,
			looked,
			len(rows),
			refused,
			conflicts,
			c.ID,
		).Error
	})
}

// newValues returns the values of fresh in spaces in which their patients have none yet,
// and the number of those for which the patient has another value.
func (t *tx) newValues(fresh []renewal.Held) (rows []pseudonymRow, conflicts int, err error) {
	type slot struct {
		patient int64
		space   patient.Pseudonym
	}
	ids := make([]int64, len(fresh))
	for i, h := range fresh {
		ids[i] = h.PatientID
	}
	stored := map[slot]string{}
	err = pieces(ids, t.dialect.maxIn(), func(part []int64) error {
		var found []pseudonymRow
		err := t.db.Table("pseudonyms").Where("patient_id ?", t.dialect.oneOf(&part)).Scan(&found).Error
		for _, r := range found {
			stored[slot{r.PatientID, r.pseudonym().Space()}] = r.Value
		}
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	for _, h := range fresh {
		k := slot{h.PatientID, h.Pseudonym.Space()}
		if value, known := stored[k]; known {
			if value != h.Pseudonym.Value {
				conflicts++
			}
			continue
		}
		stored[k] = h.Pseudonym.Value
		rows = append(rows, pseudonymRows(h.PatientID, []patient.Pseudonym{h.Pseudonym})...)
	}
	return rows, conflicts, nil
}

// PauseRenewal ends the claim on a renewal because the TTP did not answer, not to be
// claimed before next.
func (s *Store) PauseRenewal(ctx context.Context, c renewal.Claim, next time.Time) error {
	return s.write(ctx, func(t *tx) error {
		return one(t.db.Exec("UPDATE renewals SET attempts = attempts + 1, next_try_at = ?, lease_until = ? WHERE id = ? AND fence = ?",
			stamp(next), stamp(next), c.ID, c.Fence), delivery.ErrLost)
	})
}

// FinishRenewal ends a renewal after its last patient. If the claim is lost, it does
// nothing: another worker ends it.
func (s *Store) FinishRenewal(ctx context.Context, c renewal.Claim) error {
	err := s.write(ctx, func(t *tx) error {
		return one(t.db.Exec("UPDATE renewals SET finished_at = ?, next_try_at = NULL WHERE id = ? AND fence = ?", t.at, c.ID, c.Fence),
			delivery.ErrLost)
	})
	if errors.Is(err, delivery.ErrLost) {
		return nil
	}
	return err
}
