package e2e

import (
	"bytes"
	bin "encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"golang.org/x/text/encoding/charmap"
)

// merged picks a file on the page of a report and answers what the browser makes
// of it with the findings beside its rows.
func (b *tab) merged(file, rows string) string {
	b.t.Helper()
	b.pickOwn(file, rows)
	return b.download("[data-own-go]")
}

// pickOwn opens the block, picks a file in it and chooses the rows.
func (b *tab) pickOwn(file, rows string) {
	b.t.Helper()
	b.await("the script", `document.querySelector('[data-own-form]')?.hidden === false`)
	ask[any](b, `document.querySelector('[data-own-file]').closest('details').open = true`)
	b.choose("own-file", file)
	b.choose("own-rows", rows)
}

// TestOwnFile: the pilot's file comes back with what is wrong with it, byte by
// byte as it was but for that; nothing of it is sent; it can be repaired and
// delivered as it is, and a second round replaces the first one's columns.
func TestOwnFile(t *testing.T) {
	t.Parallel()
	p := startDemo(t, t.TempDir())
	b := newTab(t, p)
	b.signIn("uploader", "2809")
	b.deliver("save", abs(t, pilotFile))
	b.awaitResult()
	first := b.where()
	b.open(first + "/fouten")
	sent := b.listen()
	all := b.merged(abs(t, pilotFile), "all")
	b.says("Klaar: 19 regels met een melding. Het bestand staat bij uw downloads. Er is niets verstuurd.")
	b.look("own-file")
	rejected := b.merged(abs(t, pilotFile), "rejected")
	sent.wantNothingOf(t)

	original := strings.Split(string(readFile(t, pilotFile)), "\n")
	lines := strings.Split(all, "\n")
	if len(lines) != len(original) {
		t.Fatalf("%d lines became %d", len(original), len(lines))
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, strings.TrimRight(original[i], "\r")) {
			t.Errorf("line %d was changed", i+1)
		}
	}
	if got := strings.TrimSpace(lines[0]); !strings.HasSuffix(got, ";Fouternst;Foutmelding;Foutadvies;Foutcode;Foutbron") {
		t.Errorf("the header is %q", got)
	}
	for _, e := range pilotErrors {
		var at int
		fmt.Sscan(e[0], &at)
		if !strings.Contains(lines[at-1], ";afgewezen") || !strings.Contains(lines[at-1], e[3]) {
			t.Errorf("line %s does not say %q: %q", e[0], e[3], lines[at-1])
		}
	}
	if n := strings.Count(rejected, "\n"); n != 5 {
		t.Errorf("the rejected rows alone are %d lines, want the header and four", n)
	}

	// As it is, with nothing mended: read as before, and without a word about the columns.
	b.deliver("save", written(t, "terug.csv", all))
	b.awaitResult()
	b.wantCounts("Nieuw 0", "Bijgewerkt 0", "Ongewijzigd 36", "Te beoordelen 0", "Afgewezen 4", "Gelezen 40")
	if page := b.text("main"); strings.Contains(page, "genegeerd") {
		t.Errorf("the columns that were added are told:\n%s", page)
	}
	b.open(b.where() + "/fouten")
	again := b.merged(written(t, "terug.csv", all), "all")
	if again != all {
		t.Errorf("a second round makes something else of the file:\n%.600s", again)
	}

	// The rejected rows, mended, repair the delivery.
	b.open(first)
	b.click("main a[href*='herstelt=']")
	b.says("Dit bestand herstelt een eerdere aanlevering")
	b.look("upload-repair")
	b.choose("mode", "save")
	b.choose("file", written(t, "herstel.csv", mend(rejected)))
	b.click("main form[enctype] button[type=submit]")
	b.awaitResult()
	b.says("Herstelt een eerdere aanlevering: 3 van 4 hersteld")
	b.look("repairing")
	b.open(first)
	b.says("3 van 4 hersteld")
	b.says("Regel 30, patiëntnummer 666")
	b.look("repaired")
	b.open("/aanleveringen?groep=to_mend")
	b.look("deliveries-repaired")
	mistakes(b, first)
}

// mend fills the birth dates in of the pilot's rejected rows; the sex of 666 is
// forgotten.
func mend(rows string) string {
	lines := strings.Split(rows, "\n")
	head := strings.Split(lines[0], ";")
	date, number := slices.Index(head, "Geboortedatum"), slices.Index(head, "Patiëntnummer")
	for i, line := range lines[1:] {
		cells := strings.Split(line, ";")
		if len(cells) > number && cells[number] != "666" {
			cells[date] = "1-2-1970"
		}
		lines[i+1] = strings.Join(cells, ";")
	}
	return strings.Join(lines, "\n")
}

// mistakes are files that are not the one that was delivered, or that are none.
func mistakes(b *tab, first string) {
	b.t.Helper()
	b.open(first + "/fouten")
	b.await("the script", `document.querySelector('[data-own-form]')?.hidden === false`)
	ask[any](b, `document.querySelector('[data-own-file]').closest('details').open = true`)
	try := func(want string) {
		b.t.Helper()
		b.do(chromedp.Click(chromedp.CSS("[data-own-go]")))
		b.await("an answer", `!document.querySelector('[data-own-go]').disabled && !document.querySelector('[data-own-error]').hidden`)
		if got := b.text("[data-own-error]"); !strings.Contains(got, want) {
			b.t.Errorf("the error is %q, want %q", got, want)
		}
	}
	try("Kies eerst uw eigen bestand.")
	b.focused("the file", "#own-file")
	pilot := string(readFile(b.t, pilotFile))
	rows := strings.SplitAfter(pilot, "\n")
	for want, content := range map[string]string{
		"de kolomnamen zijn anders":              "Nummer;Naam\n1;Eend\n",
		"op 19 van de 19 regels met een melding": rows[0] + "\n" + strings.Join(rows[1:], ""),
		"Dit bestand is leeg.":                   "\n\n",
		"Dit is geen CSV-bestand":                "PK\x03\x04 en verder",
		"Dit bestand is geen CSV-bestand":        "%PDF-1.7\n",
	} {
		b.choose("own-file", written(b.t, "anders.csv", content))
		try(want)
	}
	b.look("own-file-wrong")
	// One row more at the end: the findings still stand where they should.
	b.merged(written(b.t, "meer.csv", pilot+"2809;1-1-1970;m;99;Eend;;A\n"), "all")
	b.says("Let op: dit bestand heeft 41 records, en aangeleverd werden er 40.")
}

// requests are what the browser sends.
type requests struct {
	mu   sync.Mutex
	list []*network.Request
}

// listen records every request from now on.
func (b *tab) listen() *requests {
	b.t.Helper()
	r := &requests{}
	call(b, network.Enable, network.EnableParams{})
	err := chromedp.Listen(b.ctx, func(ev any) {
		if e, ok := ev.(*network.EventRequestWillBeSent); ok {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.list = append(r.list, e.Request)
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// wantNothingOf holds that findings were fetched, and that no request had a body or
// a name of the pilot's in it.
func (r *requests) wantNothingOf(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	fetched := 0
	for _, q := range r.list {
		raw, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(q.URL, "blob:") { // the browser's own copy, that it saves
			continue
		}
		if strings.HasSuffix(q.URL, "/fouten.json") {
			fetched++
		}
		if q.Method != http.MethodGet || q.HasPostData || names(t).Match(raw) {
			t.Errorf("the browser sends %s", raw)
		}
	}
	if fetched != 2 {
		t.Errorf("the findings were fetched %d times, want 2; %d requests", fetched, len(r.list))
	}
}

// awkward is a file whose rows are all wrong, with as many as Sluis must find.
type awkward struct {
	name    string
	content string
	rows    int
}

const ownHeader = "Patiëntnummer;Geboortedatum;Geslacht;Achternaam;Voorletters"

// wrongRows are rows, each with its own number and a date that none can read.
func wrongRows(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("N%03d;gisteren;m;Eend;A", i+1))
	}
	return out
}

// ownFiles are files as spreadsheets and exports write them.
func ownFiles() []awkward {
	rows := wrongRows(6)
	lines := append([]string{ownHeader}, rows...)
	join := func(end string) string { return strings.Join(lines, end) + end }
	comma := strings.ReplaceAll(join("\r\n"), ";", ",")
	encode := func(m *charmap.Charmap, s string) string {
		out, err := m.NewEncoder().String(s)
		if err != nil {
			panic(err)
		}
		return out
	}
	sixteen := func(order bin.AppendByteOrder, bom bool, s string) string {
		if bom {
			s = "\ufeff" + s
		}
		var out []byte
		for _, u := range utf16.Encode([]rune(s)) {
			out = order.AppendUint16(out, u)
		}
		return string(out)
	}
	ascii := strings.ReplaceAll(join("\r\n"), "ë", "e")
	accents := strings.ReplaceAll(join("\r\n"), "Eend", "Zeeëend één")
	return []awkward{
		{"CRLF", join("\r\n"), 6},
		{"LF", join("\n"), 6},
		{"CR alone", join("\r"), 6},
		{"both ends", strings.Join(lines[:3], "\n") + "\r\n" + strings.Join(lines[3:], "\r\n") + "\n", 6},
		{"no end", strings.Join(lines, "\r\n"), 6},
		{"comma", comma, 6},
		{"tab", strings.ReplaceAll(join("\n"), ";", "\t"), 6},
		{"pipe", strings.ReplaceAll(join("\n"), ";", "|"), 6},
		{"sep line", "sep=,\r\n" + comma, 6},
		{"sep line, CR alone", "sep=;\r" + join("\r"), 6},
		{"titles", "Uitvoer van het EPD\n\nafdeling;oogheelkunde\n" + join("\n"), 6},
		{"blank lines", ownHeader + "\n\n" + rows[0] + "\n\n\n" + rows[1] + "\n;;;;\n" + rows[2] + "\n  ;;;;\n\"\";;\n" + strings.Join(rows[3:], "\n\n") + "\n\n", 6},
		{"line breaks", ownHeader + "\r\nN1;gisteren;m;\"Een\r\nd\";A\r\nN2;gisteren;m;\"E\nen\n\nd\";A\r\n\r\nN3;gisteren;m;Eend;\"A\r\n\"\r\nN4;gisteren;m;Eend;A\r\n", 4},
		{"quotes", ownHeader + "\n\"N1\";\"gisteren\";m;\"Een \"\"d\"\"; Fuut\";A\nN2;gisteren;m;O\"Neil;A\nN3;gisteren;m;\"O\"Neil\";\"B\"\nN4;gisteren;m;\"\";\"\"\"\"\nN5;gisteren;m;a\"b\"c;x\n", 5},
		{"quoted header", "\"" + strings.ReplaceAll(ownHeader, ";", "\";\"") + "\"\n" + strings.Join(rows, "\n") + "\n", 6},
		{"commas in cells", ownHeader + "\nN1;gisteren;m;Eend, van;A,B,C\nN2;gisteren;m;Fuut, de;A,B,C\n", 2},
		{"short and long rows", ownHeader + "\nN1;gisteren\nN2;gisteren;m;Eend;A;;;\nN3;gisteren;m;Eend;A;te;veel\nN4;gisteren;m\n", 4},
		{"header twice", ownHeader + "\n" + strings.Join(rows[:3], "\n") + "\n" + ownHeader + "\n" + strings.Join(rows[3:], "\n") + "\n", 6},
		{"example row", ownHeader + "\nVOORBEELD;1-1-2001;m;Voorbeeld;A\n" + strings.Join(rows, "\n") + "\n", 6},
		{"end of file sign", join("\r\n") + "\x1a", 6},
		{"ASCII", ascii, 6},
		{"UTF-8", accents, 6},
		{"UTF-8, marked", "\ufeff" + accents, 6},
		{"UTF-16LE, marked", sixteen(bin.LittleEndian, true, accents), 6},
		{"UTF-16BE, marked", sixteen(bin.BigEndian, true, accents), 6},
		{"UTF-16LE", sixteen(bin.LittleEndian, false, accents), 6},
		{"UTF-16BE", sixteen(bin.BigEndian, false, accents), 6},
		{"Windows-1252", encode(charmap.Windows1252, accents), 6},
		{"DOS", encode(charmap.CodePage850, accents), 6},
		{"Mac", encode(charmap.Macintosh, strings.ReplaceAll(accents, "\r\n", "\r")), 6},
		{"odd numbers", ownHeader + "\n0017;gisteren;m;Eend;A\n17;gisteren;m;Eend;A\n 18 ;gisteren;m;Eend;A\n\u00a019;gisteren;m;Eend;A\né1;gisteren;m;Eend;A\n\"a;b\";gisteren;m;Eend;A\n=1+1;gisteren;m;Eend;A\n", 7},
		{"number empty", ownHeader + "\n;gisteren;m;Eend;A\nN2;gisteren;m;Eend;A\n", 2},
		{"report in the middle", "Patiëntnummer;Foutmelding;Geboortedatum;Geslacht;Foutcode;Achternaam;Voorletters\nN1;oud;gisteren;m;2101;Eend;A\nN2;;gisteren;m;;Eend;A\nN3\n", 3},
	}
}

// random makes a file of cells that try a reader.
func random(seed uint64) awkward {
	r := rand.New(rand.NewPCG(seed, 7))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	end := pick("\n", "\r\n")
	var b strings.Builder
	if r.IntN(3) == 0 {
		b.WriteString("Lijst" + end)
	}
	b.WriteString(ownHeader + end)
	n := 4 + r.IntN(12)
	for i := range n {
		for r.IntN(4) == 0 {
			b.WriteString(pick("", " ", ";;;;", "\"\"") + end)
		}
		name, last := pick("Eend", "\"Een"+end+"d\"", "\"a \"\"b\"\"\"", "O\"N", "\"x"+end+end+"\"", "\"; \"", "é", "\" \"", "\"q\"q\"", ""), pick("A", "\"A.\"", "")
		if r.IntN(4) == 0 { // Sluis takes no row of another width with a line break in a cell
			name, last = "Eend", pick("A;", "\"B\";;")
		}
		fmt.Fprintf(&b, "%s;gisteren;m;%s;%s", pick(fmt.Sprintf("N%d", i), fmt.Sprintf("\"N%d\"", i), fmt.Sprintf(" N%d", i)), name, last)
		if i < n-1 || r.IntN(2) == 0 {
			b.WriteString(end)
		}
	}
	return awkward{fmt.Sprintf("random %d", seed), b.String(), n}
}

// TestOwnFileLines: on awkward files the browser finds the lines that Sluis finds,
// and makes files of which Sluis finds the same again.
func TestOwnFileLines(t *testing.T) {
	t.Parallel()
	p := startDemo(t, t.TempDir())
	b := newTab(t, p)
	b.signIn("uploader", "2809")
	files := ownFiles()
	start := uint64(time.Now().UnixNano())
	t.Logf("seed %d", start)
	for i := range uint64(12) {
		files = append(files, random(start+i))
	}
	for _, f := range files {
		found := p.checked(t, f.name, f.content, f.rows)
		b.open("/aanleveringen/" + found.id + "/fouten")
		for _, rows := range []string{"all", "rejected"} {
			// The browser itself compares the patient number on each line.
			out := b.merged(written(t, "bestand.csv", f.content), rows)
			if want := fmt.Sprintf("Klaar: %d regels", f.rows); !strings.Contains(b.text("[data-own-status]"), want) {
				t.Errorf("%s, %s: %q, want %q", f.name, rows, b.text("[data-own-status]"), want)
			}
			again := p.checked(t, f.name+", "+rows, out, f.rows)
			if rows == "all" && !slices.Equal(again.findings, found.findings) {
				t.Errorf("%s: found\n%q, and of what came back\n%q\n%q", f.name, found.findings, again.findings, out)
			}
			if rows == "rejected" && len(again.findings) != len(found.findings) {
				t.Errorf("%s: %d findings, and %d of the rejected rows alone\n%q", f.name, len(found.findings), len(again.findings), out)
			}
			if again.notes != found.notes {
				t.Errorf("%s: %d notes, and %d of what came back", f.name, found.notes, again.notes)
			}
			if !kept(f.content, out, rows) {
				t.Errorf("%s, %s: what was there was changed:\n%q\n%q", f.name, rows, f.content, out)
			}
		}
	}
}

// kept tells whether a file is still there, in its order, in what was made of it;
// of a file that had the columns before, or of which rows are left out, only the
// start can be told.
func kept(was, now, rows string) bool {
	if strings.Contains(was, "Foutmelding") || rows == "rejected" {
		return len(now) > 0 && was[:2] == now[:2]
	}
	i := 0
	for j := 0; j < len(now) && i < len(was); j++ {
		if now[j] == was[i] {
			i++
		}
	}
	return i == len(was)
}

// found is what Sluis found in a file.
type found struct {
	id       string
	findings []string // line, number and code of each
	notes    int
}

// checked delivers a file to be checked, all of whose rows are wrong.
func (p *program) checked(t *testing.T, name, content string, rows int) found {
	t.Helper()
	token := p.token("uploader", "2809")
	a := p.post(t, token, "/api/v1/deliveries?check=true&filename=bestand.csv", "text/csv", strings.NewReader(content))
	var d delivery
	if err := json.Unmarshal(a.body, &d); err != nil || a.status != http.StatusAccepted {
		t.Fatalf("%s: %d %v", name, a.status, err)
	}
	got := p.await(t, token, d.ID)
	if got.Status != "checked" || got.Planned == nil || got.Planned.Read != rows || got.Planned.Rejected != rows {
		t.Fatalf("%s: %s %+v %+v, want %d rows\n%q", name, got.Status, got.Planned, got.Reasons, rows, content)
	}
	out := found{id: d.ID}
	var detail struct{ Notes []any }
	if err := json.Unmarshal(p.get(t, token, "/api/v1/deliveries/"+d.ID), &detail); err != nil {
		t.Fatal(err)
	}
	out.notes = len(detail.Notes)
	var report struct {
		Rows []struct {
			Line                int
			PatientNumber, Code string
		}
	}
	if err := json.Unmarshal(p.get(t, token, "/api/v1/deliveries/"+d.ID+"/report"), &report); err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Rows {
		out.findings = append(out.findings, fmt.Sprintf("%d %q %s", r.Line, r.PatientNumber, r.Code))
	}
	return out
}

// ownRows is how many rows the large file has: over four megabytes.
const ownRows = 30_000

// TestOwnFileIsNoStandstill: a large and wide file is worked on in turns, so that
// the page goes on.
func TestOwnFileIsNoStandstill(t *testing.T) {
	p := startDemo(t, t.TempDir())
	b := newTab(t, p)
	b.signIn("uploader", "2809")
	var file bytes.Buffer
	file.WriteString(ownHeader + strings.Repeat(";Opmerking", 20) + "\r\n")
	for i := range ownRows {
		date := "gisteren"
		if i%4 == 0 {
			date = "1-1-1970"
		}
		fmt.Fprintf(&file, "N%06d;%s;m;Eend;A%s\r\n", i, date, strings.Repeat(";goed gezien", 10))
	}
	path := written(t, "groot.csv", file.String())
	d := p.await(t, p.token("uploader", "2809"), p.upload(t, p.token("uploader", "2809"), path, "check=true").ID)
	if d.Status != "checked" || d.Planned.Rejected != ownRows-ownRows/4 {
		t.Fatalf("%s %+v", d.Status, d.Planned)
	}
	b.open("/aanleveringen/" + d.ID + "/fouten")
	b.pickOwn(path, "all")
	ask[any](b, `(() => {
		const seen = window.seen = {turns: 0, longest: 0}
		let last = performance.now()
		const tick = () => { seen.turns++; seen.longest = Math.max(seen.longest, performance.now() - last); last = performance.now(); setTimeout(tick) }
		setTimeout(tick)
	})()`)
	began := time.Now()
	out := b.download("[data-own-go]")
	took := time.Since(began)
	seen := ask[struct{ Turns, Longest float64 }](b, `({Turns: seen.turns, Longest: seen.longest})`)
	t.Logf("%d rows, %d kB to %d kB in %v: %v turns of the page, the longest wait %.0f ms", ownRows, file.Len()>>10, len(out)>>10, took.Round(time.Millisecond), seen.Turns, seen.Longest)
	if n := strings.Count(out, ";afgewezen"); n != ownRows-ownRows/4 {
		t.Errorf("%d rows are marked, want %d", n, ownRows-ownRows/4)
	}
	if seen.Turns < 10 {
		t.Errorf("the page had %v turns", seen.Turns)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
