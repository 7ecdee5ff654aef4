package store_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sluis/internal/audit"
	"sluis/internal/store"
	"sluis/internal/store/pgtest"
)

// TestServicesRoleCannotChangeTheLog grants the service's role on PostgreSQL what
// deploy/sql/postgres-login.sql says. With it the service records and reads, and nobody who
// has its password can change or delete a record. The retention takes another role.
func TestServicesRoleCannotChangeTheLog(t *testing.T) {
	grants, err := os.ReadFile(filepath.Join("..", "..", "deploy", "sql", "postgres-login.sql"))
	if err != nil {
		t.Fatal(err)
	}
	dsn := pgtest.DSN(t)
	owner := admin(t, dsn)
	exec(t, owner, "DO $$ BEGIN CREATE ROLE sluis_app; EXCEPTION WHEN duplicate_object THEN NULL; END $$", string(grants))
	t.Cleanup(func() {
		_, _ = owner.ExecContext(context.Background(), "DROP OWNED BY sluis_app")
	})
	now := time.Date(2020, 1, 1, 10, 0, 0, 0, time.UTC)
	open := func(address string) *store.Store {
		t.Helper()
		o := options()
		o.Now = func() time.Time { return now }
		s, err := store.Open(t.Context(), address, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	s := open(with(t, dsn, "role", "sluis_app"))
	who := audit.Who{Name: "a@example.nl"}
	for range 3 {
		if err := s.Record(t.Context(), audit.Event{
			Type: audit.PatientViewed, Action: audit.Read, Who: who, Subjects: []audit.Subject{{PatientID: 7, Action: audit.Read}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	if page, err := s.Events(t.Context(), who, audit.Query{}); err != nil || len(page.Events) != 3 {
		t.Errorf("%d events, %v", len(page.Events), err)
	}
	for _, table := range []string{"audit_events", "audit_subjects", "audit_hashes"} {
		for _, statement := range []string{"DELETE FROM " + table, "TRUNCATE " + table + " CASCADE", "DROP TABLE " + table} {
			if err := s.Write(t.Context(), func(exec func(string) error) error { return exec(statement) }); err == nil {
				t.Errorf("the service's role may %s", statement)
			}
		}
	}
	for _, statement := range []string{
		"UPDATE audit_events SET user_name = 'x'", "UPDATE audit_subjects SET patient_id = 8", "UPDATE audit_hashes SET hash = ''",
	} {
		if err := s.Write(t.Context(), func(exec func(string) error) error { return exec(statement) }); err == nil {
			t.Errorf("the service's role may %s", statement)
		}
	}
	now = now.AddDate(6, 0, 0)
	if n, _, err := s.ExpireEvents(t.Context(), who, now.AddDate(-5, 0, 0)); err == nil || n != 0 && n != 4 {
		t.Errorf("the service's role deletes %d records: %v", n, err)
	}
	if n, _, err := open(dsn).ExpireEvents(t.Context(), who, now.AddDate(-5, 0, 0)); err != nil || n != 4 {
		t.Errorf("the owner deletes %d records: %v", n, err)
	}
}
