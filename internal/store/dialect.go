package store

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"reflect"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// dialect is everything that differs between the databases.
type dialect interface {
	// migrate runs up to the newest schema under a lock.
	migrate(ctx context.Context, db *sql.DB) error
	// check refuses a database whose settings are not right. It returns what an operator
	// should know of it.
	check(ctx context.Context, db *sql.DB) (warnings []string, err error)
	// insert stores n rows, in the fastest way that the database has.
	insert(ctx context.Context, tx *sql.Tx, table string, columns []string, n int, row func(i int) []any) error
	// update changes the columns in set of n rows, each found by its key columns. A row
	// has the values of set first, then those of key.
	update(ctx context.Context, tx *sql.Tx, table string, set, key []string, n int, row func(i int) []any) error
	// forUpdate makes a SELECT from one table lock what it finds against other writers.
	forUpdate(db *gorm.DB, table string) *gorm.DB
	// advance raises a sequence by n and returns what it is then. Other transactions wait
	// for the sequence until this one ends.
	advance(db *gorm.DB, sequence string, n int) (int64, error)
	// storeEvent stores an event of the access log. All other writers wait for it.
	storeEvent(t *tx, x newEvent) error
	// oneOf is what follows a column in a condition that it has one of the values of a
	// list. list is a pointer to a slice of no more than maxIn values.
	oneOf(list any) clause.Expression
	// retryable reports whether the whole transaction may be tried again after err.
	retryable(err error) bool
	// lost reports whether err says that the connection was lost. A transaction that was
	// not being committed at that moment has changed nothing.
	lost(err error) bool
	// duplicate reports whether err says that a unique index was violated.
	duplicate(err error) bool
	// missingTable reports whether a statement named a table that does not exist.
	missingTable(err error) bool
	// clean returns a driver's error without its text, which may quote values.
	clean(err error) error
	// maxIn returns the number of values that one list may have.
	maxIn() int
}

// The databases, as an error names them.
const (
	sqliteName    = "SQLite"
	sqlServerName = "SQL Server"
	postgresName  = "PostgreSQL"
)

// codeError is a driver's error without its text. If the code is a fault of the
// storage, it says so in words of its own.
type codeError struct {
	database string
	code     string
	fault    string
}

func (e *codeError) Error() string {
	if e.code == "" {
		return e.database + ": " + e.fault
	}
	if e.fault != "" {
		return fmt.Sprintf("%s error %s: %s", e.database, e.code, e.fault)
	}
	return fmt.Sprintf("%s error %s", e.database, e.code)
}

// marks returns n question marks: "?, ?, ?".
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// inList is "IN (…)" with a parameter for each value. list is a pointer to a slice.
type inList struct{ list any }

func (l inList) Build(b clause.Builder) {
	_, _ = b.WriteString("IN ")
	b.AddVar(b, reflect.ValueOf(l.list).Elem().Interface())
}

// onThisMachine reports whether a server's host needs no network: a socket or loopback.
func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || host == "localhost" || strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || ip != nil && ip.IsLoopback()
}
