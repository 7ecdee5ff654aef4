package store

import (
	"context"
	"fmt"

	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/patient"
)

// RegisterChunk runs register for a chunk, and stores the outcomes of its rows, the
// counters and the event in the same transaction.
func (s *Store) RegisterChunk(ctx context.Context, c delivery.Claim, no int, lines []int, register func(patient.Tx) ([]patient.Verdict,
	[]delivery.Finding, error),
) error {
	id := c.Delivery.ID
	return s.write(ctx, func(t *tx) error {
		if err := t.requireClaim(c); err != nil {
			return err
		}
		// This keeps the chunks in order, and each is stored once only: a worker that comes
		// back late finds another number.
		if err := one(t.db.Exec("UPDATE deliveries SET registered = ? WHERE id = ? AND registered = ?", no+1, id, no),
			delivery.ErrLost); err != nil {
			return err
		}
		var created idRange
		ptx := &patientTx{t: t, deliveryID: &id, created: &created}
		verdicts, findings, err := register(ptx)
		if err != nil {
			return err
		}
		var k chunkRow
		if err := first(t.db.Select("id, no, first_line, last_line").Where("delivery_id = ? AND no = ?", id, no), &k); err != nil {
			return err
		}
		err = t.db.Exec("DELETE FROM findings WHERE delivery_id = ? AND line BETWEEN ? AND ? AND stage = ?", id, k.FirstLine, k.LastLine,
			string(delivery.StageDecide)).Error
		if err != nil {
			return err
		}
		if err := t.addFindings(ctx, id, findings); err != nil {
			return err
		}
		n, err := t.setOutcomes(ctx, id, k, lines, verdicts)
		if err != nil {
			return err
		}
		err = t.db.Exec(`UPDATE deliveries SET n_created = n_created + ?, n_updated = n_updated + ?, n_unchanged = n_unchanged + ?,
			n_rejected = n_rejected + ?, n_review = n_review + ? WHERE id = ?`,
			n.Created, n.Updated, n.Unchanged, n.Rejected, n.Review, id).Error
		if err != nil {
			return err
		}
		// The rows are registered, so nobody needs the sealed content again.
		if err := t.db.Exec("DELETE FROM chunk_contents WHERE chunk_id = ?", k.ID).Error; err != nil {
			return err
		}
		if err := t.db.Exec("DELETE FROM chunks WHERE id = ?", k.ID).Error; err != nil {
			return err
		}
		return t.recordNew(audit.Event{
			Type: audit.DeliveryStored, Action: audit.Update, Who: c.Who, ObjectType: "delivery", ObjectID: c.Delivery.PublicID,
			Subjects: ptx.subjects,
		}, created)
	})
}

// setOutcomes sets the outcomes of the rows of a chunk: the most frequent one in one
// statement, the others row by row. Rows that were rejected earlier stay rejected. It
// returns the counts of the stored rows. If they differ from the verdicts, the error is
// delivery.ErrUnbalanced.
func (t *tx) setOutcomes(ctx context.Context, id int64, k chunkRow, lines []int, verdicts []patient.Verdict) (patient.Counts, error) {
	want := tally(verdicts)
	common := patient.Created
	counts := map[patient.Outcome]int{}
	for _, v := range verdicts {
		if counts[v.Outcome]++; counts[v.Outcome] > counts[common] {
			common = v.Outcome
		}
	}
	err := t.db.Exec("UPDATE delivery_rows SET outcome = CASE WHEN verdict = ? THEN verdict ELSE ? END WHERE delivery_id = ?"+
		" AND line BETWEEN ? AND ? AND chunk_no = ?",
		string(patient.Rejected), string(common), id, k.FirstLine, k.LastLine, k.No).Error
	if err != nil {
		return want, err
	}
	var other []int
	for i, v := range verdicts {
		if v.Outcome != common {
			other = append(other, i)
		}
	}
	err = t.dialect.update(ctx, t.raw, "delivery_rows", []string{"outcome"}, []string{"delivery_id", "line"}, len(other),
		func(i int) []any { return []any{string(verdicts[other[i]].Outcome), id, lines[other[i]]} })
	if err != nil {
		return want, err
	}
	var rows []struct {
		O string
		N int
	}
	err = t.db.Raw("SELECT outcome AS o, COUNT(*) AS n FROM delivery_rows WHERE delivery_id = ? AND line BETWEEN ? AND ? AND chunk_no = ?"+
		" GROUP BY outcome",
		id, k.FirstLine, k.LastLine, k.No).Scan(&rows).Error
	if err != nil {
		return want, err
	}
	var got patient.Counts
	for _, r := range rows {
		got.Add(patient.Outcome(r.O), r.N)
	}
	if want.Rejected = got.Rejected; got != want {
		return got, fmt.Errorf("delivery %d, chunk %d: verdicts %+v, rows %+v: %w", id, k.No, want, got, delivery.ErrUnbalanced)
	}
	return got, nil
}

// Finish ends a delivery after its last chunk. If a row is still pending, it returns
// delivery.ErrUnbalanced and changes nothing, so that a person can look at it. That the
// counters agree with the rows was checked chunk by chunk.
func (s *Store) Finish(ctx context.Context, c delivery.Claim) error {
	if err := s.clear(ctx, c.Delivery.ID, func(t *tx) error { return t.requireClaim(c) }, sealedParts...); err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		// Deliveries of one chain of repairs end one after the other. The centre's row is
		// locked first, as in registering.
		if c.Delivery.Repairs != "" {
			var centre centreRow
			if err := first(t.dialect.forUpdate(t.db, "centres").Where("id = ?", c.Delivery.CentreID), &centre); err != nil {
				return err
			}
		}
		if err := t.requireClaim(c); err != nil {
			return err
		}
		var r deliveryRow
		if err := first(t.db.Where("id = ?", c.Delivery.ID), &r); err != nil {
			return err
		}
		if got := r.delivery("").Counts; got.Pending != 0 {
			return fmt.Errorf("delivery %s: counters %+v: %w", c.Delivery.PublicID, got, delivery.ErrUnbalanced)
		}
		if err := t.end(c.Delivery.ID, []delivery.State{delivery.Registering}, delivery.Done, ""); err != nil {
			return err
		}
		return t.followRepairs(c.Delivery.ID)
	})
}
