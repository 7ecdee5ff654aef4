package intake

import (
	"strings"
	"unicode"

	"sluis/internal/value"
)

// shownRunes is how much of a value a sample shows at most.
const shownRunes = 24

// sample makes of a cell what the page on which columns are assigned may show of
// it: a date, a number and a code as they stand, since by these a column is known
// again; of anything else, a name first of all, only the shape. Whether codes are
// shown is the column's to say: an `m` among other letters is an initial.
func sample(cell string, codes bool) string {
	runes := []rune(value.OneLine(cell))
	long := len(runes) > shownRunes
	if long {
		runes = runes[:shownRunes]
	}
	s := string(runes)
	if !telling(s) && (!codes || !value.IsSexWord(s)) {
		s = strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.M, r) {
				return '•'
			}
			return r
		}, s)
	}
	if long {
		s += "…"
	}
	return s
}

// telling tells whether a value is of a kind that is shown.
func telling(s string) bool {
	if _, ok := (value.Dates{}).Read(s); ok {
		return true
	}
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return !value.LooksLikeBSN(s)
}
