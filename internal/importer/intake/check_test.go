package intake

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluis/internal/account"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake/columns"
	"sluis/internal/importer/intake/tabular"
	"sluis/internal/patient"
)

var (
	testTypes  = columns.Types{All: []string{"NGGV", "NGG"}, Link: "NGGV"}
	datedTypes = columns.Types{All: []string{"NGGV", "NGG", "PGG"}, Dated: []string{"PGG"}, Link: "NGGV"}
)

// codes checks one row, and returns the codes of its findings.
func codes(t *testing.T, k checker, row string) (checked, []string) {
	t.Helper()
	c := k.row(tabular.Row{Line: 2, Cells: strings.Split(row, ";")})
	var out []string
	for _, f := range c.findings {
		out = append(out, f.Code+" "+f.Field)
	}
	return c, out
}

func newChecker(t *testing.T, header string) checker {
	t.Helper()
	l, refusals := columns.Recognise(strings.Split(header, ";"), datedTypes)
	if len(refusals) > 0 {
		t.Fatalf("%s: %v", header, refusals)
	}
	return checker{Layout: l, centre: account.Centre{Number: "2809", Name: "Voorbeeldziekenhuis"}, linkType: "NGGV"}
}

func TestRowWithIdentity(t *testing.T) {
	k := newChecker(t, "Centrum id;Geboortedatum;Geslacht;Patiëntnummer;Achternaam;Tussenvoegsel;Voorletters")
	long := strings.Repeat("n", 65)
	for row, want := range map[string][]string{
		"2809;2-1-2001;m;1;Jansen;;a":                            nil,
		";2-1-2001;m;1;Jansen;;a":                                nil,
		"2809;;m;1;Jansen;;a":                                    nil, // for the TTP to refuse
		"2809;31-2-2001;m;1;Jansen;;a":                           nil,
		"2809;2-1-2001;x;1;;;":                                   nil,
		"2809;2-1-2001;m;1":                                      nil, // short: the rest is empty
		"2809;2-1-2001;m;1;Jansen;;a;;;":                         nil,
		"2809;2-1-2001;m;" + long[:64] + ";Jansen;;a":            nil,
		"2809;2-1-2001;m;" + strings.Repeat("é", 64) + ";J;;a":   nil,
		"2809;2-1-2001;m;🙂;Jansen;;a":                            nil,
		"2809;2-1-2001;m;" + long + ";Jansen;;a":                 {"PATIENT_NUMBER_TOO_LONG patientNumber"},
		"2810;2-1-2001;m;1;Jansen;;a":                            {"CENTRE_OTHER centre"},
		"2809;2-1-2001;m;;Jansen;;a":                             {"PATIENT_NUMBER_EMPTY patientNumber"},
		"2809;Jansen;m;1;2-1-2001;;a":                            {"BIRTH_DATE_UNREADABLE birthDate"},
		"2809;2-1-2001;m;1;Jansen;;a;b":                          {"ROW_TOO_MANY_COLUMNS "},
		"2809;2-1-2001;m;1\x00;Jansen;;a":                        {"CONTROL_CHARACTER patientNumber"},
		"2809;2-1-2001;m;1;Jan\x07sen;;a\x1b":                    {"CONTROL_CHARACTER surname", "CONTROL_CHARACTER initials"},
		"2809;2-1-2001;m;1;" + strings.Repeat("é", 1001) + ";;a": {"FIELD_TOO_LONG surname"},
		"2809;2-1-2001;m;Canarynaam;1;Jansen;;a":                 {"ROW_TOO_MANY_COLUMNS "},
		"2811;x;m;;Jansen;;a;y":                                  {"ROW_TOO_MANY_COLUMNS "},
	} {
		c, got := codes(t, k, row)
		if !slices.Equal(got, want) {
			t.Errorf("%.60q: %q, want %q", row, got, want)
		}
		if slices.Contains(want, "ROW_TOO_MANY_COLUMNS ") && c.display.Number != "" {
			t.Errorf("%.60q: what stands in the number's column of a shifted row is kept", row)
		}
		if c.rejected() != (len(want) > 0) {
			t.Errorf("%.60q: rejected %v", row, c.rejected())
		}
	}
	c, _ := codes(t, k, "2809;1-4-1978;V;0123;Berg;van den;A.B.")
	f := c.identity.Reveal()
	if f.Surname != "Berg" || f.Prefix != "van den" || f.Initials != "A.B." || f.BirthDate != "1978-04-01" || f.Sex != "v" {
		t.Errorf("the TTP gets %+v", f)
	}
	if c.display != (patient.Display{Number: "0123", Birth: patient.Birth{Year: 1978, Month: 4, Day: 1}, Sex: patient.Female}) {
		t.Errorf("kept: %+v", c.display)
	}
	k.yearOnly = true
	if c, _ = codes(t, k, "2809;1-4-1978;V;0123;Berg;van den;A.B."); c.display.Birth != (patient.Birth{Year: 1978}) ||
		c.identity.Reveal().BirthDate != "1978-04-01" {
		t.Errorf("with years alone: kept %+v", c.display.Birth)
	}
	if c, _ = codes(t, k, "2809;1-4-1978;zomaar;1;Berg;;A"); c.display.Sex != "" || c.identity.Reveal().Sex != "zomaar" {
		t.Errorf("a sex for the TTP to judge: kept %q", c.display.Sex)
	}
}

func TestRowWithPseudonyms(t *testing.T) {
	k := newChecker(t, "Patiëntnummer;Geboortejaar;Geslacht;Pseudoniem NGGV;Pseudoniem NGG")
	for row, want := range map[string][]string{
		"1;1970;m;abc;def":  nil,
		"1;1970;m;abc;":     nil,
		"1;;;abc;":          nil,
		"1;1970;x;abc;":     {"SEX_UNKNOWN sex"}, // a warning
		"1;1970;m;;def":     {"LINK_PSEUDONYM_MISSING NGGV"},
		"1;70;m;abc;":       {"BIRTH_YEAR_UNREADABLE birthYear"},
		"1;2-1-1970;m;abc;": {"BIRTH_YEAR_UNREADABLE birthYear"},
		"1;1970;m;a b;":     {"PSEUDONYM_MALFORMED NGGV"},
		"1;1970;m;abc;" + strings.Repeat("x", 513): {"PSEUDONYM_MALFORMED NGG"},
	} {
		c, got := codes(t, k, row)
		if !slices.Equal(got, want) {
			t.Errorf("%.60q: %q, want %q", row, got, want)
		}
		if warned := slices.Equal(want, []string{"SEX_UNKNOWN sex"}); c.rejected() != (len(want) > 0 && !warned) {
			t.Errorf("%.60q: rejected %v", row, c.rejected())
		}
	}
	k = newChecker(t, "Patiëntnummer;Geboortedatum;Geslacht;NGGV")
	for row, want := range map[string][]string{
		"1;1-4-1978;m;abc": nil, "1;;m;abc": nil, "1;31-2-1978;m;abc": {"BIRTH_DATE_UNREADABLE birthDate"},
		"1;nooit;m;abc": {"BIRTH_DATE_UNREADABLE birthDate"},
	} {
		if _, got := codes(t, k, row); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", row, got, want)
		}
	}
}

// TestNoValueInAFinding checks that a finding has only our own codes and fields, whatever
// is in the row, and that the same row always has the same findings.
func TestNoValueInAFinding(t *testing.T) {
	for _, header := range []string{
		"Centrum id;Geboortedatum;Geslacht;Patiëntnummer;Achternaam;Tussenvoegsel;Voorletters;Postcode;Huisnummer;Peildatum;Postcode 1;Peildatum postcode 1",
		"Centrum id;Geboortedatum;Geslacht;Patiëntnummer;Pseudoniem NGGV;Pseudoniem PGG 1;Peildatum PGG 1;Pseudoniem PGG 2;Peildatum PGG 2;Geldig tot",
	} {
		k := newChecker(t, header)
		rapid.Check(t, func(t *rapid.T) {
			cell := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9]{1,4}[-/. ][0-9]{1,2}[-/. ][0-9]{1,5}( 1[0-9]:00)?`),
				rapid.Just("1-1-2020"))
			cells := rapid.SliceOfN(cell, 0, 14).Draw(t, "cells")
			c, again := k.row(tabular.Row{Line: 7, Cells: cells}), k.row(tabular.Row{Line: 7, Cells: cells})
			if !slices.Equal(c.findings, again.findings) {
				t.Fatalf("%v, and then %v", c.findings, again.findings)
			}
			seen := map[patient.Finding]bool{}
			for _, f := range c.findings {
				if _, ours := k.At[delivery.Field(f.Field)]; f.Message != "" || strings.ToUpper(f.Code) != f.Code || f.Field != "" &&
					!ours {
					t.Fatalf("finding %+v", f)
				}
				if seen[f] {
					t.Fatalf("%+v is said twice", f)
				}
				seen[f] = true
			}
			if b := c.display.Birth; !b.IsZero() {
				if _, ok := patient.ParseBirth(b.String()); !ok {
					t.Fatalf("a birth is kept that cannot be read back: %+v", b)
				}
			}
			type space struct{ typ, recordedOn string }
			held := map[space]bool{}
			for _, x := range c.temporaries {
				if held[space{x.Type, x.RecordedOn}] || (x.Type == "PGG") != (x.RecordedOn != "") {
					t.Fatalf("temporary pseudonyms %+v", c.temporaries)
				}
				held[space{x.Type, x.RecordedOn}] = true
			}
			for _, x := range c.identity.Reveal().Postcodes {
				if x.Postcode == "" || x.RecordedOn == "" || held[space{"", x.RecordedOn}] {
					t.Fatalf("postcodes on %q", x.RecordedOn)
				}
				held[space{"", x.RecordedOn}] = true
			}
		})
	}
}

// TestReportColumns checks that the columns of our error report do not make a row too
// long, and that a row with still more cells is rejected.
func TestReportColumns(t *testing.T) {
	head := []string{"Patiëntnummer", "Geboortedatum", "Geslacht", "Achternaam", "Voorletters"}
	with, refusals := columns.Recognise(append(slices.Clone(head), "", "Fouternst", "Foutmelding", "Foutadvies", "Foutcode", "Foutbron"),
		testTypes)
	if len(refusals) > 0 {
		t.Fatal(refusals)
	}
	row := func(cells ...string) checked {
		return checker{Layout: with, linkType: "NGGV"}.row(tabular.Row{Line: 2, Cells: cells})
	}
	if c := row("1", "1-4-1970", "m", "Eend", "A", "", "afgewezen", "De geboortedatum is leeg", "Vul hem in", "2101", "TTP"); c.rejected() {
		t.Errorf("a row with errors next to it: %+v", c.findings)
	}
	if c := row("1", "1-4-1970", "m", "Eend", "A", "te veel", "afgewezen", "De geboortedatum is leeg"); !c.shifted {
		t.Error("a row that is too long is not noticed any more")
	}
}
