package intake

import (
	"errors"
	"io"
	"strconv"

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
	empty    map[delivery.Field]int // rows without a value
}

// count reads the rows once. What cannot be read is a *tabular.Error.
func (p *parse) count() error {
	p.census = census{empty: map[delivery.Field]int{}}
	rows, err := p.rows()
	for err == nil {
		var row, nextErr = tabular.NextFilled(rows)
		if err = nextErr; err != nil {
			break
		}
		p.rowCount++
		p.numbers.Count(p.Cell(row.Cells, delivery.FieldPatientNumber))
		p.births.Count(p.Cell(row.Cells, delivery.FieldBirthDate))
		for _, f := range p.Fields {
			if p.Cell(row.Cells, f) == "" {
				p.empty[f]++
			}
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
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
