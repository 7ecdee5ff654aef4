package fhir

import (
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"sluis/internal/importer/intake/tabular"
)

// Options say how patients are to be read.
type Options struct {
	Limits tabular.Limits
	// NumberSystem is the system of the centre's patient numbers; empty where they
	// need not be told from other identifiers.
	NumberSystem string
	Types        []string // the pseudonym types, such as NGGV
}

// Looks tells by the beginning of a JSON text whether it is FHIR.
func Looks(head []byte) bool { return resourceType.Match(head) }

// LooksXML tells by the beginning of a text whether it is FHIR in XML.
func LooksXML(head []byte) bool {
	return len(head) > 0 && head[0] == '<' && strings.Contains(string(head[:min(len(head), 2000)]), "http://hl7.org/fhir")
}

var (
	resourceType = regexp.MustCompile(`"resourceType"\s*:\s*"`)
	firstType    = regexp.MustCompile(`"resourceType"\s*:\s*"([A-Za-z]{1,64})"`)
	entries      = regexp.MustCompile(`"entry"\s*:\s*\[`)
)

// Source is a file of FHIR resources.
type Source struct {
	file    io.ReaderAt
	size    int64
	o       Options
	bundle  bool
	array   bool
	columns columns
	skipped map[string]int
}

// Open reads the whole file once, for what its patients have. A file without a
// Patient, or that is no Bundle, is a *tabular.Error.
func Open(file io.ReaderAt, size int64, head []byte, o Options) (*Source, error) {
	s := &Source{file: file, size: size, o: o, skipped: map[string]int{}}
	text := strings.TrimLeft(string(head), " \t\r\n\ufeff")
	s.array = strings.HasPrefix(text, "[")
	if m := firstType.FindStringSubmatch(text); !s.array && m != nil {
		s.bundle = m[1] == "Bundle" || entries.MatchString(text)
	}
	r, err := s.begin()
	if err != nil {
		return nil, err
	}
	seen := newSurvey(o)
	patients := 0
	for {
		p, _, fault, err := r.patient()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		patients++
		if !fault {
			seen.count(p)
		}
	}
	if patients == 0 {
		if !s.bundle && len(s.skipped) > 0 {
			return nil, &tabular.Error{Code: tabular.NotABundle}
		}
		return nil, &tabular.Error{Code: tabular.NoPatients}
	}
	s.columns = seen.columns()
	return s, nil
}

// Tables is the one table of the file.
func (s *Source) Tables() []tabular.Table {
	return []tabular.Table{{Header: s.columns.header(), Skipped: s.skipped}}
}

// Rows begins at the first Patient.
func (s *Source) Rows(int) (tabular.Rows, error) {
	r, err := s.begin()
	if err != nil {
		return nil, err
	}
	return &rows{of: s, resources: r, row: tabular.Row{Cells: make([]string, len(s.columns.names))}}, nil
}

// resources reads a file resource by resource.
type resources struct {
	of    *Source
	text  *tabular.JSONText
	place int
	count bool // what is skipped: only on the first reading
	done  bool
}

func (s *Source) begin() (*resources, error) {
	text, err := tabular.OpenJSONText(s.file, s.size, s.o.Limits)
	if err != nil {
		return nil, err
	}
	r := &resources{of: s, text: text, count: s.columns.names == nil}
	switch {
	case s.array:
		_, err = text.Token()
	case s.bundle:
		err = r.enter()
	}
	return r, err
}

// enter moves to the first entry of a Bundle, whatever stands before it.
func (r *resources) enter() error {
	if t, err := r.text.Token(); err != nil {
		return broken(err, r.text)
	} else if t != json.Delim('{') {
		return &tabular.Error{Code: tabular.NotABundle}
	}
	for r.text.More() {
		key, err := r.text.Token()
		if err != nil {
			return broken(err, r.text)
		}
		if key != "entry" {
			if _, _, err := r.text.Value(); err != nil {
				return broken(err, r.text)
			}
			continue
		}
		if t, err := r.text.Token(); err != nil {
			return broken(err, r.text)
		} else if t != json.Delim('[') {
			return &tabular.Error{Code: tabular.NotABundle}
		}
		return nil
	}
	r.done = true // a Bundle without entries
	return nil
}

// broken makes an *Error of a text that ends too early.
func broken(err error, text *tabular.JSONText) error {
	if errors.Is(err, io.EOF) {
		return &tabular.Error{Code: tabular.BrokenJSON, Line: text.Line()}
	}
	return err
}

// patient gives the next Patient and its line or place; fault says that it cannot
// be read as one. Other resources are counted and passed over.
func (r *resources) patient() (p patient, line int, fault bool, err error) {
	for {
		raw, line, err := r.next()
		if err != nil {
			return patient{}, 0, false, err
		}
		var kind struct {
			ResourceType any `json:"resourceType"`
		}
		if raw[0] != '{' || !decodes(raw, &kind) {
			return patient{}, line, true, nil
		}
		if kind.ResourceType != "Patient" {
			if r.count {
				r.of.skipped[known(kind.ResourceType)]++
			}
			continue
		}
		if !decodes(raw, &p) {
			return patient{}, line, true, nil
		}
		return p, line, false, nil
	}
}

// next gives the next resource: of an entry, of an array, or of a line.
func (r *resources) next() (json.RawMessage, int, error) {
	if !r.of.bundle && !r.of.array {
		raw, line, err := r.text.Value()
		return raw, line, err
	}
	if r.done || !r.text.More() {
		return nil, 0, r.close()
	}
	raw, _, err := r.text.Value()
	if err != nil {
		return nil, 0, broken(err, r.text)
	}
	r.place++
	if r.of.array {
		return raw, r.place, nil
	}
	var entry struct {
		Resource json.RawMessage `json:"resource"`
	}
	if !decodes(raw, &entry) || len(entry.Resource) == 0 {
		return json.RawMessage("{}"), r.place, nil // an entry without a resource, such as a deletion
	}
	return entry.Resource, r.place, nil
}

// decodes tells whether a value has the shape that FHIR gives it; what is wrong
// with it must not be repeated.
func decodes(raw json.RawMessage, into any) bool { return json.Unmarshal(raw, into) == nil }

// close reads what stands behind the entries: a text that breaks off there is not
// the whole of it.
func (r *resources) close() error {
	if r.done {
		return io.EOF
	}
	r.done = true
	for depth := 1 + btoi(r.of.bundle); depth > 0; {
		t, err := r.text.Token()
		if err != nil {
			return broken(err, r.text)
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
	return io.EOF
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// known gives the name of a resource type that FHIR has, and "" for all others:
// what else stands there must not be repeated.
func known(v any) string {
	name, ok := v.(string)
	if ok && resourceTypes[name] {
		return name
	}
	return ""
}

// rows gives the patients as rows.
type rows struct {
	of        *Source
	resources *resources
	row       tabular.Row
}

// Next gives the next Patient.
func (r *rows) Next() (tabular.Row, error) {
	p, line, fault, err := r.resources.patient()
	if err != nil {
		return tabular.Row{}, err
	}
	r.row.Line, r.row.Faults = line, r.row.Faults[:0]
	clear(r.row.Cells)
	if fault {
		r.row.Faults = append(r.row.Faults, tabular.Fault{Column: tabular.WholeRow, Code: tabular.RowNotObject})
		return r.row, nil
	}
	r.of.columns.fill(p, r.row.Cells)
	return r.row, nil
}

func itoa(n int) string { return strconv.Itoa(n) }
