package store

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"sluis/internal/delivery"
)

// releaseLeases frees what a process held that died. Only where one process has
// the database to itself; elsewhere leases run out.
func (s *Store) releaseLeases(ctx context.Context) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.db.Exec("UPDATE deliveries SET lease_until = ? WHERE lease_until > ?", t.at, t.at).Error; err != nil {
			return err
		}
		return t.db.Exec("UPDATE chunks SET lease_until = ? WHERE lease_until > ?", t.at, t.at).Error
	})
}

// ClaimDelivery takes the oldest delivery that waits for a worker. The claim is
// an optimistic update: whoever finds the old fence has it.
func (s *Store) ClaimDelivery(ctx context.Context, now time.Time, lease time.Duration) (delivery.Claim, bool, error) {
	now = stamp(now)
	var rows []listedDelivery
	// Deciding and registering go in order of arrival within a centre, so that the
	// outcome never depends on which delivery was quicker at the TTP.
	const inTurn = `(d.state = ? OR (d.state IN ? AND NOT EXISTS (SELECT 1 FROM deliveries e
		WHERE e.centre_id = d.centre_id AND e.id < d.id AND e.state IN ?)))`
	moving := []string{string(delivery.Received), string(delivery.Exchanging), string(delivery.Deciding), string(delivery.Registering)}
	err := s.read(ctx).Table("deliveries d").Select("d.*, c.number AS centre_number, c.brake_percent AS brake").Joins("JOIN centres c ON c.id = d.centre_id").
		Where("d.state IN ? AND d.lease_until <= ?", []string{moving[0], moving[2], moving[3]}, now).Where(inTurn, moving[0], moving[2:], moving).
		Order("d.id").Limit(8).Scan(&rows).Error
	if err != nil {
		return delivery.Claim{}, false, s.dialect.clean(err)
	}
	for _, r := range rows {
		ok, err := s.take(ctx, "deliveries", r.Row.ID, r.Row.Fence, now, lease)
		if err != nil {
			return delivery.Claim{}, false, err
		}
		if ok {
			return delivery.Claim{
				Delivery: r.delivery(), Fence: r.Row.Fence + 1, WrappedKey: r.Row.WrappedKey, Confirmed: r.Row.Confirmed,
				Who: r.Row.who(), NextChunk: r.Row.Registered, FileBytes: r.Row.FileBytes, Assignment: r.Row.assignment(), Brake: r.Brake,
			}, true, nil
		}
	}
	return delivery.Claim{}, false, nil
}

func (s *Store) take(ctx context.Context, table string, id, fence int64, now time.Time, lease time.Duration) (bool, error) {
	taken := false
	err := s.write(ctx, func(t *tx) error {
		res := t.db.Exec("UPDATE "+table+" SET fence = ?, lease_until = ? WHERE id = ? AND fence = ? AND lease_until <= ?",
			fence+1, now.Add(lease), id, fence, now)
		taken = res.RowsAffected == 1
		return res.Error
	})
	return taken, err
}

type chunkRow struct {
	ID         int64 `gorm:"primaryKey;autoIncrement:false"`
	DeliveryID int64
	No         int
	FirstLine  int
	LastLine   int
	Holds      string
	Sealed     []byte
	CallKey    string
	Attempts   int
	NextTryAt  time.Time
	LeaseUntil time.Time
	Fence      int64
	Failures   int
	Waiting    int
	ExpiresAt  *time.Time
	PausedAt   *time.Time
}

func (chunkRow) TableName() string { return "chunks" }

// ClaimChunk takes a chunk that waits for the TTP: first those whose temporary
// pseudonyms are about to run out, then the oldest delivery's.
func (s *Store) ClaimChunk(ctx context.Context, now time.Time, lease time.Duration) (delivery.ChunkClaim, bool, error) {
	now = stamp(now)
	var rows []struct {
		ID    int64
		Fence int64
	}
	err := s.read(ctx).Table("chunks k").Select("k.id, k.fence").Joins("JOIN deliveries d ON d.id = k.delivery_id").
		Where("k.holds IN ? AND k.next_try_at <= ? AND k.lease_until <= ? AND d.state IN ?",
			[]string{string(delivery.HoldsIdentities), string(delivery.HoldsTemporaries)}, now, now, []string{string(delivery.Exchanging), string(delivery.Feeding)}).
		Order(urgentFirst(now)).Limit(8).Scan(&rows).Error
	if err != nil {
		return delivery.ChunkClaim{}, false, s.dialect.clean(err)
	}
	for _, r := range rows {
		ok, err := s.take(ctx, "chunks", r.ID, r.Fence, now, lease)
		if err != nil {
			return delivery.ChunkClaim{}, false, err
		}
		if !ok {
			continue
		}
		var k struct {
			Row        chunkRow `gorm:"embedded"`
			PublicID   string
			CentreID   int64
			WrappedKey []byte
		}
		err = s.read(ctx).Table("chunks k").Select("k.*, d.public_id, d.centre_id, d.wrapped_key").Joins("JOIN deliveries d ON d.id = k.delivery_id").
			Where("k.id = ?", r.ID).Order("k.id").Take(&k).Error
		if err != nil {
			return delivery.ChunkClaim{}, false, s.dialect.clean(err)
		}
		return delivery.ChunkClaim{
			ID: k.Row.ID, DeliveryID: k.Row.DeliveryID, DeliveryPublicID: k.PublicID, CentreID: k.CentreID, No: k.Row.No,
			Holds: delivery.Stuff(k.Row.Holds), Sealed: k.Row.Sealed, CallKey: k.Row.CallKey, Attempts: k.Row.Attempts, Fence: r.Fence + 1, WrappedKey: k.WrappedKey,
			ExpiresAt: moment(k.Row.ExpiresAt), PausedAt: moment(k.Row.PausedAt),
		}, true, nil
	}
	return delivery.ChunkClaim{}, false, nil
}

// urgentFirst orders chunks k for the TTP.
func urgentFirst(now time.Time) clause.OrderBy {
	soon := now.Add(delivery.ExpiryWarning)
	return clause.OrderBy{Expression: gorm.Expr("CASE WHEN k.expires_at <= ? THEN 0 ELSE 1 END, CASE WHEN k.expires_at <= ? THEN k.expires_at END, k.id", soon, soon)}
}

// RenewDelivery prolongs a delivery's lease.
func (s *Store) RenewDelivery(ctx context.Context, c delivery.Claim, until time.Time) error {
	return s.write(ctx, func(t *tx) error {
		return one(t.db.Exec("UPDATE deliveries SET lease_until = ? WHERE id = ? AND fence = ?", stamp(until), c.Delivery.ID, c.Fence), delivery.ErrLost)
	})
}

// RenewChunk prolongs a chunk's lease.
func (s *Store) RenewChunk(ctx context.Context, c delivery.ChunkClaim, until time.Time) error {
	return s.write(ctx, func(t *tx) error {
		return one(t.db.Exec("UPDATE chunks SET lease_until = ? WHERE id = ? AND fence = ?", stamp(until), c.ID, c.Fence), delivery.ErrLost)
	})
}

// ReleaseDelivery gives a delivery back until next, and counts the failure.
func (s *Store) ReleaseDelivery(ctx context.Context, c delivery.Claim, next time.Time) (int, error) {
	return s.release(ctx, "deliveries", c.Delivery.ID, c.Fence, next)
}

// ReleaseChunk gives a chunk back until next, and counts the failure.
func (s *Store) ReleaseChunk(ctx context.Context, c delivery.ChunkClaim, next time.Time) (int, error) {
	return s.release(ctx, "chunks", c.ID, c.Fence, next)
}

func (s *Store) release(ctx context.Context, table string, id, fence int64, next time.Time) (int, error) {
	failures := 0
	err := s.write(ctx, func(t *tx) error {
		res := t.db.Exec("UPDATE "+table+" SET lease_until = ?, failures = failures + 1 WHERE id = ? AND fence = ?", stamp(next), id, fence)
		if err := one(res, delivery.ErrLost); err != nil {
			return err
		}
		return t.db.Raw("SELECT failures FROM "+table+" WHERE id = ?", id).Scan(&failures).Error
	})
	return failures, err
}

// PauseChunk gives a chunk back until next.
func (s *Store) PauseChunk(ctx context.Context, c delivery.ChunkClaim, why delivery.Pause, next time.Time) error {
	return s.write(ctx, func(t *tx) error {
		res := t.db.Exec("UPDATE chunks SET attempts = attempts + 1, next_try_at = ?, lease_until = ?, paused_at = COALESCE(paused_at, ?) WHERE id = ? AND fence = ?",
			stamp(next), t.at, t.at, c.ID, c.Fence)
		if err := one(res, delivery.ErrLost); err != nil {
			return err
		}
		// The delivery shows the soonest next try of its chunks.
		var soonest []time.Time
		err := t.db.Table("chunks").Where("delivery_id = ? AND attempts > 0 AND holds <> ?", c.DeliveryID, string(delivery.HoldsDefinitives)).
			Order("next_try_at").Limit(1).Pluck("next_try_at", &soonest).Error
		if err != nil {
			return err
		}
		if len(soonest) == 0 {
			soonest = []time.Time{next}
		}
		return t.db.Exec("UPDATE deliveries SET paused = ?, denied = ?, next_try_at = ? WHERE id = ?",
			true, why == delivery.PauseDenied, stamp(soonest[0]), c.DeliveryID).Error
	})
}

// PauseDelivery gives a delivery that is itself fetched from the TTP back until
// next.
func (s *Store) PauseDelivery(ctx context.Context, c delivery.Claim, why delivery.Pause, next time.Time) error {
	return s.write(ctx, func(t *tx) error {
		res := t.db.Exec("UPDATE deliveries SET paused = ?, denied = ?, next_try_at = ?, lease_until = ? WHERE id = ? AND fence = ?",
			true, why == delivery.PauseDenied, stamp(next), stamp(next), c.Delivery.ID, c.Fence)
		return one(res, delivery.ErrLost)
	})
}

// answered marks that the TTP gave this chunk an answer. Where it had not for a
// while, the other chunks that wait for the same answer need wait no longer.
func (t *tx) answered(c delivery.ChunkClaim) error {
	err := t.db.Exec("UPDATE deliveries SET paused = ?, denied = ?, next_try_at = NULL WHERE id = ?", false, false, c.DeliveryID).Error
	if err != nil || c.Attempts == 0 {
		return err
	}
	return t.db.Exec("UPDATE chunks SET next_try_at = ? WHERE holds = ? AND next_try_at > ?", t.at, string(c.Holds), t.at).Error
}

// hold checks that a delivery's claim still stands, and prolongs it.
func (t *tx) hold(c delivery.Claim) error {
	res := t.db.Exec("UPDATE deliveries SET lease_until = ? WHERE id = ? AND fence = ? AND state = ?",
		t.at.Add(deliveryLease), c.Delivery.ID, c.Fence, string(c.Delivery.State))
	return one(res, delivery.ErrLost)
}

// deliveryLease is how long a delivery stays a worker's after each step.
const deliveryLease = time.Minute
