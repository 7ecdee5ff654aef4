package e2e

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// beside opens another tab with the cookies of b.
func (b *tab) beside() *tab {
	b.t.Helper()
	other := &tab{t: b.t, p: b.p, refused: map[string]bool{}}
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithListener(other.hear))
	b.t.Cleanup(cancel)
	other.ctx = ctx
	if err := chromedp.Do(ctx); err != nil {
		b.t.Fatal(err)
	}
	call(other, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	other.resize(wide)
	return other
}

// sessionEnds makes the program believe that every session was used long ago, and ends
// after d if it is not used.
func (p *program) sessionEnds(t *testing.T, d time.Duration) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(p.dir, "sluis.db")+"?_pragma=busy_timeout(10000)&_time_format=sqlite")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ends := time.Now().Add(d).UTC()
	if _, err := db.ExecContext(context.WithoutCancel(t.Context()), "UPDATE sessions SET last_seen_at = ?, idle_expires_at = ?",
		ends.Add(-30*time.Minute), ends); err != nil {
		t.Fatal(err)
	}
}

// look asks the script of a page to look at the session now, as it does by itself when the
// time comes.
const lookAtSession = `new BroadcastChannel('sluis-session').postMessage({ask: true}); true`

const sessionOpen = `document.querySelector('dialog[data-session]')?.open === true`

// TestSessionWarning: a nurse who is called away is warned, stays signed in at the press of
// a key, and loses nothing that she typed if she comes back too late.
func TestSessionWarning(t *testing.T) {
	t.Parallel()
	p := startDemo(t, t.TempDir())
	b := newTab(t, p)
	b.signIn("clinician", "2809")
	b.open("/patienten/nieuw")
	b.enter(zeepaard)
	other := b.beside()
	other.open("/patienten")

	p.sessionEnds(t, 100*time.Second)
	ask[bool](b, lookAtSession)
	b.await("the warning", sessionOpen)
	other.await("the warning in the other tab", sessionOpen)
	b.wants("dialog [data-session-part=idle] h2", "Bent u er nog?")
	b.focused("Verlengen", "[data-session-extend]")
	if role := ask[string](b, `document.querySelector('dialog').getAttribute('role')`); role != "alertdialog" {
		t.Errorf("the dialog is a %s", role)
	}
	if shown := ask[string](b, `getComputedStyle(document.querySelector('[data-session-failed]')).display`); shown != "none" {
		t.Error("the warning says that it failed")
	}
	b.sees("session-warning")
	b.do(chromedp.Focus(chromedp.CSS("[data-session-extend]"))) // the look at the printed page took it away
	b.do(chromedp.KeyEvent(kb.Enter))
	b.await("the end of the warning", `!(`+sessionOpen+`)`)
	other.await("the end of the warning in the other tab", `!(`+sessionOpen+`)`)
	if got := b.entered(); got != zeepaard {
		t.Errorf("the form holds %+v", got)
	}

	// Escape: she has read it. It does not come again before the end.
	p.sessionEnds(t, 100*time.Second)
	ask[bool](b, lookAtSession)
	b.await("the warning", sessionOpen)
	b.do(chromedp.KeyEvent(kb.Escape))
	b.await("the end of the warning", `!(`+sessionOpen+`)`)

	p.sessionEnds(t, -time.Second)
	ask[bool](b, lookAtSession)
	b.await("the cover", `document.body.classList.contains('app-covered')`)
	if v := ask[string](b, `getComputedStyle(document.querySelector('#surname')).visibility`); v != "hidden" {
		t.Errorf("the form is %s after the session", v)
	}
	b.focused("the link to the sign-in page", "[data-session-part=ended] a")
	b.sees("session-ended")
	other.await("the sign-in page in the tab without a form", `document.querySelector('#password') !== null`)
	other.says("Uw sessie is verlopen")

	who := p.account("clinician", "2809")
	other.fill("#email", who.Email)
	other.fill("#password", who.Password)
	other.click("main button[type=submit]")
	other.wants("h1", "Patiënten")
	b.await("the form", `!document.body.classList.contains('app-covered') && !(`+sessionOpen+`)`)
	if got := b.entered(); got != zeepaard {
		t.Errorf("after the sign-in the form holds %+v", got)
	}
	b.click(savePatient)
	b.wants("h1", "Patiënt opgeslagen")

	// Whoever signs out in one tab has signed out in all.
	other.click("form[action='/uitloggen'] button")
	b.await("the sign-in page", `document.querySelector('#password') !== null`)
}
