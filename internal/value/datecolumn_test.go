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
