package columns

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"sluis/internal/delivery"
	"sluis/internal/importer/intake/tabular"
)

// Memory is where assignments of earlier files are kept.
type Memory interface {
	// RememberedColumns returns the assignment that a centre made last for a header
	// with one of these keyed hashes, and that hash; nil if there is none.
	RememberedColumns(ctx context.Context, centreID int64, macs [][]byte) (*delivery.Assignment, []byte, error)
}

// Finder finds the columns of one centre's files.
type Finder struct {
	Types             Types
	CentreID          int64
	IdentitiesAllowed bool   // the centre may deliver identities
	TemporaryRefused  bool   // the centre may not deliver temporary pseudonyms
	MACKey            []byte // of the keyed hash by which a header is known again
	Memory            Memory
}

// Found is a table, and what its columns turned out to be.
type Found struct {
	Table  int
	Header int // line of the header row; 0 if the format names the columns, or there is no header
	Names  []string
	Dates  delivery.DateOrder // as a user said; empty if nobody did
	Layout
	Refusals   []delivery.Remark
	Remembered bool // laid out as an earlier file with the same header
}

// Complete reports whether nothing forbids reading the table.
func (f Found) Complete() bool { return len(f.Refusals) == 0 }

// DatesOpen is the reason for refusal if nothing shows the order of day and month.
const DatesOpen = "DATES_ORDER_OPEN"

// mendable are the reasons for refusal that a user's answers can take away: which column
// is what, and in which order the dates are written.
var mendable = []string{"NO_HEADER", "MISSING_COLUMN", "DOUBLE_COLUMN", "NO_LINK_PSEUDONYM", "SHEETS", DatesOpen}

// Assignable reports whether a user can make the table readable by assigning its
// columns: for each field that is missing there must be an unknown column.
func (f Found) Assignable() bool {
	missing := 0
	for _, r := range f.Refusals {
		if !slices.Contains(mendable, r.Code) {
			return false
		}
		if r.Code == "MISSING_COLUMN" || r.Code == "NO_LINK_PSEUDONYM" {
			missing++
		}
	}
	return len(f.Names) > 1 && f.unknown >= missing
}

// Find chooses the table to read and lays out its columns: as the user assigned
// them, or as the centre assigned those of an earlier file with the same header, or
// by their names.
func (fi Finder) Find(ctx context.Context, all []Top, assigned *delivery.Assignment) (Found, error) {
	if assigned != nil && !assigned.OnlyDates() {
		if f, ok := fi.layAssigned(all, *assigned); ok {
			return fi.guard(all, f), nil
		}
	}
	shown := Visible(all)
	if len(shown) == 0 {
		return Found{Refusals: []delivery.Remark{delivery.NewRemark("EMPTY")}}, nil
	}
	f, ok, err := fi.remembered(ctx, all, shown)
	if err != nil {
		return f, err
	}
	if !ok {
		f = fi.byNames(all, shown)
	}
	if assigned != nil && assigned.Dates != "" {
		f.Dates = assigned.Dates
	}
	return fi.guard(all, f), nil
}

// byNames chooses the one table that can be read. If there is none, it chooses the
// one with most known columns, to say of it what is missing.
func (fi Finder) byNames(all []Top, shown []int) Found {
	var best Found
	complete, known := 0, -1
	for _, i := range shown {
		f := all[i].recognise(i, fi.Types)
		if f.Complete() {
			if complete++; complete == 1 {
				best, known = f, 1<<30
			}
		} else if len(f.At) > known {
			best, known = f, len(f.At)
		}
	}
	switch {
	case complete > 1:
		best.Refusals = []delivery.Remark{delivery.NewRemark("SHEETS", "count", strconv.Itoa(complete))}
	case complete == 0 && inOneColumn(all, shown, fi.Types):
		best.Refusals = []delivery.Remark{delivery.NewRemark(whyOneColumn(all, shown, fi.Types))}
	}
	return best
}

// layAssigned lays out a table as a user assigned its columns. It returns false if
// the file has no such table or header.
func (fi Finder) layAssigned(all []Top, a delivery.Assignment) (Found, bool) {
	if a.Table < 0 || a.Table >= len(all) {
		return Found{}, false
	}
	names, ok := all[a.Table].names(a.Header)
	if !ok {
		return Found{}, false
	}
	f := Found{Table: a.Table, Header: a.Header, Names: names, Dates: a.Dates, Remembered: a.Remembered}
	f.Layout, f.Refusals = lay(names, fi.Types, a.Columns)
	f.LastColumn = max(f.LastColumn, len(withoutReport(names)))
	return f, true
}

// inOneColumn reports whether all columns ended up in one: no row has a second
// cell, or one cell holds a whole header.
func inOneColumn(all []Top, shown []int, types Types) bool {
	known, widest := NewWords(types), 0
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

// whyOneColumn returns the code for a file whose columns ended up in one. A cell that
// has the delimiter of its own file in it was in quotes as a whole.
func whyOneColumn(all []Top, shown []int, types Types) string {
	known := NewWords(types)
	for _, i := range shown {
		t := all[i]
		for at, r := range t.rows {
			if filled(r.Cells) != 1 || known.within(r.Cells[0]) <= 2 {
				continue
			}
			rest := t.rows[at+1:]
			switch {
			case t.Delimiter == 0 || len(rest) == 0:
			case t.widest() > 1 && strings.ContainsRune(r.Cells[0], t.Delimiter):
				return "HEADER_QUOTED"
			case t.widest() == 1 && !slices.ContainsFunc(rest, withoutDelimiter):
				return "LINES_QUOTED"
			}
		}
	}
	return "ONE_COLUMN"
}

// withoutDelimiter reports whether the first cell of a row has none of the characters
// that part cells.
func withoutDelimiter(r tabular.Row) bool { return !strings.ContainsAny(r.Cells[0], ",;|\t") }

// within counts the headers in one cell that has delimiters in it.
func (w Words) within(cell string) int {
	n := 0
	if parts := strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(",;|\t~^", r) }); len(cell) <= MaxCell &&
		len(parts) > 2 {
		for _, part := range parts {
			if w.fieldOf(part).field != "" {
				n++
			}
		}
	}
	return n
}

// guard adds what forbids the file whichever of its tables is read: a column of BSNs
// in another table, or identities from a centre that may not deliver them.
func (fi Finder) guard(all []Top, f Found) Found {
	for i, t := range all {
		if i == f.Table || t.empty() {
			continue
		}
		for _, r := range t.recognise(i, fi.Types).Refusals {
			if r.Code == "BSN_COLUMN" {
				f.Refusals = append(f.Refusals, r)
			}
		}
	}
	if f.Kind == delivery.Identities && !fi.IdentitiesAllowed && f.identifies {
		f.Refusals = append(f.Refusals, delivery.NewRemark("IDENTITIES_NOT_ALLOWED"))
	}
	if f.Kind == delivery.Temporary && fi.TemporaryRefused {
		f.Refusals = append(f.Refusals, delivery.NewRemark("TEMPORARY_NOT_ALLOWED"))
	}
	return f
}

// withoutReport returns a header without the columns of our error report at its end
// and the empty ones before them. So a file that comes back with its errors has the
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

// headerMAC returns a keyed hash of the words of a header, in their order, for this
// centre. By it a header is known again without being kept.
func (fi Finder) headerMAC(names []string) []byte {
	mac := hmac.New(sha256.New, fi.MACKey)
	_, _ = fmt.Fprintf(mac, "header|%d|", fi.CentreID)
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

// remembered lays out a table as the centre assigned the columns of an earlier file
// with the same header. It asks the memory once, for all rows that may be a header.
func (fi Finder) remembered(ctx context.Context, all []Top, shown []int) (Found, bool, error) {
	type place struct{ table, line int }
	at := map[string]place{}
	var macs [][]byte
	add := func(table, line int, names []string) {
		mac := fi.headerMAC(names)
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
	a, mac, err := fi.Memory.RememberedColumns(ctx, fi.CentreID, macs)
	if err != nil || a == nil {
		return Found{}, false, err
	}
	where := at[string(mac)]
	a.Table, a.Header, a.Remembered = where.table, where.line, true
	f, ok := fi.layAssigned(all, *a)
	return f, ok, nil
}
