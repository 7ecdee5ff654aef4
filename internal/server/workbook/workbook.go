// Package workbook writes Excel workbooks (.xlsx) as a stream: every cell is text, in a
// style that stays text when it is edited, so that zeros stay and nothing is calculated.
//
// It never gathers a sheet in memory or in a temporary file, as the libraries do that can
// do more: a workbook may hold patient numbers.
package workbook

import (
	"archive/zip"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Type is the content type of a workbook.
const Type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// The limits of a sheet.
const (
	MaxRows     = 1 << 20
	maxCellText = 32_000 // characters; Excel's limit is 32,767
)

// Style is how a cell looks. Both styles are text.
type Style string

// The styles. Their values are the places in styles.xml.
const (
	Plain Style = "1"
	Bold  Style = "2"
)

// Column is the look of the columns First to Last, which count from 1.
type Column struct {
	First, Last, Width int
	Text               bool // also its empty cells are text, for a sheet that is filled in
}

// Sheet is one sheet of a workbook.
type Sheet struct {
	Name    string
	Columns []Column
	Frozen  bool // the first row stays in view
	Filter  bool // the first row has filter buttons
}

// Writer writes a workbook. Its sheets are named beforehand and written in order, each
// begun by Next.
type Writer struct {
	zip    *zip.Writer
	sheets []Sheet
	sheet  io.Writer
	begun  int // number of sheets that were begun
	row    int // of the present sheet
	width  int // cells of the widest row of the present sheet
}

// New starts a workbook with these sheets.
func New(w io.Writer, sheets []Sheet) (*Writer, error) {
	x := &Writer{zip: zip.NewWriter(w), sheets: sheets}
	for _, part := range frame(sheets) {
		out, err := x.zip.Create(part[0])
		if err != nil {
			return nil, err
		}
		if _, err := io.WriteString(out, xmlHead+part[1]); err != nil {
			return nil, err
		}
	}
	return x, nil
}

const (
	xmlHead   = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	mainSpace = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	relSpace  = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	packSpace = "http://schemas.openxmlformats.org/package/2006/"
	kinds     = "application/vnd.openxmlformats-officedocument.spreadsheetml."

	noBorder = `<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>`
	noFill   = `<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>`
	fonts    = `<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>`
	textCell = ` applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>`
	styles   = `<styleSheet ` + mainSpace + `>` + fonts + noFill + noBorder +
		`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
		`<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>` +
		`<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"` + textCell +
		`<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"` + textCell + `</cellXfs>` +
		`<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`
)

// frame returns every part of the workbook except its sheets.
func frame(sheets []Sheet) [][2]string {
	types, book, rels := "", "", ""
	for i, s := range sheets {
		n := strconv.Itoa(i + 1)
		types += `<Override PartName="/` + partName(i) + `" ContentType="` + kinds + `worksheet+xml"/>`
		book += `<sheet name="` + escape(s.Name) + `" sheetId="` + n + `" r:id="rId` + n + `"/>`
		rels += `<Relationship Id="rId` + n + `" Type="` + relSpace + `/worksheet" Target="worksheets/sheet` + n + `.xml"/>`
	}
	return [][2]string{
		{"[Content_Types].xml", `<Types xmlns="` + packSpace + `content-types">` +
			`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
			`<Default Extension="xml" ContentType="application/xml"/>` +
			`<Override PartName="/xl/workbook.xml" ContentType="` + kinds + `sheet.main+xml"/>` +
			`<Override PartName="/xl/styles.xml" ContentType="` + kinds + `styles+xml"/>` + types + `</Types>`},
		{"_rels/.rels", `<Relationships xmlns="` + packSpace + `relationships"><Relationship Id="rId1" Type="` + relSpace +
			`/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"xl/workbook.xml", `<workbook ` + mainSpace + ` xmlns:r="` + relSpace + `"><sheets>` + book + `</sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="` + packSpace + `relationships">` + rels +
			`<Relationship Id="rIdS" Type="` + relSpace + `/styles" Target="styles.xml"/></Relationships>`},
		{"xl/styles.xml", styles},
	}
}

func partName(sheet int) string { return "xl/worksheets/sheet" + strconv.Itoa(sheet+1) + ".xml" }

// Left returns the number of sheets that were not begun yet.
func (x *Writer) Left() int { return len(x.sheets) - x.begun }

// Rows returns the number of rows of the present sheet.
func (x *Writer) Rows() int { return x.row }

// Next ends the present sheet, if there is one, and begins the next.
func (x *Writer) Next() error {
	if err := x.end(); err != nil {
		return err
	}
	s := x.sheets[x.begun]
	var err error
	if x.sheet, err = x.zip.Create(partName(x.begun)); err != nil {
		return err
	}
	x.begun, x.row, x.width = x.begun+1, 0, 1
	head := ""
	if s.Frozen {
		head = `<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>`
	}
	if len(s.Columns) > 0 {
		head += "<cols>"
		for _, c := range s.Columns {
			x.width = max(x.width, c.Last)
			style := ""
			if c.Text {
				style = ` style="` + string(Plain) + `"`
			}
			head += fmt.Sprintf(`<col min="%d" max="%d" width="%d"%s customWidth="1"/>`, c.First, c.Last, c.Width, style)
		}
		head += "</cols>"
	}
	_, err = io.WriteString(x.sheet, xmlHead+`<worksheet `+mainSpace+`>`+head+`<sheetData>`)
	return err
}

// end closes the present sheet. It marks numbers stored as text, so that Excel does not warn
// about them.
func (x *Writer) end() error {
	if x.begun == 0 {
		return nil
	}
	filter := ""
	if x.sheets[x.begun-1].Filter {
		filter = `<autoFilter ref="A1:` + cellName(x.width-1, max(1, x.row)) + `"/>`
	}
	_, err := io.WriteString(x.sheet, `</sheetData>`+filter+
		`<ignoredErrors><ignoredError sqref="A1:`+cellName(x.width-1, MaxRows)+`" numberStoredAsText="1"/></ignoredErrors></worksheet>`)
	return err
}

// Row adds a row of text cells to the present sheet.
func (x *Writer) Row(style Style, cells ...string) error {
	x.row++
	x.width = max(x.width, len(cells))
	var b strings.Builder
	b.WriteString(`<row r="` + strconv.Itoa(x.row) + `">`)
	for i, v := range cells {
		if v != "" {
			b.WriteString(`<c r="` + cellName(i, x.row) + `" s="` + string(style) + `" t="inlineStr">`)
			b.WriteString(`<is><t xml:space="preserve">` + escape(v) + `</t></is></c>`)
		}
	}
	b.WriteString(`</row>`)
	_, err := io.WriteString(x.sheet, b.String())
	return err
}

// Close ends the workbook, with the sheets that were not begun left empty. A workbook
// that is not closed cannot be opened, so that one that broke off cannot pass for a whole
// one.
func (x *Writer) Close() error {
	for x.Left() > 0 {
		if err := x.Next(); err != nil {
			return err
		}
	}
	if err := x.end(); err != nil {
		return err
	}
	return x.zip.Close()
}

// cellName returns the name of a cell, such as AB12. Columns count from 0, rows from 1.
func cellName(column, row int) string {
	name := ""
	for column++; column > 0; column = (column - 1) / 26 {
		name = string(rune('A'+(column-1)%26)) + name
	}
	return name + strconv.Itoa(row)
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
