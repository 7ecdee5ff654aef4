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
	MonthFirst   bool  // 1/31/2001
	YearDayMonth bool  // 2001-31-01
	Epoch        Epoch // how a bare number is a day; NoEpoch in a text file
}

// midnight is the time of day behind a date that a program took for a moment.
const midnight = `(?:[ Tt](?:0{1,2}:00(?::00(?:[.,]0+)?)?|12:00(?::00)? ?[aA]\.?[mM]\.?)(?:[Zz]|[+-]\d{2}:?\d{2})?)?$`

// dayZone is the zone that XML Schema allows directly behind a day. The day stays
// what is written: 1990-07-01+02:00 is 1 July.
const dayZone = `(?:Z|[+-]\d{2}:\d{2})$`

var (
	yearLast    = regexp.MustCompile(`^(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})` + midnight)
	yearFirst   = regexp.MustCompile(`^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})` + midnight)
	zonedDay    = regexp.MustCompile(`^(\d{4})-(\d{2})-(\d{2})` + dayZone)
	compactDate = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})$`)
	namedMonth  = regexp.MustCompile(
		`^(?:` + weekday + `\.?,? )?(\d{1,2})[-/. ]?([a-z]{3,9})\.?[-/. ]?(\d{4})(?::00:00:00(?:\.0+)?$|` + midnight + `)`,
	)
	monthNamed  = regexp.MustCompile(`^(?:` + weekday + `\.?,? )?([a-z]{3,9})\.? (\d{1,2}),? (\d{4})` + midnight)
	serial      = regexp.MustCompile(`^\d{1,7}(?:\.0+)?$`)
	spacedParts = regexp.MustCompile(` +([-/.]) *|([-/.]) +`)
	partialDate = regexp.MustCompile(`(?i)^(?:` +
		`(?:[\dx?]{4}|-{4})(?:[-/. ](?:[\dx?]{1,2}|--?))?(?:[-/. ](?:00?|[x?]{1,2}))?` + // 1954, 1954-07, 1954-07-00
		`|\d{4}(?:[\dx?]{2})?(?:00|[x?]{2})` + // 19540700, 1954xx
		`|(?:[\dx?]{1,2}[-/. ])?[\dx?]{1,2}[-/. ][\dx?]{4}` + // 07-1954, 00-07-1954
		`|(?:(?:00?|[x?]{1,2})[-/. ])?[a-z]{3,9}\.?[-/. ](?:\d{2}|\d{4})` + // juli 1954, jul-54
		`)$`)
	wholeDate = regexp.MustCompile(`^(?:\d{1,2}[-/. ]\d{1,2}[-/. ]\d{4}|\d{4}[-/. ]\d{1,2}[-/. ]\d{1,2}|\d{8})$`)
	zeroPart  = regexp.MustCompile(
		`^(?:0?0[-/. ]|\d{1,2}[-/. ]0?0[-/. ]|.*[-/. ]0?0$|\d{1,2}[-/. ]\d{1,2}[-/. ]0000$|\d{4}[-/. ]0?0[-/. ]|\d{6}00$|\d{4}00\d{2}$)`,
	)
	shortYear = regexp.MustCompile(`^\d{1,2}(?:[-/. ]\d{1,2}[-/. ]|[-/. ]?([a-z]{3,9})\.?[-/. ]?)\d{2}` + midnight)
	timed     = regexp.MustCompile(`^\S.*?\d[ T:](\d{1,2}):(\d{2})(?::\d{2}(?:[.,]\d+)?)? ?(?:[aApP]\.?[mM]\.?)?(?:Z|[+-]\d{2}:?\d{2})?$`)
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
	if d.noDate(cell) {
		return "", false
	}
	if p, ok := plainDay(cell); ok {
		return d.plain(p), true
	}
	return d.readAnyway(cell)
}

// readAnyway is Read for a cell that is not empty, however it is written.
func (d Dates) readAnyway(cell string) (iso string, ok bool) {
	cell = joinParts(cell)
	if p := yearLast.FindStringSubmatch(cell); p != nil {
		if d.MonthFirst {
			return isoDay(p[3], p[1], p[2]), true
		}
		return isoDay(p[3], p[2], p[1]), true
	}
	if p := yearFirst.FindStringSubmatch(cell); p != nil {
		return d.yearFirst(p), true
	}
	if p := zonedDay.FindStringSubmatch(cell); p != nil {
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

// IsPartial reports whether a cell is a date of birth that is known in part, or
// not at all: a year, a year and a month, or a date with zeros, x or a question mark
// for what is not known, such as 00-07-1954 and 1954xx.
//
// In a workbook 1954 may be a day number too, of 1905. Nobody delivers such births by
// their numbers, so a number that can be a year is one.
func (d Dates) IsPartial(cell string) bool {
	if p, ok := plainDay(cell); ok && realDay(d.plain(p)) {
		return false
	}
	cell = joinParts(cell)
	if d.Epoch != NoEpoch && serial.MatchString(cell) {
		return len(cell) == 4 && cell >= "1900" && cell <= "2100"
	}
	if wholeDate.MatchString(cell) {
		iso, _ := d.Read(cell)
		return zeroPart.MatchString(cell) && !realDay(iso)
	}
	if !partialDate.MatchString(cell) {
		return false
	}
	for _, word := range letters.FindAllString(strings.ToLower(cell), -1) {
		if _, known := months[word]; !known && strings.Trim(word, "x") != "" {
			return false
		}
	}
	return true
}

// letters finds the words of a cell.
var letters = regexp.MustCompile(`[a-z]+`)

// HasTime reports whether a cell is a day with a time of day behind it.
func (d Dates) HasTime(cell string) bool {
	p := timed.FindStringSubmatchIndex(cell)
	if p == nil {
		return false
	}
	_, ok := d.Read(strings.TrimSpace(strings.TrimRight(cell[:p[2]], " T:")))
	return ok
}

// Unreadable returns the finding's code for a date of birth that cannot be read.
func (d Dates) Unreadable(cell string) string {
	switch {
	case d.IsPartial(cell):
		return "BIRTH_DATE_PARTIAL"
	case d.HasTime(cell):
		return "BIRTH_DATE_TIME"
	case hasShortYear(cell):
		return "BIRTH_DATE_YEAR_SHORT"
	}
	return "BIRTH_DATE_UNREADABLE"
}

// dashes are those that a word processor makes of a hyphen.
const dashes = "\u2010\u2011\u2012\u2013\u2014\u2212"

// hasShortYear reports whether a cell is a date with a year of two digits: 31-01-80. Its
// century is not guessed.
func hasShortYear(cell string) bool {
	p := shortYear.FindStringSubmatch(strings.ToLower(joinParts(cell)))
	if p == nil {
		return false
	}
	_, named := months[p[1]]
	return named || p[1] == ""
}

// joinParts removes the spaces around the separators of a date: "1 - 4 - 1978". Every
// dash is a hyphen.
func joinParts(cell string) string {
	if !isASCII(cell) {
		cell = strings.Map(func(r rune) rune {
			if strings.ContainsRune(dashes, r) {
				return '-'
			}
			return r
		}, cell)
	}
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
	iso := d.yearFirst(p)
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

// yearFirst returns the date of a year and the two parts behind it.
func (d Dates) yearFirst(p []string) string {
	if d.YearDayMonth {
		return isoDay(p[1], p[3], p[2])
	}
	return isoDay(p[1], p[2], p[3])
}

func isoDay(y, m, d string) string {
	if len(m) == 1 {
		m = "0" + m
	}
	if len(d) == 1 {
		d = "0" + d
	}
	return y + "-" + m + "-" + d
}
