package report

import (
	"archive/zip"
	"encoding/xml"
	"io"
	"strconv"
	"strings"

	"sluis/internal/delivery"
	"sluis/web/text"
)

// XLSXType is the content type of a workbook.
const XLSXType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// The limits of a sheet.
const (
	maxSheetRows = 1 << 20
	maxCellText  = 32_000 // Excel's is 32,767
)

// XLSX writes a report as a workbook: a sheet that sums it up, and the errors.
// Every cell is text, in a style that stays text when it is edited: zeros stay,
// and nothing is calculated. It goes out as it is written: a library would gather
// the sheet in memory or in a temporary file first.
type XLSX struct {
	zip    *zip.Writer
	sheet  io.Writer
	sheets int // of errors
	left   int // of these, announced and not begun
	row    int
}

// NewXLSX starts a workbook for a report of total rows and writes all of it but
// those.
func NewXLSX(w io.Writer, t *text.Catalogue, d delivery.Delivery, causes []delivery.Cause, total int) (*XLSX, error) {
	x := &XLSX{zip: zip.NewWriter(w), sheets: max(1, (total+maxSheetRows-2)/(maxSheetRows-1))}
	x.left = x.sheets
	for _, part := range x.frame(t) {
		if err := x.part(part[0], part[1]); err != nil {
			return nil, err
		}
	}
	if err := x.begin("xl/worksheets/sheet1.xml", summaryHead); err != nil {
		return nil, err
	}
	for _, r := range summary(t, d, causes) {
		style := plain
		if len(r) > 0 && r[0] == "" {
			r, style = r[1:], strong
		}
		if err := x.cells(r, style); err != nil {
			return nil, err
		}
	}
	if err := x.end(""); err != nil {
		return nil, err
	}
	return x, x.nextSheet()
}

// The styles of cells in styles.xml: both are text.
const (
	plain  = "1"
	strong = "2"
)

const (
	xmlHead     = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	mainSpace   = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	relSpace    = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	packSpace   = "http://schemas.openxmlformats.org/package/2006/"
	kinds       = "application/vnd.openxmlformats-officedocument.spreadsheetml."
	summaryHead = `<cols><col min="1" max="1" width="24" customWidth="1"/><col min="2" max="2" width="60" customWidth="1"/><col min="3" max="7" width="16" customWidth="1"/></cols>`
	errorsHead  = `<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>` +
		`<cols><col min="1" max="1" width="9" customWidth="1"/><col min="2" max="3" width="20" customWidth="1"/><col min="4" max="5" width="14" customWidth="1"/>` +
		`<col min="6" max="6" width="60" customWidth="1"/><col min="7" max="7" width="9" customWidth="1"/><col min="8" max="8" width="60" customWidth="1"/></cols>`
)

// frame returns every part except the sheets.
func (x *XLSX) frame(t *text.Catalogue) [][2]string {
	types, book, rels := "", "", ""
	for i := 1; i <= x.sheets+1; i++ {
		n, name := strconv.Itoa(i), t.T("xlsx.errors")
		switch {
		case i == 1:
			name = t.T("xlsx.summary")
		case i > 2:
			name += " " + strconv.Itoa(i-1)
		}
		types += `<Override PartName="/xl/worksheets/sheet` + n + `.xml" ContentType="` + kinds + `worksheet+xml"/>`
		book += `<sheet name="` + escape(name) + `" sheetId="` + n + `" r:id="rId` + n + `"/>`
		rels += `<Relationship Id="rId` + n + `" Type="` + relSpace + `/worksheet" Target="worksheets/sheet` + n + `.xml"/>`
	}
	return [][2]string{
		{"[Content_Types].xml", `<Types xmlns="` + packSpace + `content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
			`<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="` + kinds + `sheet.main+xml"/>` +
			`<Override PartName="/xl/styles.xml" ContentType="` + kinds + `styles+xml"/>` + types + `</Types>`},
		{"_rels/.rels", `<Relationships xmlns="` + packSpace + `relationships"><Relationship Id="rId1" Type="` + relSpace + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"xl/workbook.xml", `<workbook ` + mainSpace + ` xmlns:r="` + relSpace + `"><sheets>` + book + `</sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="` + packSpace + `relationships">` + rels +
			`<Relationship Id="rIdS" Type="` + relSpace + `/styles" Target="styles.xml"/></Relationships>`},
		{"xl/styles.xml", `<styleSheet ` + mainSpace + `><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>` +
			`<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
			`<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
			`<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>` +
			`<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>` +
			`<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf></cellXfs>` +
			`<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`},
	}
}

func (x *XLSX) part(name, content string) error {
	w, err := x.zip.Create(name)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, xmlHead+content)
	return err
}

// begin starts a sheet.
func (x *XLSX) begin(name, head string) (err error) {
	if x.sheet, err = x.zip.Create(name); err != nil {
		return err
	}
	x.row = 0
	_, err = io.WriteString(x.sheet, xmlHead+`<worksheet `+mainSpace+`>`+head+`<sheetData>`)
	return err
}

// end closes a sheet. It tells Excel that numbers stored as text are meant so.
func (x *XLSX) end(filter string) error {
	_, err := io.WriteString(x.sheet, `</sheetData>`+filter+
		`<ignoredErrors><ignoredError sqref="A1:H`+strconv.Itoa(maxSheetRows)+`" numberStoredAsText="1"/></ignoredErrors></worksheet>`)
	return err
}

// nextSheet begins a sheet of errors with its header.
func (x *XLSX) nextSheet() error {
	no := x.sheets - x.left + 2
	x.left--
	if err := x.begin("xl/worksheets/sheet"+strconv.Itoa(no)+".xml", errorsHead); err != nil {
		return err
	}
	return x.cells(header, strong)
}

func (x *XLSX) endErrors() error {
	return x.end(`<autoFilter ref="A1:H` + strconv.Itoa(max(1, x.row)) + `"/>`)
}

// Write adds a row. It leaves out rows beyond the announced total. There cannot be
// any: a delivery that is done gets no more findings.
func (x *XLSX) Write(r Row) error {
	if x.row == maxSheetRows {
		if x.left == 0 {
			return nil
		}
		if err := x.endErrors(); err != nil {
			return err
		}
		if err := x.nextSheet(); err != nil {
			return err
		}
	}
	return x.cells(r.cells(), plain)
}

// cells writes a row of text cells.
func (x *XLSX) cells(values []string, style string) error {
	x.row++
	n := strconv.Itoa(x.row)
	var b strings.Builder
	b.WriteString(`<row r="` + n + `">`)
	for i, v := range values {
		if v == "" {
			continue
		}
		b.WriteString(`<c r="` + string(rune('A'+i)) + n + `" s="` + style + `" t="inlineStr"><is><t xml:space="preserve">` + escape(v) + `</t></is></c>`)
	}
	b.WriteString(`</row>`)
	_, err := io.WriteString(x.sheet, b.String())
	return err
}

// Close ends the workbook. Without it the file cannot be opened, so that a report
// that broke off cannot pass for a whole one.
func (x *XLSX) Close() error {
	for {
		if err := x.endErrors(); err != nil {
			return err
		}
		if x.left == 0 {
			return x.zip.Close()
		}
		if err := x.nextSheet(); err != nil {
			return err
		}
	}
}

// escape makes text fit for XML; a character that XML cannot hold becomes a
// replacement sign. Excel reads "_x0041_" as the letter A, so the underscore of
// such a text is written as a code.
func escape(s string) string {
	if r := []rune(s); len(r) > maxCellText {
		s = string(r[:maxCellText])
	}
	if strings.Contains(s, "_x") {
		s = strings.ReplaceAll(s, "_x", "_x005F_x")
	}
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder does not fail
	return b.String()
}
