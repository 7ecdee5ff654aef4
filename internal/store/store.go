package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"sluis/internal/apperr"
	"sluis/internal/audit/tree"
	"sluis/migrations"
)

// Options configure a Store.
type Options struct {
	Now func() time.Time
	Log *slog.Logger
	// AuditKey seals the records of the access log. A log that has sealed records is not
	// opened without it, for then its next records would look like forgeries.
	AuditKey *tree.Key
	// Beside is set by a command that may run next to the serving process. Then the
	// store takes no lock, releases no leases, and never makes or migrates a database.
	// A database whose schema is not this program's is [ErrSchema].
	Beside bool
}

// Store is the database. It is safe for concurrent use.
type Store struct {
	dialect dialect
	sql     *sql.DB
	gorm    *gorm.DB
	now     func() time.Time
	log     *slog.Logger
	closers []func() error
	// listening is how to connect for Listen, and is nil if the database is not PostgreSQL.
	listening *pgx.ConnConfig
	// blocks hands out ids on a server, and is nil on SQLite.
	blocks *idBlocks
	// auditKey seals the access log, and source is this machine's name in it.
	auditKey *tree.Key
	source   string
	// committed is the edge of the tree over the access log.
	committed *treeEdge
	// plainLog leaves the tree and the seals out of the access log. Only a benchmark sets
	// it, to measure what they cost.
	plainLog bool
}

func open(ctx context.Context, d dialect, db *sql.DB, gd gorm.Dialector, o Options) (*Store, error) {
	if err := db.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("reach the database: %w", d.clean(err))
	}
	warnings, err := d.check(ctx, db)
	if err != nil {
		return nil, err
	}
	if o.Beside {
		if err := checkSchema(ctx, d, db); err != nil {
			return nil, err
		}
	} else if err := d.migrate(ctx, db); err != nil {
		return nil, fmt.Errorf("migrate the database: %w", err)
	}
	for _, w := range warnings {
		if o.Log != nil {
			o.Log.WarnContext(ctx, "a setting of the database", "warning", w)
		}
	}
	g, err := gorm.Open(gd, &gorm.Config{
		SkipDefaultTransaction: true,
		TranslateError:         true,
		DisableAutomaticPing:   true,
		// GORM's logger would print statements with their values.
		Logger: logger.Discard,
	})
	if err != nil {
		return nil, fmt.Errorf("open gorm: %w", d.clean(err))
	}
	host, err := os.Hostname()
	if err != nil {
		host = "" // a machine without a name has none in the log
	}
	s := &Store{dialect: d, sql: db, gorm: g, now: o.Now, log: o.Log, auditKey: o.AuditKey, source: cut(host, 100),
		committed: &treeEdge{}}
	if err := s.requireAuditKey(ctx); err != nil {
		return nil, err
	}
	return s, s.adoptEvents(ctx)
}

// goUp migrates the schema to the newest version. It refuses a database with a newer
// schema than this program knows.
func goUp(ctx context.Context, d goose.Dialect, db *sql.DB, folder string) error {
	files, err := fs.Sub(migrations.Files, folder)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(d, db, files)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if current > target {
		return fmt.Errorf("the database has schema %d, newer than this program's %d: use the newer program", current, target)
	}
	_, err = p.Up(ctx)
	return err
}

// ErrSchema says that the database's schema is not the one that this program knows.
var ErrSchema = errors.New("the database has another schema than this program")

// checkSchema compares the schema with what this program knows, and changes nothing.
func checkSchema(ctx context.Context, d dialect, db *sql.DB) error {
	current, known, err := schemaVersions(ctx, d, db)
	switch {
	case err != nil:
		return err
	case current < known:
		return fmt.Errorf("%w: %d, older than %d. Bring it up to date with web migrate, or by starting the service",
			ErrSchema, current, known)
	case current > known:
		return fmt.Errorf("%w: %d, newer than %d. Use the newer program", ErrSchema, current, known)
	}
	return nil
}

// schemaVersions returns the database's schema and the newest that this program knows. A
// database without a table of versions has schema 0.
func schemaVersions(ctx context.Context, d dialect, db *sql.DB) (current, known int64, err error) {
	files, err := fs.Glob(migrations.Files, "sqlite/*.sql")
	if err != nil {
		return 0, 0, err
	}
	for _, file := range files {
		number, _, _ := strings.Cut(path.Base(file), "_")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("a migration without a number: %w", err)
		}
		known = max(known, n)
	}
	var found sql.NullInt64
	if err := db.QueryRowContext(ctx, "SELECT MAX(version_id) FROM goose_db_version").Scan(&found); err != nil && !d.missingTable(err) {
		return 0, 0, fmt.Errorf("read the schema's version: %w", d.clean(err))
	}
	return found.Int64, known, nil
}

// Close closes the database.
func (s *Store) Close() error {
	err := s.sql.Close()
	for _, c := range s.closers {
		err = errors.Join(err, c())
	}
	return err
}

// Ping returns an error if the database does not answer.
func (s *Store) Ping(ctx context.Context) error { return s.dialect.clean(s.sql.PingContext(ctx)) }

// tx is one transaction.
type tx struct {
	*Store
	db  *gorm.DB
	raw *sql.Tx
	at  time.Time // the moment of everything that it writes
	// edge is that of the tree over the access log, with the events of this transaction;
	// nil as long as it has none.
	edge *tree.Edge
	// unrecorded says that an event could not be recorded.
	unrecorded bool
}

// maxTries is the number of times that a transaction is tried if others are in its way.
const maxTries = 5

// write runs f in a transaction. If the database says that another transaction was in
// its way, or if the connection is lost before the transaction is committed, f is run
// again from the start: it must not keep results of the first try.
func (s *Store) write(ctx context.Context, f func(t *tx) error) error {
	for try := 1; ; try++ {
		t := &tx{Store: s}
		again, err := s.try(ctx, t, f)
		if err == nil {
			s.committed.set(t.edge)
			return nil
		}
		if !again || try == maxTries {
			err = s.dialect.clean(err)
			if t.unrecorded && ctx.Err() == nil {
				err = logError{err}
			}
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(try) * (20*time.Millisecond + rand.N(50*time.Millisecond))):
		}
	}
}

// try runs f in the new transaction t, once. It reports whether another try may succeed.
func (s *Store) try(ctx context.Context, t *tx, f func(t *tx) error) (again bool, err error) {
	g := s.gorm.WithContext(ctx).Begin()
	if g.Error != nil {
		return s.dialect.retryable(g.Error) || s.dialect.lost(g.Error), g.Error
	}
	ended := false
	defer func() {
		if !ended { // f returned an error, or panicked
			g.Rollback()
		}
	}()
	raw, ok := g.Statement.ConnPool.(*sql.Tx)
	if !ok {
		return false, errors.New("store: no transaction")
	}
	t.db, t.raw, t.at = g, raw, s.clock()
	if err := f(t); err != nil {
		return s.dialect.retryable(err) || s.dialect.lost(err), err
	}
	ended = true
	err = g.Commit().Error
	// If the connection is lost now, nobody knows whether the transaction is committed.
	return s.dialect.retryable(err), err
}

// clock returns the present moment as the databases store it: in UTC and milliseconds.
func (s *Store) clock() time.Time { return stamp(s.now()) }

func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// read returns a session for queries outside a transaction.
func (s *Store) read(ctx context.Context) *gorm.DB { return s.gorm.WithContext(ctx) }

// next reserves n consecutive ids of a sequence and returns the first. The sequence is
// locked until the transaction ends: that makes a second transaction that stores
// something of the kind wait until it sees what the first one stored.
func (t *tx) next(sequence string, n int) (int64, error) {
	next, err := t.dialect.advance(t.db, sequence, n)
	return next - int64(n), err
}

// lock keeps other transactions from taking an id of a sequence, or a lock of it, until
// this one ends. It goes before a question whose answer must still be true when
// something is stored because of it.
func (t *tx) lock(sequence string) error {
	_, err := t.next(sequence, 0)
	return err
}

// one returns miss if a statement did not change exactly one row.
func one(res *gorm.DB, miss error) error {
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected != 1 {
		return miss
	}
	return nil
}

// publicID returns a new id for URLs and the API. Such ids are ordered by time, which
// keeps their index fast.
func publicID() (string, error) {
	id, err := uuid.NewV7()
	return id.String(), err
}

// errNotFound is returned for an object that does not exist and for one that is out of
// scope, so that a caller cannot distinguish the two.
var errNotFound = apperr.New(apperr.NotFound, "not_found")

// pieces calls f with consecutive parts of a list, each small enough for one IN list.
func pieces[T any](list []T, size int, f func(part []T) error) error {
	for len(list) > 0 {
		n := min(size, len(list))
		if err := f(list[:n]); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}
