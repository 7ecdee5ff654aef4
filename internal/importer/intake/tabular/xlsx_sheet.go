package tabular

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strconv"
)

// The bounds of a sheet. Excel's own are 1,048,576 rows of 16,384 columns.
const (
	maxLine    = 1 << 24
	maxLetters = 3 // of a column's name
)

// The depths of elements in a sheet, whose root is at 1.
const (
	depthData = 2 + iota // sheetData
	depthRow             // row
	depthCell            // c
)

// sheetRows reads the rows of one worksheet.
type sheetRows struct {
	book   *workbook
	t      *tokens
	merges mergeWalk
	err    error // with which it ended

	line    int // of the row that is read
	next    int // column of a cell that does not say where it is
	size    int // bytes of the row's text
	cells   []string
	numeric []bool
	faults  []Fault
	scratch []byte
}

// begin goes to the rows. A sheet without a list of them has none.
func (s *sheetRows) begin() error {
	for {
		tok, err := s.t.next()
		if errors.Is(err, io.EOF) {
			s.err = io.EOF
			return nil
		}
		if err != nil {
			return err
		}
		start, ok := tok.(xml.StartElement)
		switch {
		case !ok:
		case s.t.depth() == 1 && start.Name.Local != "worksheet":
			return errBroken
		case s.t.depth() == depthData && start.Name.Local == "sheetData":
			return nil
		}
	}
}

// Next returns the next row that has content. It skips blank rows, however
// many of them are styled.
func (s *sheetRows) Next() (Row, error) {
	for s.err == nil {
		found, err := s.readRow()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				err = s.book.pack.at.fail(err, s.line)
			}
			s.err = err
			s.t.close()
			break
		}
		if !found {
			continue
		}
		row := Row{Line: s.line, Cells: s.cells, Faults: s.faults}
		if slices.Contains(s.numeric, true) {
			row.Numeric = s.numeric
		}
		return row, nil
	}
	return Row{}, s.err
}

// readRow reads up to the end of a row, and reports whether it has content; io.EOF
// behind the last.
func (s *sheetRows) readRow() (bool, error) {
	for {
		tok, err := s.t.next()
		if errors.Is(err, io.EOF) {
			return false, errBroken // the end of the rows comes first
		}
		if err != nil {
			return false, err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if tok.Name.Local == "row" {
				return s.readCells(tok)
			}
			if err := s.t.skip(depthData); err != nil {
				return false, err
			}
		case xml.EndElement:
			return false, io.EOF
		}
	}
}

// readCells reads the row that start begins.
func (s *sheetRows) readCells(start xml.StartElement) (bool, error) {
	s.cells, s.numeric, s.faults = s.cells[:0], s.numeric[:0], s.faults[:0]
	s.next, s.size = 0, 0
	numbered, line := false, s.line+1
	if r := attr(start, "r"); r != "" {
		n, err := strconv.Atoi(r)
		if err != nil || n < line {
			return false, errBroken
		}
		numbered, line = true, n
	}
	if s.line = line; line > maxLine {
		return false, errBroken
	}
	for {
		tok, err := s.t.next()
		if err != nil {
			return false, eofBroken(err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if tok.Name.Local != "c" {
				err = s.t.skip(depthRow)
			} else if err = s.readCell(tok, numbered); err == nil {
				numbered = true
			}
			if err != nil {
				return false, eofBroken(err)
			}
		case xml.EndElement:
			if len(s.cells) == 0 {
				s.merges.pass(s.line)
				return false, nil
			}
			return true, s.merges.apply(s)
		}
	}
}

// eofBroken makes a refusal of an end that comes too early.
func eofBroken(err error) error {
	if errors.Is(err, io.EOF) {
		return errBroken
	}
	return err
}

// readCell reads the cell that start begins. If the row has no number yet, it gets that of
// the cell's reference.
func (s *sheetRows) readCell(start xml.StartElement, numbered bool) error {
	var c cell
	column := s.next
	for _, a := range start.Attr {
		switch {
		case a.Name.Space != "":
		case a.Name.Local == "t":
			c.kind = a.Value
		case a.Name.Local == "s":
			c.style, _ = strconv.Atoi(a.Value) // 0, the plain one, if it is no number
		case a.Name.Local == "r":
			col, line, ok := parseRef(a.Value)
			if !ok || col < s.next || numbered && line != s.line || line < s.line {
				return errBroken
			}
			column, s.line = col, line
		}
	}
	s.next = column + 1
	if err := s.readContent(&c); err != nil {
		return err
	}
	r, err := s.book.read(c)
	if err != nil {
		return err
	}
	return s.set(column, r)
}

// readContent reads what is in a cell, up to its end.
func (s *sheetRows) readContent(c *cell) error {
	for {
		tok, err := s.t.next()
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case xml.EndElement:
			return nil
		case xml.StartElement:
			switch name := tok.Name.Local; {
			case name == "v" && !c.inline, name == "is":
				c.value, c.inline = true, name == "is"
				s.scratch, err = s.t.text(s.scratch[:0], c.inline, s.book.limits.RecordBytes)
				c.raw = s.scratch
			case name == "f":
				c.formula = true
				err = s.t.skip(depthCell)
			default:
				err = s.t.skip(depthCell)
			}
			if err != nil {
				return err
			}
		}
	}
}

// set puts what a cell shows in its place. What is blank takes none.
func (s *sheetRows) set(column int, r reading) error {
	if r.text == "" && r.fault == "" {
		return nil
	}
	limits := s.book.limits
	if column >= limits.Columns {
		return &Error{Code: TooManyColumns, Line: s.line}
	}
	if s.size += len(r.text); s.size > limits.RecordBytes {
		return errRecordTooLong
	}
	for len(s.cells) <= column {
		s.cells = append(s.cells, "")
		s.numeric = append(s.numeric, false)
	}
	s.cells[column], s.numeric[column] = r.text, r.numeric
	if r.fault != "" {
		s.faults = append(s.faults, Fault{Column: column, Code: r.fault})
	}
	return nil
}

// at returns what the row shows in a column; faults are those of its own cells.
func (s *sheetRows) at(column int, faults []Fault) reading {
	var r reading
	if column < len(s.cells) {
		r.text, r.numeric = s.cells[column], s.numeric[column]
	}
	i, ok := slices.BinarySearchFunc(faults, column, func(f Fault, c int) int { return f.Column - c })
	if ok {
		r.fault = faults[i].Code
	}
	return r
}

// parseRef reads a reference such as AB12: its column from 0, its line from 1.
func parseRef(ref string) (column, line int, ok bool) {
	i := 0
	for i < len(ref) && i < maxLetters && (ref[i] >= 'A' && ref[i] <= 'Z' || ref[i] >= 'a' && ref[i] <= 'z') {
		column = column*26 + int(ref[i]&^0x20-'A') + 1
		i++
	}
	for _, c := range []byte(ref[i:]) {
		if line = line*10 + int(c-'0'); c < '0' || c > '9' || line > maxLine {
			return 0, 0, false
		}
	}
	return column - 1, line, column > 0 && line > 0
}
