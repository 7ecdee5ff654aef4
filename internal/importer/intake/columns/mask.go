package columns

import (
	"slices"
	"strings"
	"unicode"

	"sluis/internal/value"
)

// shownRunes is how much of a value a sample shows at most.
const shownRunes = 24

// sample returns what the page on which columns are assigned may show of a cell. It
// shows dates and plain numbers as they are, since they help to recognise a column;
// of anything else, a name first of all, it shows only the shape. With codes, it also
// shows a code for a sex: the whole column must be such codes, because among other
// letters an "m" is an initial.
func sample(cell string, codes bool) string {
	runes := []rune(value.OneLine(cell))
	long := len(runes) > shownRunes
	if long {
		runes = runes[:shownRunes]
	}
	s := string(runes)
	if !showable(s) && (!codes || !value.IsSexWord(s)) {
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

// showable reports whether a value says nothing of who somebody is: a date, or
// digits that are no BSN.
func showable(s string) bool {
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

// masked returns the first n cells of a row: as they are if the row can be a header,
// and otherwise only the shape of each.
func masked(cells []string, n int) []string {
	header := !slices.ContainsFunc(cells, func(c string) bool { return c != "" && (showable(value.OneLine(c)) || value.IsSexWord(c)) })
	out := make([]string, 0, n)
	for _, c := range cells {
		if len(out) == n {
			break
		}
		if c = value.OneLine(c); !header {
			c = sample(c, false)
		} else if r := []rune(c); len(r) > 2*shownRunes {
			c = string(r[:2*shownRunes]) + "…"
		}
		out = append(out, c)
	}
	return out
}
