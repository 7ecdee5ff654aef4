package store

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/delivery"
)

// columnMapRow is the assignment of columns that a centre made for a header.
type columnMapRow struct {
	CentreID   int64  `gorm:"primaryKey;autoIncrement:false"`
	HeaderMAC  []byte `gorm:"column:header_mac;primaryKey"`
	Assignment string
	SavedAt    time.Time
}

func (columnMapRow) TableName() string { return "column_maps" }

// AwaitColumns lets a delivery wait until expires for a user to assign its columns. What
// was assigned before stays, to be proposed again.
func (s *Store) AwaitColumns(ctx context.Context, c delivery.Claim, expires time.Time) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.requireClaim(c); err != nil {
			return err
		}
		err := t.db.Exec("UPDATE deliveries SET state = ?, expires_at = ?, lease_until = ? WHERE id = ?",
			string(delivery.Mapping), stamp(expires), t.at, c.Delivery.ID).Error
		if err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.DeliveryChecked, Action: audit.Execute, Who: c.Who, ObjectType: "delivery", ObjectID: c.Delivery.PublicID,
			Code: string(delivery.Mapping),
		})
	})
}

// AwaitingColumns returns a delivery that waits for its columns, with the key that
// opens its upload. If it does not wait for them, the error is apperr.Conflict
// "delivery_not_mapping".
func (s *Store) AwaitingColumns(ctx context.Context, scope account.Scope, id string) (delivery.Claim, error) {
	r, err := findDelivery(s.read(ctx), scope, id)
	if err != nil {
		return delivery.Claim{}, s.dialect.clean(err)
	}
	if r.Row.State != string(delivery.Mapping) {
		return delivery.Claim{}, apperr.New(apperr.Conflict, "delivery_not_mapping")
	}
	return delivery.Claim{
		Delivery: r.delivery(), WrappedKey: r.Row.WrappedKey, FileBytes: r.Row.FileBytes, Who: r.Row.who(), Assignment: r.Row.assignment(),
	}, nil
}

// AssignColumns lets a delivery be parsed with the columns that a user assigned. If
// header, the keyed hash of the file's header, is given, the assignment is remembered:
// the centre's next files with that header are parsed in the same way.
func (s *Store) AssignColumns(ctx context.Context, who audit.Who, scope account.Scope, id string, a delivery.Assignment,
	header []byte,
) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return s.changeWaiting(ctx, who, scope, id, []delivery.State{delivery.Mapping}, apperr.New(apperr.Conflict, "delivery_not_mapping"),
		audit.ColumnsAssigned, func(t *tx, r deliveryRow) error {
			err := t.db.Exec("UPDATE deliveries SET state = ?, assignment = ?, expires_at = NULL WHERE id = ?", string(delivery.Received),
				string(text), r.ID).Error
			if err != nil || header == nil {
				return err
			}
			if err := t.db.Exec("DELETE FROM column_maps WHERE centre_id = ? AND header_mac = ?", r.CentreID, header).Error; err != nil {
				return err
			}
			return t.db.Create(&columnMapRow{CentreID: r.CentreID, HeaderMAC: header, Assignment: string(text), SavedAt: t.at}).Error
		})
}

// RememberedColumns returns the latest assignment that a centre made for a header with
// one of these keyed hashes, and that hash. It returns nil if there is none.
func (s *Store) RememberedColumns(ctx context.Context, centreID int64, macs [][]byte) (*delivery.Assignment, []byte, error) {
	var newest columnMapRow
	err := pieces(macs, s.dialect.maxIn(), func(part [][]byte) error {
		var rows []columnMapRow
		if err := s.read(ctx).Where("centre_id = ? AND header_mac ?", centreID, s.dialect.oneOf(&part)).Find(&rows).Error; err != nil {
			return err
		}
		for _, r := range rows {
			if r.SavedAt.After(newest.SavedAt) {
				newest = r
			}
		}
		return nil
	})
	if err != nil || newest.HeaderMAC == nil {
		return nil, nil, s.dialect.clean(err)
	}
	var a delivery.Assignment
	if err := json.Unmarshal([]byte(newest.Assignment), &a); err != nil {
		return nil, nil, err
	}
	return &a, slices.Clone(newest.HeaderMAC), nil
}

// RememberedHeaders returns the number of headers for which a centre has assigned columns.
func (s *Store) RememberedHeaders(ctx context.Context, centreID int64) (int, error) {
	var n int64
	err := s.read(ctx).Model(&columnMapRow{}).Where("centre_id = ?", centreID).Count(&n).Error
	return int(n), s.dialect.clean(err)
}

// ForgetColumns removes every assignment of columns of a centre.
func (s *Store) ForgetColumns(ctx context.Context, who audit.Who, centreID int64) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.db.Exec("DELETE FROM column_maps WHERE centre_id = ?", centreID).Error; err != nil {
			return err
		}
		return t.record(audit.Event{Type: audit.ColumnsForgotten, Action: audit.Delete, Who: who, ObjectType: "columns"})
	})
}
