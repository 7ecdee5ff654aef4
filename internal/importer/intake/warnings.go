package intake

import (
	"regexp"
	"strings"
	"time"
	"unicode"

	"sluis/internal/delivery"
	"sluis/internal/patient"
)

// oldAge is the age in years above which a birth date is worth a look.
const oldAge = 105

// numberCensus counts what the patient numbers of a file look like.
type numberCensus struct {
	numbers, bsns int
	digits        int         // those of digits alone
	zeros         int         // those of digits with a zero in front
	lengths       map[int]int // of those of digits
}

func (c *numberCensus) count(n string) {
	if n == "" {
		return
	}
	c.numbers++
	if patient.LooksLikeBSN(n) {
		c.bsns++
	}
	if !allDigits(n) {
		return
	}
	if c.lengths == nil {
		c.lengths = map[int]int{}
	}
	c.digits++
	c.lengths[len(n)]++
	if n[0] == '0' {
		c.zeros++
	}
}

// usualLength is the length that nearly all numbers of the file have; 0 where
// there is none.
func (c *numberCensus) usualLength() int {
	for length, n := range c.lengths {
		if c.digits >= 10 && n*10 >= c.digits*8 {
			return length
		}
	}
	return 0
}

// garbled tells whether a name was written in one encoding and read in another, or
// lost letters that an encoding does not have: "MÃ¼ller", "M?ller".
func garbled(name string) bool {
	first, second := ' ', ' ' // the two characters before
	for _, r := range name {
		switch {
		case strings.ContainsRune("ÃÂÅÄ", second) && (r > 0x7f && !unicode.IsLetter(r) || strings.ContainsRune("ªµºƒ", r)):
			return true
		case second == '?' && unicode.IsLetter(r) && (first == ' ' || unicode.IsLetter(first)):
			return true
		}
		first, second = second, r
	}
	return false
}

var scientific = regexp.MustCompile(`^\d(?:[.,]\d+)?[eE]\+?\d+$`)

// suspect warns of a patient number that may not be what its owner thinks. It
// blocks nothing: `07052020` and `tes` are patient numbers too.
func (k checker) suspect(c *checked, n string, numeric bool) {
	switch iso, dated := (dates{}).read(n); {
	case dated && iso >= "1900" && iso < "2100" && realDate(iso):
		c.warn("NUMBER_LIKE_DATE", delivery.FieldPatientNumber)
	case scientific.MatchString(n):
		c.warn("NUMBER_SCIENTIFIC", delivery.FieldPatientNumber)
	case patient.LooksLikeBSN(n):
		c.warn("NUMBER_ELEVEN_TEST", delivery.FieldPatientNumber)
	}
	if !allDigits(n) || n[0] == '0' {
		return
	}
	if len(n) < k.usualLength || numeric && k.zeros {
		c.warn("NUMBER_ZEROS_LOST", delivery.FieldPatientNumber)
	}
}

// unlikely warns of a birth that may be made up.
func (k checker) unlikely(c *checked, b patient.Birth) {
	if b.IsZero() {
		return
	}
	age := k.today.Year() - b.Year
	if b.HasDay() && (k.today.Month() < time.Month(b.Month) || k.today.Month() == time.Month(b.Month) && k.today.Day() < b.Day) {
		age--
	}
	if age > oldAge {
		c.warn("BIRTH_LONG_AGO", delivery.FieldBirthDate)
	}
	// Where years are kept, a finding must not tell the day.
	if b.HasDay() && !k.yearOnly && b.Month == 1 && b.Day == 1 {
		c.warn("BIRTH_FIRST_JANUARY", delivery.FieldBirthDate)
	}
}

func realDate(iso string) bool {
	_, err := time.Parse(time.DateOnly, iso)
	return err == nil
}

func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
