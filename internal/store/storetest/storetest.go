// Package storetest is the conformance suite of the store: every database must pass it.
// It always runs on SQLite and PostgreSQL, and on SQL Server if a DSN is given. Each test
// makes a centre of its own, so that the database need not be empty.
package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/patient"
	"sluis/internal/store"
)

// Run runs the suite. open is called for each test: it returns a store on a new database,
// or on the same one each time, if making one takes too long.
func Run(t *testing.T, open func(t *testing.T) *store.Store) {
	for name, test := range map[string]func(*testing.T, *store.Store){
		"accounts":             accounts,
		"users change":         usersChange,
		"tokens are revoked":   tokensRevoked,
		"health row":           healthRow,
		"tries are counted":    triesAreCounted,
		"codes are counted":    codesAreCounted,
		"factors change":       factorsChange,
		"factors once":         factorsOnce,
		"factors reset":        factorsReset,
		"half sessions":        halfSessions,
		"roles are separate":   rolesAreSeparate,
		"centre changes":       centreChanges,
		"turns are taken":      turnsAreTaken,
		"sessions":             sessions,
		"tokens":               tokens,
		"numbers are exact":    exactNumbers,
		"patients change":      patientsChange,
		"conflicts join":       conflictsJoin,
		"conflict life":        conflictLife,
		"conflict returned":    conflictReturned,
		"conflict changed":     conflictChanged,
		"conflict race":        conflictRace,
		"races":                races,
		"conflict pages":       conflictPages,
		"scope":                scope,
		"patient pages":        patientPages,
		"delivery life":        deliveryLife,
		"delivery filters":     deliveryFilters,
		"claims are exclusive": exclusiveClaims,
		"stale claims lose":    staleClaims,
		"one centre in order":  inOrder,
		"centres take turns":   fairTurns,
		"small deliveries":     smallDeliveries,
		"requests":             requests,
		"repeats":              repeats,
		"leftovers":            leftovers,
		"parse again":          parseAgain,
		"findings":             findings,
		"audit fails closed":   auditRollsBack,
		"upload drops":         uploadDrops,
		"checks lapse":         checksLapse,
		"urgent chunks first":  urgentFirst,
		"pauses end":           pausesEnd,
		"datasets":             datasets,
		"TTP health":           health,
		"renewals":             renewals,
		"repairs":              repairs,
		"repair chains":        repairChains,
		"repairs refused":      repairsRefused,
		"repairs judged":       repairsJudged,
		"reports expire":       reportsExpire,
		"findings sorted":      findingsSorted,
		"conversion life":      conversionLife,
		"conversion pauses":    conversionPauses,
		"erasures":             erasures,
		"patients unnumbered":  noNumbers,
		"mandates":             mandates,
		"providers":            providers,
		"providers at once":    providerRaces,
		"token warnings":       tokenWarnings,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

var who = audit.Who{UserID: 1, Name: "storetest@example.org", Role: "uploader", Address: "127.0.0.1", Via: audit.ViaWeb}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newCentre(t *testing.T, s *store.Store) account.Centre {
	t.Helper()
	c, err := s.AddCentre(t.Context(), who,
		account.Centre{Number: strconv.Itoa(1e6 + rand.IntN(1e9)), Name: "Proef", IdentitiesAllowed: true})
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
	u, err := s.AddUser(t.Context(), who, account.User{Email: email, PasswordHash: "x",
		Roles: []account.Role{account.Uploader, account.Clinician}, Centre: &c})
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
	u, err := s.AddUser(t.Context(), who, account.User{Email: uuid.NewString() + "@example.org", PasswordHash: "x",
		Roles: []account.Role{account.Auditor}})
	ok(t, err)
	now := time.Now()
	x := account.NewSession([32]byte{byte(rand.Int()), byte(rand.Int()), byte(rand.Int()), byte(rand.Int())}, u.ID, account.ByPasskey, now)
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

// candidate returns a row. Its pseudonyms are made of person.
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
	_, err := s.RegisterEntry(t.Context(), who, func(tx patient.Tx) (patient.Verdict, error) {
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
	row.Pseudonyms = append(row.Pseudonyms, patient.Pseudonym{Type: "NGGV", Domain: "qrns", KeyVersion: 2, Value: "next",
		ObservedOn: "2026-02-02"})
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

func conflictsJoin(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	enter(t, s, c, candidate(2, "1", c.Number))
	for range 2 {
		if got := outcomes(enter(t, s, c, candidate(2, "1", c.Number+"-b"))); got != "review " {
			t.Fatalf("outcome %s", got)
		}
	}
	n, err := s.CountConflicts(t.Context(), of(c))
	ok(t, err)
	if n != 1 {
		t.Errorf("%d open conflicts, want 1", n)
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

func auditRollsBack(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	boom := errors.New("boom")
	_, err := s.RegisterEntry(t.Context(), who, func(tx patient.Tx) (patient.Verdict, error) {
		if err := tx.InsertPatients(t.Context(), []patient.Patient{{CentreID: c.ID, Display: patient.Display{Number: "x"}, Version: 1,
			CreatedAt: time.Now(), UpdatedAt: time.Now()}}); err != nil {
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
