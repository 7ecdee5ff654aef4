package fhir

import (
	"encoding/json"
	"errors"
	"io"
	"slices"

	"sluis/internal/importer/intake/tabular"
)

// maxBundles is how deep Bundles may be nested.
const maxBundles = 8

// resources reads a file resource by resource: an array, a Bundle, a resource a
// line, and any of these in one another, as pages of a search are saved. Bundles
// that are no entry themselves are read entry by entry, whatever their size.
type resources struct {
	of    *Source
	text  *tabular.JSONText
	open  []frame // what is open, the innermost last
	ready []found // of a Bundle that was read whole, the next last
	place int
	line  int  // of the last value that was in no array and no Bundle
	count bool // what is skipped: only on the first reading

	bundles bool // there was a Bundle
	nested  bool // a resource was in an array or a Bundle
	shared  bool // two were on one line
}

// How many bytes of a value are looked at to find out whether it is a Bundle. The first value
// has more, because there may be much before its entries.
const (
	aheadBytes = 2 << 10
	firstBytes = 64 << 10
)

// frame is a list that is open.
type frame struct{ bundle bool }

// found is a resource, and how many Bundles are around it.
type found struct {
	raw   json.RawMessage
	depth int
}

func (s *Source) begin() (*resources, error) {
	text, err := tabular.OpenJSONText(s.file, s.size, s.o.Limits)
	if err != nil {
		return nil, err
	}
	return &resources{of: s, text: text, count: s.columns.names == nil}, nil
}

// patient returns the next Patient and its line or place; fault is the reason if
// it cannot be read as one. Other resources are counted and passed over.
func (r *resources) patient() (p patient, line int, fault tabular.Code, err error) {
	for {
		f, err := r.next()
		if err != nil {
			return patient{}, 0, "", err
		}
		var kind struct {
			ResourceType any `json:"resourceType"`
		}
		switch {
		case f.raw[0] != '{' || !decodes(f.raw, &kind):
			return patient{}, r.number(), tabular.RowNotObject, nil
		case kind.ResourceType == "Bundle" && f.depth < maxBundles:
			r.unpack(f)
		case kind.ResourceType != "Patient":
			r.place++
			if r.count {
				r.of.skipped[known(kind.ResourceType)]++
			}
		case !decodes(f.raw, &p):
			return patient{}, r.number(), NotText, nil
		default:
			return p, r.number(), "", nil
		}
	}
}

// number is the place of the resource that was read, or its line.
func (r *resources) number() int {
	r.place++
	if len(r.open) > 0 || r.of.placed {
		return r.place
	}
	return r.line
}

// unpack takes the resources out of a Bundle that is in memory.
func (r *resources) unpack(f found) {
	var pages bundle
	r.bundles, r.nested = true, true
	if !decodes(f.raw, &pages) {
		r.ready = append(r.ready, found{json.RawMessage("[]"), f.depth + 1}) // told as a row that cannot be read
		return
	}
	for _, e := range slices.Backward(pages.Entry) {
		r.ready = append(r.ready, found{e.resource(), f.depth + 1})
	}
}

// next returns the next resource, or io.EOF.
func (r *resources) next() (found, error) {
	for {
		if last := len(r.ready) - 1; last >= 0 {
			f := r.ready[last]
			r.ready = r.ready[:last]
			return f, nil
		}
		inside := len(r.open) > 0
		switch {
		case inside && !r.text.More():
			if err := r.leave(); err != nil {
				return found{}, err
			}
		case inside && r.open[len(r.open)-1].bundle:
			return r.entry()
		default:
			f, entered, err := r.value()
			if err != nil || !entered {
				return f, err
			}
		}
	}
}

// value reads a value, by itself or in an array. If the value is an array or may be a
// Bundle, it enters the list instead.
func (r *resources) value() (f found, entered bool, err error) {
	look := aheadBytes
	if r.line == 0 {
		look = firstBytes
	}
	ahead, err := r.text.Ahead(look)
	if err != nil {
		return found{}, false, err
	}
	switch {
	case len(ahead) > 0 && ahead[0] == '[' && len(r.open) == 0:
		r.nested = true
		_, err := r.text.Token()
		r.open = append(r.open, frame{})
		return found{}, true, err
	case len(ahead) > 0 && ahead[0] == '{' && bundled(ahead):
		return r.walk()
	}
	raw, line, err := r.text.Value()
	if err != nil {
		if len(r.open) > 0 {
			err = r.broken(err)
		}
		return found{}, false, err
	}
	r.begun(line)
	return found{raw: raw}, false, nil
}

// begun notes the line on which a value begins that is in no list.
func (r *resources) begun(line int) {
	r.shared = r.shared || len(r.open) == 0 && line == r.line
	r.line = line
}

// walk reads an object member by member up to the entries of a Bundle. One that has
// none comes out whole.
func (r *resources) walk() (f found, entered bool, err error) {
	if _, err := r.text.Token(); err != nil {
		return found{}, false, r.broken(err)
	}
	r.begun(r.text.Line())
	raw := []byte("{")
	for r.text.More() {
		key, err := r.text.Token()
		if err != nil {
			return found{}, false, r.broken(err)
		}
		if ahead, err := r.text.Ahead(16); err != nil {
			return found{}, false, err
		} else if key == "entry" {
			if len(ahead) == 0 || ahead[0] != '[' {
				return found{}, false, &tabular.Error{Code: tabular.NotABundle}
			}
			_, err := r.text.Token()
			r.bundles, r.nested = true, true
			r.open = append(r.open, frame{bundle: true})
			return found{}, true, err
		}
		value, line, err := r.text.Value()
		if err != nil {
			return found{}, false, r.broken(err)
		}
		if len(raw)+len(value) > r.text.Limit() {
			return found{}, false, &tabular.Error{Code: tabular.RecordTooLong, Line: line}
		}
		name, _ := json.Marshal(key) // a text
		raw = append(append(append(raw, name...), ':'), value...)
		raw = append(raw, ',')
	}
	if _, err := r.text.Token(); err != nil {
		return found{}, false, r.broken(err)
	}
	if raw[len(raw)-1] == ',' {
		raw = raw[:len(raw)-1]
	}
	return found{raw: append(raw, '}')}, false, nil
}

// entry reads an entry of a Bundle.
func (r *resources) entry() (found, error) {
	raw, _, err := r.text.Value()
	if err != nil {
		return found{}, r.broken(err)
	}
	var e bundleEntry
	if !decodes(raw, &e) {
		e = bundleEntry{}
	}
	return found{raw: e.resource(), depth: 1}, nil
}

// leave closes the innermost list. It reads the members after the entries of a Bundle too: a
// text that breaks off there is not complete.
func (r *resources) leave() error {
	last := len(r.open) - 1
	bundle := r.open[last].bundle
	if _, err := r.text.Token(); err != nil {
		return r.broken(err)
	}
	r.open = r.open[:last]
	if !bundle {
		return nil
	}
	_, err := r.text.Descend(func(string) bool { return false })
	return err
}

// broken returns the error of a text that ends too early as an *Error, with the place at
// which it ends.
func (r *resources) broken(err error) error {
	if errors.Is(err, io.EOF) {
		err = &tabular.Error{Code: tabular.BrokenJSON, Line: r.text.Line()}
	}
	if e, ok := errors.AsType[*tabular.Error](err); ok && e.Code == tabular.BrokenJSON {
		return &tabular.Error{Code: e.Code, Line: e.Line, After: r.place}
	}
	return err
}

// decodes reports whether a value has the shape that FHIR prescribes; what is wrong
// with it must not be repeated.
func decodes(raw json.RawMessage, into any) bool { return json.Unmarshal(raw, into) == nil }

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// known returns the name of a resource type that FHIR has, and "" for any other text,
// which must not be repeated.
func known(v any) string {
	name, ok := v.(string)
	if ok && resourceTypes[name] {
		return name
	}
	return ""
}
