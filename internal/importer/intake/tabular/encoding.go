package tabular

import (
	"bytes"
	"io"
	stdunicode "unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// The names of the encodings.
const (
	utf8Name    = "utf-8"
	utf16LEName = "utf-16le"
	utf16BEName = "utf-16be"
)

// detect returns the encoding that the first bytes show. The caller must find out whether
// the rest is UTF-8 too. If the file is not text, the error is an *Error.
func detect(head []byte) (string, transform.Transformer, error) {
	switch {
	case bytes.HasPrefix(head, []byte("\xFF\xFE\x00\x00")), bytes.HasPrefix(head, []byte("\x00\x00\xFE\xFF")): // UTF-32
		return "", nil, &Error{Code: BadEncoding}
	case bytes.HasPrefix(head, []byte{0xEF, 0xBB, 0xBF}):
		return utf8Name, transform.Chain(unicode.BOMOverride(transform.Nop), encoding.UTF8Validator), nil
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}):
		return utf16LEName, unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder(), nil
	case bytes.HasPrefix(head, []byte{0xFE, 0xFF}):
		return utf16BEName, unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder(), nil
	}
	if n := bytes.Count(head, []byte{0}); n > 0 {
		// UTF-16 of Dutch text has a NUL in nearly every pair, always on the same side.
		even, odd := nulSides(head)
		switch {
		case odd > len(head)/3 && even == 0:
			return utf16LEName, unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder(), nil
		case even > len(head)/3 && odd == 0:
			return utf16BEName, unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewDecoder(), nil
		}
		return "", nil, &Error{Code: NotText}
	}
	for _, magic := range []string{"PK\x03\x04", "%PDF-", "\xD0\xCF\x11\xE0", "\x1F\x8B", "Rar!", "7z\xBC\xAF", "\x89PNG",
		"\xFF\xD8\xFF", "{\\rtf"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return "", nil, &Error{Code: NotText}
		}
	}
	return utf8Name, encoding.UTF8Validator, nil
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

// oldEncodings are what is no UTF-8 then, in the order of preference: what Dutch
// Excel writes as plain "CSV", DOS programs, and Excel on a Mac.
var oldEncodings = []struct {
	name string
	char *charmap.Charmap
}{
	{"windows-1252", charmap.Windows1252},
	{"cp850", charmap.CodePage850},
	{"macintosh", charmap.Macintosh},
}

// oldEncoding reads the whole of a text without a byte order mark. It answers ""
// if that is UTF-8, the old encoding that makes most sense if it is not, and an
// *Error if it is partly UTF-8 and partly not.
func oldEncoding(r io.Reader) (string, transform.Transformer, error) {
	var c census
	buf := make([]byte, sniffBytes)
	defer clear(buf)
	kept := 0
	for {
		n, err := r.Read(buf[kept:])
		n += kept
		last := err == io.EOF
		if err != nil && !last {
			return "", nil, err
		}
		kept = copy(buf, buf[c.count(buf[:n], last):n])
		if last {
			break
		}
	}
	switch {
	case c.invalid == 0:
		return "", nil, nil
	case c.multibyte > c.invalid:
		return "", nil, &Error{Code: BadEncoding}
	}
	best, least := 0, -1
	for i, e := range oldEncodings {
		if odd := c.oddities(e.char); least < 0 || odd < least {
			best, least = i, odd
		}
	}
	return oldEncodings[best].name, oldEncodings[best].char.NewDecoder(), nil
}

// census counts the bytes of a text that are not ASCII.
type census struct {
	multibyte, invalid int // characters of UTF-8, and bytes that are none
	// inWord counts each high byte between letters: [0] between two small ones, [1]
	// next to any other.
	inWord [2][256]int
	before byte
}

// count counts the whole characters of b, and returns how many bytes these are.
func (c *census) count(b []byte, last bool) int {
	i := 0
	for i < len(b) {
		if b[i] < utf8.RuneSelf {
			c.before = b[i]
			i++
			continue
		}
		if !last && !utf8.FullRune(b[i:]) || !last && i == len(b)-1 {
			return i
		}
		if _, size := utf8.DecodeRune(b[i:]); size > 1 {
			c.multibyte++
			c.before = 'a' // a letter, for all that matters here
			i += size
			continue
		}
		c.invalid++
		var after byte
		if i+1 < len(b) {
			after = b[i+1]
		}
		switch {
		case small(c.before) && small(after):
			c.inWord[0][b[i]]++
		case letter(c.before) || letter(after):
			c.inWord[1][b[i]]++
		}
		c.before = b[i]
		i++
	}
	return i
}

func small(b byte) bool  { return b >= 'a' && b <= 'z' }
func letter(b byte) bool { return small(b) || b >= 'A' && b <= 'Z' }

// oddities weighs what would be strange in words if the text had this encoding.
func (c *census) oddities(char *charmap.Charmap) int {
	n := 0
	for b := 0x80; b <= 0xFF; b++ {
		between, beside := c.inWord[0][b], c.inWord[1][b]
		switch r := char.DecodeByte(byte(b)); {
		case r == '’':
		case r == 'æ' || r == 'Æ':
			n += between + beside
		case !stdunicode.IsLetter(r) || r == 'ƒ' || r == 'µ' || r == 'ª' || r == 'º':
			n += 2 * (between + beside)
		case stdunicode.IsUpper(r):
			n += 2 * between
		}
	}
	return n
}

// Start decodes the beginning of a text to UTF-8, as far as it is one, without
// a byte order mark and white space in front: by it formats are told apart.
func Start(head []byte) []byte {
	_, decoder, err := detect(head)
	if err != nil {
		return nil
	}
	out := make([]byte, 3*len(head)+16)
	n, _, _ := decoder.Transform(out, head, false)
	return bytes.TrimLeft(bytes.TrimPrefix(out[:n], []byte("\ufeff")), " \t\r\n")
}
