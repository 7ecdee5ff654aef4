// Package storetest is the conformance suite of the store: what every database
// must do alike. It is run on SQLite always, and on SQL Server where a DSN is
// given. Each test makes a centre of its own, so that a shared database need not
// be empty.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/store"
)

// Run runs the suite. open gives a store on the same database each time.
func Run(t *testing.T, open func(t *testing.T) *store.Store) {
	s := open(t)
	for name, test := range map[string]func(*testing.T, *store.Store){
		"accounts":             accounts,
		"sessions":             sessions,
		"tokens":               tokens,
		"numbers are exact":    exactNumbers,
		"patients change":      patientsChange,
		"reviews join":         reviewsJoin,
		"scope":                scope,
		"patient pages":        patientPages,
		"delivery life":        deliveryLife,
		"claims are exclusive": exclusiveClaims,
		"stale claims lose":    staleClaims,
		"one centre in order":  inOrder,
		"repeats":              repeats,
		"findings":             findings,
		"audit fails closed":   auditRollsBack,
		"upload drops":         uploadDrops,
		"checks lapse":         checksLapse,
	} {
		t.Run(name, func(t *testing.T) { test(t, s) })
	}
}

var who = audit.Who{UserID: 1, Name: "storetest@example.org", Role: "uploader", Address: "127.0.0.1", Via: "web"}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newCentre(t *testing.T, s *store.Store) account.Centre {
	t.Helper()
	c, err := s.AddCentre(t.Context(), who, account.Centre{Number: strconv.Itoa(1e6 + rand.IntN(1e9)), Name: "Proef", IdentitiesAllowed: true})
	ok(t, err)
	return c
}

func of(c account.Centre) account.Scope { return account.Actor{Centre: &c}.Scope() }

func accounts(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	if _, err := s.AddCentre(t.Context(), who, c); apperr.KindOf(err) != apperr.Conflict {
		t.Errorf("a second centre %s: %v, want a conflict", c.Number, err)
	}
	email := "A." + c.Number + "@Example.org"
	u, err := s.AddUser(t.Context(), who, account.User{Email: email, PasswordHash: "x", Roles: []account.Role{account.Uploader, account.Clinician}, Centre: &c})
	ok(t, err)
	got, err := s.UserByEmail(t.Context(), " "+email)
	ok(t, err)
	if got.ID != u.ID || got.Centre == nil || got.Centre.Number != c.Number || !slices.Equal(got.Roles, u.Roles) {
		t.Errorf("user = %+v", got)
	}
	if _, err := s.AddUser(t.Context(), who, account.User{Email: email, Roles: u.Roles}); apperr.KindOf(err) != apperr.Conflict {
		t.Errorf("a second user: %v, want a conflict", err)
	}
	if _, err := s.UserByEmail(t.Context(), "nobody@example.org"); apperr.KindOf(err) != apperr.NotFound {
		t.Errorf("unknown user: %v", err)
	}
}

func sessions(t *testing.T, s *store.Store) {
	u, err := s.AddUser(t.Context(), who, account.User{Email: uuid.NewString() + "@example.org", PasswordHash: "x", Roles: []account.Role{account.Auditor}})
	ok(t, err)
	now := time.Now()
	x := account.NewSession([32]byte{byte(rand.Int()), byte(rand.Int()), byte(rand.Int()), byte(rand.Int())}, u.ID, now)
	x.Data = []byte("state")
	ok(t, s.SignIn(t.Context(), x, audit.Event{Type: audit.SignIn, Action: audit.Execute, Who: who}))
	x.Touch(now.Add(time.Minute))
	ok(t, s.SaveSession(t.Context(), x))
	got, err := s.SessionByHash(t.Context(), x.TokenHash)
	ok(t, err)
	if got.UserID != u.ID || string(got.Data) != "state" || !got.IdleExpiresAt.Equal(x.IdleExpiresAt.UTC().Truncate(time.Millisecond)) {
		t.Errorf("session = %+v", got)
	}
	ok(t, s.SignOut(t.Context(), u.ID, audit.Event{Type: audit.SignOut, Action: audit.Execute, Who: who}))
	if _, err := s.SessionByHash(t.Context(), x.TokenHash); apperr.KindOf(err) != apperr.NotFound {
		t.Errorf("after sign-out: %v, want not found", err)
	}
}

func tokens(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	_, hash := account.NewToken()
	_, err := s.AddToken(t.Context(), who, account.Token{Name: "script", Role: account.Uploader, Centre: &c}, hash)
	ok(t, err)
	got, err := s.TokenByHash(t.Context(), hash)
	ok(t, err)
	if got.Role != account.Uploader || got.Centre.ID != c.ID {
		t.Errorf("token = %+v", got)
	}
	if _, err := s.TokenByHash(t.Context(), [32]byte{1}); apperr.KindOf(err) != apperr.NotFound {
		t.Errorf("unknown token: %v", err)
	}
}

// candidate makes a row; its pseudonyms follow from person.
func candidate(line int, number, person string) patient.Candidate {
	return patient.Candidate{
		Line: line, Display: patient.Display{Number: number, Birth: patient.Birth{Year: 1980, Month: 2, Day: 29}, Sex: patient.Female},
		Pseudonyms: []patient.Pseudonym{
			{Type: "NGGV", Domain: "qrns", KeyVersion: 1, Value: "ngv-" + person, ObservedOn: "2026-01-01"},
			{Type: "NGG", Domain: "qrns", KeyVersion: 1, Value: "ng-" + person, ObservedOn: "2026-01-01"},
		},
	}
}

func enter(t *testing.T, s *store.Store, c account.Centre, set ...patient.Candidate) []patient.Verdict {
	t.Helper()
	r := patient.NewRegistrar("NGGV", time.Now)
	var all []patient.Verdict
	_, err := s.Enter(t.Context(), who, func(tx patient.Tx) (patient.Verdict, error) {
		v, err := r.Register(t.Context(), tx, c.ID, set)
		if err != nil {
			return patient.Verdict{}, err
		}
		all = v
		return v[0], nil
	})
	ok(t, err)
	return all
}

func outcomes(v []patient.Verdict) string {
	s := ""
	for _, x := range v {
		s += string(x.Outcome) + " "
	}
	return s
}

func exactNumbers(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	numbers := []string{"0123", "123", "123ABC", "123abc", "é", "e", "ĳ", "ij", "tes", "Tes", "😀"}
	set := make([]patient.Candidate, len(numbers))
	for i, n := range numbers {
		set[i] = candidate(i+2, n, c.Number+"-"+strconv.Itoa(i))
	}
	for i, v := range enter(t, s, c, set...) {
		if v.Outcome != patient.Created {
			t.Errorf("%q = %s, want created", numbers[i], v.Outcome)
		}
	}
	found, err := s.PatientsByNumber(t.Context(), c.ID, append(numbers, "nobody"))
	ok(t, err)
	if len(found) != len(numbers) {
		t.Errorf("found %d of %d", len(found), len(numbers))
	}
	page, err := s.Patients(t.Context(), who, of(c), patient.Query{Number: "123abc"})
	ok(t, err)
	if page.Total != 1 || page.Patients[0].Number != "123abc" || page.Patients[0].Birth.String() != "1980-02-29" {
		t.Errorf("search = %+v", page)
	}
}

func patientsChange(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	row := candidate(2, "1", c.Number)
	first := enter(t, s, c, row)
	if got := outcomes(enter(t, s, c, row)); got != "unchanged " {
		t.Errorf("again: %s", got)
	}
	row.Display.Sex = patient.Male
	row.Pseudonyms[1].Value = "ng-other"
	row.Pseudonyms = append(row.Pseudonyms, patient.Pseudonym{Type: "NGGV", Domain: "qrns", KeyVersion: 2, Value: "next", ObservedOn: "2026-02-02"})
	if got := outcomes(enter(t, s, c, row)); got != "updated " {
		t.Errorf("changed: %s", got)
	}
	found, err := s.PatientsByNumber(t.Context(), c.ID, []string{"1"})
	ok(t, err)
	p := found["1"]
	if p.ID != first[0].PatientID || p.Version != 2 || p.Sex != patient.Male || len(p.Pseudonyms) != 3 {
		t.Errorf("patient = %+v", p)
	}
	stranger := candidate(2, "1", c.Number+"-stranger")
	if v := enter(t, s, c, stranger); v[0].Reason != patient.NumberTaken || v[0].PatientID != p.ID {
		t.Errorf("same number, other pseudonym: %+v", v[0])
	}
	moved := candidate(2, "2", c.Number)
	if v := enter(t, s, c, moved); v[0].Reason != patient.PseudonymTaken || v[0].PatientID != p.ID {
		t.Errorf("other number, same pseudonym: %+v", v[0])
	}
	other := newCentre(t, s)
	if got := outcomes(enter(t, s, other, moved)); got != "created " {
		t.Errorf("same person in another centre: %s", got)
	}
}

func reviewsJoin(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	enter(t, s, c, candidate(2, "1", c.Number))
	for range 2 {
		if got := outcomes(enter(t, s, c, candidate(2, "1", c.Number+"-b"))); got != "review " {
			t.Fatalf("outcome %s", got)
		}
	}
	n, err := s.OpenReviews(t.Context(), of(c))
	ok(t, err)
	if n != 1 {
		t.Errorf("%d open reviews, want 1", n)
	}
}

func scope(t *testing.T, s *store.Store) {
	mine, theirs := newCentre(t, s), newCentre(t, s)
	enter(t, s, theirs, candidate(2, "7", theirs.Number))
	page, err := s.Patients(t.Context(), who, of(theirs), patient.Query{})
	ok(t, err)
	foreign := page.Patients[0].PublicID
	for name, sc := range map[string]account.Scope{"another centre": of(mine), "nobody": {}} {
		if _, err := s.Patient(t.Context(), who, sc, foreign); apperr.KindOf(err) != apperr.NotFound {
			t.Errorf("%s reads the patient: %v", name, err)
		}
		if page, err := s.Patients(t.Context(), who, sc, patient.Query{Number: "7"}); err != nil || page.Total != 0 {
			t.Errorf("%s lists %d patients (%v)", name, page.Total, err)
		}
	}
	d, err := s.Patient(t.Context(), who, account.AllCentres(), foreign)
	ok(t, err)
	if d.CentreNumber != theirs.Number || len(d.Pseudonyms) != 2 {
		t.Errorf("detail = %+v", d)
	}
}

func patientPages(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	var set []patient.Candidate
	for i := range 7 {
		set = append(set, candidate(i+2, fmt.Sprintf("p%d", i), fmt.Sprintf("%s-%d", c.Number, i)))
	}
	enter(t, s, c, set...)
	var seen []string
	for q := (patient.Query{Limit: 3}); ; {
		page, err := s.Patients(t.Context(), who, of(c), q)
		ok(t, err)
		for _, p := range page.Patients {
			seen = append(seen, p.Number)
		}
		if page.Total != 7 {
			t.Errorf("total %d", page.Total)
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	if want := []string{"p0", "p1", "p2", "p3", "p4", "p5", "p6"}; !slices.Equal(seen, want) {
		t.Errorf("pages show %v", seen)
	}
}

// begin makes a received delivery of n rows in chunks of two, parsed.
func begin(t *testing.T, s *store.Store, c account.Centre, rows int) string {
	t.Helper()
	id7, err := uuid.NewV7()
	ok(t, err)
	id, err := s.OpenDelivery(t.Context(), delivery.New{
		PublicID: id7.String(), CentreID: c.ID, Filename: "a.csv", Mode: delivery.Save, Via: "api", Who: who, KeyID: "k1",
		WrappedKey: []byte("key"), At: time.Now(),
	})
	ok(t, err)
	ok(t, s.AppendBlock(t.Context(), id, 0, []byte("sealed")))
	ok(t, s.FinishUpload(t.Context(), id, []byte(c.Number), 6, who))
	claim := claimDelivery(t, s, id7.String())
	ok(t, s.BeginParse(t.Context(), claim))
	for no := 0; no*2 < rows; no++ {
		k := delivery.Chunk{No: no, FirstLine: no*2 + 2, LastLine: no*2 + 3, Holds: delivery.HoldsTemporaries, Sealed: []byte("t"), CallKey: uuid.NewString()}
		for i := no * 2; i < min(rows, no*2+2); i++ {
			k.Rows = append(k.Rows, delivery.Row{Line: i + 2, PatientNumber: strconv.Itoa(i), Outcome: patient.Pending})
		}
		ok(t, s.AddChunk(t.Context(), claim, k))
	}
	ok(t, s.FinishParse(t.Context(), claim, delivery.Parsed{Kind: delivery.Temporary, Columns: delivery.Columns{"sex": "Geslacht"}}))
	return id7.String()
}

// claimDelivery takes the delivery that it expects, and no other of this suite.
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

// resolveAll brings every chunk through the TTP's step.
func resolveAll(t *testing.T, s *store.Store, chunks int) {
	t.Helper()
	for range chunks {
		k := claimChunk(t, s)
		var m []delivery.Mark
		for i := range 2 {
			m = append(m, delivery.Mark{Line: k.No*2 + i + 2, Number: strconv.Itoa(k.No*2 + i), LinkHash: int64(k.No*2 + i), ContentHash: 1})
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
	for no := range 2 {
		ok(t, s.StoreVerdicts(t.Context(), claim, no, []int{no*2 + 2, no*2 + 3}, created, nil))
	}
	ok(t, s.FinishDeciding(t.Context(), claim, func(p patient.Counts) delivery.State {
		if p.Created != 2 || p.Unchanged != 2 || !p.Balanced() {
			t.Errorf("planned %+v", p)
		}
		return delivery.Checked
	}, time.Now().Add(time.Hour)))
	ok(t, s.SaveChecked(t.Context(), who, of(c), id))
	if err := s.SaveChecked(t.Context(), who, of(c), id); apperr.KindOf(err) != apperr.Conflict {
		t.Errorf("saved twice: %v", err)
	}
	claim = claimDelivery(t, s, id)
	ok(t, s.BeginDeciding(t.Context(), claim))
	ok(t, s.FinishDeciding(t.Context(), claim, func(patient.Counts) delivery.State { return delivery.Registering }, time.Time{}))
	claim = claimDelivery(t, s, id)
	for no := range 2 {
		chunk, err := s.SealedChunk(t.Context(), claim.Delivery.ID, no)
		ok(t, err)
		late := delivery.Finding{Line: chunk.FirstLine, Stage: delivery.StageDecide} // found only while storing
		late.Finding = patient.Finding{Severity: patient.Warning, Source: patient.Sluis, Code: string(patient.NumberTaken)}
		ok(t, s.RegisterChunk(t.Context(), claim, no, []int{chunk.FirstLine, chunk.LastLine}, func(patient.Tx) ([]patient.Verdict, []delivery.Finding, error) {
			return created, []delivery.Finding{late}, nil
		}))
	}
	if err := s.RegisterChunk(t.Context(), claim, 1, nil, func(patient.Tx) ([]patient.Verdict, []delivery.Finding, error) { return nil, nil, nil }); !errors.Is(err, delivery.ErrLost) {
		t.Errorf("a chunk was stored twice: %v", err)
	}
	ok(t, s.Finish(t.Context(), claim))
	d, err := s.ViewDelivery(t.Context(), who, of(c), id)
	ok(t, err)
	if d.State != delivery.Done || d.Counts != (patient.Counts{Read: 4, Created: 2, Unchanged: 2}) {
		t.Errorf("delivery = %+v", d)
	}
	if page, err := s.Findings(t.Context(), d, delivery.FindingQuery{}); err != nil || page.Total != 2 {
		t.Errorf("%d findings, want those of storing (%v)", page.Total, err)
	}
	ids, err := s.OpenKeyIDs(t.Context())
	ok(t, err)
	if slices.Contains(ids, "k1") {
		t.Error("a finished delivery still names its wrapping key")
	}
	if _, err := s.SealedChunk(t.Context(), d.ID, 0); apperr.KindOf(err) != apperr.NotFound {
		t.Errorf("a finished delivery still has chunks: %v", err)
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
	ok(t, s.PauseChunk(t.Context(), k, time.Now().Add(time.Hour)))
	d, err := s.Delivery(t.Context(), of(c), id)
	ok(t, err)
	if d.Status() != delivery.StatusPaused || d.NextTryAt.IsZero() {
		t.Errorf("status %s, next try %v", d.Status(), d.NextTryAt)
	}
	ok(t, s.Wake(t.Context(), who, of(c), id))
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
	ok(t, s.StoreResolved(t.Context(), k, []byte("d"), []delivery.Mark{
		{Line: 2, Number: "a", LinkHash: 1, ContentHash: 1},
		{Line: 3, Number: "a", LinkHash: 1, ContentHash: 1},
		{Line: 4, Number: "b", LinkHash: 2, ContentHash: 2},
		{Line: 5, Number: "b", LinkHash: 3, ContentHash: 3},
		{Line: 6, Number: "B", LinkHash: 9, ContentHash: 9},
		{Line: 7, Number: "c", LinkHash: 9, ContentHash: 9},
		{Line: 8, Number: "d", LinkHash: 8, ContentHash: 8},
		{Line: 9, Number: "b", LinkHash: 2, ContentHash: 2},
	}, nil))
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

func findings(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	id := begin(t, s, c, 6)
	var list []delivery.Finding
	for line := 2; line < 8; line++ {
		f := delivery.Finding{Line: line, PatientNumber: strconv.Itoa(line), Stage: delivery.StageResolve, Partners: []int{1, line}}
		f.Finding = patient.Finding{Severity: patient.Fatal, Source: patient.TTP, Code: "2101", Field: "birthDate", Message: "De geboortedatum is leeg"}
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
	if d.Warnings != 1 {
		t.Errorf("warnings = %d", d.Warnings)
	}
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
	for source, want := range map[patient.Source][]int{patient.Sluis: {6}, patient.TTP: {2, 3, 5, 7}} {
		page, err := s.Findings(t.Context(), d, delivery.FindingQuery{Severity: patient.Fatal, Source: source})
		ok(t, err)
		lines = nil
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
	ok(t, s.Cancel(t.Context(), who, of(c), id))
}

func auditRollsBack(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	boom := errors.New("boom")
	_, err := s.Enter(t.Context(), who, func(tx patient.Tx) (patient.Verdict, error) {
		if err := tx.InsertPatients(t.Context(), []patient.Patient{{CentreID: c.ID, Display: patient.Display{Number: "x"}, Version: 1, CreatedAt: time.Now(), UpdatedAt: time.Now()}}); err != nil {
			return patient.Verdict{}, err
		}
		return patient.Verdict{}, boom
	})
	if !errors.Is(err, boom) {
		t.Fatalf("err = %v", err)
	}
	if found, err := s.PatientsByNumber(t.Context(), c.ID, []string{"x"}); err != nil || len(found) != 0 {
		t.Errorf("a patient outlived its transaction (%v)", err)
	}
	me := who
	me.Name, me.CentreID = "log-"+c.Number, c.ID
	enterAs := func() {
		_, err := s.Patients(t.Context(), me, of(c), patient.Query{})
		ok(t, err)
	}
	enterAs()
	enterAs()
	page, err := s.Events(t.Context(), me, audit.Query{UserName: me.Name, Type: audit.PatientsListed, Limit: 1})
	ok(t, err)
	if len(page.Events) != 1 || page.Next == 0 || page.Events[0].CentreNumber != c.Number {
		t.Errorf("events = %+v", page)
	}
}

func uploadDrops(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	id7 := uuid.NewString()
	id, err := s.OpenDelivery(t.Context(), delivery.New{PublicID: id7, CentreID: c.ID, Mode: delivery.Check, Who: who, At: time.Now().Add(-2 * time.Hour)})
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
	ok(t, s.FinishDeciding(t.Context(), claim, func(patient.Counts) delivery.State { return delivery.Checked }, time.Now().Add(time.Hour)))
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
