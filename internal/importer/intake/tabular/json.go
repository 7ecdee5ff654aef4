package tabular

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	maxNesting    = 3   // levels of objects in a record that are columns
	maxNameLength = 200 // characters of a column's name
	maxElements   = 20  // of a list in a record
)

// JSON is a file of records: an array of objects, or an object a line.
type JSON struct {
	file   io.ReaderAt
	size   int64
	limits Limits
	names  []string
	at     map[string]int
}

// OpenJSON reads the whole file once, for the names of its columns: the last
// record may have one that no other has.
func OpenJSON(file io.ReaderAt, size int64, limits Limits) (*JSON, error) {
	j := &JSON{file: file, size: size, limits: limits.OrDefault(), at: map[string]int{}}
	rows, err := j.begin()
	if err != nil {
		return nil, err
	}
	for {
		raw, line, err := rows.record()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		cells, _ := flatten(raw)
		for _, c := range cells {
			if _, known := j.at[c.name]; known {
				continue
			}
			if len(j.names) == j.limits.Columns {
				return nil, &Error{Code: TooManyColumns, Line: line}
			}
			j.at[c.name] = len(j.names)
			name := c.name
			if len(name) > maxNameLength {
				name = ""
			}
			j.names = append(j.names, name)
		}
	}
	if rows.count == 0 {
		return nil, &Error{Code: Empty}
	}
	if len(j.names) == 0 || rows.wrapped {
		return nil, &Error{Code: NotRecords}
	}
	return j, nil
}

// Tables is the one table of the file, whose columns its records name.
func (j *JSON) Tables() []Table { return []Table{{Header: j.names}} }

// Rows begins at the first record.
func (j *JSON) Rows(int) (Rows, error) { return j.begin() }

func (j *JSON) begin() (*jsonRows, error) {
	text, err := OpenJSONText(j.file, j.size, j.limits)
	if err != nil {
		return nil, err
	}
	r := &jsonRows{of: j, text: text}
	head, err := first(text)
	if err != nil {
		return nil, err
	}
	switch head {
	case '[':
		r.array = true
		if _, err := text.Token(); err != nil {
			return nil, err
		}
	case '{':
	default:
		return nil, &Error{Code: NotRecords}
	}
	return r, nil
}

// first gives the first character of a text that is no white space.
func first(text *JSONText) (byte, error) {
	if !text.More() {
		_, err := text.Token()
		if err == nil || errors.Is(err, io.EOF) {
			err = &Error{Code: BrokenJSON, Line: 1}
		}
		return 0, err
	}
	rest, _ := io.ReadAll(io.LimitReader(text.dec.Buffered(), sniffBytes))
	if rest = bytes.TrimLeft(rest, " \t\r\n"); len(rest) == 0 {
		return 0, &Error{Code: NotRecords}
	}
	return rest[0], nil
}

// jsonRows reads the records one by one.
type jsonRows struct {
	of      *JSON
	text    *JSONText
	array   bool
	closed  bool
	count   int
	wrapped bool // the one record holds nothing but a list of others
	row     Row
}

// record gives the next record, and its number.
func (r *jsonRows) record() (json.RawMessage, int, error) {
	if r.array && !r.text.More() {
		return nil, 0, r.close()
	}
	raw, line, err := r.text.Value()
	if err != nil {
		return nil, 0, err
	}
	r.count++
	if r.array {
		return raw, r.count, nil
	}
	if raw[0] != '{' {
		return nil, 0, &Error{Code: NotRecords}
	}
	r.wrapped = r.count == 1 && wraps(raw)
	return raw, line, nil
}

// close sees that nothing stands behind the array.
func (r *jsonRows) close() error {
	if !r.closed {
		r.closed = true
		if _, err := r.text.Token(); errors.Is(err, io.EOF) {
			return &Error{Code: BrokenJSON, Line: r.text.Line()}
		} else if err != nil {
			return err
		}
		if _, err := r.text.Token(); err == nil {
			return &Error{Code: BrokenJSON, Line: r.text.Line()}
		} else if !errors.Is(err, io.EOF) {
			return err
		}
	}
	return io.EOF
}

// wraps tells whether an object holds lists of objects and no value of its own.
func wraps(raw json.RawMessage) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return false
	}
	lists, values := 0, 0
	for _, m := range members {
		var list []struct{}
		switch {
		case m[0] == '[' && json.Unmarshal(m, &list) == nil && len(list) > maxElements:
			return true
		case m[0] == '[' && len(list) > 0:
			lists++
		case m[0] != '[' && m[0] != '{':
			values++
		}
	}
	return lists > 0 && values == 0
}

// Next gives the next record as a row.
func (r *jsonRows) Next() (Row, error) {
	raw, line, err := r.record()
	if err != nil {
		return Row{}, err
	}
	r.row.Line, r.row.Faults = line, r.row.Faults[:0]
	if r.row.Cells == nil {
		r.row.Cells, r.row.Numeric = make([]string, len(r.of.names)), make([]bool, len(r.of.names))
	}
	clear(r.row.Cells)
	clear(r.row.Numeric)
	cells, ok := flatten(raw)
	if !ok {
		r.row.Faults = append(r.row.Faults, Fault{WholeRow, RowNotObject})
		return r.row, nil
	}
	for _, c := range cells {
		at, known := r.of.at[c.name]
		switch {
		case !known:
		case c.fault != "":
			r.row.Faults = append(r.row.Faults, Fault{at, c.fault})
		default:
			r.row.Cells[at], r.row.Numeric[at] = c.text, c.numeric
		}
	}
	return r.row, nil
}

// jsonCell is a value of a record with the name of its column.
type jsonCell struct {
	name, text string
	numeric    bool
	fault      Code
}

// flatten gives the values of a record; ok is false where it is no object.
func flatten(raw json.RawMessage) (cells []jsonCell, ok bool) {
	if len(raw) == 0 || raw[0] != '{' {
		return nil, false
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	_, _ = dec.Token() // it was found to be well formed
	f := flattener{dec: dec}
	f.object("", "", 1)
	return f.cells, true
}

// flattener walks a record that is known to be well formed.
type flattener struct {
	dec   *json.Decoder
	cells []jsonCell
}

func (f *flattener) add(c jsonCell) { f.cells = append(f.cells, c) }

// object reads the members of an object up to its end. Their columns are named
// with what stands before and behind.
func (f *flattener) object(before, behind string, level int) {
	seen := map[string]bool{}
	for f.dec.More() {
		key, _ := f.dec.Token()
		name := fmt.Sprint(key)
		column := before + name + behind
		if folded := strings.ToLower(name); seen[folded] {
			f.skip()
			f.add(jsonCell{name: column, fault: CellTwice})
		} else {
			seen[folded] = true
			f.value(column, behind, level)
		}
	}
	_, _ = f.dec.Token()
}

func (f *flattener) value(column, behind string, level int) {
	token, err := f.dec.Token()
	if err != nil {
		return
	}
	switch v := token.(type) {
	case string:
		f.add(jsonCell{name: column, text: trim(v)})
	case json.Number:
		f.add(jsonCell{name: column, text: v.String(), numeric: true})
	case bool:
		f.add(jsonCell{name: column, text: strconv.FormatBool(v)})
	case nil:
		f.add(jsonCell{name: column})
	case json.Delim:
		switch {
		case v == '{' && level < maxNesting && behind == "":
			f.object(column+".", "", level+1)
		case v == '[' && level < maxNesting && behind == "":
			f.list(column)
		default:
			f.rest()
			f.add(jsonCell{name: column, fault: CellNested})
		}
	}
}

// list reads a list of objects: those with a type and a value are told apart by
// their type, others by their number.
func (f *flattener) list(column string) {
	typed := map[string]int{}
	for n := 1; f.dec.More(); n++ {
		if n > maxElements {
			f.rest()
			f.add(jsonCell{name: column, fault: CellNested})
			return
		}
		token, _ := f.dec.Token()
		if d, ok := token.(json.Delim); !ok || d != '{' {
			if ok {
				f.rest()
			}
			f.rest()
			f.add(jsonCell{name: column, fault: CellNested})
			return
		}
		from := len(f.cells)
		f.object("", " "+strconv.Itoa(n), maxNesting)
		f.name(column, from, n, typed)
	}
	_, _ = f.dec.Token()
}

// name names the cells of an element that has a type after it.
func (f *flattener) name(column string, from, n int, typed map[string]int) {
	number := " " + strconv.Itoa(n)
	typ := ""
	for _, c := range f.cells[from:] {
		if c.name == "type"+number && c.text != "" && len(c.text) <= maxNameLength {
			typ = c.text
		}
	}
	valued := false
	for _, c := range f.cells[from:] {
		valued = valued || c.name == "value"+number
	}
	if typ == "" || !valued {
		return
	}
	typed[typ]++
	again := ""
	if typed[typ] > 1 {
		again = " " + strconv.Itoa(typed[typ])
	}
	kept := f.cells[:from]
	for _, c := range f.cells[from:] {
		switch key := strings.TrimSuffix(c.name, number); key {
		case "type":
			continue
		case "value":
			c.name = column + "." + typ + again
		default:
			c.name = column + "." + typ + again + "." + key
		}
		kept = append(kept, c)
	}
	f.cells = kept
}

// skip passes over a value.
func (f *flattener) skip() {
	if token, err := f.dec.Token(); err == nil {
		if _, ok := token.(json.Delim); ok {
			f.rest()
		}
	}
}

// rest passes over what is left of an object or a list.
func (f *flattener) rest() {
	for depth := 1; depth > 0; {
		token, err := f.dec.Token()
		if err != nil {
			return
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}
