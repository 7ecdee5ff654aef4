package tabular

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"sluis/internal/value"
)

// part is one entry of a zip written by hand.
type part struct{ name, text string }

const (
	transitional = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
	strictTypes  = "http://purl.oclc.org/ooxml/officeDocument/relationships/"
	xmlHead      = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`
)

func zipOf(t testing.TB, parts ...part) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, p := range parts {
		w, err := z.Create(p.name)
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

func relsOf(rels ...string) string {
	var b strings.Builder
	b.WriteString(xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`)
	for i := 0; i+1 < len(rels); i += 2 {
		fmt.Fprintf(&b, `<Relationship Id="rId%d" Type="%s" Target="%s"/>`, i/2+1, rels[i], rels[i+1])
	}
	return b.String() + `</Relationships>`
}

// partsOf returns the parts of a workbook of one sheet. Styles: 1 is date (14), 2 is
// 0000000, 3 is dd-mm-yyyy hh:mm, 4 is [h]:mm, 5 is text, 6 is "0"#.
func partsOf(sheet string, shared ...string) []part {
	sst := xmlHead + `<sst>`
	if len(shared) > 0 {
		sst += `<si>` + strings.Join(shared, `</si><si>`) + `</si>`
	}
	return []part{
		{"[Content_Types].xml", xmlHead + `<Types/>`},
		{"_rels/.rels", relsOf(transitional+"officeDocument", "xl/workbook.xml")},
		{"xl/workbook.xml", xmlHead + `<workbook xmlns:r="` + strings.TrimSuffix(transitional, "/") +
			`"><sheets><sheet name="Blad1" sheetId="1" r:id="rId1"/></sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", relsOf(transitional+"worksheet", "worksheets/sheet1.xml",
			transitional+"styles", "styles.xml", transitional+"sharedStrings", "sharedStrings.xml")},
		{"xl/styles.xml", xmlHead + `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="0000000"/>` +
			`<numFmt numFmtId="165" formatCode="dd\-mm\-yyyy\ hh:mm"/><numFmt numFmtId="166" formatCode="[h]:mm"/><numFmt numFmtId="167" formatCode="&quot;0&quot;#"/></numFmts>` +
			`<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="166"/><xf numFmtId="49"/><xf numFmtId="167"/></cellXfs></styleSheet>`},
		{"xl/sharedStrings.xml", sst + `</sst>`},
		{"xl/worksheets/sheet1.xml", xmlHead + `<worksheet><cols><col min="1" max="2"/></cols><sheetData>` + sheet + `</worksheet>`},
	}
}

// bookOf returns a workbook of one sheet. sheet is the text after <sheetData>. If it has
// more than rows, it must have the end tag itself.
func bookOf(t testing.TB, sheet string, shared ...string) []byte {
	if !strings.Contains(sheet, "</sheetData>") {
		sheet += "</sheetData>"
	}
	return zipOf(t, partsOf(sheet, shared...)...)
}

// with replaces parts of a workbook by name, or adds them. A part with an empty text is
// removed.
func with(parts []part, changes ...part) []part {
	out := append([]part{}, parts...)
	for _, c := range changes {
		found := false
		for i, p := range out {
			if p.name == c.name {
				out[i], found = c, true
			}
		}
		if !found {
			out = append(out, c)
		}
	}
	kept := out[:0]
	for _, p := range out {
		if p.text != "" {
			kept = append(kept, p)
		}
	}
	return kept
}

func openBytes(raw []byte, limits Limits) (Source, error) {
	return OpenXLSX(bytes.NewReader(raw), int64(len(raw)), limits)
}

// show returns a row as "line|cell|cell", with a # after each number, and its faults.
func show(r Row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d", r.Line)
	for i, c := range r.Cells {
		b.WriteString("|" + c)
		if r.Numeric != nil && r.Numeric[i] {
			b.WriteString("#")
		}
	}
	for _, f := range r.Faults {
		fmt.Fprintf(&b, " !%d:%s", f.Column, f.Code)
	}
	return b.String()
}

// sheetOf reads a whole table. If there is an error, it returns the rows before it too.
func sheetOf(src Source, table int) ([]string, error) {
	rows, err := src.Rows(table)
	if err != nil {
		return nil, err
	}
	var out []string
	for {
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, show(row))
	}
}

func firstSheet(raw []byte, limits Limits) ([]string, error) {
	src, err := openBytes(raw, limits)
	if err != nil {
		return nil, err
	}
	return sheetOf(src, 0)
}

func wantRows(t *testing.T, raw []byte, want ...string) {
	t.Helper()
	got, err := firstSheet(raw, Limits{})
	if err != nil {
		t.Fatalf("after %q: %v", got, err)
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("rows:\n%s\nwant:\n%s", g, w)
	}
}

func wantError(t *testing.T, raw []byte, limits Limits, code Code, line int) {
	t.Helper()
	got, err := firstSheet(raw, limits)
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Code != code || e.Line != line {
		t.Errorf("after %d rows: %v, want %s at line %d", len(got), err, code, line)
	}
}

func TestXLSXCells(t *testing.T) {
	shared := []string{`<t>Müller</t>`, `<r><t xml:space="preserve">van </t></r><r><rPr><b/></rPr><t>Berg</t></r><rPh sb="0" eb="1"><t>ruis</t></rPh><phoneticPr fontId="1"/>`,
		`<t> regel_x000D_
een_x005F_x000D_ </t>`, `<t/>`}
	for name, c := range map[string]struct{ cells, want string }{
		"shared":         {`<c t="s"><v>0</v></c>`, "1|Müller"},
		"shared rich":    {`<c t="s"><v>1</v></c>`, "1|van Berg"},
		"shared escapes": {`<c t="s"><v>2</v></c>`, "1|regel\r\neen_x000D_"},
		"shared empty":   {`<c t="s"><v>3</v></c><c><v>1</v></c>`, "1||1#"},
		"inline":         {`<c t="inlineStr"><is><t>0123</t></is></c>`, "1|0123"},
		"inline rich":    {`<c t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r><rPh><t>c</t></rPh></is></c>`, "1|ab"},
		"inline in v":    {`<c t="inlineStr"><v>x</v></c>`, "1|x"},
		"inline surrogates": {`<c t="inlineStr"><is><t>_xD83D__xDE00_ _xD83D_ _xZZZZ_ _x00_</t></is></c>`,
			"1|😀 \uFFFD _xZZZZ_ _x00_"},
		"entities":                {`<c t="str"><v>a&amp;b&lt;&#233;<![CDATA[<mergeCells]]></v></c>`, "1|a&b<é<mergeCells"},
		"formula text":            {`<c t="str"><f>A1</f><v>x</v></c>`, "1|x"},
		"formula empty text":      {`<c t="str"><f>A1</f><v></v></c><c><v>1</v></c>`, "1||1#"},
		"formula number":          {`<c><f>1+1</f><v>2</v></c>`, "1|2#"},
		"formula uncounted":       {`<c><f>1+1</f></c>`, "1| !0:CELL_UNCOUNTED"},
		"formula empty":           {`<c><f>1+1</f><v></v></c>`, "1| !0:CELL_UNCOUNTED"},
		"formula text uncounted":  {`<c t="str"><f>A1</f></c>`, "1| !0:CELL_UNCOUNTED"},
		"error":                   {`<c t="e"><v>#N/A</v></c><c><v>1</v></c>`, "1||1# !0:CELL_ERROR"},
		"booleans":                {`<c t="b"><v>1</v></c><c t="b"><v>0</v></c>`, "1|TRUE|FALSE"},
		"iso date":                {`<c t="d"><v>2001-02-03T00:00:00</v></c><c t="d"><v>2001-02-03</v></c><c t="d"><v>2001-02-03T04:05:06Z</v></c><c t="d"><v>x</v></c>`, "1|2001-02-03|2001-02-03|2001-02-03 04:05:06|x"},
		"number with an exponent": {`<c><v>8.561234897E9</v></c>`, "1|8561234897#"},
		"fifteen digits": {`<c><v>123456789012345</v></c><c><v>1.23456789012345E14</v></c>`,
			"1|123456789012345#|123456789012345#"},
		"sixteen digits":  {`<c><v>1.23456789012345E15</v></c>`, "1| !0:CELL_ROUNDED"},
		"eighteen digits": {`<c><v>123456789012345678</v></c>`, "1| !0:CELL_ROUNDED"},
		"decimals":        {`<c><v>1.1000000000000001</v></c><c><v>-0.5</v></c><c><v>1e-5</v></c><c><v>2.9999999999999996</v></c><c><v>-0</v></c>`, "1|1.1#|-0.5#|0.00001#|3#|0#"},
		"too great":       {`<c><v>1e999</v></c>`, "1| !0:CELL_ERROR"},
		"date": {`<c s="1"><v>36892</v></c><c s="1"><v>36892.5</v></c><c s="3"><v>36892</v></c>`,
			"1|2001-01-01|2001-01-01 12:00:00|2001-01-01"},
		"date rounded up": {`<c s="1"><v>36892.999999999</v></c>`, "1|2001-01-02"},
		"first days of 1900": {`<c s="1"><v>1</v></c><c s="1"><v>59</v></c><c s="1"><v>60</v></c><c s="1"><v>61</v></c>`,
			"1|1900-01-01|1900-02-28|60#|1900-03-01"},
		"no day has it": {`<c s="1"><v>-1</v></c><c s="1"><v>0</v></c><c s="1"><v>2958466</v></c><c s="1"><v>2958465</v></c>`,
			"1|-1#|0#|2958466#|9999-12-31"},
		"time":                {`<c s="4"><v>0.25</v></c><c s="4"><v>1.5</v></c>`, "1|06:00:00|1900-01-01 12:00:00"},
		"text in a date cell": {`<c s="1" t="s"><v>0</v></c>`, "1|Müller"},
		"zeros": {`<c s="2"><v>123</v></c><c s="2"><v>12345678</v></c><c s="2"><v>1.5</v></c><c s="2"><v>0</v></c>`,
			"1|0000123|12345678|1.5#|0000000 !2:CELL_FORMAT"},
		"a zero before":      {`<c s="6"><v>123</v></c><c s="6"><v>0</v></c>`, "1|0123|0"},
		"number as text":     {`<c s="5"><v>123</v></c>`, "1|123#"},
		"style out of range": {`<c s="99"><v>36892</v></c><c s="x"><v>1</v></c>`, "1|36892#|1#"},
		"trimmed":            {"<c t=\"str\"><v>\u00a0 a b\t</v></c>", "1|a b"},
		"empty value":        {`<c><v></v></c><c><v> </v></c><c><v> 5 </v></c>`, "1|||5#"},
		"extensions":         {`<c r="A1"><v>1</v><extLst><ext><x:v>9</x:v></ext></extLst></c>`, "1|1#"},
	} {
		t.Run(name, func(t *testing.T) { wantRows(t, bookOf(t, "<row>"+c.cells+"</row>", shared...), c.want) })
	}
}

func TestXLSXPlaces(t *testing.T) {
	for name, c := range map[string]struct {
		sheet string
		want  []string
	}{
		"rows without r": {`<row><c><v>1</v></c></row><row r="5"><c><v>2</v></c></row><row><c><v>3</v></c></row>`,
			[]string{"1|1#", "5|2#", "6|3#"}},
		"line of the cell": {`<row><c r="A3"><v>1</v></c></row><row><c r="B4"><v>2</v></c></row>`, []string{"3|1#", "4||2#"}},
		"missing cells":    {`<row r="2"><c r="B2"><v>1</v></c><c r="D2"><v>2</v></c></row>`, []string{"2||1#||2#"}},
		"cells without r": {`<row><c r="B1"><v>1</v></c><c><v>2</v></c><c r="AA1"><v>3</v></c></row>`,
			[]string{"1||1#|2#" + strings.Repeat("|", 23) + "|3#"}},
		"blank styled":             {`<row r="1"><c r="A1" s="1"/></row><row r="2"/><row r="3"><c r="A3"><v>1</v></c><c r="XFD3" s="1"/></row>`, []string{"3|1#"}},
		"no rows":                  {``, nil},
		"prefixed merge elsewhere": {`<row><c><v>1</v></c></row></sheetData><mergeCells count="0"/>`, []string{"1|1#"}},
	} {
		t.Run(name, func(t *testing.T) { wantRows(t, bookOf(t, c.sheet), c.want...) })
	}
}

func TestXLSXMerges(t *testing.T) {
	const rows = `<row r="1"><c r="A1" t="str"><v>Titel</v></c></row>` +
		`<row r="3"><c r="A3"><v>2809</v></c><c r="B3"><v>1</v></c><c r="C3" t="e"><v>#N/A</v></c></row>` +
		`<row r="4"><c r="A4" s="1"/><c r="B4"><v>2</v></c></row><row r="5"><c r="B5"><v>3</v></c></row><row r="6"><c r="A6" s="1"/></row><row r="7"><c r="B7"><v>4</v></c></row></sheetData>`
	want := []string{"1|Titel", "3|2809#|1#| !2:CELL_ERROR", "4|2809#|2#| !2:CELL_ERROR", "5|2809#|3#", "7||4#"}
	for name, merges := range map[string]string{
		"plain":    `<mergeCells count="3"><mergeCell ref="A1:D1"/><mergeCell ref="C3:D4"/><mergeCell ref="A3:A6"/><mergeCell ref="A1"/></mergeCells><phoneticPr/>`,
		"prefixed": `<x:mergeCells><x:mergeCell ref="A3:A6"/><x:mergeCell ref="C3:C4"></x:mergeCell></x:mergeCells>`,
		"far": strings.Repeat(`<conditionalFormatting sqref="A1"><f>mergeCells "&lt;mergeCells"</f></conditionalFormatting>`, 5000) +
			`<mergeCells><mergeCell ref="A3:A6"/><mergeCell ref="C3:C4"/><mergeCell ref="A4:A6"/></mergeCells>`,
	} {
		t.Run(name, func(t *testing.T) { wantRows(t, bookOf(t, rows+merges), want...) })
	}
	// The list is found wherever the window of the reader ends.
	for pad := blockBytes - 700; pad < blockBytes+100; pad += 3 {
		raw := bookOf(t, rows+"<!--"+strings.Repeat("x",
			pad)+`--><mergeCells><mergeCell ref="A3:A6"/><mergeCell ref="C3:C4"/></mergeCells>`)
		if got, err := firstSheet(raw, Limits{}); err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("with %d bytes before it: %q, %v", pad, got, err)
		}
	}
	for _, bad := range []string{"A3:A2", "3:4", "A3:", "ABCD1:ABCD2", "A0:A3"} {
		wantError(t, bookOf(t, rows+`<mergeCells><mergeCell ref="`+bad+`"/></mergeCells>`), Limits{}, BrokenWorkbook, 0)
	}
	many := strings.Repeat(`<mergeCell ref="A3:A6"/>`, maxMerges+1)
	wantError(t, bookOf(t, rows+`<mergeCells>`+many+`</mergeCells>`), Limits{}, BrokenWorkbook, 0)
}

func TestXLSXNumberFormats(t *testing.T) {
	date, unlike := format{date: true}, format{unlike: true}
	for code, want := range map[string]format{
		"General": {}, "Standaard": {}, "0": {}, "#,##0.00": {}, "0.00E+00": {}, "@": {}, "[Red]0": {}, "[": {}, `"`: {}, `\`: {}, "[]": {}, "_": {},
		`0.0" dagen"`: unlike, `_-"€" * #,##0_-`: unlike, `[$€-413] #,##0.00`: unlike, "[$USD]0000": unlike, "0 %": unlike, "# ?/?": unlike,
		"[<1000]000;0": unlike, `"MDN-"#,##0`: unlike, strings.Repeat("0", 300): unlike,
		"d-m-yyyy": date, "[$-413]d/mmm/yyyy;@": date, "mm:ss.0": date, "[h]": date, "[SS]": date, `"op "d`: date, "YYYY": date,
	} {
		if got := parseFormat(code); got != want {
			t.Errorf("%q: %+v, want %+v", code, got, want)
		}
	}
	for _, x := range []struct{ code, number, want string }{
		{"0000000", "1234", "0001234"}, {"0000000", "12345678", "12345678"}, {"00;-00;0", "1", "01"}, {`"0"#`, "12", "012"}, {`"0"#`, "0", "0"},
		{`\0000`, "12", "0012"}, {`"00"000`, "1234", "001234"}, {"[Blue]0000_-", "12", "0012"}, {`"P"0000`, "12", "P0012"}, {"000-000", "1234", "001-234"},
		{"000-000", "1234567", "1234-567"}, {`"MDN-"000000`, "1234", "MDN-001234"}, {`"MDN-"0`, "1234", "MDN-1234"}, {`"MDN-"General`, "7", "MDN-7"},
		{`\M\D\N\-0`, "7", "MDN-7"}, {`0"-A"`, "7", "7-A"}, {`"é"00`, "7", "é07"}, {`"A#"000`, "7", "A#007"}, {`00\.00\.00`, "10203", "01.02.03"}, {`"MDN-"@`, "7", "MDN-7"},
	} {
		if got := parseFormat(x.code).show(x.number); got != x.want {
			t.Errorf("%s in the format %s: %q, want %q", x.number, x.code, got, x.want)
		}
	}
	for id, want := range map[int]bool{0: false, 13: false, 14: true, 22: true, 23: false, 27: true, 37: false, 45: true, 48: false, 49: false, 58: true, 59: false} {
		if builtinDate(id) != want {
			t.Errorf("built-in format %d: date is %v", id, !want)
		}
	}
}

func TestXLSXPackages(t *testing.T) {
	sheet := `<row><c t="s"><v>0</v></c><c s="1"><v>1</v></c></row></sheetData>`
	base := partsOf(sheet, `<t>x</t>`)
	rename := func(f func(string) string) []part {
		out := append([]part{}, base...)
		for i := range out {
			out[i].name = f(out[i].name)
		}
		return out
	}
	prefixed := strings.NewReplacer("</", "</x:", "<?", "<?", "<", "<x:").Replace
	for name, parts := range map[string][]part{
		"plain":       base,
		"upper case":  rename(strings.ToUpper),
		"backslashes": rename(func(s string) string { return strings.ReplaceAll(s, "/", `\`) }),
		"absolute": with(base, part{"_rels/.rels", relsOf(transitional+"officeDocument", "/xl/workbook.xml")},
			part{"xl/_rels/workbook.xml.rels", relsOf(transitional+"worksheet", "/xl/worksheets/sheet1.xml", transitional+"styles", `\xl\styles.xml`, transitional+"sharedStrings", "./sharedStrings.xml")}),
		"strict": with(base, part{"_rels/.rels", relsOf(strictTypes+"officeDocument", "xl/workbook.xml")},
			part{"xl/_rels/workbook.xml.rels", relsOf(strictTypes+"worksheet", "worksheets/sheet1.xml", strictTypes+"styles", "styles.xml", strictTypes+"sharedStrings", "sharedStrings.xml")}),
		"no .rels":        with(base, part{"_rels/.rels", ""}),
		"byte order mark": with(base, part{"xl/worksheets/sheet1.xml", "\uFEFF" + base[6].text}),
		"utf-16": with(base, part{"xl/worksheets/sheet1.xml", utf16Of(t, strings.Replace(base[6].text, "UTF-8", "UTF-16", 1))},
			part{"xl/sharedStrings.xml", utf16Of(t, base[5].text)}),
		"prefixes": with(base, part{"xl/worksheets/sheet1.xml", xmlHead + prefixed(strings.TrimPrefix(base[6].text, xmlHead))},
			part{"xl/styles.xml", xmlHead + prefixed(strings.TrimPrefix(base[4].text, xmlHead))}),
		"path with ..": append(with(base, part{"xl/_rels/workbook.xml.rels", relsOf(transitional+"worksheet", "../xl/worksheets/../worksheets/sheet1.xml", transitional+"styles", "styles.xml", transitional+"sharedStrings", "sharedStrings.xml")}),
			part{"../../etc/passwd", "x"}),
		"percent": with(base, part{"xl/worksheets/sheet1.xml", ""}, part{"xl/worksheets/blad 1.xml", base[6].text},
			part{"xl/_rels/workbook.xml.rels", relsOf(transitional+"worksheet", "worksheets/blad%201.xml", transitional+"styles", "styles.xml", transitional+"sharedStrings", "sharedStrings.xml")}),
	} {
		t.Run(name, func(t *testing.T) { wantRows(t, zipOf(t, parts...), "1|x|1900-01-01") })
	}
}

func TestXLSXTables(t *testing.T) {
	base := partsOf(`<row><c><v>1</v></c></row></sheetData>`)
	var copies []part
	for i := range 3 {
		copies = append(copies, part{fmt.Sprintf("xl/worksheets/copy%d.xml", i), base[6].text})
	}
	raw := zipOf(t, append(with(base,
		part{"xl/workbook.xml", `<workbook><workbookPr date1904="1"/><sheets><sheet name="Eén" r:id="rId1"/><sheet name="Grafiek" r:id="rId2"/><sheet name="Twee" state="hidden" r:id="rId4"/>` +
			`<sheet name="Drie" state="veryHidden" r:id="rId5"/><sheet name="Macro" r:id="rId3"/><sheet name="Vier" state="visible" r:id="rId6"/></sheets></workbook>`},
		part{"xl/_rels/workbook.xml.rels", relsOf(transitional+"worksheet", "worksheets/sheet1.xml", transitional+"chartsheet", "chartsheets/sheet1.xml", transitional+"xlMacrosheet", "m.xml",
			transitional+"worksheet", "worksheets/copy0.xml", transitional+"worksheet", "worksheets/copy1.xml", transitional+"worksheet", "worksheets/copy2.xml")}), copies...)...)
	src, err := openBytes(raw, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%+v", src.Tables())
	var want []Table
	for _, s := range []struct {
		name   string
		hidden bool
	}{{"Eén", false}, {"Twee", true}, {"Drie", true}, {"Vier", false}} {
		want = append(want, Table{Name: s.name, Hidden: s.hidden, Epoch: value.Epoch1904})
	}
	if got != fmt.Sprintf("%+v", want) {
		t.Errorf("tables %s, want %+v", got, want)
	}
	for range 2 { // a table is read again from its start
		for table := range src.Tables() {
			if rows, err := sheetOf(src, table); err != nil || len(rows) != 1 {
				t.Errorf("table %d: %q, %v", table, rows, err)
			}
		}
	}
	if _, err := src.Rows(4); err == nil {
		t.Error("a table that is not there can be read")
	}
}
