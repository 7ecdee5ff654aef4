package e2e

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
)

// bigFile writes a file of made-up people and returns its path.
func bigFile(t *testing.T, rows int) string {
	t.Helper()
	var s strings.Builder
	s.WriteString("Centrum id;Geboortedatum;Geslacht;Patiëntnummer;Achternaam;Tussenvoegsel;Voorletters\n")
	for i := range rows {
		fmt.Fprintf(&s, "2809;%d-%d-%d;%c;B%05d;Q%sstra;;%c\n", 1+i%28, 1+i%12, 1930+i%90, "mv"[i%2], i, letters(i), 'a'+rune(i%26))
	}
	return write(t, "veel.csv", s.String())
}

// letters spells a number.
func letters(n int) string {
	var s []byte
	for range 5 {
		s = append(s, byte('a'+n%26))
		n /= 26
	}
	return string(s)
}

// TestProgress follows a larger delivery by server-sent events: to the end, without
// events, and through a crash of the program.
func TestProgress(t *testing.T) {
	dir := t.TempDir()
	p := startDemo(t, dir)
	b := newTab(t, p)
	b.signIn("uploader", "2809")

	// Nobody presses anything: the page shows the result by itself.
	b.deliver("save", bigFile(t, 2_000))
	b.awaitResult()
	b.wants("h2.app-sentence", "Alle 2.000 records opgeslagen")

	// Without events the page does not change by itself, but it has a link to refresh it.
	call(b, network.SetBlockedURLs,
		network.SetBlockedURLsParams{URLPatterns: []*network.BlockPattern{{URLPattern: p.address + "/*/voortgang", Block: true}}})
	b.deliver("save", bigFile(t, 20_000)) // too many to be done before the page is shown
	b.await("the link", `document.querySelector('[data-progress-refresh]')?.hidden === false`)
	b.look("progress")
	b.wants("[data-progress-refresh] a", "Vernieuwen")
	b.refresh()
	b.wants("h2.app-sentence", "Alle 20.000 records opgeslagen")
	b.wantCounts("Nieuw 18.000", "Bijgewerkt 0", "Ongewijzigd 2.000", "Te beoordelen 0", "Afgewezen 0", "Gelezen 20.000")
	call(b, network.SetBlockedURLs, network.SetBlockedURLsParams{})

	// The program dies halfway: the page shows the link at once. When the program is
	// back, the page shows the result by itself.
	b.deliver("save", bigFile(t, 30_000))
	b.await("a step", `document.querySelector('[data-progress-refresh]')?.hidden && document.querySelector('progress').value > 0`)
	p.kill()
	b.await("the link", `document.querySelector('[data-progress-refresh]')?.hidden === false`)
	at, err := url.Parse(p.address)
	if err != nil {
		t.Fatal(err)
	}
	startDemo(t, dir, "--addr", at.Host)
	b.awaitResult()
	b.wants("h2.app-sentence", "Alle 30.000 records opgeslagen")
	b.wantCounts("Nieuw 10.000", "Bijgewerkt 0", "Ongewijzigd 20.000", "Te beoordelen 0", "Afgewezen 0", "Gelezen 30.000")
	pages(b)
	b.forget(func(m message) bool { return strings.HasSuffix(m.url, "/voortgang") && m.source == "network" })
}

// pages goes to the next page of the patient list and back.
func pages(b *tab) {
	b.t.Helper()
	b.open("/patienten")
	b.says("1–50 van 30.000")
	first := b.texts("main tbody th")
	b.click("a[rel=next]")
	b.look("patients-next")
	if second := b.texts("main tbody th"); len(first) != 50 || len(second) != 50 || slices.Max(first) >= slices.Min(second) {
		b.t.Errorf("the second page has %q after %q", second, first)
	}
	b.click("nav.govuk-pagination .govuk-pagination__prev a")
	if again := b.texts("main tbody th"); !slices.Equal(again, first) {
		b.t.Errorf("back at the first page it has %q, not %q", again, first)
	}
}
