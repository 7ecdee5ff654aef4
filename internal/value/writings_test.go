package value_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluis/internal/value"
)

var bsns = strings.Fields("100023757 100039595 100126704 100174218 100372193 100419707 100475140 100601844 100617682 100665196 100752305 100768143")

// marks are those that nobody sees.
var marks = []string{"", "\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\u202a", "\u202e", "\u2060", "\u2064", "\u2066", "\u2069", "\u00ad", "\ufeff"}

// TestAnyWritingOfABSN: nine digits are a BSN in whatever way they are written.
func TestAnyWritingOfABSN(t *testing.T) {
	cases := 0
	between := append([]string{"", " ", ".", "-", ",", "\u00a0", "\u202f", "\u2007", "\u2009", "_", "/", "'"}, marks...)
	rapid.Check(t, func(t *rapid.T) {
		cases++
		bsn := rapid.SampledFrom(bsns).Draw(t, "bsn")
		tail := rapid.SampledFrom([]string{"", "", ".0", ",0", ",00", ".000"}).Draw(t, "tail")
		separate := rapid.SampledFrom(between)
		zero := rapid.SampledFrom([]rune{'0', '٠', '۰', '०', '０', '𝟎'}).Draw(t, "zero")
		var out strings.Builder
		out.WriteString(rapid.SampledFrom([]string{"", "", "BSN", "BSN: ", "bsn nr. ", "'", "NL ", "000"}).Draw(t, "before"))
		if rapid.Bool().Draw(t, "exponent") {
			fmt.Fprintf(&out, "%s%s%s%s8", bsn[:1], rapid.SampledFrom([]string{".", ","}).Draw(t, "point"), bsn[1:], rapid.SampledFrom([]string{"E", "e+", "E+0"}).Draw(t, "e"))
		} else {
			for _, d := range bsn {
				out.WriteRune(zero + d - '0')
				out.WriteString(separate.Draw(t, "between"))
			}
			out.WriteString(tail)
		}
		out.WriteString(rapid.SampledFrom(append([]string{" (BSN)", " "}, marks...)).Draw(t, "behind"))
		if !value.LooksLikeBSN(out.String()) {
			t.Errorf("%q is a BSN", out.String())
		}
	})
	t.Logf("%d writings", cases)
}

// TestAnyWritingOfANumber: what a program put into a number does not make another one.
func TestAnyWritingOfANumber(t *testing.T) {
	cases := 0
	rapid.Check(t, func(t *rapid.T) {
		cases++
		digits := fmt.Sprintf("%d", rapid.IntRange(1_000, 9_999_999).Draw(t, "number"))
		written := digits
		switch rapid.IntRange(0, 2).Draw(t, "form") {
		case 0:
			written += rapid.SampledFrom([]string{".0", ",0", ".00", ",00", ".000000"}).Draw(t, "fraction")
		case 1:
			written = fmt.Sprintf("%s.%s%s%d", digits[:1], digits[1:], rapid.SampledFrom([]string{"E", "e+"}).Draw(t, "e"), len(digits)-1)
		}
		var out strings.Builder
		out.WriteString(rapid.SampledFrom([]string{"", " ", "\u00a0", "\t"}).Draw(t, "before"))
		for _, c := range written {
			out.WriteString(rapid.SampledFrom(marks).Draw(t, "mark"))
			out.WriteRune(c)
		}
		out.WriteString(rapid.SampledFrom([]string{"", " ", "\u2009", "\u200b \u200b"}).Draw(t, "behind"))
		number, fault := value.Number(value.Text(out.String()))
		if number != digits || fault != "" || value.PlainNumber(out.String()) != digits {
			t.Errorf("%q: %q, fault %q, want %s", out.String(), number, fault, digits)
		}
	})
	t.Logf("%d writings", cases)
	for written, want := range map[string]string{
		"0123": "0123", "0123.0": "0123", "700.100": "700.100", "700.000": "700.000", "12.5": "12.5", "8,56E+09": "8,56E+09", "1e5": "100000", "1E-1": "1E-1",
		"12E": "12E", "A1.0": "A1.0", "1.0.0": "1.0.0", "1e300": "1e300", "700\u00a0142": "700 142", ".0": ".0", "E5": "E5", "": "",
	} {
		if got := value.PlainNumber(written); got != want {
			t.Errorf("%q: %q, want %q", written, got, want)
		}
	}
}
