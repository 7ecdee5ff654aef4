package ttpclient

import (
	"encoding/json"
	"strconv"
	"time"
)

// scanner reads the plainest JSON there is, five times as fast as encoding/json:
// what answers to thousands of rows are made of. Whatever is not that plain (an
// escape, a letter beyond ASCII, null, a name of another case) makes it give up,
// and encoding/json reads the text instead. It never reads anything else than that
// would: scan_test.go holds one against the other.
type scanner struct {
	text string
	at   int
	bad  bool

	instant string // the last moment read, of which a whole answer often has one
	moment  time.Time
}

// space passes over white space.
func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// next takes c where it comes next.
func (s *scanner) next(c byte) bool {
	s.space()
	if s.bad || s.at == len(s.text) || s.text[s.at] != c {
		return false
	}
	s.at++
	return true
}

// must takes c, or gives up.
func (s *scanner) must(c byte) {
	if !s.next(c) {
		s.bad = true
	}
}

// end tells whether nothing follows.
func (s *scanner) end() bool {
	s.space()
	return !s.bad && s.at == len(s.text)
}

// string reads a string without escapes.
func (s *scanner) string() string {
	s.must('"')
	start := s.at
	for ; !s.bad && s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return s.text[start : s.at-1]
		case c == '\\' || c < ' ' || c > '~':
			s.bad = true
		}
	}
	s.bad = true
	return ""
}

// int reads a whole number of a few digits.
func (s *scanner) int() int {
	s.space()
	start := s.at
	for s.at < len(s.text) && (s.text[s.at] >= '0' && s.text[s.at] <= '9' || s.text[s.at] == '-') {
		s.at++
	}
	digits := s.text[start:s.at]
	n, err := strconv.Atoi(digits)
	if err != nil || len(digits) > 9 || strconv.Itoa(n) != digits {
		s.bad = true
	}
	return n
}

// time reads a moment.
func (s *scanner) time() time.Time {
	if text := s.string(); text != s.instant || text == "" {
		s.instant = text
		if s.moment.UnmarshalText([]byte(text)) != nil {
			s.bad = true
		}
	}
	return s.moment
}

// object reads an object; value reads what belongs to a name, and may give up.
// A name that comes twice makes it give up.
func (s *scanner) object(value func(name string) (place int)) {
	s.must('{')
	if s.next('}') {
		return
	}
	met := 0
	for !s.bad {
		name := s.string()
		s.must(':')
		place := value(name)
		if place < 0 || met&(1<<place) != 0 {
			s.bad = true
		}
		met |= 1 << max(place, 0)
		if !s.next(',') {
			s.must('}')
			return
		}
	}
}

// array reads an array; item reads one of it.
func (s *scanner) array(item func()) {
	s.must('[')
	if s.next(']') {
		return
	}
	for !s.bad {
		item()
		if !s.next(',') {
			s.must(']')
			return
		}
	}
}

// appendString writes s as encoding/json does.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, err := json.Marshal(s)
			if err != nil { // a string always has a form
				return append(b, `""`...)
			}
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
