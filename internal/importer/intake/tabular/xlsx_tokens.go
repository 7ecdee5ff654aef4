package tabular

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"io"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// maxDepth bounds how deep elements may lie in one another; Excel needs about ten.
const maxDepth = 64

// tokens reads the XML of a part as encoding/xml's raw tokens: without namespaces,
// whose prefixes and URIs differ between programs and editions, and with a bound on
// what one token may hold. It keeps what RawToken does not: that elements close as
// they opened and that there is one root. A document type, the only way to make
// entities, is refused.
type tokens struct {
	dec    *xml.Decoder
	bytes  *tokenBytes
	part   io.Closer
	open   []string // the names of the elements that are open
	closed bool     // the root
}

// tokens opens a part, of which limit bytes may be read, a token of at most size.
func (p *pack) tokens(part string, limit int64, size int) (*tokens, error) {
	rc, err := p.open(part, limit)
	if err != nil {
		return nil, err
	}
	t, err := newTokens(rc, size)
	if err != nil {
		return nil, errors.Join(err, rc.Close())
	}
	t.part = rc
	return t, nil
}

func newTokens(r io.Reader, size int) (*tokens, error) {
	text, utf16, err := asUTF8(r)
	if err != nil {
		return nil, err
	}
	b := &tokenBytes{r: text, limit: size}
	t := &tokens{dec: xml.NewDecoder(b), bytes: b}
	if utf16 {
		t.dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	}
	return t, nil
}

// asUTF8 reads UTF-16, the other encoding that the standard allows, as UTF-8.
func asUTF8(r io.Reader) (text *bufio.Reader, utf16 bool, err error) {
	text = bufio.NewReaderSize(r, blockBytes)
	head, err := text.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	if bytes.Equal(head, []byte("\xFF\xFE")) || bytes.Equal(head, []byte("\xFE\xFF")) {
		decoder := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder()
		return bufio.NewReaderSize(transform.NewReader(text, decoder), blockBytes), true, nil
	}
	return text, false, nil
}

// tokenBytes hands out so many bytes for one token and no more, since encoding/xml
// holds a token whole.
type tokenBytes struct {
	r           *bufio.Reader
	limit, left int
}

func (b *tokenBytes) ReadByte() (byte, error) {
	if b.left <= 0 {
		return 0, errRecordTooLong
	}
	b.left--
	return b.r.ReadByte()
}

// Read is there because encoding/xml wants an io.Reader; it uses ReadByte.
func (b *tokenBytes) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c, err := b.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = c
	return 1, nil
}

// next returns the next token, or io.EOF after the root. It is valid until the next call.
func (t *tokens) next() (xml.Token, error) {
	t.bytes.left = t.bytes.limit
	tok, err := t.dec.RawToken()
	if err != nil {
		if errors.Is(err, io.EOF) && !t.closed {
			return nil, errBroken
		}
		return nil, err
	}
	switch tok := tok.(type) {
	case xml.StartElement:
		if t.closed || len(t.open) == maxDepth {
			return nil, errBroken
		}
		t.open = append(t.open, tok.Name.Local)
	case xml.EndElement:
		last := len(t.open) - 1
		if last < 0 || t.open[last] != tok.Name.Local {
			return nil, errBroken
		}
		t.open = t.open[:last]
		t.closed = last == 0
	case xml.Directive:
		return nil, errBroken
	}
	return tok, nil
}

// depth is how many elements are open: 1 in the root.
func (t *tokens) depth() int { return len(t.open) }

// within reports whether the element around the innermost is of this name.
func (t *tokens) within(name string) bool { return len(t.open) > 1 && t.open[len(t.open)-2] == name }

// skip goes on until no more than depth elements are open.
func (t *tokens) skip(depth int) error {
	for len(t.open) > depth {
		if _, err := t.next(); err != nil {
			return err
		}
	}
	return nil
}

// text appends the text of the innermost element to into, and closes the element.
// Of rich text, whose runs are joined, rich takes what the user sees: the content of
// <t>, but for the pronunciation in <rPh>. More than limit bytes is errRecordTooLong.
func (t *tokens) text(into []byte, rich bool, limit int) ([]byte, error) {
	depth := len(t.open)
	for {
		tok, err := t.next()
		if err != nil {
			return into, err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if rich && tok.Name.Local == "rPh" {
				if err := t.skip(len(t.open) - 1); err != nil {
					return into, err
				}
			}
		case xml.EndElement:
			if len(t.open) < depth {
				return into, nil
			}
		case xml.CharData:
			if rich && (len(t.open) == depth || t.open[len(t.open)-1] != "t") {
				continue
			}
			if len(into)+len(tok) > limit {
				return into, errRecordTooLong
			}
			into = append(into, tok...)
		}
	}
}

// close frees what inflating needs.
func (t *tokens) close() {
	if t.part != nil {
		_ = t.part.Close() // of a part that is read, or has failed already
		t.part = nil
	}
}
