package storetest

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"sluis/internal/delivery"
	"sluis/internal/store"
)

// fairTurns: centres take turns, whatever the size of what they delivered, and
// within a centre the order of arrival stays.
func fairTurns(t *testing.T, s *store.Store) {
	a, b := newCentre(t, s), newCentre(t, s)
	large, second := begin(t, s, a, 6), begin(t, s, a, 2)
	late := begin(t, s, b, 4)
	var got []string
	for range 6 {
		k := claimChunk(t, s)
		got = append(got, k.DeliveryPublicID)
		ok(t, s.StoreResolved(t.Context(), k, []byte("d"), nil, nil))
		time.Sleep(2 * time.Millisecond) //nolint:forbidigo // turns are told apart by the database's milliseconds
	}
	// b had its turn when it was parsed, not at the TTP; a was first there.
	for i, want := range []string{large, late, large, late, large, second} {
		if got[i] != want {
			t.Fatalf("chunk %d is of %s, want %s (large %s, late %s, second %s)", i, got[i], want, large, late, second)
		}
	}
	for _, id := range []string{large, second} {
		ok(t, s.Cancel(t.Context(), who, of(a), id))
	}
	ok(t, s.Cancel(t.Context(), who, of(b), late))
}

// smallDeliveries: the worker for small ones leaves large ones alone, and takes
// the others.
func smallDeliveries(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	upload := func(size int64) string {
		id7 := uuid.NewString()
		id, err := s.OpenDelivery(t.Context(), delivery.New{
			PublicID: id7, CentreID: c.ID, Filename: "a.csv", Mode: delivery.Save, Via: "api", Who: who, KeyID: "k1", WrappedKey: []byte("key"), At: time.Now(),
		})
		ok(t, err)
		ok(t, s.AppendBlock(t.Context(), id, 0, []byte("sealed")))
		ok(t, s.FinishUpload(t.Context(), id, []byte(id7), size, who))
		return id7
	}
	large := upload(delivery.SmallBytes + 1)
	soon := time.Now().Add(time.Second)
	if k, found, err := s.ClaimSmallDelivery(t.Context(), soon, time.Minute); err != nil || found {
		t.Fatalf("the worker for small ones took %s (%v)", k.Delivery.PublicID, err)
	}
	small := upload(delivery.SmallBytes)
	k, found, err := s.ClaimSmallDelivery(t.Context(), soon, time.Minute)
	ok(t, err)
	if !found || k.Delivery.PublicID != small {
		t.Fatalf("the worker for small ones took %q", k.Delivery.PublicID)
	}
	ok(t, s.YieldDelivery(t.Context(), k))
	claimDelivery(t, s, large)
	d, err := s.Delivery(t.Context(), of(c), small)
	ok(t, err)
	if n, err := s.Ahead(t.Context(), d); err != nil || n != 1 {
		t.Errorf("%d go before it (%v), want 1", n, err)
	}
	ok(t, s.Cancel(t.Context(), who, of(c), large))
	if n, err := s.Ahead(t.Context(), d); err != nil || n != 0 {
		t.Errorf("%d go before it (%v), want none", n, err)
	}
	ok(t, s.Cancel(t.Context(), who, of(c), small))
}
