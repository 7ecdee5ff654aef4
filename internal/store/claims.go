package store

import (
	"context"
	"time"

	"gorm.io/gorm"

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

// ClaimDelivery takes a delivery that waits for a worker: of the centre that
// waited longest, the oldest. The claim is an optimistic update: whoever finds
// the old fence has it.
func (s *Store) ClaimDelivery(ctx context.Context, now time.Time, lease time.Duration) (delivery.Claim, bool, error) {
	return s.claimDelivery(ctx, now, lease, func(db *gorm.DB) *gorm.DB { return db })
}

// ClaimSmallDelivery is the same for small ones alone, so that they need not wait
// until a large one is done.
func (s *Store) ClaimSmallDelivery(ctx context.Context, now time.Time, lease time.Duration) (delivery.Claim, bool, error) {
	return s.claimDelivery(ctx, now, lease, func(db *gorm.DB) *gorm.DB {
		return db.Where("((d.state = ? AND d.file_bytes <= ? AND d.dataset_id = '') OR (d.state <> ? AND d.rows_read <= ?))",
			string(delivery.Received), delivery.SmallBytes, string(delivery.Received), delivery.SmallRows)
	})
}

// moving are the states in which a delivery goes on by itself.
var moving = []string{string(delivery.Received), string(delivery.Exchanging), string(delivery.Deciding), string(delivery.Registering)}

func (s *Store) claimDelivery(ctx context.Context, now time.Time, lease time.Duration, which func(*gorm.DB) *gorm.DB) (delivery.Claim, bool, error) {
	now = stamp(now)
	var rows []listedDelivery
	// Deciding and registering go in order of arrival within a centre, so that the
	// outcome never depends on which delivery was quicker at the TTP.
	const inTurn = `(d.state = ? OR (d.state IN ? AND NOT EXISTS (SELECT 1 FROM deliveries e
		WHERE e.centre_id = d.centre_id AND e.id < d.id AND e.state IN ?)))`
	err := which(s.read(ctx).Table("deliveries d").Select("d.*, c.number AS centre_number, c.brake_percent AS brake").Joins("JOIN centres c ON c.id = d.centre_id").
		Joins("LEFT JOIN turns w ON w.centre_id = d.centre_id AND w.lane = ?", laneWork).
		Where("d.state IN ? AND d.lease_until <= ?", []string{moving[0], moving[2], moving[3]}, now).Where(inTurn, moving[0], moving[2:], moving)).
		Order("w.served_at, d.id").Limit(8).Scan(&rows).Error // who never had a turn comes first
	if err != nil {
		return delivery.Claim{}, false, s.dialect.clean(err)
	}
	for _, r := range rows {
		ok, err := s.take(ctx, "deliveries", r.Row.ID, r.Row.Fence, now, lease, turn{r.Row.CentreID, laneWork})
		if err != nil {
			return delivery.Claim{}, false, err
		}
		if ok {
			return delivery.Claim{
				Delivery: r.delivery(), Fence: r.Row.Fence + 1, WrappedKey: r.Row.WrappedKey, Confirmed: r.Row.Confirmed,
				Who: r.Row.who(), NextChunk: r.Row.Registered, FileBytes: r.Row.FileBytes, Assignment: r.Row.assignment(), Brake: r.Brake,
				Failures: r.Row.Failures,
			}, true, nil
		}
	}
	return delivery.Claim{}, false, nil
}

// The lanes in which centres take turns: the workers, and the calls to the TTP.
const (
	laneWork = "work"
	laneCall = "call"
)

// turn is a centre's, in a lane; zero for work that is nobody's.
type turn struct {
	centreID int64
	lane     string
}

// take claims a row, and counts as a turn of its centre.
func (s *Store) take(ctx context.Context, table string, id, fence int64, now time.Time, lease time.Duration, whose turn) (bool, error) {
	taken := false
	err := s.write(ctx, func(t *tx) error {
		res := t.db.Exec("UPDATE "+table+" SET fence = ?, lease_until = ? WHERE id = ? AND fence = ? AND lease_until <= ?",
			fence+1, now.Add(lease), id, fence, now)
		if taken = res.RowsAffected == 1; res.Error != nil || !taken {
			return res.Error
		}
		return t.served(whose)
	})
	return taken, err
}

// served notes that a centre has its turn now.
func (t *tx) served(whose turn) error {
	if whose.centreID == 0 {
		return nil
	}
	res := t.db.Exec("UPDATE turns SET served_at = ? WHERE centre_id = ? AND lane = ?", t.at, whose.centreID, whose.lane)
	if res.Error != nil || res.RowsAffected > 0 {
		return res.Error
	}
	return t.db.Exec("INSERT INTO turns (centre_id, lane, served_at) VALUES (?, ?, ?)", whose.centreID, whose.lane, t.at).Error
}

type chunkRow struct {
	ID         int64 `gorm:"primaryKey;autoIncrement:false"`
	DeliveryID int64
	No         int
	FirstLine  int
	LastLine   int
	Holds      string
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
// pseudonyms are about to run out, then of the centre that waited longest the
// oldest delivery's.
func (s *Store) ClaimChunk(ctx context.Context, now time.Time, lease time.Duration) (delivery.ChunkClaim, bool, error) {
	now = stamp(now)
	for _, look := range []func(context.Context, time.Time) ([]waitingChunk, error){s.urgentChunks, s.nextChunks} {
		rows, err := look(ctx, now)
		if err != nil {
			return delivery.ChunkClaim{}, false, s.dialect.clean(err)
		}
		for _, r := range rows {
			ok, err := s.take(ctx, "chunks", r.ID, r.Fence, now, lease, turn{r.CentreID, laneCall})
			if err != nil {
				return delivery.ChunkClaim{}, false, err
			}
			if ok {
				c, err := s.claimedChunk(ctx, r)
				return c, err == nil, err
			}
		}
	}
	return delivery.ChunkClaim{}, false, nil
}

// underExchange are the states in which chunks are on their way through the TTP.
var underExchange = []string{string(delivery.Exchanging), string(delivery.Feeding)}

// waitingChunk is a chunk that could be claimed.
type waitingChunk struct{ ID, Fence, CentreID int64 }

// claimable are chunks k of deliveries d that wait for the TTP.
func (s *Store) claimable(ctx context.Context, now time.Time) *gorm.DB {
	return s.read(ctx).Table("chunks k").Select("k.id, k.fence, d.centre_id").Joins("JOIN deliveries d ON d.id = k.delivery_id").
		Where("k.next_try_at <= ? AND k.lease_until <= ? AND d.state IN ?", now, now, underExchange).Limit(8)
}

// urgentChunks are those with a temporary pseudonym that is about to run out.
func (s *Store) urgentChunks(ctx context.Context, now time.Time) (rows []waitingChunk, err error) {
	err = s.claimable(ctx, now).Where("k.expires_at <= ? AND k.holds IN ?", now.Add(delivery.ExpiryWarning),
		[]string{string(delivery.HoldsIdentities), string(delivery.HoldsTemporaries)}).Order("k.expires_at, k.id").Scan(&rows).Error
	return rows, err
}

// nextChunks are the next ones of the delivery whose turn it is. What is half
// done goes first, so that little can run out.
func (s *Store) nextChunks(ctx context.Context, now time.Time) (rows []waitingChunk, err error) {
	var ids []int64
	err = s.read(ctx).Table("deliveries d").Joins("LEFT JOIN turns w ON w.centre_id = d.centre_id AND w.lane = ?", laneCall).
		Where("d.state IN ? AND EXISTS (SELECT 1 FROM chunks k WHERE k.delivery_id = d.id AND k.holds IN ? AND k.next_try_at <= ? AND k.lease_until <= ?)",
			underExchange, []string{string(delivery.HoldsIdentities), string(delivery.HoldsTemporaries)}, now, now).
		Order("w.served_at, d.id").Limit(4).Pluck("d.id", &ids).Error
	for _, id := range ids {
		for _, holds := range []delivery.Stuff{delivery.HoldsTemporaries, delivery.HoldsIdentities} {
			if err != nil || len(rows) > 0 { // others may have been quicker
				return rows, err
			}
			err = s.claimable(ctx, now).Where("k.delivery_id = ? AND k.holds = ?", id, string(holds)).Order("k.no").Scan(&rows).Error
		}
	}
	return rows, err
}

// claimedChunk reads a chunk that was just claimed.
func (s *Store) claimedChunk(ctx context.Context, r waitingChunk) (delivery.ChunkClaim, error) {
	var k struct {
		Row        chunkRow `gorm:"embedded"`
		Sealed     []byte
		PublicID   string
		CentreID   int64
		WrappedKey []byte
	}
	err := s.read(ctx).Table("chunks k").Select("k.*, x.sealed, d.public_id, d.centre_id, d.wrapped_key").
		Joins("JOIN chunk_contents x ON x.chunk_id = k.id").Joins("JOIN deliveries d ON d.id = k.delivery_id").
		Where("k.id = ?", r.ID).Order("k.id").Take(&k).Error
	return delivery.ChunkClaim{
		ID: k.Row.ID, DeliveryID: k.Row.DeliveryID, DeliveryPublicID: k.PublicID, CentreID: k.CentreID, No: k.Row.No,
		Holds: delivery.Stuff(k.Row.Holds), Sealed: k.Sealed, CallKey: k.Row.CallKey, Attempts: k.Row.Attempts, Fence: r.Fence + 1, WrappedKey: k.WrappedKey,
		ExpiresAt: moment(k.Row.ExpiresAt), PausedAt: moment(k.Row.PausedAt), Failures: k.Row.Failures,
	}, s.dialect.clean(err)
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

// YieldDelivery gives a delivery back, so that others have their turn.
func (s *Store) YieldDelivery(ctx context.Context, c delivery.Claim) error {
	return s.write(ctx, func(t *tx) error {
		return one(t.db.Exec("UPDATE deliveries SET lease_until = ? WHERE id = ? AND fence = ?", t.at, c.Delivery.ID, c.Fence), delivery.ErrLost)
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
		return one(t.db.Exec("UPDATE deliveries SET paused = ?, denied = ?, next_try_at = ? WHERE id = ? AND state IN ?",
			true, why == delivery.PauseDenied, stamp(soonest[0]), c.DeliveryID, underExchange), delivery.ErrLost)
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
	if err := t.startClock(c.DeliveryID); err != nil {
		return err
	}
	return t.db.Exec("UPDATE chunks SET next_try_at = ? WHERE holds = ? AND next_try_at > ?", t.at, string(c.Holds), t.at).Error
}

// startClock begins to reckon anew how long a delivery will take.
func (t *tx) startClock(id int64) error {
	return t.db.Exec("UPDATE deliveries SET clock_at = ?, clock_done = prepared + resolved + registered WHERE id = ?", t.at, id).Error
}

// hold checks that a delivery's claim still stands, and prolongs it.
func (t *tx) requireClaim(c delivery.Claim) error {
	res := t.db.Exec("UPDATE deliveries SET lease_until = ? WHERE id = ? AND fence = ? AND state = ?",
		t.at.Add(deliveryLease), c.Delivery.ID, c.Fence, string(c.Delivery.State))
	return one(res, delivery.ErrLost)
}

// deliveryLease is how long a delivery stays a worker's after each step.
const deliveryLease = time.Minute
