package value

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestPlainDay: what plainDay and noDate say of a cell is what the regular expressions
// say of it.
func TestPlainDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.StringMatching(`[A-Za-z]?[0-9]{0,4}[-/. Tx]?[0-9]{0,3}[-/. ]?[0-9]{0,5}[Z:]?`).Draw(t, "cell")
		if cell == "" {
			return
		}
		for _, d := range []Dates{{}, {MonthFirst: true}, {YearDayMonth: true}, {Epoch: Epoch1900}} {
			want, dated := d.readAnyway(cell)
			if got, ok := d.Read(cell); got != want || ok != dated {
				t.Fatalf("%+v: %q is %q, %v; the regular expressions say %q, %v", d, cell, got, ok, want, dated)
			}
		}
	})
}

func BenchmarkDates(b *testing.B) {
	for name, cell := range map[string]string{"plain": "31-1-2001", "number": "P000123", "digits": "7001001"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, ok := (Dates{}).Read(strings.Clone(cell)); ok != (name == "plain") {
					b.Fatal("read otherwise")
				}
			}
		})
	}
}
