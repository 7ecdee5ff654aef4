package store

import (
	"context"
	"fmt"

	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/patient"
)

// RegisterChunk stores a chunk's patients with its outcomes, counters and event,
// all of it or nothing.
func (s *Store) RegisterChunk(ctx context.Context, c delivery.Claim, no int, lines []int, register func(patient.Tx) ([]patient.Verdict, []delivery.Finding, error)) error {
	id := c.Delivery.ID
	return s.write(ctx, func(t *tx) error {
		if err := t.hold(c); err != nil {
			return err
		}
		// The chunks are stored in order, each once, whatever worker comes back.
		if err := one(t.db.Exec("UPDATE deliveries SET registered = ? WHERE id = ? AND registered = ?", no+1, id, no), delivery.ErrLost); err != nil {
			return err
		}
		ptx := &patientTx{t: t, deliveryID: &id}
		verdicts, findings, err := register(ptx)
		if err != nil {
			return err
		}
		if err := t.setVerdicts(ctx, id, no, lines, verdicts); err != nil {
			return err
		}
		var k chunkRow
		if err := first(t.db.Select("id, first_line, last_line").Where("delivery_id = ? AND no = ?", id, no), &k); err != nil {
			return err
		}
		err = t.db.Exec("DELETE FROM findings WHERE delivery_id = ? AND line BETWEEN ? AND ? AND stage = ?", id, k.FirstLine, k.LastLine, string(delivery.StageDecide)).Error
		if err != nil {
			return err
		}
		if err := t.addFindings(ctx, id, findings); err != nil {
			return err
		}
		res := t.db.Exec("UPDATE delivery_rows SET outcome = verdict WHERE delivery_id = ? AND line BETWEEN ? AND ? AND chunk_no = ?", id, k.FirstLine, k.LastLine, no)
		if res.Error != nil {
			return res.Error
		}
		var n patient.Counts
		for _, v := range verdicts {
			n.Add(v.Outcome, 1)
		}
		n.Rejected += int(res.RowsAffected) - len(verdicts)
		err = t.db.Exec(`UPDATE deliveries SET n_created = n_created + ?, n_updated = n_updated + ?, n_unchanged = n_unchanged + ?,
			n_rejected = n_rejected + ?, n_review = n_review + ? WHERE id = ?`, n.Created, n.Updated, n.Unchanged, n.Rejected, n.Review, id).Error
		if err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.DeliveryStored, Action: audit.Update, Who: c.Who, ObjectType: "delivery", ObjectID: c.Delivery.PublicID,
			Subjects: ptx.subjects,
		})
	})
}

// Finish ends a delivery whose rows are all stored. Totals that do not add up
// are an error: then it stays as it is, for a person to look at.
func (s *Store) Finish(ctx context.Context, c delivery.Claim) error {
	return s.write(ctx, func(t *tx) error {
		if c.Delivery.Repairs != "" { // the centre's row first, as registering does: its chain ends one by one
			var centre centreRow
			if err := first(t.dialect.forUpdate(t.db, "centres").Where("id = ?", c.Delivery.CentreID), &centre); err != nil {
				return err
			}
		}
		if err := t.hold(c); err != nil {
			return err
		}
		counted, err := t.countBy("outcome", c.Delivery.ID)
		if err != nil {
			return err
		}
		var r deliveryRow
		if err := first(t.db.Where("id = ?", c.Delivery.ID), &r); err != nil {
			return err
		}
		if got := r.delivery("").Counts; got != counted || got.Pending != 0 {
			return fmt.Errorf("delivery %s: counters %+v, rows %+v: %w", c.Delivery.PublicID, got, counted, delivery.ErrUnbalanced)
		}
		if err := t.end(c.Delivery.ID, []delivery.State{delivery.Registering}, delivery.Done, ""); err != nil {
			return err
		}
		return t.followRepairs(c.Delivery.ID)
	})
}
