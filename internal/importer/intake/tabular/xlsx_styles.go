package tabular

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
)

const (
	maxStyles  = 1 << 17 // Excel allows 65,490
	maxFormats = 1 << 16
)

// format is what a number format makes of a number, as far as it changes what a
// cell is read as.
type format struct {
	date bool
	// A number of zeros only: digits is how many are shown at least, lead how many
	// literal zeros come before them. Both are 0 for any other format.
	digits, lead uint8
}

func (f format) padded() bool { return f.digits > 0 || f.lead > 0 }

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
	date          bool
	lead          int  // literal zeros before the digits
	zeros, hashes int  // digits that are always shown, and those only if needed
	other         bool // something that is neither date nor digit
}

// next reads one element at the start of code, and returns its length.
func (p *formatParser) next(code string) int {
	switch code[0] {
	case '"':
		inner, _, _ := strings.Cut(code[1:], `"`)
		p.literal(inner)
		return len(inner) + 2
	case '\\':
		if len(code) > 1 {
			p.literal(code[1:2])
		}
		return 2
	case '_', '*': // a space as wide as the next character, or filled with it
		return 2
	case '[':
		inner, _, _ := strings.Cut(code[1:], "]")
		p.bracket(strings.ToLower(inner))
		return len(inner) + 2
	case 'd', 'm', 'y', 'h', 's', 'D', 'M', 'Y', 'H', 'S':
		if word := general(code); word > 0 {
			p.other = true
			return word
		}
		p.date = true
	case '0':
		p.zeros++
	case '#':
		p.hashes++
		p.other = p.other || p.zeros > 0
	default:
		p.other = true
	}
	return 1
}

// literal reads text that is shown as it is. Only zeros before the digits are kept.
func (p *formatParser) literal(s string) {
	if strings.Trim(s, "0") == "" && p.zeros+p.hashes == 0 {
		p.lead += len(s)
	} else {
		p.other = true
	}
}

// bracket reads what is between brackets: elapsed time ([h], [mm]), a currency
// ([$€-413]), or a colour or condition, which show nothing. A language is written
// like a currency without a sign: [$-413].
func (p *formatParser) bracket(in string) {
	if in != "" && strings.Contains("hms", in[:1]) && strings.Trim(in, in[:1]) == "" {
		p.date = true
	}
	if strings.HasPrefix(in, "$") && !strings.HasPrefix(in, "$-") {
		p.other = true
	}
}

// format is what the whole section makes of a number. Only zeros that change what
// is shown count: more than one digit, or zeros before them.
func (p *formatParser) format() format {
	f := format{date: p.date}
	if !p.date && !p.other && p.zeros+p.hashes > 0 && p.lead+p.zeros <= math.MaxUint8 && (p.zeros > 1 || p.lead > 0) {
		f.digits, f.lead = uint8(p.zeros), uint8(p.lead)
	}
	return f
}

// general returns the length of the word for the plain format in the user's
// language, which some programs write, if s begins with it. "General" itself needs
// no care: it has no letter of a date.
func general(s string) int {
	for _, word := range []string{"standaard", "standard"} {
		if len(s) >= len(word) && strings.EqualFold(s[:len(word)], word) {
			return len(word)
		}
	}
	return 0
}
