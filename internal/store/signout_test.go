package store

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
)

// TestSignOutWithoutALog: sessions end also if the access log takes nothing, and the
// log of the service says that an event is missing.
func TestSignOutWithoutALog(t *testing.T) {
	var log strings.Builder
	s, err := OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "sluis.db"),
		Options{Now: time.Now, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	u, err := s.AddUser(t.Context(), audit.Who{Name: "test"}, account.User{Email: "a@example.org", PasswordHash: "x",
		Roles: []account.Role{account.Auditor}})
	if err != nil {
		t.Fatal(err)
	}
	x := account.NewSession([32]byte{1}, u.ID, account.ByPasskey, time.Now())
	if err := s.SignIn(t.Context(), x, audit.Event{Type: audit.SignIn}); err != nil {
		t.Fatal(err)
	}
	_, err = s.sql.ExecContext(t.Context(), "CREATE TRIGGER full BEFORE INSERT ON audit_events BEGIN SELECT RAISE(ABORT, 'full'); END")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SignOut(t.Context(), u.ID, audit.Event{Type: audit.SignOut}); err != nil {
		t.Errorf("sign out: %v", err)
	}
	if _, err := s.SessionByHash(t.Context(), x.TokenHash); apperr.KindOf(err) != apperr.NotFound {
		t.Errorf("the session is still there: %v", err)
	}
	if !strings.Contains(log.String(), "a sign-out is not in the access log") {
		t.Errorf("nobody is told: %s", log.String())
	}
	if err := s.SignIn(t.Context(), x, audit.Event{Type: audit.SignIn}); err == nil {
		t.Error("signed in without an event")
	}
}
