package delivery_test

import (
	"slices"
	"testing"

	"sluis/internal/delivery"
)

func TestStatesOf(t *testing.T) {
	met := map[delivery.State]int{}
	for _, s := range delivery.Statuses {
		for _, p := range []delivery.Pause{delivery.NotPaused, delivery.PauseDown, delivery.PauseDenied} {
			for _, state := range delivery.StatesOf(p, s) {
				met[state]++
				if got := (delivery.Delivery{State: state, Paused: p}).Status(); got != s {
					t.Errorf("%s, pause %q: has status %s, not %s", state, p, got, s)
				}
			}
		}
	}
	for state, n := range met {
		if n != 3 {
			t.Errorf("%s has %d statuses, want one for each pause", state, n)
		}
	}
	if len(met) != 13 {
		t.Errorf("%d states, want 13", len(met))
	}
	if got := delivery.StatesOf(delivery.NotPaused, delivery.StatusDone, delivery.StatusQueued); !slices.Equal(got,
		[]delivery.State{delivery.Receiving, delivery.Received, delivery.Done}) {
		t.Errorf("done or queued: %q", got)
	}
}
