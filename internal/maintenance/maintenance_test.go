package maintenance_test

import (
	"strings"
	"testing"
	"time"

	"sluis/internal/apperr"
	. "sluis/internal/maintenance"
)

func TestPlan(t *testing.T) {
	noon := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	at := func(hours float64) time.Time { return noon.Add(time.Duration(hours * float64(time.Hour))) }
	p := Plan{
		{Of: TTP, From: at(2), Until: at(4)}, {Of: TTP, From: at(4), Until: at(5)}, {Of: Sluis, From: at(10), Until: at(11)},
	}
	for _, tc := range []struct {
		name             string
		now              time.Time
		silent           time.Time
		going, onlyShort bool
	}{
		{"long before", at(0), time.Time{}, false, false},
		{"within the hour before", at(1.5), time.Time{}, false, true},
		{"at its start", at(2), at(5), true, true},
		{"in the middle of two", at(4), at(5), true, true},
		{"at its end", at(5), time.Time{}, false, false},
		{"Sluis itself", at(10.5), time.Time{}, true, true},
		{"after all", at(11), time.Time{}, false, false},
	} {
		if got := p.Silent(tc.now); !got.Equal(tc.silent) {
			t.Errorf("%s: silent until %v, want %v", tc.name, got, tc.silent)
		}
		if p.Going(tc.now) != tc.going || p.OnlyShort(tc.now) != tc.onlyShort {
			t.Errorf("%s: going %v, only short %v", tc.name, p.Going(tc.now), p.OnlyShort(tc.now))
		}
	}
	if n := len(p.Shown(at(6))); n != 1 {
		t.Errorf("%d windows are shown, want the one that comes", n)
	}
	if n := len(p.Shown(at(-24 * 15))); n != 0 {
		t.Errorf("%d windows are shown two weeks and a day before", n)
	}
}

func TestCheck(t *testing.T) {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	good := Window{Of: TTP, From: now.Add(time.Hour), Until: now.Add(2 * time.Hour), Note: "verhuizing"}
	if err := good.Check(now); err != nil {
		t.Errorf("a good window: %v", err)
	}
	for code, change := range map[string]func(w *Window){
		"maintenance_of":    func(w *Window) { w.Of = "x" },
		"maintenance_time":  func(w *Window) { w.From = time.Time{} },
		"maintenance_order": func(w *Window) { w.Until = w.From },
		"maintenance_past":  func(w *Window) { w.From, w.Until = now.Add(-2*time.Hour), now },
		"maintenance_long":  func(w *Window) { w.Until = w.From.Add(8 * 24 * time.Hour) },
		"maintenance_note":  func(w *Window) { w.Note = strings.Repeat("é", MaxNote+1) },
	} {
		w := good
		change(&w)
		if err := w.Check(now); apperr.CodeOf(err) != code {
			t.Errorf("%s: %v", code, err)
		}
	}
}
