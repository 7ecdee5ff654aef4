package value_test

import (
	"fmt"
	"testing"

	"sluis/internal/value"
)

func TestLooksLikeBSN(t *testing.T) {
	for _, n := range []string{"111222333", "123456782", "010464554", "10464554", "111 222 333", "1112.22.333"} {
		if !value.LooksLikeBSN(n) {
			t.Errorf("%s passes the 11-proef", n)
		}
	}
	for _, n := range []string{"", "111222334", "000000000", "00000000", "1234567", "12345678a", "1112223330", "111 222 334", "é1222333"} {
		if value.LooksLikeBSN(n) {
			t.Errorf("%s does not pass the 11-proef", n)
		}
	}
	// Of all numbers one in eleven passes.
	n := 0
	for i := range 110_000 {
		if value.LooksLikeBSN(fmt.Sprintf("%09d", 100_000_000+i)) {
			n++
		}
	}
	if n != 10_000 {
		t.Errorf("%d of 110,000 numbers pass, want 10,000", n)
	}
}

func TestMostlyBSN(t *testing.T) {
	for _, c := range []struct {
		numbers, bsns int
		want          bool
	}{{0, 0, false}, {9, 9, false}, {10, 8, false}, {10, 9, true}, {10, 10, true}, {1000, 899, false}, {1000, 900, true}} {
		if got := value.MostlyBSN(c.numbers, c.bsns); got != c.want {
			t.Errorf("%d of %d: %v", c.bsns, c.numbers, got)
		}
	}
}
