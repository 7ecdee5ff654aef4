package oldtable

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sluis/internal/conversion"
	"sluis/internal/importer/oldtable"
)

// eraseRows is the number of rows that are overwritten in one transaction.
const eraseRows = 1000

// EraseSQLite overwrites the identifying columns of a SQLite table, drops them and
// rewrites the file. Then their values are in no page, index, free space or
// write-ahead log any more. It may be stopped and started again at any point.
func EraseSQLite(ctx context.Context, where string, m conversion.Mapping, say func(string, ...any)) (oldtable.Erased, error) {
	var out oldtable.Erased
	if m.Table == "" {
		return out, errors.New("a query cannot be erased: the mapping must name a table")
	}
	s, err := connect(where, m, true)
	if err != nil {
		return out, err
	}
	defer func() { _ = s.Close() }()
	if s.path == "" {
		return out, errors.New("the old table is not in a SQLite file")
	}
	if s.whole, err = s.d.wholeKeys(ctx, s.db, s.d.quote(m.Key), s.from()); err != nil {
		return out, clean(err)
	}
	e := eraser{s, ctx, &out, say}
	for _, step := range []func() error{e.secure, e.overwrite, e.checkpoint, e.drop, e.rewrite, e.checkpoint} {
		if err := step(); err != nil {
			return out, clean(err)
		}
	}
	return out, nil
}

type eraser struct {
	*Table
	ctx context.Context
	out *oldtable.Erased
	say func(string, ...any)
}

// secure returns an error if SQLite would not overwrite the bytes that it frees, or if a
// trigger could copy values elsewhere.
func (e eraser) secure() error {
	var on int
	if err := e.db.QueryRowContext(e.ctx, "PRAGMA secure_delete").Scan(&on); err != nil {
		return err
	}
	if on != 1 {
		return errors.New("the old table's database does not overwrite what it deletes (secure_delete)")
	}
	triggers, err := e.d.triggers(e.ctx, e.db, e.m.Table)
	if err == nil && len(triggers) > 0 {
		err = fmt.Errorf("the table has %d triggers, which could copy what is overwritten: drop them first", len(triggers))
	}
	return err
}

// column is what SQLite says about a column.
type column struct {
	name    string
	notNull bool
	unique  bool
	indexes []string // those of a CREATE INDEX statement
}

// left returns the columns that are still to be dropped.
func (e eraser) left() ([]column, error) {
	_, names, err := e.Gone(e.ctx)
	if err != nil {
		return nil, err
	}
	table := tableName(e.m.Table)
	out := make([]column, len(names))
	for i, n := range names {
		out[i].name = n
		err := e.db.QueryRowContext(e.ctx, `SELECT "notnull" FROM pragma_table_info(?) WHERE LOWER(name) = LOWER(?)`, table, n).
			Scan(&out[i].notNull)
		if err != nil {
			return nil, err
		}
		const q = `SELECT l.name FROM pragma_index_list(?) l JOIN pragma_index_info(l.name) x WHERE LOWER(x.name) = LOWER(?) AND l.origin = 'c'`
		if out[i].indexes, err = strs(e.ctx, e.db, q, table, n); err != nil {
			return nil, err
		}
		var unique int
		err = e.db.QueryRowContext(e.ctx, `SELECT COUNT(*) FROM pragma_index_list(?) l JOIN pragma_index_info(l.name) x WHERE LOWER(x.name) = LOWER(?) AND l."unique" = 1`, table, n).
			Scan(&unique)
		if err != nil {
			return nil, err
		}
		out[i].unique = unique > 0
	}
	return out, nil
}

func tableName(table string) string {
	parts := strings.Split(table, ".")
	return strings.Trim(parts[len(parts)-1], `"[] `)
}

// overwrite empties the columns in the order of the keys, eraseRows rows in a transaction.
func (e eraser) overwrite() error {
	columns, err := e.left()
	if err != nil || len(columns) == 0 {
		return err
	}
	set, filled := make([]string, len(columns)), make([]string, len(columns))
	key, table := e.d.quote(e.m.Key), e.d.table(e.m.Table)
	for i, c := range columns {
		q := e.d.quote(c.name)
		switch {
		case !c.notNull:
			set[i], filled[i] = q+" = NULL", q+" IS NOT NULL"
		case c.unique: // two rows may not both be empty
			set[i], filled[i] = q+" = 'x' || "+key, q+" <> 'x' || "+key
		default:
			set[i], filled[i] = q+" = ''", q+" <> ''"
		}
	}
	update := "UPDATE " + table + " SET " + strings.Join(set, ", ") + " WHERE (" + strings.Join(filled, " OR ") + ")"
	for after := ""; ; {
		where, args := " WHERE 1 = 1", []any{}
		if after != "" {
			where, args = " WHERE "+key+" > ?", []any{e.bind(after)}
		}
		last := ""
		next := "SELECT " + e.d.text(key) + " FROM " + table + where + " ORDER BY " + key + " LIMIT 1 OFFSET " + strconv.Itoa(eraseRows-1)
		if err := e.db.QueryRowContext(e.ctx, next, args...).Scan(&last); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		bounds, args := "", args[:len(args):len(args)]
		if after != "" {
			bounds += " AND " + key + " > ?"
		}
		if last != "" {
			bounds, args = bounds+" AND "+key+" <= ?", append(args, e.bind(last))
		}
		res, err := e.db.ExecContext(e.ctx, update+bounds, args...)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		e.out.Rows += int(n)
		if last == "" {
			e.say("overwritten: %d rows", e.out.Rows)
			return nil
		}
		after = last
	}
}

// drop drops the empty columns, and the indexes on them.
func (e eraser) drop() error {
	columns, err := e.left()
	if err != nil {
		return err
	}
	for _, c := range columns {
		for _, index := range c.indexes {
			if slices.Contains(e.out.Indexes, index) {
				continue
			}
			if _, err := e.db.ExecContext(e.ctx, "DROP INDEX IF EXISTS "+e.d.quote(index)); err != nil {
				return err
			}
			e.out.Indexes = append(e.out.Indexes, index)
		}
		_, err := e.db.ExecContext(e.ctx, "ALTER TABLE "+e.d.table(e.m.Table)+" DROP COLUMN "+e.d.quote(c.name))
		if err != nil { // a view, a constraint or a key needs the column
			e.out.Left = append(e.out.Left, c.name)
			e.say("column %s cannot be dropped (%v): it stays, and is empty", c.name, clean(err))
		}
	}
	e.out.Dropped, _, err = e.Gone(e.ctx)
	return err
}

// rewrite writes the whole file again, without its free pages.
func (e eraser) rewrite() error {
	_, err := e.db.ExecContext(e.ctx, "VACUUM")
	return err
}

// checkpoint moves the content of the write-ahead log into the file, and empties the log.
func (e eraser) checkpoint() error {
	var busy, log, done sql.NullInt64
	if err := e.db.QueryRowContext(e.ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &done); err != nil {
		return err
	}
	if busy.Int64 != 0 {
		return errors.New("another program uses the old table's database, so that its write-ahead log cannot be emptied: " +
			"end that program, and run this again")
	}
	return nil
}
