package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/store"
)

// usersChange checks that a change of a user is stored whole and ends the user's sessions,
// and that a refused change stores nothing.
func usersChange(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	u, err := s.AddUser(t.Context(), who, account.User{Email: uuid.NewString() + "@example.org", PasswordHash: "x",
		Roles: []account.Role{account.Auditor}})
	ok(t, err)
	session := account.NewSession([32]byte([]byte(uuid.NewString())[:32]), u.ID, account.ByPasskey, time.Now())
	ok(t, s.SignIn(t.Context(), session, audit.Event{Type: audit.SignIn, Action: audit.Execute, Who: who}))

	refused := errors.New("refused")
	err = s.ChangeUser(t.Context(), who, u.Email, "roles", func(u *account.User) error { u.PasswordHash = "y"; return refused })
	if got := userOf(t, s, u.ID); !errors.Is(err, refused) || got.PasswordHash != "x" {
		t.Errorf("a refused change: %v, password %q", err, got.PasswordHash)
	}
	if _, err := s.SessionByHash(t.Context(), session.TokenHash); err != nil {
		t.Errorf("a refused change ended the session: %v", err)
	}

	at := time.Now()
	ok(t, s.ChangeUser(t.Context(), who, u.Email, "roles", func(u *account.User) error {
		u.Roles, u.Centre, u.PasswordHash, u.DisabledAt = []account.Role{account.Uploader, account.Clinician}, &c, "y", at
		return nil
	}))
	got := userOf(t, s, u.ID)
	if !slices.Equal(got.Roles, []account.Role{account.Uploader, account.Clinician}) || got.Centre == nil || got.Centre.ID != c.ID ||
		got.PasswordHash != "y" || !got.DisabledAt.Equal(at.UTC().Truncate(time.Millisecond)) {
		t.Errorf("changed: %+v", got)
	}
	if _, err := s.SessionByHash(t.Context(), session.TokenHash); apperr.KindOf(err) != apperr.NotFound {
		t.Errorf("the session after the change: %v", err)
	}

	ok(t, s.ChangeUser(t.Context(), who, u.Email, "enabled", func(u *account.User) error {
		u.Centre, u.DisabledAt = nil, time.Time{}
		return nil
	}))
	list, err := s.Users(t.Context(), who)
	ok(t, err)
	i := slices.IndexFunc(list, func(x account.User) bool { return x.ID == u.ID })
	if i < 0 || list[i].Centre != nil || !list[i].DisabledAt.IsZero() || list[i].CreatedAt.IsZero() {
		t.Errorf("the list has %+v", list[max(i, 0)])
	}
	err = s.ChangeUser(t.Context(), who, "nobody@example.org", "x", func(*account.User) error { return nil })
	if apperr.KindOf(err) != apperr.NotFound {
		t.Errorf("a change of nobody: %v", err)
	}
}

func userOf(t *testing.T, s *store.Store, id int64) account.User {
	t.Helper()
	u, err := s.UserByID(t.Context(), id)
	ok(t, err)
	return u
}

// tokensRevoked checks that a revoked token is refused at once, and revoked only once.
func tokensRevoked(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	_, hash := account.NewToken()
	k, err := s.AddToken(t.Context(), who, account.Token{Name: "night", Role: account.Uploader, Centre: &c}, hash)
	ok(t, err)
	ok(t, s.RevokeToken(t.Context(), who, k.PublicID))
	if _, err := s.TokenByHash(t.Context(), hash); apperr.KindOf(err) != apperr.NotFound {
		t.Errorf("a revoked token: %v", err)
	}
	if err := s.RevokeToken(t.Context(), who, k.PublicID); apperr.KindOf(err) != apperr.Conflict {
		t.Errorf("revoked twice: %v", err)
	}
	if err := s.RevokeToken(t.Context(), who, uuid.NewString()); apperr.KindOf(err) != apperr.NotFound {
		t.Errorf("an unknown token: %v", err)
	}
	list, err := s.Tokens(t.Context(), who)
	ok(t, err)
	i := slices.IndexFunc(list, func(x account.Token) bool { return x.PublicID == k.PublicID })
	if i < 0 || list[i].RevokedAt.IsZero() || list[i].Centre == nil || list[i].Centre.Number != c.Number {
		t.Errorf("the list has %+v", list[max(i, 0)])
	}
}

// healthRow checks that the check of readiness writes a row, and knows the schema.
func healthRow(t *testing.T, s *store.Store) {
	ok(t, s.CheckWrite(t.Context()))
	ok(t, s.CheckSchema(t.Context()))
}
