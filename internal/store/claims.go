package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"sluis/internal/apperr"
	"sluis/internal/chunk"
	"sluis/internal/delivery"
)

// releaseLeases ends every lease: those of a process that died. It may be called only
// if no other process uses the database. On SQL Server, leases run out instead.
func (s *Store) releaseLeases(ctx context.Context) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.db.Exec("UPDATE deliveries SET lease_until = ? WHERE lease_until > ?", t.at, t.at).Error; err != nil {
			return err
		}
		return t.db.Exec("UPDATE chunks SET lease_until = ? WHERE lease_until > ?", t.at, t.at).Error
	})
}

// ClaimDelivery claims the next delivery that waits for a worker: the oldest one of the
// centre that has waited longest. The claim is an optimistic update. Of the workers
// that try it at once, the one that still finds the old fence has the delivery.
func (s *Store) ClaimDelivery(ctx context.Context, now time.Time, lease time.Duration) (delivery.Claim, bool, error) {
	return s.claimDelivery(ctx, now, lease, func(db *gorm.DB) *gorm.DB { return db })
}

// ClaimSmallDelivery is ClaimDelivery for small deliveries only, so that these need not
// wait until a large one is done.
func (s *Store) ClaimSmallDelivery(ctx context.Context, now time.Time, lease time.Duration) (delivery.Claim, bool, error) {
	return s.claimDelivery(ctx, now, lease, func(db *gorm.DB) *gorm.DB {
		return db.Where("((d.state = ? AND d.file_bytes <= ? AND d.dataset_id = '') OR (d.state <> ? AND d.rows_read <= ?))",
			string(delivery.Received), delivery.SmallBytes, string(delivery.Received), delivery.SmallRows)
	})
}

// shortOnly leaves out uploads that will take long.
func shortOnly(db *gorm.DB) *gorm.DB {
	return db.Where("(d.state <> ? OR (d.file_bytes <= ? AND d.dataset_id = ''))", string(delivery.Received), delivery.SmallBytes)
}

// WorkWaits reports whether a delivery or a chunk can be claimed.
func (s *Store) WorkWaits(ctx context.Context, now time.Time) (bool, error) {
	now = stamp(now)
	var n int
	err := s.read(ctx).Raw("SELECT CASE WHEN EXISTS (SELECT 1 FROM deliveries d WHERE d.state IN ? AND d.lease_until <= ? AND "+inTurn+
		") OR EXISTS (SELECT 1 FROM chunks k JOIN deliveries d ON d.id = k.delivery_id WHERE k.holds IN ? AND k.next_try_at <= ?"+
		" AND k.lease_until <= ? AND d.state IN ?) THEN 1 ELSE 0 END",
		claimableStates, now, string(delivery.Received), workingStates,
		[]string{string(chunk.Identities), string(chunk.Temporaries)}, now, now, underExchange).Scan(&n).Error
	return n == 1, s.dialect.clean(err)
}

// workingStates are the states in which a delivery goes on by itself. A worker claims it
// in any of them but exchanging, in which its chunks are claimed.
var (
	workingStates = []string{
		string(delivery.Received),
		string(delivery.Exchanging),
		string(delivery.Deciding),
		string(delivery.Registering),
	}
	claimableStates = []string{string(delivery.Received), string(delivery.Deciding), string(delivery.Registering)}
)

// inTurn is the condition that no earlier delivery of the centre is under way. Within a
// centre, deliveries are decided and registered in order of arrival, so that the outcome
// never depends on which of them was quicker at the TTP.
const inTurn = `(d.state = ? OR (NOT EXISTS (SELECT 1 FROM deliveries e
	WHERE e.centre_id = d.centre_id AND e.id < d.id AND e.state IN ?)))`

func (s *Store) claimDelivery(ctx context.Context, now time.Time, lease time.Duration,
	which func(*gorm.DB) *gorm.DB,
) (delivery.Claim, bool, error) {
	now = stamp(now)
	var rows []listedDelivery
	err := which(s.read(ctx).Table("deliveries d").Select("d.*, c.number AS centre_number, c.brake_percent AS brake").
		Joins("JOIN centres c ON c.id = d.centre_id").
		Joins("LEFT JOIN turns w ON w.centre_id = d.centre_id AND w.lane = ?", laneWork).
		Where("d.state IN ? AND d.lease_until <= ?", claimableStates, now).
		Where(inTurn, string(delivery.Received), workingStates)).
		Order(longestWait + ", d.id").Limit(8).Scan(&rows).Error
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

// The lanes in which centres take turns: work on deliveries, and calls to the TTP.
const (
	laneWork = "work"
	laneCall = "call"
)

// longestWait orders centres by their last turn. One without a turn so far is first: the
// databases do not agree where a NULL goes.
const longestWait = "CASE WHEN w.served_at IS NULL THEN 0 ELSE 1 END, w.served_at"

// turn is the turn of a centre in a lane. It is zero for work of no centre, such as a
// renewal.
type turn struct {
	centreID int64
	lane     string
}

// take claims a row, and notes the turn of its centre. It returns false if another
// worker was first.
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

// ClaimChunk claims the next chunk that waits for the TTP. Chunks with temporary
// pseudonyms that are about to expire go first. After them comes the oldest delivery
// of the centre that has waited longest.
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

// waitingChunk is a chunk that can be claimed.
type waitingChunk struct{ ID, Fence, CentreID int64 }

// claimable selects chunks k, of deliveries d, that wait for the TTP.
func (s *Store) claimable(ctx context.Context, now time.Time) *gorm.DB {
	return s.read(ctx).Table("chunks k").Select("k.id, k.fence, d.centre_id").Joins("JOIN deliveries d ON d.id = k.delivery_id").
		Where("k.next_try_at <= ? AND k.lease_until <= ? AND d.state IN ?", now, now, underExchange).Limit(8)
}

// urgentChunks returns chunks with a temporary pseudonym that is about to expire.
func (s *Store) urgentChunks(ctx context.Context, now time.Time) (rows []waitingChunk, err error) {
	err = s.claimable(ctx, now).Where("k.expires_at <= ? AND k.holds IN ?", now.Add(delivery.ExpiryWarning),
		[]string{string(chunk.Identities), string(chunk.Temporaries)}).Order("k.expires_at, k.id").Scan(&rows).Error
	return rows, err
}

// nextChunks returns the first chunks of the delivery that has its turn. Those with
// temporary pseudonyms go before those with identities, so that few can expire.
func (s *Store) nextChunks(ctx context.Context, now time.Time) (rows []waitingChunk, err error) {
	var ids []int64
	err = s.read(ctx).Table("deliveries d").Joins("LEFT JOIN turns w ON w.centre_id = d.centre_id AND w.lane = ?", laneCall).
		Where("d.state IN ? AND EXISTS (SELECT 1 FROM chunks k WHERE k.delivery_id = d.id AND k.holds IN ? AND k.next_try_at <= ?"+
			" AND k.lease_until <= ?)",
			underExchange, []string{string(chunk.Identities), string(chunk.Temporaries)}, now, now).
		Order(longestWait+", d.id").Limit(4).Pluck("d.id", &ids).Error
	for _, id := range ids {
		for _, holds := range []chunk.Content{chunk.Temporaries, chunk.Identities} {
			if err != nil || len(rows) > 0 { // other workers may have taken all chunks of the first delivery
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
		Number     string
		WrappedKey []byte
	}
	err := s.read(ctx).Table("chunks k").Select("k.*, x.sealed, d.public_id, d.centre_id, c.number, d.wrapped_key").
		Joins("JOIN chunk_contents x ON x.chunk_id = k.id").Joins("JOIN deliveries d ON d.id = k.delivery_id").
		Joins("JOIN centres c ON c.id = d.centre_id").
		Where("k.id = ?", r.ID).Order("k.id").Take(&k).Error
	return delivery.ChunkClaim{
		ID: k.Row.ID, DeliveryID: k.Row.DeliveryID, DeliveryPublicID: k.PublicID, CentreID: k.CentreID, CentreNumber: k.Number,
		No:    k.Row.No,
		Holds: chunk.Content(k.Row.Holds), Sealed: k.Sealed, CallKey: k.Row.CallKey, Attempts: k.Row.Attempts, Fence: r.Fence + 1,
		WrappedKey: k.WrappedKey,
		ExpiresAt:  moment(k.Row.ExpiresAt), PausedAt: moment(k.Row.PausedAt), Failures: k.Row.Failures,
	}, s.dialect.clean(err)
}

// RenewDelivery prolongs the lease of a delivery.
func (s *Store) RenewDelivery(ctx context.Context, c delivery.Claim, until time.Time) error {
	return s.write(ctx, func(t *tx) error {
		return one(t.db.Exec("UPDATE deliveries SET lease_until = ? WHERE id = ? AND fence = ?", stamp(until), c.Delivery.ID, c.Fence),
			delivery.ErrLost)
	})
}

// RenewChunk prolongs the lease of a chunk.
func (s *Store) RenewChunk(ctx context.Context, c delivery.ChunkClaim, until time.Time) error {
	return s.write(ctx, func(t *tx) error {
		return one(t.db.Exec("UPDATE chunks SET lease_until = ? WHERE id = ? AND fence = ?", stamp(until), c.ID, c.Fence), delivery.ErrLost)
	})
}

// YieldDelivery ends the claim on a delivery between two of its steps, so that others have
// their turn.
func (s *Store) YieldDelivery(ctx context.Context, c delivery.Claim) error {
	return s.write(ctx, func(t *tx) error {
		return one(t.db.Exec("UPDATE deliveries SET lease_until = ? WHERE id = ? AND fence = ?", t.at, c.Delivery.ID, c.Fence),
			delivery.ErrLost)
	})
}

// ReleaseDelivery ends the claim on a delivery after a failure, not to be claimed before
// next. It returns how often that has happened to the delivery.
func (s *Store) ReleaseDelivery(ctx context.Context, c delivery.Claim, next time.Time) (int, error) {
	return s.release(ctx, "deliveries", c.Delivery.ID, c.Fence, next)
}

// ReleaseChunk is ReleaseDelivery for a chunk.
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

// PauseChunk ends the claim on a chunk because the TTP did not answer, not to be claimed
// before next. Its delivery is shown as paused.
func (s *Store) PauseChunk(ctx context.Context, c delivery.ChunkClaim, why delivery.Pause, next time.Time) error {
	return s.write(ctx, func(t *tx) error {
		res := t.db.Exec("UPDATE chunks SET attempts = attempts + 1, next_try_at = ?, lease_until = ?, paused_at = COALESCE(paused_at, ?)"+
			" WHERE id = ? AND fence = ?",
			stamp(next), t.at, t.at, c.ID, c.Fence)
		if err := one(res, delivery.ErrLost); err != nil {
			return err
		}
		// The delivery shows the moment of the first next try of any of its chunks.
		var soonest []time.Time
		err := t.db.Table("chunks").Where("delivery_id = ? AND attempts > 0 AND holds <> ?", c.DeliveryID, string(chunk.Definitives)).
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

// PauseDelivery is PauseChunk for a delivery that is itself fetched from the TTP.
func (s *Store) PauseDelivery(ctx context.Context, c delivery.Claim, why delivery.Pause, next time.Time) error {
	return s.write(ctx, func(t *tx) error {
		res := t.db.Exec("UPDATE deliveries SET paused = ?, denied = ?, next_try_at = ?, lease_until = ? WHERE id = ? AND fence = ?",
			true, why == delivery.PauseDenied, stamp(next), stamp(next), c.Delivery.ID, c.Fence)
		return one(res, delivery.ErrLost)
	})
}

// answered notes that the TTP answered for this chunk. If it had not for a while, the
// other chunks that wait for the same kind of answer are tried at once.
func (t *tx) answered(c delivery.ChunkClaim) error {
	if c.Attempts == 0 {
		return nil
	}
	if err := t.startClock(c.DeliveryID); err != nil {
		return err
	}
	return t.db.Exec("UPDATE chunks SET next_try_at = ? WHERE holds = ? AND next_try_at > ?", t.at, string(c.Holds), t.at).Error
}

// startClock restarts the estimate of how long a delivery will take.
func (t *tx) startClock(id int64) error {
	return t.db.Exec("UPDATE deliveries SET clock_at = ?, clock_done = prepared + resolved + registered WHERE id = ?", t.at, id).Error
}

// requireClaim returns delivery.ErrLost if a delivery is not claimed by c any more.
// Otherwise it prolongs the lease.
func (t *tx) requireClaim(c delivery.Claim) error {
	res := t.db.Exec("UPDATE deliveries SET lease_until = ? WHERE id = ? AND fence = ? AND state = ?",
		t.at.Add(delivery.LeaseLife), c.Delivery.ID, c.Fence, string(c.Delivery.State))
	if err := one(res, delivery.ErrLost); err != nil {
		return err
	}
	err := t.requireMandate(c.Delivery.ProcessorID, c.Delivery.CentreID)
	if apperr.KindOf(err) == apperr.Forbidden {
		return delivery.ErrMandate
	}
	return err
}

// stillClaimed returns requireClaim as a check for clear.
func stillClaimed(c delivery.Claim) func(t *tx) error {
	return func(t *tx) error { return t.requireClaim(c) }
}
