package access_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/server"
	"sluis/internal/server/servertest"
)

func TestSignInSaysTheSameWhateverIsWrong(t *testing.T) {
	s := servertest.New(t)
	unknown := s.Browser().SignIn("niemand@example.nl", servertest.Password)
	wrong := s.Browser().SignIn("uploader@example.nl", "een heel ander wachtwoord")
	if unknown.Status != http.StatusUnauthorized || wrong.Status != http.StatusUnauthorized {
		t.Fatalf("%d, %d", unknown.Status, wrong.Status)
	}
	if a, b := strings.ReplaceAll(unknown.Body, "niemand", "X"), strings.ReplaceAll(wrong.Body, "uploader", "X"); a != b {
		t.Errorf("an unknown account shows:\n%s\n%s", a, b)
	}
	if strings.Contains(s.Log.String(), "niemand") {
		t.Error("what was typed is in the log")
	}
	evs := s.Events()
	if evs[0].Type != audit.SignIn || evs[0].Result != audit.MinorFailure || evs[0].Name != "uploader@example.nl" || evs[0].ObjectID == "" {
		t.Errorf("wrong password: %+v", evs[0])
	}
	if evs[1].Type != audit.SignIn || evs[1].Result != audit.MinorFailure || evs[1].Name != "" || evs[1].ObjectID != "" {
		t.Errorf("unknown account: %+v", evs[1])
	}
}

func TestSessionCookie(t *testing.T) {
	for _, secure := range []bool{false, true} {
		s := servertest.New(t, func(o *server.Options) { o.Secure = secure })
		got := s.Browser().SignIn("uploader@example.nl", servertest.Password)
		cookie := got.Header.Get("Set-Cookie")
		want := map[bool]string{false: "sluis=", true: "__Host-sluis="}[secure]
		if !strings.HasPrefix(cookie, want) || !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Lax") ||
			!strings.Contains(cookie, "Path=/") || strings.Contains(cookie, "Domain") || strings.Contains(cookie, "Secure") != secure {
			t.Errorf("secure %v: %s", secure, cookie)
		}
		if hsts := got.Header.Get("Strict-Transport-Security"); (hsts != "") != secure {
			t.Errorf("secure %v: HSTS %q", secure, hsts)
		}
	}
}

func TestSigningInMakesANewSession(t *testing.T) {
	s := servertest.New(t)
	attacker := s.SignedIn("uploader")
	planted := servertest.Cookies(attacker)
	victim := s.Browser()
	victim.Client.Jar.SetCookies(servertest.Must(url.Parse(s.URL))(t), planted)
	if a := victim.SignIn("datamanager@example.nl", servertest.Password); a.Status != http.StatusSeeOther {
		t.Fatal(a.Status)
	}
	if now := servertest.Cookies(victim); len(now) != 1 || now[0].Value == planted[0].Value {
		t.Error("the planted session was taken over")
	}
	if a := attacker.Get("/patienten"); a.Status != http.StatusSeeOther {
		t.Errorf("who planted a session is signed in by it: %d", a.Status)
	}
}

func TestForgedAndUnsignedCookies(t *testing.T) {
	s := servertest.New(t)
	good := servertest.Cookies(s.SignedIn("uploader"))[0].Value
	for _, value := range []string{"", "x", good[:len(good)-2], good + "x", strings.ToUpper(good), strings.Repeat("a", 5000)} {
		if a := s.Browser().Get("/patienten", "Cookie", "sluis="+value); a.Status != http.StatusSeeOther {
			t.Errorf("%.20q: %d", value, a.Status)
		}
	}
}

func TestSignOutEndsEverySession(t *testing.T) {
	s := servertest.New(t)
	here, elsewhere, someoneElse := s.SignedIn("uploader"), s.SignedIn("uploader"), s.SignedIn("clinician")
	copied := servertest.Cookies(here)[0].String()
	out := here.Post("/uitloggen", nil)
	if out.Status != http.StatusSeeOther || !strings.Contains(out.Header.Get("Clear-Site-Data"), "storage") {
		t.Fatalf("%d %v", out.Status, out.Header)
	}
	if a := s.Browser().Get("/patienten", "Cookie", copied); a.Status != http.StatusSeeOther {
		t.Error("a copied cookie still works")
	}
	if a := elsewhere.Get("/patienten"); a.Status != http.StatusSeeOther {
		t.Error("the other session still works")
	}
	if a := someoneElse.Get("/patienten"); a.Status != http.StatusOK {
		t.Error("someone else was signed out")
	}
}

func TestSessionEnds(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("uploader")
	for range 10 {
		s.Clock.Advance(account.SessionIdle - time.Minute)
		if a := b.Get("/patienten"); a.Status != http.StatusOK {
			t.Fatalf("ends although in use: %d", a.Status)
		}
	}
	s.Clock.Advance(account.SessionIdle + time.Second)
	a := b.Get("/patienten")
	if a.Status != http.StatusSeeOther || !strings.Contains(a.Location(), "verlopen=1") ||
		!strings.Contains(a.Location(), "terug=%2Fpatienten") {
		t.Fatalf("idle: %d %s", a.Status, a.Location())
	}
	if page := b.Get(a.Location()); !strings.Contains(page.Body, "Uw sessie is verlopen") {
		t.Errorf("not told:\n%s", page.Body)
	}

	b = s.SignedIn("uploader")
	for range 36 {
		s.Clock.Advance(20 * time.Minute)
		a = b.Get("/patienten")
	}
	if a.Status != http.StatusSeeOther {
		t.Error("lives longer than twelve hours")
	}
}

func TestProgressDoesNotKeepASessionAlive(t *testing.T) {
	s := servertest.New(t)
	id := s.OwnObjects().Delivery
	b := s.SignedIn("uploader")
	for range 4 {
		s.Clock.Advance(account.SessionIdle / 3)
		b.Get("/aanleveringen/" + id + "/voortgang")
	}
	if a := b.Get("/"); a.Status != http.StatusSeeOther {
		t.Errorf("a page left open keeps the session: %d", a.Status)
	}
}

func TestReturnsToThePageAskedFor(t *testing.T) {
	s := servertest.New(t)
	b := s.Browser()
	asked := b.Get("/aanleveringen?groep=closed")
	form := b.Get(asked.Location())
	if !strings.Contains(form.Body, `name="next" value="/aanleveringen?groep=closed"`) {
		t.Fatalf("%s\n%s", asked.Location(), form.Body)
	}
	done := b.Post("/inloggen", url.Values{"email": {"UPLOADER@example.nl "}, "password": {servertest.Password},
		"next": {"/aanleveringen?groep=closed"}})
	if done.Location() != "/aanleveringen?groep=closed" {
		t.Errorf("leads to %q", done.Location())
	}
	if evil := s.Browser().Post("/inloggen",
		url.Values{"email": {"uploader@example.nl"}, "password": {servertest.Password},
			"next": {"//evil.example"}}); evil.Location() != "/" {
		t.Errorf("leads to %q", evil.Location())
	}
}

func TestOtherWebsitesAreRefused(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("uploader")
	host := strings.TrimPrefix(s.URL, "http://")
	for _, c := range []struct {
		header, value string
		allowed       bool
	}{
		{"Sec-Fetch-Site", "cross-site", false}, {"Sec-Fetch-Site", "same-site", false}, {"Origin", "https://evil.example", false},
		{"Origin", "null", false}, {"Sec-Fetch-Site", "same-origin", true}, {"Origin", "http://" + host, true},
	} {
		a := b.Post("/taal", url.Values{"taal": {"nl"}}, c.header, c.value)
		if (a.Status == http.StatusSeeOther) != c.allowed || !c.allowed && a.Status != http.StatusForbidden {
			t.Errorf("%s: %s: %d", c.header, c.value, a.Status)
		}
	}
	if a := s.Call("uploader", "POST", "/api/v1/deliveries?filename=x.csv", "text/csv", "x", "Sec-Fetch-Site",
		"cross-site"); a.Status != http.StatusForbidden || !strings.Contains(a.Body, `"code":"cross_origin"`) {
		t.Errorf("API: %d %s", a.Status, a.Body)
	}
}

func TestLanguage(t *testing.T) {
	s := servertest.New(t)
	b := s.Browser()
	if a := b.Post("/taal", url.Values{"taal": {"en"},
		"terug": {"/inloggen?terug=%2Fpatienten"}}); a.Location() != "/inloggen?terug=%2Fpatienten" {
		t.Errorf("leads to %q", a.Location())
	}
	if page := b.Get("/inloggen"); !strings.Contains(page.Body, `lang="en"`) {
		t.Error("not English")
	}
	if a := b.Post("/taal", url.Values{"taal": {"fr"}, "terug": {"https://evil.example"}}); a.Location() != "/" ||
		a.Header.Get("Set-Cookie") != "" {
		t.Errorf("%q %q", a.Location(), a.Header.Get("Set-Cookie"))
	}
}

// blocking shows every user as blocked while on is set.
type blocking struct {
	server.Accounts
	on atomic.Bool
}

func (b *blocking) UserByID(ctx context.Context, id int64) (account.User, error) {
	u, err := b.Accounts.UserByID(ctx, id)
	if b.on.Load() {
		u.DisabledAt = time.Now()
	}
	return u, err
}

// TestDisabledAccountsHaveNoSessions: a session does not come to life again with its
// account, also if the account was blocked behind Sluis's back.
func TestDisabledAccountsHaveNoSessions(t *testing.T) {
	accounts := &blocking{}
	s := servertest.New(t, func(o *server.Options) { accounts.Accounts, o.Accounts = o.Accounts, accounts })
	b := s.SignedIn("uploader")
	accounts.on.Store(true)
	if a := b.Get("/patienten"); a.Status != http.StatusSeeOther {
		t.Fatalf("a blocked user: %d", a.Status)
	}
	accounts.on.Store(false)
	if a := b.Get("/patienten"); a.Status != http.StatusSeeOther {
		t.Errorf("the session is there again: %d", a.Status)
	}
}
