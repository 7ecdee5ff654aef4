package intake

import (
	"context"
	"errors"
	"slices"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake/tabular"
	"sluis/internal/value"
)

// Preview is what the page on which columns are assigned shows of a file: its
// words and the shape of its values, never a name.
type Preview struct {
	Sheets  []Sheet // to choose from; none where the file is one table
	Table   int
	Header  int // line of the header row; 0 for none
	Lines   []Line
	Columns []Column
	Choices []Choice
	// Chosen are the columns that are proposed for the fields; Sure those whose
	// header is known.
	Chosen map[delivery.Field]int
	Sure   map[delivery.Field]bool
	// AskDates tells that the dates can be read in either order.
	AskDates   bool
	Dates      delivery.DateOrder
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

// Preview shows what a delivery that waits for its columns holds. Errors:
// apperr.NotFound, apperr.Conflict "delivery_not_mapping".
func (in *Intake) Preview(ctx context.Context, scope account.Scope, publicID string, where Where) (Preview, error) {
	p, all, err := in.reopen(ctx, scope, publicID)
	if err != nil {
		return Preview{}, err
	}
	defer p.file.forget()
	f, err := p.find(ctx, all)
	if err != nil {
		return Preview{}, err
	}
	if where.Table != nil && *where.Table != f.table && slices.Contains(visible(all), *where.Table) {
		f = all[*where.Table].recognise(*where.Table, in.types())
	}
	t := all[f.table]
	if where.Header != nil && t.Header == nil {
		if names, ok := t.names(*where.Header); ok {
			f.header, f.names = *where.Header, names
			f.layout, _ = recognise(names, in.types())
		}
	}
	return in.preview(p, all, f), nil
}

// reopen opens the upload of a delivery that waits for its columns.
func (in *Intake) reopen(ctx context.Context, scope account.Scope, publicID string) (*parse, []top, error) {
	c, err := in.Store.AwaitingColumns(ctx, scope, publicID)
	if err != nil {
		return nil, nil, err
	}
	p, err := in.begin(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	source, err := p.open()
	if err != nil {
		return nil, nil, err
	}
	p.source = source
	all, err := tops(p.source)
	return p, all, err
}

func (in *Intake) preview(p *parse, all []top, f found) Preview {
	t := all[f.table]
	out := Preview{
		Table: f.table, Header: f.header, Choices: Choices(in.Types, in.LinkType, p.centre.IdentitiesAllowed), Identities: p.centre.IdentitiesAllowed,
		Chosen: map[delivery.Field]int{}, Sure: map[delivery.Field]bool{}, CanKeep: f.header > 0 || t.Header != nil,
	}
	if shown := visible(all); len(shown) > 1 {
		for _, i := range shown {
			out.Sheets = append(out.Sheets, Sheet{Table: i, Name: all[i].Name, Hidden: all[i].Hidden})
		}
	}
	if t.Header == nil {
		for _, r := range t.rows[:min(len(t.rows), shownLines)] {
			out.Lines = append(out.Lines, Line{No: r.Line, Text: masked(r.Cells, shownCells)})
		}
	}
	headers := f.names
	if t.Header == nil {
		headers = masked(f.names, len(f.names))
	}
	body := t.below(f.header)
	for i := range max(len(headers), t.widest()) {
		c := Column{Index: i, Place: place(i)}
		if i < len(headers) {
			c.Header = headers[i]
		}
		codes := !slices.ContainsFunc(body, func(r tabular.Row) bool { return i < len(r.Cells) && r.Cells[i] != "" && !value.IsSexWord(r.Cells[i]) })
		for _, r := range body {
			if i < len(r.Cells) && r.Cells[i] != "" && len(c.Samples) < shownSamples {
				c.Samples = append(c.Samples, sample(r.Cells[i], codes))
			}
		}
		if c.Header != "" || len(c.Samples) > 0 {
			out.Columns = append(out.Columns, c)
		}
	}
	in.propose(&out, f, body)
	return out
}

// propose fills in what is known, and then what can be guessed of the rest.
func (in *Intake) propose(out *Preview, f found, body []tabular.Row) {
	taken := map[int]bool{}
	for field, column := range f.at {
		taken[column] = true
		if Assignable(field, in.Types) {
			out.Chosen[field], out.Sure[field] = column, true
		}
	}
	for _, c := range out.Columns {
		var values []string
		for _, r := range body {
			if c.Index < len(r.Cells) {
				values = append(values, r.Cells[c.Index])
			}
		}
		field := guess(c.Header, values)
		_, has := out.Chosen[field]
		offered := slices.ContainsFunc(out.Choices, func(o Choice) bool { return o.Field == field })
		if field != "" && offered && !has && !taken[c.Index] {
			out.Chosen[field], taken[c.Index] = c.Index, true
		}
	}
	var dates value.DateColumn
	if column, ok := out.Chosen[delivery.FieldBirthDate]; ok {
		for _, r := range body {
			if column < len(r.Cells) {
				dates.Count(r.Cells[column])
			}
		}
	}
	out.AskDates, out.Dates = dates.Undecided(), orderOf(dates)
}

// below are the rows under the header.
func (t top) below(header int) []tabular.Row {
	i := 0
	for i < len(t.rows) && t.rows[i].Line <= header {
		i++
	}
	return t.rows[i:]
}

// masked are the first cells of a row: as they stand where it can be a header,
// and otherwise the shape of each.
func masked(cells []string, n int) []string {
	header := !slices.ContainsFunc(cells, func(c string) bool { return c != "" && (telling(value.OneLine(c)) || value.IsSexWord(c)) })
	out := make([]string, 0, n)
	for _, c := range cells {
		if len(out) == n {
			break
		}
		if c = value.OneLine(c); !header {
			c = sample(c, false)
		} else if r := []rune(c); len(r) > 2*shownRunes {
			c = string(r[:2*shownRunes]) + "…"
		}
		out = append(out, c)
	}
	return out
}

// Assign takes over how a user assigned the columns, and lets the delivery go
// on. Where the assignment cannot be right it says why, and changes nothing. With
// keep, the centre's next files with such a header are read the same way.
func (in *Intake) Assign(ctx context.Context, who audit.Who, scope account.Scope, publicID string, a delivery.Assignment, keep bool) ([]delivery.Remark, error) {
	p, all, err := in.reopen(ctx, scope, publicID)
	if err != nil {
		return nil, err
	}
	defer p.file.forget()
	if wrong := twice(a); len(wrong) > 0 {
		return wrong, nil
	}
	for field, column := range a.Columns {
		if !Assignable(field, in.Types) || column < 0 || column >= in.Limits.OrDefault().Columns {
			return nil, errors.New("intake: an assignment of a field or a column that does not exist")
		}
	}
	f, ok := in.assigned(all, a)
	if !ok {
		return []delivery.Remark{remark("NO_HEADER")}, nil
	}
	if f = p.guarded(all, f); !f.complete() {
		return f.refusals, nil
	}
	var header []byte
	if keep && (a.Header > 0 || all[a.Table].Header != nil) {
		header = in.headerMAC(p.centre.ID, f.names)
	}
	return nil, in.Store.AssignColumns(ctx, who, scope, publicID, a, header)
}

// twice names the columns that are assigned to two fields.
func twice(a delivery.Assignment) []delivery.Remark {
	count := map[int]int{}
	for _, column := range a.Columns {
		count[column]++
	}
	var out []delivery.Remark
	for column, n := range count {
		if n > 1 {
			out = append(out, remark("COLUMN_USED_TWICE", "column", place(column)))
		}
	}
	slices.SortFunc(out, func(a, b delivery.Remark) int { return len(a.Args["column"]) - len(b.Args["column"]) })
	return out
}

// Remembered counts the kinds of files of which a centre assigned the columns.
func (in *Intake) Remembered(ctx context.Context, centreID int64) (int, error) {
	return in.Store.RememberedHeaders(ctx, centreID)
}

// Forget forgets how a centre assigned columns.
func (in *Intake) Forget(ctx context.Context, who audit.Who, centreID int64) error {
	return in.Store.ForgetColumns(ctx, who, centreID)
}
