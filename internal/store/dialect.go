package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"gorm.io/gorm"
)

// dialect is everything that differs between the databases.
type dialect interface {
	// migrate runs up to the newest schema under a lock.
	migrate(ctx context.Context, db *sql.DB) error
	// insert stores n rows, in the fastest way that the database has.
	insert(ctx context.Context, tx *sql.Tx, table string, columns []string, n int, row func(i int) []any) error
	// update changes the columns in set of n rows, each found by its key columns. A row
	// has the values of set first, then those of key.
	update(ctx context.Context, tx *sql.Tx, table string, set, key []string, n int, row func(i int) []any) error
	// forUpdate makes a SELECT from one table lock what it finds against other writers.
	forUpdate(db *gorm.DB, table string) *gorm.DB
	// retryable reports whether the whole transaction may be tried again after err.
	retryable(err error) bool
	// duplicate reports whether err says that a unique index was violated.
	duplicate(err error) bool
	// missingTable reports whether a statement named a table that does not exist.
	missingTable(err error) bool
	// clean returns a driver's error without its text, which may quote values.
	clean(err error) error
	// maxIn returns the number of parameters that one IN list may have.
	maxIn() int
}

// The databases, as an error names them.
const (
	sqliteName    = "SQLite"
	sqlServerName = "SQL Server"
)

// codeError is a driver's error without its text. If the code is a fault of the
// storage, it says so in words of its own.
type codeError struct {
	database string
	code     int
	fault    string
}

func (e *codeError) Error() string {
	if e.code == 0 {
		return e.database + ": " + e.fault
	}
	if e.fault != "" {
		return fmt.Sprintf("%s error %d: %s", e.database, e.code, e.fault)
	}
	return fmt.Sprintf("%s error %d", e.database, e.code)
}

// marks returns n question marks: "?, ?, ?".
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }
