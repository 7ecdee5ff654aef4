package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"sluis/internal/audit"
	"sluis/internal/audit/alarm"
	"sluis/internal/config"
	"sluis/internal/store"
	"sluis/web/text"
)

// alarms returns the limits of the alarms, on the clock of the Netherlands.
func alarms(c config.Config) alarm.Limits {
	l := c.Alarms
	l.Location = text.Location()
	return l
}

// retention deletes records of the access log that are old enough.
type retention struct {
	store *store.Store
	years int
	log   *slog.Logger
}

// retentionEvery is how often records are deleted, and retentionPause how long others have
// the database to themselves between two pieces.
const (
	retentionEvery = 6 * time.Hour
	retentionPause = 200 * time.Millisecond
)

// bySystem is the service in the access log.
var bySystem = audit.Who{Name: "systeem", Via: audit.ViaWorker}

func (r *retention) run(ctx context.Context) {
	tick := time.NewTicker(retentionEvery)
	defer tick.Stop()
	for {
		// On a database server the service's login may not delete: web audit expire does, with
		// another one.
		n, err := r.expire(ctx, bySystem, time.Now())
		switch {
		case err != nil && ctx.Err() == nil:
			r.log.WarnContext(ctx, "old records of the access log were not deleted: run web audit expire with a login that may",
				"years", r.years, "error", err)
		case n > 0:
			r.log.InfoContext(ctx, "old records of the access log deleted; their hashes are kept", "count", n, "years", r.years)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// expire deletes all records that are old enough, in pieces, and returns how many.
func (r *retention) expire(ctx context.Context, who audit.Who, now time.Time) (int, error) {
	if r.years < 1 {
		return 0, fmt.Errorf("records of the access log are kept for a year at least, not %d", r.years)
	}
	total := 0
	for more := true; more; {
		n, rest, err := r.store.ExpireEvents(ctx, who, now.AddDate(-r.years, 0, 0))
		if err != nil {
			return total, err
		}
		total += n
		if more = rest; more {
			select {
			case <-ctx.Done():
				return total, ctx.Err()
			case <-time.After(retentionPause):
			}
		}
	}
	return total, nil
}

// expireLogCommand deletes records by hand, or by a timer with a login of its own.
type expireLogCommand struct {
	signingFlag
	Years int `default:"5" help:"Delete records that are older than this many years."`
}

// Run deletes them.
func (e expireLogCommand) Run(ctx context.Context, c console) error {
	return e.sign(ctx, c, func(s *store.Store, who audit.Who) error {
		n, err := (&retention{store: s, years: e.Years}).expire(ctx, who, time.Now())
		fmt.Fprintf(c.out, "records deleted: %d; their hashes are kept, and web audit verify still verifies the rest\n", n)
		return err
	})
}
