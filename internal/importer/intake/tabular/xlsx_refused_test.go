package tabular

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/unicode"
)

func utf16Of(t testing.TB, s string) string {
	t.Helper()
	out, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// oleOf returns the parts of an OLE compound file by which it is recognised: its magic and,
// after other sectors, the directory entries of its streams.
func oleOf(streams ...string) []byte {
	raw := make([]byte, 512*3)
	copy(raw, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")
	for _, s := range streams {
		entry := make([]byte, entryBytes)
		for i, u := range utf16.Encode([]rune(s)) {
			binary.LittleEndian.PutUint16(entry[2*i:], u)
		}
		binary.LittleEndian.PutUint16(entry[64:], uint16(2*len(s)+2))
		entry[66] = 2
		raw = append(raw, entry...)
	}
	return raw
}

func TestXLSXRefusals(t *testing.T) {
	base := partsOf(`<row><c><v>1</v></c></row></sheetData>`)
	locked := zipOf(t, base...)
	locked[bytes.Index(locked, []byte("PK\x01\x02"))+8] |= 1 // the encrypted flag, in the zip's directory
	var protected bytes.Buffer
	f := excelize.NewFile()
	if err := f.Write(&protected, excelize.Options{Password: "geheim"}); err != nil {
		t.Fatal(err)
	}
	edit := func(changes ...part) []byte { return zipOf(t, with(base, changes...)...) }
	const main, rels, sheet = "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/worksheets/sheet1.xml"
	for name, c := range map[string]struct {
		raw  []byte
		code Code
	}{
		"nothing":             {nil, OtherDocument},
		"text":                {[]byte("a;b\n1;2\n"), OtherDocument},
		"password":            {protected.Bytes(), Encrypted},
		"encrypted":           {oleOf("Root Entry", "EncryptionInfo", "EncryptedPackage"), Encrypted},
		"encrypted entry":     {locked, Encrypted},
		"xls":                 {oleOf("Workbook", "\x05SummaryInformation"), OldWorkbook},
		"xls of Excel 5":      {oleOf("Book"), OldWorkbook},
		"xls of many sectors": {append(append(oleOf(), make([]byte, 512*300)...), oleOf("Workbook")...), OldWorkbook},
		"doc":                 {oleOf("WordDocument", "1Table"), OtherDocument},
		"doc with a workbook": {oleOf("Workbook", "WordDocument"), OtherDocument},
		"ole of nothing":      {oleOf(), OtherDocument},
		"xlsb": {edit(part{main, ""}, part{"_rels/.rels", relsOf(transitional+"officeDocument", "xl/workbook.bin")},
			part{"xl/workbook.bin", "x"}), BinaryWorkbook},
		"xlsb without .rels": {zipOf(t, part{"xl/workbook.bin", "x"}), BinaryWorkbook},
		"empty zip":          {zipOf(t), OtherDocument},
		"zip":                {zipOf(t, part{"lijst.csv", "a;b"}), OtherDocument},
		"ods": {zipOf(t, part{"mimetype", "application/vnd.oasis.opendocument.spreadsheet"}, part{"content.xml", "<x/>"}),
			OtherDocument},
		"docx": {zipOf(t, part{"_rels/.rels", relsOf(transitional+"officeDocument", "word/document.xml")},
			part{"word/document.xml", "<w:document/>"}), OtherDocument},
		"no workbook part": {edit(part{main, ""}), BrokenWorkbook},
		"no sheet part":    {edit(part{sheet, ""}), BrokenWorkbook},
		"no relations":     {edit(part{rels, ""}), BrokenWorkbook},
		"no styles part":   {edit(part{"xl/styles.xml", ""}), BrokenWorkbook},
		"no texts part":    {edit(part{"xl/sharedStrings.xml", ""}), BrokenWorkbook},
		"no worksheet":     {edit(part{rels, relsOf(transitional+"chartsheet", "worksheets/sheet1.xml")}), BrokenWorkbook},
		"worksheet elsewhere": {edit(part{rels, strings.Replace(relsOf(transitional+"worksheet", "https://example.org/sheet1.xml"), "/>",
			` TargetMode="External"/>`, 1)}), BrokenWorkbook},
		"sheet without a part": {edit(part{main, `<workbook><sheets><sheet name="a" r:id="rId9"/></sheets></workbook>`}), BrokenWorkbook},
		"part twice":           {zipOf(t, append(with(base), part{sheet, "<worksheet/>"})...), BrokenWorkbook},
		"part twice by case":   {zipOf(t, append(with(base), part{"XL/Worksheets/sheet1.xml", "<worksheet/>"})...), BrokenWorkbook},
		"outside the zip":      {edit(part{rels, relsOf(transitional+"worksheet", "../../../etc/passwd")}), BrokenWorkbook},
		"workbook is no XML":   {edit(part{main, "PK"}), BrokenWorkbook},
		"workbook is cut":      {edit(part{main, "<workbook><sheets>"}), BrokenWorkbook},
		"two roots":            {edit(part{main, `<workbook/><workbook/>`}), BrokenWorkbook},
		"sheet is something":   {edit(part{sheet, "<chartsheet/>"}), BrokenWorkbook},
		"document type":        {edit(part{sheet, `<!DOCTYPE a [<!ENTITY b "c">]><worksheet/>`}), BrokenWorkbook},
		"unknown encoding":     {edit(part{sheet, `<?xml version="1.0" encoding="ebcdic"?><worksheet/>`}), BrokenWorkbook},
		"zip cut":              {zipOf(t, base...)[:900], BrokenWorkbook},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, c.raw, Limits{}, c.code, 0) })
	}
}

func TestXLSXBrokenRows(t *testing.T) {
	const first = `<row r="1"><c r="A1"><v>1</v></c></row>`
	for name, c := range map[string]struct {
		rows string
		code Code
		line int
	}{
		"row again":         {first + `<row r="1"><c><v>1</v></c></row>`, BrokenWorkbook, 1},
		"row 0":             {`<row r="0"/>`, BrokenWorkbook, 0},
		"row of letters":    {first + `<row r="x"/>`, BrokenWorkbook, 1},
		"row too far":       {`<row r="99999999"/>`, BrokenWorkbook, 99999999},
		"cell of a row":     {first + `<row r="2"><c r="A3"><v>1</v></c></row>`, BrokenWorkbook, 2},
		"cell again":        {first + `<row r="2"><c r="A2"><v>1</v></c><c r="A2"><v>1</v></c></row>`, BrokenWorkbook, 2},
		"cell back":         {first + `<row r="2"><c r="B2"><v>1</v></c><c r="A2"><v>1</v></c></row>`, BrokenWorkbook, 2},
		"cell of no column": {first + `<row r="2"><c r="2"><v>1</v></c></row>`, BrokenWorkbook, 2},
		"cell of ABCD":      {first + `<row r="2"><c r="ABCD2"><v>1</v></c></row>`, BrokenWorkbook, 2},
		"text out of range": {first + `<row r="2"><c t="s"><v>7</v></c></row>`, BrokenWorkbook, 2},
		"text of -1":        {first + `<row r="2"><c t="s"><v>-1</v></c></row>`, BrokenWorkbook, 2},
		"number of letters": {first + `<row r="2"><c><v>Jansen</v></c></row>`, BrokenWorkbook, 2},
		"number in hex":     {first + `<row r="2"><c><v>0x1p2</v></c></row>`, BrokenWorkbook, 2},
		"unknown type":      {first + `<row r="2"><c t="q"><v>1</v></c></row>`, BrokenWorkbook, 2},
		"crossed elements":  {first + `<row r="2"><c><v>1</c></v></row>`, BrokenWorkbook, 2},
		"unknown entity":    {first + `<row r="2"><c t="str"><v>&jansen;</v></c></row>`, BrokenWorkbook, 2},
		"control character": {first + "<row r=\"2\"><c t=\"str\"><v>\x01</v></c></row>", BrokenWorkbook, 2},
		"columns":           {first + `<row r="2"><c r="SG2"><v>1</v></c></row>`, TooManyColumns, 2},
		"fault too far":     {first + `<row r="2"><c r="XFD2" t="e"><v>#N/A</v></c></row>`, TooManyColumns, 2},
		"long cell":         {first + `<row r="2"><c t="str"><v>` + strings.Repeat("x", 2<<20) + `</v></c></row>`, RecordTooLong, 2},
		"long row":          {first + `<row r="2">` + strings.Repeat(`<c t="s"><v>0</v></c>`, 12) + `</row>`, RecordTooLong, 2},
		"long attribute":    {first + `<row r="2"><c x="` + strings.Repeat("x", 2<<20) + `"/></row>`, RecordTooLong, 2},
		"merged rows": {`<row r="1"><c t="s"><v>0</v></c></row><row r="2">` + "<c/>" + strings.Repeat(`<c t="s"><v>0</v></c>`, 10) +
			`</row></sheetData><mergeCells><mergeCell ref="A1:A2"/></mergeCells>`, RecordTooLong, 2},
	} {
		t.Run(name, func(t *testing.T) {
			wantError(t, bookOf(t, c.rows, "<t>"+strings.Repeat("y", 100_000)+"</t>"), Limits{}, c.code, c.line)
		})
	}
	t.Run("cut", func(t *testing.T) {
		parts := partsOf(first + `<row r="2"><c><v>1`)
		parts[6].text = strings.TrimSuffix(parts[6].text, "</worksheet>")
		wantError(t, zipOf(t, parts...), Limits{}, BrokenWorkbook, 2)
	})
	t.Run("ended rows stay ended", func(t *testing.T) {
		src, err := openBytes(bookOf(t, first+`<row r="1"/>`), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := src.Rows(0)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = rows.Next()
		_, one := rows.Next()
		_, two := rows.Next()
		if one == nil || !errors.Is(two, one) {
			t.Errorf("%v, then %v", one, two)
		}
	})
}

// TestXLSXDamage changes one byte in the compressed rows. The result still looks like a
// sheet: only its checksum is wrong.
func TestXLSXDamage(t *testing.T) {
	raw := storedBook(t, `<row><c t="str"><v>Jansen</v></c></row></sheetData>`)
	i := bytes.Index(raw, []byte("Jansen"))
	raw[i] = 'H'
	wantError(t, raw, Limits{}, BrokenWorkbook, 0)
}

// failing is a ReaderAt that fails after some bytes, as a database may.
type failing struct {
	r     io.ReaderAt
	after int64
	err   error
}

func (f *failing) ReadAt(p []byte, off int64) (int, error) {
	if f.after -= int64(len(p)); f.after < 0 {
		return 0, f.err
	}
	return f.r.ReadAt(p, off)
}

func TestXLSXGivesTheReadersOwnError(t *testing.T) {
	raw := randomBook(t, 20_000)
	own := context.Canceled
	for after := int64(0); ; after += 3 * blockBytes {
		f := &failing{bytes.NewReader(raw), after, own}
		src, err := OpenXLSX(f, int64(len(raw)), Limits{})
		if err == nil {
			_, err = sheetOf(src, 0)
		}
		if err == nil {
			if after < int64(len(raw)) {
				t.Errorf("read with %d of %d bytes", after, len(raw))
			}
			break
		}
		if err != own { //nolint:errorlint // it must come out as it is
			t.Fatalf("with %d bytes: %v", after, err)
		}
	}
	ole := append(oleOf(), make([]byte, 1<<20)...)
	if _, err := OpenXLSX(&failing{bytes.NewReader(ole), 1 << 19, own}, int64(len(ole)), Limits{}); err != own { //nolint:errorlint // the same
		t.Errorf("of a compound file: %v", err)
	}
	// The table can be read again once the failure is over.
	f := &failing{bytes.NewReader(raw), 1 << 40, own}
	src, err := OpenXLSX(f, int64(len(raw)), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	f.after = 0
	if _, err := sheetOf(src, 0); err != own { //nolint:errorlint // the same
		t.Errorf("while it fails: %v", err)
	}
	f.after = 1 << 40
	if rows, err := sheetOf(src, 0); err != nil || len(rows) != 20_000 {
		t.Errorf("after it failed: %d rows, %v", len(rows), err)
	}
}

func TestXLSXSaysNoValues(t *testing.T) {
	for _, rows := range []string{`<row><c><v>Jansen</v></c></row>`, `<row><c t="str"><v>&Jansen;</v></c></row>`, `<row><c r="Jansen"/></row>`, `<row><Jansen</row>`} {
		if _, err := firstSheet(bookOf(t, rows), Limits{}); err == nil || strings.Contains(err.Error(), "Jansen") {
			t.Errorf("%v", err)
		}
	}
}

func TestXLSXWritesNoFile(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		t.Setenv(name, dir)
	}
	raw := randomBook(t, 50_000) // of more than the 16 MB from which excelize writes one
	seen := 0
	src, err := openBytes(raw, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := src.Rows(0)
	for err == nil {
		if _, err = rows.Next(); err == nil {
			seen++
		}
		if seen%10_000 == 0 {
			if files, dirErr := os.ReadDir(dir); dirErr != nil || len(files) > 0 {
				t.Fatalf("%v in the temp folder, %v", files, dirErr)
			}
		}
	}
	if !errors.Is(err, io.EOF) || seen != 50_000 {
		t.Errorf("%d rows, %v", seen, err)
	}
}

func TestIsWorkbook(t *testing.T) {
	for head, want := range map[string]bool{"PK\x03\x04": true, "PK\x05\x06": true, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1": true, "PK": false, "": false, "PK;naam": false, "{}": false} {
		if IsWorkbook([]byte(head)) != want {
			t.Errorf("%q: %v", head, !want)
		}
	}
}
