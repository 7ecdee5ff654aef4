// Package example writes files that show hospitals how theirs should look, from
// the same description of the columns by which files are read.
//
// Its patient is made up, and intake passes over it: a template that is delivered
// with its example still in it brings nobody into the registry.
package example

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"sluis/internal/delivery"
	"sluis/internal/importer/intake/columns"
	"sluis/internal/server/workbook"
	"sluis/web/text"
)

// Formats are the formats of examples, by the ending of their names.
var Formats = []string{"csv", "xlsx", "json", "fhir.json"}

// ContentTypes are the content types of the formats.
var ContentTypes = map[string]string{
	"csv": "text/csv; charset=utf-8", "xlsx": workbook.Type,
	"json": "application/json", "fhir.json": "application/fhir+json",
}

// File is one example.
type File struct {
	Kind    delivery.Kind
	Columns []columns.Described
	Types   []string // the pseudonym types
	System  string   // of the patient numbers in FHIR
}

// Write writes an example in a format.
func (f File) Write(w io.Writer, format string, t *text.Catalogue) error {
	switch format {
	case "csv":
		return f.csv(w)
	case "xlsx":
		return f.xlsx(w, t)
	case "json":
		return f.json(w)
	case "fhir.json":
		return f.fhir(w)
	}
	return fmt.Errorf("example: no format %q", format)
}

// columns returns the columns that the example fills: the birth year would repeat
// the birth date.
func (f File) columns() []columns.Described {
	var out []columns.Described
	for _, c := range f.Columns {
		if c.Field != delivery.FieldBirthYear {
			out = append(out, c)
		}
	}
	return out
}

func (f File) csv(w io.Writer) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil { // or Excel takes it for Windows-1252
		return err
	}
	c := csv.NewWriter(w)
	c.Comma, c.UseCRLF = ';', true
	var header, row []string
	for _, col := range f.columns() {
		header, row = append(header, col.Header), append(row, col.Example)
	}
	return c.WriteAll([][]string{header, row})
}

// The sheets of the workbook.
const (
	dataSheet = "Patiënten"
	helpSheet = "Toelichting"
)

// xlsx writes a sheet for the data, its cells text so that zeros stay, and one
// that explains the columns.
func (f File) xlsx(w io.Writer, t *text.Catalogue) error {
	filled := f.columns()
	book, err := workbook.New(w, []workbook.Sheet{
		{Name: dataSheet, Columns: []workbook.Column{{First: 1, Last: len(filled), Width: 20, Text: true}}},
		{Name: helpSheet, Columns: []workbook.Column{{First: 1, Last: 5, Width: 32}}},
	})
	if err != nil {
		return err
	}
	headers, examples := make([]string, len(filled)), make([]string, len(filled))
	for i, c := range filled {
		headers[i], examples[i] = c.Header, c.Example
	}
	help := make([]string, 0, 5)
	for _, key := range []string{"upload.column", "upload.required", "upload.explain", "upload.example_value", "upload.also_head"} {
		help = append(help, t.T(key))
	}
	errs := []error{
		book.Next(), book.Row(workbook.Bold, headers...), book.Row(workbook.Plain, examples...),
		book.Next(), book.Row(workbook.Bold, help...),
	}
	for _, c := range f.Columns {
		errs = append(errs,
			book.Row(workbook.Plain, c.Header, Required(t, c), t.T("column."+c.Kind), c.Example, strings.Join(c.Also, ", ")))
	}
	errs = append(errs, book.Row(workbook.Plain), book.Row(workbook.Plain, t.T("upload.example_row", "number", columns.ExampleNumber)),
		book.Close())
	return errors.Join(errs...)
}

// Required says in words whether a column is required.
func Required(t *text.Catalogue, c columns.Described) string {
	switch {
	case c.Required && c.Instead != "":
		return t.T("upload.required_or", "column", columns.Wanted(c.Instead))
	case c.Required:
		return t.T("word.yes")
	}
	return t.T("word.no")
}

// json writes an array of one record, its members in the order of the columns.
func (f File) json(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString("[\n  {")
	for i, c := range f.columns() {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(c.Property)
		if err != nil {
			return err
		}
		value, err := json.Marshal(c.Example)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "\n    %s: %s", name, value)
	}
	b.WriteString("\n  }\n]\n")
	_, err := w.Write(b.Bytes())
	return err
}

// object is a JSON object of the example.
type object = map[string]any

// fhir writes a Bundle of one Patient.
func (f File) fhir(w io.Writer) error {
	identifiers := []object{{"system": f.System, "value": columns.ExampleNumber}}
	patient := object{"resourceType": "Patient", "gender": "male", "birthDate": "2001-01-31"}
	if f.Kind == delivery.Identities {
		url := "http://hl7.org/fhir/StructureDefinition/"
		patient["name"] = []object{{
			"use": "official", "family": "van den Voorbeeld", "given": []string{"A.B."},
			"_family": object{"extension": []object{
				{
					"url":         url + "humanname-own-prefix",
					"valueString": "van den",
				}, {"url": url + "humanname-own-name", "valueString": "Voorbeeld"},
			}},
			"_given": []object{{"extension": []object{{"url": url + "iso21090-EN-qualifier", "valueCode": "IN"}}}},
		}}
	} else {
		for _, t := range f.Types {
			identifiers = append(identifiers, object{
				"system": "urn:sluis:temporary-pseudonym:" + t, "value": "voorbeeld" + t + "x7Q2m9Kp",
				"period": object{"end": "2026-12-01T10:00:00Z"},
			})
		}
	}
	patient["identifier"] = identifiers
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(object{"resourceType": "Bundle", "type": "collection", "entry": []object{{"resource": patient}}})
}
