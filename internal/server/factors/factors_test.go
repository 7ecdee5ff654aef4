package factors_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluis/internal/mail"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/server"
	"sluis/internal/server/servertest"
)

const uploader = "uploader@example.nl"

func give(b *servertest.Browser, code string) servertest.Answer {
	return b.Post("/inloggen/factor", url.Values{"bevestig-code": {code}})
}

func recover10(b *servertest.Browser, code string) servertest.Answer {
	return b.Post("/inloggen/factor", url.Values{"bevestig-herstelcode": {code}})
}

func within(t *testing.T, what string, a servertest.Answer, status int, location string) {
	t.Helper()
	if a.Status != status || a.Location() != location {
		t.Errorf("%s: %d %q, want %d %q\n%.1500s", what, a.Status, a.Location(), status, location, a.Body)
	}
}

// TestApp signs in with an app: at the first time it is set up, and no code works twice.
func TestApp(t *testing.T) {
	s := servertest.NewNamed(t)
	first := s.Browser()
	secret, codes := first.SetUpApp(uploader)
	if a := first.Get("/patienten"); a.Status != http.StatusOK {
		t.Fatalf("after setting up: %d", a.Status)
	}
	b := s.Browser()
	within(t, "password", b.SignIn(uploader, servertest.Password), 303, "/inloggen/factor")
	if a := give(b, s.Code(secret)); a.Status != 422 {
		t.Errorf("the code of setting up works again: %d", a.Status)
	}
	code := s.NextCode(secret)
	within(t, "a new code", give(b, code), 303, "/")
	replay := s.Browser()
	replay.SignIn(uploader, servertest.Password)
	if a := give(replay, code); a.Status != 422 || replay.Get("/").Status == 200 {
		t.Errorf("a code works twice: %d", a.Status)
	}
	within(t, "a recovery code", recover10(replay, strings.ToLower(codes[0])), 303, "/")
	again := s.Browser()
	again.SignIn(uploader, servertest.Password)
	if a := recover10(again, codes[0]); a.Status != 422 {
		t.Errorf("a recovery code works twice: %d", a.Status)
	}
	servertest.Contains(t, "the account", replay.Get("/account").Body, "U hebt nog 9 herstelcodes.")
}

// TestHalfSessionOpensNothing asks for every route with a right password only.
func TestHalfSessionOpensNothing(t *testing.T) {
	s := servertest.NewNamed(t)
	s.Browser().SetUpApp(uploader)
	asked := 0
	for _, route := range s.Server.Routes() {
		if route.Permission == server.Anyone || route.Permission == server.HalfSignedIn || route.Door == server.API || route.Door == server.FHIR {
			continue
		}
		b := s.Browser()
		b.SignIn(uploader, servertest.Password)
		path := strings.NewReplacer("{id}", "01920000-0000-7000-8000-000000000000", "{name}", "x", "{token}", "x").Replace(route.Pattern)
		asked++
		if a := b.Do(route.Method, path, "application/x-www-form-urlencoded", nil); a.Status != 303 || a.Location() != "/inloggen/factor" {
			t.Errorf("%s %s: %d %s", route.Method, route.Pattern, a.Status, a.Location())
		}
		// Nor may it add a factor of its own to an account that has one.
		for _, page := range []string{"/inloggen/instellen", "/inloggen/instellen/app"} {
			if a := b.Get(page); a.Location() != "/inloggen/factor" {
				t.Fatalf("%s: %d %s", page, a.Status, a.Location())
			}
		}
		if asked%20 == 0 {
			s.Clock.Advance(time.Hour)
		}
	}
	for _, ev := range s.Events() {
		if ev.Type == audit.SignIn && ev.Result == audit.Success && ev.Code != "totp" {
			t.Errorf("signed in: %+v", ev)
		}
	}
	if asked < 60 {
		t.Errorf("%d routes asked", asked)
	}
	t.Logf("%d routes asked with a half session", asked)
}

// TestSessionIsNewAfterTheFactor: whoever knew the half session does not know the whole one.
func TestSessionIsNewAfterTheFactor(t *testing.T) {
	s := servertest.NewNamed(t)
	secret, _ := s.Browser().SetUpApp(uploader)
	b := s.Browser()
	b.SignIn(uploader, servertest.Password)
	half := servertest.Cookies(b)[0].String()
	within(t, "code", give(b, s.NextCode(secret)), 303, "/")
	if a := s.Browser().Get("/patienten", "Cookie", half); a.Status != 303 {
		t.Errorf("the half session is whole: %d", a.Status)
	}
	c := s.Browser()
	c.SignIn(uploader, servertest.Password)
	s.Clock.Advance(account.HalfSessionLife + time.Second)
	if a := give(c, s.Code(secret)); a.Status != 303 || !strings.HasPrefix(a.Location(), "/inloggen?") {
		t.Errorf("a half session lives on: %d %s", a.Status, a.Location())
	}
}

// TestGuessingCodesIsSlow: after five wrong codes an account waits, whatever browser asks,
// and the owner's own browser does not.
func TestGuessingCodesIsSlow(t *testing.T) {
	s := servertest.NewNamed(t)
	owner := s.Browser()
	secret, codes := owner.SetUpApp(uploader)
	for i := range 5 {
		b := s.Browser()
		b.SignIn(uploader, servertest.Password)
		if a := give(b, "000000"); a.Status != 422 {
			t.Fatalf("wrong code %d: %d", i, a.Status)
		}
	}
	b := s.Browser()
	b.SignIn(uploader, servertest.Password)
	if a := recover10(b, codes[0]); a.Status != 429 || a.Header.Get("Retry-After") == "" {
		t.Errorf("the sixth try: %d", a.Status)
	}
	owner.SignIn(uploader, servertest.Password)
	within(t, "the owner", give(owner, s.NextCode(secret)), 303, "/")
	failed := map[string]int{}
	for _, ev := range s.Events() {
		if ev.Type == audit.FactorFailed {
			failed[ev.Code]++
		}
	}
	if failed["code_wrong"] != 5 || failed["too_many_codes"] != 1 {
		t.Errorf("events %v", failed)
	}
}

// TestOneOfTwoWins: one code and one recovery code, used by several at once, sign in one.
func TestOneOfTwoWins(t *testing.T) {
	s := servertest.NewNamed(t)
	secret, codes := s.Browser().SetUpApp(uploader)
	code := s.NextCode(secret)
	for what, use := range map[string]func(b *servertest.Browser) servertest.Answer{
		"code":     func(b *servertest.Browser) servertest.Answer { return give(b, code) },
		"recovery": func(b *servertest.Browser) servertest.Answer { return recover10(b, codes[3]) },
	} {
		var in atomic.Int32
		var all sync.WaitGroup
		browsers := make([]*servertest.Browser, 4)
		for i := range browsers {
			browsers[i] = s.Browser()
			browsers[i].SignIn(uploader, servertest.Password)
		}
		for _, b := range browsers {
			all.Go(func() {
				if a := use(b); a.Location() == "/" {
					in.Add(1)
				}
			})
		}
		all.Wait()
		if in.Load() != 1 {
			t.Errorf("%s: %d signed in", what, in.Load())
		}
	}
}

func passkeyIn(t *testing.T, b *servertest.Browser, d *servertest.Authenticator) servertest.Answer {
	t.Helper()
	return b.Post("/inloggen/passkey", url.Values{"antwoord": {d.Get(t, b.Options("/inloggen/passkey/opties"))}})
}

// TestPasskey signs in with a passkey only, and as second factor.
func TestPasskey(t *testing.T) {
	s := servertest.NewNamed(t)
	d, _ := s.Browser().SetUpPasskey("admin@example.nl")
	within(t, "passkey only", passkeyIn(t, s.Browser(), d), 303, "/")
	b := s.Browser()
	within(t, "password", b.SignIn("admin@example.nl", servertest.Password), 303, "/inloggen/factor")
	a := b.Post("/inloggen/factor", url.Values{"bevestig-passkey": {d.Get(t, b.Options("/inloggen/factor/opties"))}})
	within(t, "passkey after the password", a, 303, "/")
	servertest.Contains(t, "the account", b.Get("/account").Body, "laptop")
}

// TestPasskeyFaults: every fault of an answer is refused with the same words.
func TestPasskeyFaults(t *testing.T) {
	s := servertest.NewNamed(t)
	d, _ := s.Browser().SetUpPasskey("admin@example.nl")
	other, _ := s.Browser().SetUpPasskey("auditor@example.nl")
	faults := map[string]func(d *servertest.Authenticator){
		"another origin":         func(d *servertest.Authenticator) { d.Origin = "https://sluis.evil.example" },
		"another relying party":  func(d *servertest.Authenticator) { d.RP = "evil.example" },
		"another account":        func(d *servertest.Authenticator) { d.Handle = other.Handle },
		"an unknown passkey":     func(d *servertest.Authenticator) { d.ID = other.Handle },
		"the key of another":     func(d *servertest.Authenticator) { d.ID = other.ID },
		"nobody verified":        func(d *servertest.Authenticator) { d.Verifies = false },
		"a count that goes back": func(d *servertest.Authenticator) { d.Count = 0 },
	}
	within(t, "once", passkeyIn(t, s.Browser(), d), 303, "/")
	within(t, "twice", passkeyIn(t, s.Browser(), d), 303, "/")
	for what, spoil := range faults {
		bad := *d
		spoil(&bad)
		b := s.Browser()
		a := passkeyIn(t, b, &bad)
		if a.Status != 401 || !strings.Contains(a.Body, "Deze passkey is niet geaccepteerd") || b.Get("/").Status == 200 {
			t.Errorf("%s: %d", what, a.Status)
		}
	}
	d.Count += 10
	b := s.Browser()
	answer := url.Values{"antwoord": {d.Get(t, b.Options("/inloggen/passkey/opties"))}}
	if a := s.Browser().Post("/inloggen/passkey", answer); a.Status != 401 {
		t.Errorf("the challenge of another browser: %d", a.Status)
	}
	jar := servertest.Cookies(b)
	within(t, "an answer", b.Post("/inloggen/passkey", answer), 303, "/")
	thief := s.Browser()
	thief.Client.Jar.SetCookies(servertest.Must(url.Parse(s.URL))(t), jar)
	if a := thief.Post("/inloggen/passkey", answer); a.Status != 401 {
		t.Errorf("an answer counts twice: %d", a.Status)
	}
	late := s.Browser()
	answer = url.Values{"antwoord": {d.Get(t, late.Options("/inloggen/passkey/opties"))}}
	s.Clock.Advance(account.ChallengeLife + time.Second)
	if a := late.Post("/inloggen/passkey", answer); a.Status != 401 {
		t.Errorf("a challenge that has expired: %d", a.Status)
	}
	if a := s.Browser().Do("POST", "/inloggen/passkey/opties", "", nil); a.Status != 200 {
		t.Errorf("options: %d", a.Status)
	}
	copied := 0
	for _, ev := range s.Events() {
		if ev.Type == audit.FactorFailed && ev.Code == "passkey_copied" {
			copied++
		}
	}
	if copied != 1 {
		t.Errorf("%d events of a copied passkey", copied)
	}
}

// TestRolesThatNeedAPasskey checks that an app does not suffice for roles that see all centres.
func TestRolesThatNeedAPasskey(t *testing.T) {
	s := servertest.NewNamed(t, func(o *server.Options) { o.SecondFactor = account.FactorAny })
	secret, codes := s.Browser().SetUpApp("datamanager@example.nl")
	strict := s.Again(func(o *server.Options) { o.SecondFactor = account.FactorRequired })
	b := strict.Browser()
	within(t, "password", b.SignIn("datamanager@example.nl", servertest.Password), 303, "/inloggen/factor")
	within(t, "code", give(b, s.NextCode(secret)), 303, "/inloggen/instellen")
	if a := b.Get("/beoordelen"); a.Status != 303 {
		t.Errorf("let in without a passkey: %d", a.Status)
	}
	within(t, "an app will not do", b.Get("/inloggen/instellen/app"), 303, "/inloggen/instellen")
	d := strict.NewAuthenticator()
	a := b.Post("/inloggen/instellen/passkey", url.Values{"antwoord": {d.Create(t, b.Options("/inloggen/instellen/opties"))}})
	within(t, "the passkey", a, 303, "/")
	again := strict.Browser()
	again.SignIn("datamanager@example.nl", servertest.Password)
	if a := give(again, s.NextCode(secret)); a.Status != 422 {
		t.Errorf("the app still lets in: %d", a.Status)
	}
	within(t, "a recovery code", recover10(again, codes[0]), 303, "/")
}

// postbox keeps what would be mailed.
type postbox struct{ sent []mail.Message }

func (p *postbox) Put(_ context.Context, m mail.Message) error {
	p.sent = append(p.sent, m)
	return nil
}

// TestChangesAreMailed checks that the owner of an account hears of each change of its
// factors, also of one that somebody else makes.
func TestChangesAreMailed(t *testing.T) {
	var post postbox
	s := servertest.NewNamed(t, func(o *server.Options) { o.Mail = &post })
	heard := func(what, email string) {
		t.Helper()
		got := 0
		for _, m := range post.sent {
			if m.Kind == mail.FactorChanged && m.To == email {
				got++
			}
		}
		if got != 1 {
			t.Errorf("%s: %d messages to %s", what, got, email)
		}
		post.sent = nil
	}
	b := s.Browser()
	b.SetUpApp(uploader)
	heard("a first factor", uploader)
	b.Post("/account/herstelcodes", url.Values{})
	heard("new recovery codes", uploader)
	admin := s.Browser()
	admin.SetUpPasskey("admin@example.nl")
	heard("a passkey", "admin@example.nl")
	user := servertest.Must(s.Store.UserByEmail(t.Context(), uploader))(t)
	path := "/gebruikers/" + user.PublicID + "/factoren"
	admin.Post(path, url.Values{})
	if len(post.sent) != 0 {
		t.Errorf("a reset without a reason is mailed: %v", post.sent)
	}
	admin.Post(path, url.Values{"reden-factoren": {"telefoon kwijt"}})
	heard("a reset", uploader)
}

// TestEveryExportAndRoleAsks checks that exports of the access log, and the settings by
// which a provider assigns roles, want a proof of the last minutes.
func TestEveryExportAndRoleAsks(t *testing.T) {
	s := servertest.NewNamed(t)
	for email, routes := range map[string][]string{
		"auditor@example.nl": {"GET /logboek.csv", "POST /logboek/inzage", "POST /logboek/inzage.csv"},
		"admin@example.nl":   {"POST /inlogdiensten/nieuw", "POST /inlogdiensten/01920000-0000-7000-8000-000000000001", "POST /tokens/nieuw"},
	} {
		b := s.Browser()
		b.SetUpPasskey(email)
		s.Clock.Advance(account.FreshFor + time.Second)
		for _, route := range routes {
			method, path, _ := strings.Cut(route, " ")
			if method == "GET" {
				within(t, route, b.Get(path), 303, "/bevestigen?terug="+url.QueryEscape(path))
			} else if a := b.Post(path, url.Values{}); a.Status != 403 || !strings.Contains(a.Body, "Laat nog eens zien dat u het bent") {
				t.Errorf("%s: %d", route, a.Status)
			}
		}
	}
}

// TestConfirmation: what cannot be undone asks once more, keeps the form, and goes on.
func TestConfirmation(t *testing.T) {
	s := servertest.NewNamed(t)
	b := s.Browser()
	d, _ := b.SetUpPasskey("admin@example.nl")
	user := servertest.Must(s.Store.UserByEmail(t.Context(), uploader))(t)
	form := url.Values{"rol": {"clinician", "uploader"}, "centrum": {"2809"}, "reden-rollen": {"werkt nu ook op de poli"}}
	path := "/gebruikers/" + user.PublicID + "/rollen"
	s.Clock.Advance(account.FreshFor + time.Second)
	a := b.Post(path, form)
	if a.Status != 403 {
		t.Fatalf("without a confirmation: %d %s", a.Status, a.Location())
	}
	servertest.Contains(t, "the page", a.Body, "Laat nog eens zien dat u het bent", "werkt nu ook op de poli", `value="clinician"`, `value="uploader"`)
	form.Set("bevestig-passkey", "{}")
	if a := b.Post(path, form); a.Status != 422 || !strings.Contains(a.Body, "werkt nu ook op de poli") {
		t.Errorf("a wrong confirmation: %d", a.Status)
	}
	form.Set("bevestig-passkey", d.Get(t, b.Options("/bevestigen/opties")))
	within(t, "confirmed", b.Post(path, form), 303, "/gebruikers/"+user.PublicID)
	if got := servertest.Must(s.Store.UserByEmail(t.Context(), uploader))(t); len(got.Roles) != 2 {
		t.Errorf("roles %v", got.Roles)
	}
	s.Clock.Advance(account.FreshFor + time.Second)
	within(t, "a download", b.Get("/gebruikers/controle.csv"), 303, "/bevestigen?terug=%2Fgebruikers%2Fcontrole.csv")
	a = b.Post("/bevestigen", url.Values{
		"terug": {"/gebruikers/controle.csv"}, "bevestig-passkey": {d.Get(t, b.Options("/bevestigen/opties"))},
	})
	if a.Status != 200 || !strings.Contains(a.Body, `href="/gebruikers/controle.csv"`) || b.Get("/gebruikers/controle.csv").Status != 200 {
		t.Errorf("a download after the confirmation: %d", a.Status)
	}
	// The answer to another purpose is none.
	form.Set("bevestig-passkey", d.Get(t, b.Options("/inloggen/passkey/opties")))
	s.Clock.Advance(account.FreshFor + time.Second)
	if a := b.Post(path, form); a.Status != 422 {
		t.Errorf("an answer for signing in confirms: %d", a.Status)
	}
}

// TestReset: an administrator resets the factors of others and never their own.
func TestReset(t *testing.T) {
	s := servertest.NewNamed(t)
	lost := s.Browser()
	lost.SetUpApp(uploader)
	admin := s.Browser()
	admin.SetUpPasskey("admin@example.nl")
	reset := func(email string) servertest.Answer {
		u := servertest.Must(s.Store.UserByEmail(t.Context(), email))(t)
		return admin.Post("/gebruikers/"+u.PublicID+"/factoren", url.Values{"reden-factoren": {"telefoon kwijt, teruggebeld"}})
	}
	if a := reset("admin@example.nl"); a.Status != 403 {
		t.Errorf("their own: %d", a.Status)
	}
	if a := reset(uploader); a.Status != 303 {
		t.Fatalf("%d\n%s", a.Status, a.Body)
	}
	if a := lost.Get("/"); a.Status != 303 {
		t.Errorf("the session lives on: %d", a.Status)
	}
	lost.SetUpApp(uploader)
}

// TestOwnFactors: the last factor stays, others may go.
func TestOwnFactors(t *testing.T) {
	s := servertest.NewNamed(t)
	b := s.Browser()
	b.SetUpApp(uploader)
	a := b.Follow(b.Post("/account/app/verwijderen", nil))
	servertest.Contains(t, "the account", a.Body, "Dit is de laatste tweede factor")
	d := s.NewAuthenticator()
	within(t, "a passkey", b.Post("/account/passkeys", url.Values{
		"naam": {"sleutel"}, "antwoord": {d.Create(t, b.Options("/account/passkeys/opties"))}}), 303, "/account")
	_, rest, _ := strings.Cut(b.Get("/account").Body, `action="/account/passkeys/`)
	id, _, _ := strings.Cut(rest, "/")
	within(t, "rename", b.Post("/account/passkeys/"+id+"/naam", url.Values{"naam": {"blauwe sleutel"}}), 303, "/account")
	within(t, "the app may go now", b.Post("/account/app/verwijderen", nil), 303, "/account")
	servertest.Contains(t, "the account", b.Get("/account").Body, "blauwe sleutel")
	other := s.Browser()
	other.SetUpApp("clinician@example.nl")
	if a := other.Post("/account/passkeys/"+id+"/verwijderen", nil); a.Status != 404 {
		t.Errorf("somebody else's passkey: %d", a.Status)
	}
	a = b.Post("/account/herstelcodes", nil)
	if a.Status != 200 || strings.Count(a.Body, "<li><code>") != 10 {
		t.Errorf("new recovery codes: %d", a.Status)
	}
}

// TestWrongHost: passkeys are refused at another host than the one that is set.
func TestWrongHost(t *testing.T) {
	s := servertest.NewNamed(t)
	r := servertest.Must(http.NewRequest("POST", s.URL+"/inloggen/passkey/opties", nil))(t)
	r.Host = "evil.example"
	a := servertest.Must(http.DefaultClient.Do(r))(t)
	_ = a.Body.Close()
	if a.StatusCode != http.StatusForbidden {
		t.Errorf("%d", a.StatusCode)
	}
}
