package tabular

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// book is a workbook written by hand: parts by name.
type book map[string]string

const (
	bookXML  = `<workbook xmlns:r="x"><sheets><sheet name="Blad1" sheetId="1" r:id="rId1"/></sheets></workbook>`
	bookRels = `<Relationships><Relationship Id="rId1" Type="http://x/worksheet" Target="worksheets/sheet1.xml"/>` +
		`<Relationship Id="rId2" Type="http://x/sharedStrings" Target="sharedStrings.xml"/>` +
		`<Relationship Id="rId3" Type="http://x/styles" Target="/xl/styles.xml"/></Relationships>`
	rootRels = `<Relationships><Relationship Id="rId1" Type="http://x/officeDocument" Target="xl/workbook.xml"/></Relationships>`
)

// withSheet is a book of one sheet with these rows.
func withSheet(rows string) book {
	return book{
		"_rels/.rels": rootRels, "xl/workbook.xml": bookXML, "xl/_rels/workbook.xml.rels": bookRels,
		"xl/worksheets/sheet1.xml": `<worksheet><sheetData>` + rows + `</sheetData></worksheet>`,
	}
}

func (b book) with(name, content string) book { b[name] = content; return b }

func (b book) bytes(tb testing.TB) []byte {
	tb.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, content := range b {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, content)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// readBook gives the rows of a sheet as text, faults behind them.
func readBook(raw []byte, table int, limits Limits) (out []string, err error) {
	x, err := OpenXLSX(bytes.NewReader(raw), int64(len(raw)), limits)
	if err != nil {
		return nil, err
	}
	rows, err := x.Rows(table)
	if err != nil {
		return nil, err
	}
	for {
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return out, err
		}
		line := fmt.Sprintf("%d|%s", row.Line, strings.Join(row.Cells, "|"))
		for _, f := range row.Faults {
			line += fmt.Sprintf(" !%d %s", f.Column, f.Code)
		}
		out = append(out, line)
	}
}

func TestXLSXCells(t *testing.T) {
	styles := `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="0000000"/><numFmt numFmtId="165" formatCode="[$-413]d\ mmmm\ yyyy;@"/>` +
		`<numFmt numFmtId="166" formatCode="&quot;dag&quot;0"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>` +
		`<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="166"/><xf numFmtId="49"/></cellXfs></styleSheet>`
	texts := `<sst><si><t>0123</t></si><si><r><t>van </t></r><r><t xml:space="preserve">den</t></r><rPh><t>UIT</t></rPh></si><si><t>a_x000D_b &amp; c</t></si></sst>`
	for name, c := range map[string]struct{ cells, want string }{
		"shared text":            {`<c r="A1" t="s"><v>0</v></c>`, "0123"},
		"rich text":              {`<c r="A1" t="s"><v>1</v></c>`, "van den"},
		"escapes":                {`<c r="A1" t="s"><v>2</v></c>`, "a\rb & c"},
		"inline":                 {`<c r="A1" t="inlineStr"><is><t> x </t></is></c>`, "x"},
		"a formula's text":       {`<c r="A1" t="str"><f>A2</f><v>y</v></c>`, "y"},
		"a formula's number":     {`<c r="A1"><f>1+1</f><v>2</v></c>`, "2"},
		"an empty formula":       {`<c r="A1" t="str"><f>A2</f><v></v></c><c r="B1"><v>1</v></c>`, "|1"},
		"a formula not counted":  {`<c r="A1"><f>A2</f></c>`, " !0 CELL_UNCOUNTED"},
		"another":                {`<c r="A1"><f>A2</f><v/></c>`, " !0 CELL_UNCOUNTED"},
		"an error":               {`<c r="B1" t="e"><v>#N/A</v></c>`, " !1 CELL_ERROR"},
		"a truth":                {`<c r="A1" t="b"><v>1</v></c><c r="B1" t="b"><v>0</v></c>`, "TRUE|FALSE"},
		"scientific":             {`<c r="A1"><v>8.561234897E9</v></c>`, "8561234897"},
		"a decimal":              {`<c r="A1"><v>0.30000000000000004</v></c>`, "0.3"},
		"too many digits":        {`<c r="A1"><v>12345678901234567</v></c>`, " !0 CELL_ROUNDED"},
		"a day":                  {`<c r="A1" s="1"><v>36892</v></c>`, "2001-01-01"},
		"a day with a time":      {`<c r="A1" s="1"><v>36892.5</v></c>`, "2001-01-01 12:00:00"},
		"nearly midnight":        {`<c r="A1" s="1"><v>36891.999999999</v></c>`, "2001-01-01"},
		"a Dutch day":            {`<c r="A1" s="3"><v>28581</v></c>`, "1978-04-01"},
		"before the leap day":    {`<c r="A1" s="1"><v>59</v></c>`, "1900-02-28"},
		"after it":               {`<c r="A1" s="1"><v>61</v></c>`, "1900-03-01"},
		"the day that never was": {`<c r="A1" s="1"><v>60</v></c>`, "60"},
		"an ISO day":             {`<c r="A1" t="d"><v>2001-01-01T00:00:00.000Z</v></c>`, "2001-01-01"},
		"leading zeros":          {`<c r="A1" s="2"><v>123</v></c>`, "0000123"},
		"a word in a format":     {`<c r="A1" s="4"><v>12</v></c>`, "12"},
		"a text format":          {`<c r="A1" s="5"><v>12</v></c>`, "12"},
		"a style that is none":   {`<c r="A1" s="99"><v>12</v></c>`, "12"},
		"cells without a place":  {`<c><v>1</v></c><c><v>2</v></c>`, "1|2"},
		"gaps":                   {`<c r="B1"><v>1</v></c><c r="D1"><v>2</v></c><c r="Z1" s="1"/>`, "|1||2"},
		"other name spaces":      {`<x:c r="A1"><x:v>1</x:v></x:c>`, "1"},
	} {
		raw := withSheet(`<row r="1">`+c.cells+`</row>`).with("xl/styles.xml", styles).with("xl/sharedStrings.xml", texts).bytes(t)
		got, err := readBook(raw, 0, Limits{})
		if err != nil || len(got) != 1 || got[0] != "1|"+c.want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, "1|"+c.want)
		}
	}
}

func TestXLSXRows(t *testing.T) {
	cell := func(ref, text string) string {
		return fmt.Sprintf(`<c r="%s" t="inlineStr"><is><t>%s</t></is></c>`, ref, text)
	}
	for name, c := range map[string]struct {
		rows string
		want []string
	}{
		"gaps and blank styled rows": {`<row r="2">` + cell("A2", "a") + `</row><row r="3"><c r="A3" s="1"/></row><row r="7">` + cell("A7", "b") + `</row>`, []string{"2|a", "7|b"}},
		"rows without numbers":       {`<row>` + cell("A1", "a") + `</row><row/><row>` + cell("A3", "b") + `</row>`, []string{"1|a", "3|b"}},
		"merged over rows": {`<row r="1">` + cell("A1", "c") + cell("B1", "x") + `</row><row r="2"><c r="A2"/>` + cell("B2", "y") + `</row><row r="3">` + cell("B3", "z") +
			`</row><row r="4">` + cell("B4", "u") + `</row></sheetData><mergeCells count="2"><mergeCell ref="A1:A3"/><mergeCell ref="C1:D1"/></mergeCells><sheetData>`, []string{"1|c|x", "2|c|y", "3|c|z", "4||u"}},
		"no rows": {``, nil},
	} {
		got, err := readBook(withSheet(c.rows).bytes(t), 0, Limits{})
		if err != nil || strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s: %q (%v), want %q", name, got, err, c.want)
		}
	}
}

// TestXLSXOfALibrary: a workbook of another maker, with several sheets, in the
// order of its tabs; days count from 1904 in it.
func TestXLSXOfALibrary(t *testing.T) {
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	day, err := f.NewStyle(&excelize.Style{NumFmt: 14})
	for _, e := range []error{
		err,
		f.SetSheetName("Sheet1", "Uitleg"), f.SetCellStr("Uitleg", "A1", "Lees dit eerst"),
		f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: new(true)}),
	} {
		if e != nil {
			t.Fatal(e)
		}
	}
	for _, name := range []string{"Patiënten", "Oud"} {
		if _, err := f.NewSheet(name); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range []error{
		f.SetSheetVisible("Oud", false), f.SetCellStr("Patiënten", "B3", "Müller"), f.SetCellInt("Patiënten", "A3", 123),
		f.SetCellFloat("Patiënten", "C3", 0, -1, 64), f.SetCellStyle("Patiënten", "C3", "C3", day),
	} {
		if e != nil {
			t.Fatal(e)
		}
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	x, err := OpenXLSX(bytes.NewReader(out.Bytes()), int64(out.Len()), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range x.Tables() {
		names = append(names, fmt.Sprintf("%s %v %d", s.Name, s.Hidden, s.Epoch))
	}
	if got := strings.Join(names, ", "); got != "Uitleg false 2, Patiënten false 2, Oud true 2" {
		t.Errorf("sheets: %s", got)
	}
	rows, err := readBook(out.Bytes(), 1, Limits{})
	if err != nil || len(rows) != 1 || rows[0] != "3|123|Müller|1904-01-01" {
		t.Errorf("%q (%v)", rows, err)
	}
	again, err := x.Rows(1)
	if err != nil {
		t.Fatal(err)
	}
	if row, err := again.Next(); err != nil || len(row.Numeric) != 3 || !row.Numeric[0] || row.Numeric[1] || row.Numeric[2] {
		t.Errorf("numbers: %v (%v)", row.Numeric, err)
	}
}

func TestXLSXRefusals(t *testing.T) {
	ole := func(stream string) []byte {
		b := make([]byte, 4096)
		copy(b, oleMagic)
		b[0x1E] = 9
		for i, c := range stream {
			b[512+2*i] = byte(c)
		}
		return b
	}
	var locked bytes.Buffer
	z := zip.NewWriter(&locked)
	_, err := z.CreateHeader(&zip.FileHeader{Name: "xl/workbook.xml", Flags: 1})
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	good := withSheet(`<row r="1"><c r="A1"><v>1</v></c></row>`).bytes(t)
	for name, c := range map[string]struct {
		raw  []byte
		code Code
	}{
		"a password":                   {ole("EncryptedPackage"), Encrypted},
		"an old workbook":              {ole("Workbook"), OldWorkbook},
		"an old Word document":         {ole("WordDocument"), OtherDocument},
		"a cut OLE file":               {oleMagic, OtherDocument},
		"a locked zip":                 {locked.Bytes(), Encrypted},
		"a binary workbook":            {book{"xl/workbook.bin": "x"}.bytes(t), BinaryWorkbook},
		"a spreadsheet of LibreOffice": {book{"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<x/>"}.bytes(t), OtherDocument},
		"a Word document":              {book{"_rels/.rels": strings.ReplaceAll(rootRels, "xl/workbook", "word/document"), "word/document.xml": "<document/>"}.bytes(t), OtherDocument},
		"an empty zip":                 {book{}.bytes(t), OtherDocument},
		"half a zip":                   {good[:len(good)/2], BrokenWorkbook},
		"no such shared text":          {withSheet(`<row r="1"><c r="A1" t="s"><v>5</v></c></row>`).bytes(t), BrokenWorkbook},
		"rows that go back":            {withSheet(`<row r="2"><c><v>1</v></c></row><row r="1"><c><v>1</v></c></row>`).bytes(t), BrokenWorkbook},
		"cells that go back":           {withSheet(`<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>`).bytes(t), BrokenWorkbook},
		"a column far away":            {withSheet(`<row r="1"><c r="ZZZ1"><v>1</v></c></row>`).bytes(t), BrokenWorkbook},
		"no sheet":                     {withSheet("").with("xl/_rels/workbook.xml.rels", "<Relationships/>").bytes(t), BrokenWorkbook},
		"a missing part":               {func() []byte { b := withSheet(""); delete(b, "xl/worksheets/sheet1.xml"); return b.bytes(t) }(), BrokenWorkbook},
		"cut XML":                      {withSheet("").with("xl/worksheets/sheet1.xml", `<worksheet><sheetData><row r="1"><c r="A1"><v>1`).bytes(t), BrokenWorkbook},
		"XML that just ends":           {withSheet("").with("xl/worksheets/sheet1.xml", `<worksheet><sheetData>`).bytes(t), BrokenWorkbook},
		"an entity":                    {withSheet(`<row r="1"><c r="A1" t="str"><v>&boem;</v></c></row>`).bytes(t), BrokenWorkbook},
		"a document type":              {withSheet("").with("xl/worksheets/sheet1.xml", `<!DOCTYPE x [<!ENTITY boem "boem">]><worksheet/>`).bytes(t), BrokenWorkbook},
		"too many columns":             {withSheet(`<row r="1"><c r="ABC1"><v>1</v></c></row>`).bytes(t), TooManyColumns},
		"a row too long":               {withSheet(`<row r="1">` + strings.Repeat(`<c t="inlineStr"><is><t>`+strings.Repeat("x", 60_000)+`</t></is></c>`, 20) + `</row>`).bytes(t), RecordTooLong},
	} {
		_, err := readBook(c.raw, 0, Limits{})
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
}

// TestXLSXHostile: files made to cost time or memory end soon, with an *Error or
// with rows, and leave nothing on the disk.
func TestXLSXHostile(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	limits := Limits{Expanded: 64 << 20, Texts: 8 << 20}
	row := func(n int, cells string) string { return fmt.Sprintf(`<row r="%d">%s</row>`, n, cells) }
	var styled strings.Builder
	for i := range 200_000 {
		styled.WriteString(row(i+1, `<c r="A`+fmt.Sprint(i+1)+`" s="1"/>`))
	}
	full := func() string {
		var b strings.Builder
		for i := range 16_384 {
			fmt.Fprintf(&b, `<c r="%s1"><v>1</v></c>`, letters(i))
		}
		return row(1, b.String())
	}
	deep := strings.Repeat("<a>", 100_000)
	var merged strings.Builder
	for i := range 30_000 {
		fmt.Fprintf(&merged, `<mergeCell ref="A%d:A%d"/>`, i*2+1, i*2+2)
	}
	bomb := strings.Repeat(" ", 128<<20)
	many := book{}
	for i := range 120_000 {
		many[fmt.Sprintf("%040d", i)] = ""
	}
	for name, raw := range map[string][]byte{
		"a bomb of spaces":     withSheet("").with("xl/worksheets/sheet1.xml", `<worksheet>`+bomb+`</worksheet>`).bytes(t),
		"a bomb of texts":      withSheet("").with("xl/sharedStrings.xml", `<sst>`+strings.Repeat("<si><t>"+strings.Repeat("x", 1000)+"</t></si>", 40_000)+`</sst>`).bytes(t),
		"one text without end": withSheet("").with("xl/sharedStrings.xml", `<sst><si><t>`+strings.Repeat("x", 60<<20)).bytes(t),
		"one tag without end":  withSheet("").with("xl/worksheets/sheet1.xml", `<worksheet a="`+strings.Repeat("x", 60<<20)).bytes(t),
		"blank styled rows":    withSheet(styled.String()).bytes(t),
		"every column":         withSheet(full()).bytes(t),
		"deep elements":        withSheet(deep).bytes(t),
		"merges":               withSheet("").with("xl/worksheets/sheet1.xml", `<worksheet><sheetData/><mergeCells>`+merged.String()+`</mergeCells></worksheet>`).bytes(t),
		"many parts":           many.bytes(t),
		"paths that climb":     withSheet("").with("../../etc/passwd", "x").with("xl/_rels/workbook.xml.rels", strings.ReplaceAll(bookRels, "worksheets/sheet1.xml", "../../../../etc/passwd")).bytes(t),
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		rows, err := readBook(raw, 0, limits)
		runtime.ReadMemStats(&after)
		t.Logf("%-22s %4.1f s, %4d MB allocated: %d rows, %v", name, time.Since(start).Seconds(), (after.TotalAlloc-before.TotalAlloc)>>20, len(rows), err)
		if _, ok := errors.AsType[*Error](err); err != nil && !ok {
			t.Errorf("%s: %v", name, err)
		}
		if grown := int64(after.HeapInuse) - int64(before.HeapInuse); grown > 200<<20 {
			t.Errorf("%s: the heap grew by %d MB", name, grown>>20)
		}
	}
	if left, err := filepath.Glob(filepath.Join(temp, "*")); err != nil || len(left) > 0 {
		t.Errorf("left on the disk: %v (%v)", left, err)
	}
}

// letters names a column as Excel does.
func letters(i int) string {
	s, err := excelize.ColumnNumberToName(i + 1)
	if err != nil {
		panic(err)
	}
	return s
}

// TestXLSXTruncated: a workbook cut off anywhere is an *Error, never a panic, and
// never fewer rows without a word.
func TestXLSXTruncated(t *testing.T) {
	var rows strings.Builder
	for i := range 300 {
		fmt.Fprintf(&rows, `<row r="%d"><c t="inlineStr"><is><t>Canary %x</t></is></c><c><v>%d</v></c></row>`, i+1, i*7919, i)
	}
	raw := withSheet(rows.String()).bytes(t)
	for n := 0; n < len(raw); n += 37 {
		_, err := readBook(raw[:n], 0, Limits{})
		if e, ok := errors.AsType[*Error](err); !ok || strings.Contains(e.Error(), "Canary") {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
}

type failing struct{ io.ReaderAt }

var errDatabase = errors.New("the database is away")

func (failing) ReadAt([]byte, int64) (int, error) { return 0, errDatabase }

// TestXLSXPassesFaultsOn: what goes wrong below is not the workbook's fault.
func TestXLSXPassesFaultsOn(t *testing.T) {
	if _, err := OpenXLSX(failing{}, 1000, Limits{}); !errors.Is(err, errDatabase) {
		t.Error(err)
	}
}

func FuzzXLSX(f *testing.F) {
	f.Add(withSheet(`<row r="1"><c r="A1"><v>1</v></c></row>`).bytes(f))
	f.Add(withSheet("").bytes(f))
	f.Add(append(bytes.Clone(oleMagic), make([]byte, 600)...))
	f.Fuzz(func(t *testing.T, raw []byte) { drain(t, raw) })
}

// FuzzXLSXSheet fuzzes the sheet inside a good workbook: hardly any change of the
// zip leaves one.
func FuzzXLSXSheet(f *testing.F) {
	for _, s := range []string{
		`<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" s="1"><v>36892</v></c></row></sheetData></worksheet>`,
		`<x:worksheet><sheetData><row><c t="inlineStr"><is><r><t>a</t></r></is></c><c><f>1</f></c></row></sheetData><mergeCells><mergeCell ref="A1:A3"/></mergeCells></x:worksheet>`,
		`<worksheet><sheetData><row r="5"><c t="e"><v>#N/A</v></c><c t="d"><v>2001-01-01</v></c><c t="b"><v>1</v></c></row><row/></sheetData></worksheet>`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, xml string) {
		drain(t, withSheet("").with("xl/worksheets/sheet1.xml", xml).with("xl/sharedStrings.xml", `<sst><si><t>x</t></si></sst>`).
			with("xl/styles.xml", `<styleSheet><cellXfs><xf/><xf numFmtId="14"/></cellXfs></styleSheet>`).bytes(t))
	})
}

// drain holds a reader to three things whatever it is fed: it ends, its lines
// rise, and an error comes without a row.
func drain(t *testing.T, raw []byte) {
	t.Helper()
	x, err := OpenXLSX(bytes.NewReader(raw), int64(len(raw)), Limits{Columns: 50, RecordBytes: 4096, Expanded: 1 << 20, Texts: 1 << 16})
	if err != nil {
		return
	}
	for i := range x.Tables() {
		rows, err := x.Rows(i)
		for last := 0; err == nil; {
			var row Row
			if row, err = rows.Next(); err != nil {
				if row.Cells != nil {
					t.Fatal("a row came with an error")
				}
				break
			}
			if row.Line <= last {
				t.Fatalf("line %d after %d", row.Line, last)
			}
			last = row.Line
		}
	}
}

func BenchmarkXLSX(b *testing.B) {
	const n = 20_000
	f := excelize.NewFile()
	for i := range n {
		row := []any{2809, fmt.Sprintf("%d-%d-19%02d", i%28+1, i%12+1, i%100), "m", fmt.Sprint(100_000 + i), fmt.Sprintf("Naam%d", i), "", "A."}
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			b.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		b.Fatal(err)
	}
	_ = f.Close()
	b.ReportAllocs()
	for b.Loop() {
		rows, err := readBook(out.Bytes(), 0, Limits{})
		if err != nil || len(rows) != n {
			b.Fatal(len(rows), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
}
