package tabular

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// maxMerges is how many merged ranges of a sheet are known.
const maxMerges = 10_000

// maxColumn is Excel's last column, XFD, from 0.
const maxColumn = 16_383

// Rows begins at the first row of a sheet. Rows without content are passed over.
func (x *XLSX) Rows(table int) (Rows, error) {
	s := &x.sheets[table]
	if s.merges == nil {
		m, err := x.findMerges(s)
		if err != nil {
			return nil, x.failed(err)
		}
		s.merges = m
	}
	r, err := x.open(s.part, x.limits.Expanded)
	if err != nil {
		return nil, x.failed(err)
	}
	return &xlsxRows{book: x, xml: r, merges: s.merges, above: map[int]merged{}}, nil
}

// merges are the ranges of a sheet that are merged over several rows, by the cell
// that holds their value.
type merges struct{ until map[cellAt]int }

type cellAt struct{ line, column int }

// merged is the value of a range that began in a row above.
type merged struct {
	until   int // line
	text    string
	numeric bool
}

var mergeRef = regexp.MustCompile(`^<(?:\w+:)?mergeCell [^<>]*?ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"`)

// findMerges looks for the merged ranges, which stand behind the rows. It reads the
// sheet once, without making sense of its cells.
func (x *XLSX) findMerges(s *sheet) (*merges, error) {
	out := &merges{until: map[cellAt]int{}}
	r, err := s.part.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	const overlap = 512 // more than an element has
	buf := make([]byte, 64<<10)
	kept, total := 0, int64(0)
	for {
		n, err := io.ReadFull(r, buf[kept:])
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return nil, err
		}
		if total += int64(n); total > x.limits.Expanded {
			return nil, &Error{Code: TooExpanded}
		}
		window := buf[:kept+n]
		end := len(window) - overlap
		if last {
			end = len(window)
		}
		if err := out.collect(window, end); err != nil {
			return nil, err
		}
		if last {
			return out, nil
		}
		kept = copy(buf, window[max(0, end):])
	}
}

// collect takes the ranges that begin before end.
func (m *merges) collect(window []byte, end int) error {
	for from := 0; from < end; {
		i := bytes.Index(window[from:], []byte("mergeCell "))
		if i < 0 {
			return nil
		}
		at := from + i
		if from = at + 1; at >= end {
			return nil
		}
		start := bytes.LastIndexByte(window[:at], '<')
		if start < 0 {
			continue
		}
		p := mergeRef.FindSubmatch(window[start:min(len(window), start+512)])
		if p == nil {
			continue
		}
		first, _ := strconv.Atoi(string(p[2]))
		last, _ := strconv.Atoi(string(p[4]))
		if last <= first {
			continue
		}
		if len(m.until) == maxMerges {
			return &Error{Code: BrokenWorkbook}
		}
		m.until[cellAt{first, columnNo(string(p[1]))}] = last
	}
	return nil
}

// columnNo is the place of a column from its letters, from 0; -1 where they name none.
func columnNo(letters string) int {
	n := 0
	for _, c := range letters {
		if c < 'A' || c > 'Z' {
			return -1
		}
		if n = n*26 + int(c-'A') + 1; n > maxColumn+1 {
			return -1
		}
	}
	return n - 1
}

// xlsxRows reads a sheet row by row.
type xlsxRows struct {
	book   *XLSX
	xml    *xmlReader
	merges *merges
	above  map[int]merged // by column
	line   int
	size   int // bytes of text in the row so far
	row    Row
	done   bool
}

// Next gives the next row that has content, or io.EOF.
func (r *xlsxRows) Next() (Row, error) {
	for !r.done {
		t, err := r.xml.next()
		if errors.Is(err, io.EOF) && r.line == 0 && r.xml.depth == 0 {
			break // a sheet without rows
		} else if err != nil {
			return Row{}, r.failed(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if t.Name.Local != "row" {
				continue
			}
			if err := r.readRow(element{t.Name.Local, t.Attr}); err != nil {
				return Row{}, r.failed(err)
			}
			if len(r.row.Cells) > 0 || len(r.row.Faults) > 0 {
				return r.row, nil
			}
		case xml.EndElement:
			r.done = t.Name.Local == "sheetData"
		}
	}
	if r.xml.close != nil {
		_ = r.xml.close()
		r.xml.close = nil
	}
	r.done = true
	return Row{}, io.EOF
}

// failed says in which line it went wrong.
func (r *xlsxRows) failed(err error) error {
	err = r.book.failed(err)
	if e, ok := errors.AsType[*Error](err); ok && e.Line == 0 && e.Code != TooExpanded {
		return &Error{Code: e.Code, Line: r.line}
	}
	return err
}

func (r *xlsxRows) readRow(e element) error {
	line := r.line + 1
	if ref := e.attr("r"); ref != "" {
		n, err := strconv.Atoi(ref)
		if err != nil || n < line || n > 1<<20 {
			return &Error{Code: BrokenWorkbook}
		}
		line = n
	}
	r.line, r.size = line, 0
	r.row = Row{Line: line, Cells: r.row.Cells[:0], Numeric: r.row.Numeric[:0], Faults: r.row.Faults[:0]}
	column := -1
	for depth := r.xml.depth; ; {
		t, err := r.xml.next()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.EndElement:
			if r.xml.depth < depth {
				r.fill()
				return nil
			}
		case xml.StartElement:
			if t.Name.Local != "c" {
				continue
			}
			c := element{t.Name.Local, t.Attr}
			if column, err = place(c.attr("r"), column); err != nil {
				return err
			}
			if err := r.readCell(c, column); err != nil {
				return err
			}
		}
	}
}

// place is the column of a cell: by its reference, or else behind the one before.
func place(ref string, before int) (int, error) {
	column := before + 1
	if ref != "" {
		column = columnNo(strings.TrimRight(ref, "0123456789"))
	}
	if column <= before || column > maxColumn {
		return 0, &Error{Code: BrokenWorkbook}
	}
	return column, nil
}

// readCell reads the content of a cell, and puts it in its place.
func (r *xlsxRows) readCell(c element, column int) error {
	var v string
	var formula, valued bool
	limit := r.book.limits.RecordBytes
	for depth := r.xml.depth; ; {
		t, err := r.xml.next()
		if err != nil {
			return err
		}
		if _, ends := t.(xml.EndElement); ends && r.xml.depth < depth {
			break
		}
		start, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		switch start.Name.Local {
		case "v":
			v, err = r.xml.text(limit)
			valued = true
		case "is":
			v, err = r.xml.rich(limit)
			valued = true
		case "f":
			formula = true
		}
		if err != nil {
			return err
		}
	}
	if formula && (!valued || v == "" && c.attr("t") != "str") {
		return r.fault(column, CellUncounted)
	}
	if !valued || v == "" {
		return nil
	}
	return r.value(c, column, v)
}

func (r *xlsxRows) value(c element, column int, v string) error {
	switch c.attr("t") {
	case "s":
		i, err := strconv.Atoi(v)
		s, ok := r.book.texts.get(i)
		if err != nil || !ok {
			return &Error{Code: BrokenWorkbook}
		}
		return r.put(column, trim(s), false)
	case "inlineStr":
		return r.put(column, trim(v), false)
	case "str":
		return r.put(column, trim(unescape(v)), false)
	case "b":
		if v == "1" || strings.EqualFold(v, "true") {
			return r.put(column, "TRUE", false)
		}
		return r.put(column, "FALSE", false)
	case "e":
		return r.fault(column, CellError)
	case "d":
		day, clock, _ := strings.Cut(strings.TrimSuffix(v, "Z"), "T")
		if strings.Trim(clock, "0:.") != "" {
			day += " " + clock
		}
		return r.put(column, day, false)
	}
	style, _ := strconv.Atoi(c.attr("s")) // none is the first
	text, numeric, ok := r.book.number(trim(v), style)
	if !ok {
		return r.fault(column, CellRounded)
	}
	return r.put(column, text, numeric)
}

func (r *xlsxRows) put(column int, text string, numeric bool) error {
	if until, ok := r.merges.until[cellAt{r.line, column}]; ok && text != "" {
		r.above[column] = merged{until, text, numeric}
	}
	if text == "" {
		return nil
	}
	if column >= r.book.limits.Columns {
		return &Error{Code: TooManyColumns}
	}
	if r.size += len(text); r.size > r.book.limits.RecordBytes {
		return &Error{Code: RecordTooLong}
	}
	r.extend(column)
	r.row.Cells[column], r.row.Numeric[column] = text, numeric
	return nil
}

func (r *xlsxRows) extend(column int) {
	for len(r.row.Cells) <= column {
		r.row.Cells = append(r.row.Cells, "")
		r.row.Numeric = append(r.row.Numeric, false)
	}
}

// maxFaults is how many faults of a row are told.
const maxFaults = 100

func (r *xlsxRows) fault(column int, code Code) error {
	if column >= r.book.limits.Columns {
		return &Error{Code: TooManyColumns}
	}
	if len(r.row.Faults) < maxFaults {
		r.row.Faults = append(r.row.Faults, Fault{column, code})
	}
	return nil
}

// fill gives a row the values of ranges that began above it: the user sees them
// beside every row of the range.
func (r *xlsxRows) fill() {
	if len(r.above) == 0 || len(r.row.Cells) == 0 {
		return
	}
	for column, m := range r.above {
		switch {
		case m.until < r.line:
			delete(r.above, column)
		case column < len(r.row.Cells) && r.row.Cells[column] != "":
		default:
			r.extend(column)
			r.row.Cells[column], r.row.Numeric[column] = m.text, m.numeric
		}
	}
}
