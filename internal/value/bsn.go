package value

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Patient numbers are taken for BSNs if there are at least bsnRows of them and
// bsnShare percent look like one (product.md, "BSN is forbidden").
const (
	bsnRows  = 10
	bsnShare = 90
)

// MostlyBSN reports whether a file must be refused that has so many patient
// numbers, of which so many look like a BSN.
func MostlyBSN(numbers, bsns int) bool { return numbers >= bsnRows && bsns*100 >= numbers*bsnShare }

// LooksLikeBSN reports whether a text has nine digits that pass the 11-proef, the
// check of a BSN, however they are written: 100023757, 1000.23.757, 100,023,757,
// 100023757.0, 1.00023757E8, "BSN: 100023757", with blanks or unseen marks, or in
// the digits of another script. Eight digits count as nine that lost their leading
// zero, and more than nine as nine if only zeros come before these.
func LooksLikeBSN(text string) bool {
	if len(text) < 8 {
		return false
	}
	for _, part := range strings.FieldsFunc(expand(latin(text)), isWord) {
		joined := digitsOf(part)
		if passes(joined) || passes(digitsOf(withoutZeroFraction(part))) {
			return true
		}
		for _, run := range strings.FieldsFunc(part, isNoDigit) {
			if len(run) == 9 && len(joined) > 9 && passes(run) {
				return true
			}
		}
	}
	return false
}

// latin returns a text without its unseen marks, in plain letters and in the digits
// 0 to 9: also the wide, raised and circled ones, and those of other scripts.
func latin(s string) string {
	if isASCII(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if unseen(r) {
			return -1
		}
		if d, ok := digit(r); ok {
			return '0' + d
		}
		return r
	}, norm.NFKC.String(s))
}

// digit returns the value of a decimal digit of any script. Unicode has the ten digits of a
// script in a row, from zero up.
func digit(r rune) (rune, bool) {
	if r < utf8.RuneSelf {
		return r - '0', r >= '0' && r <= '9'
	}
	for _, x := range unicode.Nd.R16 {
		if rune(x.Lo) <= r && r <= rune(x.Hi) {
			return (r - rune(x.Lo)) % 10, true
		}
	}
	for _, x := range unicode.Nd.R32 {
		if rune(x.Lo) <= r && r <= rune(x.Hi) {
			return (r - rune(x.Lo)) % 10, true
		}
	}
	return 0, false
}

// isWord reports whether r is a letter. Words around the digits of a BSN say nothing,
// but digits with a letter in between are two numbers.
func isWord(r rune) bool { return unicode.IsLetter(r) }

func isNoDigit(r rune) bool { return r < '0' || r > '9' }

// digitsOf returns the digits of s without what is between them.
func digitsOf(s string) string {
	if onlyDigits(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if isNoDigit(r) {
			return -1
		}
		return r
	}, s)
}

var (
	zeroFraction = regexp.MustCompile(`[.,]\s*0[\s0]*[^0-9]*$`)
	exponent     = regexp.MustCompile(`[0-9]+(?:[.,][0-9]*)?\s*[eE]\s*[+-]?[0-9]+`)
)

// withoutZeroFraction returns s without a fraction of zeros at its end.
func withoutZeroFraction(s string) string {
	if at := zeroFraction.FindStringIndex(s); at != nil {
		return s[:at[0]]
	}
	return s
}

// expand writes the whole numbers in s that have an exponent without it.
func expand(s string) string {
	if !strings.ContainsAny(s, "eE") {
		return s
	}
	return exponent.ReplaceAllStringFunc(s, func(number string) string {
		if whole, _, ok := wholeOf(number); ok {
			return whole
		}
		return number
	})
}

// wholeOf returns the digits of a decimal number with an exponent, such as
// 1.00023757E8, and the number of zeros that it put behind those that were written.
// It returns false if the number is not whole, or too long.
func wholeOf(number string) (whole string, zeros int, ok bool) {
	i := strings.IndexAny(number, "eE")
	if i < 0 {
		return "", 0, false
	}
	power, err := strconv.Atoi(strings.TrimPrefix(strings.TrimSpace(number[i+1:]), "+"))
	if err != nil || power > maxPower || power < -maxPower {
		return "", 0, false
	}
	before, fraction, _ := strings.Cut(strings.Replace(strings.TrimSpace(number[:i]), ",", ".", 1), ".")
	if before == "" || !onlyDigits(before+fraction) {
		return "", 0, false
	}
	point := len(before) + power
	digits := before + fraction
	switch zeros = point - len(digits); {
	case zeros >= 0:
		digits += strings.Repeat("0", zeros)
	case point <= 0 || strings.Trim(digits[point:], "0") != "":
		return "", 0, false
	default:
		digits, zeros = digits[:point], 0
	}
	if whole = strings.TrimLeft(digits, "0"); whole == "" {
		whole = "0"
	}
	return whole, zeros, true
}

// maxPower is the greatest power of ten that a patient number can have.
const maxPower = 30

// passes reports whether digits pass the 11-proef.
func passes(digits string) bool {
	if len(digits) > 9 {
		digits = strings.TrimLeft(digits[:len(digits)-9], "0") + digits[len(digits)-9:]
	}
	if len(digits) == 8 {
		digits = "0" + digits
	}
	if len(digits) != 9 || digits == "000000000" {
		return false
	}
	sum := 0
	for i, c := range []byte(digits) {
		weight := 9 - i
		if i == 8 {
			weight = -1
		}
		sum += weight * int(c-'0')
	}
	return sum%11 == 0
}
