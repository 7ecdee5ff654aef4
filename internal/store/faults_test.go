package store

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	mssql "github.com/microsoft/go-mssqldb"

	"sluis/internal/apperr"
)

// TestFaultsInWords checks that the faults on which an operator must act are said in
// words, and that no other error counts as a fault of the storage.
func TestFaultsInWords(t *testing.T) {
	for _, c := range []struct {
		err     error
		want    string
		storage bool
	}{
		{newCodeError(sqliteName, 13), "SQLite error 13: the disk or its quota is full", true},
		{newCodeError(sqliteName, 778), "SQLite error 778: the disk cannot be read or written", true}, // IOERR_WRITE
		{newCodeError(sqliteName, 11), "SQLite error 11: the database is damaged", true},
		{newCodeError(sqliteName, 26), "SQLite error 26: the file is no database", true},
		{newCodeError(sqliteName, 8), "SQLite error 8: the database is read-only", true},
		{newCodeError(sqliteName, 14), "SQLite error 14: the database file cannot be opened", true},
		{newCodeError(sqliteName, 2067), "SQLite error 2067", false}, // UNIQUE
		{newCodeError(sqliteName, 5), "SQLite error 5", false},       // BUSY
		{sqlserverDialect{}.clean(mssql.Error{Number: 9002}), "SQL Server error 9002: the transaction log is full", true},
		{sqlserverDialect{}.clean(mssql.Error{Number: 1105}), "SQL Server error 1105: the disk or a filegroup is full", true},
		{sqlserverDialect{}.clean(mssql.Error{Number: 824}), "SQL Server error 824: the database is damaged", true},
		{sqlserverDialect{}.clean(mssql.Error{Number: 3906}), "SQL Server error 3906: the database is read-only", true},
		{(&postgresDialect{}).clean(&pgconn.PgError{Code: "53100", Message: "x"}), "PostgreSQL error 53100: the disk is full", true},
		{(&postgresDialect{}).clean(&pgconn.PgError{Code: "25006"}), "PostgreSQL error 25006: the database is read-only", true},
		{(&postgresDialect{}).clean(&pgconn.PgError{Code: "57P01"}), "PostgreSQL error 57P01: the server is stopping", true},
		{(&postgresDialect{}).clean(&pgconn.PgError{Code: "23505", Detail: "Key (number)=(123) exists"}), "PostgreSQL error 23505", false},
		{(&postgresDialect{}).clean(&pgconn.PgError{Code: "40P01"}), "PostgreSQL error 40P01", false},
		{(&postgresDialect{}).clean(io.ErrUnexpectedEOF), "PostgreSQL: the database cannot be reached", true},
		{sqlserverDialect{}.clean(mssql.Error{Number: 13}), "SQL Server error 13", false}, // not SQLite's 13
	} {
		if c.err.Error() != c.want || apperr.IsStorage(fmt.Errorf("a step: %w", c.err)) != c.storage {
			t.Errorf("%q, storage %v; want %q, %v", c.err, apperr.IsStorage(c.err), c.want, c.storage)
		}
	}
}

// TestRealFaults provokes faults in the driver itself.
func TestRealFaults(t *testing.T) {
	open := func(t *testing.T, path string) *sql.DB {
		t.Helper()
		db, err := sql.Open("sqlite", "file:"+path)
		if err != nil {
			t.Fatal(err)
		}
		db.SetMaxOpenConns(1)
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	fails := func(ctx context.Context, db *sql.DB, statement string) string {
		_, err := db.ExecContext(ctx, statement)
		err = sqliteDialect{}.clean(err)
		return fmt.Sprint(err, " ", apperr.IsStorage(err))
	}
	t.Run("full", func(t *testing.T) {
		db := open(t, filepath.Join(t.TempDir(), "x.db"))
		for _, s := range []string{"CREATE TABLE t (x)", "PRAGMA max_page_count = 3"} {
			if _, err := db.ExecContext(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		if got := fails(t.Context(), db, "INSERT INTO t VALUES (zeroblob(100000))"); got != "SQLite error 13: the disk or its quota is full true" {
			t.Error(got)
		}
	})
	t.Run("no database", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "x.db")
		if err := os.WriteFile(path, make([]byte, 8192), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := fails(t.Context(), open(t, path), "CREATE TABLE t (x)"); got != "SQLite error 26: the file is no database true" {
			t.Error(got)
		}
	})
	t.Run("no folder", func(t *testing.T) {
		db := open(t, filepath.Join(t.TempDir(), "nowhere", "x.db"))
		if got := fails(t.Context(), db, "CREATE TABLE t (x)"); got != "SQLite error 14: the database file cannot be opened true" {
			t.Error(got)
		}
	})
}
