package e2e

import (
	"strings"
	"testing"
)

// TestPeopleInBrowser goes from an invitation to the first sign-in in a browser, and looks
// at the pages about accounts, centres and tokens.
func TestPeopleInBrowser(t *testing.T) {
	t.Parallel()
	p := startDemo(t, t.TempDir())
	b := newTab(t, p)
	b.signIn("admin", "")
	b.open("/gebruikers")
	b.wants("h1", "Gebruikers")
	b.look("users")
	b.click("a[href='/gebruikers/nieuw']")
	b.clickWrong("main button[type=submit]")
	b.focused("the error summary", `.govuk-error-summary`)
	b.sees("invitation-wrong")
	b.fill("#email", "fleur@2809.example")
	b.fill("#naam", "Fleur")
	b.choose("rol", "uploader")
	b.choose("centrum", "2809")
	b.fill("#reden", "begint maandag")
	b.click("main button[type=submit]")
	b.wants("h1", "Uitnodiging gemaakt")
	link := ask[string](b, `document.querySelector('#eenmalige-link').value`)
	b.sees("invitation-made")
	for name, path := range map[string]string{
		"review": "/gebruikers/controle", "centres": "/centra", "centre": "/centra/2809", "centre-new": "/centra/nieuw", "tokens": "/tokens",
		"token-new": "/tokens/nieuw", "own-account": "/account",
		"providers": "/inlogdiensten", "provider-new": "/inlogdiensten/nieuw",
	} {
		b.open(path)
		b.sees(name)
	}
	b.open("/gebruikers?zoek=fleur")
	b.click("main tbody a")
	b.sees("user")

	_, path, _ := strings.Cut(link, "/uitnodiging/")
	guest := newTab(t, p)
	guest.open("/uitnodiging/" + path)
	guest.wants("h1", "Welkom bij Sluis")
	guest.sees("set-password")
	guest.fill("#wachtwoord", "paarse fiets op de dijk")
	guest.click("main button[type=submit]")
	guest.says("Uw wachtwoord is ingesteld")
	guest.openStatus("/uitnodiging/"+path, 404)
	guest.sees("link-gone")
}
