// Package oldtable reads the registry's old table, in SQLite or SQL Server, and
// erases the identities in it on request. A mapping says which column is what.
//
// It is a part of the store because database drivers stay there. It never writes
// down what it reads, and knows nothing of the TTP. No error of a driver leaves
// it, because that may quote a value.
package oldtable

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	mssql "github.com/microsoft/go-mssqldb"
	msqlite "modernc.org/sqlite"

	"sluis/internal/conversion"
)

// Table is the old table, opened for reading only.
type Table struct {
	db   *sql.DB
	d    dialect
	m    conversion.Mapping
	path string // of a SQLite file; empty for SQL Server
	// whole says that the keys are whole numbers, and must be compared as numbers.
	whole bool
}

// Open opens the table for reading, in the database that where names ("sqlite:PATH" or
// "sqlserver://…"). It returns an error if a column of the mapping is not there.
func Open(ctx context.Context, where string, m conversion.Mapping) (*Table, error) {
	s, err := connect(where, m, false)
	if err != nil {
		return nil, err
	}
	if err := s.look(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// connect opens the database. Only an erasure may set write.
func connect(where string, m conversion.Mapping, write bool) (*Table, error) {
	s := &Table{m: m}
	var err error
	if path, ok := strings.CutPrefix(where, "sqlite:"); ok {
		if _, err := os.Stat(path); err != nil {
			return nil, errors.New("the old table's database is not a file that can be read")
		}
		// Sorting happens in memory: a temporary file would hold names.
		q := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(10000)", "temp_store(MEMORY)", "query_only(1)"}}
		if write {
			q = url.Values{
				"mode":    {"rw"},
				"_txlock": {"immediate"},
				"_pragma": {"busy_timeout(10000)", "temp_store(MEMORY)", "secure_delete(1)", "synchronous(FULL)"},
			}
		}
		s.d, s.path = sqliteDialect{}, path
		s.db, err = sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	} else if strings.HasPrefix(where, "sqlserver://") {
		s.d = sqlserverDialect{}
		s.db, err = sql.Open("sqlserver", where)
	} else {
		return nil, errors.New("the address of the old table must be sqlite:PATH or sqlserver://…")
	}
	if err != nil {
		return nil, errors.New("the address of the old table is not valid") // the driver's error may quote a password
	}
	s.db.SetMaxOpenConns(2)
	if write {
		s.db.SetMaxOpenConns(1)
	}
	return s, nil
}

// Close closes the database.
func (s *Table) Close() error { return s.db.Close() }

// Path returns the SQLite file that the table is in, or nothing for SQL Server.
func (s *Table) Path() string { return s.path }

// Label returns a name of the table for reports. It has no host, folder or password.
func (s *Table) Label() string {
	what := s.m.Table
	if what == "" {
		what = "query"
	}
	if s.path != "" {
		return "SQLite " + filepath.Base(s.path) + " " + what
	}
	return "SQL Server " + what
}

// look returns an error if a column of the mapping is not there, and finds out whether
// the keys are whole numbers.
func (s *Table) look(ctx context.Context) error {
	have, err := s.columns(ctx)
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", s.Label(), err)
	}
	for _, column := range s.m.Named() {
		if !have[strings.ToLower(column)] {
			return fmt.Errorf("%s has no column %q: put its right name in the mapping, or an empty one if there is none",
				s.Label(), column)
		}
	}
	whole, err := s.d.wholeKeys(ctx, s.db, s.d.quote(s.m.Key), s.from())
	if err != nil {
		return clean(err)
	}
	s.whole = whole
	return nil
}

// columns returns the names of the table's columns, in lower case.
func (s *Table) columns(ctx context.Context) (map[string]bool, error) {
	//nolint:gosec // names out of the operator's mapping, quoted
	rows, err := s.db.QueryContext(ctx, "SELECT q.* FROM "+s.from()+" q WHERE 1 = 0")
	if err != nil {
		return nil, clean(err)
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		return nil, clean(err)
	}
	out := make(map[string]bool, len(names))
	for _, n := range names {
		out[strings.ToLower(n)] = true
	}
	return out, clean(rows.Err())
}

// from returns the text after FROM: the table, or the query in brackets.
func (s *Table) from() string {
	if s.m.Query != "" {
		return "(" + strings.TrimRight(strings.TrimSpace(s.m.Query), ";") + ")"
	}
	return s.d.table(s.m.Table)
}

// codeError is a driver's error without its text.
type codeError struct {
	database string
	code     int
}

func (e *codeError) Error() string { return fmt.Sprintf("%s error %d", e.database, e.code) }

// clean returns a driver's error without its text, which may quote a value.
func clean(err error) error {
	if e, ok := errors.AsType[mssql.Error](err); ok {
		return &codeError{"SQL Server", int(e.Number)}
	}
	if e, ok := errors.AsType[*msqlite.Error](err); ok {
		return &codeError{"SQLite", e.Code()}
	}
	return err
}

// quoteParts quotes each part of a name, such as the schema and the table.
func quoteParts(name string, quote func(string) string) string {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		p = strings.TrimSpace(p)
		if len(p) > 1 && (p[0] == '[' && p[len(p)-1] == ']' || p[0] == '"' && p[len(p)-1] == '"') {
			p = p[1 : len(p)-1]
		}
		parts[i] = quote(p)
	}
	return strings.Join(parts, ".")
}
