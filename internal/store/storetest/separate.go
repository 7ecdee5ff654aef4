package storetest

import (
	"testing"

	"github.com/google/uuid"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/store"
)

// rolesAreSeparate shows that no account is an auditor and something else at once.
func rolesAreSeparate(t *testing.T, s *store.Store) {
	mixed := []account.Role{account.Auditor, account.Admin}
	u := account.User{Email: uuid.NewString() + "@example.org", PasswordHash: "x", Roles: mixed}
	if _, err := s.AddUser(t.Context(), who, u); apperr.CodeOf(err) != account.RolesSeparate {
		t.Errorf("a new user: %v", err)
	}
	u.Roles = []account.Role{account.Auditor}
	u, err := s.AddUser(t.Context(), who, u)
	ok(t, err)
	err = s.ChangeUser(t.Context(), who, u.Email, "roles", func(u *account.User) error { u.Roles = mixed; return nil })
	if apperr.CodeOf(err) != account.RolesSeparate {
		t.Errorf("a change: %v", err)
	}
	if got := userOf(t, s, u.ID); len(got.Roles) != 1 {
		t.Errorf("roles %v", got.Roles)
	}
}

// centreChanges shows that the events of a change of a centre say what was changed.
func centreChanges(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	who := who
	who.Name = "centre-" + c.Number
	c.IdentitiesAllowed, c.BrakePercent = false, 40
	ok(t, s.ChangeCentre(t.Context(), who, c))
	ok(t, s.ChangeCentre(t.Context(), who, c))
	page, err := s.Events(t.Context(), who, audit.Query{UserName: who.Name, Type: audit.AccountChanged, Limit: 10})
	ok(t, err)
	codes := map[string]int{}
	for _, ev := range page.Events {
		codes[ev.Code]++
	}
	if len(page.Events) != 3 || codes["identities_off"] != 1 || codes["centre_brake"] != 1 || codes["unchanged"] != 1 {
		t.Errorf("events %v", codes)
	}
}
