package storetest

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/store"
)

// fairTurns checks that centres take turns, whatever the size of their deliveries, and that
// the order of arrival stays within a centre.
func fairTurns(t *testing.T, s *store.Store) {
	a, b := newCentre(t, s), newCentre(t, s)
	large, second := begin(t, s, a, 6), begin(t, s, a, 2)
	late := begin(t, s, b, 4)
	var got []string
	for range 6 {
		k := claimChunk(t, s)
		got = append(got, k.DeliveryPublicID)
		ok(t, s.StoreResolved(t.Context(), k, []byte("d"), nil, nil))
		time.Sleep(2 * time.Millisecond) //nolint:forbidigo // turns differ by the database's milliseconds
	}
	// Parsing and calls have separate turns. At the TTP, a was first.
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

// smallDeliveries checks that the worker for small deliveries leaves the large ones.
func smallDeliveries(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	upload := func(size int64) string {
		id7 := uuid.NewString()
		id, err := s.CreateDelivery(t.Context(), delivery.New{
			PublicID: id7, CentreID: c.ID, Filename: "a.csv", Mode: delivery.Save, Via: audit.ViaAPI, Who: who, KeyID: "k1",
			WrappedKey: []byte("key"),
			At:         time.Now(),
		})
		ok(t, err)
		ok(t, s.AppendBlock(t.Context(), id, 0, []byte("sealed")))
		ok(t, s.FinishUpload(t.Context(), id, []byte(id7)[:32], size, who)) // the hash of a file has 32 bytes
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

// requests checks that a repeated request finds the delivery of the first. If that upload
// is still under way, it makes room.
func requests(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	r := delivery.Request{Key: [32]byte{1, byte(c.ID), byte(c.ID >> 8)}, Asks: [32]byte{2}}
	open := func() (int64, string, delivery.Earlier) {
		id7 := uuid.NewString()
		id, earlier, err := s.CreateDeliveryOnce(t.Context(), delivery.New{
			PublicID: id7, CentreID: c.ID, Filename: "a.csv", Mode: delivery.Save, Via: audit.ViaAPI, Who: who, KeyID: "k1",
			WrappedKey: []byte("key"),
			At:         time.Now(),
		}, r)
		ok(t, err)
		return id, id7, earlier
	}
	first, _, earlier := open()
	ok(t, s.AppendBlock(t.Context(), first, 0, []byte("sealed")))
	second, public, again := open()
	if earlier.PublicID != "" || again.PublicID != "" || first == second {
		t.Fatalf("an upload under way did not make room: %+v %+v", earlier, again)
	}
	if err := s.AppendBlock(t.Context(), first, 1, []byte("sealed")); apperr.KindOf(err) != apperr.NotFound {
		t.Errorf("a block of what made room: %v", err)
	}
	if err := s.FinishUpload(t.Context(), first, []byte("mac"), 6, who); apperr.KindOf(err) != apperr.NotFound {
		t.Errorf("the end of what made room: %v", err)
	}
	ok(t, s.AppendBlock(t.Context(), second, 0, []byte("sealed")))
	ok(t, s.FinishUpload(t.Context(), second, []byte("mac"), 6, who))
	if id, _, known := open(); id != 0 || known.PublicID != public || known.Asked != r.Asks || string(known.FileMAC) != "mac" {
		t.Errorf("the request again: %d %+v, want %s", id, known, public)
	}
	ok(t, s.Cancel(t.Context(), who, of(c), public))
	if _, _, known := open(); known.PublicID != public {
		t.Errorf("after it was cancelled: %+v", known)
	}
	if _, err := s.Expire(t.Context(), time.Now().Add(delivery.RequestLife+time.Minute), 365*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	third, _, known := open()
	if third == 0 || known.PublicID != "" {
		t.Errorf("after its life: %+v", known)
	}
	ok(t, s.DropUpload(t.Context(), third))
}
