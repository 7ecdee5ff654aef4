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

// Number returns the patient number that the text of a cell is, or the fault for
// which it is none. The number stays text, as the hospital writes it.
func Number(text string) (number string, fault NumberFault) {
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

var scientific = regexp.MustCompile(`^\d(?:[.,]\d+)?[eE]\+?\d+$`)

// Doubts returns the reasons to warn of a number. None of them makes it wrong:
// 07052020 is a patient number too. Numeric is true if the file holds a number
// rather than text, so that leading zeros may be lost.
func (h NumberHabits) Doubts(number string, numeric bool) []NumberDoubt {
	var out []NumberDoubt
	switch iso, dated := (Dates{}).Read(number); {
	case dated && iso >= "1900" && iso < "2100" && realDay(iso):
		out = append(out, NumberLikeDate)
	case scientific.MatchString(number):
		out = append(out, NumberScientific)
	case LooksLikeBSN(number):
		out = append(out, NumberElevenTest)
	}
	if onlyDigits(number) && number[0] != '0' && (len(number) < h.UsualLength || numeric && h.Zeros) {
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
	lengths       map[int]int // of those of only digits
}

// Count adds the text of a cell; an empty one does not count.
func (c *NumberColumn) Count(text string) {
	if text == "" {
		return
	}
	c.numbers++
	if LooksLikeBSN(text) {
		c.bsns++
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

// Patient numbers are taken for BSNs if there are at least bsnRows of them and
// bsnShare percent pass the 11-proef (product.md, "BSN is forbidden").
const (
	bsnRows  = 10
	bsnShare = 90
)

// MostlyBSN reports whether a file must be refused that has so many patient
// numbers, of which so many look like a BSN.
func MostlyBSN(numbers, bsns int) bool { return numbers >= bsnRows && bsns*100 >= numbers*bsnShare }

// separators are what people write between the digits of a BSN.
var separators = strings.NewReplacer(" ", "", ".", "", "-", "")

// LooksLikeBSN reports whether a number passes the 11-proef, the check on the nine
// digits of a BSN. Eight digits count as nine that lost their leading zero.
func LooksLikeBSN(number string) bool {
	number = separators.Replace(number)
	if len(number) == 8 {
		number = "0" + number
	}
	if len(number) != 9 || number == "000000000" {
		return false
	}
	sum := 0
	for i, c := range []byte(number) {
		if c < '0' || c > '9' {
			return false
		}
		weight := 9 - i
		if i == 8 {
			weight = -1
		}
		sum += weight * int(c-'0')
	}
	return sum%11 == 0
}

func realDay(iso string) bool {
	_, err := time.Parse(time.DateOnly, iso)
	return err == nil
}

func onlyDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
