// Package lease keeps a claim alive while its work takes longer than its lease.
//
// It knows no database: the caller renews the lease.
package lease

import (
	"context"
	"errors"
	"sync"
	"time"

	"sluis/internal/delivery"
)

// Keep calls renew three times in each lease, until stop is called or ctx ends. If
// renew returns delivery.ErrLost, the returned context is cancelled with that
// cause: another worker has the claim, and the work must end. Other errors of
// renew are passed over, since the next call may succeed before the lease ends.
// stop returns when renew is no longer running.
func Keep(
	ctx context.Context,
	length time.Duration,
	now func() time.Time,
	renew func(ctx context.Context, until time.Time) error,
) (kept context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() {
		tick := time.NewTicker(length / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if err := renew(ctx, now().Add(length)); errors.Is(err, delivery.ErrLost) {
					cancel(err)
				}
			}
		}
	})
	return ctx, func() { cancel(nil); renewing.Wait() }
}
