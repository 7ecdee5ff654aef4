package tabular

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"

	"sluis/internal/value"
)

// sniffBytes is how much of a file is looked at to tell its format and delimiter.
const sniffBytes = 64 << 10

// CSV is a text file of rows.
type CSV struct {
	Encoding  string // "utf-8", "utf-16le", "utf-16be", "windows-1252", "cp850" or "macintosh"
	Delimiter rune

	file    io.ReaderAt
	size    int64
	limits  Limits
	decoder func() transform.Transformer
	returns bool // some or all lines end in only a carriage return
	spaced  bool // there is a space between delimiter and quote
	skip    int  // bytes of text before the first row: a line "sep=;"
	width   int  // cells of a usual row
}

// OpenCSV detects encoding and delimiter. It reads the whole file once, since an
// old encoding may show in its last line.
func OpenCSV(file io.ReaderAt, size int64, limits Limits) (*CSV, error) {
	c := &CSV{file: file, size: size, limits: limits.OrDefault()}
	head := make([]byte, sniffBytes)
	defer clear(head)
	n, err := io.ReadFull(c.raw(), head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	if len(bytes.TrimSpace(head[:n])) == 0 {
		return nil, &Error{Code: Empty}
	}
	if err := c.chooseEncoding(head[:n]); err != nil {
		return nil, err
	}
	return c, c.chooseShape()
}

func (c *CSV) raw() io.Reader { return io.NewSectionReader(c.file, 0, c.size) }

func (c *CSV) chooseEncoding(head []byte) error {
	name, t, err := detect(head)
	if err != nil {
		return err
	}
	bom := bytes.HasPrefix(head, []byte{0xEF, 0xBB, 0xBF})
	if name == utf8Name && !bom {
		old, decoder, err := oldEncoding(c.raw())
		if err != nil {
			return err
		}
		if old != "" {
			name, t = old, decoder
		}
	}
	c.Encoding = name
	c.decoder = func() transform.Transformer { t.Reset(); return t } // one reader is used at a time
	return nil
}

// chooseShape looks at the first rows for how lines end and cells are parted.
func (c *CSV) chooseShape() error {
	text := bufio.NewReaderSize(c.text(), sniffBytes)
	peeked, err := text.Peek(sniffBytes)
	if errors.Is(err, encoding.ErrInvalidUTF8) {
		return &Error{Code: BadEncoding}
	} else if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if len(bytes.TrimSpace(peeked)) == 0 {
		return &Error{Code: Empty}
	}
	start := string(peeked)
	if lone := loneReturns(start); lone != start {
		// Where other ends of lines are there too, it may be a piece of text in a cell.
		if strings.IndexByte(start, '\n') < 0 || mostRows(lone) > mostRows(start) {
			c.returns, start = true, lone
		}
	}
	if len(start) > 5 && strings.EqualFold(start[:4], "sep=") {
		if end := strings.IndexByte(start, '\n'); end >= 5 && end <= 6 {
			c.Delimiter, c.skip = rune(start[4]), end+1
			_, c.width = usualWidth(start[c.skip:], c.Delimiter)
			c.spaced = spaced(start[c.skip:], c.Delimiter)
			return nil
		}
	}
	c.sniff(start)
	c.spaced = spaced(start, c.Delimiter)
	return nil
}

// spaced reports whether cells are written as "a", "b", so that the space is not part
// of them.
func spaced(start string, delimiter rune) bool {
	return delimiter != '\t' && strings.Count(start, string(delimiter)+` "`) > strings.Count(start, string(delimiter)+`"`)
}

// loneReturns makes line feeds of the carriage returns that end lines by themselves.
func loneReturns(s string) string {
	b := []byte(s)
	_, _ = io.ReadFull(returns{bufio.NewReader(strings.NewReader(s))}, b)
	return string(b)
}

// mostRows is how many of the first rows have the usual number of cells.
func mostRows(start string) int {
	most := 0
	for _, d := range delimiters {
		n, _ := usualWidth(start, d)
		most = max(most, n)
	}
	return most
}

// text is the file, decoded.
func (c *CSV) text() io.Reader {
	var r io.Reader = transform.NewReader(c.raw(), c.decoder())
	if c.returns {
		r = returns{bufio.NewReaderSize(r, sniffBytes)}
	}
	return r
}

// returns makes line feeds of carriage returns that no line feed follows: all of
// them in Excel's "CSV (Macintosh)", some of them if files were pasted together.
type returns struct{ r *bufio.Reader }

func (r returns) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	for i := 0; i < n; {
		at := bytes.IndexByte(p[i:n], '\r')
		if at < 0 {
			break
		}
		start := i + at
		for i = start; i < n && p[i] == '\r'; {
			i++
		}
		if feed := i < n && p[i] == '\n' || i == n && r.feeds(); !feed {
			for j := range p[start:i] {
				p[start+j] = '\n'
			}
		}
	}
	return n, err
}

// feeds reports whether a line feed comes next, perhaps after more returns.
func (r returns) feeds() bool {
	for n := 1; n < 16; n++ {
		next, err := r.r.Peek(n)
		if err != nil || next[n-1] != '\r' {
			return err == nil && next[n-1] == '\n'
		}
	}
	return false
}

// delimiters are tried in this order; the first wins a tie.
const delimiters = ";,\t|"

// sniff chooses the delimiter that cuts most of the first rows into the same
// number of cells, more cells before fewer. A title above the header, and commas
// in a remark, do not outvote the header and the rows together.
func (c *CSV) sniff(start string) {
	c.Delimiter, c.width = ';', 1
	most := 0
	for _, d := range delimiters {
		n, width := usualWidth(start, d)
		if n > most || n == most && width > c.width {
			c.Delimiter, c.width, most = d, width, n
		}
	}
}

// sniffRows is how many rows are looked at.
const sniffRows = 20

// usualWidth returns the commonest number of cells above one among the first rows,
// and how many rows have it; the first wins a tie.
func usualWidth(start string, delimiter rune) (rows, width int) {
	r := csv.NewReader(strings.NewReader(start))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord, r.ReuseRecord = delimiter, true, -1, true
	counts := map[int]int{}
	var order []int
	for range sniffRows {
		cells, err := r.Read()
		if err != nil {
			break
		}
		if n := len(cells); n > 1 {
			if counts[n] == 0 {
				order = append(order, n)
			}
			counts[n]++
		}
	}
	width = 1
	for _, n := range order {
		if counts[n] > rows {
			rows, width = counts[n], n
		}
	}
	return rows, width
}

// Tables is the one table of the file.
func (c *CSV) Tables() []Table { return []Table{{Delimiter: c.Delimiter}} }

// Rows begins at the first row.
func (c *CSV) Rows(int) (Rows, error) {
	text := bufio.NewReaderSize(c.text(), sniffBytes)
	if _, err := text.Discard(c.skip); err != nil {
		return nil, err
	}
	budget := &budgetReader{r: text, limit: c.limits.RecordBytes + sniffBytes}
	r := csv.NewReader(budget)
	r.Comma = c.Delimiter
	r.LazyQuotes = true // a lone quote in a name is no reason to refuse it
	r.TrimLeadingSpace = c.spaced
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	return &csvRows{csv: r, budget: budget, limits: c.limits, width: c.width, delimiter: string(c.Delimiter)}, nil
}

// csvRows reads a CSV row by row.
type csvRows struct {
	csv       *csv.Reader
	budget    *budgetReader
	limits    Limits
	width     int // cells of a usual row
	delimiter string
	last      int  // physical line on which the last record ended
	embedded  int  // line breaks inside quoted cells so far: lines that are no rows
	begun     bool // a row of the usual width was read: the header, and no title above it
}

// Next returns the next row, even a blank one, or io.EOF.
func (r *csvRows) Next() (Row, error) {
	r.budget.left = r.budget.limit
	cells, err := r.csv.Read()
	switch {
	case errors.Is(err, errRecordTooLong):
		return Row{}, &Error{Code: RecordTooLong, Line: r.last - r.embedded + 1}
	case errors.Is(err, io.EOF):
		return Row{}, io.EOF
	case errors.Is(err, encoding.ErrInvalidUTF8): // behind a byte order mark of UTF-8
		return Row{}, &Error{Code: BadEncoding}
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
		cells[i] = asText(value.Text(c))
	}
	if len(cells) > r.limits.Columns {
		return Row{}, &Error{Code: TooManyColumns, Line: line}
	}
	if r.begun && r.swallowed(cells) {
		return Row{}, &Error{Code: UnclosedQuote, Line: line}
	}
	r.embedded += breaks
	r.last = start + breaks
	row := Row{Line: line, Cells: cells}
	r.begun = r.begun || len(cells) == r.width && !row.Blank()
	return row, nil
}

// asText returns the text of a cell that is written as ="0123". Exports write so to
// keep a spreadsheet from taking it for a number.
func asText(cell string) string {
	inner, formula := strings.CutPrefix(cell, `="`)
	if inner, closed := strings.CutSuffix(inner, `"`); formula && closed {
		return value.Text(strings.ReplaceAll(inner, `""`, `"`))
	}
	return cell
}

// swallowed reports whether a quote that was never closed has pulled other cells or
// rows into one. Going on would lose them, or pair the wrong ones.
func (r *csvRows) swallowed(cells []string) bool {
	for _, c := range cells {
		if len(cells) != r.width && strings.ContainsAny(c, r.delimiter+"\n") {
			return true
		}
		lines := strings.Split(c, "\n")
		for _, inner := range lines[1:] {
			if n := strings.Count(inner, r.delimiter); n > 0 && n >= (r.width-1)/2 {
				return true
			}
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
