package e2e

import (
	bin "encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"golang.org/x/text/encoding/charmap"
)

// awkward is a file whose rows are all wrong, and the number of rows that Sluis must
// find in it.
type awkward struct {
	name    string
	content string
	rows    int
}

const ownHeader = "Patiëntnummer;Geboortedatum;Geslacht;Achternaam;Voorletters"

// wrongRows returns n rows, each with its own number and an unreadable date.
func wrongRows(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("N%03d;gisteren;m;Eend;A", i+1))
	}
	return out
}

// ownFiles returns files as spreadsheets and exports write them.
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
		{"only CR", join("\r"), 6},
		{"both ends", strings.Join(lines[:3], "\n") + "\r\n" + strings.Join(lines[3:], "\r\n") + "\n", 6},
		{"no end", strings.Join(lines, "\r\n"), 6},
		{"comma", comma, 6},
		{"tab", strings.ReplaceAll(join("\n"), ";", "\t"), 6},
		{"pipe", strings.ReplaceAll(join("\n"), ";", "|"), 6},
		{"sep line", "sep=,\r\n" + comma, 6},
		{"sep line, only CR", "sep=;\r" + join("\r"), 6},
		{"titles", "Uitvoer van het EPD\n\nafdeling;oogheelkunde\n" + join("\n"), 6},
		{"blank lines", ownHeader + "\n\n" + rows[0] + "\n\n\n" + rows[1] + "\n;;;;\n" + rows[2] + "\n  ;;;;\n\"\";;\n" +
			strings.Join(rows[3:], "\n\n") + "\n\n", 6},
		{
			"line breaks",
			ownHeader + "\r\nN1;gisteren;m;\"Een\r\nd\";A\r\nN2;gisteren;m;\"E\nen\n\nd\";A\r\n\r\nN3;gisteren;m;Eend;\"A\r\n\"\r\nN4;gisteren;m;Eend;A\r\n",
			4,
		},
		{
			"quotes",
			ownHeader + "\n\"N1\";\"gisteren\";m;\"Een \"\"d\"\"; Fuut\";A\nN2;gisteren;m;O\"Neil;A\nN3;gisteren;m;\"O\"Neil\";\"B\"\nN4;gisteren;m;\"\";\"\"\"\"\nN5;gisteren;m;a\"b\"c;x\n",
			5,
		},
		{"quoted header", "\"" + strings.ReplaceAll(ownHeader, ";", "\";\"") + "\"\n" + strings.Join(rows, "\n") + "\n", 6},
		{"commas in cells", ownHeader + "\nN1;gisteren;m;Eend, van;A,B,C\nN2;gisteren;m;Fuut, de;A,B,C\n", 2},
		{"short and long rows", ownHeader + "\nN1;gisteren\nN2;gisteren;m;Eend;A;;;\nN3;gisteren;m;Eend;A;te;veel\nN4;gisteren;m\n", 4},
		{"header twice", ownHeader + "\n" + strings.Join(rows[:3], "\n") + "\n" + ownHeader + "\n" + strings.Join(rows[3:], "\n") + "\n",
			6},
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
		{
			"odd numbers",
			ownHeader + "\n0017;gisteren;m;Eend;A\n17;gisteren;m;Eend;A\n 18 ;gisteren;m;Eend;A\n\u00a019;gisteren;m;Eend;A\né1;gisteren;m;Eend;A\n\"a;b\";gisteren;m;Eend;A\n=1+1;gisteren;m;Eend;A\n",
			7,
		},
		{"number empty", ownHeader + "\n;gisteren;m;Eend;A\nN2;gisteren;m;Eend;A\n", 2},
		{
			"report in the middle",
			"Patiëntnummer;Foutmelding;Geboortedatum;Geslacht;Foutcode;Achternaam;Voorletters\nN1;oud;gisteren;m;2101;Eend;A\nN2;;gisteren;m;;Eend;A\nN3\n",
			3,
		},
	}
}

// random makes a file of cells that are hard to read.
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
		name := pick("Eend", "\"Een"+end+"d\"", "\"a \"\"b\"\"\"", "O\"N", "\"x"+end+end+"\"", "\"; \"", "é", "\" \"", "\"q\"q\"", "")
		last := pick("A", "\"A.\"", "")
		if r.IntN(4) == 0 { // another width, without a line break in a cell: Sluis accepts no row with both
			name, last = "Eend", pick("A;", "\"B\";;")
		}
		fmt.Fprintf(&b, "%s;gisteren;m;%s;%s", pick(fmt.Sprintf("N%d", i), fmt.Sprintf("\"N%d\"", i), fmt.Sprintf(" N%d", i)), name, last)
		if i < n-1 || r.IntN(2) == 0 {
			b.WriteString(end)
		}
	}
	return awkward{fmt.Sprintf("random %d", seed), b.String(), n}
}

// TestOwnFileLines shows that in awkward files the browser finds the same lines as
// Sluis, and makes files in which Sluis finds the same again.
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
				t.Errorf("%s: %d findings, and %d in the file of the rejected rows\n%q", f.name, len(found.findings), len(again.findings),
					out)
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

// kept reports whether all bytes of a file are still there, in order, in the file that
// was made of it. If the file had the added columns before, or if rows were left out,
// it compares only the first two bytes.
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

// checked delivers a file of which all rows are wrong, only to check it, and returns
// what Sluis found.
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
