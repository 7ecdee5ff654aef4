package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"gorm.io/gorm"

	"sluis/internal/audit"
	"sluis/internal/delivery"
)

// CreateDelivery stores a new delivery in state receiving, and returns its id.
func (s *Store) CreateDelivery(ctx context.Context, d delivery.New) (id int64, err error) {
	err = s.write(ctx, func(t *tx) error {
		id, err = t.createDelivery(d)
		return err
	})
	return id, err
}

func (t *tx) createDelivery(d delivery.New) (int64, error) {
	id, err := t.ids("deliveries", 1)
	if err != nil {
		return 0, err
	}
	if err := t.requireMandate(d.ProcessorID, d.CentreID); err != nil {
		return 0, err
	}
	row := newDelivery(id, d, delivery.Receiving, t.at)
	if err := t.linkRepair(&row, d.Repairs); err != nil {
		return 0, err
	}
	return id, t.db.Create(&row).Error
}

// CreateDeliveryOnce is CreateDelivery for a request that may come more than once. If an
// earlier request with the same key has a delivery, it returns that one. An earlier
// upload that is still in state receiving makes room: its sender gave up, or sends again.
func (s *Store) CreateDeliveryOnce(ctx context.Context, d delivery.New, r delivery.Request) (int64, delivery.Earlier, error) {
	var id int64
	var earlier delivery.Earlier
	err := s.write(ctx, func(t *tx) error {
		id, earlier = 0, delivery.Earlier{}
		known, err := t.earlier(r.Key)
		if err != nil {
			return err
		}
		if known != nil && delivery.State(known.State) == delivery.Receiving {
			dropped, err := t.drop(known.DeliveryID)
			if err != nil {
				return err
			}
			if !dropped { // it was finished at this moment
				known, err = t.earlier(r.Key)
			} else {
				known = nil
			}
			if err != nil {
				return err
			}
		}
		if known != nil {
			earlier.PublicID, earlier.FileMAC = known.PublicID, known.FileMAC
			copy(earlier.Asked[:], known.RequestHash)
			return nil
		}
		if id, err = t.createDelivery(d); err != nil {
			return err
		}
		// The id is the first column, because GORM expands bytes right after a parenthesis
		// as if they were a list.
		return t.db.Exec("INSERT INTO idempotency_keys (delivery_id, key_hash, request_hash, created_at) VALUES (?, ?, ?, ?)",
			id, r.Key[:], r.Asks[:], t.at).Error
	})
	return id, earlier, err
}

// earlierRow is an earlier request and its delivery.
type earlierRow struct {
	DeliveryID  int64
	RequestHash []byte
	PublicID    string
	State       string
	FileMAC     []byte `gorm:"column:file_mac"`
}

// earlier finds a request by its key. It returns nil if the request is new.
func (t *tx) earlier(key [32]byte) (*earlierRow, error) {
	var rows []earlierRow
	err := t.db.Table("idempotency_keys k").Select("k.delivery_id, k.request_hash, d.public_id, d.state, d.file_mac").
		Joins("JOIN deliveries d ON d.id = k.delivery_id").Where("k.key_hash = ?", key[:]).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return &rows[0], nil
}

func newDelivery(id int64, d delivery.New, state delivery.State, at time.Time) deliveryRow {
	var processor *int64
	if d.ProcessorID != 0 {
		processor = &d.ProcessorID
	}
	return deliveryRow{
		ID: id, PublicID: d.PublicID, CentreID: d.CentreID, ProcessorID: processor, Filename: d.Filename,
		Mode: string(d.Mode), State: string(state),
		Via: string(d.Via), Confirmed: d.Confirmed, UserID: d.Who.UserID, UserName: cut(d.Who.Name, 300), UserRole: cut(d.Who.Role, 100),
		Address: cut(d.Who.Address, 64), RequestID: cut(d.Who.RequestID, 64), KeyID: d.KeyID, WrappedKey: d.WrappedKey,
		Columns: "{}", Refusals: "[]", Notes: "[]", LeaseUntil: at, CreatedAt: stamp(d.At), Assignment: datesOf(d),
	}
}

// datesOf returns the assignment of a delivery whose sender said the order of its dates,
// and nothing of its columns.
func datesOf(d delivery.New) string {
	if d.Dates == "" {
		return ""
	}
	text, err := json.Marshal(delivery.Assignment{Dates: d.Dates})
	if err != nil {
		return "" // it has nothing that cannot be written
	}
	return string(text)
}

// AppendBlock stores a sealed block of an upload.
func (s *Store) AppendBlock(ctx context.Context, id int64, no int, sealed []byte) error {
	return s.write(ctx, func(t *tx) error {
		res := t.db.Exec("INSERT INTO upload_blocks (delivery_id, no, sealed) SELECT id, ?, ? FROM deliveries WHERE id = ? AND state = ?",
			no, sealed, id, string(delivery.Receiving))
		return one(res, errNotFound)
	})
}

// Block returns a sealed block, or nil after the last one.
func (s *Store) Block(ctx context.Context, id int64, no int) ([]byte, error) {
	var row struct{ Sealed []byte }
	err := s.read(ctx).Table("upload_blocks").Select("sealed").Where("delivery_id = ? AND no = ?", id, no).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	return row.Sealed, s.dialect.clean(err)
}

// FinishUpload ends an upload: the delivery is received, with its event. It notes the
// earlier delivery of the same file, if there is one.
func (s *Store) FinishUpload(ctx context.Context, id int64, mac []byte, size int64, who audit.Who) error {
	return s.write(ctx, func(t *tx) error {
		var r deliveryRow
		if err := first(t.db.Where("id = ?", id), &r); err != nil {
			return err
		}
		if err := t.requireMandate(r.processor(), r.CentreID); err != nil {
			return err
		}
		earlier := t.db.Table("deliveries")
		if r.ProcessorID != nil { // it does not hear what others deliver for the centre
			earlier = earlier.Where("processor_id = ?", *r.ProcessorID)
		}
		var same []string
		err := earlier.Where("centre_id = ? AND file_mac = ? AND state NOT IN ? AND id < ?", r.CentreID, mac,
			[]string{string(delivery.Refused), string(delivery.Failed), string(delivery.Cancelled)}, id).Order("id").Limit(1).
			Pluck("public_id", &same).Error
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
		return t.record(audit.Event{
			Type: audit.DeliveryReceived, Action: audit.Create, Who: who, ObjectType: "delivery", ObjectID: r.PublicID,
		})
	})
}

// DropUpload removes an upload that broke off.
func (s *Store) DropUpload(ctx context.Context, id int64) error {
	return s.write(ctx, func(t *tx) error { _, err := t.drop(id); return err })
}

// drop removes an upload, unless it is finished.
func (t *tx) drop(id int64) (dropped bool, err error) {
	// The state is compared and the row locked in one statement, so that an upload that
	// is finished at this moment stays.
	res := t.db.Exec("UPDATE deliveries SET fence = fence + 1 WHERE id = ? AND state = ?", id, string(delivery.Receiving))
	if res.Error != nil || res.RowsAffected == 0 {
		return false, res.Error
	}
	for _, statement := range []string{
		"DELETE FROM upload_blocks WHERE delivery_id = ?", "DELETE FROM idempotency_keys WHERE delivery_id = ?",
		"DELETE FROM deliveries WHERE id = ?",
	} {
		if err := t.db.Exec(statement, id).Error; err != nil {
			return false, err
		}
	}
	return true, nil
}
