package conversion

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"sluis/internal/delivery"
)

// Mapping says which column of the old table is what. An empty name means that the table
// has no such column.
type Mapping struct {
	// Table is the name of the table, with its schema if it has one ("dbo.patient"). In its
	// place, Query is a SELECT that returns the columns.
	Table string `json:"table,omitempty"`
	Query string `json:"query,omitempty"`

	Key      string `json:"key"`     // patid
	Centre   string `json:"centre"`  // the centre's number, or a value that Centres translates
	Version  string `json:"version"` // of the row; the patient starts with it
	Surname  string `json:"surname"`
	Prefix   string `json:"prefix"`
	Initials string `json:"initials"`
	Birth    string `json:"birthDate"`
	Sex      string `json:"sex"`
	Died     string `json:"died"`
	Email    string `json:"email"` // never read for the exchange; erased
	// Number is the hospital's own patient number. It is empty if the table has none, and nil
	// as long as nobody said which of the two.
	Number *string `json:"number"`

	// Centres maps a value in the column Centre to the number of a centre: {"17": "2809"}.
	Centres map[string]string `json:"centres,omitempty"`
	// Erase are columns to erase besides surname, prefix, initials and e-mail.
	Erase []string `json:"erase,omitempty"`
}

// DefaultMapping is seed 003's table (§4.3).
func DefaultMapping() Mapping {
	return Mapping{
		Table: "patient", Key: "patid", Centre: "centrum_id", Version: "version", Surname: "achternaam", Prefix: "tussenvoegsel",
		Initials: "voorletters", Birth: "geboortedatum", Sex: "geslacht", Died: "datumoverlijden", Email: "email",
	}
}

// bsnColumn is a name of a column that Sluis does not read (product.md: BSN is forbidden).
var bsnColumn = regexp.MustCompile(`(?i)^(bsn|.*[^a-z]bsn|bsn[^a-z].*|burgerservice.*|sofi.*)$`)

// ReadMapping reads a mapping from JSON. What the JSON leaves out is as in the default one.
func ReadMapping(r io.Reader) (Mapping, error) {
	m := DefaultMapping()
	raw, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		return m, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return m, fmt.Errorf("the mapping is no JSON as docs/conversion.md describes it: %w", err)
	}
	if m.Query != "" && !strings.Contains(string(raw), `"table"`) {
		m.Table = "" // the default's
	}
	return m, m.Check()
}

// Check returns what is wrong with a mapping, or nil.
func (m Mapping) Check() error {
	switch {
	case m.Table != "" && m.Query != "":
		return errors.New("the mapping names a table and a query: one of the two")
	case m.Table == "" && m.Query == "":
		return errors.New("the mapping names no table and no query")
	}
	for name, column := range map[string]string{"key": m.Key, "centre": m.Centre, "surname": m.Surname, "birthDate": m.Birth,
		"sex": m.Sex} {
		if column == "" {
			return fmt.Errorf("the mapping names no column for %s", name)
		}
	}
	for _, column := range append(m.columns(), m.Erase...) {
		if strings.ContainsFunc(column, func(r rune) bool { return r < ' ' }) || len(column) > 128 {
			return errors.New("the mapping has a name of a column that cannot be one")
		}
	}
	if m.Number != nil && bsnColumn.MatchString(*m.Number) {
		return errors.New("the mapping takes a BSN for the patient number: BSN is forbidden in a registry")
	}
	kept := []string{m.Key, m.Centre}
	if m.Number != nil && *m.Number != "" {
		kept = append(kept, *m.Number)
	}
	for _, column := range m.Erased() {
		if slices.Contains(kept, column) {
			return fmt.Errorf("column %s is to be erased and to be kept", column)
		}
	}
	return nil
}

// Numbered reports whether the table has the hospital's own patient number. known is false
// as long as nobody said so or denied it.
func (m Mapping) Numbered() (numbered, known bool) {
	return m.Number != nil && *m.Number != "", m.Number != nil
}

// number is the column of the patient number, or empty.
func (m Mapping) number() string {
	if m.Number == nil {
		return ""
	}
	return *m.Number
}

func (m Mapping) columns() []string {
	return []string{m.Key, m.Centre, m.Version, m.Surname, m.Prefix, m.Initials, m.Birth, m.Sex, m.Died, m.Email, m.number()}
}

// Erased returns the columns that an erasure empties or drops.
func (m Mapping) Erased() []string {
	var out []string
	for _, c := range append([]string{m.Surname, m.Prefix, m.Initials, m.Email}, m.Erase...) {
		if c != "" && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// Named returns the columns that the table must have.
func (m Mapping) Named() []string {
	var out []string
	for _, c := range append(m.columns(), m.Erase...) {
		if c != "" && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// CentreOf returns the number of the centre that a value in the centre's column means.
func (m Mapping) CentreOf(value string) string {
	if number, ok := m.Centres[value]; ok {
		return number
	}
	return value
}

// Same reports whether two mappings read the same rows in the same way.
func (m Mapping) Same(o Mapping) bool {
	a, _ := json.Marshal(m) // only strings: it cannot fail
	b, _ := json.Marshal(o)
	return bytes.Equal(a, b)
}

// MappingStore is what finding the mapping of a plan or run needs of the database.
type MappingStore interface {
	LatestRun(ctx context.Context, mode delivery.Mode) (run Run, ok bool, err error)
	LatestReport(ctx context.Context, kind Kind, runID int64) (r Report, ok bool, err error)
}

// LastMapping returns the mapping of the last conversion or, if there was none, of the
// last rehearsal.
func LastMapping(ctx context.Context, s MappingStore) (m Mapping, ok bool, err error) {
	for _, mode := range []delivery.Mode{delivery.Save, delivery.Check} {
		if run, ok, err := s.LatestRun(ctx, mode); err != nil || ok {
			return run.Mapping, ok, err
		}
	}
	return m, false, nil
}

// NextMapping returns the mapping with which a run of a mode goes on or begins: that of
// the run under way, or else that of the newest plan, rehearsal or conversion. A column
// chosen with `plan --number` is so the choice of the run that follows.
func NextMapping(ctx context.Context, s MappingStore, mode delivery.Mode) (m Mapping, ok bool, err error) {
	var newest time.Time
	for _, of := range []delivery.Mode{delivery.Save, delivery.Check} {
		run, there, err := s.LatestRun(ctx, of)
		if err != nil {
			return m, false, err
		}
		if there && of == mode && run.FinishedAt.IsZero() {
			return run.Mapping, true, nil
		}
		if there && run.StartedAt.After(newest) {
			m, ok, newest = run.Mapping, true, run.StartedAt
		}
	}
	report, there, err := s.LatestReport(ctx, KindPlan, 0)
	if err != nil || !there || report.MadeAt.Before(newest) {
		return m, ok, err
	}
	var p Plan
	if err := json.Unmarshal([]byte(report.Document), &p); err != nil {
		return m, false, errors.New("decode a plan: failed")
	}
	if p.Mapping == nil { // a plan of an earlier version, which did not keep it
		return m, ok, nil
	}
	return *p.Mapping, true, nil
}
