package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/chunk"
	"sluis/internal/conversion"
	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/store"
)

// startRun starts a run for one centre. If a shared database has a run that is not
// finished, startRun ends it first.
func startRun(t *testing.T, s *store.Store, c account.Centre, rows int) conversion.Run {
	t.Helper()
	if last, there, err := s.LatestRun(t.Context(), delivery.Save); err != nil {
		t.Fatal(err)
	} else if there {
		ok(t, s.AbandonRun(t.Context(), who, last.ID))
	}
	m := conversion.DefaultMapping()
	r, err := s.StartRun(t.Context(), who, conversion.NewRun{
		PublicID: uuid.NewString(), Mode: delivery.Save, Table: "SQLite x patient", Mapping: m, Total: rows,
		Centres: map[int64]int{c.ID: rows}, Address: "os:test",
	})
	ok(t, err)
	if len(r.Centres) != 1 || r.Centres[0].CentreNumber != c.Number || !r.Mapping.Same(m) || !r.FinishedAt.IsZero() {
		t.Fatalf("run = %+v", r)
	}
	return r
}

func freshDelivery(c account.Centre) delivery.New {
	return delivery.New{
		PublicID:   uuid.NewString(),
		CentreID:   c.ID,
		Filename:   "x",
		Mode:       delivery.Save,
		Via:        audit.ViaCLI,
		Who:        who,
		KeyID:      "1",
		WrappedKey: []byte("w"),
		At:         time.Now(),
	}
}

// oldRow is a row of the old table, and its key.
func oldRow(c account.Centre, line int, number string) (patient.Candidate, string) {
	key := fmt.Sprintf("%s-%d", c.Number, line)
	x := candidate(line, number, key)
	x.OldRow = &patient.OldRow{ID: key, Version: 3, DiedOn: "2001-02-03"}
	return x, key
}

// conversionLife feeds a centre in two chunks, with a command that dies in between,
// and stores it.
func conversionLife(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	run := startRun(t, s, c, 4)
	_, err := s.StartRun(t.Context(), who, conversion.NewRun{PublicID: uuid.NewString(), Mode: delivery.Save})
	if apperr.KindOf(err) != apperr.Conflict {
		t.Errorf("a second run: %v, want a conflict", err)
	}
	stray := c.Number + "-stray"
	for range 2 { // the second time changes nothing
		ok(t, s.AddStrays(t.Context(), run.ID, []string{stray}, "CENTRE_UNKNOWN"))
	}
	feedByTwo(t, s, c, run)
	registerOld(t, s, c)
	wantWhereabouts(t, s, c, run, stray)
	ok(t, s.FinishRun(t.Context(), who, run.ID))
	ok(t, s.FinishRun(t.Context(), who, run.ID))
	got, _, err := s.LatestRun(t.Context(), delivery.Save)
	ok(t, err)
	if got.FinishedAt.IsZero() || !got.Whole() || got.Strays != 1 || got.Fed() != 5 {
		t.Errorf("run = %+v", got)
	}
	if got.Counts().Created != 3 { // the judged row is one of them
		t.Errorf("counts = %+v", got.Counts())
	}
}

// addOldRows stores the old rows of the lines from..to as a chunk.
func addOldRows(t *testing.T, s *store.Store, c account.Centre, f conversion.Feed, no, from, to int) error {
	t.Helper()
	k := delivery.Chunk{No: no, FirstLine: from, LastLine: to, Holds: chunk.Temporaries, Sealed: []byte("s"), CallKey: "k"}
	at := conversion.Place{}
	for line := from; line <= to; line++ {
		_, key := oldRow(c, line, "")
		k.Rows, at.Keys, at.LastKey = append(k.Rows, delivery.Row{Line: line, Outcome: patient.Pending}), append(at.Keys, key), key
	}
	k.Waiting = len(k.Rows)
	return s.AddFed(t.Context(), f, k, at)
}

// feedByTwo feeds four rows of a centre by two commands. The first one dies after half of
// them. All chunks get their answers.
func feedByTwo(t *testing.T, s *store.Store, c account.Centre, run conversion.Run) {
	t.Helper()
	feed, more, err := s.FeedCentre(t.Context(), run.ID, c.ID, freshDelivery(c), time.Minute)
	ok(t, err)
	if !more || feed.Fed != 0 || feed.Claim.Delivery.Kind != delivery.Conversion || feed.Claim.Delivery.State != delivery.Feeding {
		t.Fatalf("feed = %+v", feed)
	}
	if _, _, err := s.FeedCentre(t.Context(), run.ID, c.ID, freshDelivery(c), time.Minute); !errors.Is(err, delivery.ErrLost) {
		t.Errorf("a second command: %v, want lost", err)
	}
	ok(t, addOldRows(t, s, c, feed, 0, 1, 2))
	if err := addOldRows(t, s, c, feed, 0, 1, 2); !errors.Is(err, delivery.ErrLost) {
		t.Errorf("the same rows twice: %v, want lost", err)
	}
	// The chunks of a centre that is still being read are exchanged, but the delivery does
	// not go on to be decided.
	answerChunks(t, s, feed.Claim.Delivery.ID, 1)
	if d, _ := s.Delivery(t.Context(), of(c), feed.Claim.Delivery.PublicID); d.State != delivery.Feeding || d.Resolved != 1 {
		t.Errorf("half read: %s, %d resolved", d.State, d.Resolved)
	}
	ok(t, s.RenewDelivery(t.Context(), feed.Claim, time.Now().Add(-time.Second))) // the command died, and its lease ran out
	second, more, err := s.FeedCentre(t.Context(), run.ID, c.ID, freshDelivery(c), time.Minute)
	ok(t, err)
	if !more || second.Fed != 2 || second.LastKey != c.Number+"-2" || second.Claim.Delivery.ID != feed.Claim.Delivery.ID {
		t.Fatalf("second feed = %+v", second)
	}
	if err := addOldRows(t, s, c, feed, 1, 3, 4); !errors.Is(err, delivery.ErrLost) {
		t.Errorf("the dead command writes: %v, want lost", err)
	}
	ok(t, addOldRows(t, s, c, second, 1, 3, 4))
	ok(t, s.FinishFed(t.Context(), second))
	if _, more, err = s.FeedCentre(t.Context(), run.ID, c.ID, freshDelivery(c), time.Minute); err != nil || more {
		t.Errorf("read to its end: %v %v", more, err)
	}
	answerChunks(t, s, feed.Claim.Delivery.ID, 1)
}

// answerChunks stores the answers to n chunks of a delivery.
func answerChunks(t *testing.T, s *store.Store, id int64, n int) {
	t.Helper()
	for done := 0; done < n; {
		k, found, err := s.ClaimChunk(t.Context(), time.Now(), time.Minute)
		ok(t, err)
		if !found {
			t.Fatalf("%d of %d chunks", done, n)
		}
		if k.DeliveryID != id {
			continue // another test's
		}
		ok(t, s.StoreResolved(t.Context(), k, []byte("d"), nil, nil))
		done++
	}
}

// registerOld stores the four rows: one is new without a number, one with, one is
// rejected, and one waits to be judged.
func registerOld(t *testing.T, s *store.Store, c account.Centre) {
	t.Helper()
	claim := claimOf(t, s, c)
	ok(t, s.FinishDeciding(t.Context(), claim, delivery.Registering, time.Now()))
	claim = claimOf(t, s, c)
	r := patient.NewRegistrar("NGGV", time.Now)
	register := func(no int, set ...patient.Candidate) {
		t.Helper()
		lines := make([]int, len(set))
		for i, x := range set {
			lines[i] = x.Line
		}
		ok(t, s.RegisterChunk(t.Context(), claim, no, lines, func(tx patient.Tx) ([]patient.Verdict, []delivery.Finding, error) {
			v, err := r.Register(t.Context(), tx, c.ID, set)
			return v, nil, err
		}))
	}
	one, _ := oldRow(c, 1, "")
	two, _ := oldRow(c, 2, "7")
	register(0, one, two)
	four, _ := oldRow(c, 4, "9")
	four.Within.Clash = patient.NumberTwice
	empty := patient.Finding{
		Severity: patient.Fatal, Source: patient.TTP, Code: "2101", Field: "birthDate", Message: "De geboortedatum is leeg",
	}
	ok(t, s.StoreVerdicts(t.Context(), claim, nil, []delivery.Finding{{Finding: empty, Line: 3, Stage: delivery.StagePrepare}}))
	register(1, four)
	ok(t, s.Finish(t.Context(), claim))
}

// claimOf claims the delivery of a centre.
func claimOf(t *testing.T, s *store.Store, c account.Centre) delivery.Claim {
	t.Helper()
	for range 50 {
		claim, found, err := s.ClaimDelivery(t.Context(), time.Now(), time.Minute)
		ok(t, err)
		if !found {
			break
		}
		if claim.Delivery.CentreID == c.ID {
			return claim
		}
	}
	t.Fatal("the delivery cannot be claimed")
	return delivery.Claim{}
}

// wantWhereabouts checks that every row of the table is found once, with its outcome.
func wantWhereabouts(t *testing.T, s *store.Store, c account.Centre, run conversion.Run, stray string) {
	t.Helper()
	keys := []string{stray}
	for line := 1; line <= 4; line++ {
		_, key := oldRow(c, line, "")
		keys = append(keys, key)
	}
	where, err := s.Where(t.Context(), run.ID, append(keys, "unknown"))
	ok(t, err)
	for i, want := range []struct {
		outcome  patient.Outcome
		patients int
		number   string
	}{{patient.Rejected, 0, ""}, {patient.Created, 1, ""}, {patient.Created, 1, "7"}, {patient.Rejected, 0, ""}, {patient.Review, 0, ""}} {
		w := where[keys[i]]
		if w.Outcome != want.outcome || w.Patients != want.patients || w.Patient.Number != want.number {
			t.Errorf("%s: %+v, want %+v", keys[i], w, want)
		}
		if want.patients == 1 && (w.Patient.DiedOn != "2001-02-03" || w.Patient.Version != 3 || w.CentreID != c.ID) {
			t.Errorf("%s: %+v", keys[i], w.Patient)
		}
	}
	if len(where) != 5 {
		t.Errorf("%d rows, want 5", len(where))
	}
	if rows, _, err := s.RunRows(t.Context(), run.ID); err != nil || rows != 5 {
		t.Errorf("%d rows (%v), want 5", rows, err)
	}
	wantOpenRows(t, s, c, run, stray)
	judgeOld(t, s, c, keys[4])
}

// wantOpenRows checks the lists of rejected rows and of rows in review.
func wantOpenRows(t *testing.T, s *store.Store, c account.Centre, run conversion.Run, stray string) {
	t.Helper()
	rejected, err := s.OpenRows(t.Context(), run.ID, conversion.OpenQuery{Outcome: patient.Rejected})
	ok(t, err)
	if rejected.Total != 2 || rejected.Rows[1].Finding.Message != "De geboortedatum is leeg" ||
		rejected.Rows[0].Finding.Code != "CENTRE_UNKNOWN" {
		t.Errorf("rejected = %+v", rejected)
	}
	first, err := s.OpenRows(t.Context(), run.ID, conversion.OpenQuery{Outcome: patient.Rejected, Limit: 1})
	ok(t, err)
	next, err := s.OpenRows(t.Context(), run.ID, conversion.OpenQuery{Outcome: patient.Rejected, Limit: 1, After: first.Next})
	ok(t, err)
	if len(first.Rows) != 1 || len(next.Rows) != 1 || next.Next != "" || first.Rows[0].OldKey != stray || next.Rows[0].OldKey == stray {
		t.Errorf("pages = %+v, %+v", first, next)
	}
	review, err := s.ViewOpenRows(t.Context(), who, run, conversion.OpenQuery{Outcome: patient.Review, CentreNumber: c.Number})
	ok(t, err)
	if review.Total != 1 || review.Rows[0].PatientNumber != "" && review.Rows[0].PatientNumber != "9" {
		t.Errorf("review = %+v", review)
	}
}

// judgeOld judges the conflict: the row that waited is stored with its old key.
func judgeOld(t *testing.T, s *store.Store, c account.Centre, key string) {
	t.Helper()
	page, err := s.Conflicts(t.Context(), who, of(c), patient.ConflictQuery{})
	ok(t, err)
	if len(page.Conflicts) != 1 {
		t.Fatalf("%d conflicts, want 1", len(page.Conflicts))
	}
	r := patient.NewRegistrar("NGGV", time.Now)
	id, seen := page.Conflicts[0].PublicID, ""
	_, _, err = s.ViewConflict(t.Context(), who, of(c), id, func(tx patient.Reader, x patient.Case) (patient.Comparison, error) {
		found, err := r.Compare(t.Context(), tx, x)
		seen = found.Seen
		return found, err
	})
	ok(t, err)
	ok(t, s.JudgeConflict(t.Context(), who, of(c), id, patient.Judgement{Decision: patient.UseDelivered, Why: "proef"},
		func(tx patient.Tx, x patient.Case) (patient.Applied, error) {
			return r.ApplyJudgement(t.Context(), tx, x, patient.UseDelivered, seen)
		}))
	keys, err := s.Keys(t.Context(), []string{key}, nil)
	ok(t, err)
	if len(keys) != 1 {
		t.Fatalf("key %s is %d patients", key, len(keys))
	}
	found, err := s.PatientsByID(t.Context(), c.ID, []int64{keys[0].PatientID})
	ok(t, err)
	if p := found[keys[0].PatientID]; p.Number != "9" || p.DiedOn != "2001-02-03" || p.Version != 3 {
		t.Errorf("the judged row = %+v", p)
	}
}

// conversionPauses pauses a run, resumes it and ends it.
func conversionPauses(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	run := startRun(t, s, c, 1)
	paused := func() bool {
		t.Helper()
		p, err := s.RunPaused(t.Context(), run.ID, conversion.WaitsTTP, time.Now().Add(time.Minute))
		ok(t, err)
		return p
	}
	if paused() {
		t.Error("paused before anybody said so")
	}
	ok(t, s.PauseRun(t.Context(), who, run.PublicID, true))
	got, _, err := s.LatestRun(t.Context(), delivery.Save)
	ok(t, err)
	if !paused() || got.PausedBy != who.Name || got.WaitsFor != conversion.WaitsTTP || got.NextTryAt.IsZero() {
		t.Errorf("paused: %+v", got)
	}
	ok(t, s.PauseRun(t.Context(), who, run.PublicID, false))
	if paused() {
		t.Error("still paused")
	}
	feed, _, err := s.FeedCentre(t.Context(), run.ID, c.ID, freshDelivery(c), time.Minute)
	ok(t, err)
	id := feed.Claim.Delivery.PublicID
	for what, err := range map[string]error{
		"save": s.SaveChecked(t.Context(), who, of(c), id), "cancel": s.Cancel(t.Context(), who, of(c), id),
		"confirm": s.ConfirmConversion(t.Context(), who, id),
	} {
		if err == nil {
			t.Errorf("%s of a delivery that is being fed", what)
		}
	}
	if err := s.Cancel(t.Context(), who, of(c), id); apperr.KindOf(err) != apperr.Forbidden {
		t.Errorf("a centre cancels the registry's conversion: %v", err)
	}
	ok(t, s.AbandonRun(t.Context(), who, run.ID))
	if d, err := s.Delivery(t.Context(), of(c), id); err != nil || d.State != delivery.Cancelled {
		t.Errorf("after the end: %s (%v)", d.State, err)
	}
	if err := s.PauseRun(t.Context(), who, run.PublicID, true); apperr.KindOf(err) != apperr.Conflict {
		t.Errorf("pause of one that ended: %v, want a conflict", err)
	}
}

// erasures asks for an erasure, approves it and ends it. Approvals that are not allowed are
// refused.
func erasures(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	run := startRun(t, s, c, 1)
	check := conversion.Report{Kind: conversion.KindCheck, RunID: run.ID, Clean: true, Document: `{"é":1}`}
	report, err := s.AddReport(t.Context(), who, check)
	ok(t, err)
	latest, there, err := s.LatestReport(t.Context(), conversion.KindCheck, run.ID)
	if err != nil || !there || latest.Document != check.Document || latest.ID != report.ID || latest.RunID != run.ID {
		t.Errorf("report = %+v %v (%v)", latest, there, err)
	}
	people := approvers(t, s)
	e, err := s.AskErasure(t.Context(), who, conversion.Erasure{RunID: run.ID, Way: conversion.NewDatabase, CheckID: report.ID})
	ok(t, err)
	wantApprovals(t, s, c, e, people)
	got, there, err := s.ErasureOf(t.Context(), run.ID)
	ok(t, err)
	if !there || len(got.Approvals) != 2 {
		t.Fatalf("erasure = %+v", got)
	}
	if first := got.Approvals[0]; first.Lapsed || first.Centre != c.Number || first.Why != "gezien" {
		t.Errorf("first approval = %+v", first)
	}
	// A new request makes the approvals void.
	e, err = s.AskErasure(t.Context(), who, conversion.Erasure{RunID: run.ID, Way: conversion.InPlace, CheckID: report.ID})
	ok(t, err)
	if got, _, err = s.ErasureOf(t.Context(), run.ID); err != nil || len(got.Approvals) != 0 || got.Way != conversion.InPlace {
		t.Errorf("asked again: %+v (%v)", got, err)
	}
	// Once an erasure has begun, nobody can ask for it or approve it.
	ok(t, s.BeginErasure(t.Context(), e.ID))
	if got := approve(t, s, e, people[account.Admin], account.Admin, c.Number); got != "approval_closed" {
		t.Errorf("approval of one that has begun: %q", got)
	}
	if _, err := s.AskErasure(t.Context(), who, e); apperr.CodeOf(err) != "erasure_begun" {
		t.Errorf("asked when it has begun: %v", err)
	}
	ok(t, s.FinishErasure(t.Context(), who, e))
	ok(t, s.FinishErasure(t.Context(), who, e))
	if got, _, err = s.ErasureOf(t.Context(), run.ID); err != nil || got.ErasedAt.IsZero() {
		t.Errorf("erased: %+v (%v)", got, err)
	}
	wantProofs(t, s, run)
	ok(t, s.AbandonRun(t.Context(), who, run.ID))
}

// approvers adds one user for each role that approves an erasure.
func approvers(t *testing.T, s *store.Store) map[account.Role]audit.Who {
	t.Helper()
	people := map[account.Role]audit.Who{}
	for _, role := range conversion.ApprovingRoles {
		u, err := s.AddUser(t.Context(), who,
			account.User{Email: uuid.NewString() + "@example.org", PasswordHash: "x", Roles: []account.Role{role}})
		ok(t, err)
		people[role] = account.ActorOf(u).Who()
	}
	return people
}

// approve approves an erasure for a centre, and returns the code of its error.
func approve(t *testing.T, s *store.Store, e conversion.Erasure, w audit.Who, role account.Role, centre string) string {
	t.Helper()
	return apperr.CodeOf(s.ApproveErasure(t.Context(), w, e.PublicID, role, []string{centre}, "gezien"))
}

// wantApprovals lets people approve an erasure in each role, and tries what is not allowed.
func wantApprovals(t *testing.T, s *store.Store, c account.Centre, e conversion.Erasure, people map[account.Role]audit.Who) {
	t.Helper()
	both := people[account.DataManager]
	for _, step := range []struct {
		who    audit.Who
		role   account.Role
		centre string
		want   string
	}{
		{people[account.DataManager], account.DataManager, "none", "approval_centre"},
		{people[account.DataManager], account.DataManager, c.Number, ""},
		{people[account.DataManager], account.DataManager, c.Number, "approval_given"},
		{both, account.Admin, c.Number, "approval_one_person"},
		{people[account.Admin], account.Admin, c.Number, ""},
	} {
		if got := approve(t, s, e, step.who, step.role, step.centre); got != step.want && (step.want != "" || got != "internal") {
			t.Errorf("%s as %s for %s: %q, want %q", step.who.Name, step.role, step.centre, got, step.want)
		}
	}
}

func wantProofs(t *testing.T, s *store.Store, run conversion.Run) {
	t.Helper()
	proof, err := s.AddReport(t.Context(), who, conversion.Report{Kind: conversion.KindProof, RunID: run.ID, Document: "{}"})
	ok(t, err)
	list, err := s.Proofs(t.Context(), who)
	ok(t, err)
	if len(list) == 0 || list[0].PublicID != proof.PublicID {
		t.Errorf("proofs = %+v", list)
	}
	if got, err := s.Proof(t.Context(), who, proof.PublicID, true); err != nil || got.Clean || got.MadeBy != who.Name {
		t.Errorf("proof = %+v (%v)", got, err)
	}
	if _, err := s.Proof(t.Context(), who, uuid.NewString(), false); apperr.KindOf(err) != apperr.NotFound {
		t.Errorf("no such proof: %v", err)
	}
	found := false
	ok(t, s.EachText(t.Context(), func(table string, data []byte) {
		found = found || table == "existing_reports" && string(data) == proof.PublicID
	}))
	if !found {
		t.Error("what a connection shows does not show the proof")
	}
}

// noNumbers checks that a centre can have several patients without a number, in the pages
// too, and that a delivery can bring the number of one.
func noNumbers(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	var set []patient.Candidate
	for line := 1; line <= 5; line++ {
		x, _ := oldRow(c, line, "")
		set = append(set, x)
	}
	numbered, _ := oldRow(c, 6, "1")
	enter(t, s, c, append(set, numbered)...)
	seen, after := map[string]bool{}, ""
	for range 10 {
		page, err := s.Patients(t.Context(), who, of(c), patient.Query{Limit: 2, After: after})
		ok(t, err)
		if page.Total != 6 {
			t.Fatalf("total %d", page.Total)
		}
		for _, p := range page.Patients {
			seen[p.PublicID] = true
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if len(seen) != 6 {
		t.Errorf("%d patients on the pages, want 6", len(seen))
	}
	// A delivery brings the number of the third.
	brings := candidate(9, "33", c.Number+"-3")
	if v := enter(t, s, c, brings); v[0].Outcome != patient.Updated {
		t.Fatalf("verdict = %+v", v)
	}
	found, err := s.PatientsByNumber(t.Context(), c.ID, []string{"33"})
	ok(t, err)
	detail, err := s.Patient(t.Context(), who, of(c), found["33"].PublicID)
	ok(t, err)
	if len(detail.OldKeys) != 1 || detail.OldKeys[0] != c.Number+"-3" || detail.Version != 4 {
		t.Errorf("detail = %+v", detail)
	}
}
