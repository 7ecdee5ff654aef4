// Package tabular reads files of rows and columns: today CSV in the encodings
// and with the delimiters that hospitals' spreadsheets and exports use. Every
// format yields the same [Row], numbered as the user's spreadsheet numbers it.
//
// It knows nothing of what a column means, holds one row at a time, and its
// errors name a line, never a value.
package tabular

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Limits bound what one file may cost. Zero values mean the defaults.
type Limits struct {
	Columns     int   // of a row
	RecordBytes int   // of a row, decoded
	Expanded    int64 // bytes of one part of a compressed file, once inflated
	Texts       int64 // bytes of the texts that a workbook's cells share
}

// The default limits.
const (
	DefaultColumns     = 500
	DefaultRecordBytes = 1 << 20
	DefaultExpanded    = 1 << 30
	DefaultTexts       = 96 << 20
)

// OrDefault fills what is zero with the defaults.
func (l Limits) OrDefault() Limits {
	l.Columns = cmp.Or(l.Columns, DefaultColumns)
	l.RecordBytes = cmp.Or(l.RecordBytes, DefaultRecordBytes)
	l.Expanded = cmp.Or(l.Expanded, DefaultExpanded)
	l.Texts = cmp.Or(l.Texts, DefaultTexts)
	return l
}

// sniffBytes is how much of a file is looked at to tell its format and delimiter.
const sniffBytes = 64 << 10

// Blank tells whether the row has no content.
func (r Row) Blank() bool {
	for _, c := range r.Cells {
		if c != "" {
			return false
		}
	}
	return true
}

// Code says why a file cannot be read. It is a refusal code of the catalogue.
type Code string

// The codes.
const (
	Empty          Code = "EMPTY"
	NotText        Code = "NOT_TEXT"
	BadEncoding    Code = "ENCODING"
	TooManyColumns Code = "TOO_MANY_COLUMNS"
	RecordTooLong  Code = "RECORD_TOO_LONG"
	UnclosedQuote  Code = "UNCLOSED_QUOTE"

	// Of workbooks.
	Encrypted      Code = "ENCRYPTED"       // a password is needed to open it
	OldWorkbook    Code = "OLD_WORKBOOK"    // .xls, of Excel before 2007
	BinaryWorkbook Code = "BINARY_WORKBOOK" // .xlsb
	OtherDocument  Code = "OTHER_DOCUMENT"  // a zip or Office file that is no workbook of Excel: .ods, .docx, a zip
	BrokenWorkbook Code = "BROKEN_WORKBOOK"
	TooExpanded    Code = "TOO_EXPANDED" // it would inflate to more than a delivery needs

	// Of JSON and FHIR.
	BrokenJSON Code = "BROKEN_JSON"  // Line is where
	NotRecords Code = "NOT_RECORDS"  // JSON, but neither a list of objects nor an object a line
	FHIRXML    Code = "FHIR_XML"     // FHIR in XML rather than JSON
	NoPatients Code = "NO_PATIENTS"  // FHIR without one Patient
	NotABundle Code = "NOT_A_BUNDLE" // a FHIR resource other than Bundle or Patient
)

// Error is a file that cannot be read, and the line where that shows (0 where
// it is the whole file).
type Error struct {
	Code Code
	Line int
}

func (e *Error) Error() string {
	return fmt.Sprintf("the file cannot be read: %s at line %d", e.Code, e.Line)
}

// Reader reads a file row by row.
type Reader struct {
	csv       *csv.Reader
	budget    *budgetReader
	limits    Limits
	width     int // cells of the first row
	last      int // physical line on which the last record ended
	embedded  int // line breaks inside quoted cells so far: lines that are no rows
	first     bool
	row       Row
	Encoding  string // "utf-8", "utf-16le", "utf-16be" or "windows-1252"
	Delimiter rune
}

// errNotUTF8 tells Open's caller nothing: it makes Open try Windows-1252.
var errNotUTF8 = encoding.ErrInvalidUTF8

// IsNotUTF8 tells whether err means that a file that looked like UTF-8 is not.
// The caller opens it again with legacy set.
func IsNotUTF8(err error) bool { return errors.Is(err, errNotUTF8) }

// Open detects encoding and delimiter and gives a Reader at the first row. With
// legacy, bytes that are no UTF-8 or UTF-16 by a byte order mark are read as
// Windows-1252, what Dutch Excel writes as plain "CSV".
func Open(r io.Reader, legacy bool, limits Limits) (*Reader, error) {
	limits = limits.OrDefault()
	raw := bufio.NewReaderSize(r, sniffBytes)
	head, err := raw.Peek(sniffBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(bytes.TrimSpace(head)) == 0 {
		return nil, &Error{Code: Empty}
	}
	name, decoder, err := detect(head, legacy)
	if err != nil {
		return nil, err
	}
	text := bufio.NewReaderSize(transform.NewReader(raw, decoder), sniffBytes)
	start, err := text.Peek(sniffBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(bytes.TrimSpace(start)) == 0 {
		return nil, &Error{Code: Empty}
	}
	if bytes.IndexByte(start, '\r') >= 0 && bytes.IndexByte(start, '\n') < 0 {
		text = bufio.NewReaderSize(&returns{text}, sniffBytes)
		if start, err = text.Peek(sniffBytes); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
	delimiter, skip := sniffDelimiter(start)
	if _, err := text.Discard(skip); err != nil {
		return nil, err
	}
	budget := &budgetReader{r: text, limit: limits.RecordBytes + sniffBytes}
	c := csv.NewReader(budget)
	c.Comma = delimiter
	c.LazyQuotes = true // a lone quote in a name is no reason to refuse it
	c.FieldsPerRecord = -1
	c.ReuseRecord = true
	return &Reader{csv: c, budget: budget, limits: limits, first: true, Encoding: name, Delimiter: delimiter}, nil
}

// returns makes line feeds of carriage returns, for a file that has these alone:
// Excel's "CSV (Macintosh)".
type returns struct{ r io.Reader }

func (r *returns) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	for i, b := range p[:n] {
		if b == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}

// detect tells the encoding from the first bytes.
func detect(head []byte, legacy bool) (string, transform.Transformer, error) {
	switch {
	case bytes.HasPrefix(head, []byte{0xEF, 0xBB, 0xBF}):
		return "utf-8", transform.Chain(unicode.BOMOverride(transform.Nop), encoding.UTF8Validator), nil
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}):
		return "utf-16le", unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder(), nil
	case bytes.HasPrefix(head, []byte{0xFE, 0xFF}):
		return "utf-16be", unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder(), nil
	}
	if n := bytes.Count(head, []byte{0}); n > 0 {
		// UTF-16 of Dutch text has a NUL in nearly every pair, always on the same side.
		even, odd := nulSides(head)
		switch {
		case odd > len(head)/3 && even == 0:
			return "utf-16le", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder(), nil
		case even > len(head)/3 && odd == 0:
			return "utf-16be", unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewDecoder(), nil
		}
		return "", nil, &Error{Code: NotText}
	}
	for _, magic := range []string{"PK\x03\x04", "%PDF-", "\xD0\xCF\x11\xE0", "\x1F\x8B", "Rar!", "7z\xBC\xAF", "\x89PNG", "\xFF\xD8\xFF", "{\\rtf"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return "", nil, &Error{Code: NotText}
		}
	}
	if legacy {
		return "windows-1252", charmap.Windows1252.NewDecoder(), nil
	}
	return "utf-8", encoding.UTF8Validator, nil
}

func nulSides(b []byte) (even, odd int) {
	for i, c := range b {
		if c == 0 {
			if i%2 == 0 {
				even++
			} else {
				odd++
			}
		}
	}
	return even, odd
}

// delimiters are tried in this order; the first wins a tie.
const delimiters = ";,\t|"

// sniffDelimiter chooses the delimiter that cuts the first line into most
// cells. The header decides, for data may hold any of them. A leading line
// "sep=;", which Excel understands, is obeyed; skip is its length in bytes.
func sniffDelimiter(start []byte) (delimiter rune, skip int) {
	text := string(start)
	if len(text) > 5 && strings.EqualFold(text[:4], "sep=") {
		if end := strings.IndexByte(text, '\n'); end >= 5 && end <= 6 {
			return rune(text[4]), end + 1
		}
	}
	line := firstLine(text)
	best, most := ';', 0
	for _, d := range delimiters {
		if n := countOutsideQuotes(line, d); n > most {
			best, most = d, n
		}
	}
	return best, 0
}

// firstLine gives the first line that has content, quotes observed.
func firstLine(text string) string {
	text = strings.TrimLeft(text, "\r\n \u00a0")
	quoted := false
	for i, c := range text {
		switch {
		case c == '"':
			quoted = !quoted
		case (c == '\n' || c == '\r') && !quoted:
			return text[:i]
		}
	}
	return text
}

func countOutsideQuotes(line string, d rune) int {
	n, quoted := 0, false
	for _, c := range line {
		switch {
		case c == '"':
			quoted = !quoted
		case c == d && !quoted:
			n++
		}
	}
	return n
}

// Next gives the next row, blank ones included, or io.EOF. A file that cannot be
// read further is an *Error; IsNotUTF8 tells that it wants another encoding.
func (r *Reader) Next() (Row, error) {
	r.budget.left = r.budget.limit
	cells, err := r.csv.Read()
	switch {
	case errors.Is(err, errRecordTooLong):
		return Row{}, &Error{Code: RecordTooLong, Line: r.last - r.embedded + 1}
	case errors.Is(err, io.EOF):
		return Row{}, io.EOF
	case err != nil:
		if pe, ok := errors.AsType[*csv.ParseError](err); ok {
			return Row{}, &Error{Code: UnclosedQuote, Line: pe.StartLine - r.embedded}
		}
		return Row{}, err
	}
	start, _ := r.csv.FieldPos(0)
	line := start - r.embedded
	breaks := 0
	for i, c := range cells {
		breaks += strings.Count(c, "\n")
		cells[i] = trim(c)
	}
	if len(cells) > r.limits.Columns {
		return Row{}, &Error{Code: TooManyColumns, Line: line}
	}
	if !r.first && r.swallowed(cells) {
		return Row{}, &Error{Code: UnclosedQuote, Line: line}
	}
	r.embedded += breaks
	r.last = start + breaks
	r.row = Row{Line: line, Cells: cells}
	if r.first && !r.row.Blank() {
		r.first, r.width = false, len(cells)
	}
	return r.row, nil
}

// swallowed tells whether a quote that was never closed has drawn other cells or
// rows into one: going on would lose them, or pair the wrong ones.
func (r *Reader) swallowed(cells []string) bool {
	d := string(r.Delimiter)
	for _, c := range cells {
		if len(cells) != r.width && strings.ContainsAny(c, d+"\n") {
			return true
		}
		lines := strings.Split(c, "\n")
		for _, inner := range lines[1:] {
			if n := strings.Count(inner, d); n > 0 && n >= (r.width-1)/2 {
				return true
			}
		}
	}
	return false
}

// trim takes white space off a cell, the no-break space, a stray byte order mark
// and the end-of-file sign of old programs among it.
func trim(s string) string { return strings.Trim(s, " \t\r\n\f\x1a\u00a0\ufeff") }

// Control tells whether s holds a control character or is not valid text, which
// no cell of ours may.
func Control(s string) bool {
	for _, c := range s {
		if c < ' ' || c == 0x7f || c == utf8.RuneError {
			return true
		}
	}
	return false
}

// errRecordTooLong ends a record that outgrows its budget.
var errRecordTooLong = errors.New("record too long")

// budgetReader hands out so many bytes between two rows and no more, since
// csv.Reader itself would hold a record of any size.
type budgetReader struct {
	r           io.Reader
	limit, left int
}

func (b *budgetReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errRecordTooLong
	}
	n, err := b.r.Read(p)
	b.left -= n
	return n, err
}
