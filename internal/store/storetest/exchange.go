package storetest

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/chunk"
	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/renewal"
	"sluis/internal/store"
	"sluis/internal/ttphealth"
)

// urgentFirst checks that chunks that are about to expire go first, and that the others
// stay in order of arrival.
func urgentFirst(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	early := begin(t, s, c, 2)
	late := begin(t, s, c, 2)
	// The rows of the later one get temporary pseudonyms that expire in an hour.
	first := claimChunk(t, s)
	second := claimChunk(t, s)
	ends := time.Now().Add(time.Hour)
	if first.DeliveryPublicID != early || second.DeliveryPublicID != late {
		t.Fatal("chunks are not taken in order of arrival")
	}
	prepared, err := s.StorePrepared(t.Context(), second, []byte("t"), 2, ends, nil)
	ok(t, err)
	_, err = s.ReleaseChunk(t.Context(), prepared, time.Now())
	ok(t, err)
	_, err = s.ReleaseChunk(t.Context(), first, time.Now())
	ok(t, err)
	k := claimChunk(t, s)
	if k.DeliveryPublicID != late || k.ExpiresAt.Sub(ends).Abs() > time.Millisecond {
		t.Errorf("took %s (ends %v), want the one that runs out in an hour", k.DeliveryPublicID, k.ExpiresAt)
	}
	b, err := s.Backlog(t.Context(), of(c))
	ok(t, err)
	if b.Resolve != 2 || b.Expiring != 2 || b.ExpiresAt.Sub(ends).Abs() > time.Millisecond || b.Paused != 0 {
		t.Errorf("backlog = %+v", b)
	}
	ok(t, s.StoreResolved(t.Context(), k, []byte("d"), nil, nil))
	if b, err = s.Backlog(t.Context(), of(c)); err != nil || b.Expiring != 0 || !b.ExpiresAt.IsZero() {
		t.Errorf("after the answer: %+v %v", b, err)
	}
	ok(t, s.Cancel(t.Context(), who, of(c), early))
	ok(t, s.Cancel(t.Context(), who, of(c), late))
}

// pausesEnd checks that a delivery shows why it is paused, and that the first answer after
// an outage lets all chunks go on that wait for the same kind of answer.
func pausesEnd(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	id := begin(t, s, c, 6)
	a, b, third := claimChunk(t, s), claimChunk(t, s), claimChunk(t, s)
	ok(t, s.PauseChunk(t.Context(), a, delivery.PauseDenied, time.Now().Add(time.Hour)))
	d, err := s.Delivery(t.Context(), of(c), id)
	ok(t, err)
	if d.Paused != delivery.PauseDenied {
		t.Errorf("paused = %q", d.Paused)
	}
	ok(t, s.PauseChunk(t.Context(), b, delivery.PauseDown, time.Now().Add(-time.Second)))
	back, err := s.Backlog(t.Context(), of(c))
	ok(t, err)
	if back.Paused != 1 || back.Denied != 0 || back.NextTryAt.IsZero() {
		t.Errorf("backlog = %+v", back)
	}
	b = claimChunk(t, s)
	if b.Attempts != 1 || b.PausedAt.IsZero() {
		t.Errorf("claim = %+v", b)
	}
	ok(t, s.StoreResolved(t.Context(), b, []byte("d"), nil, nil))
	if a = claimChunk(t, s); a.No != 0 { // an hour early
		t.Errorf("took chunk %d", a.No)
	}
	if d, err = s.Delivery(t.Context(), of(c), id); err != nil || d.Paused != delivery.NotPaused {
		t.Errorf("still paused: %+v %v", d.Paused, err)
	}
	ok(t, s.StoreResolved(t.Context(), third, []byte("d"), nil, nil))
	ok(t, s.Cancel(t.Context(), who, of(c), id))
}

// datasets claims and fetches a dataset, and checks that it cannot be imported twice at
// once.
func datasets(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	set := "set-" + c.Number
	open := func() (string, error) {
		id := uuid.Must(uuid.NewV7()).String()
		return id, s.CreateDatasetDelivery(t.Context(), delivery.New{
			PublicID: id, CentreID: c.ID, Mode: delivery.Save, Via: audit.ViaWeb, Who: who, KeyID: "k", WrappedKey: []byte("w"),
			At:        time.Now(),
			DatasetID: set,
		})
	}
	id, err := open()
	ok(t, err)
	if _, err := open(); apperr.KindOf(err) != apperr.Conflict {
		t.Errorf("the same dataset twice at once: %v", err)
	}
	claim := claimDelivery(t, s, id)
	if claim.Delivery.Kind != delivery.Dataset || claim.Delivery.DatasetID != set {
		t.Errorf("claim = %+v", claim.Delivery)
	}
	ok(t, s.PauseDelivery(t.Context(), claim, delivery.PauseDown, time.Now().Add(time.Hour)))
	d, err := s.Delivery(t.Context(), of(c), id)
	ok(t, err)
	if d.Status() != delivery.StatusPaused {
		t.Errorf("status = %s", d.Status())
	}
	ok(t, s.RetryDelivery(t.Context(), who, of(c), id))
	claim = claimDelivery(t, s, id)
	ok(t, s.BeginParse(t.Context(), claim))
	ok(t, s.AddChunk(t.Context(), claim, delivery.Chunk{
		FirstLine: 1, LastLine: 1, Holds: chunk.Definitives, Sealed: []byte("d"),
		Rows:  []delivery.Row{{Line: 1, PatientNumber: "a", Outcome: patient.Pending}},
		Marks: []chunk.Mark{{Line: 1, Number: "a", LinkHash: 1, ContentHash: 1}},
	}))
	ok(t, s.FinishFetch(t.Context(), claim, delivery.Parsed{Kind: delivery.Dataset}))
	claim = claimDelivery(t, s, id)
	if claim.Delivery.State != delivery.Deciding || claim.Delivery.Paused != delivery.NotPaused {
		t.Errorf("claim = %+v", claim.Delivery)
	}
	ok(t, s.Cancel(t.Context(), who, of(c), id))
	latest, err := s.LatestImports(t.Context(), who, []string{set, "another"})
	ok(t, err)
	if len(latest) != 1 || latest[set].PublicID != id {
		t.Errorf("latest = %+v", latest)
	}
	id, err = open() // the first one is final
	ok(t, err)
	ok(t, s.Cancel(t.Context(), who, of(c), id))
}

// health checks that the counts of several processes are added up.
func health(t *testing.T, s *store.Store) {
	at := time.Now().UTC().Truncate(ttphealth.Interval)
	before, err := s.TTPHealth(t.Context(), at)
	ok(t, err)
	sum := func(bins []ttphealth.Bin) (n ttphealth.Summary) {
		var of []ttphealth.Bin
		for _, b := range bins {
			if b.Call == ttphealth.Convert {
				of = append(of, b)
			}
		}
		return ttphealth.Summarise(of)
	}
	one := ttphealth.Bin{Call: ttphealth.Convert, Start: at, Class: 7, OK: 3, LastOK: at.Add(time.Second)}
	two := ttphealth.Bin{Call: ttphealth.Convert, Start: at, Class: 7, Bad: 2, LastBad: at.Add(2 * time.Second)}
	ok(t, s.RecordTTP(t.Context(), []ttphealth.Bin{one}))
	ok(t, s.RecordTTP(t.Context(), []ttphealth.Bin{two}))
	after, err := s.TTPHealth(t.Context(), at)
	ok(t, err)
	was, is := sum(before), sum(after)
	if is.OK-was.OK != 3 || is.Bad-was.Bad != 2 || !is.LastOK.Equal(one.LastOK) || !is.LastBad.Equal(two.LastBad) {
		t.Errorf("before %+v, after %+v", was, is)
	}
}

// renewals checks that values under a newer key are stored once, next to the old ones. If
// a space has another value already, that one stays.
func renewals(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	old := func(n string) patient.Pseudonym {
		return patient.Pseudonym{Type: "NGGV", Domain: "d" + c.Number, KeyVersion: 1, Value: n + c.Number, ObservedOn: "2026-01-31"}
	}
	ids := insertWith(t, s, c, old("a"), old("b"))
	claim := startedRenewal(t, s)
	claim.After = ids[0] - 1
	held, err := s.RenewalBatch(t.Context(), claim, 1)
	ok(t, err)
	if len(held) != 1 || held[0].PatientID != ids[0] || held[0].Pseudonym != old("a") {
		t.Fatalf("batch = %+v", held)
	}
	fresh := func(n, value string) renewal.Held {
		p := old(n)
		p.KeyVersion, p.Value = 2, value
		return renewal.Held{PatientID: ids[0], Pseudonym: p}
	}
	for range 2 { // the second time, as if the answer to the first was lost
		ok(t, s.StoreRenewed(t.Context(), claim, 1, []renewal.Held{fresh("a", "new"+c.Number)}, 0, ids[0]))
	}
	ok(t, s.StoreRenewed(t.Context(), claim, 1, []renewal.Held{fresh("a", "other"+c.Number)}, 1, ids[1]))
	got, err := s.PatientsByNumber(t.Context(), c.ID, []string{"0"})
	ok(t, err)
	if p := got["0"].Pseudonyms; len(p) != 2 || p[0] != old("a") || p[1] != fresh("a", "new"+c.Number).Pseudonym {
		t.Errorf("pseudonyms = %+v", p)
	}
	endRenewal(t, s, claim)
}

// insertWith inserts patients with numbers from "0", each with one of these pseudonyms. It
// returns their ids.
func insertWith(t *testing.T, s *store.Store, c account.Centre, pseudonyms ...patient.Pseudonym) (ids []int64) {
	t.Helper()
	_, err := s.RegisterEntry(t.Context(), who, func(tx patient.Tx) (patient.Verdict, error) {
		var list []patient.Patient
		for i, p := range pseudonyms {
			list = append(list, patient.Patient{
				CentreID: c.ID, Display: patient.Display{Number: strconv.Itoa(i)}, Pseudonyms: []patient.Pseudonym{p},
				Version: 1, CreatedAt: time.Now(), UpdatedAt: time.Now(),
			})
		}
		err := tx.InsertPatients(t.Context(), list)
		ids = ids[:0]
		for _, p := range list {
			ids = append(ids, p.ID)
		}
		return patient.Verdict{Outcome: patient.Review}, err
	})
	ok(t, err)
	return ids
}

// startedRenewal starts a renewal and claims it. Neither can be done twice.
func startedRenewal(t *testing.T, s *store.Store) renewal.Claim {
	t.Helper()
	_, err := s.StartRenewal(t.Context(), who)
	ok(t, err)
	if _, err := s.StartRenewal(t.Context(), who); apperr.KindOf(err) != apperr.Conflict {
		t.Errorf("two at once: %v", err)
	}
	claim, found, err := s.ClaimRenewal(t.Context(), time.Now().Add(time.Second), time.Minute)
	if err != nil || !found {
		t.Fatal(err)
	}
	if _, found, _ := s.ClaimRenewal(t.Context(), time.Now(), time.Minute); found {
		t.Error("claimed twice")
	}
	return claim
}

// endRenewal checks the counts of a renewal, pauses it and finishes it.
func endRenewal(t *testing.T, s *store.Store, claim renewal.Claim) {
	t.Helper()
	r, started, err := s.Renewal(t.Context())
	if err != nil || !started || r.Added != 1 || r.Conflicts != 1 || r.Refused != 1 || r.Looked != 3 || !r.FinishedAt.IsZero() {
		t.Errorf("renewal = %+v %v", r, err)
	}
	ok(t, s.PauseRenewal(t.Context(), claim, time.Now().Add(time.Hour)))
	if r, _, _ = s.Renewal(t.Context()); r.NextTryAt.IsZero() {
		t.Error("the renewal does not show its pause")
	}
	ok(t, s.FinishRenewal(t.Context(), claim))
	if r, _, _ = s.Renewal(t.Context()); r.FinishedAt.IsZero() {
		t.Error("not finished")
	}
}
