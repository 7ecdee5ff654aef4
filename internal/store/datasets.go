package store

import (
	"context"

	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/delivery"
)

// CreateDatasetDelivery stores a new delivery that a worker fetches from the TTP. If a
// delivery of the same dataset is under way, the error is apperr.Conflict
// "dataset_under_way".
func (s *Store) CreateDatasetDelivery(ctx context.Context, d delivery.New) error {
	return s.write(ctx, func(t *tx) error {
		// The lock on the centre's row makes the second of two simultaneous requests wait.
		var centre centreRow
		if err := first(t.dialect.forUpdate(t.db, "centres").Where("id = ?", d.CentreID), &centre); err != nil {
			return err
		}
		var open int64
		err := t.db.Table("deliveries").Where("dataset_id = ? AND state NOT IN ?", d.DatasetID, finalStates).Count(&open).Error
		if err != nil {
			return err
		}
		if open > 0 {
			return apperr.New(apperr.Conflict, "dataset_under_way")
		}
		var same []string
		err = t.db.Table("deliveries").Where("dataset_id = ? AND state = ?", d.DatasetID, string(delivery.Done)).Order("id").Limit(1).
			Pluck("public_id", &same).Error
		if err != nil {
			return err
		}
		id, err := t.ids("deliveries", 1)
		if err != nil {
			return err
		}
		row := newDelivery(id, d, delivery.Received, t.at)
		row.Kind, row.DatasetID = string(delivery.Dataset), d.DatasetID
		if len(same) > 0 {
			row.SameAs = same[0]
		}
		if err := t.db.Create(&row).Error; err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.DatasetImported, Action: audit.Create, Who: d.Who, ObjectType: "delivery", ObjectID: d.PublicID,
		})
	})
}

// LatestImports returns the latest delivery of each of these datasets, by dataset.
func (s *Store) LatestImports(ctx context.Context, who audit.Who, ids []string) (map[string]delivery.Delivery, error) {
	out := map[string]delivery.Delivery{}
	err := s.write(ctx, func(t *tx) error {
		clear(out)
		err := pieces(ids, t.dialect.maxIn(), func(part []string) error {
			var rows []deliveryRow
			err := t.db.Where("dataset_id ?", t.dialect.oneOf(&part)).Order("id").Find(&rows).Error
			for _, r := range rows {
				out[r.DatasetID] = r.delivery("")
			}
			return err
		})
		if err != nil {
			return err
		}
		return t.record(audit.Event{Type: audit.DatasetsListed, Action: audit.Read, Who: who, ObjectType: "datasets"})
	})
	return out, err
}
