package intake

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"sluis/internal/delivery"
	"sluis/internal/importer/census"
	"sluis/internal/importer/intake/columns"
	"sluis/internal/importer/intake/tabular"
	"sluis/internal/value"
)

// emptyShare is the percentage of empty cells in a required column from which on the
// column itself is probably wrong.
const emptyShare = 25

// counts is what a first reading of all rows finds out.
type counts struct {
	census.Census
	rowCount int
	trailing int                         // lines that a database program printed at the end
	details  map[string]int              // the line with the details of each patient that has rows without; 0 if none has
	empty    map[delivery.Field]int      // rows without a value
	unread   map[int]*value.NumberColumn // the columns that are not read: they may hold BSNs
}

// count reads the rows once. What cannot be read is a *tabular.Error.
func (p *parse) count() error {
	p.counts = counts{
		Census: census.New(p.source.Tables()[p.Table].Epoch, p.in.now()),
		empty:  map[delivery.Field]int{}, details: map[string]int{}, unread: map[int]*value.NumberColumn{},
	}
	for _, i := range p.Unread(p.LastColumn) {
		p.unread[i] = &value.NumberColumn{}
	}
	err := p.each(p.countRow)
	if err == nil && len(p.details) > 0 {
		err = p.each(p.findDetails)
	}
	return err
}

// each calls f with each row that has content.
func (p *parse) each(f func(tabular.Row)) error {
	rows, err := p.rows()
	for err == nil {
		var row tabular.Row
		if row, err = tabular.NextFilled(rows); err == nil {
			f(row)
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// findDetails finds the lines with the details of patients that have rows without.
func (p *parse) findDetails(row tabular.Row) {
	number, _ := value.Number(p.Cell(row.Cells, delivery.FieldPatientNumber))
	if line, wanted := p.details[number]; wanted && line == 0 && !bare(p.Layout, row.Cells) {
		p.details[number] = row.Line
	}
}

// countRow counts one row.
func (p *parse) countRow(row tabular.Row) {
	p.rowCount++
	if faulty(row, tabular.WholeRow) {
		return // it has no cells to count
	}
	p.Count(
		p.Written(row.Cells, delivery.FieldPatientNumber), p.Cell(row.Cells, delivery.FieldBirthDate), p.Cell(row.Cells, delivery.FieldSex),
	)
	for i, column := range p.unread {
		if i < len(row.Cells) {
			column.Count(row.Cells[i])
		}
	}
	if number, fault := value.Number(p.Cell(row.Cells, delivery.FieldPatientNumber)); fault == "" && bare(p.Layout, row.Cells) {
		p.details[number] = 0
	}
	for _, f := range p.Fields {
		if p.Cell(row.Cells, f) == "" && !faulty(row, p.At[f]) {
			p.empty[f]++
		}
	}
}

// faulty reports whether a cell of a row could not be read: it is not empty, then.
func faulty(row tabular.Row, column int) bool {
	return slices.ContainsFunc(row.Faults, func(f tabular.Fault) bool { return f.Column == column })
}

// forbidden returns the reasons for which no row of the file can be accepted.
func (c *counts) forbidden(maxRows int) []delivery.Remark {
	var out []delivery.Remark
	switch {
	case c.rowCount == 0:
		out = append(out, delivery.NewRemark("NO_ROWS"))
	case c.rowCount > maxRows:
		out = append(out, delivery.NewRemark("TOO_MANY_ROWS", "max", strconv.Itoa(maxRows)))
	}
	return append(out, c.BSNs()...)
}

// unreadBSNs notes the columns that are not read and hold BSNs. They are named only by their place: a
// header that is not known may be a name.
func (c *counts) unreadBSNs() []delivery.Remark {
	var at []int
	for i, column := range c.unread {
		if column.MostlyBSN() {
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		return nil
	}
	slices.Sort(at)
	return []delivery.Remark{delivery.NewRemark("BSN_IGNORED", "columns", strings.Join(columns.Places(at), ", "))}
}

// empties notes the required columns that are empty in many rows.
func (c *counts) empties(l columns.Layout, linkType string) []delivery.Remark {
	var out []delivery.Remark
	for _, f := range columns.Required(l.Kind, linkType) {
		if share := c.empty[f] * 100 / max(1, c.rowCount); l.Has(f) && share >= emptyShare {
			out = append(out, delivery.NewRemark("COLUMN_EMPTY", "column", l.Columns[f], "percent", strconv.Itoa(share)))
		}
	}
	return out
}
