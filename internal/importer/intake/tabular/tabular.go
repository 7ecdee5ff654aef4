// Package tabular reads files of rows and columns: CSV, workbooks and JSON, in
// the shapes that hospitals' spreadsheets, exports and scripts write them. Every
// format is a [Source] and yields the same [Row], numbered as the user sees it.
//
// It knows nothing of what a column means, holds one row at a time, writes
// nothing to a disk, and its errors name a line, never a value.
package tabular

import (
	"cmp"
	"fmt"
)

// Limits bound what one file may cost. Zero values mean the defaults.
type Limits struct {
	Columns     int   // of a row
	RecordBytes int   // of a row, decoded
	Expanded    int64 // bytes of one part of a compressed file, once inflated
	Texts       int64 // bytes of the texts that a workbook's cells share
}

// The default limits.
const (
	DefaultColumns     = 500
	DefaultRecordBytes = 1 << 20
	DefaultExpanded    = 1 << 30
	DefaultTexts       = 96 << 20
)

// OrDefault fills what is zero with the defaults.
func (l Limits) OrDefault() Limits {
	l.Columns = cmp.Or(l.Columns, DefaultColumns)
	l.RecordBytes = cmp.Or(l.RecordBytes, DefaultRecordBytes)
	l.Expanded = cmp.Or(l.Expanded, DefaultExpanded)
	l.Texts = cmp.Or(l.Texts, DefaultTexts)
	return l
}

// Blank reports whether the row has no content.
func (r Row) Blank() bool {
	for _, c := range r.Cells {
		if c != "" {
			return false
		}
	}
	return true
}

// Code says why a file cannot be read. It is a refusal code of the catalogue.
type Code string

// The codes.
const (
	Empty          Code = "EMPTY"
	NotText        Code = "NOT_TEXT"
	Markup         Code = "MARKUP" // HTML or XML, such as a "spreadsheet" that a program wrote
	BadEncoding    Code = "ENCODING"
	TooManyColumns Code = "TOO_MANY_COLUMNS"
	RecordTooLong  Code = "RECORD_TOO_LONG"
	UnclosedQuote  Code = "UNCLOSED_QUOTE"

	// Of workbooks.
	Encrypted      Code = "ENCRYPTED"       // a password is needed to open it
	OldWorkbook    Code = "OLD_WORKBOOK"    // .xls, of Excel before 2007
	BinaryWorkbook Code = "BINARY_WORKBOOK" // .xlsb
	OtherDocument  Code = "OTHER_DOCUMENT"  // a zip or Office file that is no workbook of Excel: .ods, .docx, a zip
	BrokenWorkbook Code = "BROKEN_WORKBOOK"
	TooExpanded    Code = "TOO_EXPANDED" // it would inflate to more than a delivery needs

	// Of JSON and FHIR.
	BrokenJSON Code = "BROKEN_JSON"  // at Line
	NotRecords Code = "NOT_RECORDS"  // JSON, but neither a list of objects nor an object a line
	FHIRXML    Code = "FHIR_XML"     // FHIR in XML rather than JSON
	NoPatients Code = "NO_PATIENTS"  // FHIR without one Patient
	NotABundle Code = "NOT_A_BUNDLE" // a FHIR resource other than Bundle or Patient
)

// Error is a file that cannot be read, and the line that shows it (0 if it
// is the whole file). After is the number of records of an array before that line.
type Error struct {
	Code  Code
	Line  int
	After int
}

func (e *Error) Error() string {
	return fmt.Sprintf("the file cannot be read: %s at line %d", e.Code, e.Line)
}
