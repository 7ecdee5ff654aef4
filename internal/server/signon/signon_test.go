package signon_test

import (
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/oidc/oidctest"
	"sluis/internal/server"
	"sluis/internal/server/servertest"
)

// site is a Sluis with one provider of 2809.
type site struct {
	*servertest.Site
	t        *testing.T
	idp      *oidctest.Provider
	provider account.Provider
}

func newSite(t *testing.T, change ...func(*account.Provider)) *site {
	t.Helper()
	s := &site{Site: servertest.New(t), t: t, idp: oidctest.Start(t)}
	s.idp.SetNow(s.Clock.Now)
	s.provider = s.Provider(s.idp, "2809", change...)
	s.idp.SignIn(oidctest.Claims{"email": "noor@ziekenhuis2809.example.nl", "roles": []string{"clinician", "uploader"}})
	return s
}

func via(p account.Provider) string { return "/inloggen/via/" + p.PublicID }

// noFollow is a browser at the provider.
var noFollow = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// leave goes from a page of Sluis to the provider, and returns where that sends the
// browser.
func (s *site) leave(b *servertest.Browser, path string) string {
	s.t.Helper()
	a := b.Get(path)
	if a.Status != http.StatusSeeOther {
		s.t.Fatalf("%s: %d\n%s", path, a.Status, a.Body)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, a.Location(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := noFollow.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = res.Body.Close()
	back, found := strings.CutPrefix(res.Header.Get("Location"), s.URL)
	if !found {
		s.t.Fatalf("the provider answers %d %q", res.StatusCode, res.Header.Get("Location"))
	}
	return back
}

// signIn signs in at the provider and returns the answer of Sluis.
func (s *site) signIn(b *servertest.Browser) servertest.Answer {
	s.t.Helper()
	return b.Get(s.leave(b, via(s.provider)))
}

// events returns the codes of the events of a type, the newest first.
func (s *site) events(kind audit.Type) []string {
	s.t.Helper()
	page, err := s.Store.Events(s.t.Context(), audit.Who{Name: "test"}, audit.Query{Type: kind, Limit: 100})
	if err != nil {
		s.t.Fatal(err)
	}
	var codes []string
	for _, ev := range page.Events {
		codes = append(codes, ev.Code)
	}
	return codes
}

// lastCode returns the code of the last failure in the log of the service.
func (s *site) lastCode() string {
	log := s.Log.String()
	at := strings.LastIndex(log, `"msg":"request failed"`)
	if at < 0 {
		return ""
	}
	_, rest, _ := strings.Cut(log[at:], `"code":"`)
	code, _, _ := strings.Cut(rest, `"`)
	return code
}

func (s *site) user(email string) account.User {
	s.t.Helper()
	u, err := s.Store.UserByEmail(s.t.Context(), email)
	if err != nil {
		s.t.Fatalf("%s: %v", email, err)
	}
	return u
}

const noor = "noor@ziekenhuis2809.example.nl"

// in reports whether a browser is signed in.
func in(b *servertest.Browser) bool { return b.Get("/account").Status == http.StatusOK }

func TestSignIn(t *testing.T) {
	s := newSite(t)
	b := s.Browser()
	page := b.Get("/inloggen?terug=%2Fpatienten")
	servertest.Contains(t, "the sign-in page", page.Body, "Inloggen via Proef 2809", via(s.provider)+"?terug=%2Fpatienten")
	a := b.Get(s.leave(b, via(s.provider)+"?terug=%2Fpatienten"))
	if a.Status != http.StatusSeeOther || a.Location() != "/patienten" || b.Get("/patienten").Status != http.StatusOK {
		t.Fatalf("%d %s\n%s", a.Status, a.Location(), a.Body)
	}
	u := s.user(noor)
	if u.Centre == nil || u.Centre.Number != "2809" || !slices.Equal(u.Roles, []account.Role{account.Clinician, account.Uploader}) ||
		u.Name != "Noor de Proef" || u.State() != account.Active {
		t.Errorf("the account is %+v", u)
	}
	if got := s.events(audit.SignIn); got[0] != "provider" {
		t.Errorf("events %q", got)
	}
	if got := s.events(audit.AccountChanged); got[0] != "provider_made" {
		t.Errorf("events %q", got)
	}
	servertest.Contains(t, "the own account", b.Get("/account").Body, "U logt in via Proef 2809")
	// No token, code or claim is in the log, and no token in the database.
	database, err := os.ReadFile(s.Database)
	if err != nil {
		t.Fatal(err)
	}
	wal, _ := os.ReadFile(s.Database + "-wal")
	for _, secret := range append(s.idp.Secrets(), oidctest.ClientSecret, "sessie-1") {
		if strings.Contains(s.Log.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
		if strings.Contains(string(database)+string(wal), secret) {
			t.Errorf("the database has %q", secret)
		}
	}
	if strings.Contains(s.Log.String(), "Noor") || strings.Contains(s.Log.String(), noor) {
		t.Error("the log has a claim")
	}
	// It is one account, however often and in whichever browser.
	s.idp.SignIn(oidctest.Claims{"email": "anders@ziekenhuis2809.example.nl", "name": "Anders"})
	if a := s.signIn(s.Browser()); a.Status != http.StatusSeeOther || s.user(noor).ID != u.ID {
		t.Errorf("again: %d", a.Status)
	}
	if _, err := s.Store.UserByEmail(t.Context(), "anders@ziekenhuis2809.example.nl"); apperr.KindOf(err) != apperr.NotFound {
		t.Error("another address made another account of the same person")
	}
}

// TestReturnsHome tries to be led elsewhere after a sign-in.
func TestReturnsHome(t *testing.T) {
	s := newSite(t)
	for _, next := range []string{"https://elders.example.nl", "//elders.example.nl", "/\\elders", "/inloggen", "javascript:alert(1)"} {
		b := s.Browser()
		a := b.Get(s.leave(b, via(s.provider)+"?terug="+url.QueryEscape(next)))
		if a.Location() != "/" {
			t.Errorf("%s leads to %s", next, a.Location())
		}
	}
}

// TestAnswersAreUsedOnce replays answers, in the same browser and in another one, at
// another provider, and after too long.
func TestAnswersAreUsedOnce(t *testing.T) {
	s := newSite(t)
	other := oidctest.Start(t)
	second := s.Provider(other, "2810")
	refused := func(what string, a servertest.Answer, b *servertest.Browser, code string) {
		t.Helper()
		if a.Status != http.StatusBadRequest || in(b) {
			t.Errorf("%s: %d, signed in: %v", what, a.Status, in(b))
		}
		servertest.Contains(t, what, a.Body, "Begin opnieuw", "deze referentie")
		if got := s.lastCode(); got != code {
			t.Errorf("%s: %q, want %q", what, got, code)
		}
	}
	b := s.Browser()
	back := s.leave(b, via(s.provider))
	// Login CSRF: an attacker has somebody else's browser follow the attacker's answer.
	victim := s.Browser()
	refused("in another browser", victim.Get(back), victim, "sign_on_browser")
	victim.Get(via(s.provider)) // has a flow of its own
	refused("in a browser with a flow of its own", victim.Get(back), victim, "sign_on_browser")
	if a := b.Get(back); a.Status != http.StatusSeeOther {
		t.Fatalf("in its own browser, after that: %d", a.Status)
	}
	stranger := s.Browser()
	refused("the same answer again", stranger.Get(back), stranger, "sign_on_state")
	late := s.Browser()
	back = s.leave(late, via(s.provider))
	s.Clock.Advance(11 * time.Minute)
	refused("too late", late.Get(back), late, "sign_on_state")
	mixed := s.Browser()
	back = s.leave(mixed, via(s.provider))
	refused("at another provider", mixed.Get(strings.Replace(back, s.provider.PublicID, second.PublicID, 1)), mixed, "sign_on_mixed")
	refused("and back", mixed.Get(back), mixed, "sign_on_state")
	made := s.Browser()
	made.Get(via(s.provider))
	refused("a state that never was", made.Get(via(s.provider)+"/terug?state=verzonnen&code=x"), made, "sign_on_state")
	for _, query := range []string{"", "?state=x", "?code=x", "?state=x&code=y&error=z", "?state=x&state=y&code=z", "?state=x&code=%zz"} {
		if a := made.Get(via(s.provider) + "/terug" + query); a.Status != http.StatusBadRequest {
			t.Errorf("%s: %d", query, a.Status)
		}
	}
	// A second process takes part.
	again := s.Again(func(o *server.Options) { o.BaseURL, _ = url.Parse(s.URL) })
	b = s.Browser()
	back = s.leave(b, via(s.provider))
	if a := b.At(again).Get(back); a.Status != http.StatusSeeOther {
		t.Errorf("at another process: %d\n%s", a.Status, a.Body)
	}
}

// TestTabs signs in twice in one browser at once.
func TestTabs(t *testing.T) {
	s := newSite(t)
	b := s.Browser()
	one, two := s.leave(b, via(s.provider)), s.leave(b, via(s.provider))
	if a := b.Get(one); a.Status != http.StatusSeeOther {
		t.Errorf("the first tab: %d", a.Status)
	}
	if a := b.Get(two); a.Status != http.StatusSeeOther {
		t.Errorf("the second tab: %d", a.Status)
	}
}

// TestProviderFaults has the provider commit faults, and looks at what the person sees and
// what is written down.
func TestProviderFaults(t *testing.T) {
	s := newSite(t)
	for fault, want := range map[oidctest.Fault]struct {
		status     int
		code, says string
	}{
		oidctest.AnswersWithError:    {403, "sign_on_denied", "laat u niet door"},
		oidctest.AnswersOddError:     {503, "sign_on_failed", "antwoordt nu niet"},
		oidctest.NoResponseIssuer:    {400, "sign_on_issuer", "Begin opnieuw"},
		oidctest.OtherResponseIssuer: {400, "sign_on_issuer", "Begin opnieuw"},
		oidctest.TwoCodes:            {400, "sign_on_odd", "Begin opnieuw"},
		oidctest.TokenFails:          {503, "sign_on_provider_failed", "antwoordt nu niet"},
		oidctest.SlowToken:           {503, "sign_on_slow", "antwoordt nu niet"},
		oidctest.WrongAudience:       {403, "sign_on_token_audience", "niet vertrouwd"},
		oidctest.WrongNonce:          {403, "sign_on_token_nonce", "niet vertrouwd"},
		oidctest.Unsigned:            {403, "sign_on_token_algorithm", "niet vertrouwd"},
		oidctest.SignedByPublic:      {403, "sign_on_token_algorithm", "niet vertrouwd"},
		oidctest.UnknownKey:          {403, "sign_on_token_signature", "niet vertrouwd"},
	} {
		s.idp.Commit(fault)
		b := s.Browser()
		a := s.signIn(b)
		if a.Status != want.status || in(b) {
			t.Errorf("%s: %d, want %d; signed in: %v", fault, a.Status, want.status, in(b))
		}
		servertest.Contains(t, string(fault), a.Body, want.says, a.Header.Get("X-Request-Id"))
		if got := s.lastCode(); got != want.code || !slices.Contains(s.events(audit.SignIn), want.code) {
			t.Errorf("%s: code %q, want %q", fault, got, want.code)
		}
		for _, secret := range append(s.idp.Secrets(), "Kwistenbiebel", "<script>alert") {
			if strings.Contains(a.Body, secret) || strings.Contains(s.Log.String(), secret) {
				t.Errorf("%s: %q is in the page or the log", fault, secret)
			}
		}
	}
	s.idp.Commit()
	if a := s.signIn(s.Browser()); a.Status != http.StatusSeeOther {
		t.Errorf("afterwards: %d\n%s", a.Status, a.Body)
	}
	s.idp.Stop()
	s.Clock.Advance(2 * time.Hour)
	a := s.Browser().Get(via(s.provider))
	if a.Status != http.StatusServiceUnavailable || !strings.Contains(a.Body, `name="password"`) {
		t.Errorf("unreachable: %d", a.Status)
	}
	if b := s.SignedIn("uploader"); !in(b) {
		t.Error("nobody signs in with a password meanwhile")
	}
}

// TestRoles changes what the provider says of somebody.
func TestRoles(t *testing.T) {
	s := newSite(t)
	b := s.Browser()
	s.signIn(b)
	s.idp.SignIn(oidctest.Claims{"roles": "clinician"})
	c := s.Browser()
	if a := s.signIn(c); a.Status != http.StatusSeeOther || !in(c) || in(b) {
		t.Errorf("fewer roles: %d; the session with the old ones goes on: %v", a.Status, in(b))
	}
	if u := s.user(noor); !slices.Equal(u.Roles, []account.Role{account.Clinician}) {
		t.Errorf("roles %v", u.Roles)
	}
	if got := s.events(audit.AccountChanged); got[0] != "provider_roles" {
		t.Errorf("events %q", got)
	}
	s.idp.SignIn(oidctest.Claims{"roles": []string{"iets anders"}})
	d := s.Browser()
	a := s.signIn(d)
	if a.Status != http.StatusForbidden || in(d) || in(c) || len(s.user(noor).Roles) != 0 {
		t.Errorf("no role: %d; old session: %v; roles %v", a.Status, in(c), s.user(noor).Roles)
	}
	servertest.Contains(t, "no role", a.Body, "geen rol")
	if ev := s.events(audit.SignIn); ev[0] != "sign_on_no_role" {
		t.Errorf("events %q", ev)
	}
	servertest.Contains(t, "the page of the account", s.SignedIn("admin").Get("/gebruikers/"+s.user(noor).PublicID).Body, "Proef 2809",
		"rollen gewijzigd door inlogdienst")
	// A hospital's provider assigns no role of the registry, and none together with auditor.
	s.idp.SignIn(oidctest.Claims{"roles": []string{"admin", "datamanager", "auditor", "processor"}})
	if a := s.signIn(s.Browser()); a.Status != http.StatusForbidden || len(s.user(noor).Roles) != 0 {
		t.Errorf("a hospital's provider gives %v", s.user(noor).Roles)
	}
	s.idp.SignIn(oidctest.Claims{"roles": []string{"clinician"}})
	if a := s.signIn(d); a.Status != http.StatusSeeOther || !in(d) {
		t.Errorf("with a role again: %d", a.Status)
	}
}

// TestTheRegistrysOwn is the provider of the registry: roles of all centres.
func TestTheRegistrysOwn(t *testing.T) {
	s := servertest.New(t)
	x := &site{Site: s, t: t, idp: oidctest.Start(t)}
	x.provider = s.Provider(x.idp, "", func(p *account.Provider) { p.Domains = []string{"registratie.example.nl"} })
	x.idp.SignIn(oidctest.Claims{"sub": "a", "email": "a@registratie.example.nl", "roles": []string{"auditor", "admin"}})
	if a := x.signIn(s.Browser()); a.Status != http.StatusForbidden || !strings.Contains(a.Body, "Toezicht") {
		t.Errorf("auditor and admin: %d", a.Status)
	}
	x.idp.SignIn(oidctest.Claims{"roles": []string{"admin", "clinician"}})
	b := s.Browser()
	if a := x.signIn(b); a.Status != http.StatusSeeOther || b.Get("/gebruikers").Status != http.StatusOK {
		t.Errorf("an administrator: %d\n%s", a.Status, a.Body)
	}
	u := x.user("a@registratie.example.nl")
	if !slices.Equal(u.Roles, []account.Role{account.Admin}) || u.Centre != nil {
		t.Errorf("%+v", u)
	}
	// They become the last administrator, and the provider takes the role away.
	err := s.Store.ChangeUser(t.Context(), audit.Who{Name: "test"}, "admin@example.nl", "disabled", func(u *account.User) error {
		u.DisabledAt = time.Now()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	x.idp.SignIn(oidctest.Claims{"roles": []string{"datamanager"}})
	a := x.signIn(s.Browser())
	if a.Status != http.StatusForbidden || in(b) || !x.user("a@registratie.example.nl").ActiveAdmin() {
		t.Errorf("the last administrator: %d; session %v", a.Status, in(b))
	}
}

// TestWhoMayNot is everybody whom the provider vouches for and who does not come in.
func TestWhoMayNot(t *testing.T) {
	s := newSite(t)
	says := func(what, word string) {
		t.Helper()
		b := s.Browser()
		if a := s.signIn(b); a.Status != http.StatusForbidden || in(b) || !strings.Contains(a.Body, word) {
			t.Errorf("%s: %d, without %q\n%s", what, a.Status, word, a.Body)
		}
	}
	s.idp.SignIn(oidctest.Claims{"sub": "b", "email": "uploader@example.nl"})
	says("an address of another domain", "geen e-mailadres")
	s.idp.SignIn(oidctest.Claims{"sub": "b", "email": noor, "email_verified": false})
	says("an address that is not verified", "geen e-mailadres")
	s.Provider(oidctest.Start(t), "2810", func(p *account.Provider) { p.Domains = nil })
	if _, err := s.Store.AddUser(t.Context(), audit.Who{Name: "test"},
		account.User{Email: noor, PasswordHash: "x", Roles: []account.Role{account.DataManager}}); err != nil {
		t.Fatal(err)
	}
	// The address is that of a data manager: whoever controls the provider does not become
	// one.
	s.idp.SignIn(oidctest.Claims{"sub": "b", "email_verified": true})
	says("the address of an account", "Er is al een account")
	if u := s.user(noor); u.ProviderID != 0 || u.Roles[0] != account.DataManager {
		t.Errorf("the account was taken over: %+v", u)
	}
	s.idp.SignIn(oidctest.Claims{"sub": "c", "email": "c@ziekenhuis2809.example.nl"})
	b := s.Browser()
	s.signIn(b)
	err := s.Store.ChangeUser(t.Context(), audit.Who{Name: "test"}, "c@ziekenhuis2809.example.nl", "disabled", func(u *account.User) error {
		u.DisabledAt = time.Now()
		return nil
	})
	if err != nil || in(b) {
		t.Fatal(err)
	}
	says("a blocked account", "geblokkeerd")
	if s.user("c@ziekenhuis2809.example.nl").State() != account.Blocked {
		t.Error("a sign-in at the provider unblocked an account")
	}
	// A password opens no account that signs in at a provider.
	s.idp.SignIn(oidctest.Claims{"sub": "d", "email": "d@ziekenhuis2809.example.nl"})
	s.signIn(s.Browser())
	hash := s.user("uploader@example.nl").PasswordHash
	if err := s.Store.ChangeUser(t.Context(), audit.Who{Name: "test"}, "d@ziekenhuis2809.example.nl", "password",
		func(u *account.User) error { u.PasswordHash = hash; return nil }); err != nil {
		t.Fatal(err)
	}
	if a := s.Browser().SignIn("d@ziekenhuis2809.example.nl", servertest.Password); a.Status != http.StatusUnauthorized {
		t.Errorf("a password of an account of a provider: %d", a.Status)
	}
}
