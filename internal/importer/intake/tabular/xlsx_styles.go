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
	// literal zeros stand before them. Both 0 where it is none.
	digits, lead uint8
}

func (f format) padded() bool { return f.digits > 0 || f.lead > 0 }

// builtinDate tells whether a number format that files do not spell out is one of
// dates or times: 27 to 36 and 50 to 58 are so in East Asian editions.
func builtinDate(id int) bool {
	return id >= 14 && id <= 22 || id >= 27 && id <= 36 || id >= 45 && id <= 47 || id >= 50 && id <= 58
}

// readStyles gives the number format of each cell style. A style that is not there,
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
// numbers. It knows the letters of dates outside what is quoted, escaped or between
// brackets, but for the brackets of time passed, such as [h].
func parseFormat(code string) format {
	var f format
	lead, zeros, hashes, other := 0, 0, 0, false
	literal := func(s string) {
		if strings.Trim(s, "0") == "" && zeros+hashes == 0 {
			lead += len(s)
		} else {
			other = true
		}
	}
	for i := 0; i < len(code); i++ {
		switch c := code[i]; c {
		case ';':
			i = len(code)
		case '"':
			end := strings.IndexByte(code[i+1:], '"')
			if end < 0 {
				end = len(code) - i - 1
			}
			literal(code[i+1 : i+1+end])
			i += end + 1
		case '\\':
			if i++; i < len(code) {
				literal(code[i : i+1])
			}
		case '_', '*': // a space as wide as the next character, or filled with it
			i++
		case '[':
			end := strings.IndexByte(code[i:], ']')
			if end < 0 {
				end = len(code) - i
			}
			in := strings.ToLower(code[i+1 : i+max(end, 1)])
			f.date = f.date || in != "" && strings.Contains("hms", in[:1]) && strings.Trim(in, in[:1]) == ""
			other = other || strings.HasPrefix(in, "$") && !strings.HasPrefix(in, "$-") // a currency
			i += end
		case 'd', 'm', 'y', 'h', 's', 'D', 'M', 'Y', 'H', 'S':
			if word := general(code[i:]); word > 0 {
				i += word - 1
				other = true
				continue
			}
			f.date = true
		case '0':
			zeros++
		case '#':
			hashes++
			other = other || zeros > 0
		default:
			other = true
		}
	}
	if !f.date && !other && zeros+hashes > 0 && lead+zeros <= math.MaxUint8 && (zeros > 1 || lead > 0) {
		f.digits, f.lead = uint8(zeros), uint8(lead)
	}
	return f
}

// general gives the length of the word that some programs write for the plain
// format in the user's language, where s begins with it. "General" has no letter
// that stands for a date.
func general(s string) int {
	for _, word := range []string{"standaard", "standard"} {
		if len(s) >= len(word) && strings.EqualFold(s[:len(word)], word) {
			return len(word)
		}
	}
	return 0
}
