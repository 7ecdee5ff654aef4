package ttpclient

import (
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
	// longestMessage is the number of characters kept of an unknown text.
	longestMessage = 300
)

// particles are never masked: they are in half of all names and in every Dutch
// sentence.
var particles = map[string]bool{
	"de": true, "den": true, "der": true, "van": true, "het": true, "te": true, "ten": true, "ter": true,
	"in": true, "op": true, "is": true, "en": true, "of": true, "een": true,
}

// mask removes from a text of the TTP whatever was sent in the row. It is for
// texts that are not in the contract: a TTP that echoes a name must not bring it
// into a report.
type mask struct {
	whole []string        // values as they were sent, and dates in other notations
	words map[string]bool // folded; a word of the text is masked if it equals one
	parts []string        // folded; a word of the text is masked if it contains one
}

func newMask(r Row) *mask {
	m := &mask{words: map[string]bool{}}
	names, others := r.sentTexts()
	for _, s := range names {
		m.add(s, shortestName)
	}
	for _, s := range others {
		m.add(s, shortestMasked)
	}
	return m
}

func (m *mask) add(s string, shortest int) {
	if utf8.RuneCountInString(s) >= shortestMasked {
		m.whole = append(m.whole, s)
	}
	if y, rest, ok := strings.Cut(s, "-"); ok && len(s) == len("2001-01-31") {
		month, day, _ := strings.Cut(rest, "-")
		short := strings.TrimPrefix(day, "0") + "-" + strings.TrimPrefix(month, "0") + "-" + y
		long := day + "-" + month + "-" + y
		for _, date := range []string{long, short} {
			m.whole = append(m.whole, date, strings.ReplaceAll(date, "-", "/"), strings.ReplaceAll(date, "-", "."))
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
		m.parts = append(m.parts, w)
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
	for _, s := range m.whole {
		text = strings.ReplaceAll(text, s, masked)
	}
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
	for _, p := range m.parts {
		if strings.Contains(word, p) {
			return true
		}
	}
	return false
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
