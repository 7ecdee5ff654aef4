package importer

import (
	"context"
	"errors"
	"time"

	"sluis/internal/account"
	"sluis/internal/delivery"
)

// Housekeeping ends and deletes what has been waiting, or kept, for too long.
type Housekeeping interface {
	// Expire cancels unanswered checks, and drops uploads that began longer ago than
	// abandoned. It returns how many deliveries it ended.
	Expire(ctx context.Context, now time.Time, abandoned time.Duration) (int, error)
	// ExpireReports deletes a piece of a report whose delivery ended before a moment. It
	// returns the delivery's public id with the first piece of its report.
	ExpireReports(ctx context.Context, before time.Time, lines int) (expired string, more bool, err error)
	// Sweep clears the leftovers of ended deliveries, if that was interrupted.
	Sweep(ctx context.Context) error
	// KeyIDsInUse returns the ids of the wrapping keys that deliveries still need.
	KeyIDsInUse(ctx context.Context) ([]string, error)
	// Backlog returns what waits for the TTP.
	Backlog(ctx context.Context, scope account.Scope) (delivery.Backlog, error)
}

// housekeep calls Housekeep every ten minutes until ctx ends.
func (im *Importer) housekeep(ctx context.Context) {
	tick := time.NewTicker(10 * time.Minute)
	defer tick.Stop()
	for {
		if err := im.Housekeep(ctx); err != nil && ctx.Err() == nil {
			im.log.ErrorContext(ctx, "housekeeping failed", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Housekeep cancels unanswered checks, drops broken uploads, warns of temporary
// pseudonyms that are about to expire, rotates the wrapping keys, and deletes old reports.
func (im *Importer) Housekeep(ctx context.Context) error {
	n, err := im.ports.Housekeeping.Expire(ctx, im.now(), abandonedAfter)
	if err != nil {
		return err
	}
	if n > 0 {
		im.log.InfoContext(ctx, "deliveries lapsed", "count", n)
	}
	if err := im.ports.Housekeeping.Sweep(ctx); err != nil {
		return err
	}
	waiting, err := im.ports.Housekeeping.Backlog(ctx, account.AllCentres())
	if err != nil {
		return err
	}
	if waiting.Expiring > 0 {
		im.log.WarnContext(ctx, "temporary pseudonyms are about to run out while they wait for the TTP",
			"rows", waiting.Expiring, "first", waiting.ExpiresAt)
	}
	inUse, err := im.ports.Housekeeping.KeyIDsInUse(ctx)
	if err != nil {
		return err
	}
	rotated, destroyed, err := im.keys.Rotate(keyLife, inUse)
	if rotated || destroyed > 0 {
		im.log.InfoContext(ctx, "wrapping keys", "rotated", rotated, "destroyed", destroyed)
	}
	return errors.Join(err, im.expireReports(ctx))
}

// expireReports deletes the rows and findings of reports that are old enough, in pieces. A
// large report is finished the next time.
func (im *Importer) expireReports(ctx context.Context) error {
	n := 0
	defer func() {
		if n > 0 {
			im.log.InfoContext(ctx, "reports expired", "count", n)
		}
	}()
	for range reportPieces {
		expired, more, err := im.ports.Housekeeping.ExpireReports(ctx, im.now().Add(-im.reportLife), reportPiece)
		if err != nil || !more {
			return err
		}
		if expired != "" {
			n++
		}
	}
	return nil
}
