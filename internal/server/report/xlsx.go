package report

import (
	"io"
	"strconv"

	"sluis/internal/delivery"
	"sluis/internal/server/workbook"
	"sluis/web/text"
)

// XLSXType is the content type of a workbook.
const XLSXType = workbook.Type

// The look of the two kinds of sheets.
var (
	summaryColumns = []workbook.Column{{First: 1, Last: 1, Width: 24}, {First: 2, Last: 2, Width: 60}, {First: 3, Last: 7, Width: 16}}
	errorsColumns  = []workbook.Column{
		{First: 1, Last: 1, Width: 9}, {First: 2, Last: 3, Width: 20}, {First: 4, Last: 5, Width: 14}, {First: 6, Last: 6, Width: 60},
		{First: 7, Last: 7, Width: 9}, {First: 8, Last: 8, Width: 60},
	}
)

// XLSX writes a report as a workbook: a sheet that sums it up, and the errors.
type XLSX struct{ book *workbook.Writer }

// NewXLSX starts a workbook for a report of total rows and writes all of it but
// those.
func NewXLSX(w io.Writer, t *text.Catalogue, d delivery.Delivery, causes []delivery.Cause, total int) (*XLSX, error) {
	sheets := []workbook.Sheet{{Name: t.T("xlsx.summary"), Columns: summaryColumns}}
	for i := range max(1, (total+workbook.MaxRows-2)/(workbook.MaxRows-1)) { // a row of each sheet is its header
		name := t.T("xlsx.errors")
		if i > 0 {
			name += " " + strconv.Itoa(i+1)
		}
		sheets = append(sheets, workbook.Sheet{Name: name, Columns: errorsColumns, Frozen: true, Filter: true})
	}
	book, err := workbook.New(w, sheets)
	if err != nil {
		return nil, err
	}
	if err := book.Next(); err != nil {
		return nil, err
	}
	for _, r := range summary(t, d, causes) {
		style := workbook.Plain
		if len(r) > 0 && r[0] == "" {
			r, style = r[1:], workbook.Bold
		}
		if err := book.Row(style, r...); err != nil {
			return nil, err
		}
	}
	x := &XLSX{book}
	return x, x.nextSheet()
}

// nextSheet begins a sheet of errors with its header.
func (x *XLSX) nextSheet() error {
	if err := x.book.Next(); err != nil {
		return err
	}
	return x.book.Row(workbook.Bold, header...)
}

// Write adds a row. It leaves out rows beyond the announced total. There cannot be
// any: a delivery that is done gets no more findings.
func (x *XLSX) Write(r Row) error {
	if x.book.Rows() == workbook.MaxRows {
		if x.book.Left() == 0 {
			return nil
		}
		if err := x.nextSheet(); err != nil {
			return err
		}
	}
	return x.book.Row(workbook.Plain, r.cells()...)
}

// Close ends the workbook. Without it the file cannot be opened, so that a report
// that broke off cannot pass for a whole one.
func (x *XLSX) Close() error {
	for x.book.Left() > 0 {
		if err := x.nextSheet(); err != nil {
			return err
		}
	}
	return x.book.Close()
}
