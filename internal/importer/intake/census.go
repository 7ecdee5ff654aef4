package intake

import (
	"errors"
	"io"
	"strconv"

	"sluis/internal/delivery"
	"sluis/internal/value"
)

// emptyShare is the percentage of empty cells in a column that every row needs,
// from which on the column itself is the likely fault.
const emptyShare = 25

// census is what a first reading of all rows tells of a file.
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
		var row, nextErr = nextFilled(rows)
		if err = nextErr; err != nil {
			break
		}
		p.rowCount++
		p.numbers.Count(p.cell(row.Cells, delivery.FieldPatientNumber))
		p.births.Count(p.cell(row.Cells, delivery.FieldBirthDate))
		for _, f := range p.fields {
			if p.cell(row.Cells, f) == "" {
				p.empty[f]++
			}
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// forbidden gives the reasons for which no row of the file can be taken.
func (c *census) forbidden(maxRows int) []delivery.Remark {
	var out []delivery.Remark
	switch {
	case c.rowCount == 0:
		out = append(out, remark("NO_ROWS"))
	case c.rowCount > maxRows:
		out = append(out, remark("TOO_MANY_ROWS", "max", strconv.Itoa(maxRows)))
	}
	if c.numbers.MostlyBSN() {
		out = append(out, remark("BSN_NUMBERS"))
	}
	return out
}

// empties names the columns that every row needs and many have not.
func (c *census) empties(l layout, linkType string) []delivery.Remark {
	var out []delivery.Remark
	for _, f := range required(l.kind, linkType) {
		if share := c.empty[f] * 100 / max(1, c.rowCount); l.has(f) && share >= emptyShare {
			out = append(out, remark("COLUMN_EMPTY", "column", l.columns[f], "percent", strconv.Itoa(share)))
		}
	}
	return out
}
