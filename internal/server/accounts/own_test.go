package accounts_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/server/servertest"
)

// TestOwnPassword: the old password is asked for, and a new one ends every session.
func TestOwnPassword(t *testing.T) {
	s := servertest.New(t)
	b, elsewhere := s.SignedIn("clinician"), s.SignedIn("clinician")
	for _, tc := range []struct {
		old, fresh, says string
	}{
		{"verkeerd wachtwoord", newPassword, "niet uw huidige wachtwoord"},
		{servertest.Password, servertest.Password, "Kies een ander wachtwoord"},
		{servertest.Password, "kort", "ten minste 12 tekens"},
	} {
		a := b.Post("/account/wachtwoord", url.Values{"huidig": {tc.old}, "nieuw": {tc.fresh}})
		if a.Status != http.StatusUnprocessableEntity || !strings.Contains(a.Body, tc.says) || strings.Contains(a.Body, tc.old) {
			t.Errorf("%q: %d", tc.says, a.Status)
		}
	}
	event(t, s, audit.AccessDenied, "password_wrong")
	done := b.Post("/account/wachtwoord", url.Values{"huidig": {servertest.Password}, "nieuw": {newPassword}})
	if done.Status != http.StatusSeeOther || done.Location() != "/inloggen?klaar=1" {
		t.Fatalf("%d %s", done.Status, done.Location())
	}
	for _, old := range []*servertest.Browser{b, elsewhere} {
		if a := old.Get("/account"); a.Status != http.StatusSeeOther {
			t.Errorf("a session lives on: %d", a.Status)
		}
	}
	if ev := event(t, s, audit.AccountChanged, "password"); ev.Name != "clinician@example.nl" {
		t.Errorf("%+v", ev)
	}
	if a := s.Browser().SignIn("clinician@example.nl", newPassword); a.Status != http.StatusSeeOther {
		t.Errorf("the new password: %d", a.Status)
	}
}

// TestOwnPasswordIsNotGuessed: whoever took over a session cannot try passwords for ever.
func TestOwnPasswordIsNotGuessed(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("clinician")
	for range 12 {
		a := b.Post("/account/wachtwoord", url.Values{"huidig": {"verkeerd wachtwoord"}, "nieuw": {newPassword}})
		if a.Status == http.StatusTooManyRequests && a.Header.Get("Retry-After") != "" {
			return
		}
	}
	t.Error("twelve wrong passwords were all tried")
}

// TestOwnSessions lists the sessions and ends them one by one.
func TestOwnSessions(t *testing.T) {
	s := servertest.New(t)
	other := s.Browser()
	other.Do("POST", "/inloggen", "application/x-www-form-urlencoded",
		strings.NewReader(url.Values{"email": {"uploader@example.nl"}, "password": {servertest.Password}}.Encode()),
		"User-Agent", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0")
	b := s.SignedIn("uploader")
	page := b.Get("/account").Body
	servertest.Contains(t, "the page", page, "Firefox, Windows", "Onbekende browser", "Deze sessie", "127.0.0.1")
	if n := strings.Count(page, "/beeindigen"); n != 2 {
		t.Errorf("%d sessions can be ended", n)
	}
	user := servertest.Must(s.Store.UserByEmail(t.Context(), "uploader@example.nl"))(t)
	sessions := servertest.Must(s.Store.SessionsOf(t.Context(), user.ID))(t)
	for _, x := range sessions {
		if x.Browser != "Firefox, Windows" {
			continue
		}
		path := "/account/sessies/" + x.PublicID + "/beeindigen"
		if a := s.SignedIn("clinician").Post(path, nil); a.Status != http.StatusNotFound {
			t.Errorf("somebody else ends it: %d", a.Status)
		}
		if a := b.Post(path, nil); a.Location() != "/account" || !strings.Contains(b.Follow(a).Body, "De sessie is beëindigd") {
			t.Errorf("ending: %d", a.Status)
		}
		if ev := event(t, s, audit.SignOut, "session_ended"); ev.ObjectID != x.PublicID {
			t.Errorf("%+v", ev)
		}
		if a := b.Post(path, nil); a.Status != http.StatusNotFound {
			t.Errorf("ended twice: %d", a.Status)
		}
	}
	if a := other.Get("/"); a.Status != http.StatusSeeOther {
		t.Errorf("the ended session lives: %d", a.Status)
	}
	if a := b.Get("/"); a.Status != http.StatusOK {
		t.Errorf("the other session ended too: %d", a.Status)
	}
}

// TestFirstAdministrator: the first link makes one administrator, once, and only while
// there is no account.
func TestFirstAdministrator(t *testing.T) {
	s := servertest.New(t)
	token, hash := account.NewToken()
	if made, err := s.Store.MakeFirstLink(t.Context(), audit.Who{Name: "test"}, hash); made || err != nil {
		t.Fatalf("a first link next to accounts: %v, %v", made, err)
	}
	if a := s.Browser().Get("/uitnodiging/" + token); a.Status != http.StatusNotFound {
		t.Errorf("%d", a.Status)
	}
}
