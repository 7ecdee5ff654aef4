package signon_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/oidc/oidctest"
	"sluis/internal/server/servertest"
)

func form(idp *oidctest.Provider) url.Values {
	return url.Values{
		"naam": {"Ziekenhuis Oost"}, "centrum": {"2809"}, "uitgever": {idp.URL}, "client": {oidctest.ClientID}, "geheim": {"oost"},
		"accounts": {"direct"}, "domeinen": {"Oost.example.nl, west.example.nl"}, "claim-1": {"groups"}, "waarde-1": {"sluis-invoer"},
		"rol-1": {"clinician"}, "claim-3": {"groups"}, "waarde-3": {"sluis-lever"}, "rol-3": {"uploader"}, "amr": {"mfa"}, "aan": {"ja"},
		"reden": {"afgesproken met ICT"},
	}
}

// TestProviders adds a provider, checks it, signs in at it and changes it.
func TestProviders(t *testing.T) {
	s := servertest.New(t)
	idp := oidctest.Start(t)
	if err := os.WriteFile(filepath.Join(s.SecretsDir(), "oost"), []byte(oidctest.ClientSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	admin := s.SignedIn("admin")
	admin.Says("/inlogdiensten", "Er is nog geen inlogdienst")
	admin.Says("/inlogdiensten/nieuw", "Bestand met het geheim", "De registratie zelf", "2809 Ziekenhuis 2809")
	f := form(idp)
	a := admin.Post("/inlogdiensten/nieuw", f)
	path := a.Location()
	page := admin.Follow(a)
	servertest.Contains(t, "the provider", page.Body, "De inlogdienst is toegevoegd", path[len("/inlogdiensten/"):]+"/terug", "/afmelden",
		"oost.example.nl west.example.nl", "sluis-invoer", "sluis-lever", `value="mfa"`)
	if strings.Contains(page.Body, oidctest.ClientSecret) {
		t.Error("the page shows the secret")
	}
	admin.Says("/inlogdiensten", "Ziekenhuis Oost", "Invoerder, Aanleveraar")
	checked := admin.Post(path+"/controleren", nil)
	servertest.Contains(t, "the check", checked.Body, "De verbinding klopt", "RS256, PS256, ES256")
	x := &site{Site: s, t: t, idp: idp}
	x.provider.PublicID = path[len("/inlogdiensten/"):]
	idp.SignIn(oidctest.Claims{"email": "noor@oost.example.nl", "groups": []string{"sluis-lever"}})
	b := s.Browser()
	if a := x.signIn(b); a.Status != http.StatusSeeOther || !in(b) {
		t.Fatalf("%d\n%s", a.Status, a.Body)
	}
	// Without the mapping there is no access, for those who are in too.
	f.Set("waarde-3", "iets-anders")
	f.Set("naam", "Oost")
	f.Del("centrum")
	if a := admin.Post(path, f); a.Status != http.StatusSeeOther || in(b) {
		t.Errorf("a changed mapping: %d; signed in: %v", a.Status, in(b))
	}
	f.Del("aan")
	f.Set("client", "anders")
	admin.Post(path, f)
	if a := s.Browser().Get(via(x.provider)); a.Status != http.StatusNotFound {
		t.Errorf("switched off: %d", a.Status)
	}
	if strings.Contains(s.Browser().Get("/inloggen").Body, via(x.provider)) {
		t.Error("the sign-in page has the button of a provider that is switched off")
	}
	want := "provider_disabled provider_client provider_mapping provider_name provider_added"
	if got := strings.Join(x.events(audit.ProviderChanged), " "); got != want {
		t.Errorf("events %s, want %s", got, want)
	}
	servertest.Contains(t, "the check", admin.Post(path+"/controleren", nil).Body, "kent deze client-id niet")
	idp.Publish(oidctest.Claims{"issuer": "https://elders.example.nl/x"})
	servertest.Contains(t, "the check", admin.Post(path+"/controleren", nil).Body, "noemt zich anders", "https://elders.example.nl/x")
	idp.Stop()
	servertest.Contains(t, "the check", admin.Post(path+"/controleren", nil).Body, "niet bereikbaar")
}

// TestProviderForm posts forms with faults.
func TestProviderForm(t *testing.T) {
	s := servertest.New(t)
	idp := oidctest.Start(t)
	s.Provider(idp, "2810", func(p *account.Provider) { p.Domains = []string{"bezet.example.nl"} })
	admin := s.SignedIn("admin")
	for field, c := range map[string]struct{ value, says string }{
		"naam": {"", "Vul een naam in"}, "uitgever": {"http://sso.example.nl", "https://"}, "client": {"", "client-id"},
		"geheim": {"../sluis.db", "zonder map"}, "accounts": {"", "Kies wat er gebeurt"}, "domeinen": {"geen domein!", "Vul domeinen in"},
		"rol-1": {"admin", "die deze inlogdienst mag geven"}, "waarde-1": {"", "allebei"}, "reden": {"x", "reden"},
		"centrum": {"9999", "centrum"}, "amr": {"\x01", "losse woorden"},
	} {
		f := form(idp)
		f.Set(field, c.value)
		a := admin.Post("/inlogdiensten/nieuw", f)
		if a.Status != http.StatusUnprocessableEntity || !strings.Contains(a.Body, c.says) {
			t.Errorf("%s=%q: %d, without %q", field, c.value, a.Status, c.says)
		}
	}
	for what, c := range map[string]struct {
		change func(url.Values)
		says   string
	}{
		"a tenant of everybody": {func(f url.Values) { f.Set("uitgever", "https://login.microsoftonline.com/{tenantid}/v2.0") }, "elke organisatie"},
		"another's domain":      {func(f url.Values) { f.Set("domeinen", "bezet.example.nl") }, "hoort al bij"},
		"no domain":             {func(f url.Values) { f.Del("domeinen") }, "Zonder domein"},
		"no mapping": {func(f url.Values) {
			f.Del("claim-1")
			f.Del("waarde-1")
			f.Del("rol-1")
			f.Del("claim-3")
			f.Del("waarde-3")
			f.Del("rol-3")
		}, "minstens één rol"},
		"a role of a hospital at the registry": {func(f url.Values) { f.Del("centrum") }, "die deze inlogdienst mag geven"},
	} {
		f := form(idp)
		c.change(f)
		a := admin.Post("/inlogdiensten/nieuw", f)
		if a.Status != http.StatusUnprocessableEntity || !strings.Contains(a.Body, c.says) {
			t.Errorf("%s: %d, without %q", what, a.Status, c.says)
		}
	}
}

// TestManyProviders has more providers than buttons fit: an e-mail address finds the right
// one.
func TestManyProviders(t *testing.T) {
	s := servertest.New(t)
	idp := oidctest.Start(t)
	var last account.Provider
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		last = s.Provider(idp, "2809", func(p *account.Provider) { p.Name, p.Domains = "Huis "+name, []string{name + ".example.nl"} })
	}
	b := s.Browser()
	page := b.Get("/inloggen")
	servertest.Contains(t, "the sign-in page", page.Body, "Zoek mijn organisatie", `name="via-email"`)
	if strings.Contains(page.Body, "Inloggen via Huis") {
		t.Error("the page has buttons too")
	}
	found := b.Post("/inloggen/via", url.Values{"via-email": {"Noor@F.example.nl"}, "next": {"/patienten"}})
	servertest.Contains(t, "found", found.Body, "Inloggen via Huis f", via(last)+"?terug=%2Fpatienten")
	if strings.Contains(found.Body, "Huis a") {
		t.Error("others are shown too")
	}
	for _, email := range []string{"noor@nergens.example.nl", "", "f.example.nl", "noor@x.f.example.nl"} {
		if a := b.Post("/inloggen/via", url.Values{"via-email": {email}}); a.Status != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d", email, a.Status)
		}
	}
}
