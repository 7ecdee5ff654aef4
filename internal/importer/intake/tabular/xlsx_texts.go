package tabular

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"unicode/utf16"
)

// texts are the strings that the cells of a workbook share. They are kept in blocks: one
// block that grows would be copied, and its copies would stay until they are collected.
type texts struct{ blocks []textBlock }

// textBlock is some texts, one after the other.
type textBlock struct {
	first int // the number of its first text
	all   string
	ends  []uint32 // of each, in all
}

const (
	endBytes   = 4        // what a text costs besides its letters
	textsBytes = 1 << 20  // of a block, unless one text is longer
	textsCount = 64 << 10 // of a block
)

// at returns a text by its number from 0.
func (t *texts) at(i int) (string, bool) {
	n, found := slices.BinarySearchFunc(t.blocks, i, func(b textBlock, i int) int { return b.first - i })
	if !found {
		n--
	}
	if n < 0 || i-t.blocks[n].first >= len(t.blocks[n].ends) {
		return "", false
	}
	b := &t.blocks[n]
	i -= b.first
	start := uint32(0)
	if i > 0 {
		start = b.ends[i-1]
	}
	return b.all[start:b.ends[i]], true
}

// writer collects texts.
type writer struct {
	texts
	size, most int64 // bytes that they take, and may
	next       int   // the number of the next text
	all        []byte
	ends       []uint32
}

// add adds a text; ok is false if there are too many.
func (w *writer) add(text []byte) (ok bool) {
	if len(w.ends) > 0 && (len(w.all)+len(text) > textsBytes || len(w.ends) == textsCount) {
		w.close()
	}
	if w.size += int64(len(text)) + endBytes; w.size > w.most {
		return false
	}
	w.all, w.ends = append(w.all, text...), append(w.ends, uint32(len(w.all)+len(text)))
	w.next++
	return true
}

// close closes a block.
func (w *writer) close() {
	if len(w.ends) > 0 {
		w.blocks = append(w.blocks, textBlock{w.next - len(w.ends), string(w.all), slices.Clip(slices.Clone(w.ends))})
		w.all, w.ends = w.all[:0], w.ends[:0]
	}
}

// readTexts reads the shared strings. More of them than limits.Texts, or one that no
// row could hold, is TooExpanded.
func readTexts(p *pack, part string, limits Limits) (texts, error) {
	t, err := p.tokens(part, limits.Expanded, limits.RecordBytes+tokenHeadway)
	if err != nil {
		return texts{}, err
	}
	defer t.close()
	w := writer{most: min(limits.Texts, math.MaxInt32)}
	var scratch []byte
	for {
		tok, err := t.next()
		if errors.Is(err, io.EOF) {
			w.close()
			return w.texts, nil
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
		if !w.add(unescape(scratch)) {
			return texts{}, errTooExpanded
		}
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
