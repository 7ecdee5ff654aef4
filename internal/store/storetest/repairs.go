package storetest

import (
	"fmt"
	"slices"
	"strings"
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

// given describes a row of a delivery: its number, and whether it is rejected. If person
// is empty, every number is another person.
type given struct {
	number   string
	rejected bool
	person   string
}

// refusedRows and goodRows return rows with these numbers.
func refusedRows(numbers ...string) []given { return givenRows(true, numbers) }
func goodRows(numbers ...string) []given    { return givenRows(false, numbers) }

func givenRows(rejected bool, numbers []string) []given {
	out := make([]given, len(numbers))
	for i, n := range numbers {
		out[i] = given{number: n, rejected: rejected}
	}
	return out
}

// undecided returns the claim and the good rows of a delivery that repairs another one.
// It has one chunk, and is about to be decided.
func undecided(t *testing.T, s *store.Store, c account.Centre, repairs string, rows []given) (delivery.Claim, []patient.Candidate) {
	t.Helper()
	id7, err := uuid.NewV7()
	ok(t, err)
	id, err := s.CreateDelivery(t.Context(), delivery.New{
		PublicID: id7.String(), CentreID: c.ID, Filename: "a.csv", Mode: delivery.Save, Via: audit.ViaAPI, Who: who, KeyID: "k1",
		WrappedKey: []byte("key"), At: time.Now(), Repairs: repairs,
	})
	ok(t, err)
	ok(t, s.FinishUpload(t.Context(), id, []byte(c.Number), 6, who))
	claim := claimDelivery(t, s, id7.String())
	ok(t, s.BeginParse(t.Context(), claim))
	k := delivery.Chunk{FirstLine: 2, LastLine: len(rows) + 1, Holds: chunk.Temporaries, Sealed: []byte("t"),
		CallKey: uuid.NewString()}
	var set []patient.Candidate
	for i, g := range rows {
		row := delivery.Row{Line: i + 2, PatientNumber: g.number, Outcome: patient.Pending}
		if g.rejected {
			row.Outcome = patient.Rejected
			f := patient.Finding{
				Severity: patient.Fatal,
				Source:   patient.TTP,
				Code:     "2101",
				Field:    "birthDate",
				Message:  "De geboortedatum is leeg",
			}
			k.Findings = append(k.Findings,
				delivery.Finding{Finding: f, Line: row.Line, PatientNumber: g.number, Stage: delivery.StageParse})
		} else {
			person := g.person
			if person == "" {
				person = g.number
			}
			set = append(set, candidate(row.Line, g.number, c.Number+person))
		}
		k.Rows = append(k.Rows, row)
	}
	ok(t, s.AddChunk(t.Context(), claim, k))
	ok(t, s.FinishParse(t.Context(), claim, delivery.Parsed{Kind: delivery.Temporary}))
	ok(t, s.StoreResolved(t.Context(), claimChunk(t, s), []byte("d"), nil, nil))
	return claimDelivery(t, s, id7.String()), set
}

// handIn makes a delivery that repairs another one, and registers it.
func handIn(t *testing.T, s *store.Store, c account.Centre, repairs string, rows ...given) delivery.Delivery {
	t.Helper()
	claim, set := undecided(t, s, c, repairs, rows)
	ok(t, s.BeginDeciding(t.Context(), claim))
	ok(t, s.FinishDeciding(t.Context(), claim, delivery.Registering, time.Time{}))
	claim = claimDelivery(t, s, claim.Delivery.PublicID)
	var lines []int
	for _, x := range set {
		lines = append(lines, x.Line)
	}
	ok(t, s.RegisterChunk(t.Context(), claim, 0, lines, func(tx patient.Tx) ([]patient.Verdict, []delivery.Finding, error) {
		if len(set) == 0 {
			return nil, nil, nil
		}
		verdicts, err := registrar.Register(t.Context(), tx, c.ID, set)
		var found []delivery.Finding
		for i, v := range verdicts {
			if v.Reason != "" {
				f := patient.Finding{Severity: patient.Warning, Source: patient.Sluis, Code: string(v.Reason), Field: "patientNumber"}
				found = append(found, delivery.Finding{Finding: f, Line: set[i].Line, PatientNumber: set[i].Display.Number,
					Stage: delivery.StageDecide})
			}
		}
		return verdicts, found, err
	}))
	ok(t, s.Finish(t.Context(), claim))
	return delivered(t, s, c, claim.Delivery.PublicID)
}

// wantRepaired compares the repairs of a delivery with want, such as "3 of 4, open 5".
func wantRepaired(t *testing.T, s *store.Store, c account.Centre, id, want string) {
	t.Helper()
	d := delivered(t, s, c, id)
	r, err := s.Repairs(t.Context(), of(c), d)
	ok(t, err)
	var lines []string
	for _, row := range r.Open {
		lines = append(lines, fmt.Sprintf("%d %q", row.Line, row.PatientNumber))
	}
	got := fmt.Sprintf("%d of %d, open %s", d.Repaired, d.Counts.Rejected, strings.Join(lines, " "))
	if d.LaterRepairs == 0 {
		got = "not repaired"
	}
	if d.Mended() {
		got += ", mended"
	}
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
	page, err := s.Deliveries(t.Context(), who, of(c), delivery.Query{Group: delivery.ToMend})
	ok(t, err)
	listed := slices.ContainsFunc(page.Deliveries, func(x delivery.Delivery) bool { return x.PublicID == id })
	if listed == d.Mended() {
		t.Errorf("to mend: %v, mended: %v", listed, d.Mended())
	}
}

// repairs checks that a rejected row is repaired once a later delivery of its chain has
// stored exactly its number. Rows without a number cannot be followed.
func repairs(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	first := handIn(t, s, c, "", append(refusedRows("0123", "123", "123ABC", "", "9", "9"), goodRows("5")...)...)
	wantRepaired(t, s, c, first.PublicID, "not repaired")

	// A delivery outside the chain repairs nothing.
	handIn(t, s, c, "", goodRows("0123")...)
	wantRepaired(t, s, c, first.PublicID, "not repaired")

	// A check does not count before it is saved.
	claim, _ := undecided(t, s, c, first.PublicID, goodRows("123"))
	ok(t, s.FinishDeciding(t.Context(), claim, delivery.Checked, time.Now().Add(time.Hour)))
	wantRepaired(t, s, c, first.PublicID, "not repaired")
	ok(t, s.Cancel(t.Context(), who, of(c), claim.Delivery.PublicID))
	wantRepaired(t, s, c, first.PublicID, "not repaired")

	// Created, unchanged and rejected again; 123abc is another patient than 123ABC.
	again := handIn(t, s, c, first.PublicID, append(goodRows("0123", "9", "123abc"), refusedRows("123")...)...)
	wantRepaired(t, s, c, first.PublicID, `3 of 6, open 3 "123" 4 "123ABC" 5 ""`)
	r, err := s.Repairs(t.Context(), of(c), delivered(t, s, c, again.PublicID))
	ok(t, err)
	if r.Original == nil || r.Original.PublicID != first.PublicID || r.Original.Repaired != 3 || len(r.OriginalOpen) != 3 ||
		len(r.Later) != 0 || len(r.Open) != 0 {
		t.Errorf("the repairing one: %+v", r)
	}
	r, err = s.Repairs(t.Context(), of(c), delivered(t, s, c, first.PublicID))
	ok(t, err)
	if r.Original != nil || len(r.Later) != 2 || r.Later[0].State != delivery.Cancelled || r.Later[1].PublicID != again.PublicID {
		t.Errorf("the repaired one: %+v", r)
	}
	handIn(t, s, c, first.PublicID, goodRows("123", "123ABC")...)
	wantRepaired(t, s, c, first.PublicID, `5 of 6, open 5 "", mended`) // a row without a number is not waited for
}

// repairChains checks that a repair of a repair counts for both deliveries, and that a
// second repair of the first does too.
func repairChains(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	a := handIn(t, s, c, "", refusedRows("1", "2", "3", "4")...)
	b := handIn(t, s, c, a.PublicID, append(goodRows("1", "2"), refusedRows("3", "4", "5")...)...)
	wantRepaired(t, s, c, a.PublicID, `2 of 4, open 4 "3" 5 "4"`)
	wantRepaired(t, s, c, b.PublicID, "not repaired")
	d := handIn(t, s, c, b.PublicID, goodRows("3", "5")...)
	wantRepaired(t, s, c, a.PublicID, `3 of 4, open 5 "4"`)
	wantRepaired(t, s, c, b.PublicID, `2 of 3, open 5 "4"`)
	handIn(t, s, c, a.PublicID, goodRows("4")...)
	wantRepaired(t, s, c, a.PublicID, `4 of 4, open , mended`)
	wantRepaired(t, s, c, b.PublicID, `3 of 3, open , mended`)
	if got, err := s.Repairs(t.Context(), of(c), delivered(t, s, c, a.PublicID)); err != nil || len(got.Later) != 3 {
		t.Errorf("%d later ones (%v), want 3", len(got.Later), err)
	}
	if got := delivered(t, s, c, d.PublicID); got.Repairs != b.PublicID || got.RepairRoot != a.ID {
		t.Errorf("the chain: repairs %s, root %d", got.Repairs, got.RepairRoot)
	}
	// A refused file is repaired as a whole.
	refused := refusedFile(t, s, c)
	handIn(t, s, c, refused, append(goodRows("7"), refusedRows("8")...)...)
	wantRepaired(t, s, c, refused, "0 of 0, open , mended")
}

// refusedFile makes a delivery with a refused file.
func refusedFile(t *testing.T, s *store.Store, c account.Centre) string {
	t.Helper()
	id7 := uuid.NewString()
	id, err := s.CreateDelivery(t.Context(), delivery.New{PublicID: id7, CentreID: c.ID, Mode: delivery.Save, Who: who, At: time.Now()})
	ok(t, err)
	ok(t, s.FinishUpload(t.Context(), id, []byte("r"), 6, who))
	ok(t, s.Refuse(t.Context(), claimDelivery(t, s, id7), delivery.Parsed{}, []delivery.Remark{{Code: "EMPTY"}}))
	return id7
}

// repairsRefused checks that a delivery of another centre is not found, and that one
// without a rejected row cannot be repaired.
func repairsRefused(t *testing.T, s *store.Store) {
	c, other := newCentre(t, s), newCentre(t, s)
	theirs := handIn(t, s, other, "", refusedRows("1")...)
	good := handIn(t, s, c, "", goodRows("1")...)
	waiting, _ := undecided(t, s, c, "", refusedRows("1"))
	for id, want := range map[string]apperr.Kind{
		theirs.PublicID: apperr.NotFound, uuid.NewString(): apperr.NotFound, good.PublicID: apperr.Conflict,
		waiting.Delivery.PublicID: apperr.Conflict,
	} {
		_, err := s.CreateDelivery(t.Context(), delivery.New{PublicID: uuid.NewString(), CentreID: c.ID, Mode: delivery.Save, Who: who,
			At: time.Now(), Repairs: id})
		if apperr.KindOf(err) != want {
			t.Errorf("%v, want kind %d", err, want)
		}
	}
	ok(t, s.Cancel(t.Context(), who, of(c), waiting.Delivery.PublicID))
}

// repairsJudged checks that a repair that waited for a data manager counts once its row is
// stored, and that a row that a data manager sends back must be repaired.
func repairsJudged(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	enter(t, s, c, candidate(0, "1", c.Number+"other"))
	a := handIn(t, s, c, "", refusedRows("1", "2")...)
	b := handIn(t, s, c, a.PublicID, goodRows("1", "2")...)
	if b.Counts.Review != 1 {
		t.Fatalf("counts %+v", b.Counts)
	}
	wantRepaired(t, s, c, a.PublicID, `1 of 2, open 2 "1"`)
	id := conflicts(t, s, c, patient.ConflictQuery{}).Conflicts[0].PublicID
	_, cmp := view(t, s, c, id)
	ok(t, judge(t, s, c, id, cmp.Seen, patient.UseDelivered))
	wantRepaired(t, s, c, a.PublicID, `2 of 2, open , mended`)

	enter(t, s, c, candidate(0, "7", c.Number+"seventh"))
	d := handIn(t, s, c, "", append(goodRows("7"), refusedRows("8")...)...)
	handIn(t, s, c, d.PublicID, goodRows("8")...)
	wantRepaired(t, s, c, d.PublicID, `1 of 1, open , mended`)
	id = conflicts(t, s, c, patient.ConflictQuery{}).Conflicts[0].PublicID
	_, cmp = view(t, s, c, id)
	ok(t, judge(t, s, c, id, cmp.Seen, patient.Return))
	wantRepaired(t, s, c, d.PublicID, `1 of 2, open 2 "7"`)
}

// reportsExpire checks that old rows are deleted in pieces, and that counts and causes
// stay. A row that waits for an open conflict stays until that is judged.
func reportsExpire(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	enter(t, s, c, candidate(0, "1", c.Number+"other"))
	d := handIn(t, s, c, "", append(goodRows("1", "2", "3"), refusedRows("4", "5")...)...)
	fresh := handIn(t, s, c, "", refusedRows("6")...)
	handIn(t, s, c, d.PublicID, goodRows("4")...)
	wantRepaired(t, s, c, d.PublicID, `1 of 2, open 6 "5"`)

	expireAll(t, s, time.Now().Add(-time.Hour))
	if got := delivered(t, s, c, d.PublicID); !got.ReportExpiredAt.IsZero() {
		t.Fatal("a report expired before its time")
	}
	before := delivered(t, s, c, d.PublicID)
	expireAll(t, s, time.Now().Add(time.Minute))
	after := delivered(t, s, c, d.PublicID)
	if after.ReportExpiredAt.IsZero() || after.Counts != before.Counts || after.Repaired != 1 || after.Counts.Review != 1 {
		t.Errorf("%+v", after)
	}
	wantExpired(t, s, after)

	// The open conflict is judged as before, and its row can be deleted after that.
	id := conflicts(t, s, c, patient.ConflictQuery{}).Conflicts[0].PublicID
	x, cmp := view(t, s, c, id)
	if x.Rows != 1 {
		t.Errorf("%d rows wait", x.Rows)
	}
	ok(t, judge(t, s, c, id, cmp.Seen, patient.Return))
	got := delivered(t, s, c, d.PublicID)
	if got.Counts.Rejected != 3 || got.Counts.Review != 0 || got.Repaired != 1 {
		t.Errorf("judged: %+v", got)
	}
	if n := expireAll(t, s, time.Now().Add(time.Minute)); n != 1 {
		t.Errorf("%d pieces after the judgement, want 1", n)
	}
	// A later repair is linked, and changes no count.
	handIn(t, s, c, d.PublicID, goodRows("5")...)
	if got := delivered(t, s, c, d.PublicID); got.Repaired != 1 || got.LaterRepairs != 2 {
		t.Errorf("repaired after its report expired: %+v", got)
	}
	if got := delivered(t, s, c, fresh.PublicID); got.ReportExpiredAt.IsZero() {
		t.Error("the other report is still there")
	}
	page, err := s.Deliveries(t.Context(), who, of(c), delivery.Query{Group: delivery.ToMend})
	ok(t, err)
	if len(page.Deliveries) != 0 {
		t.Errorf("%d to mend, although none of their rows is known", len(page.Deliveries))
	}
}

// wantExpired checks that the findings of an expired report are gone, that its causes are
// still counted, and that the access log has one event about it.
func wantExpired(t *testing.T, s *store.Store, after delivery.Delivery) {
	t.Helper()
	if _, err := s.Findings(t.Context(), after, delivery.FindingQuery{}); apperr.KindOf(err) != apperr.Gone {
		t.Errorf("findings of an expired report: %v", err)
	}
	causes, err := s.Causes(t.Context(), after)
	ok(t, err)
	if len(causes) != 2 || causes[0].Count != 2 || causes[0].Message != "De geboortedatum is leeg" || len(causes[0].Lines) != 0 {
		t.Errorf("causes %+v", causes)
	}
	me := audit.Query{UserName: "systeem", Type: audit.ReportExpired, Limit: 200}
	events, err := s.Events(t.Context(), who, me)
	ok(t, err)
	n := 0
	for _, e := range events.Events {
		if e.ObjectID == after.PublicID && e.Action == audit.Delete {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d events of an expired report", n)
	}
}

// expireAll deletes reports in pieces of two lines. It returns the number of pieces.
func expireAll(t *testing.T, s *store.Store, before time.Time) int {
	t.Helper()
	for n := 0; ; n++ {
		_, more, err := s.ExpireReports(t.Context(), before, 2)
		ok(t, err)
		if !more {
			return n
		}
		if n > 10_000 {
			t.Fatal("it does not end")
		}
	}
}

// findingsSorted sorts findings by each column, in both directions, with an offset, and with
// or without those of conflicts.
func findingsSorted(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	enter(t, s, c, candidate(0, "1", c.Number+"other"))
	d := handIn(t, s, c, "", append(refusedRows("30", "4", "0200"), goodRows("1")...)...)
	numbers := func(q delivery.FindingQuery) string {
		page, err := s.Findings(t.Context(), d, q)
		ok(t, err)
		var out []string
		for _, f := range page.Findings {
			out = append(out, f.PatientNumber)
		}
		return strings.Join(out, " ")
	}
	yes, no := true, false
	for want, q := range map[string]delivery.FindingQuery{
		"30 4 0200 1": {}, "1 0200 4 30": {Desc: true}, "0200 1 30 4": {Sort: delivery.ByNumber},
		"4 30":   {Sort: delivery.ByNumber, Desc: true, Limit: 2},
		"1 0200": {Sort: delivery.ByNumber, Desc: true, Offset: 2}, "4": {Offset: 1, Limit: 1}, "1": {Review: &yes},
		"30 4 0200":   {Review: &no},
		"1 30 4 0200": {Sort: delivery.BySeverity, Desc: true},
	} {
		if got := numbers(q); got != want {
			t.Errorf("%+v: %s, want %s", q, got, want)
		}
	}
	for _, by := range delivery.FindingSorts {
		if got := numbers(delivery.FindingQuery{Sort: by, Desc: true}); len(strings.Fields(got)) != 4 {
			t.Errorf("by %q: %s", by, got)
		}
	}
}
