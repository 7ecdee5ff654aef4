package main

import (
	"net/url"
	"strings"
	"testing"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
)

// TestFirstAdministrator: each start without an account prints a link, only the newest
// works, and only until there is an account.
func TestFirstAdministrator(t *testing.T) {
	env := environ(settingsIn(t.TempDir(), "127.0.0.1:0", "127.0.0.1:1"))
	if r := command(t, env, "", "migrate"); r.code != 0 {
		t.Fatal(r.err)
	}
	s, base := storeOf(t, env), &url.URL{Scheme: "https", Host: "sluis.example.nl"}
	offer := func() string {
		t.Helper()
		var out strings.Builder
		if err := offerFirstAdmin(t.Context(), s, base, &out); err != nil {
			t.Fatal(err)
		}
		_, token, _ := strings.Cut(strings.TrimSpace(out.String()), "https://sluis.example.nl/uitnodiging/")
		return token
	}
	use := func(token string) error {
		return s.UseFirstLink(t.Context(), audit.Who{Address: "192.0.2.1"}, account.HashToken(token),
			account.User{Email: "Eerste@Sluis.example", Name: "Eerste", PasswordHash: "x"})
	}
	first, second := offer(), offer()
	if first == "" || second == "" || first == second {
		t.Fatal("a start without an account prints no link, or the same one")
	}
	if err := use(first); apperr.KindOf(err) != apperr.NotFound {
		t.Errorf("the link of an earlier start: %v", err)
	}
	if err := use(second); err != nil {
		t.Fatal(err)
	}
	if err := use(second); apperr.KindOf(err) != apperr.NotFound {
		t.Errorf("the link used again: %v", err)
	}
	if again := offer(); again != "" {
		t.Error("a link is printed although there is an account")
	}
	admins, err := s.Administrators(t.Context())
	if err != nil || len(admins) != 1 || admins[0].Email != "eerste@sluis.example" {
		t.Errorf("%+v, %v", admins, err)
	}
}
