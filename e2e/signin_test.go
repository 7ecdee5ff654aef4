package e2e

import (
	"net/http"
	"testing"

	"github.com/chromedp/cdproto/network"
)

// TestSignIn signs in and out, and shows that the old cookie no longer works.
func TestSignIn(t *testing.T) {
	t.Parallel()
	p := startDemo(t, t.TempDir())
	b := newTab(t, p)
	b.open("/aanleveringen") // leads to the sign-in page, and from there back
	b.wants("h1", "Inloggen")
	b.look("sign-in")

	b.clickWrong("main button[type=submit]")
	b.wants(".govuk-error-summary__title", "Er zijn 2 dingen niet in orde")
	b.focused("the error summary", `.govuk-error-summary`)
	b.look("sign-in-empty")

	// Whether the address is known must not show.
	who := p.account("uploader", "2809")
	var said []string
	for _, email := range []string{who.Email, "niemand@example.org"} {
		b.fill("#email", email)
		b.fill("#password", "verkeerd-wachtwoord")
		b.clickWrong("main button[type=submit]")
		said = append(said, b.text(".govuk-error-summary"))
		if v := ask[string](b, `document.querySelector('#password').value`); v != "" {
			t.Errorf("the password comes back: %q", v)
		}
	}
	if said[0] != said[1] {
		t.Errorf("a wrong password says %q, an unknown address %q", said[0], said[1])
	}
	b.look("sign-in-wrong")

	b.fill("#email", who.Email)
	b.fill("#password", who.Password)
	b.click("main button[type=submit]")
	b.wants("h1", "Aanleveringen")

	b.click("form[action='/taal'] button")
	b.wants("h1", "Deliveries")
	if lang := ask[string](b, `document.documentElement.lang`); lang != "en" {
		t.Errorf("the language is %q", lang)
	}
	b.open("/aanleveringen/nieuw")
	b.look("upload-english")
	b.click("form[action='/taal'] button")
	b.wants("h1", "Nieuwe aanlevering")

	old := b.cookies()
	if at := p.status(t, "/aanleveringen", old); at != http.StatusOK {
		t.Fatalf("the cookie of a live session answers %d", at)
	}
	b.click("form[action='/uitloggen'] button")
	b.wants("h1", "Inloggen")
	b.look("signed-out")
	if at := p.status(t, "/aanleveringen", old); at != http.StatusSeeOther {
		t.Errorf("after the sign-out the old cookie answers %d", at)
	}
	b.open("/aanleveringen")
	b.wants("h1", "Inloggen")
}

// cookies returns the cookies of the tab.
func (b *tab) cookies() []*http.Cookie {
	b.t.Helper()
	var list []*http.Cookie
	for _, c := range call(b, network.GetCookies, network.GetCookiesParams{URLs: []string{b.p.address}}).Cookies {
		if !c.HTTPOnly || c.SameSite != network.CookieSameSiteLax {
			b.t.Errorf("cookie %s: HttpOnly %v, SameSite %s", c.Name, c.HTTPOnly, c.SameSite)
		}
		list = append(list, &http.Cookie{Name: c.Name, Value: c.Value})
	}
	if len(list) == 0 {
		b.t.Fatal("there is no cookie")
	}
	return list
}

// status returns the status of a page for a request with cookies.
func (p *program) status(t *testing.T, path string, cookies []*http.Cookie) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	res, err := p.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

// TestErrorPages looks at the pages that a lost or curious user gets.
func TestErrorPages(t *testing.T) {
	t.Parallel()
	p := startDemo(t, t.TempDir())
	mine := p.await(t, p.token("uploader", "2809"), p.upload(t, p.token("uploader", "2809"), pilotFile, "").ID)
	b := newTab(t, p)
	b.signIn("uploader", "2810")
	for _, path := range []string{"/bestaat-niet", "/aanleveringen/" + mine.ID, "/aanleveringen/" + mine.ID + "/fouten", "/aanleveringen/x"} {
		b.openStatus(path, http.StatusNotFound)
		b.wants("h1", "Pagina niet gevonden")
	}
	b.look("not-found")
	for _, path := range []string{"/logboek", "/patienten/nieuw"} {
		b.openStatus(path, http.StatusForbidden)
		b.wants("h1", "Geen toegang")
	}
	b.look("forbidden-uploader")
	b.click("main a[href='/']")
	b.wants("h1", "Overzicht")

	// Another centre sees none of it, and may not deliver names.
	b.open("/aanleveringen?groep=closed")
	b.is("main tbody tr", false)
	b.deliver("save", abs(t, pilotFile))
	b.awaitResult()
	b.wants("main h2", "Het bestand is afgekeurd")
	b.says("Uw centrum mag geen persoonsgegevens aanleveren")
	b.says("Er is niets opgeslagen.")
	b.look("refused")
	bsn := write(t, "kolommen.csv", "Patiëntnummer;BSN;Geboortedatum;Geslacht;Pseudoniem NGGV\n1;111222333;1-1-2001;m;x\n")
	b.deliver("check", bsn)
	b.awaitResult()
	b.says("Een registratie mag geen BSN ontvangen.")
	b.look("refused-bsn")
	b.open("/aanleveringen?groep=to_mend")
	b.look("deliveries-refused")
	if html := b.html(); len(names(t).FindString(html)) > 0 {
		t.Error("a name is on the list")
	}
}
