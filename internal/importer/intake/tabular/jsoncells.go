package tabular

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"sluis/internal/value"
)

// jsonCell is a value of a record with the name of its column.
type jsonCell struct {
	name, text string
	numeric    bool
	fault      Code
}

// flatten returns the values of a record; ok is false if it is not an object.
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

// object reads the members of an object up to its end. The name of a column is that of the
// member, between before and behind.
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
		f.add(jsonCell{name: column, text: value.Text(v)})
	case json.Number:
		f.add(number(column, v.String()))
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

func number(column, text string) jsonCell {
	return jsonCell{name: column, text: value.Whole(text), numeric: true}
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
