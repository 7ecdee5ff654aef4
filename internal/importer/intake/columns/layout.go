package columns

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"sluis/internal/delivery"
	"sluis/internal/value"
)

// MaxCell is the longest value that a column with a known field may have, in
// characters.
const MaxCell = 1000

// Layout is what the columns of a table turned out to be.
type Layout struct {
	Kind    delivery.Kind
	At      map[delivery.Field]int // the column of each field that is read
	Fields  []delivery.Field       // those that are read, in the order of their columns
	Columns delivery.Columns       // the header of each, as the user wrote it
	Types   []string               // pseudonym types that have a column
	// Addresses are the postcodes that a row may have, Slots its pseudonyms; both in
	// the order of their numbers.
	Addresses []Address
	Slots     []Slot
	// LastColumn is the number of columns up to the last that has a header of the
	// user's own; Reports are the columns of our error report, which are passed over.
	LastColumn int
	Reports    []int

	identifies bool  // a column can hold an identity, even if it is not read
	unknown    int   // columns whose header is not known
	ignored    []int // columns that are not read, ascending
}

// Fixed returns the layout of rows of identities that have these fields, in this
// order, and no header.
func Fixed(fields []delivery.Field) Layout {
	l := Layout{Kind: delivery.Identities, At: map[delivery.Field]int{}, Fields: fields, LastColumn: len(fields), identifies: true}
	for i, f := range fields {
		l.At[f] = i
	}
	return l
}

// Has reports whether a column holds the field.
func (l *Layout) Has(f delivery.Field) bool { _, ok := l.At[f]; return ok }

// Ignored returns the places of the columns that are not read. Their headers are
// not repeated: a header that is not known may be a name.
func (l *Layout) Ignored() []string { return Places(l.ignored) }

// Cell returns a row's text of a field, without marks that nobody sees. It is empty
// if there is no such column, or if the cell is a database's word for no value; but
// a surname may be NULL.
func (l *Layout) Cell(cells []string, f delivery.Field) string {
	return value.Visible(l.Written(cells, f))
}

// Written returns what Cell does, as the file has it.
func (l *Layout) Written(cells []string, f delivery.Field) string {
	i, ok := l.At[f]
	if !ok || i >= len(cells) {
		return ""
	}
	if c := cells[i]; !value.IsNull(c) || c == "NULL" && f == FieldSurname {
		return c
	}
	return ""
}

// Recognise lays out the columns of a header by their names, and returns every
// reason at once for which the file must be refused.
func Recognise(header []string, types Types) (Layout, []delivery.Remark) {
	return lay(header, types, nil)
}

// lay lays out the columns of a header as chosen says, if a user chose, and
// otherwise by their names. A column with a known name that the user left out is
// not read, but it still says what the file holds.
func lay(header []string, types Types, chosen map[delivery.Field]int) (Layout, []delivery.Remark) {
	l := laying{
		Layout: Layout{At: map[delivery.Field]int{}, Columns: delivery.Columns{}},
		header: header, words: NewWords(types), asked: chosen != nil, chosen: make(map[int]delivery.Field, len(chosen)),
	}
	for f, column := range chosen {
		l.chosen[column] = f
	}
	for i := range header {
		r, use := l.recognise(i)
		if !use {
			continue
		}
		if i, use = l.choose(i, r); use {
			l.take(i, r)
		}
	}
	return l.finish()
}

// laying is a layout in the making.
type laying struct {
	Layout
	header   []string
	words    Words
	asked    bool                   // a user assigned the columns
	chosen   map[int]delivery.Field // what the user assigned, by column
	refusals []delivery.Remark
}

func (l *laying) refuse(code, header string) {
	l.refusals = append(l.refusals, delivery.NewRemark(code, "column", header))
}

// recognise returns what column i is. It returns false if the column is not read,
// after it has noted why.
func (l *laying) recognise(i int) (r recognised, use bool) {
	h := l.header[i]
	field, byUser := l.chosen[i]
	if h == "" && !byUser {
		return recognised{}, false
	}
	r = l.words.fieldOf(h)
	if r.field == fieldReport && !byUser {
		l.Reports = append(l.Reports, i)
		return recognised{}, false
	}
	l.LastColumn = i + 1
	if r.field == fieldBSN {
		l.refuse("BSN_COLUMN", h)
		return recognised{}, false
	}
	l.identifies = l.identifies || r.identifies()
	if byUser {
		r = l.words.recognisedAs(field)
		l.identifies = l.identifies || r.identifies()
	} else if l.asked && Assignable(r.key(), l.words.types.All) {
		r = recognised{} // the user was asked, and chose otherwise
	}
	if r.field == "" {
		l.unknown++
	}
	if r.field == "" || r.no > maxSets {
		l.ignored = append(l.ignored, i)
		return recognised{}, false
	}
	return r, true
}

// choose chooses between two columns for the same field, and returns the later one if that
// is taken. It returns false if the earlier one stays, or if the file must be refused
// because the two cannot be distinguished.
//
// Of two patient numbers it chooses the one that is called so: of "EPD-nummer" and
// "Patiëntnummer", in either order, the latter.
func (l *laying) choose(i int, r recognised) (column int, use bool) {
	first, twice := l.At[r.key()]
	if !twice {
		return i, true
	}
	lesser, firstLesser := isLesser(l.header[i]), isLesser(l.header[first])
	switch {
	case l.asked || r.field != delivery.FieldPatientNumber || lesser == firstLesser:
		l.refuse("DOUBLE_COLUMN", l.header[i])
		return 0, false
	case lesser:
		l.ignored = append(l.ignored, i)
		return 0, false
	}
	l.ignored = append(l.ignored, first)
	return i, true
}

// take lets column i be the one that holds a field.
func (l *laying) take(i int, r recognised) {
	l.At[r.key()], l.Columns[r.key()] = i, cmp.Or(l.header[i], place(i))
	if r.typ != "" && r.field == OfType(r.typ) && !slices.Contains(l.Types, r.typ) {
		l.Types = append(l.Types, r.typ)
	}
}

// finish works out the kind of file, and completes the layout.
func (l *laying) finish() (Layout, []delivery.Remark) {
	if len(l.At) == 0 && len(l.refusals) == 0 {
		return l.Layout, []delivery.Remark{delivery.NewRemark("NO_HEADER")}
	}
	l.chooseKind()
	l.chooseSets(l.words.types)
	slices.Sort(l.ignored)
	l.Fields = slices.SortedFunc(maps.Keys(l.At), func(a, b delivery.Field) int { return l.At[a] - l.At[b] })
	return l.Layout, l.refusals
}

// chooseKind finds out whether the file has identities or temporary pseudonyms, and refuses
// it if a column that this kind needs is missing.
func (l *laying) chooseKind() {
	link := l.words.types.Link
	switch {
	case l.identifies && len(l.Types) > 0:
		l.refusals = append(l.refusals, delivery.NewRemark("MIXED"))
		return
	case len(l.Types) > 0:
		l.Kind = delivery.Temporary
	default:
		l.Kind = delivery.Identities
	}
	for _, f := range Required(l.Kind, link) {
		switch {
		case l.Has(f), f == delivery.FieldBirthDate && l.Kind == delivery.Temporary && l.Has(delivery.FieldBirthYear):
		case f == OfType(link):
			l.refuse("NO_LINK_PSEUDONYM", Wanted(f))
		default:
			l.refuse("MISSING_COLUMN", Wanted(f))
		}
	}
}

// Required returns the fields without which a file of a kind is refused. With
// pseudonyms, a birth year will do instead of the birth date.
func Required(kind delivery.Kind, linkType string) []delivery.Field {
	need := []delivery.Field{delivery.FieldPatientNumber}
	if kind != delivery.Identities {
		return append(need, delivery.FieldSex, delivery.FieldBirthDate, OfType(linkType))
	}
	for _, f := range typeFields[linkType] {
		if !slices.Contains(need, f) {
			need = append(need, f)
		}
	}
	return need
}

// Unread returns the columns up to width that are not read, whether they have a header
// or not.
func (l *Layout) Unread(width int) []int {
	read := slices.Collect(maps.Values(l.At))
	var out []int
	for i := range width {
		if !slices.Contains(read, i) && !slices.Contains(l.Reports, i) {
			out = append(out, i)
		}
	}
	return out
}

// Places names columns as a spreadsheet does: "5 (E)".
func Places(at []int) []string {
	out := make([]string, len(at))
	for i, column := range at {
		out[i] = place(column)
	}
	return out
}

// place names a column as a spreadsheet does: "5 (E)".
func place(i int) string {
	letters := ""
	for n := i + 1; n > 0; n = (n - 1) / 26 {
		letters = string(rune('A'+(n-1)%26)) + letters
	}
	return strconv.Itoa(i+1) + " (" + letters + ")"
}
