package tabular

import (
	"archive/zip"
	"math"
	"strconv"
	"strings"
	"time"
)

// numberFormat is how a style shows a number: as it is (0), as a day, or with so
// many digits, zeros in front.
type numberFormat int

const (
	plainNumber numberFormat = 0
	dayNumber   numberFormat = -1
)

// maxStyles is how many cell styles a workbook may have; Excel allows 65,490.
const maxStyles = 1 << 16

// readStyles reads which styles show a number as something else.
func (x *XLSX) readStyles(part *zip.File) error {
	codes := map[int]string{}
	cellStyles := 0 // the depth of the list of cell styles, while in it
	return x.read(part, maxPart, func(r *xmlReader, e element) error {
		if cellStyles > 0 && r.depth <= cellStyles {
			cellStyles = 0
		}
		switch e.name {
		case "numFmt":
			id, err := strconv.Atoi(e.attr("numFmtId"))
			if err == nil && len(codes) < maxStyles {
				codes[id] = e.attr("formatCode")
			}
		case "cellXfs":
			cellStyles = r.depth
		case "xf":
			if cellStyles == 0 {
				return nil
			}
			if len(x.formats) == maxStyles {
				return &Error{Code: BrokenWorkbook}
			}
			id, _ := strconv.Atoi(e.attr("numFmtId")) // none is General
			x.formats = append(x.formats, formatOf(id, codes))
		}
		return nil
	})
}

func formatOf(id int, codes map[int]string) numberFormat {
	if code, custom := codes[id]; custom {
		return formatOfCode(code)
	}
	switch { // the built-in ones that show days
	case id >= 14 && id <= 22, id >= 27 && id <= 36, id >= 45 && id <= 47, id >= 50 && id <= 58:
		return dayNumber
	}
	return plainNumber
}

// formatOfCode reads a format such as `dd-mm-yyyy`, `0000000` or `[$-413]d mmm yy;@`.
func formatOfCode(code string) numberFormat {
	code = bare(code)
	if n := len(code); n > 1 && strings.Trim(code, "0") == "" {
		return numberFormat(min(n, 64))
	}
	if lower := strings.ToLower(code); lower != "general" && strings.ContainsAny(lower, "dmyhs") {
		return dayNumber
	}
	return plainNumber
}

// bare is the first section of a format, without what it shows as it stands: texts
// in quotes, escaped characters, colours and conditions in brackets.
func bare(code string) string {
	var b strings.Builder
	for i := 0; i < len(code); i++ {
		switch c := code[i]; c {
		case ';':
			return strings.TrimSpace(b.String())
		case '"':
			if end := strings.IndexByte(code[i+1:], '"'); end >= 0 {
				i += end + 1
			}
		case '\\', '_', '*':
			i++
		case '[':
			end := strings.IndexByte(code[i:], ']')
			if end < 0 {
				return strings.TrimSpace(b.String())
			}
			switch inner := strings.ToLower(code[i+1 : i+end]); inner {
			case "h", "hh", "m", "mm", "s", "ss":
				b.WriteString(inner)
			}
			i += end
		default:
			b.WriteByte(c)
		}
	}
	return strings.TrimSpace(b.String())
}

// number gives a number as the user sees it. numeric tells that it is shown as a
// number of which zeros in front may be lost; ok is false where it has more digits
// than were kept.
func (x *XLSX) number(v string, style int) (text string, numeric, ok bool) {
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return v, false, true // no number at all; then it stays what it is
	}
	format := plainNumber
	if style >= 0 && style < len(x.formats) {
		format = x.formats[style]
	}
	if format == dayNumber {
		if text, ok := x.moment(f); ok {
			return text, false, true
		}
	}
	if f != math.Trunc(f) {
		short, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'g', 15, 64), 64)
		return strconv.FormatFloat(short, 'f', -1, 64), true, true
	}
	if math.Abs(f) >= 1e15 {
		return "", true, false
	}
	text = strconv.FormatFloat(f, 'f', 0, 64)
	if format > 0 {
		if missing := int(format) - len(text); missing > 0 && f >= 0 {
			text = strings.Repeat("0", missing) + text
		}
		return text, false, true
	}
	return text, true, true
}

// moment gives the day of a serial number, and the time of day where it has one.
func (x *XLSX) moment(serial float64) (string, bool) {
	seconds := int(math.Round((serial - math.Floor(serial)) * 86400))
	day := math.Floor(serial)
	if seconds == 86400 {
		day, seconds = day+1, 0
	}
	iso, ok := x.epoch.Day(day)
	if !ok || seconds == 0 {
		return iso, ok
	}
	return iso + " " + time.Unix(int64(seconds), 0).UTC().Format(time.TimeOnly), true
}
