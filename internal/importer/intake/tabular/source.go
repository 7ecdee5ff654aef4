package tabular

import (
	"math"
	"time"
)

// Source is an opened file, whatever its format: one or more tables of rows. A
// table can be read again and again, each time from its start; one reader of a
// Source is used at a time.
type Source interface {
	// Tables lists the tables of the file in its order; there is at least one.
	Tables() []Table
	// Rows begins at the first row of a table: below the header, where the table
	// names its columns itself.
	Rows(table int) (Rows, error)
}

// Rows reads a table row by row.
type Rows interface {
	// Next gives the next row, or io.EOF. A file that cannot be read further is an
	// *Error, and no error holds a value.
	Next() (Row, error)
}

// Table is one table of a file, such as a sheet of a workbook.
type Table struct {
	Name   string // of a sheet, as the user sees it; empty where the file is one table
	Hidden bool
	// Header names the columns where the format itself does (JSON, FHIR); nil where
	// the header is one of the rows.
	Header []string
	// Epoch tells how a number stands for a day; NoEpoch where none does.
	Epoch Epoch
	// Skipped counts what is no row and was passed over: FHIR resources by their type.
	Skipped map[string]int
}

// Row is one row of a file, whatever its format. Line is its number as the user
// sees it: of the spreadsheet's row or the text's line (the first is 1), or the
// place of an element in a JSON array or of an entry in a FHIR Bundle. Cells are
// trimmed of white space. A row is valid until the next call of Next.
type Row struct {
	Line  int
	Cells []string
	// Numeric tells of each cell whether the file holds a number there rather than
	// text, so that leading zeros may be lost; nil where no cell does.
	Numeric []bool
	// Faults are cells whose content cannot be had. Their text is empty.
	Faults []Fault
}

// Fault is a cell that cannot be read, though the rest of the file can. Column is
// its place from 0, or WholeRow.
type Fault struct {
	Column int
	Code   Code
}

// WholeRow is the Column of a fault that leaves nothing of its row.
const WholeRow = -1

// The faults of a cell or a row. They are finding codes of the catalogue.
const (
	CellError     Code = "CELL_ERROR"     // an Excel error value such as #N/A
	CellUncounted Code = "CELL_UNCOUNTED" // a formula whose outcome is not in the file
	CellRounded   Code = "CELL_ROUNDED"   // a number of more digits than the file could keep
	CellNested    Code = "CELL_NESTED"    // a list or an object where a value is wanted
	CellTwice     Code = "CELL_TWICE"     // a name that occurs more than once in one record
	RowNotObject  Code = "ROW_NOT_OBJECT" // an element of a JSON array that is no object
)

// Epoch is the day from which a spreadsheet counts its days.
type Epoch int

// The epochs of Excel.
const (
	NoEpoch   Epoch = iota
	Epoch1900       // day 1 is 1 January 1900, and 29 February 1900 is counted though it never was
	Epoch1904       // day 0 is 1 January 1904
)

// Day gives the ISO date of a serial number, whose fraction is a time of day. ok
// is false where no day between 1800 and 9999 has it.
func (e Epoch) Day(serial float64) (iso string, ok bool) {
	if math.IsNaN(serial) || serial < 0 || serial > 2_958_465 { // the last is 31 December 9999
		return "", false
	}
	day := int(serial)
	switch {
	case e == Epoch1904:
		day += 1462
	case e != Epoch1900, day == 60, day == 0:
		return "", false
	case day < 60: // before the day that never was
		day++
	}
	at := time.Date(1899, time.December, 30+day, 0, 0, 0, 0, time.UTC)
	return at.Format(time.DateOnly), at.Year() <= 9999
}
