package e2e

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// The widths at which every page is examined: a desk, and the 320 px of WCAG 1.4.10.
// On a tablet, and on paper (A4 without its margins), the page must fit.
const (
	wide   = 1280
	narrow = 320
	tablet = 700
	paper  = 680
)

//go:embed testdata/axe.min.js
var axe string

// allowed are the breaches that are accepted: a rule, and a part of the element's
// markup.
var allowed = map[string]string{
	// govuk-frontend's button to choose a file takes its name from the label, the
	// status, the button and the instruction. It shows all of these, but joins them
	// with commas that are only heard. A user who says "Bestand kiezen" still gets
	// the button.
	"label-content-name-mismatch": `class="govuk-file-upload-button`,
}

// violation is a breach of a rule of WCAG.
type violation struct {
	ID, Help string
	Nodes    []struct {
		Target         []any
		HTML           string `json:"html"`
		FailureSummary string
	}
}

// look examines the page as it is, at each width: WCAG 2.2 AA as far as a program
// can test it, reflow, one heading of the first level, and a title. No name of a
// patient may be on the page. With SLUIS_TEST_SCREENSHOTS it saves a picture called
// name.
func (b *tab) look(name string) {
	b.t.Helper()
	b.sees(name)
	if found := names(b.t).FindString(b.html()); found != "" {
		b.t.Errorf("%s (%s) holds the surname %s", name, b.where(), found)
	}
}

// sees examines the page like look, but allows names: a form may show again what its
// user filled in.
func (b *tab) sees(name string) {
	b.t.Helper()
	if n := ask[int](b, `document.querySelectorAll('h1').length`); n != 1 {
		b.t.Errorf("%s: %d headings of the first level", name, n)
	}
	if title := ask[string](b, `document.title`); !strings.HasSuffix(title, "Sluis") || len(title) < len("x – Sluis") {
		b.t.Errorf("%s: the title is %q", name, title)
	}
	if lang := ask[string](b, `document.documentElement.lang`); lang != "nl" && lang != "en" {
		b.t.Errorf("%s: the language is %q", name, lang)
	}
	b.resize(tablet)
	b.fits(name, tablet)
	b.resize(paper)
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	b.fits(name+" on paper", paper)
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{})
	for _, width := range []int64{narrow, wide} {
		b.resize(width)
		b.fits(name, width)
		for _, v := range b.audit() {
			for _, n := range v.Nodes {
				if part, ok := allowed[v.ID]; ok && strings.Contains(n.HTML, part) {
					continue
				}
				b.t.Errorf("%s at %d px: %s: %s\n%v %s\n%s", name, width, v.ID, v.Help, n.Target, n.HTML, n.FailureSummary)
			}
		}
		b.picture(fmt.Sprintf("%s-%d", name, width))
	}
}

// fits checks that the page is no wider than the window or the paper.
func (b *tab) fits(name string, width int64) {
	b.t.Helper()
	if w := ask[int64](b, `document.documentElement.scrollWidth`); w > width {
		b.t.Errorf("%s: at %d px the page is %d px wide", name, width, w)
	}
}

// audit runs axe-core on the page.
func (b *tab) audit() []violation {
	b.t.Helper()
	if !ask[bool](b, `typeof axe === 'object'`) {
		ask[bool](b, axe+"\n;true")
	}
	return ask[[]violation](b, `axe.run(document, {
		runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']},
		resultTypes: ['violations']
	}).then(r => r.violations.map(v => ({ID: v.id, Help: v.help, Nodes: v.nodes.map(n => (
		{Target: n.target, html: n.html.slice(0, 300), FailureSummary: n.failureSummary}))})))`)
}

// resize sets the window's width.
func (b *tab) resize(width int64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, 900))
}

// picture saves the whole page as it looks now, if SLUIS_TEST_SCREENSHOTS is set.
func (b *tab) picture(name string) {
	b.t.Helper()
	dir := os.Getenv("SLUIS_TEST_SCREENSHOTS")
	if dir == "" {
		return
	}
	ctx, cancel := b.step()
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600)
	}
	if err != nil {
		b.t.Errorf("picture %s: %v", name, err)
	}
}

// names returns an expression that matches the surnames of the pilot file. They are
// made up.
func names(t *testing.T) *regexp.Regexp {
	t.Helper()
	f, err := os.Open(pilotFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma = ';'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := slices.Index(rows[0], "Achternaam")
	if at < 0 || len(rows) != 41 {
		t.Fatalf("%s has changed: %v, %d lines", pilotFile, rows[0], len(rows))
	}
	var all []string
	for _, row := range rows[1:] {
		all = append(all, regexp.QuoteMeta(row[at]))
	}
	return regexp.MustCompile(`\b(` + strings.Join(all, "|") + `)\b`)
}

// TestBrowserIsHeard proves that the tests notice a breach of the content security
// policy and of Trusted Types, and that the audit itself causes none.
func TestBrowserIsHeard(t *testing.T) {
	b := newTab(t, startDemo(t, t.TempDir()))
	b.open("/inloggen")
	b.audit()
	if heard := b.heard(); len(heard) > 0 {
		t.Fatalf("the audit itself makes the browser say: %v", heard)
	}
	for what, script := range map[string]string{
		"inline script": `const s = document.createElement('script'); s.setAttribute('nonce', 'x'); s.append('1'); document.body.append(s)`,
		"markup":        `document.querySelector('main').innerHTML = '<p>x</p>'`,
		"inline style":  `document.querySelector('main').setAttribute('style', 'color: red')`,
	} {
		ask[any](b, `(() => { try { `+script+` } catch { /* the policy refuses it */ } return true })()`)
		if !poll(10*time.Second, 20*time.Millisecond, func() bool { return len(b.heard()) > 0 }) {
			t.Errorf("%s: the browser says nothing", what)
		}
		b.forget(func(message) bool { return true })
	}
	ask[any](b, `document.querySelector('label').removeAttribute('for')`)
	if len(b.audit()) == 0 {
		t.Error("axe-core does not see a field without a label")
	}
}
