// Package valuetest generates the ways in which people and programs write patient
// numbers, for property tests at every door: files, datasets, the old table, the form.
package valuetest

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// BSNs are twelve numbers that pass the 11-proef.
var BSNs = strings.Fields("100023757 100039595 100126704 100174218 100372193 100419707 100475140 " +
	"100601844 100617682 100665196 100752305 100768143")

// marks are those that nobody sees.
var marks = []string{
	"", "\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\u202a", "\u202e",
	"\u2060", "\u2064", "\u2066", "\u2069", "\u00ad", "\ufeff",
}

// between are what people put between digits.
var between = slices.Concat([]string{"", " ", ".", "-", ",", "\u00a0", "\u202f", "\u2007", "\u2009", "_", "/", "'"}, marks)

// zeros are the zeros of several scripts. The other digits follow them.
var zeros = []rune{'0', '٠', '۰', '०', '০', '０', '𝟎'}

// BSN draws a way of writing a BSN: with marks, blanks, digits of another script, a
// fraction of zeros, an exponent, or words around it.
func BSN(t *rapid.T, bsn string) string {
	tail := rapid.SampledFrom([]string{"", "", ".0", ",0", ",00", ".000"}).Draw(t, "tail")
	separate := rapid.SampledFrom(between)
	zero := rapid.SampledFrom(zeros).Draw(t, "zero")
	mixed := rapid.Bool().Draw(t, "several scripts")
	var out strings.Builder
	out.WriteString(rapid.SampledFrom([]string{"", "", "BSN", "BSN: ", "bsn nr. ", "'", "NL ", "000"}).Draw(t, "before"))
	if rapid.Bool().Draw(t, "exponent") {
		point := rapid.SampledFrom([]string{".", ","}).Draw(t, "point")
		fmt.Fprintf(&out, "%s%s%s%s8", bsn[:1], point, bsn[1:], rapid.SampledFrom([]string{"E", "e+", "E+0"}).Draw(t, "e"))
	} else {
		for _, d := range bsn {
			if mixed {
				zero = rapid.SampledFrom(zeros).Draw(t, "zero")
			}
			out.WriteRune(zero + d - '0')
			out.WriteString(separate.Draw(t, "between"))
		}
		out.WriteString(tail)
	}
	out.WriteString(rapid.SampledFrom(append([]string{" (BSN)", " "}, marks...)).Draw(t, "behind"))
	return out.String()
}

// Number draws a way of writing the digits of a plain patient number: as a program's
// float or with an exponent, with marks that nobody sees, and with blanks around it.
func Number(t *rapid.T, digits string) string {
	written := digits
	switch rapid.IntRange(0, 2).Draw(t, "form") {
	case 0:
		written += rapid.SampledFrom([]string{".0", ",0", ".00", ",00", ".000000"}).Draw(t, "fraction")
	case 1:
		e := rapid.SampledFrom([]string{"E", "e+"}).Draw(t, "e")
		written = fmt.Sprintf("%s.%s%s%d", digits[:1], digits[1:], e, len(digits)-1)
	}
	var out strings.Builder
	out.WriteString(rapid.SampledFrom([]string{"", " ", "\u00a0", "\t"}).Draw(t, "before"))
	for _, c := range written {
		out.WriteString(rapid.SampledFrom(marks).Draw(t, "mark"))
		out.WriteRune(c)
	}
	out.WriteString(rapid.SampledFrom([]string{"", " ", "\u2009", "\u200b \u200b"}).Draw(t, "behind"))
	return out.String()
}
