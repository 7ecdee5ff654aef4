package tabular

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// maxWrapping is how many objects may lie around the list of records.
const maxWrapping = 3

// wrapping finds the list of records if one object holds it, perhaps next to what
// describes the export: {"exported":"…","data":{"patients":[…]}}. It returns the
// names of the members that lead there; none if nothing is around the records. A
// list counts if its first element has two names for which known returns true. An object
// that has one such name is itself a record. head is the start of the text.
func wrapping(head []byte, known func(name string) bool) []string {
	w := wrapper{dec: json.NewDecoder(bytes.NewReader(head)), known: known}
	if w.token() != json.Delim('{') {
		return nil
	}
	path, record := w.object(1)
	if record || w.err == nil && w.dec.More() { // an object a line
		return nil
	}
	return path
}

// wrapper walks the start of a JSON text, which may break off anywhere.
type wrapper struct {
	dec   *json.Decoder
	known func(name string) bool
	err   error
}

func (w *wrapper) token() json.Token {
	if w.err != nil {
		return nil
	}
	var t json.Token
	t, w.err = w.dec.Token()
	return t
}

// object walks the members of an object up to its end. record says that the object is itself
// a record.
func (w *wrapper) object(depth int) (path []string, record bool) {
	for w.err == nil && w.dec.More() {
		name, _ := w.token().(string)
		var inner []string
		found := false
		switch w.token() {
		case json.Delim('{'):
			if depth == maxWrapping || len(path) > 0 {
				w.rest()
				// {"patient":{…}}: what holds a record is none, and no wrapping either
			} else if inner, _ = w.object(depth + 1); len(inner) > 0 {
				found = true
			}
		case json.Delim('['):
			found = w.list() && len(path) == 0
		default:
			if w.known(name) {
				return nil, true
			}
		}
		if found {
			path = append([]string{name}, inner...)
		}
	}
	w.token()
	return path, false
}

// list walks a list up to its end, and reports whether it is one of records.
func (w *wrapper) list() bool {
	if w.err != nil || !w.dec.More() {
		w.token()
		return false
	}
	known := 0
	switch w.token() {
	case json.Delim('{'):
		for w.err == nil && w.dec.More() {
			if name, ok := w.token().(string); ok && w.known(name) {
				known++
			}
			w.value()
		}
		w.token()
	case json.Delim('['):
		w.rest()
	}
	w.rest()
	return known > 1
}

// value passes over a value, and rest over what is left of a list or an object.
func (w *wrapper) value() {
	switch w.token() {
	case json.Delim('{'), json.Delim('['):
		w.rest()
	}
}

func (w *wrapper) rest() {
	for depth := 1; depth > 0 && w.err == nil; {
		switch w.token() {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}

// Descend moves through the members of an object up to the value of the first that
// is wanted; ok is false at the end of the object.
func (t *JSONText) Descend(wanted func(name string) bool) (ok bool, err error) {
	for t.More() {
		name, err := t.Token()
		if err != nil {
			return false, t.early(err)
		}
		if text, is := name.(string); is && wanted(text) {
			return true, nil
		}
		if err := t.Skip(); err != nil {
			return false, err
		}
	}
	_, err = t.Token() // the end of the object
	return false, t.early(err)
}

// Skip passes over a value of any size.
func (t *JSONText) Skip() error {
	for depth := 0; ; {
		token, err := t.Token()
		if err != nil {
			return t.early(err)
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// early makes an *Error of an end that comes too early.
func (t *JSONText) early(err error) error {
	if errors.Is(err, io.EOF) {
		return &Error{Code: BrokenJSON, Line: t.Line()}
	}
	return err
}
