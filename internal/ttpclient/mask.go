package ttpclient

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	masked = "[…]"
	// shortestMasked is the length from which a word is masked. Shorter ones are
	// mostly ordinary words of the sentence.
	shortestMasked = 4
	// shortestName is the same for words of the surname: Bos is a name.
	shortestName = 2
	// longestMessage is the number of characters kept of an unknown text, and
	// longestRead of how many they are looked for.
	longestMessage = 300
	longestRead    = 3000
)

// particles are never masked: they are in half of all names and in every Dutch
// sentence.
var particles = map[string]bool{
	"de": true, "den": true, "der": true, "van": true, "het": true, "te": true, "ten": true, "ter": true,
	"in": true, "op": true, "is": true, "en": true, "of": true, "een": true,
}

// mask removes from a text of the TTP whatever was sent in rows. It is for texts that
// are not in the contract: a TTP that echoes a name must not bring it into a report.
// The rows are all those that were sent together, because the TTP may say of one row
// that it is like another ("zie ook Jansen").
type mask struct {
	whole   map[string]bool // values as they were sent, and dates in other notations
	words   map[string]bool // folded; a word of the text is masked if it equals one
	parts   map[string]bool // folded; a word of the text is masked if it contains one
	longest int             // characters of the longest of parts
	replace *strings.Replacer
}

func newMask(rows ...Row) *mask {
	m := &mask{whole: map[string]bool{}, words: map[string]bool{}, parts: map[string]bool{}}
	for _, r := range rows {
		names, others := r.sentTexts()
		for _, s := range names {
			m.add(s, shortestName)
		}
		for _, s := range others {
			m.add(s, shortestMasked)
		}
	}
	// The longest first: of 1234 and 1234AB the second is masked whole.
	whole := slices.SortedFunc(maps.Keys(m.whole), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	pairs := make([]string, 0, 2*len(whole))
	for _, s := range whole {
		pairs = append(pairs, s, masked)
	}
	m.replace = strings.NewReplacer(pairs...)
	return m
}

func (m *mask) add(s string, shortest int) {
	if utf8.RuneCountInString(s) >= shortestMasked {
		m.whole[s] = true
	}
	if y, rest, ok := strings.Cut(s, "-"); ok && len(s) == len("2001-01-31") {
		month, day, _ := strings.Cut(rest, "-")
		short := strings.TrimPrefix(day, "0") + "-" + strings.TrimPrefix(month, "0") + "-" + y
		long := day + "-" + month + "-" + y
		for _, date := range []string{long, short} {
			m.whole[date], m.whole[strings.ReplaceAll(date, "-", "/")], m.whole[strings.ReplaceAll(date, "-", ".")] = true, true, true
		}
	}
	var joined strings.Builder
	for _, w := range words(s) {
		joined.WriteString(w)
		m.word(w, shortest)
	}
	m.word(joined.String(), shortest) // Van den Berg, echoed as VANDENBERG
}

func (m *mask) word(w string, shortest int) {
	switch n := utf8.RuneCountInString(w); {
	case n >= shortestMasked:
		m.parts[w] = true
		m.longest = max(m.longest, n)
	case n >= shortest && !particles[w]:
		m.words[w] = true
	}
}

// clean returns text without what was sent, without control characters, and at most
// longestMessage characters long.
func (m *mask) clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, text)
	if r := []rune(text); len(r) > longestRead {
		// Half a name at the end would not be recognised.
		text = strings.TrimRightFunc(string(r[:longestRead]), inWord)
	}
	text = m.replace.Replace(text)
	var out strings.Builder
	for len(text) > 0 {
		if r, n := utf8.DecodeRuneInString(text); !inWord(r) {
			out.WriteString(text[:n])
			text = text[n:]
			continue
		}
		n := strings.IndexFunc(text, func(r rune) bool { return !inWord(r) })
		if n < 0 {
			n = len(text)
		}
		if m.hides(fold(text[:n])) {
			out.WriteString(masked)
		} else {
			out.WriteString(text[:n])
		}
		text = text[n:]
	}
	if r := []rune(out.String()); len(r) > longestMessage {
		return string(r[:longestMessage]) + "…"
	}
	return out.String()
}

func (m *mask) hides(word string) bool {
	if m.words[word] {
		return true
	}
	r := []rune(word)
	for from := range r {
		for end := from + shortestMasked; end <= min(len(r), from+m.longest); end++ {
			if m.parts[string(r[from:end])] {
				return true
			}
		}
	}
	return false
}

// names reports whether text has a word that was sent as such. Unlike hides it lets
// POSTCODE pass if somebody is called Post.
func (m *mask) names(text string) bool {
	return slices.ContainsFunc(words(text), func(w string) bool { return m.words[w] || m.parts[w] })
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }

// words returns the runs of letters and digits in s, folded.
func words(s string) []string {
	return strings.FieldsFunc(fold(s), func(r rune) bool { return !inWord(r) })
}

// fold returns the same text for Jånsen, JANSEN and jansen.
func fold(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsMark(r) {
			return -1
		}
		return r
	}, norm.NFKD.String(strings.ToLower(s)))
	return letters.Replace(s)
}

// letters spells out, as a TTP would, the letters that NFKD does not decompose.
var letters = strings.NewReplacer("ß", "ss", "ø", "o", "æ", "ae", "œ", "oe", "ł", "l", "đ", "d")
