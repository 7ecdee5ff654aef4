package alarm

import (
	"context"
	"log/slog"
	"time"
)

// Every is how often the access log is looked through for alarms.
const Every = 30 * time.Second

// Log is the access log, as far as alarms need it.
type Log interface {
	// RaiseAlarms looks through the next records of the log that nobody has looked through
	// yet, and stores the alarms that they are. It returns those that are new, and whether
	// there are more records. Any number of processes may call it: each record counts once.
	RaiseAlarms(ctx context.Context, l Limits) (raised []Alarm, more bool, err error)
}

// Watcher looks through the access log.
type Watcher struct {
	Store  Log
	Limits Limits
	Log    *slog.Logger
}

// Run looks through the log until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	tick := time.NewTicker(Every)
	defer tick.Stop()
	for {
		if err := w.Look(ctx); err != nil && ctx.Err() == nil {
			w.Log.ErrorContext(ctx, "the access log was not looked through for alarms", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Look looks through all records that nobody has looked through yet. The service's log gets
// a line for each new alarm, without whom it is about.
func (w *Watcher) Look(ctx context.Context) error {
	for more := true; more; {
		raised, rest, err := w.Store.RaiseAlarms(ctx, w.Limits)
		if err != nil {
			return err
		}
		for _, a := range raised {
			w.Log.WarnContext(ctx, "alarm about access", "kind", string(a.Kind), "alarm", a.ID, "record", a.LastRecord)
		}
		more = rest && ctx.Err() == nil
	}
	return nil
}
