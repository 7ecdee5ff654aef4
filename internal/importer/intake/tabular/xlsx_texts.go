package tabular

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
)

// texts are the strings that the cells of a workbook share, one behind the other.
type texts struct {
	all  string
	ends []uint32 // of each, in all
}

// endBytes is what a text costs besides its letters.
const endBytes = 4

// at gives a text by its number from 0.
func (t *texts) at(i int) (string, bool) {
	if i < 0 || i >= len(t.ends) {
		return "", false
	}
	start := uint32(0)
	if i > 0 {
		start = t.ends[i-1]
	}
	return t.all[start:t.ends[i]], true
}

// readTexts reads the shared strings. More of them than limits.Texts, or one that no
// row could hold, is TooExpanded.
func readTexts(p *pack, part string, limits Limits) (texts, error) {
	t, err := p.tokens(part, limits.Expanded, limits.RecordBytes+tokenHeadway)
	if err != nil {
		return texts{}, err
	}
	defer t.close()
	var (
		all     strings.Builder
		ends    []uint32
		scratch []byte
		most    = min(limits.Texts, math.MaxInt32)
	)
	for {
		tok, err := t.next()
		if errors.Is(err, io.EOF) {
			return texts{all.String(), ends}, nil
		}
		if start, ok := tok.(xml.StartElement); err == nil && ok && t.depth() == 2 && start.Name.Local == "si" {
			scratch, err = t.text(scratch[:0], true, limits.RecordBytes)
		} else if err == nil {
			continue
		}
		if errors.Is(err, errRecordTooLong) {
			return texts{}, errTooExpanded
		}
		if err != nil {
			return texts{}, err
		}
		scratch = unescape(scratch)
		if int64(all.Len()+len(scratch)+endBytes*(len(ends)+1)) > most {
			return texts{}, errTooExpanded
		}
		all.Write(scratch)
		ends = append(ends, uint32(all.Len()))
	}
}

// unescape decodes, in place, the characters that the format writes as _xHHHH_: those
// that XML cannot hold, and an underscore before what would look like one of these.
func unescape(s []byte) []byte {
	out := s[:0]
	for i := 0; i < len(s); {
		unit, ok := escaped(s[i:])
		if !ok {
			out = append(out, s[i])
			i++
			continue
		}
		i += escapeBytes
		r := rune(unit)
		if utf16.IsSurrogate(r) {
			if low, ok := escaped(s[i:]); ok {
				if r = utf16.DecodeRune(r, rune(low)); r != '\uFFFD' {
					i += escapeBytes
				}
			}
		}
		out = append(out, string(r)...) // at most four bytes, of at least seven
	}
	return out
}

// escapeBytes is the length of _xHHHH_.
const escapeBytes = 7

// escaped reads an _xHHHH_ at the start of s.
func escaped(s []byte) (uint16, bool) {
	if len(s) < escapeBytes || s[0] != '_' || s[1] != 'x' || s[6] != '_' {
		return 0, false
	}
	for _, c := range s[2:6] { // ParseUint would take a sign
		if c < '0' || c > '9' && c < 'A' || c > 'F' && c < 'a' || c > 'f' {
			return 0, false
		}
	}
	unit, err := strconv.ParseUint(string(s[2:6]), 16, 16)
	return uint16(unit), err == nil
}
