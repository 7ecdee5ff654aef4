package store_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluis/internal/store"
	"sluis/internal/store/storetest"
)

func options() store.Options { return store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)} }

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) *store.Store {
		s, err := store.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "sluis.db"), options())
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

// TestSQLServer runs the suite on a server, if SLUIS_TEST_SQLSERVER_DSN is set. CI has
// none, and the README says so.
func TestSQLServer(t *testing.T) {
	dsn := os.Getenv("SLUIS_TEST_SQLSERVER_DSN")
	if dsn == "" {
		t.Skip("SLUIS_TEST_SQLSERVER_DSN is not set: the suite was not run on SQL Server")
	}
	storetest.Run(t, func(t *testing.T) *store.Store {
		s, err := store.OpenSQLServer(t.Context(), dsn, options())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	})
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

func TestMigrationsHaveTheSameNumbers(t *testing.T) {
	names := func(folder string) string {
		entries, err := os.ReadDir(filepath.Join("..", "..", "migrations", folder))
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, e := range entries {
			out = append(out, e.Name())
		}
		return strings.Join(out, " ")
	}
	if a, b := names("sqlite"), names("sqlserver"); a != b {
		t.Errorf("sqlite has %s, sqlserver %s", a, b)
	}
}
