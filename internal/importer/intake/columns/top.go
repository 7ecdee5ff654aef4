package columns

import (
	"errors"
	"io"
	"slices"
	"strings"

	"sluis/internal/importer/intake/tabular"
)

// headRows is how many rows that are not blank are searched for the header: reports
// have titles and explanations above theirs.
const headRows = 40

// Top is the beginning of a table.
type Top struct {
	tabular.Table
	rows []tabular.Row // the first that are not blank; below the header, if the format has one
}

// What of the beginnings of all tables is kept: a workbook may have many sheets, and
// each cell of their first rows may be long.
const (
	topCell  = MaxCell // bytes of a cell, which is enough to know a header
	topBytes = 64 << 20
	cellCost = 16 // bytes that a cell takes besides its text
)

// ReadTops reads the beginning of every table.
func ReadTops(src tabular.Source) ([]Top, error) {
	kept := 0
	out := make([]Top, len(src.Tables()))
	for i, t := range src.Tables() {
		out[i].Table = t
		rows, err := src.Rows(i)
		if err != nil {
			return nil, err
		}
		for len(out[i].rows) < headRows {
			row, err := tabular.NextFilled(rows)
			if errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, err
			}
			row.Cells = slices.Clone(row.Cells)
			for j, c := range row.Cells {
				if len(c) > topCell {
					row.Cells[j] = strings.Clone(strings.ToValidUTF8(c[:topCell], ""))
				}
				kept += len(row.Cells[j]) + cellCost
			}
			if kept > topBytes {
				return nil, &tabular.Error{Code: tabular.TooExpanded}
			}
			out[i].rows = append(out[i].rows, row)
		}
	}
	return out, nil
}

// empty reports whether the table has neither rows nor a header.
func (t Top) empty() bool { return len(t.rows) == 0 && t.Header == nil }

// Visible returns the tables with content that the user sees. If there are none, it
// returns the hidden ones with content.
func Visible(all []Top) []int {
	var shown, hidden []int
	for i, t := range all {
		switch {
		case t.empty():
		case t.Hidden:
			hidden = append(hidden, i)
		default:
			shown = append(shown, i)
		}
	}
	if len(shown) == 0 {
		return hidden
	}
	return shown
}

// widest is the number of cells of the widest row.
func (t Top) widest() int {
	n := len(t.Header)
	for _, r := range t.rows {
		n = max(n, len(r.Cells))
	}
	return n
}

// names returns the cells of the header on a line, or as many empty ones as the
// table is wide if header is 0. It returns false if there is no such line.
func (t Top) names(header int) ([]string, bool) {
	if t.Header != nil {
		return t.Header, true
	}
	if header == 0 {
		return make([]string, t.widest()), true
	}
	for _, r := range t.rows {
		if r.Line == header {
			return r.Cells, true
		}
	}
	return nil, false
}

// below returns the rows under the header.
func (t Top) below(header int) []tabular.Row {
	i := 0
	for i < len(t.rows) && t.rows[i].Line <= header {
		i++
	}
	return t.rows[i:]
}

// values returns the cells of a column in rows that reach it.
func values(rows []tabular.Row, column int) []string {
	var out []string
	for _, r := range rows {
		if column < len(r.Cells) {
			out = append(out, r.Cells[column])
		}
	}
	return out
}

// recognise finds the header of a table: the row with most cells that are known.
func (t Top) recognise(table int, types Types) Found {
	if t.Header != nil {
		f := Found{Table: table, Names: t.Header}
		f.Layout, f.Refusals = Recognise(t.Header, types)
		return f
	}
	known := NewWords(types)
	best, most := 0, 0
	for i, r := range t.rows {
		n := 0
		for _, c := range r.Cells {
			if known.fieldOf(c).field != "" {
				n++
			}
		}
		if n > most {
			best, most = i, n
		}
	}
	if most == 0 {
		best = t.likelyHeader()
	}
	f := Found{Table: table, Header: t.rows[best].Line, Names: t.rows[best].Cells}
	f.Layout, f.Refusals = Recognise(f.Names, types)
	return f
}

// likelyHeader guesses the header of a table of which no word is known: the first
// row that is as wide as most rows.
func (t Top) likelyHeader() int {
	counts, usual := map[int]int{}, 0
	for _, r := range t.rows {
		n := filled(r.Cells)
		if counts[n]++; counts[n] > counts[usual] {
			usual = n
		}
	}
	return max(0, slices.IndexFunc(t.rows, func(r tabular.Row) bool { return filled(r.Cells) >= usual }))
}

func filled(cells []string) int {
	n := 0
	for _, c := range cells {
		if c != "" {
			n++
		}
	}
	return n
}
