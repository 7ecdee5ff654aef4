// Package report is the error report of a delivery: its rows in the words of a
// catalogue, and the same rows as CSV, as JSON and as a workbook.
//
// A row names a line, a patient number and a column, never a value.
package report

import (
	"context"
	"strconv"
	"strings"

	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/web/text"
)

// Review is the severity of a row that waits for a data manager. The pages show it
// apart.
const Review = "review"

// pageSize is the number of findings in memory while a report is written.
const pageSize = 1000

// Row is one line of the report. The JSON is that of the API.
type Row struct {
	Line          int    `json:"line"`
	PatientNumber string `json:"patientNumber"`
	Column        string `json:"column"`
	Code          string `json:"code"`
	Severity      string `json:"severity"`
	Message       string `json:"message"`
	Source        string `json:"source"`
	Advice        string `json:"advice"`
}

// Source reads the findings of a delivery, page by page in the order of their
// lines, and their causes.
type Source interface {
	Causes(ctx context.Context, d delivery.Delivery) ([]delivery.Cause, error)
	Findings(ctx context.Context, d delivery.Delivery, q delivery.FindingQuery) (delivery.FindingPage, error)
}

// Each calls do for every row of the report that q selects.
func Each(ctx context.Context, src Source, t *text.Catalogue, d delivery.Delivery, q delivery.FindingQuery, do func(Row) error) error {
	q.After, q.Limit = 0, pageSize
	for {
		page, err := src.Findings(ctx, d, q)
		if err != nil {
			return err
		}
		for _, f := range page.Findings {
			if err := do(RowOf(t, d, f)); err != nil {
				return err
			}
		}
		if page.Next == 0 {
			return nil
		}
		q.After = page.Next
	}
}

// RowOf puts a finding into words.
func RowOf(t *text.Catalogue, d delivery.Delivery, f delivery.Finding) Row {
	return Row{
		Line: f.Line, PatientNumber: f.PatientNumber, Column: Column(t, d.Columns, f.Field), Code: f.Code,
		Severity: string(f.Severity), Source: string(f.Source), Message: Message(t, f.Finding, f.Partners), Advice: Advice(t, f.Finding),
	}
}

// Column returns the name of a column as the user knows it: the header in the
// file, or our word for the field.
func Column(t *text.Catalogue, columns delivery.Columns, field string) string {
	if header := columns[delivery.Field(field)]; header != "" {
		return header
	}
	switch key := "field." + field; {
	case t.Has(key):
		return t.T(key)
	case field != "" && field == strings.ToUpper(field):
		return t.T("field.pseudonym", "type", field)
	}
	return field
}

// Message says what is wrong: in the TTP's words as they came, or in ours.
// partners are the other lines that are concerned.
func Message(t *text.Catalogue, f patient.Finding, partners []int) string {
	key := "finding." + f.Code
	if f.Source == patient.TTP && f.Message != "" || !t.Has(key) {
		if f.Message == "" {
			return f.Code
		}
		return f.Message
	}
	message := t.T(key)
	if len(partners) > 0 && t.Has("finding.partners.one") {
		message += " " + t.N("finding.partners", len(partners), "lines", t.Lines(partners))
	}
	return message
}

// Advice says what the user can do about it, or "" if we know nothing.
func Advice(t *text.Catalogue, f patient.Finding) string {
	if key := "advice." + f.Code; t.Has(key) {
		return t.T(key)
	}
	return ""
}

// FormAdvice is Advice for who fills in a form, and has no file to mend.
func FormAdvice(t *text.Catalogue, f patient.Finding) string {
	if key := "advice.form." + f.Code; t.Has(key) {
		return t.T(key)
	}
	return Advice(t, f)
}

// SeverityOnPage is the severity as the pages tell it: a conflict is neither a
// rejection nor a warning there.
func SeverityOnPage(f patient.Finding) string {
	switch patient.Reason(f.Code) {
	case patient.NumberTaken, patient.PseudonymTaken, patient.NumberTwice, patient.PseudonymTwice:
		if f.Source == patient.Sluis {
			return Review
		}
	}
	return string(f.Severity)
}

// Refusal is a sentence that says why a file was refused.
func Refusal(t *text.Catalogue, r delivery.Remark) string { return remark(t, "refusal.", r) }

// Note is a sentence that says what was ignored in a file.
func Note(t *text.Catalogue, r delivery.Remark) string { return remark(t, "note.", r) }

func remark(t *text.Catalogue, prefix string, r delivery.Remark) string {
	key := prefix + r.Code
	if !t.Has(key) {
		return r.Code
	}
	// Some are said more fully with an argument, which those of earlier versions do not have.
	for arg, more := range map[string]string{"first": "years.", "parameter": "parameter.", "format": r.Args["format"] + "."} {
		if r.Args[arg] != "" && t.Has(more+key) {
			key = more + key
			break
		}
	}
	args := make([]any, 0, 2*len(r.Args))
	for name, value := range r.Args {
		args = append(args, name, amount(name, value))
	}
	return t.T(key, args...)
}

// amount is the value of a placeholder: an int, which the catalogue groups, where
// it says how many. Lines and columns are names, also those made of digits.
func amount(name, value string) any {
	if n, err := strconv.Atoi(value); err == nil && name == "max" {
		return n
	}
	return value
}

// Filename is the name under which a report is downloaded.
func Filename(d delivery.Delivery, format string) string {
	return "aanlevering-" + strings.ToLower(d.PublicID) + "-foutenrapport." + format
}
