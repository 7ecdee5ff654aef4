package tabular

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"
)

// JSONText reads a JSON text value by value, and knows on which line each begins.
// It holds one value at a time, and no larger one than its limit.
type JSONText struct {
	dec   *json.Decoder
	lines *lineReader
	limit int
}

// OpenJSONText begins at the start of a file. Its encoding is UTF-8 or UTF-16; any
// other is an *Error.
func OpenJSONText(file io.ReaderAt, size int64, limits Limits) (*JSONText, error) {
	raw := bufio.NewReaderSize(io.NewSectionReader(file, 0, size), sniffBytes)
	head, err := raw.Peek(sniffBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(bytes.TrimSpace(head)) == 0 {
		return nil, &Error{Code: Empty}
	}
	_, decoder, err := detect(head)
	if err != nil {
		return nil, err
	}
	lines := &lineReader{r: bufio.NewReaderSize(transform.NewReader(raw, decoder), sniffBytes), line: 1}
	t := &JSONText{dec: json.NewDecoder(lines), lines: lines, limit: limits.OrDefault().RecordBytes + sniffBytes}
	t.dec.UseNumber()
	return t, nil
}

// Token returns the next token; see json.Decoder.Token.
func (t *JSONText) Token() (json.Token, error) {
	t.lines.left = t.limit
	token, err := t.dec.Token()
	return token, t.failed(err)
}

// More reports whether there is another element or member, or another value after
// the one that was read.
func (t *JSONText) More() bool {
	t.lines.left = t.limit
	return t.dec.More()
}

// Value returns the next value whole, valid until the next call, and the line on
// which it begins; io.EOF behind the last.
func (t *JSONText) Value() (raw json.RawMessage, line int, err error) {
	t.lines.left = t.limit
	if !t.dec.More() { // moves on to the value
		if _, err := t.dec.Token(); err != nil {
			return nil, t.Line(), t.failed(err)
		}
		return nil, t.Line(), &Error{Code: BrokenJSON, Line: t.Line()}
	}
	line = t.lineOfNext()
	if err := t.dec.Decode(&raw); err != nil {
		return nil, line, t.failed(err)
	}
	return raw, line, nil
}

// Limit is how many bytes a value has at most.
func (t *JSONText) Limit() int { return t.limit }

// Ahead returns the text that comes next, from the next value on: n bytes of it or some
// less, at most 64 KiB. At the end there is none.
func (t *JSONText) Ahead(n int) ([]byte, error) {
	rest, _ := io.ReadAll(io.LimitReader(t.dec.Buffered(), int64(n))) // a reader of bytes: it cannot fail
	if len(rest) < n {
		more, err := t.lines.r.Peek(n - len(rest))
		if err != nil && !errors.Is(err, io.EOF) {
			if t.lines.err == nil {
				t.lines.err = err
			}
			return nil, t.failed(err)
		}
		rest = append(rest, more...)
	}
	return bytes.TrimLeft(rest, " \t\r\n,:"), nil
}

// Line is the line up to which was read.
func (t *JSONText) Line() int { return t.lines.lineAt(t.dec.InputOffset()) }

// lineOfNext is the line on which the next value begins: behind the white space
// and the comma that the decoder has looked at but not passed.
func (t *JSONText) lineOfNext() int {
	at := t.dec.InputOffset()
	rest, _ := io.ReadAll(io.LimitReader(t.dec.Buffered(), sniffBytes)) // a reader of bytes: it cannot fail
	for _, b := range rest {
		if b != ' ' && b != '\t' && b != '\r' && b != '\n' && b != ',' && b != ':' {
			break
		}
		at++
	}
	return t.lines.lineAt(at + 1)
}

// failed makes an *Error of what is wrong with the text, and passes on what is
// wrong below it.
func (t *JSONText) failed(err error) error {
	if err == nil || err == io.EOF { //nolint:errorlint // the decoder gives it as it is
		return err
	}
	if t.lines.err != nil && !errors.Is(t.lines.err, errRecordTooLong) && !errors.Is(t.lines.err, encoding.ErrInvalidUTF8) {
		return t.lines.err
	}
	switch line := t.Line(); {
	case errors.Is(t.lines.err, errRecordTooLong):
		return &Error{Code: RecordTooLong, Line: line}
	case errors.Is(t.lines.err, encoding.ErrInvalidUTF8):
		return &Error{Code: BadEncoding}
	default:
		return &Error{Code: BrokenJSON, Line: line}
	}
}

// lineReader counts lines, and hands out so many bytes for one value and no more.
type lineReader struct {
	r      *bufio.Reader
	left   int
	err    error // the first fault, other than the end
	offset int64
	ends   []int64 // offsets of line ends that were read but not yet passed
	line   int     // of what was passed
}

func (l *lineReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		l.err = errRecordTooLong
		return 0, l.err
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	for i, b := range p[:n] {
		if b == '\n' {
			l.ends = append(l.ends, l.offset+int64(i))
		}
	}
	l.offset += int64(n)
	if err != nil && !errors.Is(err, io.EOF) && l.err == nil {
		l.err = err
	}
	return n, err
}

// lineAt is the line of an offset; offsets must not fall.
func (l *lineReader) lineAt(offset int64) int {
	i := 0
	for i < len(l.ends) && l.ends[i] < offset {
		i++
	}
	if i > 0 {
		l.line += i
		l.ends = append(l.ends[:0], l.ends[i:]...)
	}
	return l.line
}
