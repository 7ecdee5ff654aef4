package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"gorm.io/gorm"
)

// dialect is all that differs between the databases.
type dialect interface {
	// migrate runs up to the newest schema under a lock.
	migrate(ctx context.Context, db *sql.DB) error
	// insert stores n rows at once, by the fastest way there is.
	insert(ctx context.Context, tx *sql.Tx, table string, columns []string, n int, row func(i int) []any) error
	// update sets columns of n rows found by their key columns, set first.
	update(ctx context.Context, tx *sql.Tx, table string, set, key []string, n int, row func(i int) []any) error
	// forUpdate makes a SELECT of one table wait for, and keep off, other writers.
	forUpdate(db *gorm.DB, table string) *gorm.DB
	// retryable tells an error after which the whole transaction may be tried again.
	retryable(err error) bool
	// duplicate tells a violated unique index.
	duplicate(err error) bool
	// clean gives a driver's error without the values that its text may quote.
	clean(err error) error
	// maxIn is how many parameters one IN list may have.
	maxIn() int
}

// codeError is a driver's error without its text.
type codeError struct {
	database string
	code     int
}

func (e *codeError) Error() string { return fmt.Sprintf("%s error %d", e.database, e.code) }

// marks gives "?, ?, ?".
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }
