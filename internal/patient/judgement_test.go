package patient_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/patient"
)

// conflict is the one open conflict of the registry.
func (r *registry) conflict() (patient.Conflict, patient.Comparison) {
	r.t.Helper()
	page, err := r.store.Conflicts(r.t.Context(), audit.Who{Name: "test"}, account.AllCentres(), patient.ConflictQuery{})
	if err != nil || len(page.Conflicts) == 0 {
		r.t.Fatalf("%d open conflicts (%v)", len(page.Conflicts), err)
	}
	return r.view(page.Conflicts[len(page.Conflicts)-1].PublicID)
}

func (r *registry) view(id string) (patient.Conflict, patient.Comparison) {
	r.t.Helper()
	c, cmp, err := r.store.ViewConflict(r.t.Context(), audit.Who{Name: "test"}, account.AllCentres(), id,
		func(tx patient.Reader, c patient.Case) (patient.Comparison, error) {
			return r.registrar.Compare(r.t.Context(), tx, c)
		})
	if err != nil {
		r.t.Fatal(err)
	}
	return c, cmp
}

func (r *registry) settle(id, seen string, d patient.Decision) (patient.Applied, error) {
	var got patient.Applied
	err := r.store.JudgeConflict(r.t.Context(), audit.Who{Name: "test"}, account.AllCentres(), id,
		patient.Judgement{Decision: d, Why: "proef"},
		func(tx patient.Tx, c patient.Case) (patient.Applied, error) {
			var err error
			got, err = r.registrar.ApplyJudgement(r.t.Context(), tx, c, d, seen)
			return got, err
		})
	return got, err
}

// snapshot is all patients of the centre with a number of one digit.
func (r *registry) snapshot() string {
	r.t.Helper()
	var out []string
	for n := range 10 {
		if p, ok := r.stored(r.centre, fmt.Sprint(n)); ok {
			out = append(out, fmt.Sprintf("%s v%d %s %s", p.Number, p.Version, p.Birth, strings.Join(held(p), ",")))
		}
	}
	return strings.Join(out, "; ")
}

// TestJudgements applies every decision to conflicts of every reason. It checks what the
// decision stores, or that it is withheld.
func TestJudgements(t *testing.T) {
	anna := func(number string, more ...patient.Pseudonym) patient.Candidate {
		return row(number, "1970-04-01", "v", append([]patient.Pseudonym{nggv("anna")}, more...)...)
	}
	bea := row("1", "1980-12-31", "v", nggv("bea"))
	const kept, asked, none = "rejected JUDGED_KEPT", "rejected JUDGED_RETURNED", ""
	for name, c := range map[string]struct {
		stored []patient.Candidate
		row    patient.Candidate
		reason patient.Reason
		link   patient.Likeness
		before string
		// By decision: what is withheld and why, or the outcome and what is stored then.
		withheld map[patient.Decision]patient.Withheld
		outcome  map[patient.Decision]string
		after    map[patient.Decision]string // if it differs from before
	}{
		"a number that is another person's": {
			stored: []patient.Candidate{anna("1", of("NGGV", 2, "anna2"), of("NGG", 1, "an"))}, row: bea, reason: patient.NumberTaken,
			link:     patient.LinkDiffers,
			before:   "1 v1 1970-04-01 NGG/1=an,NGGV/1=anna,NGGV/2=anna2",
			withheld: map[patient.Decision]patient.Withheld{patient.KeepBoth: patient.OneNumber},
			outcome:  map[patient.Decision]string{patient.KeepExisting: kept, patient.Return: asked, patient.UseDelivered: "updated"},
			// The person under the number is another one: her value under the new key goes too.
			after: map[patient.Decision]string{patient.UseDelivered: "1 v2 1980-12-31 NGG/1=an,NGGV/1=bea"},
		},
		"a number of another birth, with no key in common": {
			stored: []patient.Candidate{anna("1")}, row: row("1", "1980-12-31", "v", of("NGGV", 2, "bea2")), reason: patient.NumberTaken,
			link:     patient.LinkUnknown,
			before:   "1 v1 1970-04-01 NGGV/1=anna",
			withheld: map[patient.Decision]patient.Withheld{patient.KeepBoth: patient.OneNumber},
			outcome:  map[patient.Decision]string{patient.KeepExisting: kept, patient.Return: asked, patient.UseDelivered: "updated"},
			after:    map[patient.Decision]string{patient.UseDelivered: "1 v2 1980-12-31 NGGV/2=bea2"},
		},
		"a number twice in a file, not stored": {
			row: within(anna("1"), false, patient.NumberTwice), reason: patient.NumberTwice, link: patient.LinkNoneStored,
			withheld: map[patient.Decision]patient.Withheld{patient.KeepBoth: patient.OneNumber,
				patient.KeepExisting: patient.NothingStored},
			outcome: map[patient.Decision]string{patient.Return: asked, patient.UseDelivered: "created"},
			after:   map[patient.Decision]string{patient.UseDelivered: "1 v1 1970-04-01 NGGV/1=anna"},
		},
		"a number twice in a file, stored as this row says": {
			stored: []patient.Candidate{anna("1")}, row: within(anna("1"), false, patient.NumberTwice), reason: patient.NumberTwice,
			link:     patient.LinkSame,
			before:   "1 v1 1970-04-01 NGGV/1=anna",
			withheld: map[patient.Decision]patient.Withheld{patient.KeepBoth: patient.OneNumber},
			outcome:  map[patient.Decision]string{patient.KeepExisting: kept, patient.Return: asked, patient.UseDelivered: "unchanged"},
		},
		"a number twice in a file, known by another key": {
			stored: []patient.Candidate{anna("1")},
			row:    within(row("1", "1970-04-01", "v", of("NGGV", 2, "anna2")), false, patient.NumberTwice),
			reason: patient.NumberTwice, link: patient.LinkUnknown, before: "1 v1 1970-04-01 NGGV/1=anna",
			withheld: map[patient.Decision]patient.Withheld{patient.KeepBoth: patient.OneNumber},
			outcome:  map[patient.Decision]string{patient.KeepExisting: kept, patient.Return: asked, patient.UseDelivered: "updated"},
			after:    map[patient.Decision]string{patient.UseDelivered: "1 v2 1970-04-01 NGGV/1=anna,NGGV/2=anna2"},
		},
		"a person under another number": {
			stored: []patient.Candidate{anna("2", of("NGG", 1, "an"))}, row: row("1", "1970-04-01", "m", nggv("anna"), of("NGG", 1, "am")),
			reason: patient.PseudonymTaken, link: patient.LinkSame, before: "2 v1 1970-04-01 NGG/1=an,NGGV/1=anna",
			outcome: map[patient.Decision]string{patient.KeepExisting: kept, patient.Return: asked, patient.UseDelivered: "updated",
				patient.KeepBoth: "created"},
			after: map[patient.Decision]string{
				patient.UseDelivered: "1 v2 1970-04-01 NGG/1=am,NGGV/1=anna",
				patient.KeepBoth:     "1 v1 1970-04-01 NGG/1=am,NGGV/1=anna; 2 v1 1970-04-01 NGG/1=an,NGGV/1=anna",
			},
		},
		"a person under another number, and this number is stored by another key": {
			stored: []patient.Candidate{row("1", "1970-04-01", "v", of("NGGV", 2, "x")), anna("2")}, row: anna("1"),
			reason: patient.PseudonymTaken, link: patient.LinkSame, before: "1 v1 1970-04-01 NGGV/2=x; 2 v1 1970-04-01 NGGV/1=anna",
			withheld: map[patient.Decision]patient.Withheld{patient.UseDelivered: patient.NumberStored},
			outcome:  map[patient.Decision]string{patient.KeepExisting: kept, patient.Return: asked, patient.KeepBoth: "updated"},
			after:    map[patient.Decision]string{patient.KeepBoth: "1 v2 1970-04-01 NGGV/1=anna,NGGV/2=x; 2 v1 1970-04-01 NGGV/1=anna"},
		},
		"a person under two other numbers": {
			stored: []patient.Candidate{row("2", "1970-04-01", "v", of("NGGV", 2, "x")), row("3", "1970-04-01", "v", nggv("anna"))},
			row:    row("1", "1970-04-01", "v", nggv("anna"), of("NGGV", 2, "x")), reason: patient.PseudonymTaken, link: patient.LinkSame,
			before:   "2 v1 1970-04-01 NGGV/2=x; 3 v1 1970-04-01 NGGV/1=anna",
			withheld: map[patient.Decision]patient.Withheld{patient.UseDelivered: patient.SeveralOwners},
			outcome:  map[patient.Decision]string{patient.KeepExisting: kept, patient.Return: asked, patient.KeepBoth: "created"},
			after:    map[patient.Decision]string{patient.KeepBoth: "1 v1 1970-04-01 NGGV/1=anna,NGGV/2=x; 2 v1 1970-04-01 NGGV/2=x; 3 v1 1970-04-01 NGGV/1=anna"},
		},
		"a person twice in a file, not stored": {
			row: within(anna("1"), false, patient.PseudonymTwice), reason: patient.PseudonymTwice, link: patient.LinkNoneStored,
			withheld: map[patient.Decision]patient.Withheld{patient.KeepExisting: patient.NothingStored},
			outcome:  map[patient.Decision]string{patient.Return: asked, patient.UseDelivered: "created", patient.KeepBoth: "created"},
			after: map[patient.Decision]string{
				patient.UseDelivered: "1 v1 1970-04-01 NGGV/1=anna", patient.KeepBoth: "1 v1 1970-04-01 NGGV/1=anna",
			},
		},
		"a person twice in a file, and this number is stored by another key": {
			stored: []patient.Candidate{row("1", "1970-04-01", "v", of("NGGV", 2, "x"))},
			row:    within(anna("1"), false, patient.PseudonymTwice),
			reason: patient.PseudonymTwice, link: patient.LinkUnknown, before: "1 v1 1970-04-01 NGGV/2=x",
			outcome: map[patient.Decision]string{patient.KeepExisting: kept, patient.Return: asked, patient.UseDelivered: "updated",
				patient.KeepBoth: "updated"},
			after: map[patient.Decision]string{
				patient.UseDelivered: "1 v2 1970-04-01 NGGV/1=anna,NGGV/2=x", patient.KeepBoth: "1 v2 1970-04-01 NGGV/1=anna,NGGV/2=x",
			},
		},
	} {
		for _, d := range patient.Decisions {
			t.Run(name+"/"+string(d), func(t *testing.T) {
				r := newRegistry(t)
				for _, s := range c.stored {
					if v := r.register(r.centre, s)[0]; v.Outcome != patient.Created {
						t.Fatalf("%s before: %s %s", s.Display.Number, v.Outcome, v.Reason)
					}
				}
				if v := r.register(r.centre, c.row)[0]; v.Reason != c.reason {
					t.Fatalf("the row: %s %s, want %s", v.Outcome, v.Reason, c.reason)
				}
				if got := r.snapshot(); got != c.before {
					t.Fatalf("before: %s\nwant:   %s", got, c.before)
				}
				found, cmp := r.conflict()
				if cmp.Link != c.link || found.Delivered != c.row.Display || found.Reason != c.reason {
					t.Errorf("conflict %+v, link %s, want %s", found, cmp.Link, c.link)
				}
				if cmp.Withheld[d] != c.withheld[d] || cmp.Offers(d) != (c.withheld[d] == patient.Offered) {
					t.Errorf("withheld for %q, want %q", cmp.Withheld[d], c.withheld[d])
				}
				got, err := r.settle(found.PublicID, cmp.Seen, d)
				if c.outcome[d] == none {
					if !errors.Is(err, patient.ErrWithheld) {
						t.Errorf("%v, want it withheld", err)
					}
				} else if text := strings.TrimSpace(string(got.Outcome) + " " + got.Code); err != nil || text != c.outcome[d] {
					t.Errorf("settled: %s (%v), want %s", text, err, c.outcome[d])
				}
				want := c.before
				if after, ok := c.after[d]; ok {
					want = after
				}
				if got := r.snapshot(); got != want {
					t.Errorf("after: %s\nwant:  %s", got, want)
				}
				closed, _ := r.view(found.PublicID)
				if (closed.Judgement != nil) != (c.outcome[d] != none) {
					t.Errorf("closed: %v", closed.Judgement)
				}
			})
		}
	}
}

// TestSettleOneAfterTheOther: of two rows of a file with one number the second is
// judged against what the first one stored.
func TestSettleOneAfterTheOther(t *testing.T) {
	r := newRegistry(t)
	one, other := row("1", "1970-04-01", "v", nggv("anna")), row("1", "1980-12-31", "m", nggv("bert"))
	r.register(r.centre, within(one, false, patient.NumberTwice), within(other, false, patient.NumberTwice))
	page, err := r.store.Conflicts(t.Context(), audit.Who{Name: "test"}, account.AllCentres(), patient.ConflictQuery{})
	if err != nil || page.Total != 2 {
		t.Fatalf("%d conflicts (%v)", page.Total, err)
	}
	_, first := r.view(page.Conflicts[0].PublicID)
	_, second := r.view(page.Conflicts[1].PublicID)
	if _, err := r.settle(page.Conflicts[0].PublicID, first.Seen, patient.UseDelivered); err != nil {
		t.Fatal(err)
	}
	if _, err := r.settle(page.Conflicts[1].PublicID, second.Seen, patient.UseDelivered); !errors.Is(err, patient.ErrChanged) {
		t.Fatalf("judged on what was not there any more: %v", err)
	}
	if still, now := r.view(page.Conflicts[1].PublicID); still.Judgement != nil || now.Existing == nil || now.Link != patient.LinkDiffers ||
		now.Seen == second.Seen {
		t.Errorf("the second one now: %+v %+v", still, now)
	} else if got, err := r.settle(page.Conflicts[1].PublicID, now.Seen, patient.KeepExisting); err != nil ||
		got.Outcome != patient.Rejected {
		t.Errorf("settled %+v (%v)", got, err)
	}
	if got := r.snapshot(); got != "1 v1 1970-04-01 NGGV/1=anna" {
		t.Errorf("stored: %s", got)
	}
}

// TestSettled: what a data manager decided holds for the deliveries after it.
func TestSettled(t *testing.T) {
	r := newRegistry(t)
	one, two := row("1", "1970-04-01", "v", nggv("twin")), row("2", "1970-04-01", "v", nggv("twin"))
	r.register(r.centre, one)
	r.register(r.centre, two)
	c, cmp := r.conflict()
	if _, err := r.settle(c.PublicID, cmp.Seen, patient.KeepBoth); err != nil {
		t.Fatal(err)
	}
	for _, v := range r.register(r.centre, one, two) {
		if v.Outcome != patient.Unchanged {
			t.Errorf("twins once more: %s %s", v.Outcome, v.Reason)
		}
	}
	// Under a third number, and that is the right one of the first: nobody can say whose.
	r.register(r.centre, row("3", "1970-04-01", "v", nggv("twin")))
	if c, cmp := r.conflict(); cmp.Withheld[patient.UseDelivered] != patient.SeveralOwners ||
		!slices.Contains([]string{"1", "2"}, cmp.Existing.Number) {
		t.Errorf("a third: %+v %+v", c, cmp)
	}
}

// TestSwapped: two patients whose numbers changed places are put right one after
// the other, and the page can say that the other number is concerned.
func TestSwapped(t *testing.T) {
	r := newRegistry(t)
	r.register(r.centre, row("1", "1970-04-01", "v", nggv("anna")), row("2", "1980-12-31", "m", nggv("bert")))
	r.register(r.centre, row("1", "1980-12-31", "m", nggv("bert")), row("2", "1970-04-01", "v", nggv("anna")))
	for _, elsewhere := range []bool{true, false} { // at last nobody else has it
		c, cmp := r.conflict()
		if cmp.Existing.Number != c.Delivered.Number || cmp.Elsewhere != elsewhere {
			t.Errorf("%s beside %s, elsewhere: %v", c.Delivered.Number, cmp.Existing.Number, cmp.Elsewhere)
		}
		if got, err := r.settle(c.PublicID, cmp.Seen, patient.UseDelivered); err != nil || got.Outcome != patient.Updated {
			t.Errorf("settled %+v (%v)", got, err)
		}
	}
	if got := r.snapshot(); got != "1 v2 1980-12-31 NGGV/1=bert; 2 v2 1970-04-01 NGGV/1=anna" {
		t.Errorf("stored: %s", got)
	}
}
