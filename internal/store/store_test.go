package store_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluis/internal/store"
	"sluis/internal/store/pgtest"
	"sluis/internal/store/storetest"
)

func options() store.Options { return store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)} }

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestSQLite(t *testing.T) {
	// One test's schema is every test's: migrating costs more than most of them.
	made := filepath.Join(t.TempDir(), "made.db")
	s, err := store.OpenSQLite(t.Context(), made, options())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	schema, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Run(t, func(t *testing.T) *store.Store {
		path := filepath.Join(t.TempDir(), "sluis.db")
		if err := os.WriteFile(path, schema, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := store.OpenSQLite(t.Context(), path, options())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	})
}

// TestPostgres runs the suite on a server that it starts itself.
func TestPostgres(t *testing.T) {
	storetest.Run(t, func(t *testing.T) *store.Store { return pgtest.Open(t, options()) })
}

// TestPostgresUsed runs the suite on one database for all tests, which holds what the
// other tests have left, as a server does that cannot make one for each.
func TestPostgresUsed(t *testing.T) {
	s := pgtest.Open(t, options())
	storetest.Run(t, func(*testing.T) *store.Store { return s })
}

// TestSQLServer runs the suite on a server, if SLUIS_TEST_SQLSERVER_DSN is set. CI has
// none, and the README says so. It makes a database of its own there, and drops it: what
// the suite finds, it deletes.
func TestSQLServer(t *testing.T) {
	dsn := os.Getenv("SLUIS_TEST_SQLSERVER_DSN")
	if dsn == "" {
		t.Skip("SLUIS_TEST_SQLSERVER_DSN is not set: the suite was not run on SQL Server")
	}
	s, err := store.OpenSQLServer(t.Context(), ownDatabase(t, dsn), options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	storetest.Run(t, func(*testing.T) *store.Store { return s })
}

// ownDatabase makes a database on the server at dsn, and returns its address.
func ownDatabase(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal("SLUIS_TEST_SQLSERVER_DSN is not a URL")
	}
	db, err := sql.Open("sqlserver", dsn)
	if err != nil {
		t.Fatal("SLUIS_TEST_SQLSERVER_DSN cannot be opened")
	}
	t.Cleanup(func() { _ = db.Close() })
	name := "sluis_test_" + strings.ToLower(rand.Text())
	if _, err := db.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal("the suite needs a database of its own, and this login may not make one: ", err)
	}
	t.Cleanup(func() {
		if _, err := db.ExecContext(context.Background(), "DROP DATABASE "+name); err != nil {
			t.Errorf("drop %s yourself: %v", name, err)
		}
	})
	q := u.Query()
	q.Set("database", name)
	u.RawQuery = q.Encode()
	return u.String()
}

func TestSecondProcessIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sluis.db")
	s, err := store.OpenSQLite(t.Context(), path, options())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.OpenSQLite(t.Context(), path, options()); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("err = %v, want a refusal that says why", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := store.OpenSQLite(t.Context(), path, options())
	if err != nil {
		t.Fatal("after the first is closed:", err)
	}
	_ = again.Close()
}
