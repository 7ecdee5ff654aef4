package e2e

import (
	"slices"
	"strconv"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// mostTabs is larger than the number of places on any page that take the focus.
const mostTabs = 60

// TestKeyboardOnly does the main job without a mouse: sign in, upload, check,
// save, read the report.
func TestKeyboardOnly(t *testing.T) {
	p := startDemo(t, t.TempDir())
	who := p.account("uploader", "2809")
	b := newTab(t, p)
	defer func() { b.t = t }()
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"sign in", func() { b.signInByKeyboard(who.Email, who.Password) }},
		{"upload a file to check it", func() { b.checkByKeyboard() }},
		{"save the checked delivery", func() { b.saveByKeyboard() }},
		{"put the errors next to the own file", func() { b.ownFileByKeyboard() }},
		{"look up the rejected records", func() { b.recordsByKeyboard() }},
		{"sign out", func() {
			b.tabTo("form[action='/uitloggen'] button")
			b.load(200, chromedp.KeyEvent(" "))
			b.wants("h1", "Inloggen")
		}},
	} {
		if !t.Run(step.name, func(t *testing.T) { b.t = t; step.do() }) {
			return // the steps that follow start where this one should have ended
		}
	}
}

// signInByKeyboard signs in on a page that was just opened.
func (b *tab) signInByKeyboard(email, password string) {
	b.open("/inloggen")
	b.tabTo(".govuk-skip-link") // the first stop
	b.press(kb.Enter)
	b.focused("the main part", "main")
	b.tabTo("#email")
	b.press(email)
	b.tabTo("#password")
	b.press(password)
	b.load(200, chromedp.KeyEvent(kb.Enter))
	b.wants("h1", "Overzicht")
}

// checkByKeyboard goes from the overview to the result of a check, by way of the form
// without a file.
func (b *tab) checkByKeyboard() {
	b.tabTo("main a[href='/aanleveringen/nieuw']")
	b.load(200, chromedp.KeyEvent(kb.Enter))
	b.tabTo("main summary")
	b.press(" ")
	b.is("details[open]", true)
	b.press(" ")
	b.tabTo("[name=mode]")
	b.press(kb.ArrowDown)
	b.is("[name=mode][value=save]:checked", true)
	b.press(kb.ArrowUp)
	b.is("[name=mode][value=check]:checked", true)
	b.tabTo("main form[enctype] button[type=submit]") // without a file first
	b.load(formWrong, chromedp.KeyEvent(kb.Enter))
	b.focused("the error summary", ".govuk-error-summary")
	b.tabTo(".govuk-error-summary a")
	b.press(kb.Enter)
	b.focused("the field at fault", "#file")
	b.pickFile(abs(b.t, pilotFile))
	b.tabTo("main form[enctype] button[type=submit]")
	b.load(200, chromedp.KeyEvent(kb.Enter))
	b.awaitResult()
	b.wants("h2.app-sentence", pilotChecked)
}

// saveByKeyboard saves the checked delivery, and opens its error report.
func (b *tab) saveByKeyboard() {
	b.tabTo("form[action$=opslaan] button")
	b.load(200, chromedp.KeyEvent(kb.Enter))
	b.awaitResult()
	b.wantStored()
	b.tabTo(".app-scroll") // so that a table that is too wide can be scrolled by keyboard
	b.tabTo("main a.govuk-button[href$=fouten]")
	b.load(200, chromedp.KeyEvent(kb.Enter))
	b.wants("h1", "Foutenrapport")
}

// ownFileByKeyboard asks for the user's own file with its errors, the rejected rows only.
func (b *tab) ownFileByKeyboard() {
	b.tabTo("main summary")
	b.press(" ")
	b.tabTo("#own-file")
	b.pickFile(abs(b.t, pilotFile))
	b.tabTo("[name=own-rows]")
	b.press(kb.ArrowDown)
	b.is("[name=own-rows][value=rejected]:checked", true)
	b.tabTo("[data-own-go]")
	b.press(kb.Enter)
	b.await("the file with its errors", `document.querySelector('[data-own-status]').innerText.startsWith('Klaar: 4 regels')`)
	b.focused("the button", "[data-own-go]")
	b.tabTo("[data-own-link]")
}

// recordsByKeyboard filters the records of the delivery by the severity of their errors.
func (b *tab) recordsByKeyboard() {
	b.tabTo("nav.app-tabs a[href*=records]")
	b.load(200, chromedp.KeyEvent(kb.Enter))
	b.tabTo("[name=ernst]")
	b.press("A") // the option Afgewezen
	b.tabTo("main form.app-filters button")
	b.load(200, chromedp.KeyEvent(kb.Enter))
	b.wantRecords(pilotErrors...)
}

// press presses keys.
func (b *tab) press(keys string) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(keys))
}

// tabStop is an element that has the focus.
type tabStop struct {
	What    string // the start of its markup
	There   bool   // it is the element that the test is looking for
	Visible bool   // the screen shows that it has the focus
}

// tabTo presses Tab until an element has the focus. Every element on the way must be
// visible, and must look different with the focus than without it.
func (b *tab) tabTo(selector string) {
	b.t.Helper()
	var seen []string
	for range mostTabs {
		b.press(kb.Tab)
		stop := ask[tabStop](b, `(() => {
			const e = document.activeElement
			const parts = [e, e.parentElement, ...e.children, ...(e.labels ?? [])]
			const look = () => JSON.stringify(parts.flatMap(p => [null, '::before', '::after'].map(x => {
				const s = getComputedStyle(p, x)
				return [s.outline, s.boxShadow, s.backgroundColor, s.borderColor, s.borderWidth, s.color]
			})))
			const box = (e.labels?.[0] ?? e).getBoundingClientRect()
			const on = e.matches(':focus-visible') && look()
			e.blur()
			const off = look()
			e.focus({focusVisible: true, preventScroll: true})
			return {
				What: e.outerHTML.slice(0, 120),
				There: e.matches(`+strconv.Quote(selector)+`),
				Visible: e === document.body || (on && on !== off && box.width > 0 && box.height > 0 &&
					box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth)
			}
		})()`)
		if !stop.Visible {
			b.t.Errorf("%s: the focus cannot be seen on %s", b.where(), stop.What)
		}
		if stop.There {
			return
		}
		seen = append(seen, stop.What)
	}
	b.t.Fatalf("%s: Tab does not come to %s, but to %q", b.where(), selector, slices.Compact(seen))
}

// focused checks which element has the focus.
func (b *tab) focused(what, selector string) {
	b.t.Helper()
	if !ask[bool](b, `document.activeElement.matches(`+strconv.Quote(selector)+`)`) {
		b.t.Errorf("%s: the focus is not on %s but on %s", b.where(), what,
			ask[string](b, `document.activeElement.outerHTML.slice(0, 200)`))
	}
}

// pickFile opens the dialog for a file from the keyboard and picks one in it.
func (b *tab) pickFile(path string) {
	b.t.Helper()
	call(b, page.SetInterceptFileChooserDialog, page.SetInterceptFileChooserDialogParams{Enabled: true})
	ctx, cancel := b.step()
	defer cancel()
	opened := make(chan cdp.BackendNodeID, 1)
	err := chromedp.Listen(ctx, func(ev any) {
		if e, ok := ev.(*page.EventFileChooserOpened); ok {
			opened <- e.BackendNodeID
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.press(kb.Enter)
	select {
	case node := <-opened:
		call(b, dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: []string{path}, BackendNodeID: node})
	case <-ctx.Done():
		b.t.Fatal("Enter opens no dialog for a file")
	}
}
