package delivery

import (
	"slices"
	"testing"

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
		d.Paused = PauseDown
		if paused := d.Status() == StatusPaused; paused == (s.Final() || s.Waiting() || s == Mapping) {
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
