package tabular

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

const (
	maxMerges   = 100_000 // over several rows, of a sheet
	prefixBytes = 64      // of a namespace's prefix and the <
)

// merge is a merged area of several rows. Its content is in its first cell.
type merge struct{ column, first, last int }

var mergeList = []byte("mergeCells")

// readMerges finds the merges of a sheet that span several rows, in the order of
// their first rows. The list comes after the rows, which may be many: they are
// passed over as bytes. It reads the part to its end.
func (w *workbook) readMerges(part string) ([]merge, error) {
	rc, err := w.pack.open(part, w.left)
	if err != nil {
		return nil, err
	}
	defer func() {
		w.left = rc.left
		_ = rc.Close() // it is read to its end, or has failed
	}()
	text, _, err := asUTF8(rc)
	if err != nil {
		return nil, err
	}
	buf := make([]byte, blockBytes)
	keep := 0
	for {
		n, err := text.Read(buf[keep:])
		window := buf[:keep+n]
		if start := listStart(window); start >= 0 {
			t, err := newTokens(io.MultiReader(bytes.NewReader(window[start:]), text), auxToken)
			if err != nil {
				return nil, err
			}
			merges, err := parseMerges(t, w.limits.Columns)
			if err != nil {
				return nil, err
			}
			_, err = io.Copy(io.Discard, text)
			return merges, err
		}
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		keep = min(prefixBytes+len(mergeList), len(window))
		copy(buf, window[len(window)-keep:])
	}
}

// listStart returns where the start tag of the merges is in a piece of XML, or -1.
// Text cannot hold one: it has no < of its own.
func listStart(window []byte) int {
	for from := 0; ; {
		i := bytes.Index(window[from:], mergeList)
		if i < 0 {
			return -1
		}
		name := from + i
		from = name + len(mergeList)
		if from == len(window) || !strings.ContainsRune(" \t\r\n/>", rune(window[from])) {
			continue // at the end it is looked at again, with what follows
		}
		open := bytes.LastIndexByte(window[:name], '<')
		if prefix := window[open+1 : name]; open >= 0 && len(prefix) < prefixBytes {
			if len(prefix) == 0 || bytes.IndexByte(prefix, ':') == len(prefix)-1 && !bytes.ContainsAny(prefix, "/ \t\r\n\"'=>") {
				return open
			}
		}
	}
}

// parseMerges reads the list of merges, up to its end.
func parseMerges(t *tokens, columns int) ([]merge, error) {
	var merges []merge
	for {
		tok, err := t.next()
		if err != nil {
			return nil, eofBroken(err)
		}
		switch tok := tok.(type) {
		case xml.EndElement:
			if t.depth() == 0 {
				slices.SortStableFunc(merges, func(a, b merge) int { return a.first - b.first })
				return merges, nil
			}
		case xml.StartElement:
			from, to, area := strings.Cut(attr(tok, "ref"), ":")
			if tok.Name.Local != "mergeCell" || !area {
				continue
			}
			column, first, ok := parseRef(from)
			_, last, also := parseRef(to)
			if !ok || !also || last < first || len(merges) == maxMerges {
				return nil, errBroken
			}
			if last > first && column < columns {
				merges = append(merges, merge{column, first, last})
			}
		}
	}
}

// mergeWalk goes through the merges as the rows are read. A column is in one merge
// at a time, so that areas that overlap, which no program makes, cost nothing.
type mergeWalk struct {
	todo   []merge
	active []spread // one a column at most
}

// spread is a merge whose first row was read.
type spread struct {
	merge
	reading
}

// pass goes on to a line that has no content: what begins here shows nothing.
func (m *mergeWalk) pass(line int) {
	for len(m.todo) > 0 && m.todo[0].first <= line {
		m.todo = m.todo[1:]
	}
}

// apply fills in the cells of a row that merges from above cover, and remembers the merges
// that begin in the row. A row that has nothing but such cells only repeats the row above,
// and is left out.
func (m *mergeWalk) apply(s *sheetRows) error {
	m.active = slices.DeleteFunc(m.active, func(a spread) bool { return a.last < s.line })
	above, faults := m.active, s.faults
	for len(m.todo) > 0 && m.todo[0].first <= s.line {
		next := m.todo[0]
		m.todo = m.todo[1:]
		taken := slices.ContainsFunc(m.active, func(a spread) bool { return a.column == next.column })
		if r := s.at(next.column, faults); next.first == s.line && !taken && (r.text != "" || r.fault != "") {
			m.active = append(m.active, spread{next, r})
		}
	}
	for _, a := range above {
		if r := s.at(a.column, faults); r.text == "" && r.fault == "" {
			if err := s.set(a.column, a.reading); err != nil {
				return err
			}
		}
	}
	if len(s.faults) > len(faults) {
		slices.SortFunc(s.faults, func(a, b Fault) int { return a.Column - b.Column })
	}
	return nil
}
