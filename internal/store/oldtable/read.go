package oldtable

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sluis/internal/conversion"
	"sluis/internal/importer/oldtable"
)

// expression returns the SQL that selects a cell: an empty text if there is no such column.
func (s *Table) expression(i int) string {
	number := ""
	if s.m.Number != nil {
		number = *s.m.Number
	}
	column := [oldtable.Cells]string{number, s.m.Birth, s.m.Sex, s.m.Died, s.m.Version, s.m.Surname, s.m.Prefix, s.m.Initials}[i]
	switch {
	case column == "":
		return "''"
	case i == oldtable.Birth || i == oldtable.Died:
		return s.d.day("q." + s.d.quote(column))
	}
	return s.d.text("q." + s.d.quote(column))
}

func (s *Table) key() string    { return "q." + s.d.quote(s.m.Key) }
func (s *Table) centre() string { return "q." + s.d.quote(s.m.Centre) }

// bind returns a key in the type in which the database compares it.
func (s *Table) bind(key string) any {
	if s.whole {
		if n, err := strconv.ParseInt(key, 10, 64); err == nil {
			return n
		}
	}
	return key
}

// Groups counts the rows by the value in the centre's column.
func (s *Table) Groups(ctx context.Context) ([]oldtable.Group, error) {
	//nolint:gosec // names out of the operator's mapping, quoted
	rows, err := s.db.QueryContext(ctx,
		"SELECT "+s.centre()+", "+s.d.text(s.centre())+", COUNT(*) FROM "+s.from()+" q GROUP BY "+s.centre())
	if err != nil {
		return nil, clean(err)
	}
	defer func() { _ = rows.Close() }()
	var out []oldtable.Group
	for rows.Next() {
		var g oldtable.Group
		var text sql.NullString
		if err := rows.Scan(&g.Raw, &text, &g.Rows); err != nil {
			return nil, clean(err)
		}
		g.Value = strings.TrimSpace(text.String)
		out = append(out, g)
	}
	return out, clean(rows.Err())
}

// in returns a condition on the column of the centre, and appends its arguments to args.
func (s *Table) in(v oldtable.Values, args *[]any) string {
	var parts []string
	for _, raw := range v {
		if raw == nil {
			parts = append(parts, s.centre()+" IS NULL")
			continue
		}
		*args = append(*args, raw)
		parts = append(parts, s.centre()+" = "+s.mark(len(*args)))
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}

func (s *Table) mark(n int) string {
	if s.path != "" {
		return "?"
	}
	return "@p" + strconv.Itoa(n)
}

// Rows returns the rows of a centre that follow the key after, in the order of their keys.
func (s *Table) Rows(ctx context.Context, v oldtable.Values, after string, limit int) ([]oldtable.Row, error) {
	return s.page(ctx, v, after, limit, oldtable.Cells)
}

// Displays is Rows with only number, birth date, sex and date of death: no name.
func (s *Table) Displays(ctx context.Context, v oldtable.Values, after string, limit int) ([]oldtable.Row, error) {
	return s.page(ctx, v, after, limit, oldtable.Version)
}

// Keys is Rows with only the keys.
func (s *Table) Keys(ctx context.Context, v oldtable.Values, after string, limit int) ([]string, error) {
	rows, err := s.page(ctx, v, after, limit, 0)
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = r.Key
	}
	return out, err
}

func (s *Table) page(ctx context.Context, v oldtable.Values, after string, limit, width int) ([]oldtable.Row, error) {
	var args []any
	where := s.in(v, &args)
	if after != "" {
		args = append(args, s.bind(after))
		where += " AND " + s.key() + " > " + s.mark(len(args))
	}
	return s.query(ctx, s.d.top(s.selected(width), "FROM "+s.from()+" q WHERE "+where+" ORDER BY "+s.key(), limit), args, width)
}

// selected returns the select list of the key and the first width cells.
func (s *Table) selected(width int) string {
	out := s.d.text(s.key())
	for i := range width {
		out += ", " + s.expression(i)
	}
	return out
}

// ByKeys returns the rows with these keys, in the order of the keys.
func (s *Table) ByKeys(ctx context.Context, keys []string) ([]oldtable.Row, error) {
	var out []oldtable.Row
	for len(keys) > 0 {
		part := keys[:min(500, len(keys))]
		keys = keys[len(part):]
		args, marks := make([]any, len(part)), make([]string, len(part))
		for i, k := range part {
			args[i], marks[i] = s.bind(k), s.mark(i+1)
		}
		q := "SELECT " + s.selected(oldtable.Cells) + " FROM " + s.from() + " q WHERE " + s.key() + " IN (" + strings.Join(marks, ", ") +
			")"
		rows, err := s.query(ctx, q+" ORDER BY "+s.key(), args, oldtable.Cells)
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	return out, nil
}

func (s *Table) query(ctx context.Context, q string, args []any, width int) ([]oldtable.Row, error) {
	rows, err := s.db.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, clean(err)
	}
	defer func() { _ = rows.Close() }()
	var out []oldtable.Row
	into := make([]sql.NullString, width+1)
	at := make([]any, width+1)
	for i := range into {
		at[i] = &into[i]
	}
	for rows.Next() {
		if err := rows.Scan(at...); err != nil {
			return nil, errScan
		}
		values := make([]string, width)
		for i := range values {
			values[i] = strings.TrimSpace(into[i+1].String)
		}
		out = append(out, oldtable.NewRow(strings.TrimSpace(into[0].String), values))
	}
	return out, clean(rows.Err())
}

// errScan is returned instead of an error of Scan, which quotes the value.
var errScan = fmt.Errorf("a value of the old table cannot be read as text")

// Count returns the number of rows.
func (s *Table) Count(ctx context.Context) (int, error) {
	n := 0
	err := s.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+s.from()+" q").Scan(&n)
	return n, clean(err)
}

// Facts counts empty and repeated keys and numbers, and persons who occur more than once.
func (s *Table) Facts(ctx context.Context) (oldtable.Facts, error) {
	var f oldtable.Facts
	from := " FROM " + s.from() + " q"
	key := s.d.text(s.key())
	ask := []struct {
		into  *int
		query string
	}{
		{&f.Rows, "SELECT COUNT(*)" + from},
		{&f.KeyEmpty, "SELECT COUNT(*)" + from + " WHERE " + s.key() + " IS NULL OR " + key + " = '' OR " + s.d.length(key) + " > 64"},
		{&f.KeyTwice, "SELECT COUNT(*) FROM (SELECT " + s.key() + " AS k" + from + " GROUP BY " + s.key() + " HAVING COUNT(*) > 1) x"},
		{&f.PersonTwice, s.twice(s.m.Surname, s.m.Initials, s.m.Birth, s.m.Sex)},
	}
	if numbered, _ := s.m.Numbered(); numbered {
		number := s.d.text("q." + s.d.quote(*s.m.Number))
		ask = append(ask, struct {
			into  *int
			query string
		}{&f.NumberEmpty, "SELECT COUNT(*)" + from + " WHERE COALESCE(" + number + ", '') = ''"}, struct {
			into  *int
			query string
		}{&f.NumberTwice, s.twice(*s.m.Number)})
	}
	for _, a := range ask {
		if err := s.db.QueryRowContext(ctx, a.query).Scan(a.into); err != nil {
			return f, clean(err)
		}
	}
	return f, nil
}

// twice returns a query that counts the values of these columns that occur more than once
// in a centre. Rows with an empty first column do not count.
func (s *Table) twice(columns ...string) string {
	by := s.centre()
	for _, c := range columns {
		if c != "" {
			by += ", q." + s.d.quote(c)
		}
	}
	first := s.d.text("q." + s.d.quote(columns[0]))
	return "SELECT COUNT(*) FROM (SELECT " + s.centre() + " AS c FROM " + s.from() + " q WHERE COALESCE(" + first + ", '') <> ''" +
		" GROUP BY " + by + " HAVING COUNT(*) > 1) x"
}

// Triggers returns the names of the table's triggers, or none for a query.
func (s *Table) Triggers(ctx context.Context) ([]string, error) {
	if s.m.Table == "" {
		return nil, nil
	}
	out, err := s.d.triggers(ctx, s.db, s.m.Table)
	return out, clean(err)
}

// Names calls each with every surname and e-mail address, so that they can be looked for
// elsewhere. It keeps none of them. It passes over a column that is gone.
func (s *Table) Names(ctx context.Context, each func(kind oldtable.NameKind, name string)) error {
	have, err := s.columns(ctx)
	if err != nil {
		return err
	}
	for _, c := range []struct {
		kind   oldtable.NameKind
		column string
	}{{oldtable.Surnames, s.m.Surname}, {oldtable.Emails, s.m.Email}} {
		if c.column == "" || !have[strings.ToLower(c.column)] {
			continue
		}
		if err := s.namesOf(ctx, "q."+s.d.quote(c.column), func(name string) { each(c.kind, name) }); err != nil {
			return err
		}
	}
	return nil
}

func (s *Table) namesOf(ctx context.Context, column string, each func(name string)) error {
	column = s.d.text(column)
	//nolint:gosec // names out of the operator's mapping, quoted
	rows, err := s.db.QueryContext(ctx, "SELECT DISTINCT "+column+" FROM "+s.from()+" q WHERE COALESCE("+column+", '') <> ''")
	if err != nil {
		return clean(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return errScan
		}
		each(strings.TrimSpace(name))
	}
	return clean(rows.Err())
}

// Unmapped returns the columns that the mapping does not name, in lower case.
func (s *Table) Unmapped(ctx context.Context) ([]string, error) {
	have, err := s.columns(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range s.m.Named() {
		delete(have, strings.ToLower(c))
	}
	return slices.Sorted(maps.Keys(have)), nil
}

// Some returns the first values of a column, each as the only cell of its row.
func (s *Table) Some(ctx context.Context, column string, n int) ([]oldtable.Row, error) {
	value := s.d.text("q." + s.d.quote(column))
	return s.query(ctx, s.d.top(s.d.text(s.key())+", "+value, "FROM "+s.from()+" q ORDER BY "+s.key(), n), nil, 1)
}

// Gone returns the columns that must be erased: those that are gone and those that are
// left.
func (s *Table) Gone(ctx context.Context) (gone, left []string, err error) {
	have, err := s.columns(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range s.m.Erased() {
		if have[strings.ToLower(c)] {
			left = append(left, c)
		} else {
			gone = append(gone, c)
		}
	}
	return gone, left, nil
}

// Reopen is Open for a table with columns that may be erased already: it does not look
// for them.
func Reopen(where string, m conversion.Mapping) (*Table, error) { return connect(where, m, false) }
