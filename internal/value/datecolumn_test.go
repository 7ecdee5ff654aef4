package value_test

import (
	"strings"
	"testing"
	"time"

	"sluis/internal/value"
)

func TestDateColumn(t *testing.T) {
	for name, c := range map[string]struct {
		cells      string
		monthFirst bool
		open       bool
	}{
		"day first":         {"31-1-1970 1-2-1980", false, false},
		"month first":       {"1/31/1970 2/28/1980 3/4/1990", true, false},
		"one slip":          {"1/31/1970 3/4/1990", false, true},
		"both":              {"1/31/1970 2/28/1980 31/3/1990", false, false},
		"open":              {"3-4-1970 5-6-1980", false, true},
		"the same each way": {"3-3-1970 5-5-1980", false, false},
		"year first":        {"1970-03-04", false, false},
		"nothing":           {"", false, false},
	} {
		var d value.DateColumn
		for _, cell := range strings.Fields(c.cells) {
			d.Count(cell)
		}
		if d.MonthFirst() != c.monthFirst || d.Undecided() != c.open {
			t.Errorf("%s: month first %v, open %v; want %v, %v", name, d.MonthFirst(), d.Undecided(), c.monthFirst, c.open)
		}
	}
}

func TestDateColumnsThatProveOrDoubt(t *testing.T) {
	type proof struct{ dayFirst, yearDay, mixed, mustAsk bool }
	for name, c := range map[string]struct {
		cells string
		want  proof
	}{
		"day first":                    {"31-1-1970 30-1-1971 1-2-1980", proof{dayFirst: true}},
		"one day first":                {"31-1-1970 1-2-1980", proof{}},
		"year-day-month":               {"1970-31-01 1971-02-03 1972-13-04", proof{yearDay: true}},
		"the same with slashes":        {"1970/31/1 1972/13/4", proof{yearDay: true}},
		"the same in eight digits":     {"19703101 19721304", proof{yearDay: true}},
		"the same with a time":         {"1970-31-01 00:00:00 1972-13-04T00:00:00Z", proof{yearDay: true}},
		"one year-day-month":           {"1970-31-01 1971-02-03", proof{}},
		"ISO with a slip":              {"1970-31-01 1971-02-13 1972-13-01", proof{}},
		"ISO and year-day-month":       {"1970-31-01 1971-13-02 1972-14-03 1970-01-31 1971-02-13 1972-03-14", proof{mixed: true}},
		"day first and month first":    {"31-1-1970 30-1-1971 29-1-1972 1-31-1970 1-30-1971 1-29-1972", proof{mixed: true}},
		"three slips of many":          {strings.Repeat("31-1-1970 ", 40) + "1-31-1970 1-30-1971 1-29-1972", proof{dayFirst: true}},
		"two slips":                    {"31-1-1970 30-1-1971 29-1-1972 1-31-1970 1-30-1971", proof{}},
		"one month first, others open": {"1/31/1970 3/4/1990", proof{mustAsk: true}},
		"AM and open":                  {"1/3/1970_12:00:00_AM 3/4/1990_12:00_AM", proof{mustAsk: true}},
		"AM and day first":             {"31/3/1970_12:00:00_AM 3/4/1990_12:00_AM", proof{}},
		"a name that ends as AM":       {"1/3/1970 3/4/1990 Abraham Adam", proof{}},
		"ddmmyyyy":                     {"31011970 30011971 20121905", proof{}},
		"zeros":                        {"1954-00-00 0000-00-00 19540000", proof{}},
	} {
		var d value.DateColumn
		for _, cell := range strings.Fields(c.cells) {
			d.Count(strings.ReplaceAll(cell, "_", " "))
		}
		if got := (proof{d.DayFirst(), d.YearDayMonth(), d.Mixed(), d.MustAsk()}); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	d := value.Dates{YearDayMonth: true}
	for cell, want := range map[string]string{"1970-31-01": "1970-01-31", "1970-02-03": "1970-03-02", "19703101": "1970-01-31", "31-1-1970": "1970-01-31"} {
		if got, ok := d.Read(cell); got != want || !ok {
			t.Errorf("%s is %s, want %s", cell, got, want)
		}
	}
}

func TestBareDays(t *testing.T) {
	today := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		cells    string
		epoch    value.Epoch
		unlikely bool
		unnamed  int
		first    int
	}{
		"Excel's days":           {"18264 20000 25000 30000 33000", value.Epoch1900, false, 0, 1950},
		"of 1904":                {"18264 20000 25000 30000 33000", value.Epoch1904, false, 0, 1954},
		"SAS, before 1960":       {"-3652 -2000 -1000 -500 -1", value.Epoch1900, true, 0, 1889},
		"SAS, both sides":        {"-3652 3000 5000 7000 9000", value.Epoch1900, true, 0, 1889},
		"SPSS":                   {"134774 140000 150000 151000 152000", value.Epoch1900, true, 0, 2268},
		"few":                    {"-3652 -2000", value.Epoch1900, false, 0, 1889},
		"in a text file":         {"18264 20000 25000.0 30000 33000", value.NoEpoch, false, 5, 0},
		"few in a text file":     {"18264 20000 25000 30000 1-2-1970", value.NoEpoch, false, 0, 0},
		"strays in a text file":  {"18264 20000 25000 30000 33000 " + strings.Repeat("1-2-1970 ", 20), value.NoEpoch, false, 0, 0},
		"years in a text file":   {"1954 1955 1956 1957 1958", value.NoEpoch, false, 0, 0},
		"ddmmyy in a text file":  {"310180 310181 310182 310183 310184", value.NoEpoch, false, 0, 0},
		"negative, as text":      {"-3652 -2000 -1000 -500 -100", value.NoEpoch, false, 5, 0},
		"eight digits, as dates": {"19500113 19510113 19520113 19530113 19540113", value.Epoch1900, false, 0, 0},
	} {
		var b value.BareDays
		for _, cell := range strings.Fields(c.cells) {
			b.Count(cell, c.epoch, today)
		}
		if b.Unlikely() != c.unlikely || b.Unnamed() != c.unnamed || b.First != c.first {
			t.Errorf("%s: unlikely %v, unnamed %d, from %d", name, b.Unlikely(), b.Unnamed(), b.First)
		}
	}
}

func TestSwappedByExcel(t *testing.T) {
	for name, c := range map[string]struct {
		cells string
		want  bool
	}{
		"English Excel":               {"1950-02-01 1951-12-12 1952-03-04 13-1-1950 14/2/1951 31-3-1952", true},
		"Dutch Excel, American dates": {"1950-02-01 1951-12-12 1952-03-04 1/13/1950 2/14/1951 3/31/1952", true},
		"saved as CSV":                {"2/1/1950 3/4/1951 5/6/1952 13-1-1950 14-2-1951 31-3-1952", true},
		"one late cell":               {"1950-02-01 1951-12-13 1952-03-04 13-1-1950 14-2-1951 31-3-1952", false},
		"an early text":               {"1950-02-01 1951-12-12 1952-03-04 13-1-1950 14-2-1951 31-3-1952 1-2-1953", false},
		"few":                         {"1950-02-01 1951-12-12 13-1-1950 14-2-1951", false},
		"only cells":                  {"1950-02-01 1951-12-12 1952-03-04 1953-03-04", false},
	} {
		var d value.DateColumn
		for _, cell := range strings.Fields(c.cells) {
			d.Count(cell)
		}
		if d.SwappedByExcel() != c.want {
			t.Errorf("%s: swapped %v", name, d.SwappedByExcel())
		}
	}
}

func TestPartialAndTimed(t *testing.T) {
	for _, cell := range strings.Split("1954 1954-07 1954-00-00 00-00-1954 1954-07-00 0-7-1954 19540000 1954xx xx-xx-1954 ??-07-1954 07-1954 jul-54 mei_1950 00000000", " ") {
		if !(value.Dates{}).IsPartial(strings.ReplaceAll(cell, "_", " ")) {
			t.Errorf("%q is not partial", cell)
		}
	}
	for _, cell := range strings.Split("1954-07-01 1-7-1954 31-2-1978 1950-13-01 1950-30-01 abcd foo-1950 onbekend 10-10-2000 20001010 2000-10-10 1-10-1900", " ") {
		if (value.Dates{}).IsPartial(cell) {
			t.Errorf("%q is partial", cell)
		}
	}
	in1900 := value.Dates{Epoch: value.Epoch1900}
	if !in1900.IsPartial("1954") || in1900.IsPartial("9500") || in1900.IsPartial("18264") {
		t.Error("a year and a day number are confused")
	}
	for cell, want := range map[string]bool{
		"1954-07-01 23:59:12": true, "1-7-1954 0:01": true, "1954-07-01T22:00:00": true, "7/1/1954 11:59:59 PM": true,
		"1954-07-01": false, "12:30": false, "foo 12:30": false,
	} {
		if (value.Dates{}).HasTime(cell) != want {
			t.Errorf("%q: time %v", cell, !want)
		}
	}
}

func TestSexColumn(t *testing.T) {
	for cells, want := range map[string]bool{"0 1 1": true, "0 1 2": false, "1 1": false, "0 1 9": true, "0 0": false, "m 0 1": false, "": false} {
		var c value.SexColumn
		for _, cell := range strings.Fields(cells) {
			c.Count(cell)
		}
		if c.ZeroOrOne() != want {
			t.Errorf("%q: %v", cells, !want)
		}
	}
}
