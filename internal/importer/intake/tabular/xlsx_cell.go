package tabular

import (
	"math"
	"strconv"
	"strings"
	"time"

	"sluis/internal/value"
)

// cell is what the XML of one cell says.
type cell struct {
	kind    string // its t attribute
	style   int
	raw     []byte // of <v>, or the text of <is>
	value   bool   // there is a <v> or an <is>
	inline  bool   // raw is of <is>
	formula bool
}

// reading is what the user sees in a cell.
type reading struct {
	text    string
	numeric bool
	fault   Code
}

// read returns what a cell shows, as Excel would show it in no language: dates without
// their format, and numbers with the text and the zeros that it adds.
func (w *workbook) read(c cell) (reading, error) {
	switch {
	case c.kind == "e":
		return reading{fault: CellError}, nil
	case c.formula && (!c.value || len(c.raw) == 0 && c.kind != "str"):
		return reading{fault: CellUncounted}, nil // a text that is empty was counted
	case !c.value:
		return reading{}, nil
	case c.inline, c.kind == "str", c.kind == "inlineStr":
		return reading{text: value.Text(string(unescape(c.raw)))}, nil
	}
	raw := strings.TrimSpace(string(c.raw))
	if raw == "" {
		return reading{}, nil
	}
	switch c.kind {
	case "s":
		i, err := strconv.Atoi(raw)
		text, ok := w.texts.at(i)
		if err != nil || !ok {
			return reading{}, errBroken
		}
		return reading{text: value.Text(text)}, nil
	case "b":
		if truth(raw) {
			return reading{text: "TRUE"}, nil
		}
		return reading{text: "FALSE"}, nil
	case "d":
		return reading{text: isoDate(raw)}, nil
	case "n", "":
		return w.number(raw, c.style)
	}
	return reading{}, errBroken
}

// number returns what a number shows in a style.
func (w *workbook) number(raw string, style int) (reading, error) {
	v, ok := parseNumber(raw)
	if !ok {
		return reading{}, errBroken
	}
	if math.IsInf(v, 0) {
		return reading{fault: CellError}, nil
	}
	var f format
	if style >= 0 && style < len(w.styles) {
		f = w.styles[style]
	}
	if f.date {
		if text, ok := w.tables[0].Epoch.Moment(v); ok {
			return reading{text: text}, nil
		}
	}
	text, ok := value.Float(v)
	if !ok {
		return reading{fault: CellRounded}, nil
	}
	if f.mask != "" && strings.Trim(text, "0123456789") == "" {
		return reading{text: value.Text(f.show(text))}, nil
	}
	if f.unlike || f.mask != "" {
		return reading{text: text, numeric: true, fault: CellFormat}, nil
	}
	return reading{text: text, numeric: true}, nil
}

// parseNumber reads a number of XML Schema; what is too great for it is infinite.
func parseNumber(raw string) (float64, bool) {
	if strings.Trim(raw, "0123456789+-.eE") != "" { // strconv knows more notations
		return 0, false
	}
	v, err := strconv.ParseFloat(raw, 64)
	return v, err == nil || math.IsInf(v, 0)
}

// isoDate returns a date that the file holds as text in the form of other dates, and
// any other text as it is.
func isoDate(raw string) string {
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04:05", time.RFC3339, "2006-01-02T15:04"} {
		at, err := time.Parse(layout, raw)
		switch {
		case err != nil:
		case at.Hour() == 0 && at.Minute() == 0 && at.Second() == 0:
			return at.Format(time.DateOnly)
		default:
			return at.Format(time.DateTime)
		}
	}
	return raw
}
