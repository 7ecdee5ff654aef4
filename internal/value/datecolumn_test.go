package value_test

import (
	"strings"
	"testing"

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
