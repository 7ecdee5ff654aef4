package signon_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/oidc/oidctest"
	"sluis/internal/server/servertest"
)

// TestInvited is a provider whose people need an invitation first.
func TestInvited(t *testing.T) {
	s := newSite(t, func(p *account.Provider) { p.MakesAccounts = false })
	s.idp.SignIn(oidctest.Claims{"email": "heel@anders.example.nl"})
	a := s.signIn(s.Browser())
	if a.Status != http.StatusForbidden || !strings.Contains(a.Body, "Vraag een beheerder om een uitnodiging") {
		t.Errorf("without an invitation: %d", a.Status)
	}
	token := s.Invited("genodigde@ziekenhuis.example.nl")
	b := s.Browser()
	path := "/uitnodiging/" + token + "/via/" + s.provider.PublicID
	servertest.Contains(t, "the invitation", b.Get("/uitnodiging/"+token).Body, path, "Inloggen via Proef 2809")
	// Another hospital's provider cannot be used with it.
	other := s.Provider(oidctest.Start(t), "2810")
	if a := b.Get("/uitnodiging/" + token + "/via/" + other.PublicID); a.Status != http.StatusNotFound {
		t.Errorf("at another hospital's provider: %d", a.Status)
	}
	// Somebody whom the mapping gives no role does not use up the link.
	s.idp.SignIn(oidctest.Claims{"roles": "niets"})
	if a := b.Get(s.leave(b, path)); a.Status != http.StatusForbidden {
		t.Errorf("without a role: %d", a.Status)
	}
	s.idp.SignIn(oidctest.Claims{"roles": "uploader"})
	back := s.leave(b, path)
	if a := b.Get(back); a.Status != http.StatusSeeOther || !in(b) {
		t.Fatalf("with the invitation: %d\n%s", a.Status, a.Body)
	}
	u := s.user("genodigde@ziekenhuis.example.nl")
	if u.ProviderID != s.provider.ID || u.PasswordHash != "" || u.State() != account.Active {
		t.Errorf("%+v", u)
	}
	if got := s.events(audit.AccountChanged); got[0] != "provider_linked" {
		t.Errorf("events %q", got)
	}
	// The link is used up, also for somebody else at the provider.
	if a := b.Get(path); a.Status != http.StatusNotFound {
		t.Errorf("the link again: %d", a.Status)
	}
	if a := s.signIn(s.Browser()); a.Status != http.StatusSeeOther {
		t.Errorf("the next time, without a link: %d", a.Status)
	}
	s.idp.SignIn(oidctest.Claims{"sub": "iemand anders"})
	if a := s.signIn(s.Browser()); a.Status != http.StatusForbidden {
		t.Errorf("somebody else: %d", a.Status)
	}
	s.unlink(u)
}

// unlink takes an account back from the provider, after what cannot be done to it before.
func (s *site) unlink(u account.User) {
	s.t.Helper()
	admin := s.SignedIn("admin")
	path := "/gebruikers/" + u.PublicID
	for form, fields := range map[string]url.Values{
		"/rollen": {"rol": {"clinician"}, "centrum": {"2809"}, "reden-rollen": {"andere afdeling"}}, "/link": {"reden-link": {"nieuwe link"}},
	} {
		a := admin.Post(path+form, fields)
		servertest.Contains(s.t, form, admin.Follow(a).Body, "Ontkoppel het eerst")
	}
	if a := admin.Post(path+"/ontkoppelen", url.Values{"reden-ontkoppelen": {"x"}}); a.Status != http.StatusUnprocessableEntity {
		s.t.Errorf("without a reason: %d", a.Status)
	}
	a := admin.Post(path+"/ontkoppelen", url.Values{"reden-ontkoppelen": {"gaat naar een andere afdeling"}})
	servertest.Contains(s.t, "unlinked", admin.Follow(a).Body, "Het account is ontkoppeld")
	if now := s.user(u.Email); now.ProviderID != 0 || now.State() != account.Invited {
		s.t.Errorf("%+v", now)
	}
	s.idp.SignIn(oidctest.Claims{"sub": "1234"})
	if a := s.signIn(s.Browser()); a.Status != http.StatusForbidden {
		s.t.Errorf("after the unlinking: %d", a.Status)
	}
}

// TestSignOut signs out here, and the provider signs out there.
func TestSignOut(t *testing.T) {
	s := newSite(t)
	b, c := s.Browser(), s.Browser()
	s.signIn(b)
	a := b.Post("/uitloggen", nil)
	if a.Status != http.StatusOK || in(b) {
		t.Errorf("%d, still signed in: %v", a.Status, in(b))
	}
	to := s.idp.URL + "/signed-out?client_id=sluis&post_logout_redirect_uri="
	if got := a.Header.Get("Refresh"); !strings.HasPrefix(got, "0; url="+to) {
		t.Errorf("Refresh: %q", got)
	}
	servertest.Contains(t, "the page", a.Body, "U bent uitgelogd", "Uitloggen bij Proef 2809")
	if strings.Contains(a.Body, "/uitloggen") {
		t.Error("the page has a menu")
	}
	// Whoever signed in with a password is not sent to a provider.
	if a := s.SignedIn("uploader").Post("/uitloggen", nil); a.Status != http.StatusSeeOther || a.Header.Get("Refresh") != "" {
		t.Errorf("with a password: %d", a.Status)
	}
	s.signIn(b)
	s.idp.SignIn(oidctest.Claims{"sid": "sessie-2"})
	s.signIn(c)
	door := via(s.provider) + "/afmelden"
	post := func(token string) servertest.Answer {
		return s.Browser().Post(door, url.Values{"logout_token": {token}})
	}
	token := s.idp.LogoutToken(oidctest.Claims{"sid": "sessie-1"})
	if a := post(token); a.Status != http.StatusOK || a.Header.Get("Cache-Control") != "no-store" || in(b) || !in(c) {
		t.Errorf("one session: %d; it goes on: %v; the other: %v", a.Status, in(b), in(c))
	}
	if got := s.events(audit.SignOut); got[0] != "provider_logout" {
		t.Errorf("events %q", got)
	}
	if a := post(token); a.Status != http.StatusBadRequest || !strings.Contains(a.Body, "invalid_request") {
		t.Errorf("the same token again: %d", a.Status)
	}
	for what, change := range map[string]oidctest.Claims{
		"somebody else": {"sub": "iemand anders", "sid": nil}, "another session": {"sid": "sessie-9", "sub": nil},
		"another's session": {"sub": "iemand anders", "sid": "sessie-2"},
	} {
		if a := post(s.idp.LogoutToken(change)); a.Status != http.StatusOK || !in(c) {
			t.Errorf("%s: %d; signed in: %v", what, a.Status, in(c))
		}
	}
	for what, token := range map[string]string{
		"an ID token": s.idp.IDToken(), "nothing": "", "no event": s.idp.LogoutToken(oidctest.Claims{"events": nil}),
		"of another provider": oidctest.Start(t).LogoutToken(nil),
	} {
		if a := post(token); a.Status != http.StatusBadRequest || !in(c) || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d; signed in: %v", what, a.Status, in(c))
		}
	}
	two := url.Values{"logout_token": {s.idp.LogoutToken(nil), s.idp.LogoutToken(nil)}}
	if a := s.Browser().Post(door, two); a.Status != http.StatusBadRequest {
		t.Errorf("two tokens: %d", a.Status)
	}
	local := s.SignedIn("clinician")
	if a := post(s.idp.LogoutToken(oidctest.Claims{"sid": nil})); a.Status != http.StatusOK || in(c) || !in(local) {
		t.Errorf("every session of the person: %d; goes on: %v; somebody else's: %v", a.Status, in(c), in(local))
	}
	s.idp.Commit(oidctest.DocumentFails)
	s.idp.Stop()
	s.Clock.Advance(time.Minute)
	for _, secret := range s.idp.Secrets() {
		if strings.Contains(s.Log.String(), secret) {
			t.Error("the log has a token")
		}
	}
}

// TestSignOutWithoutAProvider signs out while the provider is gone.
func TestSignOutWithoutAProvider(t *testing.T) {
	s := newSite(t)
	b := s.Browser()
	s.signIn(b)
	s.idp.Stop()
	s.Clock.Advance(20 * time.Minute)
	b.Get("/account")
	s.Clock.Advance(20 * time.Minute)
	b.Get("/account")
	s.Clock.Advance(25 * time.Minute)
	if a := b.Post("/uitloggen", nil); a.Status != http.StatusSeeOther || a.Location() != "/inloggen" || in(b) {
		t.Errorf("%d %s; still signed in: %v", a.Status, a.Location(), in(b))
	}
}
