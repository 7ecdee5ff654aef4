package intake

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sluis/internal/delivery"
	"sluis/internal/importer/intake/tabular"
	"sluis/internal/patient"
)

// TestWarnings: what may be wrong is said, and blocks nothing.
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
	k.yearOnly = true // then no finding may tell the day
	if _, got := codes(t, k, "1;1-1-1970;m;J;A"); len(got) > 0 {
		t.Errorf("where years are kept: %q", got)
	}
}

func TestGarbled(t *testing.T) {
	for name, want := range map[string]bool{
		"": false, "Müller": false, "João": false, "SÃO": false, "Åberg": false, "Ångström–Ä": false, "?": false, "A.?": false, "Jansen?": false, "\xff": false, "Ã": false,
		"MÃ¼ller": true, "JosÃ©": true, "Ã–zil": true, "BjÃ¸rn": true, "Ã…berg": true, "MÃƒÂ¼ller": true, "?zil": true, "M?ller": true, "van ?zil": true, "DesirÃ\u00a0": true,
	} {
		if garbled(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}

func TestLostZeros(t *testing.T) {
	var c numberCensus
	for _, n := range strings.Fields("0012345 0012346 1234567 7654321 0000001 2345678 3456789 4567890 5678901 12345 tes") {
		c.count(n)
	}
	if c.usualLength() != 7 || c.zeros != 3 || c.numbers != 11 || c.bsns != 0 {
		t.Errorf("%+v, usual length %d", c, c.usualLength())
	}
	k := newChecker(t, "Patiëntnummer;Geboortedatum;Geslacht;Achternaam;Voorletters")
	k.usualLength, k.zeros = 7, true
	for _, x := range []struct {
		number  string
		numeric bool
		want    bool
	}{{"12345", false, true}, {"0012345", false, false}, {"1234567", false, false}, {"1234567", true, true}, {"tes", false, false}, {"12a", true, false}} {
		got := k.row(tabular.Row{Line: 2, Cells: []string{x.number, "2-3-1970", "m", "J", "A"}, Numeric: []bool{x.numeric, false, false, false, false}})
		warned := slices.ContainsFunc(got.findings, func(f patient.Finding) bool { return f.Code == "NUMBER_ZEROS_LOST" })
		if warned != x.want {
			t.Errorf("%s, a number cell %v: warned %v", x.number, x.numeric, warned)
		}
	}
	var pilot numberCensus // numbers of many lengths say nothing
	for _, n := range strings.Fields("1 22 333 4444 55555 666666 7777777 88888888 12 13 14 155") {
		pilot.count(n)
	}
	if pilot.usualLength() != 0 {
		t.Errorf("no usual length, but %d", pilot.usualLength())
	}
}

func TestDateOrder(t *testing.T) {
	for name, c := range map[string]struct {
		cells string
		order delivery.DateOrder
		open  bool
	}{
		"day first":         {"31-1-1970 1-2-1980", delivery.DayFirst, false},
		"month first":       {"1/31/1970 2/28/1980 3/4/1990", delivery.MonthFirst, false},
		"one slip":          {"1/31/1970 3/4/1990", delivery.DayFirst, true},
		"both":              {"1/31/1970 2/28/1980 31/3/1990", delivery.DayFirst, false},
		"open":              {"3-4-1970 5-6-1980", delivery.DayFirst, true},
		"the same each way": {"3-3-1970 5-5-1980", delivery.DayFirst, false},
		"year first":        {"1970-03-04", delivery.DayFirst, false},
		"nothing":           {"", delivery.DayFirst, false},
	} {
		var d dateCensus
		for _, cell := range strings.Fields(c.cells) {
			d.count(cell)
		}
		if d.order() != c.order || d.undecided() != c.open {
			t.Errorf("%s: %s, open %v; want %s, %v", name, d.order(), d.undecided(), c.order, c.open)
		}
	}
}

func TestMoreDates(t *testing.T) {
	serials, months := dates{epoch: tabular.Epoch1900}, dates{order: delivery.MonthFirst}
	for _, c := range []struct {
		d        dates
		in, want string
	}{
		{serials, "36892", "2001-01-01"}, {serials, "36892.0", "2001-01-01"}, {dates{epoch: tabular.Epoch1904}, "35430", "2001-01-01"},
		{months, "1/31/2001", "2001-01-31"}, {months, "2001-01-31", "2001-01-31"}, {months, "01312001", "2001-01-31"},
		{dates{}, "31012001", "2001-01-31"}, {dates{}, "20010131", "2001-01-31"}, {dates{}, "1 januari 2001", "2001-01-01"}, {dates{}, "1-mrt-2001", "2001-03-01"},
		{dates{}, "12 Oct. 2001", "2001-10-12"}, {dates{}, "36892", ""}, {dates{}, "1 foo 2001", ""}, {serials, "60", ""},
	} {
		if got, ok := c.d.read(c.in); got != c.want || ok != (c.want != "") {
			t.Errorf("%q: %q %v, want %q", c.in, got, ok, c.want)
		}
	}
}

// TestSampleHidesNames: of a cell that may be a name, only the shape is shown.
func TestSampleHidesNames(t *testing.T) {
	for in, want := range map[string]string{
		"Jansen": "••••••", "van den Berg": "••• ••• ••••", "1234AB": "••••••", "a@b.nl": "•@•.••", "Müller": "••••••", "m": "•",
		"0123": "0123", "31-1-2001": "31-1-2001", "111222333": "•••••••••", "": "", "12 a": "•• •", strings.Repeat("x", 30): strings.Repeat("•", 24) + "…",
	} {
		if got := sample(in, false); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
	if got := sample("V", true); got != "V" {
		t.Errorf("a code is shown as %q", got)
	}
}
