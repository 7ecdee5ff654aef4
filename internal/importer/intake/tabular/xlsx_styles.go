package tabular

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxStyles  = 1 << 17 // Excel allows 65,490
	maxFormats = 1 << 16
)

// format is what a number format makes of a number, as far as it changes what a
// cell is read as.
type format struct {
	date bool
	// mask is how a whole number is shown, if that is not by its digits only: '0' is a
	// digit that is always shown, '#' one that is shown if there is one, and anything
	// else, or what follows a backslash, is shown as it is.
	mask string
	// unlike is true of a format that shows a number with other characters than its
	// digits, in a way that is not followed here.
	unlike bool
}

// show returns what a mask makes of the digits of a whole number. A digit that has
// no place of its own comes before the first.
func (f format) show(digits string) string {
	if digits == "0" && !strings.Contains(strings.ReplaceAll(f.mask, `\0`, ""), "0") {
		digits = "" // a format of # shows nothing for zero
	}
	places, escaped := 0, false
	for _, c := range f.mask {
		if !escaped && (c == '0' || c == '#') {
			places++
		}
		escaped = !escaped && c == '\\'
	}
	var out strings.Builder
	first := true
	escaped = false
	for _, c := range f.mask {
		switch {
		case escaped:
			out.WriteRune(c)
			escaped = false
		case c == '\\':
			escaped = true
		case c == '0' || c == '#':
			if first && len(digits) > places {
				out.WriteString(digits[:len(digits)-places])
				digits = digits[len(digits)-places:]
			}
			first = false
			if len(digits) == places {
				out.WriteByte(digits[0])
				digits = digits[1:]
			} else if c == '0' {
				out.WriteByte('0')
			}
			places--
		default:
			out.WriteRune(c)
		}
	}
	return out.String()
}

// builtinDate reports whether a number format that files do not spell out is one of
// dates or times: 27 to 36 and 50 to 58 are so in East Asian editions.
func builtinDate(id int) bool {
	return id >= 14 && id <= 22 || id >= 27 && id <= 36 || id >= 45 && id <= 47 || id >= 50 && id <= 58
}

// readStyles returns the number format of each cell style. A style that is not there,
// or that names a format that is not, shows numbers plainly.
func readStyles(p *pack, part string) ([]format, error) {
	t, err := p.tokens(part, p.aux, auxToken)
	if err != nil {
		return nil, err
	}
	defer t.close()
	var styles []format
	codes := map[int]format{}
	for {
		tok, err := t.next()
		if errors.Is(err, io.EOF) {
			return styles, nil
		}
		if err != nil {
			return nil, err
		}
		start, ok := tok.(xml.StartElement)
		if !ok || t.depth() != 3 {
			continue
		}
		id, err := strconv.Atoi(attr(start, "numFmtId"))
		switch {
		case start.Name.Local == "numFmt" && t.within("numFmts") && err == nil:
			codes[id] = parseFormat(attr(start, "formatCode"))
		case start.Name.Local == "xf" && t.within("cellXfs"):
			f, own := codes[id] // numFmts is the first of a style sheet's lists
			if !own {
				f.date = builtinDate(id)
			}
			styles = append(styles, f)
		}
		if len(styles) > maxStyles || len(codes) > maxFormats {
			return nil, errBroken
		}
	}
}

// parseFormat reads the first section of a number format, the one of positive
// numbers. A letter of a date counts unless it is quoted, escaped or in brackets;
// in brackets only those of elapsed time do, such as [h].
func parseFormat(code string) format {
	p := formatParser{}
	for i := 0; i < len(code) && code[i] != ';'; {
		i += p.next(code[i:])
	}
	return p.format()
}

// formatParser collects what a number format shows.
type formatParser struct {
	date     bool
	mask     strings.Builder
	digits   int  // places of digits in the mask
	zeros    int  // those that are always shown
	literal  bool // text is shown, and not only digits
	general  bool // the number is shown plainly
	measured bool // a fraction, an exponent or thousands: it is an amount, and no code
	unknown  bool // something whose effect is not known here
}

// next reads one element at the start of code, and returns its length.
func (p *formatParser) next(code string) int {
	switch code[0] {
	case '"':
		inner, _, _ := strings.Cut(code[1:], `"`)
		p.text(inner)
		return len(inner) + 2
	case '\\':
		_, size := utf8.DecodeRuneInString(code[1:])
		p.text(code[1 : 1+size])
		return 1 + size
	case '_', '*': // a space as wide as the next character, or filled with it
		if len(code) == 1 {
			return 1
		}
		_, size := utf8.DecodeRuneInString(code[1:])
		return 1 + size
	case '[':
		inner, _, _ := strings.Cut(code[1:], "]")
		p.bracket(strings.ToLower(inner))
		return len(inner) + 2
	case 'd', 'm', 'y', 'h', 's', 'D', 'M', 'Y', 'H', 'S':
		if word := general(code); word > 0 {
			p.plainly()
			return word
		}
		p.date = true
	case 'g', 'G':
		if word := general(code); word > 0 {
			p.plainly()
			return word
		}
		p.unknown = true
	case '0', '#':
		p.digit(code[0])
	case '.', ',':
		p.measured = true
	case 'E', 'e':
		p.measured = true
		if len(code) > 1 && (code[1] == '+' || code[1] == '-') {
			return 2
		}
	case '@':
		p.plainly()
	case '-', '+', '(', ')', ' ', ':', '$', '!', '^', '&', '\'', '~', '{', '}', '<', '>', '=': // shown as they are
		p.text(code[:1])
	default:
		_, size := utf8.DecodeRuneInString(code)
		if size > 1 {
			p.text(code[:size])
			return size
		}
		p.unknown = true
	}
	return 1
}

func (p *formatParser) digit(c byte) {
	p.digits++
	if c == '0' {
		p.zeros++
	}
	p.mask.WriteByte(c)
}

// plainly reads the place of a number that is shown plainly, as by General.
func (p *formatParser) plainly() {
	p.general = true
	p.digit('0')
}

// text reads text that is shown as it is.
func (p *formatParser) text(s string) {
	p.literal = p.literal || strings.TrimSpace(s) != "" || p.digits > 0
	for _, c := range s {
		if c == '0' || c == '#' || c == '\\' {
			p.mask.WriteByte('\\')
		}
		p.mask.WriteRune(c)
	}
}

// bracket reads what is between brackets: elapsed time ([h], [mm]), a currency
// ([$€-413]), a colour, which shows nothing, or a condition. A language is written
// like a currency without a sign: [$-413].
func (p *formatParser) bracket(in string) {
	switch {
	case in != "" && strings.IndexByte("hms", in[0]) >= 0 && strings.Trim(in, in[:1]) == "":
		p.date = true
	case strings.HasPrefix(in, "$") && !strings.HasPrefix(in, "$-"):
		p.literal, p.measured = true, true
	case in != "" && strings.IndexByte("<>=", in[0]) >= 0:
		p.unknown = true
	}
}

// maxMask bounds the length of a mask: no patient number is longer.
const maxMask = 255

// format is what the whole section makes of a number. Only what changes what is
// shown counts: more than one digit that is always shown, or text. Amounts keep
// their plain digits: nobody means the points of thousands as part of a number.
func (p *formatParser) format() format {
	mask := strings.TrimSpace(p.mask.String())
	switch {
	case p.date:
		return format{date: true}
	case p.unknown:
		return format{unlike: true}
	case p.measured:
		return format{unlike: p.literal}
	case p.digits == 0:
		return format{unlike: p.literal}
	case p.general && p.digits > 1, len(mask) > maxMask:
		return format{unlike: true}
	case p.literal || p.zeros > 1:
		return format{mask: mask}
	}
	return format{}
}

// general returns the length of the word for the plain format also in the
// user's language, which some programs write, if s begins with it.
func general(s string) int {
	for _, word := range []string{"general", "standaard", "standard"} {
		if len(s) >= len(word) && strings.EqualFold(s[:len(word)], word) {
			return len(word)
		}
	}
	return 0
}
