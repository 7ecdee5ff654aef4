package patient_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/patient"
	"sluis/internal/store"
)

// registry is a real database with a Registrar on it.
type registry struct {
	t         *testing.T
	store     *store.Store
	registrar *patient.Registrar
	centre    account.Centre
}

func newRegistry(t *testing.T) *registry {
	t.Helper()
	s, err := store.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "sluis.db"),
		store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	r := &registry{t: t, store: s, registrar: patient.NewRegistrar("NGGV", time.Now)}
	r.centre = r.addCentre("2809")
	return r
}

func (r *registry) addCentre(number string) account.Centre {
	r.t.Helper()
	c, err := r.store.AddCentre(r.t.Context(), audit.Who{Name: "test"}, account.Centre{Number: number, Name: "Proef"})
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// register registers a set in one transaction.
func (r *registry) register(centre account.Centre, set ...patient.Candidate) []patient.Verdict {
	r.t.Helper()
	var verdicts []patient.Verdict
	_, err := r.store.RegisterEntry(r.t.Context(), audit.Who{Name: "test", CentreID: centre.ID},
		func(tx patient.Tx) (patient.Verdict, error) {
			var err error
			verdicts, err = r.registrar.Register(r.t.Context(), tx, centre.ID, set)
			return patient.Verdict{Outcome: patient.Review}, err
		})
	if err != nil {
		r.t.Fatal(err)
	}
	return verdicts
}

func (r *registry) stored(centre account.Centre, number string) (patient.Patient, bool) {
	r.t.Helper()
	found, err := r.store.PatientsByNumber(r.t.Context(), centre.ID, []string{number})
	if err != nil {
		r.t.Fatal(err)
	}
	p, ok := found[number]
	return p, ok
}

// row makes a candidate: birth as ISO text, pseudonyms as "NGGV=x" or
// "NGGV/2=x" for key version 2.
func row(number, birth string, sex patient.Sex, pseudonyms ...patient.Pseudonym) patient.Candidate {
	b, ok := patient.ParseBirth(birth)
	if !ok {
		panic("no birth: " + birth)
	}
	return patient.Candidate{Display: patient.Display{Number: number, Birth: b, Sex: sex}, Pseudonyms: pseudonyms}
}

func nggv(value string) patient.Pseudonym { return of("NGGV", 1, value) }

func of(kind string, version int, value string) patient.Pseudonym {
	return patient.Pseudonym{Type: kind, Domain: "qrns", KeyVersion: version, Value: value, ObservedOn: "2026-01-31"}
}

// pgg is a pseudonym of a postcode that was true on a day.
func pgg(day, value string) patient.Pseudonym {
	p := of("PGG", 1, value)
	p.RecordedOn, p.ObservedOn = day, day
	return p
}

func within(c patient.Candidate, repeats bool, clash patient.Reason) patient.Candidate {
	c.Within = patient.Within{Repeats: repeats, Clash: clash, Partners: []int{9}}
	return c
}

// TestRegister holds product.md's rules about the same and another patient. Each
// case registers first, then the row, and looks at the verdict and at what is
// stored under the row's number.
func TestRegister(t *testing.T) {
	type want struct {
		outcome patient.Outcome
		reason  patient.Reason
		birth   string
		sex     patient.Sex
		version int
		held    []string // type/key version=value, sorted; nil: not looked at
	}
	first := row("1", "1970-04-01", "m", nggv("anna"), of("NGG", 1, "an"))
	for name, c := range map[string]struct {
		stored []patient.Candidate
		row    patient.Candidate
		want   want
	}{
		"a new patient": {
			row:  first,
			want: want{patient.Created, "", "1970-04-01", "m", 1, []string{"NGG/1=an", "NGGV/1=anna"}},
		},
		"the same once more": {
			stored: []patient.Candidate{first}, row: first,
			want: want{patient.Unchanged, "", "1970-04-01", "m", 1, []string{"NGG/1=an", "NGGV/1=anna"}},
		},
		"numbers are text": {
			stored: []patient.Candidate{row("123", "1970-04-01", "m", nggv("other"))}, row: row("0123", "1970-04-01", "m", nggv("anna")),
			want: want{patient.Created, "", "1970-04-01", "m", 1, nil},
		},
		"numbers are exact": {
			stored: []patient.Candidate{row("h2", "1970-04-01", "m", nggv("other"))}, row: row("H2", "1970-04-01", "m", nggv("anna")),
			want: want{patient.Created, "", "1970-04-01", "m", 1, nil},
		},
		"another sex": {
			stored: []patient.Candidate{first}, row: row("1", "1970-04-01", "v", nggv("anna"), of("NGG", 1, "an")),
			want: want{patient.Updated, "", "1970-04-01", "v", 2, nil},
		},
		"another type updates": {
			stored: []patient.Candidate{first}, row: row("1", "1970-04-01", "m", nggv("anna"), of("NGG", 1, "new")),
			want: want{patient.Updated, "", "1970-04-01", "m", 2, []string{"NGG/1=new", "NGGV/1=anna"}},
		},
		"another type joins": {
			stored: []patient.Candidate{row("1", "1970-04-01", "m", nggv("anna"))}, row: first,
			want: want{patient.Updated, "", "1970-04-01", "m", 2, []string{"NGG/1=an", "NGGV/1=anna"}},
		},
		"a type that is left out stays": {
			stored: []patient.Candidate{first}, row: row("1", "1970-04-01", "m", nggv("anna")),
			want: want{patient.Unchanged, "", "1970-04-01", "m", 1, []string{"NGG/1=an", "NGGV/1=anna"}},
		},
		"another type of another patient is no conflict": {
			stored: []patient.Candidate{row("2", "1970-04-01", "m", nggv("twin"), of("NGG", 1, "an"))}, row: first,
			want: want{patient.Created, "", "1970-04-01", "m", 1, nil},
		},
		"a new key version stands beside the old": {
			stored: []patient.Candidate{first}, row: row("1", "1970-04-01", "m", nggv("anna"), of("NGGV", 2, "anna2")),
			want: want{patient.Updated, "", "1970-04-01", "m", 2, []string{"NGG/1=an", "NGGV/1=anna", "NGGV/2=anna2"}},
		},
		"another key version alone cannot be compared": {
			stored: []patient.Candidate{first}, row: row("1", "1970-04-01", "m", of("NGGV", 2, "anna2")),
			want: want{patient.Updated, "", "1970-04-01", "m", 2, []string{"NGG/1=an", "NGGV/1=anna", "NGGV/2=anna2"}},
		},
		"the same value under another key version is nothing": {
			stored: []patient.Candidate{row("2", "1970-04-01", "m", of("NGGV", 2, "anna"))}, row: first,
			want: want{patient.Created, "", "1970-04-01", "m", 1, nil},
		},
		"a number with another person": {
			stored: []patient.Candidate{first}, row: row("1", "1970-04-01", "m", nggv("bert"), of("NGG", 1, "an")),
			want: want{patient.Review, patient.NumberTaken, "1970-04-01", "m", 1, []string{"NGG/1=an", "NGGV/1=anna"}},
		},
		"a person under another number": {
			stored: []patient.Candidate{row("2", "1970-04-01", "m", nggv("anna"))}, row: first,
			want: want{outcome: patient.Review, reason: patient.PseudonymTaken},
		},
		"the year alone takes no date away": {
			stored: []patient.Candidate{first}, row: row("1", "1970", "m", nggv("anna")),
			want: want{patient.Unchanged, "", "1970-04-01", "m", 1, nil},
		},
		"another year": {
			stored: []patient.Candidate{first}, row: row("1", "1971", "m", nggv("anna")),
			want: want{patient.Updated, "", "1971", "m", 2, nil},
		},
		"a date completes a year": {
			stored: []patient.Candidate{row("1", "1970", "m", nggv("anna"))}, row: row("1", "1970-04-01", "m", nggv("anna")),
			want: want{patient.Updated, "", "1970-04-01", "m", 2, nil},
		},
		"what is empty changes nothing": {
			stored: []patient.Candidate{first}, row: row("1", "", "", nggv("anna")),
			want: want{patient.Unchanged, "", "1970-04-01", "m", 1, nil},
		},
		"a row that stands earlier in its file": {
			stored: []patient.Candidate{first}, row: within(first, true, ""),
			want: want{patient.Unchanged, "", "1970-04-01", "m", 1, nil},
		},
		"a number twice in one file, in two ways": {
			row: within(first, false, patient.NumberTwice), want: want{outcome: patient.Review, reason: patient.NumberTwice},
		},
		"the same, though one of them is stored": {
			stored: []patient.Candidate{first}, row: within(first, false, patient.NumberTwice),
			want: want{patient.Review, patient.NumberTwice, "1970-04-01", "m", 1, nil},
		},
		"a person twice in one file": {
			row: within(first, false, patient.PseudonymTwice), want: want{outcome: patient.Review, reason: patient.PseudonymTwice},
		},
		"a person twice in one file, of whom this number is stored": {
			stored: []patient.Candidate{first}, row: within(first, false, patient.PseudonymTwice),
			want: want{patient.Unchanged, "", "1970-04-01", "m", 1, nil},
		},
		"a row again, of which the first waits for a data manager": {
			stored: []patient.Candidate{row("2", "1970-04-01", "m", nggv("anna"))}, row: within(first, true, ""),
			want: want{outcome: patient.Review, reason: patient.PseudonymTaken},
		},
		"a row again, of a person who has another number in the file": {
			row: within(first, true, patient.PseudonymTwice), want: want{outcome: patient.Review, reason: patient.PseudonymTwice},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t)
			for _, s := range c.stored {
				if v := r.register(r.centre, s)[0]; v.Outcome != patient.Created {
					t.Fatalf("%s before: %s %s", s.Display.Number, v.Outcome, v.Reason)
				}
			}
			judged, err := r.registrar.Assess(t.Context(), r.store, r.centre.ID, []patient.Candidate{c.row})
			if err != nil {
				t.Fatal(err)
			}
			v := r.register(r.centre, c.row)[0]
			if v.Outcome != c.want.outcome || v.Reason != c.want.reason {
				t.Errorf("verdict %s %s, want %s %s", v.Outcome, v.Reason, c.want.outcome, c.want.reason)
			}
			if judged[0].Outcome != v.Outcome || judged[0].Reason != v.Reason {
				t.Errorf("judged %s %s before it was registered as %s %s", judged[0].Outcome, judged[0].Reason, v.Outcome, v.Reason)
			}
			p, there := r.stored(r.centre, c.row.Display.Number)
			if there != (c.want.version > 0) {
				t.Fatalf("stored: %v, want %v", there, c.want.version > 0)
			}
			if p.Birth.String() != c.want.birth || p.Sex != c.want.sex || p.Version != c.want.version {
				t.Errorf("stored %s %s version %d, want %s %s version %d", p.Birth, p.Sex, p.Version, c.want.birth, c.want.sex,
					c.want.version)
			}
			if got := held(p); c.want.held != nil && !slices.Equal(got, c.want.held) {
				t.Errorf("it holds %q, want %q", got, c.want.held)
			}
			wantReviews := 0
			if c.want.outcome == patient.Review {
				wantReviews = 1
			}
			// The same once more: nothing changes, and a review joins the open one.
			r.register(r.centre, c.row)
			again, _ := r.stored(r.centre, c.row.Display.Number)
			if again.Version != p.Version {
				t.Errorf("the same again made version %d of %d", again.Version, p.Version)
			}
			if n, err := r.store.CountConflicts(t.Context(), account.Actor{Centre: &r.centre}.Scope()); err != nil || n != wantReviews {
				t.Errorf("%d open reviews, want %d (%v)", n, wantReviews, err)
			}
		})
	}
}

func held(p patient.Patient) []string {
	var out []string
	for _, q := range p.Pseudonyms {
		text := fmt.Sprintf("%s/%d=%s", q.Type, q.KeyVersion, q.Value)
		if q.RecordedOn != "" {
			text += "@" + q.RecordedOn
		}
		out = append(out, text)
	}
	slices.Sort(out)
	return out
}

// TestTwins: two stored patients with one pseudonym (by a data manager's word, or
// of two centres) stay two, and each is updated by its own number.
func TestTwins(t *testing.T) {
	r := newRegistry(t)
	one, other := row("1", "1970-04-01", "m", nggv("first")), row("2", "1970-04-01", "m", nggv("second"))
	r.register(r.centre, one, other)
	// Both get the same pseudonym under a new key version: they are known by the old.
	one.Pseudonyms = append(one.Pseudonyms, of("NGGV", 2, "both"))
	other.Pseudonyms = append(other.Pseudonyms, of("NGGV", 2, "both"))
	for _, c := range []patient.Candidate{one, other} {
		if v := r.register(r.centre, c)[0]; v.Outcome != patient.Updated {
			t.Errorf("twin %s: %s %s, want updated", c.Display.Number, v.Outcome, v.Reason)
		}
	}
	// The same in one file, with only the new key version.
	one.Pseudonyms, other.Pseudonyms = one.Pseudonyms[1:], other.Pseudonyms[1:]
	for _, v := range r.register(r.centre, within(one, false, patient.PseudonymTwice), within(other, false, patient.PseudonymTwice)) {
		if v.Outcome != patient.Unchanged {
			t.Errorf("twins in one file: %s %s, want unchanged", v.Outcome, v.Reason)
		}
	}
	third := row("3", "1970-04-01", "m", of("NGGV", 2, "both"))
	if v := r.register(r.centre, third)[0]; v.Reason != patient.PseudonymTaken {
		t.Errorf("a third: %s %s, want a conflict", v.Outcome, v.Reason)
	}
}

// TestCentres: the same person, or the same number, in two centres is no conflict.
func TestCentres(t *testing.T) {
	r := newRegistry(t)
	elsewhere := r.addCentre("2810")
	c := row("1", "1970-04-01", "m", nggv("anna"))
	r.register(r.centre, c)
	if v := r.register(elsewhere, c)[0]; v.Outcome != patient.Created {
		t.Errorf("the same patient in another centre: %s %s, want created", v.Outcome, v.Reason)
	}
	if v := r.register(elsewhere, row("1", "1980-01-01", "v", nggv("bea")))[0]; v.Reason != patient.NumberTaken {
		t.Errorf("another person there: %s %s, want a conflict", v.Outcome, v.Reason)
	}
	if p, _ := r.stored(r.centre, "1"); p.Version != 1 || held(p)[0] != "NGGV/1=anna" {
		t.Errorf("the first centre's patient changed: %+v", p)
	}
}

// TestSetKeepsItsOrder: verdicts answer the rows as they came, whatever they are.
func TestSetKeepsItsOrder(t *testing.T) {
	r := newRegistry(t)
	r.register(r.centre, row("known", "1970-04-01", "m", nggv("k")), row("taken", "1970-04-01", "m", nggv("t")))
	got := r.register(r.centre,
		row("new", "1970-04-01", "m", nggv("n")), row("known", "1970-04-01", "m", nggv("k")), row("taken", "1970-04-01", "m", nggv("x")),
		row("known too", "1970-04-01", "m", nggv("k")), row("newer", "1970-04-01", "m", nggv("o")))
	want := []patient.Outcome{patient.Created, patient.Unchanged, patient.Review, patient.Review, patient.Created}
	ids := map[int64]bool{}
	for i, v := range got {
		if v.Outcome != want[i] {
			t.Errorf("row %d: %s, want %s", i, v.Outcome, want[i])
		}
		ids[v.PatientID] = true
	}
	if len(ids) != 4 || ids[0] {
		t.Errorf("patients met: %v, want four", ids)
	}
}

func TestBirth(t *testing.T) {
	for in, want := range map[string]patient.Birth{
		"": {}, "1909": {Year: 1909}, "1911-11-11": {Year: 1911, Month: 11, Day: 11}, "2024-02-29": {Year: 2024, Month: 2, Day: 29},
	} {
		got, ok := patient.ParseBirth(in)
		if !ok || got != want || got.String() != in {
			t.Errorf("ParseBirth(%q) = %+v, %v; writes %q", in, got, ok, got)
		}
	}
	for _, in := range []string{"2023-02-29", "1970-13-01", "70", "1970-4-1", "01-04-1970", "abcd", "1970-04-01T00:00:00Z"} {
		if b, ok := patient.ParseBirth(in); ok {
			t.Errorf("ParseBirth(%q) = %+v", in, b)
		}
	}
	if y := (patient.Birth{Year: 1970, Month: 4, Day: 1}).YearOnly(); y.HasDay() || y.String() != "1970" {
		t.Errorf("YearOnly = %+v", y)
	}
}

func TestCounts(t *testing.T) {
	var c patient.Counts
	for i, o := range []patient.Outcome{patient.Created, patient.Updated, patient.Unchanged, patient.Rejected, patient.Review, patient.Pending} {
		c.Add(o, i+1)
	}
	if c.Balanced() {
		t.Error("balanced without rows read")
	}
	c.Read = 21
	if !c.Balanced() || c.Stored() != 6 {
		t.Errorf("%+v: balanced %v, stored %d", c, c.Balanced(), c.Stored())
	}
}
