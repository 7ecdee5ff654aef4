package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"
)

// TestFactorsInBrowser sets up a passkey and an app in a browser with a virtual
// authenticator, and signs in with each.
func TestFactorsInBrowser(t *testing.T) {
	t.Parallel()
	p := startDemo(t, t.TempDir(), "--addr", "localhost:0") // browsers make no passkeys for an address
	b := newTab(t, p)
	call(b, webauthn.Enable, webauthn.EnableParams{})
	call(b, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: "ctap2", Transport: "internal", HasResidentKey: true, HasUserVerification: true, IsUserVerified: true,
		AutomaticPresenceSimulation: true,
	}})
	b.signIn("uploader", "2809")
	b.open("/account/passkeys/nieuw")
	b.sees("passkey-new")
	b.fill("#naam", "laptop")
	b.click("[data-passkey-go]")
	b.wants("h1", "Uw herstelcodes")
	b.sees("recovery-codes")
	b.open("/account/app")
	b.sees("app-new")
	secret := strings.ReplaceAll(b.text(".app-secret"), " ", "")
	code, err := totp.GenerateCode(secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	b.fill("#code", code)
	b.click("main form[action='/account/app'] button[type=submit]")
	b.says("De authenticator-app is ingesteld.")
	b.sees("own-factors")

	b.click(".app-user form[action='/uitloggen'] button")
	b.sees("signin-passkey")
	b.click("[data-passkey-go]")
	b.wants("h1", "Overzicht")

	b.click(".app-user form[action='/uitloggen'] button")
	who := p.account("uploader", "2809")
	b.fill("#email", who.Email)
	b.fill("#password", who.Password)
	b.click("main form[action='/inloggen'] button[type=submit]")
	b.wants("h1", "Tweede stap van het inloggen")
	b.sees("factor")
	if code, err = totp.GenerateCode(secret, time.Now().Add(30*time.Second)); err != nil { // the present one was used to set up
		t.Fatal(err)
	}
	b.do(chromedp.Focus(chromedp.CSS("#bevestig-code")))
	b.press(code)
	b.load(200, chromedp.KeyEvent("\r"))
	b.wants("h1", "Overzicht")
}
