package storetest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/store"
)

var registrar = patient.NewRegistrar("NGGV", time.Now)

// deliver registers rows as one delivery, in chunks of two lines.
func deliver(t *testing.T, s *store.Store, c account.Centre, rows ...patient.Candidate) delivery.Delivery {
	t.Helper()
	id := begin(t, s, c, len(rows))
	chunks := (len(rows) + 1) / 2
	resolveAll(t, s, chunks)
	claim := claimDelivery(t, s, id)
	ok(t, s.BeginDeciding(t.Context(), claim))
	ok(t, s.FinishDeciding(t.Context(), claim, delivery.Registering, time.Time{}))
	claim = claimDelivery(t, s, id)
	for no := range chunks {
		set := slices.Clone(rows[no*2 : min(len(rows), no*2+2)])
		var lines []int
		for i := range set {
			set[i].Line = no*2 + i + 2
			lines = append(lines, set[i].Line)
		}
		ok(t, s.RegisterChunk(t.Context(), claim, no, lines, func(tx patient.Tx) ([]patient.Verdict, []delivery.Finding, error) {
			verdicts, err := registrar.Register(t.Context(), tx, c.ID, set)
			var findings []delivery.Finding
			for i, v := range verdicts {
				if v.Reason != "" {
					f := delivery.Finding{Line: lines[i], PatientNumber: set[i].Display.Number, Stage: delivery.StageDecide}
					f.Finding = patient.Finding{
						Severity: patient.Warning,
						Source:   patient.Sluis,
						Code:     string(v.Reason),
						Field:    "patientNumber",
					}
					findings = append(findings, f)
				}
			}
			return verdicts, findings, err
		}))
	}
	ok(t, s.Finish(t.Context(), claim))
	return delivered(t, s, c, id)
}

func delivered(t *testing.T, s *store.Store, c account.Centre, id string) delivery.Delivery {
	t.Helper()
	d, err := s.Delivery(t.Context(), of(c), id)
	ok(t, err)
	if !d.Counts.Balanced() {
		t.Errorf("counters do not add up: %+v", d.Counts)
	}
	return d
}

// manager returns a data manager with a name made of the centre, so that a test finds its
// events again.
func manager(c account.Centre) audit.Who {
	return audit.Who{UserID: 7, Name: "dm-" + c.Number, Role: "datamanager", Via: audit.ViaWeb}
}

func conflicts(t *testing.T, s *store.Store, c account.Centre, q patient.ConflictQuery) patient.ConflictPage {
	t.Helper()
	q.CentreNumber = c.Number
	page, err := s.Conflicts(t.Context(), manager(c), account.AllCentres(), q)
	ok(t, err)
	return page
}

func view(t *testing.T, s *store.Store, c account.Centre, id string) (patient.Conflict, patient.Comparison) {
	t.Helper()
	x, cmp, err := s.ViewConflict(t.Context(), manager(c), account.AllCentres(), id,
		func(tx patient.Reader, x patient.Case) (patient.Comparison, error) {
			return registrar.Compare(t.Context(), tx, x)
		})
	ok(t, err)
	return x, cmp
}

func judge(t *testing.T, s *store.Store, c account.Centre, id, seen string, d patient.Decision) error {
	t.Helper()
	return s.JudgeConflict(t.Context(), manager(c), account.AllCentres(), id, patient.Judgement{Decision: d, Why: "Nagevraagd."},
		func(tx patient.Tx, x patient.Case) (patient.Applied, error) {
			return registrar.ApplyJudgement(t.Context(), tx, x, d, seen)
		})
}

// conflictLife checks that equal rows of several deliveries wait for one conflict, and that
// one judgement sets the outcomes of all.
func conflictLife(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	taken := candidate(0, "1", c.Number+"-b")
	enter(t, s, c, candidate(0, "1", c.Number))
	first := deliver(t, s, c, taken, candidate(0, "2", c.Number+"-c"), taken)
	second := deliver(t, s, c, candidate(0, "3", c.Number+"-d"), taken)
	enter(t, s, c, taken)
	page := conflicts(t, s, c, patient.ConflictQuery{})
	if page.Total != 1 || page.Next != "" {
		t.Fatalf("page = %+v", page)
	}
	id := page.Conflicts[0].PublicID
	x, cmp := view(t, s, c, id)
	if x.Rows != 3 || x.Deliveries != 2 || x.CentreNumber != c.Number || x.Judgement != nil {
		t.Errorf("conflict = %+v", x)
	}
	third := patient.Origin{DeliveryID: first.PublicID, Filename: "a.csv", Line: 4}
	if len(x.Origins) != 3 || x.Origins[1] != third || x.Origin == nil || x.Origin.Line != 2 {
		t.Errorf("origins = %+v, %+v", x.Origin, x.Origins)
	}
	ok(t, judge(t, s, c, id, cmp.Seen, patient.UseDelivered))
	if d := delivered(t, s, c, first.PublicID); d.Counts != (patient.Counts{Read: 3, Created: 1, Updated: 1, Unchanged: 1}) {
		t.Errorf("the first delivery: %+v", d.Counts)
	}
	if d := delivered(t, s, c, second.PublicID); d.Counts != (patient.Counts{Read: 2, Created: 1, Unchanged: 1}) {
		t.Errorf("the second delivery: %+v", d.Counts)
	}
	for _, d := range []delivery.Delivery{first, second} {
		if found, err := s.Findings(t.Context(), d, delivery.FindingQuery{}); err != nil || found.Total != 0 {
			t.Errorf("%d findings of rows that are stored (%v)", found.Total, err)
		}
	}
	wantJudged(t, s, c, id, cmp.Seen)
	// After the judgement the same row makes no new conflict.
	if d := deliver(t, s, c, taken); d.Counts.Unchanged != 1 {
		t.Errorf("again: %+v", d.Counts)
	}
}

// wantJudged checks that a conflict shows its judgement, that it cannot be judged again, and
// that no other conflict of the centre is open.
func wantJudged(t *testing.T, s *store.Store, c account.Centre, id, seen string) {
	t.Helper()
	if err := judge(t, s, c, id, seen, patient.Return); apperr.CodeOf(err) != "review_closed" || apperr.KindOf(err) != apperr.Conflict {
		t.Errorf("judged twice: %v", err)
	}
	x, _ := view(t, s, c, id)
	if j := x.Judgement; j == nil || j.Decision != patient.UseDelivered || j.Why != "Nagevraagd." || j.By != manager(c).Name ||
		time.Since(j.At).Abs() > time.Hour {
		t.Errorf("judgement = %+v", j)
	}
	if page := conflicts(t, s, c, patient.ConflictQuery{}); page.Total != 0 {
		t.Errorf("%d wait still", page.Total)
	}
}

// conflictReturned checks that a row that a data manager sends back is rejected in the
// report of its delivery, and not stored. The same row starts a new conflict later.
func conflictReturned(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	enter(t, s, c, candidate(0, "1", c.Number))
	taken := candidate(0, "1", c.Number+"-b")
	d := deliver(t, s, c, taken, candidate(0, "2", c.Number+"-c"))
	id := conflicts(t, s, c, patient.ConflictQuery{}).Conflicts[0].PublicID
	_, cmp := view(t, s, c, id)
	ok(t, judge(t, s, c, id, cmp.Seen, patient.Return))
	if d = delivered(t, s, c, d.PublicID); d.Counts != (patient.Counts{Read: 2, Created: 1, Rejected: 1}) {
		t.Errorf("counts = %+v", d.Counts)
	}
	found, err := s.Findings(t.Context(), d, delivery.FindingQuery{})
	ok(t, err)
	if len(found.Findings) != 1 || found.Findings[0].Code != patient.CodeJudgedReturned || found.Findings[0].Severity != patient.Fatal ||
		found.Findings[0].Line != 2 {
		t.Errorf("findings = %+v", found.Findings)
	}
	if deliver(t, s, c, taken).Counts.Review != 1 {
		t.Error("what was sent back came again, and is no conflict")
	}
	again := conflicts(t, s, c, patient.ConflictQuery{})
	if again.Total != 1 || again.Conflicts[0].PublicID == id {
		t.Errorf("conflicts = %+v", again.Conflicts)
	}
	events, err := s.Events(t.Context(), who, audit.Query{UserName: manager(c).Name, Type: audit.ConflictJudged})
	ok(t, err)
	if len(events.Events) != 1 || events.Events[0].Code != string(patient.Return) || events.Events[0].ObjectID != id ||
		events.Events[0].SubjectCount != 1 {
		t.Errorf("events = %+v", events.Events)
	}
}

// conflictChanged changes the stored patient after the data manager looked: then a
// judgement stores nothing, and the conflict stays open.
func conflictChanged(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	enter(t, s, c, candidate(0, "1", c.Number))
	d := deliver(t, s, c, candidate(0, "1", c.Number+"-b"))
	id := conflicts(t, s, c, patient.ConflictQuery{}).Conflicts[0].PublicID
	_, cmp := view(t, s, c, id)
	changed := candidate(0, "1", c.Number)
	changed.Display.Sex = patient.Male
	enter(t, s, c, changed)
	for _, decision := range patient.Decisions {
		if err := judge(t, s, c, id, cmp.Seen, decision); err == nil {
			t.Errorf("%s was stored although the patient had changed", decision)
		}
	}
	x, now := view(t, s, c, id)
	if x.Judgement != nil || now.Existing == nil || now.Existing.Version != 2 || now.Existing.Sex != patient.Male {
		t.Errorf("now %+v, %+v", x, now.Existing)
	}
	if delivered(t, s, c, d.PublicID).Counts.Review != 1 {
		t.Error("the row does not wait any more")
	}
	ok(t, judge(t, s, c, id, now.Seen, patient.KeepExisting))
	if p, err := s.PatientsByNumber(t.Context(), c.ID, []string{"1"}); err != nil || p["1"].Version != 2 {
		t.Errorf("kept: %+v (%v)", p["1"], err)
	}
}

// conflictRace lets several data managers judge a conflict at once: one of them is first,
// and the judgements of the others store nothing.
func conflictRace(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	enter(t, s, c, candidate(0, "1", c.Number))
	d := deliver(t, s, c, candidate(0, "2", c.Number), candidate(0, "3", c.Number+"-c"))
	id := conflicts(t, s, c, patient.ConflictQuery{}).Conflicts[0].PublicID
	_, cmp := view(t, s, c, id)
	errs := make([]error, 4)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			errs[i] = judge(t, s, c, id, cmp.Seen, []patient.Decision{patient.KeepBoth, patient.UseDelivered}[i%2])
		})
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if apperr.CodeOf(err) != "review_closed" {
			t.Errorf("err = %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d decisions were stored", won)
	}
	x, _ := view(t, s, c, id)
	want := patient.Counts{Read: 2, Created: 2}
	if x.Judgement.Decision == patient.UseDelivered {
		want = patient.Counts{Read: 2, Created: 1, Updated: 1}
	}
	if got := delivered(t, s, c, d.PublicID).Counts; got != want {
		t.Errorf("%s: counts %+v", x.Judgement.Decision, got)
	}
}

// conflictPages checks that the list is ordered by age and can be filtered, and that a
// conflict of another centre is not found.
func conflictPages(t *testing.T, s *store.Store) {
	c, other := newCentre(t, s), newCentre(t, s)
	enter(t, s, c, candidate(0, "1", c.Number), candidate(0, "2", c.Number+"-2"))
	var numbers []string
	d := deliver(t, s, c, candidate(0, "1", c.Number+"-x"), candidate(0, "8", c.Number+"-2"))
	deliver(t, s, c, candidate(0, "2", c.Number+"-y"))
	for q := (patient.ConflictQuery{Limit: 2}); ; {
		page := conflicts(t, s, c, q)
		for _, x := range page.Conflicts {
			numbers = append(numbers, x.Delivered.Number)
		}
		if page.Total != 3 {
			t.Errorf("total %d", page.Total)
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	if !slices.Equal(numbers, []string{"1", "8", "2"}) {
		t.Errorf("the queue: %v", numbers)
	}
	for name, q := range map[string]patient.ConflictQuery{
		"by reason": {Reason: patient.PseudonymTaken}, "by delivery and reason": {DeliveryID: d.PublicID, Reason: patient.PseudonymTaken},
	} {
		if page := conflicts(t, s, c, q); page.Total != 1 || page.Conflicts[0].Delivered.Number != "8" {
			t.Errorf("%s: %+v", name, page)
		}
	}
	if page := conflicts(t, s, c, patient.ConflictQuery{DeliveryID: d.PublicID}); page.Total != 2 {
		t.Errorf("by delivery: %d", page.Total)
	}
	if page := conflicts(t, s, other, patient.ConflictQuery{}); page.Total != 0 {
		t.Errorf("another centre: %d", page.Total)
	}
	id := conflicts(t, s, c, patient.ConflictQuery{}).Conflicts[0].PublicID
	for name, sc := range map[string]account.Scope{"another centre": of(other), "nobody": {}} {
		_, _, err := s.ViewConflict(t.Context(), who, sc, id, func(patient.Reader, patient.Case) (patient.Comparison,
			error) {
			return patient.Comparison{}, nil
		})
		if apperr.KindOf(err) != apperr.NotFound {
			t.Errorf("%s views it: %v", name, err)
		}
		err = s.JudgeConflict(t.Context(), who, sc, id, patient.Judgement{}, func(patient.Tx, patient.Case) (patient.Applied, error) {
			t.Error("a judgement was applied")
			return patient.Applied{}, nil
		})
		if apperr.KindOf(err) != apperr.NotFound {
			t.Errorf("%s judges it: %v", name, err)
		}
	}
}
