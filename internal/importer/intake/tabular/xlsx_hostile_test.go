package tabular

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

// zipWith returns a zip of parts and one part more, which write writes as a stream. That
// part can be larger than memory.
func zipWith(t testing.TB, name string, write func(io.Writer), parts ...part) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, p := range parts {
		if p.name == name {
			continue
		}
		w, err := z.Create(p.name)
		if err == nil {
			_, err = io.WriteString(w, p.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	w, err := z.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	write(w)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// storedBook returns a workbook with parts that are not compressed.
func storedBook(t testing.TB, sheet string) []byte { return storedZip(t, partsOf(sheet)...) }

func storedZip(t testing.TB, parts ...part) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, p := range parts {
		w, err := z.CreateHeader(&zip.FileHeader{Name: p.name, Method: zip.Store})
		if err == nil {
			_, err = io.WriteString(w, p.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// randomBook returns a workbook with rows of eight cells and shared texts, random enough
// that it does not compress well.
func randomBook(t testing.TB, rows int) []byte {
	t.Helper()
	rnd := rand.New(rand.NewPCG(1, 2))
	texts := make([]string, rows)
	for i := range texts {
		texts[i] = fmt.Sprintf("<t>tekst %x</t>", rnd.Uint64())
	}
	var b strings.Builder
	for i := range rows {
		n := i + 1
		fmt.Fprintf(&b, `<row r="%d" spans="1:8"><c r="A%d" t="s"><v>%d</v></c><c r="B%d" s="1"><v>%d</v></c><c r="C%d"><v>%d</v></c>`, n,
			n, i, n, 1+rnd.IntN(40_000), n, rnd.Uint32())
		for _, c := range "DEFGH" {
			fmt.Fprintf(&b, `<c r="%c%d" t="s"><v>%d</v></c>`, c, n, rnd.IntN(rows))
		}
		b.WriteString("</row>")
	}
	return bookOf(t, b.String(), texts...)
}

// repeat returns a function that writes s n times.
func repeat(s string, n int) func(io.Writer) {
	return func(w io.Writer) {
		many := []byte(strings.Repeat(s, 1000))
		for range n / 1000 {
			if _, err := w.Write(many); err != nil {
				panic(err)
			}
		}
	}
}

func inSheet(rows func(io.Writer)) func(io.Writer) {
	return func(w io.Writer) {
		_, _ = io.WriteString(w, "<worksheet><sheetData>")
		rows(w)
		_, _ = io.WriteString(w, "</sheetData></worksheet>")
	}
}

// heapPeak returns how many bytes the heap grew, at most, while f ran.
func heapPeak(f func()) uint64 {
	defer debug.SetGCPercent(debug.SetGCPercent(20)) // otherwise a busy machine counts garbage too
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, peak := m.HeapAlloc, uint64(0)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapAlloc)
			}
		}
	}()
	f()
	close(done)
	<-ended
	runtime.ReadMemStats(&m)
	peak = max(peak, m.HeapAlloc)
	return peak - min(peak, before)
}

// TestXLSXHostile checks of every hostile file that reading it ends, with the right
// refusal, and that the heap stays small meanwhile.
func TestXLSXHostile(t *testing.T) {
	const sheet, shared = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
	base := partsOf(`<row><c><v>1</v></c></row></sheetData>`)
	limits := Limits{Expanded: 40 << 20, Texts: 8 << 20}
	book := func(name string, write func(io.Writer)) []byte { return zipWith(t, name, write, base...) }
	lying := book(sheet, inSheet(repeat(`<row><c><v>1</v></c></row>`, 100_000)))
	at := bytes.LastIndex(lying, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(lying[at+24:], 10) // the size that the directory declares
	huge := bytes.Clone(lying)
	binary.LittleEndian.PutUint32(huge[at+24:], 0xFFFFFFF0)
	var entries []part
	for i := range maxEntries + 1 {
		entries = append(entries, part{fmt.Sprint(i), "x"})
	}
	var long []part
	for i := range 100 {
		long = append(long, part{strings.Repeat("n", 60_000) + fmt.Sprint(i), "x"})
	}
	for name, c := range map[string]struct {
		raw  []byte
		rows int
		code Code // "" if the file is read to its end
		line int
		heap uint64 // MiB
	}{
		"sheet that inflates": {book(sheet, inSheet(repeat(`<row><c s="1"/></row>`, 3_000_000))), 0, TooExpanded, 0, 32},
		"declared too small":  {lying, 0, BrokenWorkbook, 0, 32},
		"declared too great":  {huge, 0, BrokenWorkbook, 0, 32},
		"million blank rows":  {book(sheet, inSheet(repeat(`<row s="1"><c s="1"/><c s="2"/></row>`, 1_000_000))), 0, "", 0, 32},
		"16,384 blank columns": {book(sheet, inSheet(func(w io.Writer) {
			repeat("<row>"+strings.Repeat(`<c s="1"/>`, 16_384)+"</row>",
				1000)(w)
		})), 0, TooExpanded, 0, 32},
		"16,384 columns": {bookOf(t, "<row>"+strings.Repeat(`<c><v>1</v></c>`, 16_384)+"</row>"), 0, TooManyColumns, 1, 32},
		"row without an end": {book(sheet, inSheet(func(w io.Writer) {
			_,
				_ = io.WriteString(w, "<row>")
			repeat("<c/>", 3_000_000)(w)
		})), 0, BrokenWorkbook, 1, 32},
		"text without an end": {book(sheet, inSheet(func(w io.Writer) {
			_,
				_ = io.WriteString(w, `<row><c t="str"><v>`)
			repeat("abcdefgh", 4_000_000)(w)
		})), 0, RecordTooLong, 1, 32},
		"tag without an end":     {book(sheet, func(w io.Writer) { _, _ = io.WriteString(w, `<worksheet a="`); repeat("abcdefgh", 4_000_000)(w) }), 0, TooExpanded, 0, 32},
		"comment without an end": {book(sheet, func(w io.Writer) { _, _ = io.WriteString(w, `<!--`); repeat("abcdefgh", 4_000_000)(w) }), 0, TooExpanded, 0, 32},
		"text in pieces": {book(sheet, inSheet(func(w io.Writer) {
			_, _ = io.WriteString(w, `<row><c t="str"><v>`)
			repeat("abcdefgh<!---->", 2_000_000)(w)
		})), 0, RecordTooLong, 1, 32},
		"formula without an end": {book(sheet, inSheet(func(w io.Writer) { _, _ = io.WriteString(w, `<row><c><f>`); repeat("abcdefgh", 4_000_000)(w) })), 0, RecordTooLong, 1, 32},
		"huge shared text":       {book(shared, func(w io.Writer) { _, _ = io.WriteString(w, `<sst><si><t>`); repeat("abcdefgh", 4_000_000)(w) }), 0, TooExpanded, 0, 32},
		"shared text in runs": {book(shared, func(w io.Writer) {
			_, _ = io.WriteString(w, `<sst><si>`)
			repeat("<r><t>abcdefgh</t></r>", 1_000_000)(w)
		}), 0, TooExpanded, 0, 32},
		"many shared texts":    {book(shared, func(w io.Writer) { _, _ = io.WriteString(w, `<sst>`); repeat("<si><t>abcdefgh</t></si>", 1_500_000)(w) }), 0, TooExpanded, 0, 96},
		"many empty texts":     {book(shared, func(w io.Writer) { _, _ = io.WriteString(w, `<sst>`); repeat("<si/>", 4_000_000)(w) }), 0, TooExpanded, 0, 96},
		"deep elements":        {book(sheet, inSheet(repeat("<row>", 1_000_000))), 0, BrokenWorkbook, 1, 32},
		"deep in the workbook": {book("xl/workbook.xml", repeat("<workbook>", 1_000_000)), 0, BrokenWorkbook, 0, 32},
		"recursive entities": {book(sheet, func(w io.Writer) {
			_, _ = io.WriteString(w, `<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&b;">]><worksheet>&b;</worksheet>`)
		}), 0, BrokenWorkbook, 0, 32},
		"external entity": {book("xl/workbook.xml", func(w io.Writer) { _, _ = io.WriteString(w, `<!DOCTYPE a SYSTEM "file:///etc/passwd"><workbook/>`) }), 0, BrokenWorkbook, 0, 32},
		"many entries":    {zipOf(t, entries...), 0, BrokenWorkbook, 0, 32},
		"long names":      {zipOf(t, long...), 0, BrokenWorkbook, 0, 32},
		"many styles":     {book("xl/styles.xml", func(w io.Writer) { _, _ = io.WriteString(w, `<styleSheet><cellXfs>`); repeat("<xf/>", 5_000_000)(w) }), 0, BrokenWorkbook, 0, 32},
		"many relations":  {book("xl/_rels/workbook.xml.rels", func(w io.Writer) { _, _ = io.WriteString(w, `<r>`); repeat("<Relationship/>", 1_000_000)(w) }), 0, BrokenWorkbook, 0, 32},
		"many sheets": {book("xl/workbook.xml", func(w io.Writer) {
			_, _ = io.WriteString(w, `<workbook><sheets>`)
			repeat(`<sheet r:id="rId1"/>`, 1_000_000)(w)
		}), 0, BrokenWorkbook, 0, 32},
		"sheets that are one part":     {zipWith(t, sheet, inSheet(repeat(`<row><c s="1"/></row>`, 1_000_000)), sharing(base, 100)...), 0, BrokenWorkbook, 0, 32},
		"sheets that inflate together": {manySheets(t, 10), 0, TooExpanded, 0, 32},
		"a merge of every row":         {book(sheet, mergedSheet), 99_001, "", 0, 64},
		"workbook that inflates":       {book("xl/workbook.xml", func(w io.Writer) { _, _ = io.WriteString(w, `<workbook>`); repeat(`<a/>`, 11_000_000)(w) }), 0, TooExpanded, 0, 32},
		"merges that take no place":    {book(sheet, func(w io.Writer) { _, _ = io.WriteString(w, `<worksheet><mergeCells`); repeat(` `, 5_000_000)(w) }), 0, TooExpanded, 0, 32},
	} {
		t.Run(name, func(t *testing.T) {
			var (
				rows int
				err  error
			)
			heap := heapPeak(func() { rows, err = countRows(c.raw, limits) })
			e, _ := errors.AsType[*Error](err)
			if c.code == "" && err != nil || c.code != "" && (e == nil || e.Code != c.code || e.Line != c.line) || rows != c.rows {
				t.Errorf("%d rows, %v; want %d and %s at line %d", rows, err, c.rows, c.code, c.line)
			}
			if heap > c.heap<<20 {
				t.Errorf("the heap grew to %d MiB, want at most %d", heap>>20, c.heap)
			}
		})
	}
}

// sharing returns the parts of a workbook that names its one sheet n times.
func sharing(parts []part, n int) []part {
	parts = slices.Clone(parts)
	for i, p := range parts {
		if at := strings.Index(p.text, "<sheet "); p.name == "xl/workbook.xml" && at >= 0 {
			end := at + strings.Index(p.text[at:], "/>") + 2
			parts[i].text = p.text[:at] + strings.Repeat(p.text[at:end], n) + p.text[end:]
		}
	}
	return parts
}

// manySheets returns a workbook of n sheets, each of 5 MB.
func manySheets(t *testing.T, n int) []byte {
	list, relations := "", ""
	var parts []part
	for i := range n {
		list += fmt.Sprintf(`<sheet name="%d" r:id="s%d"/>`, i, i)
		relations += fmt.Sprintf(`<Relationship Id="s%d" Type="%sworksheet" Target="s%d.xml"/>`, i, transitional, i)
		parts = append(parts, part{fmt.Sprintf("xl/s%d.xml", i), "<worksheet><sheetData>" + strings.Repeat(" ", 5<<20) + "</sheetData></worksheet>"})
	}
	return zipOf(t, append(parts, part{"xl/workbook.xml", `<workbook xmlns:r="x"><sheets>` + list + `</sheets></workbook>`},
		part{"xl/_rels/workbook.xml.rels", "<Relationships>" + relations + "</Relationships>"})...)
}

// TestTexts checks that shared texts are found by their number, in whatever block they are.
func TestTexts(t *testing.T) {
	w := writer{most: 1 << 30}
	text := func(i int) string { return strings.Repeat("x", i%7) + fmt.Sprint(i) }
	const n = 3*textsCount + 5
	for i := range n {
		if i == 100 {
			w.add(bytes.Repeat([]byte("y"), 2*textsBytes))
		} else {
			w.add([]byte(text(i)))
		}
	}
	w.close()
	for i := range n {
		if got, ok := w.at(i); i == 100 && len(got) != 2*textsBytes || i != 100 && got != text(i) || !ok {
			t.Fatalf("text %d of %d blocks is %.20q", i, len(w.blocks), got)
		}
	}
	for _, i := range []int{-1, n, n + textsCount} {
		if _, ok := w.at(i); ok {
			t.Errorf("there is a text %d", i)
		}
	}
	if _, ok := (&texts{}).at(0); ok {
		t.Error("there is a text where there are none")
	}
}

// mergedSheet writes a sheet with the largest allowed number of merges, most of them over
// all rows.
func mergedSheet(w io.Writer) {
	_, _ = io.WriteString(w, `<worksheet><sheetData><row>`+strings.Repeat(`<c><v>1</v></c>`, 300)+`</row>`)
	repeat(`<row><c><v>2</v></c></row>`, 98_000)(w)
	repeat(`<row><c/><c><v>3</v></c></row>`, 1_000)(w)
	_, _ = io.WriteString(w, `</sheetData><mergeCells>`)
	for i := range maxMerges {
		_, _ = fmt.Fprintf(w, `<mergeCell ref="%c%d:%c90000"/>`, 'A'+i%26, i/26+1, 'A'+i%26)
	}
	_, _ = io.WriteString(w, `</mergeCells></worksheet>`)
}

// countRows returns the number of rows of the first table, and keeps none of them.
func countRows(raw []byte, limits Limits) (int, error) {
	src, err := openBytes(raw, limits)
	if err != nil {
		return 0, err
	}
	for table := range src.Tables() { // as intake does to find the table with patients
		if _, err := src.Rows(table); err != nil {
			return 0, err
		}
	}
	rows, err := src.Rows(0)
	if err != nil {
		return 0, err
	}
	for n := 0; ; n++ {
		if _, err := rows.Next(); errors.Is(err, io.EOF) {
			return n, nil
		} else if err != nil {
			return n, err
		}
	}
}

// TestXLSXCut cuts a workbook at every thousandth byte, and opens each piece twice: with its
// own size, and with the size of the whole workbook.
func TestXLSXCut(t *testing.T) {
	raw := randomBook(t, 5_000)
	for n := 0; n < len(raw); n += 1000 {
		for _, size := range []int{n, len(raw)} {
			src, err := OpenXLSX(bytes.NewReader(raw[:n]), int64(size), Limits{})
			if err == nil {
				_, err = sheetOf(src, 0)
			}
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Fatalf("cut at %d of %d: %v", n, len(raw), err)
			}
		}
	}
}

// TestXLSXFlat compares a sheet with one of ten times as many rows: both take as much memory.
func TestXLSXFlat(t *testing.T) {
	peak := func(rows int) uint64 {
		raw := zipWith(t, "xl/worksheets/sheet1.xml", inSheet(repeat(`<row><c t="str"><v>Jansen</v></c><c s="1"><v>36892</v></c><c><v>12345</v></c></row>`, rows)), partsOf("")...)
		return heapPeak(func() {
			if n, err := countRows(raw, Limits{}); n != rows || err != nil {
				t.Errorf("%d rows, %v", n, err)
			}
		})
	}
	if small, great := peak(30_000), peak(300_000); great > small+16<<20 {
		t.Errorf("300,000 rows take %d MiB, 30,000 %d MiB", great>>20, small>>20)
	}
}

func checkEnds(t *testing.T, raw []byte) {
	src, err := openBytes(raw, Limits{Columns: 50, RecordBytes: 4096, Expanded: 1 << 20, Texts: 1 << 16})
	if err != nil {
		if _, ok := errors.AsType[*Error](err); !ok {
			t.Fatalf("no refusal: %v", err)
		}
		return
	}
	for table := range src.Tables() {
		rows, err := src.Rows(table)
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok || rows != nil {
				t.Fatalf("no refusal: %v", err)
			}
			continue
		}
		checkRows(t, rows)
		if table == 3 {
			break
		}
	}
}

// checkRows checks what the type Rows promises, whatever the file is.
func checkRows(t *testing.T, rows Rows) {
	last := 0
	for range 1 << 20 {
		row, err := rows.Next()
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok && !errors.Is(err, io.EOF) {
				t.Fatalf("no refusal: %v", err)
			}
			if row.Cells != nil || row.Line != 0 {
				t.Fatal("a row came with an error")
			}
			return
		}
		if row.Line <= last {
			t.Fatalf("line %d after %d", row.Line, last)
		}
		last = row.Line
		if row.Numeric != nil && len(row.Numeric) != len(row.Cells) || len(row.Cells) > 50 || len(row.Cells) == 0 {
			t.Fatalf("%d cells, %d of them told to be numbers or not", len(row.Cells), len(row.Numeric))
		}
		column := -1
		for _, f := range row.Faults {
			if f.Column <= column || f.Column >= len(row.Cells) || row.Cells[f.Column] != "" {
				t.Fatalf("fault %+v of %d cells", f, len(row.Cells))
			}
			column = f.Column
		}
		if row.Blank() && len(row.Faults) == 0 {
			t.Fatalf("line %d is blank", row.Line)
		}
	}
	t.Fatal("the rows do not end")
}

// FuzzXLSX fuzzes whole files.
func FuzzXLSX(f *testing.F) {
	f.Add(bookOf(f, `<row><c t="s"><v>0</v></c><c s="1"><v>1</v></c></row>`, "<t>x</t>"))
	f.Add(storedBook(f, `<row r="3"><c r="B3" t="inlineStr"><is><t>a_x000D_</t></is></c></row></sheetData><mergeCells><mergeCell ref="B3:B5"/></mergeCells>`))
	f.Add(oleOf("Workbook"))
	f.Add(oleOf("EncryptedPackage"))
	f.Add(zipOf(f, part{"xl/workbook.bin", ""}))
	f.Fuzz(checkEnds)
}

// FuzzXLSXSheet fuzzes the sheet, the shared texts and the styles in a zip that is
// otherwise right: a random zip fails at its checksum.
func FuzzXLSXSheet(f *testing.F) {
	for _, s := range []string{
		`<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" s="1"><v>36892.5</v></c></row><row r="2"><c><f>1</f></c><c t="e"/></row></sheetData>`,
		`<row><c t="inlineStr"><is><r><t>a</t></r><rPh><t>b</t></rPh></is></c><c s="2"><v>1E5</v></c></row></sheetData><mergeCells><mergeCell ref="A1:A3"/></mergeCells>`,
		`<row r="3"/><row r="2"/>`, `<row><c r="ZZZ1"><v>1</v></c></row></sheetData>`, `<row><c t="d"><v>2001-01-01</v></c><c t="b"><v>1</v></c><c s="4"><v>-1</v></c></row></sheetData>`,
	} {
		f.Add(s, `<si><t>_x000D__xD83D_</t></si><si><r><t>x</t></r></si>`, `<numFmts><numFmt numFmtId="164" formatCode="[h]&quot;0&quot;\00"/></numFmts><cellXfs><xf numFmtId="164"/><xf numFmtId="14"/></cellXfs>`)
	}
	f.Fuzz(func(t *testing.T, sheet, shared, styles string) {
		parts := partsOf(sheet)
		parts[4].text = "<styleSheet>" + styles + "</styleSheet>"
		parts[5].text = "<sst>" + shared + "</sst>"
		checkEnds(t, storedZip(t, parts...))
	})
}

// BenchmarkXLSX reads a sheet of 20,000 rows of eight cells with shared texts.
func BenchmarkXLSX(b *testing.B) {
	const rows = 20_000
	raw := randomBook(b, rows)
	b.ReportAllocs()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		if n, err := countRows(raw, Limits{}); n != rows || err != nil {
			b.Fatal(n, err)
		}
	}
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(b.N*rows), "B/row")
}
