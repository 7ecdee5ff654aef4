package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// merged picks a file on the page of a report. It returns the file that the browser
// makes of it, with the findings after its rows.
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

// TestOwnFile shows that the pilot's file comes back with its findings and is otherwise
// the same, byte by byte, and that nothing of it is sent. The file can be repaired and
// delivered as it is. A second round replaces the columns of the first.
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
		t.Errorf("the file of the rejected rows has %d lines, want the header and four", n)
	}

	// Delivered as it is, with nothing repaired, it is read as before, and no note
	// mentions the added columns.
	b.deliver("save", written(t, "terug.csv", all))
	b.awaitResult()
	b.wantCounts("Nieuw 0", "Bijgewerkt 0", "Ongewijzigd 36", "Te beoordelen 0", "Afgewezen 4", "Gelezen 40")
	if page := b.text("main"); strings.Contains(page, "genegeerd") {
		t.Errorf("a note mentions the added columns:\n%s", page)
	}
	b.open(b.where() + "/fouten")
	again := b.merged(written(t, "terug.csv", all), "all")
	if again != all {
		t.Errorf("a second round makes another file:\n%.600s", again)
	}

	// The rejected rows, corrected, repair the delivery.
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

// mend fills in the birth dates of the pilot's rejected rows. It leaves the wrong sex
// of 666 as it is.
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

// mistakes picks files that are not the delivered one, or that are no CSV.
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
	// With one more row at the end, the findings are still on the right lines.
	b.merged(written(b.t, "meer.csv", pilot+"2809;1-1-1970;m;99;Eend;;A\n"), "all")
	b.says("Let op: dit bestand heeft 41 records, en aangeleverd werden er 40.")
}

// requests are the requests that the browser sends.
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

// wantNothingOf checks that findings were fetched, and that no request had a body or a
// name of the pilot's file in it.
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
		if strings.HasPrefix(q.URL, "blob:") { // the file that the browser itself saves
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

// ownRows is the number of rows of the large file, which is over four megabytes.
const ownRows = 30_000

// TestOwnFileIsNoStandstill shows that the page does not freeze while the script works
// on a large and wide file.
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
	t.Logf("%d rows, %d kB to %d kB in %v: %v turns of the page, the longest wait %.0f ms",
		ownRows, file.Len()>>10, len(out)>>10, took.Round(time.Millisecond), seen.Turns, seen.Longest)
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
