package value

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text returns what a user sees of a cell: without white space at its ends, and
// without what lies there unseen, such as no-break spaces, zero-width marks and
// the end-of-file sign of DOS programs.
func Text(s string) string {
	if n := len(s); n == 0 || plainByte(s[0]) && plainByte(s[n-1]) {
		return s
	}
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || r == '\x1a' })
}

// Visible returns a text without the marks in it that nobody sees, such as
// zero-width spaces, soft hyphens and the marks of a direction, and with plain spaces
// for its other blanks (no-break, thin, wide). Two texts that look the same are the
// same then.
func Visible(s string) string {
	if isASCII(s) {
		return s
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unseen(r):
			return -1
		case unicode.Is(unicode.Zs, r):
			return ' '
		}
		return r
	}, s))
}

// unseen reports whether r takes no room and has no form.
func unseen(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Variation_Selector) ||
		strings.ContainsRune("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0", r)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// plainByte reports whether b is an ASCII character that Text never removes.
func plainByte(b byte) bool { return b > ' ' && b < utf8.RuneSelf }

// OneLine joins the lines of a cell, and makes one space of each run of white space.
func OneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// IsNull reports whether a cell is a database's word for no value: NULL, (null)
// or \N. Only the capitals of NULL count: somebody may be called Null.
func IsNull(s string) bool { return s == "NULL" || s == "(null)" || s == `\N` }

// HasControl reports whether s holds a control character or is not valid UTF-8.
// No value may have either.
func HasControl(s string) bool {
	for _, c := range s {
		if c < ' ' || c == 0x7f || c == utf8.RuneError {
			return true
		}
	}
	return false
}

// Garbled reports whether a name was written in one encoding and read in another
// ("MÃ¼ller"), or lost letters that an encoding does not have ("M?ller").
func Garbled(name string) bool {
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
