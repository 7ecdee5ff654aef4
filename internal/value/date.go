package value

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Dates reads the dates of one file. Its zero value reads a text file with days
// before months, as the Dutch write.
type Dates struct {
	MonthFirst bool  // 1/31/2001
	Epoch      Epoch // how a bare number is a day; NoEpoch in a text file
}

// midnight is the time of day behind a date that a program took for a moment.
const midnight = `(?:[ T](?:0{1,2}:00(?::00(?:[.,]0+)?)?|12:00(?::00)? ?[aA]\.?[mM]\.?)(?:Z|[+-]\d{2}:?\d{2})?)?$`

var (
	yearLast    = regexp.MustCompile(`^(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})` + midnight)
	yearFirst   = regexp.MustCompile(`^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})` + midnight)
	compactDate = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})$`)
	namedMonth  = regexp.MustCompile(`^(?:` + weekday + `\.?,? )?(\d{1,2})[-/. ]([a-z]{3,9})\.?[-/. ](\d{4})$`)
	monthNamed  = regexp.MustCompile(`^(?:` + weekday + `\.?,? )?([a-z]{3,9})\.? (\d{1,2}),? (\d{4})$`)
	serial      = regexp.MustCompile(`^\d{1,7}(?:\.0+)?$`)
	spacedParts = regexp.MustCompile(` +([-/.]) *|([-/.]) +`)
	partialDate = regexp.MustCompile(`^\d{4}(?:-\d{2})?$`)
)

// weekday is the name of a day of the week, in Dutch or English.
const weekday = `(?:ma(?:andag)?|di(?:nsdag)?|wo(?:ensdag)?|do(?:nderdag)?|vr(?:ijdag)?|za(?:terdag)?|zo(?:ndag)?|` +
	`(?:mon|tues|wednes|thurs|fri|satur|sun)day|mon|tue|wed|thu|fri|sat|sun)`

// months are the names of the months in Dutch and English, whole and short.
var months = func() map[string]string {
	m := map[string]string{}
	for i, names := range []string{
		"januari january jan", "februari february feb", "maart march maa mrt mar", "april apr", "mei may", "juni june jun", "juli july jul",
		"augustus august aug", "september sept sep", "oktober october okt oct", "november nov", "december dec",
	} {
		for _, name := range strings.Fields(names) {
			m[name] = strconv.Itoa(i + 1)
		}
	}
	return m
}()

// Read returns a date as yyyy-mm-dd. It reads d-m-yyyy, yyyy-mm-dd and their usual
// variants. The day need not exist (31-2-1978 becomes 1978-02-31), since the TTP
// has words for that. An empty cell is an empty date; ok is false if the cell is no
// date at all.
func (d Dates) Read(cell string) (iso string, ok bool) {
	if cell == "" {
		return "", true
	}
	cell = joinParts(cell)
	if p := yearLast.FindStringSubmatch(cell); p != nil {
		if d.MonthFirst {
			return isoDay(p[3], p[1], p[2]), true
		}
		return isoDay(p[3], p[2], p[1]), true
	}
	if p := yearFirst.FindStringSubmatch(cell); p != nil {
		return isoDay(p[1], p[2], p[3]), true
	}
	if p := compactDate.FindStringSubmatch(cell); p != nil {
		return d.compact(cell, p), true
	}
	if iso, ok := named(strings.ToLower(cell)); ok {
		return iso, true
	}
	if d.Epoch != NoEpoch && serial.MatchString(cell) {
		if n, err := strconv.ParseFloat(cell, 64); err == nil {
			return d.Epoch.Day(n)
		}
	}
	return dutchMidnight(cell)
}

// ReadDay is Read for a day that must exist; an empty cell is none.
func (d Dates) ReadDay(cell string) (iso string, ok bool) {
	iso, ok = d.Read(cell)
	if !ok || !realDay(iso) {
		return "", false
	}
	return iso, true
}

// IsPartialDate reports whether a cell is a year, or a year and a month, as FHIR
// writes a birth of which the day is not known.
func IsPartialDate(cell string) bool { return partialDate.MatchString(cell) }

// joinParts removes the spaces around the separators of a date: "1 - 4 - 1978".
func joinParts(cell string) string {
	if !strings.Contains(cell, " ") {
		return cell
	}
	return spacedParts.ReplaceAllString(cell, "$1$2")
}

// named reads a date that writes its month as a name.
func named(cell string) (iso string, ok bool) {
	day, month, year := "", "", ""
	if p := namedMonth.FindStringSubmatch(cell); p != nil {
		day, month, year = p[1], p[2], p[3]
	} else if p := monthNamed.FindStringSubmatch(cell); p != nil {
		day, month, year = p[2], p[1], p[3]
	}
	if m, known := months[month]; known {
		return isoDay(year, m, day), true
	}
	return "", false
}

// dutchMidnight reads a moment in another zone at which a day begins in the
// Netherlands. Scripts make one of a date: 1 January 2001 becomes
// 2000-12-31T23:00:00Z.
func dutchMidnight(cell string) (iso string, ok bool) {
	at, err := time.Parse(time.RFC3339, cell)
	if err != nil {
		return "", false
	}
	at = at.In(netherlands())
	return at.Format(time.DateOnly), at.Hour() == 0 && at.Minute() == 0 && at.Second() == 0
}

// compact reads eight digits: yyyymmdd, or ddmmyyyy if only that is a day that
// exists.
func (d Dates) compact(cell string, p []string) string {
	iso := isoDay(p[1], p[2], p[3])
	if realDay(iso) {
		return iso
	}
	first, second, year := cell[:2], cell[2:4], cell[4:]
	if d.MonthFirst {
		first, second = second, first
	}
	if other := isoDay(year, second, first); year >= "1800" && realDay(other) {
		return other
	}
	return iso
}

func isoDay(y, m, d string) string {
	two := func(s string) string { return strings.Repeat("0", 2-len(s)) + s }
	return y + "-" + two(m) + "-" + two(d)
}
