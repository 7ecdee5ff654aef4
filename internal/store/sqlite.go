package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	msqlite "modernc.org/sqlite" // pure Go: no C compiler in a hospital's build street
)

// sqliteDialect is the default, for one process on one machine.
type sqliteDialect struct{}

// sqlitePragmas are the settings of every connection. wal_autocheckpoint and cache_size
// were measured.
var sqlitePragmas = []struct{ name, value, want string }{
	{"journal_mode", "WAL", "wal"},
	{"synchronous", "FULL", "2"},
	{"foreign_keys", "1", "1"},
	{"busy_timeout", "10000", "10000"},
	{"secure_delete", "ON", "1"},
	{"temp_store", "MEMORY", "2"},
	{"cache_size", "-65536", "-65536"},
	{"wal_autocheckpoint", "4000", "4000"},
}

// OpenSQLite opens or makes the database at path, and migrates it to the newest schema.
// If another process serves from it, the error is [ErrInUse].
func OpenSQLite(ctx context.Context, path string, o Options) (*Store, error) {
	var lock io.Closer = io.NopCloser(nil)
	if !o.Beside {
		var err error
		if lock, err = lockFile(path + ".lock"); err != nil {
			return nil, err
		}
	}
	// SQLite makes the files next to the database with the mode of the database.
	flags := os.O_CREATE | os.O_RDWR
	if o.Beside {
		flags = os.O_RDWR
	}
	if f, err := os.OpenFile(path, flags, 0o600); o.Beside && errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no database at %s. Make it with web migrate, or by starting the service", path)
	} else if err != nil {
		return nil, errors.Join(fmt.Errorf("open the database: %w", err), lock.Close())
	} else if err := f.Close(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	db, err := sql.Open("sqlite", SQLiteDSN(path))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open SQLite: %w", sqliteDialect{}.clean(err)), lock.Close())
	}
	// SQLite has only one writer, so that a second connection would only wait.
	db.SetMaxOpenConns(1)
	s, err := open(ctx, sqliteDialect{}, db, sqliteDialector{conn: db}, o)
	if err != nil {
		return nil, errors.Join(err, db.Close(), lock.Close())
	}
	s.closers = append(s.closers, lock.Close)
	err = errors.Join(s.assertPragmas(ctx), os.Chmod(path, 0o600))
	if err == nil && !o.Beside {
		err = s.releaseLeases(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// SQLiteDSN returns the data source name of the database at path. Benchmarks use it too.
func SQLiteDSN(path string) string {
	q := url.Values{"_txlock": {"immediate"}, "_time_format": {"sqlite"}}
	for _, p := range sqlitePragmas {
		q.Add("_pragma", p.name+"("+p.value+")")
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// ErrInUse is returned if another process serves from the database.
var ErrInUse = errors.New("another process uses the database")

// lockFile takes the lock that keeps a second process off the database.
func lockFile(path string) (*flock.Flock, error) {
	lock := flock.New(path)
	got, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the database: %w", err)
	}
	if !got {
		return nil, fmt.Errorf("%w (%s): stop it first", ErrInUse, path)
	}
	return lock, nil
}

// CheckFree returns [ErrInUse] if another process serves from the database at path.
func CheckFree(path string) error {
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return err
	}
	return lock.Close()
}

// assertPragmas reads the pragmas back, and returns an error if SQLite did not take one.
func (s *Store) assertPragmas(ctx context.Context) error {
	for _, p := range sqlitePragmas {
		var got string
		if err := s.sql.QueryRowContext(ctx, "PRAGMA "+p.name).Scan(&got); err != nil {
			return fmt.Errorf("read pragma %s: %w", p.name, s.dialect.clean(err))
		}
		if got != p.want {
			return fmt.Errorf("pragma %s is %s, want %s", p.name, got, p.want)
		}
	}
	return nil
}

func (sqliteDialect) migrate(ctx context.Context, db *sql.DB) error {
	return goUp(ctx, goose.DialectSQLite3, db, "sqlite")
}

// insert binds row by row: prepared statements of one row are the fastest way into SQLite.
func (sqliteDialect) insert(ctx context.Context, tx *sql.Tx, table string, columns []string, n int, row func(i int) []any) error {
	return eachRow(ctx, tx, "INSERT INTO "+table+" ("+strings.Join(columns, ", ")+") VALUES ("+marks(len(columns))+")", n, row)
}

func (sqliteDialect) update(ctx context.Context, tx *sql.Tx, table string, set, key []string, n int, row func(i int) []any) error {
	return eachRow(ctx, tx, "UPDATE "+table+" SET "+strings.Join(set, " = ?, ")+" = ? WHERE "+strings.Join(key, " = ? AND ")+" = ?", n, row)
}

func eachRow(ctx context.Context, tx *sql.Tx, statement string, n int, row func(i int) []any) error {
	if n == 0 {
		return nil
	}
	st, err := tx.PrepareContext(ctx, statement)
	if err != nil {
		return err
	}
	defer st.Close()
	// A context that can end costs the driver a goroutine and a progress handler for
	// each row, more than half as much again as the row itself.
	endless := context.WithoutCancel(ctx)
	for i := range n {
		if i%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if _, err := st.ExecContext(endless, row(i)...); err != nil {
			return err
		}
	}
	return nil
}

// forUpdate has nothing to do: every transaction begins as a writer.
func (sqliteDialect) forUpdate(db *gorm.DB, table string) *gorm.DB { return db.Table(table) }

func (sqliteDialect) code(err error) int {
	if e, ok := errors.AsType[*msqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

func (d sqliteDialect) retryable(err error) bool {
	c := d.code(err) & 0xff
	return c == 5 || c == 6 // BUSY, LOCKED
}

func (d sqliteDialect) duplicate(err error) bool {
	c := d.code(err)
	return c == 1555 || c == 2067 || errors.Is(err, gorm.ErrDuplicatedKey) // PRIMARYKEY, UNIQUE
}

func (d sqliteDialect) missingTable(err error) bool { return d.code(err) == 1 } // SQLITE_ERROR: no such table

func (d sqliteDialect) clean(err error) error {
	if c := d.code(err); c != 0 {
		return newCodeError(sqliteName, c)
	}
	return err
}

func (sqliteDialect) advance(db *gorm.DB, sequence string, n int) (next int64, err error) {
	err = db.Raw("UPDATE sequences SET next = next + ? WHERE name = ? RETURNING next", n, sequence).Scan(&next).Error
	return next, err
}

// lost is false: a file is not at the end of a connection.
func (sqliteDialect) lost(error) bool { return false }

// check has nothing to do: assertPragmas looks at the settings.
func (sqliteDialect) check(context.Context, *sql.DB) ([]string, error) { return nil, nil }

func (sqliteDialect) storeEvent(t *tx, x newEvent) error { return storeEvent(t, x) }

func (sqliteDialect) oneOf(list any) clause.Expression { return inList{list} }

// maxIn keeps a list well under SQLite's 32,766 variables.
func (sqliteDialect) maxIn() int { return 1000 }
