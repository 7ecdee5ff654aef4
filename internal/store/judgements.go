package store

import (
	"context"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/patient"
)

// JudgeConflict closes an open conflict. In one transaction with the event, apply
// stores what the decision asks for, and every row that waited gets its outcome.
// If the conflict was closed already, the error is apperr.Conflict "review_closed".
func (s *Store) JudgeConflict(ctx context.Context, who audit.Who, scope account.Scope, publicID string, j patient.Judgement,
	apply func(patient.Tx, patient.Case) (patient.Applied, error),
) error {
	return s.write(ctx, func(t *tx) error {
		r, c, err := t.findCase(scope, publicID)
		if err != nil {
			return err
		}
		// Registering takes the centre's row first, and so does this. Otherwise a row of
		// a delivery could join the conflict while it is being closed, and wait for ever.
		var centre centreRow
		if err := first(t.dialect.forUpdate(t.db, "centres").Where("id = ?", c.CentreID), &centre); err != nil {
			return err
		}
		// If the delivered row is not stored, nothing of it is kept here either.
		res := t.db.Exec("UPDATE reviews SET state = ?, decision = ?, why = ?, judged_by_id = ?, judged_by = ?, judged_at = ?,"+
			" pseudonyms = '[]', legacy = '' WHERE id = ? AND state = ?",
			stateClosed, string(j.Decision), cut(j.Why, patient.MaxWhy), who.UserID, cut(who.Name, 300), t.at, r.Row.ID, stateOpen)
		if err := one(res, apperr.New(apperr.Conflict, "review_closed")); err != nil {
			return err
		}
		ptx := &patientTx{t: t}
		applied, err := apply(ptx, c)
		if err != nil {
			return err
		}
		if err := t.closeRows(r.Row, applied); err != nil {
			return err
		}
		if applied.PatientID != 0 {
			if err := t.moveOldKeys(r.Row.ID, applied.PatientID); err != nil {
				return err
			}
		}
		ev := audit.Event{
			Type: audit.ConflictJudged, Action: audit.Update, Who: who, ObjectType: "review", ObjectID: publicID, Code: string(j.Decision),
			Subjects: ptx.subjects,
		}
		if len(ev.Subjects) == 0 && c.PatientID != 0 {
			ev.Subjects = []audit.Subject{{PatientID: c.PatientID, Action: audit.Read}}
		}
		return t.record(ev)
	})
}

// closeRows sets the outcomes of the rows that waited for a conflict. It changes the
// counters of their deliveries with them, and the findings about the conflict.
func (t *tx) closeRows(r conflictRow, applied patient.Applied) error {
	var rows []waitingRow
	err := t.db.Table("review_rows").Where("review_id = ?", r.ID).Order("delivery_id, line").Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return err
	}
	rest := applied.Outcome
	if applied.Outcome == patient.Created || applied.Outcome == patient.Updated {
		// Only the first row changed the registry. The others say what is stored by now.
		if err := t.changeOutcomes(r.ID, &rows[0], applied.Outcome); err != nil {
			return err
		}
		rest = patient.Unchanged
	}
	if err := t.changeOutcomes(r.ID, nil, rest); err != nil {
		return err
	}
	const of = " WHERE stage = ? AND code = ? AND EXISTS (SELECT 1 FROM review_rows x" +
		" WHERE x.delivery_id = findings.delivery_id AND x.line = findings.line AND x.review_id = ?)"
	if applied.Outcome == patient.Rejected {
		return t.db.Exec("UPDATE findings SET code = ?, severity = ?"+of,
			applied.Code, string(patient.Fatal), string(delivery.StageDecide), r.Reason, r.ID).Error
	}
	return t.db.Exec("DELETE FROM findings"+of, string(delivery.StageDecide), r.Reason, r.ID).Error
}

// changeOutcomes sets another outcome for the rows that still wait for a conflict, and
// changes the counters of their deliveries with them. If only is not nil, it changes that
// one row.
func (t *tx) changeOutcomes(conflictID int64, only *waitingRow, to patient.Outcome) error {
	where, args := "x.review_id = ?", []any{conflictID}
	if only != nil {
		where, args = where+" AND x.delivery_id = ? AND x.line = ?", append(args, only.DeliveryID, only.Line)
	}
	var counts []struct {
		DeliveryID int64
		N          int
	}
	err := t.db.Raw("SELECT x.delivery_id, COUNT(*) AS n FROM review_rows x JOIN delivery_rows w ON w.delivery_id = x.delivery_id"+
		" AND w.line = x.line"+
		" WHERE "+where+" AND w.outcome = ? GROUP BY x.delivery_id ORDER BY x.delivery_id", append(args, string(patient.Review))...).
		Scan(&counts).Error
	if err != nil {
		return err
	}
	err = t.db.Exec("UPDATE delivery_rows SET outcome = ? WHERE outcome = ? AND EXISTS (SELECT 1 FROM review_rows x"+
		" WHERE x.delivery_id = delivery_rows.delivery_id AND x.line = delivery_rows.line AND "+where+")",
		append([]any{string(to), string(patient.Review)}, args...)...).Error
	if err != nil {
		return err
	}
	for _, c := range counts {
		var n patient.Counts
		n.Add(to, c.N)
		err := t.db.Exec(`UPDATE deliveries SET n_review = n_review - ?, n_created = n_created + ?, n_updated = n_updated + ?,
			n_unchanged = n_unchanged + ?, n_rejected = n_rejected + ? WHERE id = ?`,
			c.N, n.Created, n.Updated, n.Unchanged, n.Rejected, c.DeliveryID).Error
		if err != nil {
			return err
		}
		if err := t.followRepairs(c.DeliveryID); err != nil {
			return err
		}
	}
	return nil
}

// moveOldKeys moves the old keys of the rows of a conflict to a patient, even if
// they belonged to another one before.
func (t *tx) moveOldKeys(conflictID, patientID int64) error {
	const of = "SELECT DISTINCT e.legacy_id FROM review_rows x JOIN existing_rows e ON e.delivery_id = x.delivery_id AND e.line = x.line" +
		" WHERE x.review_id = ?"
	if err := t.db.Exec("DELETE FROM legacy_keys WHERE legacy_id IN ("+of+")", conflictID).Error; err != nil {
		return err
	}
	return t.db.Exec("INSERT INTO legacy_keys (legacy_id, patient_id) SELECT q.legacy_id, ? FROM ("+of+") q", patientID, conflictID).Error
}
