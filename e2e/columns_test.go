package e2e

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/xuri/excelize/v2"
)

// odd is a file of which Sluis knows no column but can guess most of them.
const odd = "Uit het EPD\nZisnr;Wanneer geboren;M/V;Eigen naam;Initialen pat.;Tussenv.;Opm\n" +
	"0017;3/4/1970;M;Jansen;A.;van;x\n0018;5/6/1971;V;Bakker;B.;;y\n0019;7/8/1972;V;Visser;C.;de;z\n"

func written(t *testing.T, name, content string) string {
	t.Helper()
	at := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(at, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return at
}

// TestColumnsInTheBrowser delivers a file with unknown headers. Its uploader assigns
// the columns by keyboard, and the next such file goes on by itself.
func TestColumnsInTheBrowser(t *testing.T) {
	p := startDemo(t, t.TempDir())
	b := newTab(t, p)
	b.signIn("uploader", "2809")
	b.deliver("save", written(t, "epd.csv", odd))
	b.awaitResult()
	b.says("Toewijzen nodig")
	b.look("columns-waiting")
	b.tabTo("main a[href$='/kolommen']")
	b.load(200, chromedp.KeyEvent(kb.Enter))
	b.wants("h1", "Kolommen toewijzen")
	b.look("columns")
	b.wants("#veld-surname-examples", "•••••• · •••••• · ••••••")
	b.wants("#veld-patientNumber-examples", "0017 · 0018 · 0019")

	b.tabTo("#veld-initials")
	b.press(kb.ArrowDown) // the column after the one that was guessed
	b.wants("#veld-initials-examples", "••• · ••")
	b.press(kb.ArrowUp)
	b.wants("#veld-initials-examples", "•. · •. · •.")
	b.tabTo("main form[method=post] button[type=submit]")
	b.load(formWrong, chromedp.KeyEvent(kb.Enter)) // the order of the dates was not said
	b.focused("the error summary", ".govuk-error-summary")
	b.look("columns-wrong")
	b.tabTo(".govuk-error-summary a[href='#volgorde']")
	b.tabTo("#volgorde")
	b.press(" ")
	b.is("[name=volgorde][value=dmy]:checked", true)
	b.is("#onthouden:checked", true)
	b.tabTo("main form[method=post] button[type=submit]")
	b.load(200, chromedp.KeyEvent(kb.Enter))
	b.awaitResult()
	b.wants("h2.app-sentence", "Alle 3 records opgeslagen")
	b.look("columns-done")

	b.deliver("check", written(t, "epd2.csv", strings.ReplaceAll(odd, "001", "002")))
	b.awaitResult()
	b.says("De kolommen zijn gelezen zoals uw centrum ze eerder toewees.")
	b.open("/aanleveringen/nieuw")
	b.says("van 1 soort bestand onthouden")
	b.look("upload-remembered")
	b.click("form[action$='/vergeten'] button")
	b.says("Vergeten.")
}

// TestDatesInTheBrowser delivers a file whose columns are known and whose dates do not
// show their order. Its uploader says it by keyboard; the same with scripts switched off.
func TestDatesInTheBrowser(t *testing.T) {
	p := startDemo(t, t.TempDir())
	b := newTab(t, p)
	b.signIn("uploader", "2809")
	open, err := os.ReadFile("../testdata/faults/17d-ampm-ambiguous.csv")
	if err != nil {
		t.Fatal(err)
	}
	b.deliver("check", written(t, "epd.csv", string(open)))
	b.awaitResult()
	b.look("dates-waiting")
	b.tabTo("main a[href$='/kolommen']")
	b.load(200, chromedp.KeyEvent(kb.Enter))
	b.wants("h1", "Volgorde van dag en maand")
	b.look("dates")
	b.tabTo("main form[method=post] button[type=submit]")
	b.load(formWrong, chromedp.KeyEvent(kb.Enter))
	b.focused("the error summary", ".govuk-error-summary")
	b.look("dates-wrong")
	b.tabTo("#volgorde")
	b.press(" ")
	b.press(kb.ArrowDown)
	b.is("[name=volgorde][value=mdy]:checked", true)
	b.tabTo("main form[method=post] button[type=submit]")
	b.load(200, chromedp.KeyEvent(kb.Enter))
	b.awaitResult()
	b.says("zijn gelezen als maand-dag-jaar. De jaren lopen van 1949 tot en met 1990.")
	b.look("dates-done")

	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.open("/aanleveringen/nieuw")
	b.click("form[action$='/vergeten'] button")
	b.deliver("check", written(t, "epd2.csv", string(open)+"700142;2/3/1950 12:00:00 AM;m;Visser;;G\n"))
	b.refresh()
	b.click("main a[href$='/kolommen']")
	b.choose("volgorde", "dmy")
	b.click("main form[method=post] button[type=submit]")
	b.refresh()
	b.says("Alle 7 records kunnen worden opgeslagen")
}

// TestColumnsWithoutJavaScript does the same with scripts switched off, in English,
// and with another header line chosen first.
func TestColumnsWithoutJavaScript(t *testing.T) {
	p := startDemo(t, t.TempDir())
	b := newTab(t, p)
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.signIn("uploader", "2809")
	b.click("button[name=taal][value=en]")
	b.deliver("save", written(t, "epd.csv", odd))
	b.refresh()
	b.click("main a[href$='/kolommen']")
	b.wants("h1", "Assign columns")
	b.choose("kop", "0")
	b.click("main form[method=get] button")
	b.is("#onthouden", false) // there is no header to remember
	b.choose("kop", "2")
	b.click("main form[method=get] button")
	b.is("#onthouden", true)
	b.pictures("plain-columns")
	b.choose("veld-initials", "3")
	b.choose("volgorde", "dmy")
	b.clickStatus("main form[method=post] button[type=submit]", formWrong)
	b.says("is chosen for two items")
	b.choose("veld-initials", "4")
	b.click("main form[method=post] button[type=submit]")
	b.refresh()
	b.wants("h2.app-sentence", "All 3 records stored")
}

// TestCheckedInTheBrowser shows the other ends of a delivery: the brake, a refused
// file, and a conflict that a data manager judges. One file is a workbook.
func TestCheckedInTheBrowser(t *testing.T) {
	p := startDemo(t, t.TempDir())
	b := newTab(t, p)
	b.signIn("uploader", "2809")

	head := header + "\n"
	rows := head
	for i := range 12 {
		birth := ""
		if i < 2 {
			birth = "2-3-1970"
		}
		rows += "2809;" + birth + ";m;r" + string(rune('a'+i)) + ";Rem" + string(rune('a'+i)) + ";;A\n"
	}
	b.deliver("save", written(t, "rem.csv", rows))
	b.awaitResult()
	b.says("Wacht op akkoord")
	b.says("83% van de records zou worden afgewezen.")
	b.says("Kolom Geboortedatum is leeg in 83% van de regels. Is het de juiste kolom?")
	b.look("brake")
	b.click("form[action$='/opslaan'] button")
	b.awaitResult()
	b.wants("h2.app-sentence", "2 van 12 records opgeslagen, 10 afgewezen")

	b.deliver("save", written(t, "bsn.csv", header+";BSN\n2809;2-3-1970;m;1;Een;;A;111222333\n"))
	b.awaitResult()
	b.says("Het bestand bevat een kolom BSN")
	b.look("refused-bsn")

	b.deliver("save", pilotWorkbook(t))
	b.awaitResult()
	b.wantStored()
	b.deliver("check", written(t, "weer.csv", head+"2809;1-1-1955;v;523534;Anders;;q\n2809;2-2-1966;v;nieuw;Nieuweling;;n\n"))
	b.awaitResult()
	b.look("checked-with-conflict")
	b.click("form[action$='/opslaan'] button")
	b.awaitResult()
	b.says("Te beoordelen")
	b.look("done-with-conflict")

	m := newTab(t, p)
	m.signIn("datamanager", "")
	m.open("/beoordelen")
	m.look("reviews")
	m.click("main table a[href^='/beoordelen/']")
	m.look("review")
	m.clickWrong("main form[method=post] button[type=submit]")
	m.look("review-wrong")
	m.tabTo("[name=besluit]")
	m.press(" ")
	m.tabTo("#reden")
	m.press("Nagevraagd bij het centrum.")
	m.tabTo("main form[method=post] button[type=submit]")
	m.load(200, chromedp.KeyEvent(kb.Enter))
	m.says("Niets te beoordelen")
	m.look("reviews-none")
}

// pilotWorkbook returns the path of the pilot's file as a workbook.
func pilotWorkbook(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(pilotFile)
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(raw), "\ufeff")))
	r.Comma = ';'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	for i, row := range rows {
		cell, err := excelize.CoordinatesToCellName(1, i+1)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.SetSheetRow("Sheet1", cell, &row); err != nil {
			t.Fatal(err)
		}
	}
	at := filepath.Join(t.TempDir(), "pilot40.xlsx")
	if err := f.SaveAs(at); err != nil {
		t.Fatal(err)
	}
	return at
}
