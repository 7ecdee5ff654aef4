package value

import (
	"strings"

	"sluis/internal/patient"
)

// Sex reads the codes that are in use. Any other cell is patient.SexUnknown, and
// goes to the TTP as it is written.
func Sex(cell string) patient.Sex {
	switch strings.ToLower(cell) {
	case "m", "man", "mannelijk", "male", "1":
		return patient.Male
	case "v", "vrouw", "vrouwelijk", "f", "female", "2":
		return patient.Female
	}
	return patient.SexUnknown
}

// IsSexWord reports whether a cell is a word or letter for a sex, known or
// unknown, by which a column of sexes is recognised. Digits are not: they are in
// other columns too.
func IsSexWord(cell string) bool {
	switch strings.ToLower(cell) {
	case "m", "v", "f", "man", "vrouw", "mannelijk", "vrouwelijk", "male", "female", "onbekend", "unknown", "other", "u", "o", "x":
		return true
	}
	return false
}
