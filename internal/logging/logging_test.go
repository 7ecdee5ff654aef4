package logging

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

type full struct{}

func (full) Error() string      { return "SQLite error 13: the disk or its quota is full" }
func (full) StorageFault() bool { return true }

// at logs a fault as if it happened at a moment.
func at(t *testing.T, l *Log, when time.Time, err error) {
	t.Helper()
	r := slog.NewRecord(when, slog.LevelError, "worker step failed", 0)
	r.AddAttrs(slog.Any("err", err))
	if err := l.Handler().Handle(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

// TestStorageFaultOnce polls a full disk for an hour, twice a second.
func TestStorageFaultOnce(t *testing.T) {
	var out bytes.Buffer
	l := New(&out)
	begin := time.Now() // the last step logs now, which must be before the next line is due
	wrapped := fmt.Errorf("claim: %w", full{})
	for i := range 7200 {
		at(t, l, begin.Add(time.Duration(i)*500*time.Millisecond), wrapped)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 6 { // after 0, 1, 3, 7, 15 and 31 minutes
		t.Errorf("%d lines in an hour, want 6:\n%s", len(lines), out.String())
	}
	if !strings.Contains(lines[0], "the disk or its quota is full") || !strings.Contains(lines[0], `"not_logged":0`) ||
		!strings.Contains(lines[1], `"not_logged":119`) {
		t.Errorf("the lines:\n%s", out.String())
	}
	if !l.StorageFault() {
		t.Error("the fault counts as over")
	}

	t.Run("mended", func(t *testing.T) {
		out.Reset()
		l.StorageMended(t.Context())
		l.StorageMended(t.Context())
		if n := strings.Count(out.String(), "the database stores again"); n != 1 || l.StorageFault() {
			t.Errorf("said %d times; fault %v", n, l.StorageFault())
		}
		at(t, l, begin.Add(2*time.Hour), wrapped)
		if !strings.Contains(out.String(), "worker step failed") {
			t.Error("the next fault is not logged at once")
		}
	})
	t.Run("other errors", func(t *testing.T) {
		out.Reset()
		for range 3 {
			l.ErrorContext(t.Context(), "other", "err", errors.New("x"))
			l.With("a", 1).ErrorContext(t.Context(), "held", "err", error(full{}))
		}
		if n := strings.Count(out.String(), `"msg":"other"`); n != 3 || strings.Contains(out.String(), "held") {
			t.Errorf("%s", out.String())
		}
	})
}

func TestDurationsInMilliseconds(t *testing.T) {
	var out bytes.Buffer
	New(&out).InfoContext(context.Background(), "request", "took", 1234567*time.Nanosecond, slog.Group("g", "wait", time.Minute))
	var line struct {
		Took float64 `json:"took_ms"`
		G    struct {
			Wait float64 `json:"wait_ms"`
		}
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line.Took != 1.234 || line.G.Wait != 60000 {
		t.Errorf("%v %+v in %s", err, line, out.String())
	}
}
