package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestConversionInTheBrowser follows a conversion on the console, from the empty page to
// the proof, while the service is at work. It pauses the run, approves by keyboard, and
// looks at what each role sees.
func TestConversionInTheBrowser(t *testing.T) {
	dir := t.TempDir()
	p := startDemo(t, dir)
	c := &conversion{t: t, data: dir, tmp: t.TempDir(), proofs: filepath.Join(t.TempDir(), "proofs"),
		source: filepath.Join(t.TempDir(), "oud.db")}
	command(t, "existing", "sample", "--rows", "3000", "--db", c.source)

	manager := newTab(t, p)
	manager.signIn("datamanager", "")
	manager.click("nav a[href='/migratie']")
	manager.says("Er is nog niets voorbereid")
	manager.look("existing-none")
	c.must(exitAttention, "plan")
	manager.open("/migratie")
	manager.says("Het is nog niet gekozen")
	manager.look("existing-undecided")
	c.must(0, "plan", "--number", "patientnummer")
	c.must(0, "run", "--number", "patientnummer", "--rehearse", "--rows", "100")
	manager.open("/migratie")
	manager.says("Controle van de proefrun")
	manager.look("existing-rehearsed")
	manager.open("/migratie/rijen?van=rehearsal&soort=rejected")
	manager.look("existing-rehearsal-rejected")

	// A pause from the console, while the command reads and the service stores.
	run := c.start("run", "--number", "patientnummer", "--rate", "700")
	run.eventually(t, "the first rows", func() bool {
		return len(c.ask("SELECT 'x' FROM existing_rows e JOIN existing_runs r ON r.id = e.run_id WHERE r.mode = 'save'")) > 0
	})
	manager.open("/migratie")
	manager.says("Bezig")
	manager.click("form[action$=pauzeren] button")
	manager.says("De omzetting pauzeert")
	run.eventually(t, "word of the pause", func() bool { return strings.Contains(run.log(), "paused on the console") })
	manager.open("/migratie")
	manager.says("Gepauzeerd door datamanager@registratie.example")
	manager.look("existing-paused")
	manager.click("form[action$=hervatten] button")
	manager.says("De omzetting gaat verder")
	select {
	case <-run.ended:
	case <-t.Context().Done():
	}
	if out := run.log(); !strings.Contains(out, "the service is at work") || !strings.Contains(out, "going on") {
		t.Errorf("the command said:\n%s", out)
	}
	manager.open("/migratie")
	manager.look("existing-converted")
	manager.click("main a[href*='soort=rejected'][href*='conversion']")
	manager.says("Melding van de TTP, code 2101")
	manager.says("De geboortedatum is leeg")
	manager.look("existing-rejected")
	manager.click("nav.app-tabs a[href*=review]")
	manager.look("existing-review")
	manager.open("/patienten")
	manager.says("nog geen patiëntnummer")
	manager.look("patients-unnumbered")
	manager.click("main tbody a")
	manager.says("Oude sleutel (patid)")
	manager.look("patient-unnumbered")

	// It is listed as a delivery, but its own page has no buttons to decide about it.
	manager.open("/aanleveringen?groep=closed")
	manager.click("main tbody a")
	manager.says("SQLite oud.db patient")
	manager.is("form[action$=annuleren]", false)
	manager.look("existing-delivery")
	manager.click("main a[href$=fouten]")
	manager.look("existing-report")

	c.must(0, "verify")
	c.must(exitAttention, "erase", "--way", "new")
	c.must(0, "except", "--why", "Afgesproken met de centra.", "--out", c.tmp)
	c.must(exitAttention, "erase", "--way", "new")
	c.approveByKeyboard(p, manager)
	c.must(0, "prove", "--out", c.proofs)
	c.must(0, "erase")
	manager.open("/migratie")
	manager.look("existing-approved")
	manager.openStatus("/migratie/bewijzen", 403)

	auditor := newTab(t, p)
	auditor.signIn("auditor", "")
	auditor.click("nav a[href='/migratie/bewijzen']")
	auditor.look("proofs")
	auditor.click("main tbody a")
	auditor.says("Niets gevonden")
	auditor.says("Beheerder")
	auditor.has("a[href$='bewijs.json']")
	auditor.look("proof")
	auditor.openStatus("/migratie", 403)
}

// approveByKeyboard approves the erasure without a mouse: the data manager makes a mistake
// first, and the administrator is the second to approve.
func (c *conversion) approveByKeyboard(p *program, manager *tab) {
	c.t.Helper()
	approve := func(b *tab, centres string, wrong bool) {
		c.t.Helper()
		b.open("/migratie")
		b.tabTo("#centra")
		b.press(centres)
		b.tabTo("#reden")
		b.press("Gecontroleerd met de operator.")
		b.tabTo("#uitzonderingen")
		b.press(" ")
		b.tabTo("form[action$=goedkeuren] button")
		if wrong {
			b.load(formWrong, chromedp.KeyEvent(kb.Enter))
			return
		}
		b.load(200, chromedp.KeyEvent(kb.Enter))
		b.says("Uw goedkeuring is vastgelegd")
	}
	approve(manager, "2811", true)
	manager.focused("the error summary", ".govuk-error-summary")
	manager.says("geen centrum van deze omzetting")
	manager.look("existing-wrong")
	approve(manager, "2809, 2810", false)
	manager.look("existing-half-approved")
	admin := newTab(c.t, p)
	admin.signIn("admin", "")
	approve(admin, "2809 2810", false)
	admin.look("existing-both-approved")
	admin.open("/migratie/bewijzen")
	admin.look("proofs-admin")
}
