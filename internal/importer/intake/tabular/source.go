package tabular

import "sluis/internal/value"

// Source is an opened file, whatever its format: one or more tables of rows. A
// table can be read again and again, each time from its start; one reader of a
// Source is used at a time.
type Source interface {
	// Tables lists the tables of the file in its order; there is at least one.
	Tables() []Table
	// Rows starts at the first row of a table: below the header, if the format itself
	// names the columns.
	Rows(table int) (Rows, error)
}

// Rows reads a table row by row.
type Rows interface {
	// Next returns the next row, or io.EOF. A file that cannot be read further is an
	// *Error, and no error holds a value.
	Next() (Row, error)
}

// Table is one table of a file, such as a sheet of a workbook.
type Table struct {
	Name   string // of a sheet, as the user sees it; empty if the file is one table
	Hidden bool
	// Header names the columns if the format itself does (JSON, FHIR). It is nil if
	// the header is one of the rows.
	Header []string
	// Delimiter parts the cells of a text file; 0 in other formats.
	Delimiter rune
	// Epoch is how a number is a day; NoEpoch if none is.
	Epoch value.Epoch
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
	// Numeric says of each cell whether it is a number in the file and not a text, so that
	// leading zeros may be lost. It is nil if no cell is a number.
	Numeric []bool
	// Faults are cells whose content cannot be had. Their text is empty, but for
	// CellFormat.
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
	CellFormat    Code = "CELL_FORMAT"    // a number whose display format is not followed: a warning
	CellRounded   Code = "CELL_ROUNDED"   // a number of more digits than the file could keep
	CellNested    Code = "CELL_NESTED"    // a list or an object instead of a value
	CellTwice     Code = "CELL_TWICE"     // a name that occurs more than once in one record
	RowNotObject  Code = "ROW_NOT_OBJECT" // an element of a JSON array that is no object
)

// NextFilled returns the next row that has content or a fault, or io.EOF.
func NextFilled(r Rows) (Row, error) {
	for {
		row, err := r.Next()
		if err != nil || !row.Blank() || len(row.Faults) > 0 {
			return row, err
		}
	}
}
