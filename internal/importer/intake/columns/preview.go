package columns

import (
	"context"
	"slices"

	"sluis/internal/delivery"
	"sluis/internal/importer/intake/tabular"
	"sluis/internal/value"
)

// Preview is what the page on which a user assigns columns shows of a file: its
// words and the shape of its values, never a name.
type Preview struct {
	Sheets  []Sheet // to choose from; none if the file is one table
	Table   int
	Header  int // line of the header row; 0 for none
	Lines   []Line
	Columns []Column
	Choices []Choice
	// Chosen are the columns that are proposed for the fields; Sure those of which the
	// header is known.
	Chosen map[delivery.Field]int
	Sure   map[delivery.Field]bool
	// AskDates is true if the dates can be read in either order. OnlyDates is true if that
	// is all that there is to ask: every column is known.
	AskDates   bool
	OnlyDates  bool
	CanKeep    bool // the choices can be remembered: there is a header to know again
	Identities bool // the centre may deliver identities
}

// Sheet is a table of the file that can be chosen.
type Sheet struct {
	Table  int
	Name   string
	Hidden bool
}

// Line is a row that may be the header.
type Line struct {
	No   int
	Text []string // its first cells
}

// Column is a column of the file.
type Column struct {
	Index   int
	Place   string // "5 (E)"
	Header  string
	Samples []string
}

// Where says which table and header row to show; nil for what Sluis proposes.
type Where struct{ Table, Header *int }

const (
	shownSamples = 3
	shownLines   = 12
	shownCells   = 5
)

// Preview shows the tables of a file as where asks.
func (fi Finder) Preview(ctx context.Context, all []Top, assigned *delivery.Assignment, where Where) (Preview, error) {
	f, err := fi.Find(ctx, all, assigned)
	if err != nil {
		return Preview{}, err
	}
	known := f.Complete()
	if where.Table != nil && *where.Table != f.Table && slices.Contains(Visible(all), *where.Table) {
		f = all[*where.Table].recognise(*where.Table, fi.Types)
	}
	t := all[f.Table]
	if where.Header != nil && t.Header == nil {
		if names, ok := t.names(*where.Header); ok {
			f.Header, f.Names = *where.Header, names
			f.Layout, _ = Recognise(names, fi.Types)
		}
	}
	out := Preview{
		Table: f.Table, Header: f.Header, Choices: fi.choices(), Identities: fi.IdentitiesAllowed,
		Chosen: map[delivery.Field]int{}, Sure: map[delivery.Field]bool{}, CanKeep: f.Header > 0 || t.Header != nil,
	}
	if shown := Visible(all); len(shown) > 1 {
		for _, i := range shown {
			out.Sheets = append(out.Sheets, Sheet{Table: i, Name: all[i].Name, Hidden: all[i].Hidden})
		}
	}
	if t.Header == nil {
		for _, r := range t.rows[:min(len(t.rows), shownLines)] {
			out.Lines = append(out.Lines, Line{No: r.Line, Text: masked(r.Cells, shownCells)})
		}
	}
	body := t.below(f.Header)
	out.Columns = shownColumns(t, f, body)
	fi.propose(&out, f, body)
	if known && f.Dates == "" {
		// Nothing but the dates can be the reason to ask, though the first rows may not show it.
		out.AskDates, out.OnlyDates = true, true
	}
	return out, nil
}

// shownColumns are the columns of a table that have a header or a value.
func shownColumns(t Top, f Found, body []tabular.Row) []Column {
	headers := f.Names
	if t.Header == nil {
		headers = masked(f.Names, len(f.Names))
	}
	var out []Column
	for i := range max(len(headers), t.widest()) {
		c := Column{Index: i, Place: place(i)}
		if i < len(headers) {
			c.Header = headers[i]
		}
		filled := slices.DeleteFunc(values(body, i), func(cell string) bool { return cell == "" })
		codes := !slices.ContainsFunc(filled, func(cell string) bool { return !value.IsSexWord(cell) })
		for _, cell := range filled[:min(len(filled), shownSamples)] {
			c.Samples = append(c.Samples, sample(cell, codes))
		}
		if c.Header != "" || len(c.Samples) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// propose fills in the fields whose columns are known, and guesses the others.
func (fi Finder) propose(out *Preview, f Found, body []tabular.Row) {
	taken := map[int]bool{}
	for field, column := range f.At {
		taken[column] = true
		if Assignable(field, fi.Types.All) {
			out.Chosen[field], out.Sure[field] = column, true
		}
	}
	for _, c := range out.Columns {
		field := guess(c.Header, values(body, c.Index))
		_, has := out.Chosen[field]
		offered := slices.ContainsFunc(out.Choices, func(o Choice) bool { return o.Field == field })
		if field != "" && offered && !has && !taken[c.Index] {
			out.Chosen[field], taken[c.Index] = c.Index, true
		}
	}
	var dates value.DateColumn
	if column, ok := out.Chosen[delivery.FieldBirthDate]; ok {
		for _, cell := range values(body, column) {
			dates.Count(cell)
		}
	}
	out.AskDates = dates.Undecided() && f.Dates == ""
}
