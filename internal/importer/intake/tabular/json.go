package tabular

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
)

const (
	maxNesting    = 3   // levels of objects in a record that are columns
	maxNameLength = 200 // characters of a column's name
	maxElements   = 20  // of a list in a record
)

// JSON is a file of records: an array of objects, an object with such an array, or one
// object on each line.
type JSON struct {
	file   io.ReaderAt
	size   int64
	limits Limits
	path   []string // the members that lead to the array
	// numbered says that records are named by their number, because a line has several.
	numbered bool
	names    []string
	at       map[string]int // by name, in small letters and as it is written
}

// aliases is how many spellings a column's name may have on average before they are
// no longer kept.
const aliases = 8

// OpenJSON reads the whole file once, for the names of its columns: the last
// record may have one that no other has. known reports whether a name is one of a record,
// by which records are distinguished from objects around them. If it is nil, there are no
// such objects.
func OpenJSON(file io.ReaderAt, size int64, limits Limits, known func(name string) bool) (*JSON, error) {
	j := &JSON{file: file, size: size, limits: limits.OrDefault(), at: map[string]int{}}
	if known != nil {
		head := make([]byte, sniffBytes)
		n, err := io.ReadFull(io.NewSectionReader(file, 0, size), head)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, err
		}
		j.path = wrapping(Start(head[:n]), known)
		clear(head)
	}
	rows, err := j.begin()
	if err != nil {
		return nil, err
	}
	last := 0
	for {
		raw, line, err := rows.record()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		j.numbered = j.numbered || line == last
		last = line
		cells, _ := flatten(raw)
		for _, c := range cells {
			if !j.learn(c.name) {
				return nil, &Error{Code: TooManyColumns, Line: line}
			}
		}
	}
	if rows.count == 0 {
		return nil, &Error{Code: Empty}
	}
	if len(j.names) == 0 || rows.wrapped == rows.count {
		return nil, &Error{Code: NotRecords}
	}
	return j, nil
}

// learn adds a column if there is none of its name; ok is false if there are
// too many.
func (j *JSON) learn(name string) (ok bool) {
	if _, known := j.at[name]; known {
		return true
	}
	folded := strings.ToLower(name)
	column, known := j.at[folded]
	if !known {
		if len(j.names) == j.limits.Columns {
			return false
		}
		column = len(j.names)
		j.at[folded] = column
		shown := name
		if len(shown) > maxNameLength {
			shown = ""
		}
		j.names = append(j.names, shown)
	}
	if len(j.at) < aliases*j.limits.Columns {
		j.at[name] = column
	}
	return true
}

// column finds the column of a name.
func (j *JSON) column(name string) (int, bool) {
	if at, ok := j.at[name]; ok {
		return at, true
	}
	at, ok := j.at[strings.ToLower(name)]
	return at, ok
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
	if len(j.path) > 0 {
		return r, r.descend()
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

// descend goes to the array of records inside the objects around it.
func (r *jsonRows) descend() error {
	r.array = true
	for _, name := range r.of.path {
		if _, err := r.text.Token(); err != nil { // the { of the object
			return err
		}
		found, err := r.text.Descend(func(n string) bool { return n == name })
		if err != nil {
			return err
		}
		if !found {
			return &Error{Code: NotRecords}
		}
	}
	if token, err := r.text.Token(); err != nil {
		return err
	} else if token != json.Delim('[') {
		return &Error{Code: NotRecords}
	}
	return nil
}

// first returns the first character of a text that is not white space.
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
	wrapped int // records that hold nothing but others
	row     Row
}

// record returns the next record and its number.
func (r *jsonRows) record() (json.RawMessage, int, error) {
	if r.array && !r.text.More() {
		return nil, 0, r.close()
	}
	raw, line, err := r.text.Value()
	if e, ok := errors.AsType[*Error](err); ok && r.array {
		return nil, 0, &Error{Code: e.Code, Line: e.Line, After: r.count}
	} else if err != nil {
		return nil, 0, err
	}
	r.count++
	if r.array || r.of.numbered {
		line = r.count
	}
	if r.array {
		return raw, line, nil
	}
	if raw[0] != '{' {
		return nil, 0, &Error{Code: NotRecords}
	}
	if r.wrapped == r.count-1 && wraps(raw) {
		r.wrapped++
	}
	return raw, line, nil
}

// close checks that nothing follows the array.
func (r *jsonRows) close() error {
	if !r.closed {
		r.closed = true
		if _, err := r.text.Token(); err != nil {
			return r.text.early(err)
		}
		for range r.of.path {
			if _, err := r.text.Descend(func(string) bool { return false }); err != nil {
				return err
			}
		}
		if _, err := r.text.Token(); err == nil {
			return &Error{Code: BrokenJSON, Line: r.text.Line()}
		} else if !errors.Is(err, io.EOF) {
			return err
		}
	}
	return io.EOF
}

// wraps reports whether an object is not a record: it holds lists of objects and no value
// of its own, or nothing but objects, most of them alike, each under a name.
func wraps(raw json.RawMessage) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return false
	}
	lists, values, objects := 0, 0, map[string]int{}
	for _, m := range members {
		var list []struct{}
		switch {
		case m[0] == '[' && json.Unmarshal(m, &list) == nil && len(list) > maxElements:
			return true
		case m[0] == '[' && len(list) > 0:
			lists++
		case m[0] == '{':
			objects[namesOf(m)]++
		case m[0] != '[':
			values++
		}
	}
	for _, alike := range objects {
		if values == 0 && lists == 0 && alike > 1 && 2*alike > len(members) {
			return true
		}
	}
	return lists > 0 && values == 0
}

// namesOf returns the names of the members of an object, as one text.
func namesOf(raw json.RawMessage) string {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(raw, &members) // it is an object
	names := slices.Sorted(maps.Keys(members))
	return strings.Join(names, "\x00")
}

// Next returns the next record as a row.
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
		at, known := r.of.column(c.name)
		switch {
		case !known:
		case c.fault != "":
			r.row.Cells[at] = ""
			r.row.Faults = append(r.row.Faults, Fault{at, c.fault})
		default:
			r.row.Cells[at], r.row.Numeric[at] = c.text, c.numeric
		}
	}
	return r.row, nil
}
