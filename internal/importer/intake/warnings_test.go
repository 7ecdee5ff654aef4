package intake

import (
	"slices"
	"testing"
	"time"

	"sluis/internal/importer/intake/tabular"
	"sluis/internal/patient"
	"sluis/internal/value"
)

// TestWarnings checks that a value that may be wrong has a warning, and is not rejected.
func TestWarnings(t *testing.T) {
	k := newChecker(t, "Patiëntnummer;Geboortedatum;Geslacht;Achternaam;Voorletters")
	k.today = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for row, want := range map[string][]string{
		"07052020;2-3-1970;m;J;A":   {"NUMBER_LIKE_DATE patientNumber"},
		"11032022;2-3-1970;m;J;A":   {"NUMBER_LIKE_DATE patientNumber"},
		"2020-05-07;2-3-1970;m;J;A": {"NUMBER_LIKE_DATE patientNumber"},
		"99999999;2-3-1970;m;J;A":   nil,
		"8,56E+09;2-3-1970;m;J;A":   {"NUMBER_SCIENTIFIC patientNumber"},
		"111222333;2-3-1970;m;J;A":  {"NUMBER_ELEVEN_TEST patientNumber"},
		"111222334;2-3-1970;m;J;A":  nil,
		"tes;2-3-1970;m;J;A":        nil,
		"1;2-3-1970;m;MÃ¼ller;A":    {"NAME_GARBLED surname"},
		"1;2-3-1970;m;M?ller;?.":    {"NAME_GARBLED surname"},
		"1;22-11-1920;m;J;A":        {"BIRTH_LONG_AGO birthDate"},
		"1;24-11-1920;m;J;A":        nil, // 105 until tomorrow
		"1;1-1-1970;m;J;A":          {"BIRTH_FIRST_JANUARY birthDate"},
		"1;1-1-1910;m;J;A":          {"BIRTH_LONG_AGO birthDate", "BIRTH_FIRST_JANUARY birthDate"},
	} {
		c, got := codes(t, k, row)
		if !slices.Equal(got, want) || c.rejected() {
			t.Errorf("%s: %q, rejected %v, want %q", row, got, c.rejected(), want)
		}
	}
	k.yearOnly = true // then no finding may reveal the day
	if _, got := codes(t, k, "1;1-1-1970;m;J;A"); len(got) > 0 {
		t.Errorf("where years are kept: %q", got)
	}
}

func TestLostZeros(t *testing.T) {
	k := newChecker(t, "Patiëntnummer;Geboortedatum;Geslacht;Achternaam;Voorletters")
	k.habits = value.NumberHabits{UsualLength: 7, Zeros: true}
	for _, x := range []struct {
		number  string
		numeric bool
		want    bool
	}{{"12345", false, true}, {"0012345", false, false}, {"1234567", false, false}, {"1234567", true, true}, {"tes", false, false},
		{"12a", true, false}} {
		got := k.row(tabular.Row{Line: 2, Cells: []string{x.number, "2-3-1970", "m", "J", "A"},
			Numeric: []bool{x.numeric, false, false, false, false}})
		warned := slices.ContainsFunc(got.findings, func(f patient.Finding) bool { return f.Code == "NUMBER_ZEROS_LOST" })
		if warned != x.want {
			t.Errorf("%s, a number cell %v: warned %v", x.number, x.numeric, warned)
		}
	}
}
