package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"sluis/internal/audit"
	"sluis/internal/delivery"
)

// OpenDelivery begins a delivery in state receiving.
func (s *Store) OpenDelivery(ctx context.Context, d delivery.New) (int64, error) {
	var id int64
	err := s.write(ctx, func(t *tx) error {
		var err error
		if id, err = t.next("deliveries", 1); err != nil {
			return err
		}
		row := newDelivery(id, d, delivery.Receiving, t.at)
		if err := t.linkRepair(&row, d.Repairs); err != nil {
			return err
		}
		return t.db.Create(&row).Error
	})
	return id, err
}

func newDelivery(id int64, d delivery.New, state delivery.State, at time.Time) deliveryRow {
	return deliveryRow{
		ID: id, PublicID: d.PublicID, CentreID: d.CentreID, Filename: d.Filename, Mode: string(d.Mode), State: string(state),
		Via: d.Via, Confirmed: d.Confirmed, UserID: d.Who.UserID, UserName: cut(d.Who.Name, 300), UserRole: cut(d.Who.Role, 100),
		Address: cut(d.Who.Address, 64), RequestID: cut(d.Who.RequestID, 64), KeyID: d.KeyID, WrappedKey: d.WrappedKey,
		Columns: "{}", Refusals: "[]", Notes: "[]", LeaseUntil: at, CreatedAt: stamp(d.At),
	}
}

// AppendBlock stores a sealed block of an upload.
func (s *Store) AppendBlock(ctx context.Context, id int64, no int, sealed []byte) error {
	return s.write(ctx, func(t *tx) error {
		return t.db.Exec("INSERT INTO upload_blocks (delivery_id, no, sealed) VALUES (?, ?, ?)", id, no, sealed).Error
	})
}

// Block gives a sealed block; nil after the last one.
func (s *Store) Block(ctx context.Context, id int64, no int) ([]byte, error) {
	var row struct{ Sealed []byte }
	err := s.read(ctx).Table("upload_blocks").Select("sealed").Where("delivery_id = ? AND no = ?", id, no).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	return row.Sealed, s.dialect.clean(err)
}

// FinishUpload makes an upload safe, and says whether the same file came before.
func (s *Store) FinishUpload(ctx context.Context, id int64, mac []byte, size int64, who audit.Who) error {
	return s.write(ctx, func(t *tx) error {
		var r deliveryRow
		if err := first(t.db.Where("id = ?", id), &r); err != nil {
			return err
		}
		var same []string
		err := t.db.Table("deliveries").Where("centre_id = ? AND file_mac = ? AND state NOT IN ? AND id < ?", r.CentreID, mac,
			[]string{string(delivery.Refused), string(delivery.Failed), string(delivery.Cancelled)}, id).Order("id").Limit(1).Pluck("public_id", &same).Error
		if err != nil {
			return err
		}
		sameAs := ""
		if len(same) > 0 {
			sameAs = same[0]
		}
		res := t.db.Exec("UPDATE deliveries SET state = ?, file_mac = ?, file_bytes = ?, same_as = ? WHERE id = ? AND state = ?",
			string(delivery.Received), mac, size, sameAs, id, string(delivery.Receiving))
		if err := one(res, errNotFound); err != nil {
			return err
		}
		return t.record(audit.Event{Type: audit.DeliveryReceived, Action: audit.Create, Who: who, ObjectType: "delivery", ObjectID: r.PublicID})
	})
}

// DropUpload removes an upload that broke off.
func (s *Store) DropUpload(ctx context.Context, id int64) error {
	return s.write(ctx, func(t *tx) error { return t.drop(id) })
}

func (t *tx) drop(id int64) error {
	// The row is taken first: an upload that is finished at this moment stays.
	res := t.db.Exec("UPDATE deliveries SET fence = fence + 1 WHERE id = ? AND state = ?", id, string(delivery.Receiving))
	if res.Error != nil || res.RowsAffected == 0 {
		return res.Error
	}
	if err := t.db.Exec("DELETE FROM upload_blocks WHERE delivery_id = ?", id).Error; err != nil {
		return err
	}
	return t.db.Exec("DELETE FROM deliveries WHERE id = ?", id).Error
}
