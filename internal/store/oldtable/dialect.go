package oldtable

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
)

// dialect is everything that differs between the databases.
type dialect interface {
	quote(name string) string
	table(name string) string
	// text converts a column to text. day does so for a column of dates: as an ISO date, if
	// the database has them as dates.
	text(column string) string
	day(column string) string
	// top limits a SELECT.
	top(selected, rest string, n int) string
	length(text string) string
	// wholeKeys reports whether the keys are whole numbers. Numbers and texts together
	// are an error, because they cannot be read in order.
	wholeKeys(ctx context.Context, db *sql.DB, key, from string) (bool, error)
	// triggers returns the names of the triggers of a table.
	triggers(ctx context.Context, db *sql.DB, table string) ([]string, error)
}

type sqliteDialect struct{}

func (sqliteDialect) quote(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}
func (d sqliteDialect) table(name string) string { return quoteParts(name, d.quote) }
func (sqliteDialect) text(column string) string  { return "CAST(" + column + " AS TEXT)" }
func (d sqliteDialect) day(column string) string { return d.text(column) }
func (sqliteDialect) length(text string) string  { return "LENGTH(" + text + ")" }

func (sqliteDialect) top(selected, rest string, n int) string {
	return "SELECT " + selected + " " + rest + " LIMIT " + strconv.Itoa(n)
}

func (sqliteDialect) wholeKeys(ctx context.Context, db *sql.DB, key, from string) (bool, error) {
	//nolint:gosec // names out of the operator's mapping, quoted
	rows, err := db.QueryContext(ctx, "SELECT DISTINCT typeof(q."+key+") FROM "+from+" q WHERE q."+key+" IS NOT NULL")
	if err != nil {
		return false, err
	}
	defer func() { _ = rows.Close() }()
	var types []string
	for rows.Next() {
		var t string
		if err := rows.Scan(&t); err != nil {
			return false, err
		}
		types = append(types, t)
	}
	if err := rows.Err(); err != nil {
		return false, err
	}
	switch {
	case len(types) == 0:
		return false, nil
	case len(types) > 1, types[0] != "integer" && types[0] != "text":
		return false, errors.New("the keys of the old table are of several types, or neither whole numbers nor text: " +
			"they cannot be read in order")
	}
	return types[0] == "integer", nil
}

func (sqliteDialect) triggers(ctx context.Context, db *sql.DB, table string) ([]string, error) {
	parts := strings.Split(table, ".")
	name := strings.Trim(parts[len(parts)-1], `"[] `)
	return strs(ctx, db, "SELECT name FROM sqlite_master WHERE type = 'trigger' AND LOWER(tbl_name) = LOWER(?) ORDER BY name", name)
}

type sqlserverDialect struct{}

func (sqlserverDialect) quote(name string) string {
	return "[" + strings.ReplaceAll(name, "]", "]]") + "]"
}
func (d sqlserverDialect) table(name string) string { return quoteParts(name, d.quote) }
func (sqlserverDialect) text(column string) string {
	return "CONVERT(nvarchar(4000), " + column + ")"
}

// day uses style 23, an ISO date. It does not change a column of texts.
func (sqlserverDialect) day(column string) string {
	return "CONVERT(nvarchar(4000), " + column + ", 23)"
}
func (sqlserverDialect) length(text string) string { return "LEN(" + text + ")" }

func (sqlserverDialect) top(selected, rest string, n int) string {
	return "SELECT TOP (" + strconv.Itoa(n) + ") " + selected + " " + rest
}

// wholeKeys is always false: SQL Server converts a key that is sent as text to the type of
// the column before it compares them.
func (sqlserverDialect) wholeKeys(context.Context, *sql.DB, string, string) (bool, error) {
	return false, nil
}

func (sqlserverDialect) triggers(ctx context.Context, db *sql.DB, table string) ([]string, error) {
	return strs(ctx, db, "SELECT name FROM sys.triggers WHERE parent_id = OBJECT_ID(@p1) AND is_disabled = 0 ORDER BY name", table)
}

func strs(ctx context.Context, db *sql.DB, query string, args ...any) ([]string, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}
