package patient_test

import (
	"slices"
	"testing"

	"sluis/internal/patient"
)

// TestKeyVersions checks that pseudonyms are compared within one key version, and that a
// person with a pseudonym under an old version is found by that. Each case registers first,
// and then the row.
func TestKeyVersions(t *testing.T) {
	v := func(version int, value string) patient.Pseudonym { return of("NGGV", version, value) }
	anna := func(number string, p ...patient.Pseudonym) patient.Candidate {
		return row(number, "1970-04-01", "v", p...)
	}
	elsewhere := v(1, "anna1")
	elsewhere.Domain = "cbs"
	for name, c := range map[string]struct {
		stored  []patient.Candidate
		row     patient.Candidate
		outcome patient.Outcome
		reason  patient.Reason
		held    []string
	}{
		"only the new version": {
			[]patient.Candidate{anna("1", v(1, "anna1"))}, anna("1", v(2, "anna2")), patient.Updated, "",
			[]string{"NGGV/1=anna1", "NGGV/2=anna2"},
		},
		"both versions": {
			[]patient.Candidate{anna("1", v(1, "anna1"))}, anna("1", v(2, "anna2"), v(1, "anna1")), patient.Updated, "",
			[]string{"NGGV/1=anna1", "NGGV/2=anna2"},
		},
		"only the old version, and it is held": {
			[]patient.Candidate{anna("1", v(1, "anna1"), v(2, "anna2"))}, anna("1", v(1, "anna1")), patient.Unchanged, "",
			[]string{"NGGV/1=anna1", "NGGV/2=anna2"},
		},
		"only the old version, and another is held": {
			[]patient.Candidate{anna("1", v(1, "anna1"), v(2, "anna2"))}, anna("1", v(1, "bea1")), patient.Review, patient.NumberTaken,
			[]string{"NGGV/1=anna1", "NGGV/2=anna2"},
		},
		"only the old version, and the new one is held": {
			[]patient.Candidate{anna("1", v(2, "anna2"))}, anna("1", v(1, "anna1")), patient.Updated, "",
			[]string{"NGGV/1=anna1", "NGGV/2=anna2"},
		},
		"both are held, the new one is another": {
			[]patient.Candidate{anna("1", v(1, "anna1"), v(2, "anna2"))}, anna("1", v(2, "bea2")), patient.Review, patient.NumberTaken,
			[]string{"NGGV/1=anna1", "NGGV/2=anna2"},
		},
		"the old one is the same, the new one another": {
			[]patient.Candidate{anna("1", v(1, "anna1"), v(2, "anna2"))}, anna("1", v(1, "anna1"), v(2, "bea2")), patient.Review,
			patient.NumberTaken, nil,
		},
		"the old one is another, the new one the same": {
			[]patient.Candidate{anna("1", v(1, "anna1"), v(2, "anna2"))}, anna("1", v(2, "anna2"), v(1, "bea1")), patient.Review,
			patient.NumberTaken, nil,
		},
		"another domain is nothing to compare": {
			[]patient.Candidate{anna("1", elsewhere)}, anna("1", v(1, "bea1")), patient.Updated, "",
			[]string{"NGGV/1=anna1", "NGGV/1=bea1"},
		},
		"another domain owns nothing": {
			[]patient.Candidate{anna("2", elsewhere)}, anna("1", v(1, "anna1")), patient.Created, "", nil,
		},
		"another number, known by the new version": {
			[]patient.Candidate{anna("2", v(1, "anna1"), v(2, "anna2"))}, anna("1", v(2, "anna2")), patient.Review, patient.PseudonymTaken,
			nil,
		},
		"another number, known by the old version": {
			[]patient.Candidate{anna("2", v(1, "anna1"), v(2, "anna2"))}, anna("1", v(1, "anna1")), patient.Review, patient.PseudonymTaken,
			nil,
		},
		"another number, known by the old version of two": {
			[]patient.Candidate{anna("2", v(1, "anna1"))}, anna("1", v(2, "anna2"), v(1, "anna1")), patient.Review, patient.PseudonymTaken,
			nil,
		},
		"a stored number, and the new version is another's": {
			[]patient.Candidate{anna("1", v(1, "anna1")), anna("2", v(1, "bea1"), v(2, "bea2"))}, anna("1", v(2, "bea2")), patient.Review,
			patient.PseudonymTaken, []string{"NGGV/1=anna1"},
		},
		// Nothing to compare by: then another birth is another person, until a data
		// manager says otherwise, and the same or an unknown one is the same.
		"a number with another person, known by no common version": {
			[]patient.Candidate{anna("1", v(1, "anna1"))}, row("1", "1980-12-31", "m", v(2, "bert2")), patient.Review, patient.NumberTaken,
			[]string{"NGGV/1=anna1"},
		},
		"a number of an unknown birth, known by no common version": {
			[]patient.Candidate{anna("1", v(1, "anna1"))}, row("1", "", "", v(2, "anna2")), patient.Updated, "",
			[]string{"NGGV/1=anna1", "NGGV/2=anna2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t)
			for _, s := range c.stored {
				if v := r.register(r.centre, s)[0]; v.Outcome != patient.Created {
					t.Fatalf("%s before: %s %s", s.Display.Number, v.Outcome, v.Reason)
				}
			}
			if v := r.register(r.centre, c.row)[0]; v.Outcome != c.outcome || v.Reason != c.reason {
				t.Errorf("verdict %s %s, want %s %s", v.Outcome, v.Reason, c.outcome, c.reason)
			}
			if p, _ := r.stored(r.centre, "1"); c.held != nil && !slices.Equal(held(p), c.held) {
				t.Errorf("it holds %q, want %q", held(p), c.held)
			}
		})
	}
}

// TestPostcodeTypes: a value a day. A day that a row leaves out stays, a new value
// of a day replaces the old one, and none of it is a conflict.
func TestPostcodeTypes(t *testing.T) {
	r := newRegistry(t)
	steps := []struct {
		name    string
		row     patient.Candidate
		outcome patient.Outcome
		held    []string
	}{
		{"first", row("1", "1970", "v", nggv("anna"), pgg("2020-01-01", "a")), patient.Created,
			[]string{"NGGV/1=anna", "PGG/1=a@2020-01-01"}},
		{"again", row("1", "1970", "v", nggv("anna"), pgg("2020-01-01", "a")), patient.Unchanged,
			[]string{"NGGV/1=anna", "PGG/1=a@2020-01-01"}},
		{"without", row("1", "1970", "v", nggv("anna")), patient.Unchanged, []string{"NGGV/1=anna", "PGG/1=a@2020-01-01"}},
		{"moved", row("1", "1970", "v", nggv("anna"), pgg("2022-02-02", "b")), patient.Updated,
			[]string{"NGGV/1=anna", "PGG/1=a@2020-01-01", "PGG/1=b@2022-02-02"}},
		{"both, as they are", row("1", "1970", "v", pgg("2022-02-02", "b"), nggv("anna"), pgg("2020-01-01", "a")), patient.Unchanged,
			[]string{"NGGV/1=anna", "PGG/1=a@2020-01-01", "PGG/1=b@2022-02-02"}},
		{"corrected", row("1", "1970", "v", nggv("anna"), pgg("2020-01-01", "c")), patient.Updated,
			[]string{"NGGV/1=anna", "PGG/1=b@2022-02-02", "PGG/1=c@2020-01-01"}},
		{"moved back", row("1", "1970", "v", nggv("anna"), pgg("2024-04-04", "c")), patient.Updated,
			[]string{"NGGV/1=anna", "PGG/1=b@2022-02-02", "PGG/1=c@2020-01-01", "PGG/1=c@2024-04-04"}},
	}
	version := 0
	for _, s := range steps {
		if v := r.register(r.centre, s.row)[0]; v.Outcome != s.outcome {
			t.Errorf("%s: %s %s, want %s", s.name, v.Outcome, v.Reason, s.outcome)
		}
		if s.outcome != patient.Unchanged {
			version++
		}
		if p, _ := r.stored(r.centre, "1"); !slices.Equal(held(p), s.held) || p.Version != version {
			t.Errorf("%s: version %d holds %q, want %d with %q", s.name, p.Version, held(p), version, s.held)
		}
	}
	// A household shares a postcode: that links nobody.
	if v := r.register(r.centre, row("2", "1970", "v", nggv("bea"), pgg("2020-01-01", "c")))[0]; v.Outcome != patient.Created {
		t.Errorf("the same postcode: %s %s", v.Outcome, v.Reason)
	}
}

// TestObservedOn: the day on which a value was first seen stays; that of a
// postcode type is the day of its postcode, whoever says otherwise.
func TestObservedOn(t *testing.T) {
	r := newRegistry(t)
	on := func(day string, p patient.Pseudonym) patient.Pseudonym { p.ObservedOn = day; return p }
	observed := func() map[string]string {
		p, _ := r.stored(r.centre, "1")
		out := map[string]string{}
		for _, q := range p.Pseudonyms {
			out[q.Type+"="+q.Value] = q.ObservedOn
		}
		return out
	}
	same := func(when string, want map[string]string) {
		t.Helper()
		got := observed()
		if len(got) != len(want) {
			t.Errorf("%s: %v, want %v", when, got, want)
		}
		for k, day := range want {
			if got[k] != day {
				t.Errorf("%s: %s was observed on %q, want %q", when, k, got[k], day)
			}
		}
	}
	r.register(r.centre, row("1", "1970", "v", on("2026-01-01", nggv("anna")), on("2026-01-01", of("NGG", 1, "an")),
		on("2026-01-01", pgg("2020-01-01", "a"))))
	want := map[string]string{"NGGV=anna": "2026-01-01", "NGG=an": "2026-01-01", "PGG=a": "2020-01-01"}
	same("at first", want)

	// The day on which it is seen again is no news, and another day of seeing does
	// not set aside the day of a postcode.
	later := []patient.Pseudonym{on("2026-06-01", nggv("anna")), on("2026-06-01", of("NGG", 1, "an")),
		on("2026-06-01", pgg("2020-01-01", "a"))}
	if v := r.register(r.centre, row("1", "1970", "v", later...))[0]; v.Outcome != patient.Unchanged {
		t.Errorf("seen again: %s", v.Outcome)
	}
	same("seen again", want)

	// A change of another pseudonym leaves the dated ones as they are.
	later[1].Value = "am"
	later = append(later, on("2026-06-01", pgg("2025-05-05", "b")))
	if v := r.register(r.centre, row("1", "1970", "v", later...))[0]; v.Outcome != patient.Updated {
		t.Errorf("changed: %s", v.Outcome)
	}
	same("changed", map[string]string{"NGGV=anna": "2026-01-01", "NGG=am": "2026-06-01", "PGG=a": "2020-01-01", "PGG=b": "2025-05-05"})
}

func TestHashes(t *testing.T) {
	base := pgg("2020-01-01", "a")
	change := func(f func(p *patient.Pseudonym)) patient.Pseudonym { p := base; f(&p); return p }
	seen := map[int64]string{base.Hash(): "itself"}
	for name, p := range map[string]patient.Pseudonym{
		"type": change(func(p *patient.Pseudonym) { p.Type = "PGX" }), "domain": change(func(p *patient.Pseudonym) { p.Domain = "cbs" }),
		"key version": change(func(p *patient.Pseudonym) { p.KeyVersion = 2 }),
		"value":       change(func(p *patient.Pseudonym) { p.Value = "b" }),
		"day":         change(func(p *patient.Pseudonym) { p.RecordedOn = "2020-01-02" }),
		"no day":      change(func(p *patient.Pseudonym) { p.RecordedOn = "" }),
	} {
		if other, taken := seen[p.Hash()]; taken {
			t.Errorf("another %s has the hash of %s", name, other)
		}
		seen[p.Hash()] = name
	}
	if change(func(p *patient.Pseudonym) { p.ObservedOn = "2026-06-01" }).Hash() != base.Hash() {
		t.Error("the day on which it was seen changes the hash")
	}
	whole := row("1", "1970-04-01", "v", nggv("anna"), pgg("2020-01-01", "a"), pgg("2022-02-02", "b"))
	turned := row("2", "1970-04-01", "v", pgg("2022-02-02", "b"), nggv("anna"), pgg("2020-01-01", "a"))
	swapped := row("1", "1970-04-01", "v", nggv("anna"), pgg("2020-01-01", "b"), pgg("2022-02-02", "a"))
	if whole.ContentHash() != turned.ContentHash() {
		t.Error("the order of pseudonyms, or the number, changes the content")
	}
	if whole.ContentHash() == swapped.ContentHash() {
		t.Error("two postcodes that changed days are the same content")
	}
}
