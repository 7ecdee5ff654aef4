package value

import (
	"strings"
	"testing"
)

func TestNumberColumn(t *testing.T) {
	var c NumberColumn
	for _, n := range strings.Fields("0012345 0012346 1234567 7654321 0000001 2345678 3456789 4567890 5678901 12345 tes") {
		c.Count(n)
	}
	if c.Habits() != (NumberHabits{UsualLength: 7, Zeros: true}) || c.zeros != 3 || c.numbers != 11 || c.bsns != 0 {
		t.Errorf("%+v, habits %+v", c, c.Habits())
	}
	var pilot NumberColumn // numbers of many lengths have no usual one
	for _, n := range strings.Fields("1 22 333 4444 55555 666666 7777777 88888888 12 13 14 155") {
		pilot.Count(n)
	}
	if n := pilot.Habits().UsualLength; n != 0 {
		t.Errorf("no usual length, but %d", n)
	}
}

func TestNumber(t *testing.T) {
	long := strings.Repeat("é", 64)
	for text, want := range map[string]NumberFault{
		"": NumberEmpty, "0123": "", "A-12.3": "", long: "", long + "n": NumberTooLong, "1\x00": NumberControl, "\xff": NumberControl,
	} {
		number, fault := Number(text)
		if fault != want || fault == "" && number != text || fault != "" && number != "" {
			t.Errorf("%q: %q, fault %q, want %q", text, number, fault, want)
		}
	}
}
