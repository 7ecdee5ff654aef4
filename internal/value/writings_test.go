package value_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"sluis/internal/value"
	"sluis/internal/value/valuetest"
)

// TestAnyWritingOfABSN: nine digits are a BSN in whatever way they are written.
func TestAnyWritingOfABSN(t *testing.T) {
	cases, failures := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		cases++
		written := valuetest.BSN(t, rapid.SampledFrom(valuetest.BSNs).Draw(t, "bsn"))
		if !value.LooksLikeBSN(written) {
			failures++
			t.Errorf("%q is a BSN", written)
		}
	})
	t.Logf("%d writings, %d failures", cases, failures)
}

// TestAnyWritingOfANumber: what a program put into a number does not make another one.
func TestAnyWritingOfANumber(t *testing.T) {
	cases, failures := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		cases++
		digits := fmt.Sprintf("%d", rapid.IntRange(1_000, 9_999_999).Draw(t, "number"))
		written := valuetest.Number(t, digits)
		number, fault := value.Number(value.Text(written))
		if number != digits || fault != "" || value.PlainNumber(written) != digits {
			failures++
			t.Errorf("%q: %q, fault %q, want %s", written, number, fault, digits)
		}
	})
	t.Logf("%d writings, %d failures", cases, failures)
	for written, want := range map[string]string{
		"0123": "0123", "0123.0": "0123", "700.100": "700.100", "700.000": "700.000", "12.5": "12.5", "8,56E+09": "8,56E+09",
		"1e5": "100000", "1E-1": "1E-1",
		"12E": "12E", "A1.0": "A1.0", "1.0.0": "1.0.0", "1e300": "1e300", "700\u00a0142": "700 142", ".0": ".0", "E5": "E5", "": "",
	} {
		if got := value.PlainNumber(written); got != want {
			t.Errorf("%q: %q, want %q", written, got, want)
		}
	}
}
