// What a process takes at most is told in KiB on Linux; the race detector would be
// counted with it.

//go:build linux && !race

package importer_test

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"sluis/internal/delivery"
	"sluis/internal/importer/intake"
)

// What a hostile file may cost: bytes of memory of a process that takes it.
const maxPeak = 512 << 20

// hostileFile names the file that this process, a child of the test, is to deliver.
const hostileFile = "SLUIS_TEST_HOSTILE_FILE"

// hostile is a file made to cost time, memory or a disk.
type hostile struct {
	name  string
	write func(w io.Writer)
}

// TestHostileFiles delivers files made to do harm, each in a process of its own: from
// the upload to the end, it stays below a bound of memory, leaves no file behind and
// ends as an outcome or a refusal. With -v it prints the table.
func TestHostileFiles(t *testing.T) {
	if path := os.Getenv(hostileFile); path != "" {
		deliverHostile(t, path)
		return
	}
	for _, format := range []struct {
		name  string
		files []hostile
	}{{"csv", hostileCSV()}, {"xlsx", hostileXLSX()}, {"json", hostileJSON()}, {"fhir", hostileFHIR()}} {
		for _, h := range format.files {
			file := filepath.Join(t.TempDir(), "file")
			out, err := os.Create(file)
			if err != nil {
				t.Fatal(err)
			}
			buffered := bufio.NewWriter(out)
			h.write(buffered)
			if err := buffered.Flush(); err != nil {
				t.Fatal(err)
			}
			info, err := out.Stat()
			if err != nil || out.Close() != nil {
				t.Fatal(err)
			}
			temp := t.TempDir()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHostileFiles$", "-test.v")
			cmd.Env = append(os.Environ(), hostileFile+"="+file, "TMPDIR="+temp, "GOMEMLIMIT=off")
			start := time.Now()
			said, err := cmd.CombinedOutput()
			took := time.Since(start)
			usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
			if err != nil || !ok {
				t.Errorf("%s, %s: %v\n%s", format.name, h.name, err, said)
				continue
			}
			peak, end := usage.Maxrss<<10, ending(string(said))
			t.Logf("%-4s %-32s %6.1f MB in, %5.1f s, peak %3d MiB, %s", format.name, h.name, float64(info.Size())/1e6, took.Seconds(),
				peak>>20, end)
			if peak > maxPeak {
				t.Errorf("%s, %s: the peak is %d MiB", format.name, h.name, peak>>20)
			}
			if left, err := os.ReadDir(temp); err != nil || len(left) != 0 || !strings.HasPrefix(end, "0 temporary files") {
				t.Errorf("%s, %s: left %v, %s (%v)", format.name, h.name, left, end, err)
			}
		}
	}
}

// ending is the line in which a child says what became of its file.
func ending(said string) string {
	for line := range strings.Lines(said) {
		if _, end, ok := strings.Cut(line, "ENDED "); ok {
			return strings.TrimSpace(end)
		}
	}
	return "no ending"
}

// deliverHostile takes one file all the way, in a child of the test.
func deliverHostile(t *testing.T, path string) {
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	p := newPlant(t)
	d := p.deliverFrom(t, file)
	// The database is the one thing that may be in the folder for temporary files.
	temp, err := os.ReadDir(os.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	temp = slices.DeleteFunc(temp, func(e os.DirEntry) bool { return strings.HasPrefix(e.Name(), "TestHostileFiles") })
	codes := ""
	for _, r := range d.Refusals {
		codes += " " + r.Code
	}
	t.Logf("ENDED %d temporary files, %s%s, %d read, %d created, %d rejected", len(temp), d.State, codes, d.Counts.Read, d.Counts.Created,
		d.Counts.Rejected)
}

func (p *plant) deliverFrom(tb testing.TB, r io.Reader) delivery.Delivery {
	tb.Helper()
	id, err := p.intake.Receive(tb.Context(), intake.Upload{Who: tester, Centre: p.centre, Mode: delivery.Save}, r)
	if err != nil {
		tb.Fatal(err)
	}
	p.settle(tb)
	return p.delivery(tb, id)
}

// text writes a, then s n times, then b.
func text(a, s string, n int, b string) func(io.Writer) {
	return func(w io.Writer) {
		_, _ = io.WriteString(w, a)
		for range n {
			_, _ = io.WriteString(w, s)
		}
		_, _ = io.WriteString(w, b)
	}
}

func hostileCSV() []hostile {
	const row = "2809;2-1-1970;m;%d;Jansen;;A\n"
	one := fmt.Sprintf(row, 1)
	return []hostile{
		{"blank lines", text(head, "\n", 5_000_000, one)},
		{"blank cells", text(head, ";;;;;;\n", 500_000, one)},
		{"a line without an end", text(head, "abcdefgh", 1_000_000, "")},
		{"a quote without an end", text(head+one+`2809;2-1-1970;m;2;"`, "Jansen\n", 1_000_000, "")},
		{"quotes alone", text(head, `"`, 5_000_000, "")},
		{"lines of quotes", text(head, "\"\"\"\"\n", 400_000, "")},
		{"delimiters alone", text("", ";", 10_000_000, "")},
		{"a header of a million cells", text("", "Achternaam;", 1_000_000, "\n"+one)},
		{"carriage returns alone", text(head, "\r", 5_000_000, one)},
		{"NULs behind a megabyte", text(head+strings.Repeat(one, 40_000), "\x00", 5_000_000, "")},
		{"rows beyond the limit", text(head, one, 300_000, "")},
		{"10,000 rows that say nothing", text(head, ";x;;;;;\n", 10_000, "")},
		{"the header without an end", text(head, head, 50_000, one)},
		{"UTF-16 of halves", text("\xff\xfe", "\x00\xd8", 3_000_000, "")},
		{"cells of a megabyte", text(head, "2809;2-1-1970;m;7;"+strings.Repeat("x", 900_000)+";;A\n", 5, "")},
		{"control characters everywhere", text(strings.TrimSpace(head)+strings.Repeat(";Opmerking", 400)+"\n",
			"\x01;\x01;\x01;\x01;\x01;\x01;\x01"+strings.Repeat(";\x01", 400)+"\n", 1_000, "")},
	}
}

// book writes a workbook of one sheet; a part that is named takes the place of one
// that would be there.
func book(part string, write func(w io.Writer)) func(io.Writer) { return books(1, part, write) }

// books writes one of n sheets; those that are not named are copies of one that is.
func books(n int, part string, write func(w io.Writer)) func(io.Writer) {
	const main, relations = "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
		"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	rel := func(id, kind, target string) string {
		return `<Relationship Id="` + id + `" Type="` + relations + "/" + kind + `" Target="` + target + `"/>`
	}
	list, sheets := "", ""
	for i := range n {
		list += rel(fmt.Sprint("s", i), "worksheet", fmt.Sprintf("worksheets/sheet%d.xml", i+1))
		sheets += fmt.Sprintf(`<sheet name="%d" r:id="s%d"/>`, i, i)
	}
	parts := [][2]string{
		{"_rels/.rels", "<Relationships>" + rel("r", "officeDocument", "xl/workbook.xml") + "</Relationships>"},
		{"xl/_rels/workbook.xml.rels", "<Relationships>" + list + rel("t", "sharedStrings", "sharedStrings.xml") +
			rel("y", "styles", "styles.xml") + "</Relationships>"},
		{"xl/workbook.xml", `<workbook xmlns="` + main + `" xmlns:r="` + relations + `"><sheets>` + sheets + `</sheets></workbook>`},
		{"xl/styles.xml", "<styleSheet/>"}, {"xl/sharedStrings.xml", "<sst/>"},
		{"xl/worksheets/sheet1.xml", "<worksheet><sheetData/></worksheet>"},
	}
	return func(w io.Writer) {
		z := zip.NewWriter(w)
		for _, p := range parts {
			if p[0] != part {
				f, _ := z.Create(p[0])
				_, _ = io.WriteString(f, p[1])
			}
		}
		f, _ := z.Create(part)
		write(f)
		for i := 1; i < n; i++ {
			f, _ := z.Create(fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1))
			write(f)
		}
		_ = z.Close()
	}
}

func hostileXLSX() []hostile {
	const sheet, texts = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
	const from, to = "<worksheet><sheetData>", "</sheetData></worksheet>"
	cells := func(values ...string) string {
		var b strings.Builder
		b.WriteString("<row>")
		for _, v := range values {
			b.WriteString(`<c t="str"><v>` + v + `</v></c>`)
		}
		return b.String() + "</row>"
	}
	header := cells(strings.Split(strings.TrimSpace(head), ";")...)
	return []hostile{
		{"a sheet of 1.2 GB of blank rows", book(sheet, text(from, `<row><c s="1"/><c s="2"/></row>`+strings.Repeat(" ", 990), 1_200_000, to))},
		{"a sheet of a million blank rows", book(sheet, text(from+header, `<row><c s="1"/></row>`, 1_048_576, cells("2809", "2-1-1970", "m", "1", "Jansen", "", "A")+to))},
		{"12 sheets of 40 rows of a megabyte", books(12, sheet, text(from, `<row><c t="str"><v>`+strings.Repeat("x", 1_000_000)+`</v></c></row>`, 40, to))},
		{"150 sheets of 40 rows of 500 cells", books(150, sheet, text(from, "<row>"+strings.Repeat(`<c t="str"><v>`+strings.Repeat("x", 100)+`</v></c>`, 500)+"</row>", 40, to))},
		{"a text of 200 MB", book(texts, text("<sst><si><t>", "abcdefgh", 25_000_000, "</t></si></sst>"))},
		{"texts of 200 MB", book(texts, text("<sst>", "<si><t>abcdefghijklmnopqrstuvwxyz</t></si>", 5_000_000, "</sst>"))},
		{"texts of nothing, 25 million", book(texts, text("<sst>", "<si/>", 25_000_000, "</sst>"))},
		{"a cell of 100 MB", book(sheet, text(from+`<row><c t="str"><v>`, "abcdefgh", 12_000_000, "</v></c></row>"+to))},
		{"16,384 cells a row", book(sheet, text(from, "<row>"+strings.Repeat("<c><v>1</v></c>", 16_384)+"</row>", 100, to))},
		{"a million elements deep", book(sheet, text(from, "<row>", 1_000_000, ""))},
		{"entities in entities", book(sheet, text(`<!DOCTYPE a [<!ENTITY a "ha">`, `<!ENTITY b "&a;&a;&a;">`, 100, "]><worksheet>&b;</worksheet>"))},
		{"an attribute of 100 MB", book(sheet, text(`<worksheet a="`, "abcdefgh", 12_000_000, `"/>`))},
		{"10 million styles", book("xl/styles.xml", text("<styleSheet><cellXfs>", "<xf/>", 10_000_000, "</cellXfs></styleSheet>"))},
		{"100,000 entries in the zip", func(w io.Writer) {
			z := zip.NewWriter(w)
			for i := range 100_000 {
				_, _ = z.Create(fmt.Sprint(i))
			}
			_ = z.Close()
		}},
		{"a zip that is none", text("PK\x03\x04", "PK\x01\x02PK\x05\x06", 2_000_000, "")},
		{"an OLE file that is none", text("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "W\x00o\x00r\x00k\x00", 2_000_000, "")},
		{"merges over all rows", book(sheet, func(w io.Writer) {
			text(from+header, cells("2809", "2-1-1970", "m", "1", "Jansen", "", "A"), 3_000, "</sheetData><mergeCells>")(w)
			for i := range 99_000 {
				_, _ = fmt.Fprintf(w, `<mergeCell ref="%c%d:%c1000000"/>`, 'A'+i%26, i+1, 'A'+i%26)
			}
			_, _ = io.WriteString(w, "</mergeCells></worksheet>")
		})},
	}
}

func hostileJSON() []hostile {
	one := `{"patientNumber":"1","birthDate":"1970-01-02","sex":"m","surname":"Jansen","initials":"A"}`
	return []hostile{
		{"empty objects, 500,000", text("[", "{},", 500_000, one+"]")},
		{"nothing, 500,000 times", text("[", "null,", 500_000, one+"]")},
		{"blank lines", text("", "\n", 5_000_000, one)},
		{"spaces in a value", text(`[{"sex":`, " ", 5_000_000, `"m"}]`)},
		{"a string without an end", text(`[{"surname":"`, "abcdefgh", 1_000_000, "")},
		{"a number without an end", text(`[{"patientNumber":`, "9", 5_000_000, "}]")},
		{"objects in objects", text("", `{"a":`, 1_000_000, "")},
		{"lists in lists", text("[", "[", 5_000_000, "")},
		{"a million names", func(w io.Writer) {
			_, _ = io.WriteString(w, "[")
			for i := range 1_000_000 {
				_, _ = fmt.Fprintf(w, `{"n%d":1},`, i)
			}
			_, _ = io.WriteString(w, one+"]")
		}},
		{"a name in 40,000 ways", func(w io.Writer) {
			_, _ = io.WriteString(w, "[")
			name := []byte("patientnumberofthehospital")
			for i := range 40_000 {
				spelt := slices.Clone(name)
				for j := range spelt {
					spelt[j] -= byte(i>>j&1) * 32
				}
				_, _ = fmt.Fprintf(w, `{"%s":1},`, spelt)
			}
			_, _ = io.WriteString(w, one+"]")
		}},
		{"an object of a million names", text("[{", `"a":1,`, 1_000_000, `"b":1}]`)},
		{"wrapped, and 4 MB around it", text(`{"patients":[`+one+`],"log":[`, `{"a":["x"]},`, 300_000, "0]}")},
		{"wrapped in wrappings", text("", `{"data":`, 1_000_000, "")},
		{"a list of 30,000 in a record", text(`[{"patientNumber":"1","temporaryPseudonyms":[`, `{"type":"NGGV","value":"x"},`, 30_000, `{}]}]`)},
		{"10,000 records that say nothing", text("[", `{"patientNumber":[1],"birthDate":{},"sex":true,"surname":[[]],"initials":{"a":1}},`, 10_000, one+"]")},
	}
}

func hostileFHIR() []hostile {
	const from, to = `{"resourceType":"Bundle","type":"collection","entry":[`, "]}"
	const one = `{"resource":{"resourceType":"Patient","identifier":[{"system":"urn:h","value":"1"}],"name":[{"family":"Jansen","given":["A."]}],"gender":"male","birthDate":"1970-01-02"}}`
	return []hostile{
		{"empty entries, 400,000", text(from, "{},", 400_000, one+to)},
		{"other resources, 100,000", text(from, `{"resource":{"resourceType":"Observation"}},`, 100_000, one+to)},
		{"Observations a line", text("", "{\"resourceType\":\"Observation\"}\n", 100_000, `{"resourceType":"Patient"}`)},
		{"a string without an end", text(from+`{"resource":{"resourceType":"Patient","id":"`, "abcdefgh", 1_000_000, "")},
		{"a member of 8 MB before the entries", text(`{"resourceType":"Bundle","link":["`, "abcdefgh", 1_000_000, `"],"entry":[`+one+to)},
		{"members without an end", text(`{"resourceType":"Bundle"`, `,"a":1`, 1_000_000, `,"entry":[`+one+to)},
		{"Bundles in Bundles", text("", `{"resourceType":"Bundle","entry":[{"resource":`, 500_000, "")},
		{"20,000 Bundles in an entry", text(from+`{"resource":{"resourceType":"Bundle","entry":[`, `{"resource":{"resourceType":"Bundle"}},`, 20_000, one+"]}}"+to)},
		{"100,000 Bundles", text("", `{"resourceType":"Bundle","entry":[]}`, 100_000, from+one+to)},
		{"10,000 identifiers a patient", text(from, `{"resource":{"resourceType":"Patient","identifier":[`+strings.Repeat(`{"system":"urn:x","value":"1"},`, 10_000)+`{}]}},`, 20, one+to)},
		{"60,000 systems", func(w io.Writer) {
			_, _ = io.WriteString(w, from)
			for i := range 60_000 {
				_, _ = fmt.Fprintf(w, `{"resource":{"resourceType":"Patient","identifier":[{"system":"urn:%d","value":"1"}]}},`, i)
			}
			_, _ = io.WriteString(w, one+to)
		}},
		{"extensions in extensions", text(from+`{"resource":{"resourceType":"Patient","name":[{"_family":`, `{"extension":[`, 1_000_000, "")},
		{"10,000 names a patient", text(from, `{"resource":{"resourceType":"Patient","name":[`+strings.Repeat(`{"use":"official","family":"a"},`, 10_000)+`{}]}},`, 20, one+to)},
		{"types that FHIR does not have", func(w io.Writer) {
			_, _ = io.WriteString(w, from)
			for i := range 100_000 {
				_, _ = fmt.Fprintf(w, `{"resource":{"resourceType":"T%d"}},`, i)
			}
			_, _ = io.WriteString(w, one+to)
		}},
		{"patients that are none, 10,000", text(from, `{"resource":{"resourceType":"Patient","name":5}},`, 10_000, one+to)},
	}
}
