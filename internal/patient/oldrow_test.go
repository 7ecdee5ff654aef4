package patient_test

import (
	"testing"

	"sluis/internal/account"
	"sluis/internal/patient"
)

// old makes a row of the old table.
func old(patid string, c patient.Candidate) patient.Candidate {
	c.OldRow = &patient.OldRow{ID: patid}
	return c
}

// holder is the patient of an old key.
func (r *registry) holder(key string) patient.Patient {
	r.t.Helper()
	keys, err := r.store.Keys(r.t.Context(), []string{key}, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if len(keys) != 1 {
		r.t.Fatalf("old key %s is %d patients", key, len(keys))
	}
	found, err := r.store.PatientsByID(r.t.Context(), r.centre.ID, []int64{keys[0].PatientID})
	if err != nil {
		r.t.Fatal(err)
	}
	return found[keys[0].PatientID]
}

// TestWithoutNumber: a patient of the old table that has no number, and what
// comes after it.
func TestWithoutNumber(t *testing.T) {
	const born = "1980-02-29"
	first := old("p1", row("", born, "v", nggv("a")))
	type want struct {
		outcome patient.Outcome
		reason  patient.Reason
		number  string // of the patient of p1 afterwards
		version int
	}
	for name, c := range map[string]struct {
		then []patient.Candidate
		want []want
	}{
		"the first delivery brings the number": {[]patient.Candidate{row("7", born, "v", nggv("a"))},
			[]want{{patient.Updated, "", "7", 2}}},
		"and is unchanged the second time": {[]patient.Candidate{row("7", born, "v", nggv("a")), row("7", born, "v", nggv("a"))},
			[]want{{patient.Updated, "", "7", 2}, {patient.Unchanged, "", "7", 2}}},
		"another number later is a conflict": {[]patient.Candidate{row("7", born, "v", nggv("a")), row("8", born, "v", nggv("a"))},
			[]want{{patient.Updated, "", "7", 2}, {patient.Review, patient.PseudonymTaken, "7", 2}}},
		"another person has another pseudonym": {[]patient.Candidate{row("7", born, "v", nggv("b"))},
			[]want{{patient.Created, "", "", 1}}},
		"the same old row again": {[]patient.Candidate{first}, []want{{patient.Unchanged, "", "", 1}}},
		"the same old row with a number now": {[]patient.Candidate{old("p1", row("7", born, "v", nggv("a")))},
			[]want{{patient.Updated, "", "7", 2}}},
		"another old row of the same person": {[]patient.Candidate{old("p2", row("", born, "v", nggv("a")))},
			[]want{{patient.Review, patient.PseudonymTaken, "", 1}}},
		"the same old key as somebody else": {[]patient.Candidate{old("p1", row("", born, "v", nggv("b")))},
			[]want{{patient.Review, patient.NumberTaken, "", 1}}},
		"the same old key under another number": {[]patient.Candidate{old("p1", row("9", born, "v", nggv("b")))},
			[]want{{patient.Review, patient.NumberTaken, "", 1}}},
		"twice in one file it is not clear which": {[]patient.Candidate{within(row("7", born, "v", nggv("a")), false,
			patient.PseudonymTwice)}, []want{{patient.Review, patient.PseudonymTwice, "", 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t)
			if v := r.register(r.centre, first); v[0].Outcome != patient.Created {
				t.Fatalf("%+v", v)
			}
			for i, x := range c.then {
				v := r.register(r.centre, x)[0]
				if v.Outcome != c.want[i].outcome || v.Reason != c.want[i].reason {
					t.Errorf("row %d: %s %s, want %s %s", i, v.Outcome, v.Reason, c.want[i].outcome, c.want[i].reason)
				}
				if p := r.holder("p1"); p.Number != c.want[i].number || p.Version != c.want[i].version {
					t.Errorf("row %d: p1 has number %q, version %d; want %q, %d", i, p.Number, p.Version, c.want[i].number,
						c.want[i].version)
				}
			}
		})
	}
}

// TestOldRows: what else an old row brings, and that two of them may be one person.
func TestOldRows(t *testing.T) {
	r := newRegistry(t)
	other := r.addCentre("2810")
	a := row("7", "1980", "v", nggv("a"))
	a.OldRow = &patient.OldRow{ID: "p1", DiedOn: "2001-02-03", Version: 7}
	again := a
	again.Line, again.OldRow = 2, &patient.OldRow{ID: "p2", DiedOn: "2001-02-03"}
	v := r.register(r.centre, a, within(again, true, ""))
	if v[0].Outcome != patient.Created || v[1].Outcome != patient.Unchanged {
		t.Fatalf("%+v", v)
	}
	one, two := r.holder("p1"), r.holder("p2")
	if one.ID != two.ID || one.DiedOn != "2001-02-03" || one.Version != 7 {
		t.Errorf("p1 is %+v, p2 is %+v", one, two)
	}
	// A patient that a hospital delivered before gets the old key, and keeps its number.
	r.register(r.centre, row("8", "1981", "m", nggv("b")))
	if v := r.register(r.centre, old("p3", row("", "1981", "m", nggv("b")))); v[0].Outcome != patient.Updated {
		t.Errorf("the old row of a delivered patient: %+v", v)
	}
	if p := r.holder("p3"); p.Number != "8" || p.Version != 2 {
		t.Errorf("p3 is %+v", p)
	}
	// A centre can have several patients without a number.
	for i, c := range []account.Centre{r.centre, r.centre, other} {
		if v := r.register(c, old([]string{"p4", "p5", "p6"}[i],
			row("", "1982", "m", nggv([]string{"c", "d", "c"}[i])))); v[0].Outcome != patient.Created {
			t.Errorf("%d: %+v", i, v)
		}
	}
	// Which of two is meant, a person must say.
	r.register(r.centre, old("p7", row("9", "1982", "m", nggv("e"))))
	if v := r.register(r.centre, row("10", "1982", "m", nggv("e"))); v[0].Reason != patient.PseudonymTaken {
		t.Errorf("another number: %+v", v)
	}
}
