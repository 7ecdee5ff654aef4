package conversion_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"sluis/internal/conversion"
	"sluis/internal/delivery"
)

// remembered is a database with at most one run of each mode and one plan.
type remembered struct {
	runs map[delivery.Mode]conversion.Run
	plan *conversion.Report
}

func (r remembered) LatestRun(_ context.Context, mode delivery.Mode) (conversion.Run, bool, error) {
	run, ok := r.runs[mode]
	return run, ok, nil
}

func (r remembered) LatestReport(context.Context, conversion.Kind, int64) (conversion.Report, bool, error) {
	if r.plan == nil {
		return conversion.Report{}, false, nil
	}
	return *r.plan, true, nil
}

func TestRememberedMappings(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 1, 1, hour, 0, 0, 0, time.UTC) }
	with := func(number string) conversion.Mapping {
		m := conversion.DefaultMapping()
		m.Number = &number
		return m
	}
	run := func(number string, begun, ended int) conversion.Run {
		r := conversion.Run{Mapping: with(number), StartedAt: at(begun)}
		if ended > 0 {
			r.FinishedAt = at(ended)
		}
		return r
	}
	plan := func(number string, hour int) *conversion.Report {
		m := with(number)
		raw, err := json.Marshal(conversion.Plan{Mapping: &m})
		if err != nil {
			t.Fatal(err)
		}
		return &conversion.Report{MadeAt: at(hour), Document: string(raw)}
	}
	for _, c := range []struct {
		name       string
		runs       map[delivery.Mode]conversion.Run
		plan       *conversion.Report
		next, last string // columns of the number; - for no mapping
	}{
		{"nothing yet", nil, nil, "-", "-"},
		{"a plan", nil, plan("plan", 1), "plan", "-"},
		{"a plan that kept no mapping", nil, &conversion.Report{MadeAt: at(1), Document: `{"source":"SQLite oud.db patient"}`}, "-", "-"},
		{"a rehearsal after the plan", map[delivery.Mode]conversion.Run{delivery.Check: run("tried", 2, 3)}, plan("plan", 1), "tried",
			"tried"},
		{"a plan after the rehearsal", map[delivery.Mode]conversion.Run{delivery.Check: run("tried", 2, 3)}, plan("plan", 4), "plan",
			"tried"},
		{"a conversion under way", map[delivery.Mode]conversion.Run{delivery.Save: run("done", 2, 0)}, plan("plan", 4), "done", "done"},
		{"a conversion, and a new plan", map[delivery.Mode]conversion.Run{delivery.Save: run("done", 2, 3)}, plan("plan", 4), "plan",
			"done"},
		{"a conversion after its rehearsal", map[delivery.Mode]conversion.Run{delivery.Check: run("tried", 2, 3),
			delivery.Save: run("done", 4, 5)}, nil, "done", "done"},
		{"a rehearsal under way", map[delivery.Mode]conversion.Run{delivery.Check: run("tried", 4, 0), delivery.Save: run("done", 2, 3)},
			nil, "tried", "done"},
	} {
		t.Run(c.name, func(t *testing.T) {
			column := func(m conversion.Mapping, ok bool, err error) string {
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					return "-"
				}
				return *m.Number
			}
			s := remembered{c.runs, c.plan}
			if got := column(conversion.NextMapping(t.Context(), s, delivery.Save)); got != c.next {
				t.Errorf("the next run takes %s, want %s", got, c.next)
			}
			if got := column(conversion.LastMapping(t.Context(), s)); got != c.last {
				t.Errorf("what comes after takes %s, want %s", got, c.last)
			}
		})
	}
}
