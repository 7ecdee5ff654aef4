// Package logging is the form of the log of the real service: one JSON object a line,
// durations in milliseconds, and a full disk once instead of at every poll.
//
// It never decides what is logged, but for repetitions of one fault of the storage.
package logging

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"sluis/internal/apperr"
	"sluis/internal/retry"
)

// pauses are between two lines about a storage that stays in trouble. A dozen workers
// meet the same fault twice a second.
var pauses = retry.Backoff{First: time.Minute, Longest: 30 * time.Minute}

// Log is a logger with what it knows of the storage.
type Log struct {
	*slog.Logger
	storage *storage
}

// New returns a log that writes to w.
func New(w io.Writer) *Log {
	s := &storage{}
	next := slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: milliseconds})
	return &Log{slog.New(handler{next, s}), s}
}

// milliseconds writes a duration as a number of milliseconds, and says so in its name.
func milliseconds(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() != slog.KindDuration {
		return a
	}
	ms := float64(a.Value.Duration().Microseconds()) / 1000
	return slog.Float64(a.Key+"_ms", ms)
}

// StorageFault reports whether a fault of the storage was logged that is not over yet.
func (l *Log) StorageFault() bool {
	l.storage.mu.Lock()
	defer l.storage.mu.Unlock()
	return !l.storage.since.IsZero()
}

// StorageMended says that the storage works again; the next fault is logged at once.
func (l *Log) StorageMended(ctx context.Context) {
	if since := l.storage.end(); !since.IsZero() {
		l.InfoContext(ctx, "the database stores again", "after", time.Since(since).Round(time.Millisecond))
	}
}

// storage is the fault that is going on, if any.
type storage struct {
	mu          sync.Mutex
	since, next time.Time // the first line about it, and the earliest next one
	lines       int       // about it
	held        int       // lines that were left out since the last one
}

// meet notes the fault once more. It reports whether to log it, and how many lines
// were left out since the last.
func (s *storage) meet(at time.Time) (show bool, held int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.Before(s.next) {
		s.held++
		return false, 0
	}
	if s.since.IsZero() {
		s.since = at
	}
	s.next = at.Add(pauses.Pause(s.lines))
	s.lines++
	held, s.held = s.held, 0
	return true, held
}

func (s *storage) end() (since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	since = s.since
	s.since, s.next, s.lines, s.held = time.Time{}, time.Time{}, 0, 0
	return since
}

// handler leaves out what storage says.
type handler struct {
	slog.Handler
	storage *storage
}

// Handle writes r, unless it repeats a fault of the storage.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	fault := false
	r.Attrs(func(a slog.Attr) bool {
		err, ok := a.Value.Any().(error)
		fault = ok && apperr.IsStorage(err)
		return !fault
	})
	if fault {
		show, held := h.storage.meet(r.Time)
		if !show {
			return nil
		}
		r = r.Clone()
		r.AddAttrs(slog.Int("not_logged", held))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs is for [slog.Handler].
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs), h.storage}
}

// WithGroup is for [slog.Handler].
func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.Handler.WithGroup(name), h.storage}
}
