package value

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"sluis/internal/patient"
)

// NumberFault is why a text is no patient number.
type NumberFault string

// The faults of a patient number.
const (
	NumberEmpty   NumberFault = "empty"
	NumberTooLong NumberFault = "too_long"
	NumberControl NumberFault = "control" // a control character, or no valid UTF-8
)

// Code returns the finding's code of the catalogue.
func (f NumberFault) Code() string {
	switch f {
	case NumberEmpty:
		return "PATIENT_NUMBER_EMPTY"
	case NumberTooLong:
		return "PATIENT_NUMBER_TOO_LONG"
	}
	return "CONTROL_CHARACTER"
}

// Number returns the patient number that the text of a cell is, or the fault for
// which it is none. The number stays text, as the hospital writes it: 0123 is not
// 123. Only what a program put there goes: marks that nobody sees (Visible), and the
// form of a float (WholeNumber).
func Number(text string) (number string, fault NumberFault) {
	text = PlainNumber(text)
	switch {
	case text == "":
		return "", NumberEmpty
	case utf8.RuneCountInString(text) > patient.MaxNumberLength:
		return "", NumberTooLong
	case HasControl(text):
		return "", NumberControl
	}
	return text, ""
}

// NumberDoubt is a reason to think that a patient number is not what its hospital
// uses. It is a warning code of the catalogue.
type NumberDoubt string

// The doubts about a patient number.
const (
	NumberLikeDate   NumberDoubt = "NUMBER_LIKE_DATE"
	NumberScientific NumberDoubt = "NUMBER_SCIENTIFIC" // 1,23E+09: a spreadsheet shortened it
	NumberElevenTest NumberDoubt = "NUMBER_ELEVEN_TEST"
	NumberZerosLost  NumberDoubt = "NUMBER_ZEROS_LOST" // a spreadsheet took its leading zeros
)

// NumberHabits is how a file usually writes its patient numbers.
type NumberHabits struct {
	UsualLength int  // of those that are only digits; 0 if they have none
	Zeros       bool // some begin with a zero
}

// PlainNumber returns the form in which a patient number is kept and searched, as
// Number does, of any text.
func PlainNumber(text string) string {
	number, _ := WholeNumber(Visible(Text(text)))
	return number
}

var scientific = regexp.MustCompile(`^\d(?:[.,]\d+)?[eE]\+?\d+$`)

// madeDate is what Excel makes of numbers such as 3-9 and 3/50 (3-sep, mrt-50), in
// Dutch or English.
var madeDate = regexp.MustCompile(`(?i)^(?:[0-3]?[0-9][-/. ]` + monthWord + `(?:[-/. ](?:[0-9]{2}|[0-9]{4}))?|` +
	monthWord + `[-/. ](?:[0-9]{1,2}|[0-9]{4}))$`)

const monthWord = `(?:jan|feb|mrt|mar|apr|mei|may|jun|jul|aug|sept?|okt|oct|nov|dec)\.?`

var (
	floated = regexp.MustCompile(`^([0-9]+)[.,](0+)$`)
	// rounded is how a spreadsheet shows a number that is too long for its column.
	rounded = regexp.MustCompile(`^[0-9](?:[.,][0-9]{1,5})?E\+[0-9]{2}$`)
)

// roundedPower is the power of ten from which on a spreadsheet rounds what it shows.
const roundedPower = 8

// WholeNumber returns a whole number that a program wrote as a float without that:
// 700100 for 700100.0, 700100,00 and 7.001E5. It returns false, and the text as it
// is, if that is not a float or may not be one. In 700.100 and 700.000 the point may
// part thousands, and a spreadsheet may have rounded 8,56E+09.
func WholeNumber(text string) (number string, floats bool) {
	if text == "" || isNoDigit(rune(text[0])) || isNoDigit(rune(text[len(text)-1])) {
		return text, false
	}
	if m := floated.FindStringSubmatch(text); m != nil {
		if thousands := len(m[2]) == 3 && len(m[1]) <= 3; thousands {
			return text, false
		}
		return m[1], true
	}
	if !strings.ContainsAny(text, "eE") || exponent.FindString(text) != text || strings.ContainsAny(text, " \t") {
		return text, false
	}
	whole, zeros, ok := wholeOf(text)
	if !ok || zeros > 0 && rounded.MatchString(text) && len(whole) > roundedPower {
		return text, false
	}
	return whole, true
}

// Doubts returns the reasons to warn of a number. None of them makes it wrong:
// 07052020 is a patient number too. Numeric is true if the file holds a number
// rather than text, so that leading zeros may be lost.
func (h NumberHabits) Doubts(number string, numeric bool) []NumberDoubt {
	var out []NumberDoubt
	digits := onlyDigits(number)
	switch iso, dated := (Dates{}).Read(number); {
	case dated && iso >= "1900" && iso < "2100" && realDay(iso), !digits && madeDate.MatchString(number):
		out = append(out, NumberLikeDate)
	case !digits && scientific.MatchString(number):
		out = append(out, NumberScientific)
	case LooksLikeBSN(number):
		out = append(out, NumberElevenTest)
	}
	if digits && number[0] != '0' && (len(number) < h.UsualLength || numeric && h.Zeros) {
		out = append(out, NumberZerosLost)
	}
	return out
}

// NumberColumn counts what the patient numbers of one file look like. Its zero
// value has seen none.
type NumberColumn struct {
	numbers, bsns int
	digits        int         // those of only digits
	zeros         int         // those of only digits that begin with a zero
	marked        int         // those with marks that nobody sees
	floats        int         // those that a program wrote as floats
	lengths       map[int]int // of those of only digits
}

// Count adds the text of a cell, as it is written; an empty one does not count.
func (c *NumberColumn) Count(written string) {
	text := Visible(written)
	if text == "" {
		return
	}
	c.numbers++
	if LooksLikeBSN(written) {
		c.bsns++
	}
	if text != written {
		c.marked++
	}
	text, floats := WholeNumber(text)
	if floats {
		c.floats++
	}
	if !onlyDigits(text) {
		return
	}
	if c.lengths == nil {
		c.lengths = map[int]int{}
	}
	c.digits++
	c.lengths[len(text)]++
	if text[0] == '0' {
		c.zeros++
	}
}

// MostlyBSN reports whether the file must be refused because its patient numbers
// are BSNs.
func (c *NumberColumn) MostlyBSN() bool { return MostlyBSN(c.numbers, c.bsns) }

// Marked returns how many numbers had marks that nobody sees, or other blanks than
// plain spaces.
func (c *NumberColumn) Marked() int { return c.marked }

// Floats returns how many numbers a program had written as floats.
func (c *NumberColumn) Floats() int { return c.floats }

// Habits returns how the counted numbers are usually written. A length is usual if
// at least ten numbers are only digits and 80 percent of these have it.
func (c *NumberColumn) Habits() NumberHabits {
	h := NumberHabits{Zeros: c.zeros > 0}
	for length, n := range c.lengths {
		if c.digits >= 10 && n*10 >= c.digits*8 {
			h.UsualLength = length
		}
	}
	return h
}

func realDay(iso string) bool {
	_, err := time.Parse(time.DateOnly, iso)
	return err == nil
}

func onlyDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
