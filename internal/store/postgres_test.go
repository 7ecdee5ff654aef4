package store_test

import (
	"context"
	"database/sql"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/patient"
	"sluis/internal/store"
	"sluis/internal/store/pgtest"
)

// with returns an address with more settings.
func with(t *testing.T, dsn string, settings ...string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for i := 0; i < len(settings); i += 2 {
		q.Set(settings[i], settings[i+1])
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// admin returns a connection of the tests' own to a database.
func admin(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func exec(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatal(s, ": ", err)
		}
	}
}

// TestPostgresIsChecked: a database that would keep something else than what was stored is
// refused at the start, in words.
func TestPostgresIsChecked(t *testing.T) {
	const secret = "geheim-wachtwoord"
	dsn := pgtest.DSN(t)
	empty := pgtest.EmptyDSN(t)
	db := admin(t, dsn)
	exec(t, db, "CREATE ROLE stranger LOGIN", "GRANT USAGE ON SCHEMA public TO stranger",
		"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO stranger")
	t.Cleanup(func() { _, _ = db.ExecContext(context.Background(), "DROP OWNED BY stranger; DROP ROLE stranger") })
	exec(t, db, "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
	t.Cleanup(func() { _, _ = db.ExecContext(context.Background(), "DROP DATABASE ascii WITH (FORCE)") })
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	ascii := *u
	ascii.Path = "/ascii"
	nowhere := *u
	nowhere.Path = "/nowhere"
	for name, c := range map[string]struct{ dsn, want string }{
		"another encoding":    {ascii.String(), "encoding SQL_ASCII"},
		"another isolation":   {with(t, dsn, "default_transaction_isolation", "serializable"), "isolation serializable"},
		"another time zone":   {with(t, dsn, "timezone", "Europe/Amsterdam"), "time zone Europe/Amsterdam"},
		"read-only":           {with(t, dsn, "default_transaction_read_only", "on"), "read-only"},
		"no schema":           {with(t, dsn, "search_path", "nowhere"), "sees no schema"},
		"no right to migrate": {with(t, empty, "user", "stranger"), "may not make tables"},
		"no database":         {nowhere.String(), "has no such database"},
		"nobody there":        {"postgres://sluis:" + secret + "@127.0.0.1:1/x", "cannot be reached"},
		"no TLS":              {"postgres://sluis:" + secret + "@db.example/x?sslmode=require", "sslmode=verify-full"},
		"no address":          {"postgres://sluis:" + secret + "@db.example:x/x", "not valid"},
	} {
		s, err := store.Open(t.Context(), c.dsn, options())
		if err == nil {
			_ = s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	// A role that may not make tables works on a schema that is up to date.
	s, err := store.Open(t.Context(), with(t, dsn, "user", "stranger"), options())
	if err != nil {
		t.Fatal("a role without the right to make tables: ", err)
	}
	defer func() { _ = s.Close() }()
	centreOf(t, s, "2801")
}

// TestPostgresTexts: what PostgreSQL cannot store, and any form can bring, is stored as
// every reader sees it, found by nobody, and no error.
func TestPostgresTexts(t *testing.T) {
	s := pgtest.Open(t, options())
	who := audit.Who{Name: "na\x00am\xff", Address: "x"}
	c, err := s.AddCentre(t.Context(), who, account.Centre{Number: "2801", Name: "Zieken\x00huis \xff"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.CentreByID(t.Context(), c.ID); err != nil || got.Name != "Zieken\uFFFDhuis \uFFFD" {
		t.Errorf("centre = %q (%v)", got.Name, err)
	}
	if page, err := s.Patients(t.Context(), who, account.AllCentres(), patient.Query{Number: "1\x00"}); err != nil || page.Total != 0 {
		t.Errorf("a search: %d (%v)", page.Total, err)
	}
	if found, err := s.PatientsByNumber(t.Context(), c.ID, []string{"1\x00", "\xff"}); err != nil || len(found) != 0 {
		t.Errorf("a list: %d (%v)", len(found), err)
	}
}

// TestTransactionsAreTriedAgain: whoever was in another's way, waited too long or lost the
// connection tries again, and what it does is done once.
func TestTransactionsAreTriedAgain(t *testing.T) {
	dsn := with(t, pgtest.DSN(t), "lock_timeout", "300ms")
	s, err := store.Open(t.Context(), dsn, options())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	db := admin(t, dsn)
	exec(t, db, "CREATE TABLE counters (id int PRIMARY KEY, n int)", "INSERT INTO counters VALUES (1, 0), (2, 0)")
	want := func(what string, n1, n2 int) {
		t.Helper()
		var a, b int
		err := db.QueryRowContext(t.Context(), "SELECT (SELECT n FROM counters WHERE id = 1), (SELECT n FROM counters WHERE id = 2)").Scan(&a, &b)
		if err != nil || a != n1 || b != n2 {
			t.Errorf("%s: %d and %d (%v), want %d and %d", what, a, b, err, n1, n2)
		}
	}
	const first, second = "UPDATE counters SET n = n + 1 WHERE id = 1", "UPDATE counters SET n = n + 1 WHERE id = 2"

	// Two take two rows in opposite orders: one of them is the victim.
	var tries atomic.Int64
	var all, both sync.WaitGroup
	both.Add(2)
	for _, order := range [][]string{{first, second}, {second, first}} {
		all.Go(func() {
			var once sync.Once
			err := s.Write(t.Context(), func(exec func(string) error) error {
				tries.Add(1)
				if err := exec(order[0]); err != nil {
					return err
				}
				once.Do(func() { both.Done(); both.Wait() })
				return exec(order[1])
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	want("a deadlock", 2, 2)
	if tries.Load() < 3 {
		t.Errorf("%d tries: there was no deadlock", tries.Load())
	}

	// Somebody keeps the row for longer than a transaction waits.
	held, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := held.ExecContext(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	tries.Store(0)
	err = s.Write(t.Context(), func(exec func(string) error) error {
		if tries.Add(1) == 2 {
			if err := held.Rollback(); err != nil {
				t.Error(err)
			}
		}
		return exec(first)
	})
	if err != nil || tries.Load() != 2 {
		t.Errorf("a lock that is held: %d tries (%v)", tries.Load(), err)
	}
	want("a lock that is held", 3, 2)

	// The server cuts the connection in the middle.
	tries.Store(0)
	err = s.Write(t.Context(), func(run func(string) error) error {
		if err := run(first); err != nil {
			return err
		}
		if tries.Add(1) == 1 {
			exec(t, db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		}
		return run(second)
	})
	if err != nil || tries.Load() != 2 {
		t.Errorf("a connection that is cut: %d tries (%v)", tries.Load(), err)
	}
	want("a connection that is cut", 4, 3)

	// A statement that is wrong is tried once.
	tries.Store(0)
	err = s.Write(t.Context(), func(exec func(string) error) error {
		tries.Add(1)
		return exec("INSERT INTO counters VALUES (NULL, 7)")
	})
	if err == nil || tries.Load() != 1 || err.Error() != "PostgreSQL error 23502" || apperr.IsStorage(err) {
		t.Errorf("a wrong statement: %d tries, %v", tries.Load(), err)
	}
}

// TestBell: what one process announces wakes another.
func TestBell(t *testing.T) {
	dsn := pgtest.DSN(t)
	a, b := process(t, dsn), process(t, dsn)
	ctx, stop := context.WithCancel(t.Context())
	rung := make(chan struct{}, 100)
	var listening sync.WaitGroup
	listening.Go(func() { b.Listen(ctx, func() { rung <- struct{}{} }) })
	<-rung // it listens
	a.Announce(t.Context())
	select {
	case <-rung:
	case <-time.After(time.Minute):
		t.Error("nobody heard")
	}
	stop()
	listening.Wait()
}
