package e2e

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
)

// The pilot's result, letter by letter.
const (
	pilotStored  = "36 van 40 records opgeslagen, 4 afgewezen"
	pilotChecked = "36 van 40 records kunnen worden opgeslagen, 4 worden afgewezen"
)

// pilotErrors are the rejected rows: line, patient number, column as in the file, and
// the TTP's message.
var pilotErrors = [][4]string{
	{"7", "987654", "Geboortedatum", "De geboortedatum is leeg"},
	{"27", "8561234897", "Geboortedatum", "De geboortedatum ligt in de toekomst"},
	{"30", "666", "Geslacht", "Het geslacht bevat een ongeldige waarde"},
	{"39", "001", "Geboortedatum", "De geboortedatum is leeg"},
}

// pilotCauses are the same rows by cause: the message and the lines.
var pilotCauses = [][2]string{
	{"De geboortedatum is leeg", "7, 39"},
	{"De geboortedatum ligt in de toekomst", "27"},
	{"Het geslacht bevat een ongeldige waarde", "30"},
}

// TestPilotInBrowser does the main job: from a hospital's file to its error report.
func TestPilotInBrowser(t *testing.T) {
	t.Parallel()
	p := startDemo(t, t.TempDir())
	b := newTab(t, p)
	b.signIn("uploader", "2809")
	b.look("overview-empty")

	b.open("/aanleveringen/nieuw")
	b.look("upload")
	b.do(chromedp.Click(chromedp.CSS("summary")))
	b.look("upload-how")
	b.clickWrong("main form[enctype] button[type=submit]")
	b.wants(".govuk-error-summary__title", "Er zijn 2 dingen niet in orde")
	b.wants("#mode-error", "Fout: Kies of u alleen wilt controleren, of ook wilt opslaan.")
	b.wants("#file-error", "Fout: Kies een bestand om aan te leveren.")
	b.look("upload-error")

	first := checkThenSave(b)
	report(b, first)
	downloads(b, first)
	again(b, first)
	pseudonymised(b, first)
	deliveryLists(b)
	asClinician(t, p)
	asDataManager(t, p, first)
	asAuditor(t, p)
}

// checkThenSave delivers the pilot file only to check it, and then saves it. It returns
// the path of the delivery's page.
func checkThenSave(b *tab) string {
	b.t.Helper()
	b.deliver("check", abs(b.t, pilotFile))
	b.awaitResult()
	b.wants("h1", "pilot40.csv")
	b.wants("h2.app-sentence", pilotChecked)
	b.says("Er is nog niets opgeslagen.")
	b.wantCounts("Nieuw 36", "Bijgewerkt 0", "Ongewijzigd 0", "Te beoordelen 0", "Afgewezen 4", "Gelezen 40")
	b.wantCauses()
	b.look("check-result")
	path := b.where()
	if d := b.p.patients(b.t); d != 0 {
		b.t.Errorf("%d patients are stored by a check", d)
	}
	b.wants("form[action$=opslaan] button", "36 records opslaan")
	b.click("form[action$=opslaan] button")
	b.awaitResult()
	b.wantStored()
	b.look("result")
	return path
}

// wantStored checks the page of the pilot's delivery, saved for the first time.
func (b *tab) wantStored() {
	b.t.Helper()
	b.wants("h2.app-sentence", pilotStored)
	b.wants(".app-delivery-head__status", "Deels verwerkt")
	b.wantCounts("Nieuw 36", "Bijgewerkt 0", "Ongewijzigd 0", "Te beoordelen 0", "Afgewezen 4", "Gelezen 40")
	b.wantCauses()
}

// wantCounts checks the numbers on the page of a delivery.
func (b *tab) wantCounts(want ...string) {
	b.t.Helper()
	got := ask[[]string](b, `[...document.querySelectorAll('.app-outcomes tbody tr')].map(
		r => r.cells[0].innerText + ' ' + r.cells[1].innerText)`)
	if !slices.Equal(got, want) {
		b.t.Errorf("%s: the counts are %q, want %q", b.where(), got, want)
	}
}

// wantCauses checks the reasons on the page of the pilot's delivery.
func (b *tab) wantCauses() {
	b.t.Helper()
	got := ask[[][]string](b, `[...document.querySelectorAll('[aria-labelledby=causes-fatal] tbody tr')]
		.map(r => [r.querySelector('[lang=nl]').innerText, r.cells[3].innerText, r.cells[1].innerText])`)
	if len(got) != len(pilotCauses) {
		b.t.Fatalf("%s: the causes are %q", b.where(), got)
	}
	for i, want := range pilotCauses {
		if want := []string{want[0], "TTP", want[1]}; !slices.Equal(got[i], want) {
			b.t.Errorf("%s: a cause is %q, want %q", b.where(), got[i], want)
		}
	}
}

// report checks the error report, by cause and per record.
func report(b *tab, path string) {
	b.t.Helper()
	b.open(path)
	b.click("main a.govuk-button[href$=fouten]")
	b.wants("h1", "Foutenrapport")
	var want []string
	for _, c := range pilotCauses {
		want = append(want, c[0])
	}
	if got := b.texts(".app-card--fatal .app-card__title"); !slices.Equal(got, want) {
		b.t.Errorf("the causes are %q, want %q", got, want)
	}
	b.says("4 records afgewezen, met 3 soorten fouten.")
	b.look("report-causes")

	b.click(".app-card--fatal a[href*=weergave]")
	b.wantRecords(pilotErrors[0], pilotErrors[3])
	b.look("report-filtered")
	b.open(path + "/fouten?weergave=records")
	b.says("4 records afgewezen, met 3 soorten fouten.")
	if sources := b.texts("[name=bron] option"); !slices.Equal(sources, []string{"Alle (21)", "TTP (6)", "Sluis (15)"}) {
		b.t.Errorf("the sources to choose from are %q", sources)
	}
	b.look("report-records")
	b.choose("ernst", "fatal")
	b.click("main form.app-filters button")
	b.wantRecords(pilotErrors...)
}

// wantRecords checks the table of the error report.
func (b *tab) wantRecords(want ...[4]string) {
	b.t.Helper()
	rows := ask[[][]string](b, `[...document.querySelectorAll('main tbody tr')].map(r => [...r.cells].map(c => c.innerText.trim()))`)
	var got [][4]string
	for _, r := range rows {
		got = append(got, [4]string{r[0], r[1], r[2], r[4]})
		if r[5] != "TTP" || r[6] != "Afgewezen" || r[7] == "" {
			b.t.Errorf("line %s: source %q, severity %q, advice %q", r[0], r[5], r[6], r[7])
		}
	}
	if !slices.Equal(got, want) {
		b.t.Errorf("the records are\n%q, want\n%q", got, want)
	}
}

// downloads checks the report's files as the browser saves them.
func downloads(b *tab, path string) {
	b.t.Helper()
	b.open(path + "/fouten")
	raw := b.download("main a[href*='fouten.csv']")
	body, bom := strings.CutPrefix(raw, "\ufeff")
	r := csv.NewReader(strings.NewReader(body))
	r.Comma = ';'
	rows, err := r.ReadAll()
	if err != nil || !bom {
		b.t.Fatalf("the CSV: %v, byte order mark %v\n%s", err, bom, raw)
	}
	for _, e := range pilotErrors {
		if i := slices.IndexFunc(rows, func(row []string) bool { return row[0] == e[0] }); i < 0 || !slices.Contains(rows[i], e[3]) {
			b.t.Errorf("the CSV does not say %q of line %s:\n%s", e[3], e[0], body)
		}
	}
	var doc struct {
		Rows []struct {
			Line                                           int
			PatientNumber, Column, Severity, Message, Code string
			Source, Advice                                 string
		}
	}
	raw = b.download("main a[href*='fouten.json']")
	if err := json.Unmarshal([]byte(raw), &doc); err != nil {
		b.t.Fatalf("the JSON: %v\n%s", err, raw)
	}
	var got [][4]string
	for _, row := range doc.Rows {
		if row.Severity == "fatal" {
			got = append(got, [4]string{fmt.Sprint(row.Line), row.PatientNumber, row.Column, row.Message})
		}
	}
	if !slices.Equal(got, pilotErrors) {
		b.t.Errorf("the JSON has %q, want %q", got, pilotErrors)
	}
	for _, text := range []string{body, raw} {
		if found := names(b.t).FindString(text); found != "" {
			b.t.Errorf("a download holds the surname %s", found)
		}
	}
}

// download clicks on a link and returns the file that the browser saved.
func (b *tab) download(selector string) string {
	b.t.Helper()
	dir, on := b.t.TempDir(), true
	done := make(chan *browser.EventDownloadProgress, 100)
	ctx, cancel := b.step()
	defer cancel()
	ours := map[string]bool{} // events come for the downloads of all tests
	err := chromedp.ListenBrowser(ctx, func(ev any) {
		switch e := ev.(type) {
		case *browser.EventDownloadWillBegin:
			ours[e.GUID] = strings.Contains(e.URL, b.p.address+"/")
		case *browser.EventDownloadProgress:
			if ours[e.GUID] && e.State != browser.DownloadProgressStateInProgress {
				done <- e
			}
		}
	})
	if err == nil {
		_, err = chromedp.CallBrowser(ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
			Behavior: browser.SetDownloadBehaviorBehaviorAllowAndName, BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID,
			DownloadPath: dir, EventsEnabled: &on,
		})
	}
	if err != nil {
		b.t.Fatal(err)
	}
	b.has(selector)
	b.do(chromedp.Click(chromedp.CSS(selector)))
	select {
	case e := <-done:
		raw, err := os.ReadFile(filepath.Join(dir, e.GUID))
		if err != nil {
			b.t.Fatalf("download %s: %s, %v", selector, e.State, err)
		}
		return string(raw)
	case <-ctx.Done():
		b.t.Fatalf("download %s: %v", selector, ctx.Err())
	}
	return ""
}

// again delivers the same file, to be saved at once. Nothing is stored twice.
func again(b *tab, first string) {
	b.t.Helper()
	b.deliver("save", abs(b.t, pilotFile))
	b.awaitResult()
	b.wants("h2.app-sentence", pilotStored)
	b.wantCounts("Nieuw 0", "Bijgewerkt 0", "Ongewijzigd 36", "Te beoordelen 0", "Afgewezen 4", "Gelezen 40")
	b.says("Dit bestand is al eerder aangeleverd: pilot40.csv")
	b.is(`main .govuk-inset-text a[href="`+first+`"]`, true)
	b.look("result-again")
}

// pseudonymised delivers the same file with temporary pseudonyms, made by the TTP of
// the demonstration.
func pseudonymised(b *tab, first string) {
	b.t.Helper()
	out := filepath.Join(b.t.TempDir(), "pilot-pseudoniemen.csv")
	command(b.t, "sandbox", "pseudonymise", "--data", b.p.dir, pilotFile, out)
	b.deliver("save", out)
	b.awaitResult()
	b.wants("h2.app-sentence", "Alle 36 records opgeslagen")
	b.wants(".app-delivery-head__status", "Verwerkt")
	b.wantCounts("Nieuw 0", "Bijgewerkt 0", "Ongewijzigd 36", "Te beoordelen 0", "Afgewezen 0", "Gelezen 36")
	b.look("result-pseudonyms")
	if b.where() == first {
		b.t.Error("the delivery is the first one")
	}
}

// deliveryLists looks at the lists of the uploader.
func deliveryLists(b *tab) {
	b.t.Helper()
	b.open("/")
	b.look("overview")
	b.open("/aanleveringen")
	b.look("deliveries-open")
	for _, tab := range []string{"closed", "to_mend"} {
		b.click("nav.app-tabs a[href*=" + tab + "]")
		b.look("deliveries-" + tab)
	}
	b.open("/aanleveringen?groep=closed")
	if n := len(b.texts("main tbody tr")); n != 3 {
		b.t.Errorf("%d deliveries are closed, want 3", n)
	}
	b.click("form[action='/taal'] button")
	b.wants("h1", "Deliveries")
	b.look("deliveries-english")
	b.click("main tbody tr:last-child a")
	b.wants("h2.app-sentence", "36 of 40 records stored, 4 rejected")
	b.look("result-english")
	b.open(b.where() + "/fouten?weergave=records")
	b.look("report-english")
	b.click("form[action='/taal'] button")
	b.wants("h1", "Foutenrapport")
}

func abs(t *testing.T, path string) string {
	t.Helper()
	full, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return full
}

// patients returns the number of patients of centre 2809, by the API.
func (p *program) patients(t testing.TB) int {
	t.Helper()
	var page struct{ Patients []any }
	if err := json.Unmarshal(p.get(t, p.token("uploader", "2809"), "/api/v1/patients?limit=500"), &page); err != nil {
		t.Fatal(err)
	}
	return len(page.Patients)
}
