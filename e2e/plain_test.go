package e2e

import (
	"strconv"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestWithoutJavaScript does both main jobs with scripts switched off.
func TestWithoutJavaScript(t *testing.T) {
	p := startDemo(t, t.TempDir())
	b := newTab(t, p)
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.signIn("clinician", "2809")
	b.is(".js-enabled", false)
	b.click("main a[href='/patienten/nieuw']")
	wrong := zeepaard
	wrong.day, wrong.month, wrong.year = "", "", ""
	b.enter(wrong)
	b.clickWrong(savePatient)
	b.says("De TTP meldt: De geboortedatum is leeg")
	b.pictures("plain-form-errors")
	b.enter(zeepaard)
	b.click(savePatient)
	b.wants("h1", "Patiënt opgeslagen")
	b.click("form[action='/uitloggen'] button")

	b.signIn("uploader", "2809")
	b.open("/aanleveringen/nieuw")
	b.pictures("plain-upload")
	b.deliver("check", abs(t, pilotFile))
	b.refresh()
	b.wants("h2.app-sentence", pilotChecked)
	b.pictures("plain-check")
	b.click("form[action$=opslaan] button")
	b.refresh()
	b.wantStored()
	b.click("main a.govuk-button[href$=fouten]")
	b.click("nav.app-tabs a[href*=records]")
	b.choose("ernst", "fatal")
	b.click("main form.app-filters button")
	b.wantRecords(pilotErrors...)
	b.pictures("plain-report")
	b.do(chromedp.Click(chromedp.CSS("main summary")))
	b.says("Dit werkt alleen met JavaScript. Gebruik anders de download voor Excel of de CSV van dit rapport")
	b.is("[data-own-form][hidden]", true)
	b.pictures("plain-own-file")
	b.click("main .app-sorts a[href*='sorteer=patientnummer']")
	b.wantRecords(pilotErrors[3], pilotErrors[2], pilotErrors[1], pilotErrors[0])
	b.click("main a[href*='weergave=afdruk']")
	b.says("Alleen de records van het gekozen filter. 4 meldingen")
	b.click("main a[href$='/fouten']")
	b.click("main a[href*='herstelt=']")
	b.is("[name=herstelt]:checked", true)
	b.choose("mode", "save")
	b.choose("file", abs(t, pilotFile))
	b.click("main form[enctype] button[type=submit]")
	b.refresh()
	b.says("Herstelt een eerdere aanlevering: 0 van 4 hersteld")
	b.click("main .app-repair a[href^='/aanleveringen/']")
	b.says("0 van 4 hersteld")
	b.click("main a.govuk-button[href$=fouten]")
	if raw := b.download("main a[href*='fouten.csv']"); len(raw) == 0 {
		t.Error("the CSV is empty")
	}
}

// refresh follows the link Vernieuwen until the page shows the delivery's result.
func (b *tab) refresh() {
	b.t.Helper()
	for ask[bool](b, `document.querySelector('[data-progress]') !== null`) {
		b.click("[data-progress-refresh] a")
	}
}

// pictures saves a picture of the page at each width.
func (b *tab) pictures(name string) {
	b.t.Helper()
	for _, width := range []int64{narrow, wide} {
		b.resize(width)
		if w := ask[int64](b, `document.documentElement.scrollWidth`); w > width {
			b.t.Errorf("%s: at %d px the page is %d px wide", name, width, w)
		}
		b.picture(name + "-" + strconv.FormatInt(width, 10))
	}
}
