package intake

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"sluis/internal/delivery"
	"sluis/internal/importer/intake/tabular"
)

// headRows is how many rows that are not blank are looked at to find a header:
// reports have titles and explanations above theirs.
const headRows = 40

// found is a table with what its columns turned out to be.
type found struct {
	table  int
	header int // line of the header row; 0 where the table names its columns itself, or has none
	names  []string
	dates  delivery.DateOrder
	layout
	refusals   []delivery.Remark
	remembered bool
}

// complete tells whether nothing keeps the table from being read.
func (f found) complete() bool { return len(f.refusals) == 0 }

// mendable are the reasons for refusal that assigning the columns can take away.
var mendable = []string{"NO_HEADER", "MISSING_COLUMN", "DOUBLE_COLUMN", "NO_LINK_PSEUDONYM", "SHEETS"}

// assignable tells whether a user can mend the table by telling which column is
// what: there must be columns to tell of.
func (f found) assignable() bool {
	missing := 0
	for _, r := range f.refusals {
		if !slices.Contains(mendable, r.Code) {
			return false
		}
		if r.Code == "MISSING_COLUMN" || r.Code == "NO_LINK_PSEUDONYM" {
			missing++
		}
	}
	return len(f.names) > 1 && f.unknown >= missing
}

// top is the beginning of a table.
type top struct {
	tabular.Table
	rows []tabular.Row // the first that are not blank, below the header where the table has one
}

// What of the beginnings of all tables is kept: a workbook may have many sheets, and
// each cell of their first rows may be long.
const (
	topCell  = maxCell // bytes of a cell, which is enough to know a header
	topBytes = 64 << 20
	cellCost = 16 // bytes that a cell takes besides its text
)

// tops reads the beginning of every table.
func tops(src tabular.Source) ([]top, error) {
	kept := 0
	out := make([]top, len(src.Tables()))
	for i, t := range src.Tables() {
		out[i].Table = t
		rows, err := src.Rows(i)
		if err != nil {
			return nil, err
		}
		for len(out[i].rows) < headRows {
			row, err := nextFilled(rows)
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

// widest is the number of cells of the widest row.
func (t top) widest() int {
	n := len(t.Header)
	for _, r := range t.rows {
		n = max(n, len(r.Cells))
	}
	return n
}

// names gives the cells of the header at a line; as many empty ones as the table
// is wide where it has none.
func (t top) names(header int) ([]string, bool) {
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

// recognise finds the header of a table: the row of which most cells are known.
func (t top) recognise(table int, types pseudonymTypes) found {
	if t.Header != nil {
		f := found{table: table, names: t.Header}
		f.layout, f.refusals = recognise(t.Header, types)
		return f
	}
	known := newWords(types)
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
	f := found{table: table, header: t.rows[best].Line, names: t.rows[best].Cells}
	f.layout, f.refusals = recognise(f.names, types)
	return f
}

// likelyHeader is the first row that has as many cells as most rows, where no
// row holds a word that we know.
func (t top) likelyHeader() int {
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

// assigned lays out a table as a user assigned its columns; ok is false where the
// file has no such table or header.
func (in *Intake) assigned(all []top, a delivery.Assignment) (found, bool) {
	if a.Table < 0 || a.Table >= len(all) {
		return found{}, false
	}
	names, ok := all[a.Table].names(a.Header)
	if !ok {
		return found{}, false
	}
	f := found{table: a.Table, header: a.Header, names: names, dates: a.Dates, remembered: a.Remembered}
	f.layout, f.refusals = lay(names, in.types(), a.Columns)
	f.lastColumn = max(f.lastColumn, len(withoutReport(names)))
	return f, true
}

// find chooses the table that is read and lays out its columns: as the user
// assigned them, as the centre assigned those of an earlier file with the same
// header, or by their names.
func (p *parse) find(ctx context.Context, all []top) (found, error) {
	if a := p.claim.Assignment; a != nil {
		if f, ok := p.in.assigned(all, *a); ok {
			return p.guarded(all, f), nil
		}
	}
	shown := visible(all)
	if len(shown) == 0 {
		return found{refusals: []delivery.Remark{remark("EMPTY")}}, nil
	}
	if f, ok, err := p.remembered(ctx, all, shown); err != nil || ok {
		return p.guarded(all, f), err
	}
	var best found
	complete, known := 0, -1
	for _, i := range shown {
		f := all[i].recognise(i, p.in.types())
		if f.complete() {
			if complete++; complete == 1 {
				best, known = f, 1<<30
			}
		} else if len(f.at) > known {
			best, known = f, len(f.at)
		}
	}
	switch {
	case complete > 1:
		best.refusals = []delivery.Remark{remark("SHEETS", "count", strconv.Itoa(complete))}
	case complete == 0 && inOneColumn(all, shown, p.in.types()):
		best.refusals = []delivery.Remark{remark("ONE_COLUMN")}
	}
	return p.guarded(all, best), nil
}

// inOneColumn tells whether all columns stand in one: the file has no more, or a
// whole header stands in one cell.
func inOneColumn(all []top, shown []int, types pseudonymTypes) bool {
	known, widest := newWords(types), 0
	for _, i := range shown {
		widest = max(widest, all[i].widest())
		for _, r := range all[i].rows {
			if all[i].Header == nil && slices.ContainsFunc(r.Cells, func(cell string) bool { return known.within(cell) > 2 }) {
				return true
			}
		}
	}
	return widest == 1
}

// within counts the headers that stand in one cell, with something between them.
func (w words) within(cell string) int {
	n := 0
	if parts := strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(",;|\t~^", r) }); len(cell) <= maxCell && len(parts) > 2 {
		for _, part := range parts {
			if w.fieldOf(part).field != "" {
				n++
			}
		}
	}
	return n
}

// visible are the tables with content that the user sees; the hidden ones where
// these alone have any.
func visible(all []top) []int {
	var shown, hidden []int
	for i, t := range all {
		switch {
		case len(t.rows) == 0 && t.Header == nil:
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

// guarded adds what forbids the file whichever table is read.
func (p *parse) guarded(all []top, f found) found {
	for i, t := range all {
		if i == f.table || len(t.rows) == 0 && t.Header == nil {
			continue
		}
		for _, r := range t.recognise(i, p.in.types()).refusals {
			if r.Code == "BSN_COLUMN" {
				f.refusals = append(f.refusals, r)
			}
		}
	}
	if f.kind == delivery.Identities && !p.centre.IdentitiesAllowed && f.named {
		f.refusals = append(f.refusals, remark("IDENTITIES_NOT_ALLOWED"))
	}
	return f
}

// withoutReport is a header without the columns of our error report at its end,
// and the empty ones before these: a file that comes back with its errors has the
// header that it had.
func withoutReport(names []string) []string {
	end := len(names)
	for end > 0 && (names[end-1] == "" || byHeader[plain(names[end-1])] == fieldReport) {
		end--
	}
	if end < len(names) && slices.ContainsFunc(names[end:], func(n string) bool { return n != "" }) {
		return names[:end]
	}
	return names
}

// headerMAC knows a header again without telling it: a keyed hash of its words, in
// their order, for one centre.
func (in *Intake) headerMAC(centreID int64, names []string) []byte {
	mac := hmac.New(sha256.New, in.MACKey)
	_, _ = fmt.Fprintf(mac, "header|%d|", centreID)
	names = withoutReport(names)
	for len(names) > 0 && names[len(names)-1] == "" {
		names = names[:len(names)-1]
	}
	for _, n := range names {
		w := plain(n)
		_ = binary.Write(mac, binary.BigEndian, uint32(len(w)))
		_, _ = io.WriteString(mac, w)
	}
	return mac.Sum(nil)
}

// remembered looks whether the centre assigned the columns of such a header
// before. It asks the store once, for all rows that may be one.
func (p *parse) remembered(ctx context.Context, all []top, shown []int) (found, bool, error) {
	type place struct{ table, line int }
	at := map[string]place{}
	var macs [][]byte
	add := func(table, line int, names []string) {
		mac := p.in.headerMAC(p.centre.ID, names)
		if _, twice := at[string(mac)]; !twice && filled(names) > 1 {
			at[string(mac)] = place{table, line}
			macs = append(macs, mac)
		}
	}
	for _, i := range shown {
		if all[i].Header != nil {
			add(i, 0, all[i].Header)
			continue
		}
		for _, r := range all[i].rows {
			add(i, r.Line, r.Cells)
		}
	}
	a, mac, err := p.in.Store.RememberedColumns(ctx, p.centre.ID, macs)
	if err != nil || a == nil {
		return found{}, false, err
	}
	where := at[string(mac)]
	a.Table, a.Header, a.Remembered = where.table, where.line, true
	f, ok := p.in.assigned(all, *a)
	return f, ok, nil
}
