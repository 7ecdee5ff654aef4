package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// bom is the mark by which Excel sees that the file is UTF-8.
const bom = "\ufeff"

// header is the first line. It is Dutch in every language: scripts read it.
var header = []string{"Regel", "Patiëntnummer", "Kolom", "Code", "Ernst", "Melding", "Bron", "Advies"}

// formulaLeads are the characters with which a spreadsheet starts a formula.
const formulaLeads = "=+-@\t\r\n\x00＝＋－＠"

// CSV writes a report for a Dutch spreadsheet: semicolons, UTF-8 with a BOM,
// CRLF, and no cell that is a formula.
type CSV struct{ w *csv.Writer }

// NewCSV starts a report with its header.
func NewCSV(w io.Writer) (*CSV, error) {
	if _, err := io.WriteString(w, bom); err != nil {
		return nil, err
	}
	c := &CSV{csv.NewWriter(w)}
	c.w.Comma, c.w.UseCRLF = ';', true
	return c, c.w.Write(header)
}

// Write adds a row.
func (c *CSV) Write(r Row) error {
	cells := r.cells()
	for i := range cells {
		cells[i] = Cell(cells[i])
	}
	return c.w.Write(cells)
}

// cells returns the cells of a row, in the order of header.
func (r Row) cells() []string {
	return []string{strconv.Itoa(r.Line), r.PatientNumber, r.Column, r.Code, word(severities, r.Severity), r.Message,
		word(sources, r.Source), r.Advice}
}

// Close writes the rows that are still in the buffer.
func (c *CSV) Close() error {
	c.w.Flush()
	return c.w.Error()
}

// Cell returns s in a form that is safe to open in a spreadsheet. A possible
// formula gets an apostrophe in front, which makes it text; so does text that is
// not valid UTF-8, for a program that drops a byte of it could make a formula of
// it. Leading zeros stay.
func Cell(s string) string {
	if s != "" && (strings.ContainsRune(formulaLeads, []rune(s)[0]) || !utf8.ValidString(s)) {
		return "'" + s
	}
	return s
}

// The words of the report, Dutch like its header.
var (
	severities = map[string]string{"fatal": "fout", "warning": "waarschuwing", Review: "te beoordelen"}
	sources    = map[string]string{"ttp": "TTP", "sluis": "Sluis"}
)

func word(words map[string]string, code string) string {
	if w, ok := words[code]; ok {
		return w
	}
	return code
}
