package storetest

import (
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/conversion"
	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/store"
)

// tries is how many do the same at once.
const tries = 6

// atOnce does something several times at the same moment. It returns how many succeeded.
// The others must fail with this code; "lost" is a lost claim, "not_found" is
// apperr.NotFound.
func atOnce(t *testing.T, code string, act func(i int) error) (won int) {
	t.Helper()
	errs := make([]error, tries)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			<-start
			errs[i] = act(i)
		})
	}
	close(start)
	all.Wait()
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case apperr.CodeOf(err) != code:
			t.Errorf("one that did not win: %v, want %s", err, code)
		}
	}
	return won
}

// races lets several do at once what only one may do, or what must leave one thing
// behind. On SQLite they take turns anyway; a server shows what a question before an
// insert is worth.
func races(t *testing.T, s *store.Store) {
	for name, race := range map[string]func(t *testing.T, s *store.Store) (won int){
		"a centre": func(t *testing.T, s *store.Store) int {
			number := newCentre(t, s).Number + "9"
			return atOnce(t, "centre_exists", func(int) error {
				_, err := s.AddCentre(t.Context(), who, account.Centre{Number: number, Name: "x"})
				return err
			})
		},
		"an account": func(t *testing.T, s *store.Store) int {
			email := uuid.NewString() + "@example.org"
			return atOnce(t, "user_exists", func(int) error {
				_, err := s.AddUser(t.Context(), who, account.User{Email: email, PasswordHash: "x", Roles: []account.Role{account.Auditor}})
				return err
			})
		},
		"a one-time link":        linkRace,
		"a token revoked":        revokeRace,
		"a conversion":           runRace,
		"a centre's old rows":    feedRace,
		"an approval":            approvalRace,
		"a renewal":              renewalRace,
		"a dataset":              datasetRace,
		"a repeated request":     requestRace,
		"a check saved":          saveRace,
		"a delivery cancelled":   cancelRace,
		"a new patient":          numberRace,
		"a new pseudonym":        pseudonymRace,
		"the last administrator": adminRace,
	} {
		t.Run(name, func(t *testing.T) {
			won := race(t, s)
			t.Logf("%d tries, %d won", tries, won)
			if won != 1 {
				t.Errorf("%d of %d won, want 1", won, tries)
			}
		})
	}
}

func linkRace(t *testing.T, s *store.Store) int {
	var hash [32]byte
	_, _ = rand.Read(hash[:])
	_, err := s.Invite(t.Context(), who, account.User{Email: uuid.NewString() + "@example.org", Roles: []account.Role{account.Auditor}}, hash, "proef")
	ok(t, err)
	return atOnce(t, "not_found", func(int) error { return s.UseLink(t.Context(), who, hash, "x") })
}

func revokeRace(t *testing.T, s *store.Store) int {
	c := newCentre(t, s)
	_, hash := account.NewToken()
	k, err := s.AddToken(t.Context(), who, account.Token{Name: "script", Role: account.Uploader, Centre: &c}, hash)
	ok(t, err)
	return atOnce(t, "token_revoked", func(int) error { return s.RevokeToken(t.Context(), who, k.PublicID) })
}

func runRace(t *testing.T, s *store.Store) int {
	c := newCentre(t, s)
	ok(t, s.AbandonRun(t.Context(), who, startRun(t, s, c, 1).ID))
	won := atOnce(t, "existing_under_way", func(int) error {
		_, err := s.StartRun(t.Context(), who, conversion.NewRun{
			PublicID: uuid.NewString(), Mode: delivery.Save, Table: "x", Mapping: conversion.DefaultMapping(), Total: 1,
			Centres: map[int64]int{c.ID: 1},
		})
		return err
	})
	last, _, err := s.LatestRun(t.Context(), delivery.Save)
	ok(t, err)
	ok(t, s.AbandonRun(t.Context(), who, last.ID))
	return won
}

func feedRace(t *testing.T, s *store.Store) int {
	c := newCentre(t, s)
	run := startRun(t, s, c, 1)
	errs := make([]error, tries)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { _, _, errs[i] = s.FeedCentre(t.Context(), run.ID, c.ID, freshDelivery(c), time.Minute) })
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		}
	}
	page, err := s.Deliveries(t.Context(), who, of(c), delivery.Query{})
	ok(t, err)
	if len(page.Deliveries) != 1 {
		t.Errorf("%d deliveries of one centre", len(page.Deliveries))
	}
	ok(t, s.AbandonRun(t.Context(), who, run.ID))
	return won
}

func approvalRace(t *testing.T, s *store.Store) int {
	c := newCentre(t, s)
	run := startRun(t, s, c, 1)
	report, err := s.AddReport(t.Context(), who, conversion.Report{Kind: conversion.KindCheck, RunID: run.ID, Clean: true, Document: "{}"})
	ok(t, err)
	// Whoever asks takes the place of whoever asked before: one erasure is left.
	asked := atOnce(t, "", func(int) error {
		_, err := s.AskErasure(t.Context(), who, conversion.Erasure{RunID: run.ID, Way: conversion.NewDatabase, CheckID: report.ID})
		return err
	})
	if asked != tries {
		t.Errorf("%d of %d asked", asked, tries)
	}
	e, _, err := s.ErasureOf(t.Context(), run.ID)
	ok(t, err)
	people := make([]audit.Who, tries)
	for i := range people {
		people[i] = approvers(t, s)[account.Admin]
	}
	won := atOnce(t, "approval_given", func(i int) error {
		return s.ApproveErasure(t.Context(), people[i], e.PublicID, account.Admin, []string{c.Number}, "gezien")
	})
	if now, _, err := s.ErasureOf(t.Context(), run.ID); err != nil || len(now.Approvals) != 1 || now.ID != e.ID {
		t.Errorf("erasure = %+v (%v)", now, err)
	}
	ok(t, s.AbandonRun(t.Context(), who, run.ID))
	return won
}

func renewalRace(t *testing.T, s *store.Store) int {
	won := atOnce(t, "renewal_under_way", func(int) error {
		_, err := s.StartRenewal(t.Context(), who)
		return err
	})
	claim, found, err := s.ClaimRenewal(t.Context(), time.Now().Add(time.Second), time.Minute)
	if err != nil || !found {
		t.Fatal("no renewal: ", err)
	}
	ok(t, s.FinishRenewal(t.Context(), claim))
	return won
}

func datasetRace(t *testing.T, s *store.Store) int {
	c := newCentre(t, s)
	won := atOnce(t, "dataset_under_way", func(int) error {
		d := freshDelivery(c)
		d.DatasetID = "set-" + c.Number
		return s.CreateDatasetDelivery(t.Context(), d)
	})
	cancelAll(t, s, c)
	return won
}

// cancelAll ends the deliveries of a centre.
func cancelAll(t *testing.T, s *store.Store, c account.Centre) {
	t.Helper()
	page, err := s.Deliveries(t.Context(), who, of(c), delivery.Query{Group: delivery.Open})
	ok(t, err)
	for _, d := range page.Deliveries {
		ok(t, s.Cancel(t.Context(), who, of(c), d.PublicID))
	}
}

// requestRace sends the same request again and again, each time before the one before is
// received: each takes the place of the one before, and one delivery is left.
func requestRace(t *testing.T, s *store.Store) int {
	c := newCentre(t, s)
	r := delivery.Request{Asks: [32]byte{2}}
	_, _ = rand.Read(r.Key[:])
	ids := make([]int64, tries)
	if sent := atOnce(t, "", func(i int) (err error) {
		ids[i], _, err = s.CreateDeliveryOnce(t.Context(), freshDelivery(c), r)
		return err
	}); sent != tries {
		t.Errorf("%d of %d sent", sent, tries)
	}
	left := 0
	for _, id := range ids {
		if err := s.FinishUpload(t.Context(), id, []byte(c.Number), 1, who); err == nil {
			left++
		}
	}
	cancelAll(t, s, c)
	return left
}

func saveRace(t *testing.T, s *store.Store) int {
	c := newCentre(t, s)
	id := begin(t, s, c, 2)
	resolveAll(t, s, 1)
	claim := claimDelivery(t, s, id)
	ok(t, s.FinishDeciding(t.Context(), claim, delivery.Checked, time.Now().Add(time.Hour)))
	won := atOnce(t, "delivery_not_waiting", func(int) error { return s.SaveChecked(t.Context(), who, of(c), id) })
	cancelAll(t, s, c)
	return won
}

func cancelRace(t *testing.T, s *store.Store) int {
	c := newCentre(t, s)
	id := begin(t, s, c, 2)
	return atOnce(t, "delivery_not_cancellable", func(int) error { return s.Cancel(t.Context(), who, of(c), id) })
}

// registerAtOnce enters a candidate of a centre by several people at once, and returns
// how many were created.
func registerAtOnce(t *testing.T, s *store.Store, c account.Centre, of func(i int) patient.Candidate) int {
	t.Helper()
	outcomes := make([]patient.Outcome, tries)
	if entered := atOnce(t, "", func(i int) error {
		_, err := s.RegisterEntry(t.Context(), who, func(tx patient.Tx) (patient.Verdict, error) {
			v, err := registrar.Register(t.Context(), tx, c.ID, []patient.Candidate{of(i)})
			if err != nil {
				return patient.Verdict{}, err
			}
			outcomes[i] = v[0].Outcome
			return v[0], nil
		})
		return err
	}); entered != tries {
		t.Errorf("%d of %d entered", entered, tries)
	}
	created := 0
	for _, o := range outcomes {
		switch o {
		case patient.Created:
			created++
		case patient.Review:
		default:
			t.Errorf("outcome %q", o)
		}
	}
	return created
}

func numberRace(t *testing.T, s *store.Store) int {
	c := newCentre(t, s)
	won := registerAtOnce(t, s, c, func(i int) patient.Candidate { return candidate(2, "1", c.Number+string(rune('a'+i))) })
	if n, err := s.CountConflicts(t.Context(), of(c)); err != nil || n != tries-1 {
		t.Errorf("%d conflicts (%v), want %d", n, err, tries-1)
	}
	return won
}

func pseudonymRace(t *testing.T, s *store.Store) int {
	c := newCentre(t, s)
	return registerAtOnce(t, s, c, func(i int) patient.Candidate { return candidate(2, string(rune('a'+i)), c.Number) })
}

// adminRace lets each of the administrators be blocked at once: the last one must stay.
func adminRace(t *testing.T, s *store.Store) int {
	before, err := s.Administrators(t.Context())
	ok(t, err)
	if len(before) > 0 { // of other tests: this one needs to know all
		for _, u := range before {
			err := s.ChangeUser(t.Context(), who, u.Email, "x", func(u *account.User) error { u.DisabledAt = time.Now(); return nil })
			if apperr.CodeOf(err) != "last_admin" {
				ok(t, err)
			}
		}
	}
	var emails []string
	if before, err = s.Administrators(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, u := range before {
		emails = append(emails, u.Email)
	}
	for len(emails) < tries {
		u, err := s.AddUser(t.Context(), who, account.User{Email: uuid.NewString() + "@example.org", PasswordHash: "x",
			Roles: []account.Role{account.Admin}})
		ok(t, err)
		emails = append(emails, u.Email)
	}
	blocked := atOnce(t, "last_admin", func(i int) error {
		return s.ChangeUser(t.Context(), who, emails[i], "x", func(u *account.User) error { u.DisabledAt = time.Now(); return nil })
	})
	after, err := s.Administrators(t.Context())
	ok(t, err)
	if blocked != tries-1 {
		t.Errorf("%d of %d were blocked", blocked, tries)
	}
	return len(after)
}
