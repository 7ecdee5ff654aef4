package ttpclient

import (
	"encoding/json"
	"strconv"
	"time"
)

// scanner reads only the plainest JSON, five times as fast as encoding/json. The
// answers to thousands of rows are that plain. If the text is not (an escape, a
// letter beyond ASCII, null, a name of another case), the scanner gives up and
// encoding/json reads the text instead. What it does read, it reads as encoding/json
// would: scan_test.go compares the two.
type scanner struct {
	text string
	at   int
	bad  bool // it has given up

	// instant and moment are the last time read, as text and parsed. A whole answer
	// often has only one.
	instant string
	moment  time.Time
}

// space skips white space.
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

// next reports whether c comes next, and skips it if so.
func (s *scanner) next(c byte) bool {
	s.space()
	if s.bad || s.at == len(s.text) || s.text[s.at] != c {
		return false
	}
	s.at++
	return true
}

// must skips c, or gives up.
func (s *scanner) must(c byte) {
	if !s.next(c) {
		s.bad = true
	}
}

// end reports whether the whole text has been read.
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

func (s *scanner) time() time.Time {
	if text := s.string(); text != s.instant || text == "" {
		s.instant = text
		if s.moment.UnmarshalText([]byte(text)) != nil {
			s.bad = true
		}
	}
	return s.moment
}

// object reads an object. It calls value for each name; value reads what follows
// and returns a number that belongs to the name, or -1 to give up. object also gives
// up if a name comes twice.
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

// array reads an array. It calls item to read each of its values.
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

// appendString appends s as encoding/json writes it.
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
