package fhir

import (
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"sluis/internal/importer/intake/tabular"
)

// Options say how patients are to be read.
type Options struct {
	Limits tabular.Limits
	// NumberSystem is the system of the centre's patient numbers; empty if they
	// need not be told from other identifiers.
	NumberSystem string
	Types        []string // the pseudonym types, such as NGGV
	// Today is the day on which a period is found to be over or not yet begun. If it
	// is zero, periods are not heeded.
	Today time.Time
}

// The faults of a Patient or of one of its members. They are finding codes of the
// catalogue.
const (
	NotText          tabular.Code = "FHIR_NOT_TEXT"            // a member is a number, say, and FHIR prescribes a text
	SeveralNumbers   tabular.Code = "FHIR_SEVERAL_NUMBERS"     // more than one is in force
	NumberNotInForce tabular.Code = "FHIR_NUMBER_NOT_IN_FORCE" // there are only old ones
	SeveralNames     tabular.Code = "FHIR_SEVERAL_NAMES"       // more than one is in force
	NoNameInForce    tabular.Code = "FHIR_NO_NAME_IN_FORCE"    // only temporary, anonymous or former ones
	PatientReplaced  tabular.Code = "FHIR_PATIENT_REPLACED"    // merged into another record
)

// Looks reports whether a JSON text with this beginning is FHIR.
func Looks(head []byte) bool { return resourceType.Match(head) }

// LooksXML reports whether a text with this beginning is FHIR in XML.
func LooksXML(head []byte) bool {
	return len(head) > 0 && head[0] == '<' && strings.Contains(string(head[:min(len(head), 2000)]), "http://hl7.org/fhir")
}

var (
	resourceType = regexp.MustCompile(`"resourceType"\s*:\s*"`)
	firstType    = regexp.MustCompile(`"resourceType"\s*:\s*"([A-Za-z]{1,64})"`)
	entries      = regexp.MustCompile(`"entry"\s*:\s*\[`)
)

// bundled reports whether a value with this beginning may be a Bundle. Then it has to be
// read entry by entry.
func bundled(ahead []byte) bool {
	at := firstType.FindSubmatchIndex(ahead)
	if at == nil {
		return entries.Match(ahead)
	}
	return string(ahead[at[2]:at[3]]) == "Bundle" || entries.Match(ahead[:at[0]])
}

// Source is a file of FHIR resources.
type Source struct {
	file io.ReaderAt
	size int64
	o    Options
	// placed is true if resources are known by their place in the file: they are in
	// Bundles or in an array, or several on a line.
	placed  bool
	columns columns
	skipped map[string]int
	// Inactive is the number of patients that the sender calls inactive, and Replaced of
	// those that were merged into another record.
	Inactive, Replaced int
}

// Open reads the whole file once, for what its patients have. A file without a
// Patient, or that is no Bundle, is a *tabular.Error.
func Open(file io.ReaderAt, size int64, o Options) (*Source, error) {
	s := &Source{file: file, size: size, o: o, skipped: map[string]int{}}
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
		if fault != "" {
			continue
		}
		seen.count(p)
		switch {
		case p.replaced():
			s.Replaced++
		case p.inactive():
			s.Inactive++
		}
	}
	if patients == 0 {
		if !r.bundles && len(s.skipped) > 0 {
			return nil, &tabular.Error{Code: tabular.NotABundle}
		}
		return nil, &tabular.Error{Code: tabular.NoPatients}
	}
	s.placed = r.nested || r.shared
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

// rows reads the patients as rows.
type rows struct {
	of        *Source
	resources *resources
	row       tabular.Row
}

// Next returns the next Patient.
func (r *rows) Next() (tabular.Row, error) {
	p, line, fault, err := r.resources.patient()
	if err != nil {
		return tabular.Row{}, err
	}
	r.row.Line, r.row.Faults = line, r.row.Faults[:0]
	clear(r.row.Cells)
	if fault == "" && p.replaced() {
		fault = PatientReplaced
	}
	if fault != "" {
		r.row.Faults = append(r.row.Faults, tabular.Fault{Column: tabular.WholeRow, Code: fault})
		return r.row, nil
	}
	r.row.Faults = r.of.columns.fill(p, r.row.Cells, r.row.Faults)
	return r.row, nil
}

func itoa(n int) string { return strconv.Itoa(n) }
