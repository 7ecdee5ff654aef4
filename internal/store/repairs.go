package store

import (
	"context"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/delivery"
	"sluis/internal/patient"
)

// Deliveries that repair each other form a chain; repair_root is its first delivery. A
// rejected row is repaired once a later delivery of the chain has stored its patient
// number. The row is marked when that delivery ends, so that no page has to compare
// rows.

// notMended excludes deliveries without a row left to repair (delivery.Mended), and
// those with an expired report: nobody can mend a row that is not known any more.
const notMended = "d.report_expired_at IS NULL AND NOT (d.n_repairs > 0 AND (d.state <> ? OR d.n_rejected <= d.n_repaired + d.n_untraced))"

func (r deliveryRow) root() int64 {
	if r.RepairRoot == nil {
		return 0
	}
	return *r.RepairRoot
}

// linkRepair marks row as the repair of a delivery of its centre. A delivery of another
// centre is not found, nor is one that the processor of row did not deliver. If the
// delivery cannot be repaired, the error is apperr.Conflict "delivery_not_repairable".
func (t *tx) linkRepair(row *deliveryRow, repairs string) error {
	if repairs == "" {
		return nil
	}
	var r deliveryRow
	db := t.db.Where("public_id = ? AND centre_id = ? AND state <> ?", repairs, row.CentreID, string(delivery.Receiving))
	if row.ProcessorID != nil {
		db = db.Where("processor_id = ?", *row.ProcessorID)
	}
	if err := first(db, &r); err != nil {
		return err
	}
	if !r.delivery("").Repairable() {
		return apperr.New(apperr.Conflict, "delivery_not_repairable")
	}
	root := r.ID
	if r.RepairRoot != nil {
		root = *r.RepairRoot
	}
	row.Repairs, row.RepairRoot = r.PublicID, &root
	return nil
}

// storedOutcomes are the outcomes of rows that are in the registry.
var storedOutcomes = []string{string(patient.Created), string(patient.Updated), string(patient.Unchanged)}

// followRepairs marks the rows of earlier deliveries of the chain that delivery id
// repaired, and the rows of id that later deliveries repaired. Then it counts them. It
// is called whenever rows of id get their outcomes: when the delivery is done, and when
// a conflict is judged.
func (t *tx) followRepairs(id int64) error {
	var r deliveryRow
	if err := first(t.db.Select("id, repair_root, state").Where("id = ?", id), &r); err != nil {
		return err
	}
	root := id
	if r.RepairRoot != nil {
		root = *r.RepairRoot
	} else {
		var later int64
		if err := t.db.Table("deliveries").Where("repair_root = ?", id).Count(&later).Error; err != nil || later == 0 {
			return err
		}
	}
	const open = "outcome = ? AND repaired = ? AND patient_number <> '' AND patient_number IN "
	// The subqueries do not depend on the row, so that each runs once.
	if r.State == string(delivery.Done) {
		err := t.db.Exec("UPDATE delivery_rows SET repaired = ? WHERE delivery_id IN (SELECT id FROM deliveries WHERE (id = ?"+
			" OR repair_root = ?) AND id < ?) AND "+open+
			"(SELECT w.patient_number FROM delivery_rows w WHERE w.delivery_id = ? AND w.outcome IN ?)",
			true, root, root, id, string(patient.Rejected), false, id, storedOutcomes).Error
		if err != nil {
			return err
		}
	}
	err := t.db.Exec("UPDATE delivery_rows SET repaired = ? WHERE delivery_id = ? AND "+open+
		"(SELECT w.patient_number FROM delivery_rows w JOIN deliveries d ON d.id = w.delivery_id WHERE d.repair_root = ? AND d.id > ?"+
		" AND d.state = ? AND w.outcome IN ?)",
		true, id, string(patient.Rejected), false, root, id, string(delivery.Done), storedOutcomes).Error
	if err != nil {
		return err
	}
	err = t.db.Exec(
		`UPDATE deliveries SET n_repairs = (SELECT COUNT(*) FROM deliveries x WHERE x.repair_root = ? AND x.id > deliveries.id AND x.state = ?)
		WHERE id = ? OR repair_root = ?`,
		root,
		string(delivery.Done),
		root,
		root,
	).Error
	if err != nil {
		return err
	}
	// The rows of an expired report are gone, so its counts stay as they are.
	return t.db.Exec(`UPDATE deliveries SET
		n_repaired = (SELECT COUNT(*) FROM delivery_rows w WHERE w.delivery_id = deliveries.id AND w.outcome = ? AND w.repaired = ?),
		n_untraced = (SELECT COUNT(*) FROM delivery_rows w WHERE w.delivery_id = deliveries.id AND w.outcome = ? AND w.patient_number = '')
		WHERE (id = ? OR repair_root = ?) AND report_expired_at IS NULL AND n_repairs > 0`,
		string(patient.Rejected), true, string(patient.Rejected), root, root).Error
}

// Repairs returns the delivery that d repairs and those that repair d. It takes one
// query for the chain, and one for the open rows of each of the two.
func (s *Store) Repairs(ctx context.Context, scope account.Scope, d delivery.Delivery) (delivery.Repairs, error) {
	var out delivery.Repairs
	if d.Repairs == "" && !d.Repairable() {
		return out, nil
	}
	root := d.RepairRoot
	if root == 0 {
		root = d.ID
	}
	var rows []listedDelivery
	err := deliveriesIn(s.read(ctx), scope).Where("d.state <> ?", string(delivery.Receiving)).
		Where("(d.public_id = ? OR (d.repair_root = ? AND d.id > ?))", d.Repairs, root, d.ID).Order("d.id").Limit(delivery.MaxRepairs + 1).
		Scan(&rows).Error
	if err != nil {
		return out, s.dialect.clean(err)
	}
	for _, r := range rows {
		if x := r.delivery(); d.Repairs != "" && x.PublicID == d.Repairs {
			out.Original = &x
		} else if len(out.Later) < delivery.MaxRepairs {
			out.Later = append(out.Later, x)
		}
	}
	if out.Original != nil {
		if out.OriginalOpen, err = s.openRows(ctx, *out.Original); err != nil {
			return out, err
		}
	}
	out.Open, err = s.openRows(ctx, d)
	return out, err
}

// openRows returns the first rejected rows that no later delivery has stored. Rows
// without a patient number are among them.
func (s *Store) openRows(ctx context.Context, d delivery.Delivery) ([]delivery.Row, error) {
	if d.LaterRepairs == 0 || d.State != delivery.Done || d.Repaired >= d.Counts.Rejected || !d.ReportExpiredAt.IsZero() {
		return nil, nil
	}
	var rows []delivery.Row
	err := s.read(ctx).Table("delivery_rows").Select("line, patient_number, outcome").
		Where("delivery_id = ? AND outcome = ? AND repaired = ?", d.ID, string(patient.Rejected), false).Order("line").
		Limit(delivery.MaxOpenRows).Scan(&rows).Error
	return rows, s.dialect.clean(err)
}
