package templates_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"sluis/web/static"
	"sluis/web/text"
)

// TestPages renders every page in every state and language. The pages are also
// written to a directory, for a look at them: the test's own, or SLUIS_TEST_PREVIEW.
func TestPages(t *testing.T) {
	dir := os.Getenv("SLUIS_TEST_PREVIEW")
	if dir == "" {
		dir = t.TempDir()
	}
	for _, lang := range text.Languages {
		for _, s := range samples(lang) {
			t.Run(lang+"/"+s.name, func(t *testing.T) {
				var b bytes.Buffer
				if err := s.page.Render(t.Context(), &b); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, lang+"-"+s.name+".html"), b.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
				doc, err := goquery.NewDocumentFromReader(&b)
				if err != nil {
					t.Fatal(err)
				}
				checkFrame(t, doc, lang, s.wrong)
				checkForms(t, doc)
				checkPolicy(t, doc)
				checkReferences(t, doc)
				checkWords(t, doc)
			})
		}
	}
}

func checkFrame(t *testing.T, doc *goquery.Document, lang string, wrong bool) {
	t.Helper()
	if n := doc.Find("h1").Length(); n != 1 {
		t.Errorf("%d h1, want 1", n)
	}
	if got, _ := doc.Find("html").Attr("lang"); got != lang {
		t.Errorf("lang %q, want %q", got, lang)
	}
	title := doc.Find("head title").Text()
	if !strings.HasSuffix(title, "– Sluis") || strings.HasPrefix(title, text.For(lang).T("form.error_prefix")) != wrong {
		t.Errorf("title %q (a page with errors: %v)", title, wrong)
	}
	if doc.Find("main#main").Length() != 1 || doc.Find("a.govuk-skip-link").AttrOr("href", "") != "#main" {
		t.Error("no main, or no skip link to it")
	}
	if doc.Find(`form[action="/taal"] input[name="terug"]`).Length() != 1 {
		t.Error("no form to change the language")
	}
	// Headings may not skip a level on their way down.
	last := 0
	doc.Find("main h1, main h2, main h3, main h4").Each(func(_ int, h *goquery.Selection) {
		level := int(goquery.NodeName(h)[1] - '0')
		if level > last+1 && (last != 0 || level != 2) { // an error summary comes before the h1
			t.Errorf("heading %q: level %d after %d", strings.TrimSpace(h.Text()), level, last)
		}
		last = level
	})
}

func checkForms(t *testing.T, doc *goquery.Document) {
	t.Helper()
	doc.Find("input, select, textarea, progress").Each(func(_ int, in *goquery.Selection) {
		if in.AttrOr("type", "") == "hidden" {
			return
		}
		id := in.AttrOr("id", "")
		if id == "" || doc.Find(`label[for="`+id+`"]`).Length() != 1 {
			t.Errorf("no label for %s %q", goquery.NodeName(in), id)
		}
		if goquery.NodeName(in) != "progress" && in.AttrOr("name", "") == "" {
			t.Errorf("no name for %q", id)
		}
	})
	doc.Find("button").Each(func(_ int, b *goquery.Selection) {
		if b.AttrOr("type", "") == "" || strings.TrimSpace(b.Text()) == "" {
			t.Errorf("a button without type or text: %q", b.Text())
		}
	})
	doc.Find("fieldset").Each(func(_ int, f *goquery.Selection) {
		if f.Find("legend").Length() != 1 {
			t.Error("a fieldset without legend")
		}
	})
	doc.Find("form").Each(func(_ int, f *goquery.Selection) {
		if action := f.AttrOr("action", ""); !strings.HasPrefix(action, "/") {
			t.Errorf("form action %q", action)
		}
	})
	doc.Find("table").Each(func(_ int, table *goquery.Selection) {
		if named := table.Find("caption").Length() == 1 || table.AttrOr("aria-labelledby", "") != ""; !named ||
			table.Find("thead th[scope=col]").Length() == 0 {
			t.Error("a table without name or column headers")
		}
		if table.Closest(".app-scroll").Length() != 1 {
			t.Error("a table that does not scroll by itself")
		}
		columns := table.Find("thead th").Length()
		table.Find("tbody tr").Each(func(_ int, tr *goquery.Selection) {
			if n := tr.Children().Length(); n != columns {
				t.Errorf("a row of %d cells under %d columns", n, columns)
			}
		})
	})
}

// checkPolicy looks for markup that the content security policy would block.
func checkPolicy(t *testing.T, doc *goquery.Document) {
	t.Helper()
	if n := doc.Find("[style], style").Length(); n > 0 {
		t.Errorf("%d inline styles", n)
	}
	doc.Find("script").Each(func(_ int, s *goquery.Selection) {
		if s.AttrOr("src", "") != static.Path(static.Script) || strings.TrimSpace(s.Text()) != "" {
			t.Error("an inline or foreign script")
		}
	})
	doc.Find("*").Each(func(_ int, e *goquery.Selection) {
		for _, a := range e.Nodes[0].Attr {
			if strings.HasPrefix(a.Key, "on") {
				t.Errorf("an inline handler %s on %s", a.Key, goquery.NodeName(e))
			}
			if a.Val == providerSignOut && goquery.NodeName(e) == "a" {
				continue // the one page that leads on to a provider
			}
			if (a.Key == "src" || a.Key == "href") && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") {
				t.Errorf("%s %q leads elsewhere or nowhere", a.Key, a.Val)
			}
		}
	})
}

// checkReferences checks that every reference to an id is to an id of the page.
func checkReferences(t *testing.T, doc *goquery.Document) {
	t.Helper()
	ids := map[string]int{}
	doc.Find("[id]").Each(func(_ int, e *goquery.Selection) { ids[e.AttrOr("id", "")]++ })
	for id, n := range ids {
		if n > 1 || id == "" {
			t.Errorf("id %q occurs %d times", id, n)
		}
	}
	for _, attr := range []string{"aria-describedby", "aria-labelledby", "aria-controls", "for"} {
		doc.Find("[" + attr + "]").Each(func(_ int, e *goquery.Selection) {
			for id := range strings.FieldsSeq(e.AttrOr(attr, "")) {
				if ids[id] == 0 {
					t.Errorf("%s names %q, which is not there", attr, id)
				}
			}
		})
	}
	doc.Find(`a[href^="#"]`).Each(func(_ int, a *goquery.Selection) {
		if id := a.AttrOr("href", "")[1:]; ids[id] == 0 {
			t.Errorf("a link leads to #%s, which is not there", id)
		}
	})
	doc.Find(".govuk-error-summary__list a").Each(func(_ int, a *goquery.Selection) {
		id := a.AttrOr("href", "#")[1:]
		if name := goquery.NodeName(doc.Find("#" + id)); name != "input" && name != "select" && name != "textarea" {
			t.Errorf("the error summary leads to a %s, which takes no focus", name)
		}
	})
}

var key = regexp.MustCompile(`\b[a-z]+(?:\.[a-z_]+)+\b|\{[a-z]+\}`)

// checkWords looks for keys and placeholders that were not replaced by words.
func checkWords(t *testing.T, doc *goquery.Document) {
	t.Helper()
	for _, m := range key.FindAllString(doc.Find("body").Text(), -1) {
		if _, file, ok := strings.Cut(m, "."); ok && (file == "csv" || strings.HasSuffix(m, ".nl")) {
			continue
		}
		t.Errorf("%q on the page", m)
	}
}

func TestSentences(t *testing.T) {
	want := map[string]string{
		"delivery-done":    "36 van 40 records opgeslagen, 4 afgewezen",
		"delivery-checked": "36 van 40 records kunnen worden opgeslagen, 4 worden afgewezen",
		"delivery-confirm": "20 van 40 records kunnen worden opgeslagen, 19 worden afgewezen, 1 te beoordelen",
		"delivery-again":   "Alle 36 records opgeslagen",
	}
	for _, s := range samples(text.Dutch) {
		sentence, ok := want[s.name]
		if !ok {
			continue
		}
		if got := render(t, s).Find(".app-sentence").Text(); got != sentence {
			t.Errorf("%s: %q, want %q", s.name, got, sentence)
		}
	}
}

// TestReportAdvice shows that both views of the report say the same about the whole
// delivery.
func TestReportAdvice(t *testing.T) {
	for _, s := range samples(text.Dutch) {
		if s.name != "report-causes" && s.name != "report-records" && s.name != "report-print" {
			continue
		}
		if got := render(t, s).Find("main").Text(); !strings.Contains(got, "4 records afgewezen.") {
			t.Errorf("%s: %s", s.name, got)
		}
	}
}

// TestSignInIsWrongAsAWhole shows that both fields of a failed sign-in are marked as
// wrong, with one message for the two.
func TestSignInIsWrongAsAWhole(t *testing.T) {
	for _, s := range samples(text.Dutch) {
		if s.name != "signin-wrong" {
			continue
		}
		doc := render(t, s)
		for _, id := range []string{"#email", "#password"} {
			in := doc.Find(id)
			if in.AttrOr("aria-describedby", "") != "credentials-error" || !in.HasClass("govuk-input--error") {
				t.Errorf("%s is described by %q, classes %q", id, in.AttrOr("aria-describedby", ""), in.AttrOr("class", ""))
			}
		}
		if n := doc.Find(".govuk-error-summary__list a").Length(); n != 1 {
			t.Errorf("the summary has %d messages", n)
		}
		if n := doc.Find(".govuk-error-message").Length(); n != 1 {
			t.Errorf("the form has %d messages", n)
		}
	}
}

// TestCellsAreNamedAsTheirColumns shows that on a narrow screen the cells of a row have
// the names that their columns have on a wide one.
func TestCellsAreNamedAsTheirColumns(t *testing.T) {
	tables := 0
	for _, s := range samples(text.Dutch) {
		render(t, s).Find("table.app-stack").Each(func(_ int, table *goquery.Selection) {
			tables++
			heads := table.Find("thead th")
			table.Find("tbody tr").Each(func(_ int, tr *goquery.Selection) {
				tr.Children().Each(func(i int, cell *goquery.Selection) {
					if name, ok := cell.Attr("data-label"); (ok || goquery.NodeName(cell) == "td") && name != heads.Eq(i).Text() {
						t.Errorf("%s: the cell is named %q under the column %q", s.name, name, heads.Eq(i).Text())
					}
				})
			})
		})
	}
	if tables < 10 {
		t.Errorf("only %d tables found", tables)
	}
}

func render(t *testing.T, s sample) *goquery.Document {
	t.Helper()
	var b bytes.Buffer
	if err := s.page.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}
