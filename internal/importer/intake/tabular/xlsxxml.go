package tabular

import (
	"archive/zip"
	"bufio"
	"encoding/xml"
	"errors"
	"io"
)

// maxDepth is how deep the elements of a part may be nested.
const maxDepth = 64

// element is the beginning of an XML element, by its local name: workbooks of
// other programs and of the strict standard differ in their name spaces.
type element struct {
	name  string
	attrs []xml.Attr
}

func (e element) attr(name string) string {
	for _, a := range e.attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// xmlReader reads the XML of one part, token by token. No token is larger than
// its budget, and no part than its limit.
type xmlReader struct {
	dec   *xml.Decoder
	bytes *meteredReader
	close func() error
	depth int
}

// meteredReader hands out bytes up to a budget for each token and a limit for all.
type meteredReader struct {
	r           *bufio.Reader
	token, left int
	total       int64
	over        bool
}

func (m *meteredReader) ReadByte() (byte, error) {
	if m.left--; m.left < 0 {
		return 0, errBudget
	}
	if m.total--; m.total < 0 {
		m.over = true
		return 0, errBudget
	}
	return m.r.ReadByte()
}

// Read is there because xml.NewDecoder asks for it; it reads by ReadByte.
func (m *meteredReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := m.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = b
	return 1, nil
}

func (x *XLSX) open(part *zip.File, limit int64) (*xmlReader, error) {
	r, err := part.Open()
	if err != nil {
		return nil, err
	}
	m := &meteredReader{r: bufio.NewReaderSize(r, 64<<10), token: x.limits.RecordBytes + sniffBytes, total: limit}
	return &xmlReader{dec: xml.NewDecoder(m), bytes: m, close: r.Close}, nil
}

// next gives the next token: an element, an xml.EndElement or xml.CharData, which
// is valid until the next call. Comments and the like are passed over; a document
// type, which could define entities, is refused.
func (r *xmlReader) next() (xml.Token, error) {
	for {
		r.bytes.left = r.bytes.token
		t, err := r.dec.RawToken()
		switch {
		case r.bytes.over:
			return nil, &Error{Code: TooExpanded}
		case err != nil:
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if r.depth++; r.depth > maxDepth {
				return nil, &Error{Code: BrokenWorkbook}
			}
			return t, nil
		case xml.EndElement:
			r.depth--
			return t, nil
		case xml.CharData:
			return t, nil
		case xml.Directive:
			return nil, &Error{Code: BrokenWorkbook}
		}
	}
}

// read calls do for every element of a part.
func (x *XLSX) read(part *zip.File, limit int64, do func(r *xmlReader, e element) error) error {
	r, err := x.open(part, limit)
	if err != nil {
		return err
	}
	defer func() { _ = r.close() }()
	for {
		t, err := r.next()
		if errors.Is(err, io.EOF) && r.depth == 0 {
			return nil
		} else if err != nil {
			return errors.Join(err, errPart)
		}
		if s, ok := t.(xml.StartElement); ok {
			if err := do(r, element{s.Name.Local, s.Attr}); err != nil {
				return err
			}
		}
	}
}

var errPart = errors.New("tabular: a part of the workbook cannot be read")

// text reads the character data of an element up to its end, at most limit bytes.
func (r *xmlReader) text(limit int) (string, error) {
	var out []byte
	for depth := r.depth; ; {
		t, err := r.next()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.CharData:
			if out = append(out, t...); len(out) > limit {
				return "", &Error{Code: RecordTooLong}
			}
		case xml.EndElement:
			if r.depth < depth {
				return string(out), nil
			}
		}
	}
}

// rich reads a text that may be made of runs: all texts in it but those that tell
// how a word is pronounced.
func (r *xmlReader) rich(limit int) (string, error) {
	var out []byte
	skip := 0
	for depth := r.depth; ; {
		t, err := r.next()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.StartElement:
			switch {
			case t.Name.Local == "rPh" && skip == 0:
				skip = r.depth
			case t.Name.Local == "t" && skip == 0:
				s, err := r.text(limit - len(out))
				if err != nil {
					return "", err
				}
				out = append(out, s...)
			}
		case xml.EndElement:
			if r.depth < skip {
				skip = 0
			}
			if r.depth < depth {
				return unescape(string(out)), nil
			}
		}
	}
}
