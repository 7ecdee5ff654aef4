package ttpsandbox

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// column is a column that Pseudonymise knows.
type column int

const (
	unknown column = iota
	centre
	birthDate
	sexColumn
	number
	surname
	prefix
	initials
)

// columns are the pilot's headers and similar ones, as normalise returns them.
var columns = map[string]column{
	"CENTRUMID": centre, "CENTRUM": centre, "CENTRE": centre,
	"GEBOORTEDATUM": birthDate, "BIRTHDATE": birthDate,
	"GESLACHT": sexColumn, "SEX": sexColumn,
	"PATIENTNUMMER": number, "PATIENTNUMBER": number,
	"ACHTERNAAM": surname, "GEBOORTENAAM": surname, "SURNAME": surname,
	"TUSSENVOEGSEL": prefix, "VOORVOEGSEL": prefix, "PREFIX": prefix,
	"VOORLETTERS": initials, "INITIALEN": initials, "INITIALS": initials,
}

// table is a CSV with identities that is being read.
type table struct {
	csv    *csv.Reader
	comma  rune
	bom    bool
	header []string
	at     map[column]int
	keep   []int // columns that go to the output unchanged
	folded int   // line ends inside quotes so far: a spreadsheet does not count them
}

// record is one row with the line number that a spreadsheet shows; the header is 1.
type record struct {
	line   int
	fields []string
}

func openTable(in io.Reader) (*table, error) {
	src := bufio.NewReaderSize(in, 64<<10)
	start, err := src.Peek(64 << 10)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, fmt.Errorf("ttpsandbox: reading: %w", err)
	}
	t := &table{bom: bytes.HasPrefix(start, []byte("\xef\xbb\xbf")), at: map[column]int{}}
	text := bufio.NewReaderSize(transform.NewReader(src, decoder(start)), 64<<10)
	first, _ := text.Peek(64 << 10) // the first Read returns the error again
	t.comma = delimiter(first)
	t.csv = csv.NewReader(text)
	t.csv.Comma, t.csv.FieldsPerRecord = t.comma, -1

	if t.header, err = t.csv.Read(); err != nil {
		return nil, fmt.Errorf("ttpsandbox: the file has no header line that can be read: %w", err)
	}
	t.folded = newlines(t.header)
	for i, h := range t.header {
		c := columns[normalise(h)]
		if c == unknown {
			continue
		}
		if _, twice := t.at[c]; twice {
			return nil, fmt.Errorf("ttpsandbox: column %d means the same as an earlier one; remove one of them", i+1)
		}
		t.at[c] = i
		if c <= number {
			t.keep = append(t.keep, i)
		}
	}
	required := map[column]string{
		number: "Patiëntnummer", birthDate: "Geboortedatum", sexColumn: "Geslacht", surname: "Achternaam",
	}
	for c, name := range required {
		if _, ok := t.at[c]; !ok {
			return nil, fmt.Errorf("ttpsandbox: the file has no column %s", name)
		}
	}
	return t, nil
}

// decoder returns the decoder of the encoding that a byte order mark names, else of
// UTF-8 if start is that, else of Windows-1252.
func decoder(start []byte) transform.Transformer {
	whole := start
	for i := 0; i < utf8.UTFMax && len(whole) > 0 && !utf8.Valid(whole); i++ {
		whole = whole[:len(whole)-1] // the last letter of start may be cut off
	}
	if utf8.Valid(whole) && len(whole) > 0 || len(start) == 0 {
		return unicode.BOMOverride(unicode.UTF8.NewDecoder())
	}
	return unicode.BOMOverride(charmap.Windows1252.NewDecoder())
}

// delimiter returns the one that the first line has most often outside quotes.
func delimiter(text []byte) rune {
	counts := map[rune]int{}
	quoted := false
	for _, r := range string(text) {
		switch r {
		case '"':
			quoted = !quoted
		case ';', ',', '\t':
			if !quoted {
				counts[r]++
			}
		}
		if r == '\n' && !quoted {
			break
		}
	}
	best := ';'
	for _, r := range []rune{',', '\t'} {
		if counts[r] > counts[best] {
			best = r
		}
	}
	return best
}

// next reads up to n rows; done is true at the end of the file.
func (t *table) next(n int) (rows []record, done bool, err error) {
	for len(rows) < n {
		fields, err := t.csv.Read()
		if errors.Is(err, io.EOF) {
			return rows, true, nil
		}
		if e, ok := errors.AsType[*csv.ParseError](err); ok {
			return nil, true, fmt.Errorf("ttpsandbox: line %d: %w; put quotes around the whole field, and double those inside it",
				e.StartLine-t.folded, e.Err)
		}
		if err != nil {
			return nil, true, fmt.Errorf("ttpsandbox: reading: %w", err)
		}
		line, _ := t.csv.FieldPos(0)
		r := record{line: line - t.folded, fields: fields}
		t.folded += newlines(fields)
		if !blank(fields) {
			rows = append(rows, r)
		}
	}
	return rows, false, nil
}

// blank reports whether a row has only delimiters. Spreadsheets leave such rows at
// the end.
func blank(fields []string) bool {
	for _, f := range fields {
		if strings.TrimSpace(f) != "" {
			return false
		}
	}
	return true
}

func newlines(fields []string) (n int) {
	for _, f := range fields {
		n += strings.Count(f, "\n")
	}
	return n
}

// field returns a column of a row; empty if the file, or a short row, lacks it.
func (r record) field(t *table, c column) string {
	if i, ok := t.at[c]; ok && i < len(r.fields) {
		return r.fields[i]
	}
	return ""
}

// kept returns the fields of the columns that go to the output unchanged.
func (t *table) kept(fields []string) []string {
	out := make([]string, len(t.keep), len(t.keep)+len(t.header))
	for i, at := range t.keep {
		if at < len(fields) {
			out[i] = fields[at]
		}
	}
	return out
}
