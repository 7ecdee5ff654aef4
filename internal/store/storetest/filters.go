package storetest

import (
	"slices"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/delivery"
	"sluis/internal/store"
)

// deliveryFilters: a list by status has exactly the deliveries that say that they have it,
// and one since a moment those that came at or after it.
func deliveryFilters(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	paused := begin(t, s, c, 2)
	ok(t, s.PauseChunk(t.Context(), claimChunk(t, s), delivery.PauseDown, time.Now().Add(time.Hour)))
	begin(t, s, c, 2)
	cancelled := begin(t, s, c, 2)
	ok(t, s.Cancel(t.Context(), who, of(c), cancelled))
	all := listed(t, s, c, delivery.Query{})
	if len(all) != 3 {
		t.Fatalf("%d deliveries, want 3", len(all))
	}
	for _, asked := range [][]delivery.Status{
		{delivery.StatusPaused}, {delivery.StatusProcessing}, {delivery.StatusCancelled}, {delivery.StatusDone}, {delivery.StatusQueued},
		{delivery.StatusPaused, delivery.StatusCancelled}, delivery.Statuses,
	} {
		var want []string
		for _, d := range all {
			if slices.Contains(asked, d.Status()) {
				want = append(want, d.PublicID)
			}
		}
		var got []string
		for _, d := range listed(t, s, c, delivery.Query{Statuses: asked}) {
			got = append(got, d.PublicID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", asked, got, want)
		}
	}
	if only := listed(t, s, c, delivery.Query{Statuses: []delivery.Status{delivery.StatusPaused}}); len(only) != 1 ||
		only[0].PublicID != paused {
		t.Errorf("paused: %+v", only)
	}
	for since, want := range map[time.Time]int{
		all[2].CreatedAt: 3, all[1].CreatedAt: 2, all[0].CreatedAt: 1, all[0].CreatedAt.Add(time.Second): 0,
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC): 3,
	} {
		if got := listed(t, s, c, delivery.Query{Since: since}); len(got) != want {
			t.Errorf("since %s: %d, want %d", since, len(got), want)
		}
	}
	if got := listed(t, s, c, delivery.Query{Statuses: []delivery.Status{delivery.StatusCancelled},
		After: all[1].PublicID}); len(got) != 0 {
		t.Errorf("after the second: %+v", got)
	}
	for _, d := range all[1:] { // the tests after this one claim what is open
		ok(t, s.Cancel(t.Context(), who, of(c), d.PublicID))
	}
}

func listed(t *testing.T, s *store.Store, c account.Centre, q delivery.Query) []delivery.Delivery {
	t.Helper()
	page, err := s.Deliveries(t.Context(), who, of(c), q)
	ok(t, err)
	return page.Deliveries
}
