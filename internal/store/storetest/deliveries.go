package storetest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/chunk"
	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/store"
)

// begin returns a parsed delivery with that many rows, in chunks of two.
func begin(t *testing.T, s *store.Store, c account.Centre, rows int) string {
	t.Helper()
	id7, err := uuid.NewV7()
	ok(t, err)
	id, err := s.CreateDelivery(t.Context(), delivery.New{
		PublicID: id7.String(), CentreID: c.ID, Filename: "a.csv", Mode: delivery.Save, Via: audit.ViaAPI, Who: who, KeyID: "k1",
		WrappedKey: []byte("key"), At: time.Now(),
	})
	ok(t, err)
	ok(t, s.AppendBlock(t.Context(), id, 0, []byte("sealed")))
	ok(t, s.FinishUpload(t.Context(), id, []byte(c.Number), 6, who))
	claim := claimDelivery(t, s, id7.String())
	ok(t, s.BeginParse(t.Context(), claim))
	for no := 0; no*2 < rows; no++ {
		k := delivery.Chunk{No: no, FirstLine: no*2 + 2, LastLine: no*2 + 3, Holds: chunk.Temporaries, Sealed: []byte("t"),
			CallKey: uuid.NewString()}
		for i := no * 2; i < min(rows, no*2+2); i++ {
			k.Rows = append(k.Rows, delivery.Row{Line: i + 2, PatientNumber: strconv.Itoa(i), Outcome: patient.Pending})
		}
		ok(t, s.AddChunk(t.Context(), claim, k))
	}
	ok(t, s.FinishParse(t.Context(), claim, delivery.Parsed{Kind: delivery.Temporary, Columns: delivery.Columns{"sex": "Geslacht"}}))
	return id7.String()
}

// claimDelivery claims a delivery, and fails if the store hands out another one.
func claimDelivery(t *testing.T, s *store.Store, publicID string) delivery.Claim {
	t.Helper()
	c, found, err := s.ClaimDelivery(t.Context(), time.Now().Add(time.Second), time.Minute)
	ok(t, err)
	if !found || c.Delivery.PublicID != publicID {
		t.Fatalf("claimed %q (%v), want %s", c.Delivery.PublicID, found, publicID)
	}
	return c
}

func claimChunk(t *testing.T, s *store.Store) delivery.ChunkClaim {
	t.Helper()
	k, found, err := s.ClaimChunk(t.Context(), time.Now().Add(time.Second), time.Minute)
	ok(t, err)
	if !found {
		t.Fatal("no chunk to claim")
	}
	return k
}

// resolveAll stores an answer for every chunk.
func resolveAll(t *testing.T, s *store.Store, chunks int) {
	t.Helper()
	for range chunks {
		k := claimChunk(t, s)
		var m []chunk.Mark
		for i := range 2 {
			m = append(m, chunk.Mark{Line: k.No*2 + i + 2, Number: strconv.Itoa(k.No*2 + i), LinkHash: int64(k.No*2 + i), ContentHash: 1})
		}
		ok(t, s.StoreResolved(t.Context(), k, []byte("d"), m, nil))
	}
}

func deliveryLife(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	id := begin(t, s, c, 4)
	resolveAll(t, s, 2)
	claim := claimDelivery(t, s, id)
	if claim.Delivery.State != delivery.Deciding || claim.Delivery.Counts.Pending != 4 || claim.Delivery.Columns["sex"] != "Geslacht" {
		t.Fatalf("delivery = %+v", claim.Delivery)
	}
	ok(t, s.BeginDeciding(t.Context(), claim))
	created := []patient.Verdict{{Outcome: patient.Created}, {Outcome: patient.Unchanged}}
	for range 2 {
		ok(t, s.StoreVerdicts(t.Context(), claim, created, nil))
	}
	ok(t, s.FinishDeciding(t.Context(), claim, delivery.Checked, time.Now().Add(time.Hour)))
	d, err := s.Delivery(t.Context(), of(c), id)
	ok(t, err)
	if p := d.Planned; p.Created != 2 || p.Unchanged != 2 || !p.Balanced() {
		t.Errorf("planned %+v", p)
	}
	ok(t, s.SaveChecked(t.Context(), who, of(c), id))
	if err := s.SaveChecked(t.Context(), who, of(c), id); apperr.KindOf(err) != apperr.Conflict {
		t.Errorf("saved twice: %v", err)
	}
	claim = claimDelivery(t, s, id)
	ok(t, s.BeginDeciding(t.Context(), claim))
	ok(t, s.FinishDeciding(t.Context(), claim, delivery.Registering, time.Time{}))
	claim = claimDelivery(t, s, id)
	for no := range 2 {
		chunk, err := s.SealedChunk(t.Context(), claim.Delivery.ID, no)
		ok(t, err)
		late := delivery.Finding{Line: chunk.FirstLine, Stage: delivery.StageDecide} // found only while storing
		late.Finding = patient.Finding{Severity: patient.Warning, Source: patient.Sluis, Code: string(patient.NumberTaken)}
		ok(t, s.RegisterChunk(t.Context(), claim, no, []int{chunk.FirstLine, chunk.LastLine},
			func(patient.Tx) ([]patient.Verdict, []delivery.Finding, error) {
				return created, []delivery.Finding{late}, nil
			}))
	}
	nothing := func(patient.Tx) ([]patient.Verdict, []delivery.Finding, error) { return nil, nil, nil }
	if err := s.RegisterChunk(t.Context(), claim, 1, nil, nothing); !errors.Is(err, delivery.ErrLost) {
		t.Errorf("a chunk was stored twice: %v", err)
	}
	ok(t, s.Finish(t.Context(), claim))
	d, err = s.ViewDelivery(t.Context(), who, of(c), id)
	ok(t, err)
	if d.State != delivery.Done || d.Counts != (patient.Counts{Read: 4, Created: 2, Unchanged: 2}) {
		t.Errorf("delivery = %+v", d)
	}
	if page, err := s.Findings(t.Context(), d, delivery.FindingQuery{}); err != nil || page.Total != 2 {
		t.Errorf("%d findings, want those of storing (%v)", page.Total, err)
	}
	wantOutcomes(t, s, d, map[patient.Outcome]int{patient.Created: 2, patient.Unchanged: 2})
	ids, err := s.KeyIDsInUse(t.Context())
	ok(t, err)
	if slices.Contains(ids, "k1") {
		t.Error("a finished delivery still names its wrapping key")
	}
	if _, err := s.SealedChunk(t.Context(), d.ID, 0); apperr.KindOf(err) != apperr.NotFound {
		t.Errorf("a finished delivery still has chunks: %v", err)
	}
}

// wantOutcomes counts the outcomes of a delivery's rows.
func wantOutcomes(t *testing.T, s *store.Store, d delivery.Delivery, want map[patient.Outcome]int) {
	t.Helper()
	rows, err := s.RowOutcomes(t.Context(), d)
	ok(t, err)
	got := map[patient.Outcome]int{}
	for _, o := range rows {
		got[o]++
	}
	if !maps.Equal(got, want) {
		t.Errorf("outcomes %v, want %v", got, want)
	}
}

func exclusiveClaims(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	id := begin(t, s, c, 24)
	var mu sync.Mutex
	taken := map[int]int{}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				k, found, err := s.ClaimChunk(context.Background(), time.Now().Add(time.Second), time.Minute)
				if err != nil {
					t.Error(err)
					return
				}
				if !found {
					return
				}
				mu.Lock()
				taken[k.No]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	for no := range 12 {
		if taken[no] != 1 {
			t.Errorf("chunk %d was taken %d times", no, taken[no])
		}
	}
	ok(t, s.Cancel(t.Context(), who, of(c), id))
}

func staleClaims(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	id := begin(t, s, c, 2)
	old := claimChunk(t, s)
	k, found, err := s.ClaimChunk(t.Context(), time.Now().Add(2*time.Minute), time.Minute) // the lease ran out
	ok(t, err)
	if !found || k.ID != old.ID {
		t.Fatal("a chunk whose lease ran out was not taken over")
	}
	if err := s.StoreResolved(t.Context(), old, []byte("old"), nil, nil); !errors.Is(err, delivery.ErrLost) {
		t.Errorf("the old worker wrote: %v", err)
	}
	ok(t, s.PauseChunk(t.Context(), k, delivery.PauseDown, time.Now().Add(time.Hour)))
	d, err := s.Delivery(t.Context(), of(c), id)
	ok(t, err)
	if d.Status() != delivery.StatusPaused || d.NextTryAt.IsZero() {
		t.Errorf("status %s, next try %v", d.Status(), d.NextTryAt)
	}
	ok(t, s.RetryDelivery(t.Context(), who, of(c), id))
	k = claimChunk(t, s)
	if k.Attempts != 1 {
		t.Errorf("attempts = %d", k.Attempts)
	}
	if n, err := s.ReleaseChunk(t.Context(), k, time.Now()); err != nil || n != 1 {
		t.Errorf("%d failures, want 1: a pause is none (%v)", n, err)
	}
	if _, err := s.ReleaseChunk(t.Context(), old, time.Now()); !errors.Is(err, delivery.ErrLost) {
		t.Errorf("a stale claim was given back: %v", err)
	}
	k = claimChunk(t, s)
	ok(t, s.Cancel(t.Context(), who, of(c), id))
	if err := s.StoreResolved(t.Context(), k, []byte("late"), nil, nil); !errors.Is(err, delivery.ErrLost) {
		t.Errorf("a worker wrote into a cancelled delivery: %v", err)
	}
}

func inOrder(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	one := begin(t, s, c, 2)
	two := begin(t, s, c, 2)
	first, second := claimChunk(t, s), claimChunk(t, s)
	ok(t, s.StoreResolved(t.Context(), second, []byte("d"), nil, nil))
	if k, found, err := s.ClaimDelivery(t.Context(), time.Now().Add(time.Second), time.Minute); err != nil || found {
		t.Fatalf("the second was decided before the first: %v %v %v", k.Delivery.PublicID, found, err)
	}
	ok(t, s.StoreResolved(t.Context(), first, []byte("d"), nil, nil))
	claimDelivery(t, s, one)
	ok(t, s.Cancel(t.Context(), who, of(c), one))
	claimDelivery(t, s, two)
	ok(t, s.Cancel(t.Context(), who, of(c), two))
}

func repeats(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	id := begin(t, s, c, 2)
	k := claimChunk(t, s)
	if _, known, err := s.Marks(t.Context(), k.DeliveryID, 0); err != nil || known {
		t.Errorf("a chunk without answers has marks (%v)", err)
	}
	marks := []chunk.Mark{
		{Line: 2, Number: "a", LinkHash: 1, ContentHash: 1},
		{Line: 3, Number: "a", LinkHash: 1, ContentHash: 1},
		{Line: 4, Number: "b", LinkHash: 2, ContentHash: 2},
		{Line: 5, Number: "b", LinkHash: 3, ContentHash: 3},
		{Line: 6, Number: "B", LinkHash: 9, ContentHash: 9},
		{Line: 7, Number: "c", LinkHash: 9, ContentHash: 9},
		{Line: 8, Number: "d", LinkHash: 8, ContentHash: 8},
		{Line: 9, Number: "b", LinkHash: 2, ContentHash: 2},
	}
	ok(t, s.StoreResolved(t.Context(), k, []byte("d"), marks, nil))
	kept, known, err := s.Marks(t.Context(), k.DeliveryID, 0)
	ok(t, err)
	if !known || !slices.Equal(kept, marks) {
		t.Errorf("marks = %+v (%v)", kept, known)
	}
	claim := claimDelivery(t, s, id)
	if numbers, links, err := s.Repeats(t.Context(), k.DeliveryID, 2, 8); err != nil || len(numbers)+len(links) > 0 {
		t.Errorf("repeats of no marks: %+v %+v (%v)", numbers, links, err)
	}
	ok(t, s.AddMarks(t.Context(), claim, marks[:3]))
	ok(t, s.BeginDeciding(t.Context(), claim)) // an earlier decision broke off here
	ok(t, s.AddMarks(t.Context(), claim, marks))
	numbers, links, err := s.Repeats(t.Context(), k.DeliveryID, 2, 8)
	ok(t, err)
	if r := numbers["a"]; r.Distinct != 1 || r.First != 2 || !slices.Equal(r.Lines, []int{2, 3}) {
		t.Errorf("a = %+v", r)
	}
	if r := numbers["b"]; r.Distinct != 2 && r.Distinct != 3 || !slices.Equal(r.Lines, []int{4, 5, 9}) {
		t.Errorf("b = %+v", r)
	}
	if len(numbers) != 2 {
		t.Errorf("numbers = %+v", numbers)
	}
	if r := links[9]; r.Distinct != 2 || !slices.Equal(r.Lines, []int{6, 7}) {
		t.Errorf("link 9 = %+v", r)
	}
	ok(t, s.Cancel(t.Context(), who, of(c), id))
}

// findings checks the pages of findings, their filters and their causes.
func findings(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	d := withFindings(t, s, c)
	if d.Warnings != 1 {
		t.Errorf("warnings = %d", d.Warnings)
	}
	wantFatal(t, s, d)
	for source, want := range map[patient.Source][]int{patient.Sluis: {6}, patient.TTP: {2, 3, 5, 7}} {
		page, err := s.Findings(t.Context(), d, delivery.FindingQuery{Severity: patient.Fatal, Source: source})
		ok(t, err)
		var lines []int
		for _, f := range page.Findings {
			lines = append(lines, f.Line)
		}
		if page.Total != len(want) || !slices.Equal(lines, want) {
			t.Errorf("%s: lines = %v of %d, want %v", source, lines, page.Total, want)
		}
	}
	causes, err := s.Causes(t.Context(), d)
	ok(t, err)
	if len(causes) != 3 || causes[0].Count != 4 || causes[0].Code != "2101" || !slices.Equal(causes[0].Lines, []int{2, 3, 5, 7}) {
		t.Errorf("causes = %+v", causes)
	}
	ok(t, s.Cancel(t.Context(), who, of(c), d.PublicID))
}

// withFindings returns a delivery of six rows, each with a finding of the TTP. That of line
// 4 is a warning, and that of line 6 is Sluis's own.
func withFindings(t *testing.T, s *store.Store, c account.Centre) delivery.Delivery {
	t.Helper()
	id := begin(t, s, c, 6)
	var list []delivery.Finding
	for line := 2; line < 8; line++ {
		f := delivery.Finding{Line: line, PatientNumber: strconv.Itoa(line), Stage: delivery.StageResolve, Partners: []int{1, line}}
		f.Finding = patient.Finding{Severity: patient.Fatal, Source: patient.TTP, Code: "2101", Field: "birthDate",
			Message: "De geboortedatum is leeg"}
		if line == 4 {
			f.Severity, f.Code, f.Message = patient.Warning, "3101", "Ouder"
		}
		if line == 6 {
			f.Source, f.Code, f.Message = patient.Sluis, "BIRTH_DATE_UNREADABLE", ""
		}
		list = append(list, f)
	}
	k := claimChunk(t, s)
	ok(t, s.StoreResolved(t.Context(), k, []byte("d"), nil, list))
	d, err := s.Delivery(t.Context(), of(c), id)
	ok(t, err)
	return d
}

// wantFatal reads the fatal findings of withFindings in pages of two.
func wantFatal(t *testing.T, s *store.Store, d delivery.Delivery) {
	t.Helper()
	var lines []int
	for q := (delivery.FindingQuery{Severity: patient.Fatal, Limit: 2}); ; {
		page, err := s.Findings(t.Context(), d, q)
		ok(t, err)
		if page.Total != 5 {
			t.Errorf("total = %d", page.Total)
		}
		for _, f := range page.Findings {
			lines = append(lines, f.Line)
			if !slices.Equal(f.Partners, []int{1, f.Line}) || f.Source == patient.TTP && f.Message != "De geboortedatum is leeg" {
				t.Errorf("finding = %+v", f)
			}
		}
		if q.After = page.Next; q.After == 0 {
			break
		}
	}
	if !slices.Equal(lines, []int{2, 3, 5, 6, 7}) {
		t.Errorf("lines = %v", lines)
	}
}

func uploadDrops(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	id7 := uuid.NewString()
	id, err := s.CreateDelivery(t.Context(), delivery.New{PublicID: id7, CentreID: c.ID, Mode: delivery.Check, Who: who, At: time.Now().
		Add(-2 * time.Hour)})
	ok(t, err)
	ok(t, s.AppendBlock(t.Context(), id, 0, []byte("sealed")))
	if _, err := s.Expire(t.Context(), time.Now(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if b, err := s.Block(t.Context(), id, 0); err != nil || b != nil {
		t.Errorf("a broken upload is still there (%v)", err)
	}
}

func checksLapse(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	id := begin(t, s, c, 2)
	resolveAll(t, s, 1)
	claim := claimDelivery(t, s, id)
	ok(t, s.FinishDeciding(t.Context(), claim, delivery.Checked, time.Now().Add(time.Hour)))
	if _, err := s.Expire(t.Context(), time.Now(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if d, err := s.Delivery(t.Context(), of(c), id); err != nil || d.State != delivery.Checked {
		t.Fatalf("a fresh check lapsed: %s (%v)", d.State, err)
	}
	if _, err := s.Expire(t.Context(), time.Now().Add(2*time.Hour), time.Hour); err != nil {
		t.Fatal(err)
	}
	if d, err := s.Delivery(t.Context(), of(c), id); err != nil || d.State != delivery.Cancelled || d.Counts.Pending != 2 {
		t.Errorf("state %s, counts %+v (%v)", d.State, d.Counts, err)
	}
}
