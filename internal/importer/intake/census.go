package intake

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"sluis/internal/delivery"
	"sluis/internal/importer/intake/columns"
	"sluis/internal/importer/intake/tabular"
	"sluis/internal/value"
)

// emptyShare is the percentage of empty cells in a required column from which on the
// column itself is probably wrong.
const emptyShare = 25

// census is what a first reading of all rows finds out.
type census struct {
	rowCount int
	numbers  value.NumberColumn
	births   value.DateColumn
	bare     value.BareDays
	sexes    value.SexColumn
	trailing int                         // lines that a database program printed at the end
	empty    map[delivery.Field]int      // rows without a value
	unread   map[int]*value.NumberColumn // the columns that are not read: they may hold BSNs
}

// count reads the rows once. What cannot be read is a *tabular.Error.
func (p *parse) count() error {
	p.census = census{empty: map[delivery.Field]int{}, unread: map[int]*value.NumberColumn{}}
	for _, i := range p.Unread(p.LastColumn) {
		p.unread[i] = &value.NumberColumn{}
	}
	rows, err := p.rows()
	for err == nil {
		var row, nextErr = tabular.NextFilled(rows)
		if err = nextErr; err != nil {
			break
		}
		p.rowCount++
		if faulty(row, tabular.WholeRow) {
			continue // it has no cells to count
		}
		p.numbers.Count(p.Written(row.Cells, delivery.FieldPatientNumber))
		for i, column := range p.unread {
			if i < len(row.Cells) {
				column.Count(row.Cells[i])
			}
		}
		p.sexes.Count(p.Cell(row.Cells, delivery.FieldSex))
		p.bare.Count(p.Cell(row.Cells, delivery.FieldBirthDate), p.source.Tables()[p.Table].Epoch, p.in.Now())
		p.births.Count(p.Cell(row.Cells, delivery.FieldBirthDate))
		for _, f := range p.Fields {
			if p.Cell(row.Cells, f) == "" && !faulty(row, p.At[f]) {
				p.empty[f]++
			}
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// faulty reports whether a cell of a row could not be read: it is not empty, then.
func faulty(row tabular.Row, column int) bool {
	return slices.ContainsFunc(row.Faults, func(f tabular.Fault) bool { return f.Column == column })
}

// forbidden returns the reasons for which no row of the file can be accepted.
func (c *census) forbidden(maxRows int) []delivery.Remark {
	var out []delivery.Remark
	switch {
	case c.rowCount == 0:
		out = append(out, delivery.NewRemark("NO_ROWS"))
	case c.rowCount > maxRows:
		out = append(out, delivery.NewRemark("TOO_MANY_ROWS", "max", strconv.Itoa(maxRows)))
	}
	if c.numbers.MostlyBSN() {
		out = append(out, delivery.NewRemark("BSN_NUMBERS"))
	}
	return out
}

// rewritten notes what was taken out of patient numbers that a program had put there.
func (c *census) rewritten() []delivery.Remark {
	var out []delivery.Remark
	if n := c.numbers.Marked(); n > 0 {
		out = append(out, delivery.NewRemark("NUMBER_MARKS", "count", strconv.Itoa(n)))
	}
	if n := c.numbers.Floats(); n > 0 {
		out = append(out, delivery.NewRemark("NUMBER_FLOATS", "count", strconv.Itoa(n)))
	}
	return out
}

// unreadBSNs notes the columns that are not read and hold BSNs. They are named only by their place: a
// header that is not known may be a name.
func (c *census) unreadBSNs() []delivery.Remark {
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

// doubtful returns the reasons for which no date of birth, or no sex, of the file can
// be trusted. Order is what a user said of the dates; empty if nobody did.
func (c *census) doubtful(l columns.Layout, order delivery.DateOrder) []delivery.Remark {
	var out []delivery.Remark
	if c.births.SwappedByExcel() {
		out = append(out, delivery.NewRemark("DATES_SWAPPED", "column", l.Columns[delivery.FieldBirthDate]))
	}
	if c.bare.Unlikely() {
		out = append(out, delivery.NewRemark("BIRTHS_NUMBERED_UNLIKELY", c.numbered(l)...))
	}
	if order == "" && c.births.EnglishOpen() {
		out = append(out, delivery.NewRemark("DATES_ORDER_OPEN", "column", l.Columns[delivery.FieldBirthDate]))
	}
	if c.sexes.ZeroOrOne() {
		out = append(out, delivery.NewRemark("SEX_ZERO_ONE", "column", l.Columns[delivery.FieldSex]))
	}
	return out
}

// numbered returns the arguments of a remark on dates that are bare numbers. It names
// years only, since a registry may keep no more.
func (c *census) numbered(l columns.Layout) []string {
	return []string{
		"column", l.Columns[delivery.FieldBirthDate], "count", strconv.Itoa(c.bare.Total), "first", strconv.Itoa(c.bare.First),
		"last", strconv.Itoa(c.bare.Last),
	}
}

// empties notes the required columns that are empty in many rows.
func (c *census) empties(l columns.Layout, linkType string) []delivery.Remark {
	var out []delivery.Remark
	for _, f := range columns.Required(l.Kind, linkType) {
		if share := c.empty[f] * 100 / max(1, c.rowCount); l.Has(f) && share >= emptyShare {
			out = append(out, delivery.NewRemark("COLUMN_EMPTY", "column", l.Columns[f], "percent", strconv.Itoa(share)))
		}
	}
	return out
}
