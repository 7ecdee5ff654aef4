// Package pgtest runs Debian's PostgreSQL for tests: one server for a test process, on a
// socket in a directory of its own, and a fresh database for each test. It must never
// connect to a server that it has not started.
package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofrs/flock"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"sluis/internal/store"
)

// prefix is how the directories of servers begin, in the directory for temporary files.
const prefix = "sluis-postgres-"

// server is a running server.
type server struct {
	dir   string
	lock  *flock.Flock
	admin *sql.DB
	stop  func()
	made  atomic.Int64
}

var shared struct {
	once   sync.Once
	server *server
	err    error
}

// Main runs the tests of a package and then stops its server, if one was started. It is
// for TestMain. A process that dies before takes its server with it, and the next one
// removes the directory.
func Main(m *testing.M) {
	code := m.Run()
	Stop()
	os.Exit(code)
}

// Stop stops the server of this process, if one was started.
func Stop() {
	if s := shared.server; s != nil {
		s.close()
	}
}

// DSN returns the address of a new database with the newest schema. It is dropped when
// the test ends.
func DSN(tb testing.TB) string {
	tb.Helper()
	return database(tb, "schema")
}

// EmptyDSN returns the address of a new database without a table.
func EmptyDSN(tb testing.TB) string {
	tb.Helper()
	return database(tb, "template0")
}

func database(tb testing.TB, template string) string {
	tb.Helper()
	shared.once.Do(func() { shared.server, shared.err = start() })
	s := shared.server
	if shared.err != nil {
		tb.Fatal("PostgreSQL for the tests: ", shared.err)
	}
	name := fmt.Sprintf("test_%d", s.made.Add(1))
	if _, err := s.admin.ExecContext(tb.Context(), "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if _, err := s.admin.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			tb.Error(err)
		}
	})
	return s.dsn(name)
}

// Open returns a store on a new database. It is closed when the test ends.
func Open(tb testing.TB, o store.Options) *store.Store {
	tb.Helper()
	s, err := store.OpenPostgres(tb.Context(), DSN(tb), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

func (s *server) dsn(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User("sluis"), Path: "/" + database, RawQuery: url.Values{"host": {s.dir}}.Encode()}
	return u.String()
}

// start makes and starts a server. Its database "schema" is the template of the others.
func start() (*server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	removeOld()
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, lock: flock.New(dir + ".lock")}
	if _, err := s.lock.TryLock(); err != nil {
		return nil, err
	}
	if s.stop, err = run(bin, dir); err != nil {
		s.close()
		return nil, err
	}
	if s.admin, err = sql.Open("pgx", s.dsn("postgres")); err == nil {
		err = s.await()
	}
	if err == nil {
		err = s.makeTemplate()
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// await waits until the server answers.
func (s *server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		err := s.admin.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			said, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("the server does not answer: %w\n%s", err, said)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *server) makeTemplate() error {
	ctx := context.Background()
	if _, err := s.admin.ExecContext(ctx, "CREATE DATABASE schema ENCODING 'UTF8' TEMPLATE template0"); err != nil {
		return err
	}
	made, err := store.OpenPostgres(ctx, s.dsn("schema"), store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	return made.Close()
}

// close stops the server and removes its directory.
func (s *server) close() {
	if s.admin != nil {
		_ = s.admin.Close()
	}
	if s.stop != nil {
		s.stop()
	}
	_ = os.RemoveAll(s.dir)
	_ = s.lock.Close()
	_ = os.Remove(s.dir + ".lock")
}

// removeOld removes the directories of processes that died before they could.
func removeOld() {
	locks, err := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*.lock"))
	if err != nil {
		return
	}
	for _, path := range locks {
		if info, err := os.Stat(path); err != nil || time.Since(info.ModTime()) < time.Minute {
			continue // perhaps not locked yet
		}
		lock := flock.New(path)
		if free, err := lock.TryLock(); err == nil && free {
			_ = os.RemoveAll(strings.TrimSuffix(path, ".lock"))
			_ = os.Remove(path)
		}
		_ = lock.Close()
	}
}

// binaries returns the directory of initdb and postgres.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		return "", errors.New("the server is not installed: run ./.ci/tools postgresql as root (Debian: apt-get install postgresql)")
	}
	return filepath.Dir(found[len(found)-1]), nil
}
