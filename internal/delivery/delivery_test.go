package delivery

import (
	"slices"
	"testing"
	"time"

	"sluis/internal/patient"
)

func TestEveryStateHasAStatus(t *testing.T) {
	for _, s := range []State{Receiving, Received, Mapping, Exchanging, Deciding, Checked, Confirm, Registering, Done, Refused, Failed, Cancelled} {
		d := Delivery{State: s}
		if !slices.Contains(Statuses, d.Status()) {
			t.Errorf("state %s has status %q", s, d.Status())
		}
		if s.Final() && s.Waiting() {
			t.Errorf("%s is final and waits for a person", s)
		}
		if s.Final() == s.Working() && !s.Waiting() || s.Waiting() && s.Working() {
			t.Errorf("%s must be one of final, waiting and working", s)
		}
		d.Paused = PauseDown
		if paused := d.Status() == StatusPaused; paused == (s.Final() || s.Waiting()) {
			t.Errorf("a paused delivery in state %s shows %s", s, d.Status())
		}
	}
}

func TestPercentOnlyRises(t *testing.T) {
	d := Delivery{State: Exchanging, Kind: Identities, Mode: Save, Chunks: 4, Counts: patient.Counts{Read: 2000}}
	last := -1
	step := func(what string) {
		t.Helper()
		if p := d.Percent(); p <= last || p > 100 {
			t.Errorf("after %s: %d%%, was %d%%", what, p, last)
		} else {
			last = p
		}
	}
	step("start")
	d.Prepared = 4
	step("prepared")
	d.Resolved = 4
	step("resolved")
	d.State, d.Registered = Registering, 4
	step("registered")
	d.State = Done
	step("done")
	if p := (Delivery{State: Received}).Percent(); p != 0 {
		t.Errorf("a delivery that waits is at %d%%", p)
	}
}

func TestTimeLeft(t *testing.T) {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		d     Delivery
		left  time.Duration
		known bool
	}{
		"a quarter done in a minute": {Delivery{State: Exchanging, Kind: Temporary, Mode: Save, Chunks: 10, Resolved: 5,
			ClockAt: now.Add(-time.Minute)}, 3 * time.Minute, true},
		"storing has a clock of its own": {Delivery{State: Registering, Kind: Temporary, Mode: Save, Chunks: 10, Resolved: 10,
			Registered: 5, ClockAt: now.Add(-time.Minute),
			ClockDone: 10}, time.Minute, true},
		"just begun": {Delivery{State: Exchanging, Kind: Temporary, Mode: Save, Chunks: 100, Resolved: 5,
			ClockAt: now.Add(-time.Minute)}, 0, false},
		"for a moment": {Delivery{State: Exchanging, Kind: Temporary, Mode: Save, Chunks: 10, Resolved: 5, ClockAt: now.Add(-time.Second)},
			0, false},
		"paused": {Delivery{State: Exchanging, Paused: PauseDown, Kind: Temporary, Mode: Save, Chunks: 10, Resolved: 5,
			ClockAt: now.Add(-time.Minute)}, 0, false},
		"waits in line": {Delivery{State: Deciding, Kind: Temporary, Mode: Save, Chunks: 10, Resolved: 10, ClockAt: now.Add(-time.Minute)},
			0, false},
		"no clock": {Delivery{State: Exchanging, Kind: Temporary, Mode: Save, Chunks: 10, Resolved: 5}, 0, false},
		"done": {Delivery{State: Done, Kind: Temporary, Mode: Save, Chunks: 10, Resolved: 10, Registered: 10,
			ClockAt: now.Add(-time.Minute)}, 0, false},
	} {
		if left, known := c.d.TimeLeft(now); left != c.left || known != c.known {
			t.Errorf("%s: %v %v, want %v %v", name, left, known, c.left, c.known)
		}
	}
}
