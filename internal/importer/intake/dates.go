package intake

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"sluis/internal/delivery"
	"sluis/internal/importer/intake/tabular"
)

// dates reads the dates of one file.
type dates struct {
	order delivery.DateOrder
	epoch tabular.Epoch // how a number stands for a day; none in a text file
}

// midnight is the time of day of a date that a program took for a moment.
const midnight = `(?:[ T](?:0{1,2}:00(?::00(?:[.,]0+)?)?|12:00(?::00)? ?[aA]\.?[mM]\.?)(?:Z|[+-]\d{2}:?\d{2})?)?$`

var (
	yearLast    = regexp.MustCompile(`^(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})` + midnight)
	yearFirst   = regexp.MustCompile(`^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})` + midnight)
	compactDate = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})$`)
	namedMonth  = regexp.MustCompile(`^(?:` + weekday + `\.?,? )?(\d{1,2})[-/. ]([a-z]{3,9})\.?[-/. ](\d{4})$`)
	monthNamed  = regexp.MustCompile(`^(?:` + weekday + `\.?,? )?([a-z]{3,9})\.? (\d{1,2}),? (\d{4})$`)
	serial      = regexp.MustCompile(`^\d{1,7}(?:\.0+)?$`)
	spacedParts = regexp.MustCompile(` +([-/.]) *|([-/.]) +`)
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

// read reads d-m-jjjj, jjjj-mm-dd and their usual variants into jjjj-mm-dd. The
// result need not be a day that exists; ok is false where it is no date at all.
// Empty is empty.
func (d dates) read(cell string) (iso string, ok bool) {
	if cell == "" {
		return "", true
	}
	cell = tidy(cell)
	if p := yearLast.FindStringSubmatch(cell); p != nil {
		if d.order == delivery.MonthFirst {
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
	if d.epoch != tabular.NoEpoch && serial.MatchString(cell) {
		if n, err := strconv.ParseFloat(cell, 64); err == nil {
			return d.epoch.Day(n)
		}
	}
	return dutchMidnight(cell)
}

// tidy takes the spaces away that stand around what parts a date.
func tidy(cell string) string {
	if !strings.Contains(cell, " ") {
		return cell
	}
	return spacedParts.ReplaceAllString(cell, "$1$2")
}

// named reads a date whose month is written by its name.
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

// dutchMidnight reads a moment in another zone that is the start of a day here: what
// scripts make of a date (1 January 2001 becomes 2000-12-31T23:00:00Z).
func dutchMidnight(cell string) (iso string, ok bool) {
	at, err := time.Parse(time.RFC3339, cell)
	if err != nil {
		return "", false
	}
	at = at.In(netherlands())
	return at.Format(time.DateOnly), at.Hour() == 0 && at.Minute() == 0 && at.Second() == 0
}

// compact reads eight digits: jjjjmmdd, or ddmmjjjj where that alone is a day.
func (d dates) compact(cell string, p []string) string {
	iso := isoDay(p[1], p[2], p[3])
	if _, err := time.Parse(time.DateOnly, iso); err == nil {
		return iso
	}
	first, second, year := cell[:2], cell[2:4], cell[4:]
	if d.order == delivery.MonthFirst {
		first, second = second, first
	}
	if other := isoDay(year, second, first); year >= "1800" {
		if _, err := time.Parse(time.DateOnly, other); err == nil {
			return other
		}
	}
	return iso
}

func isoDay(y, m, d string) string {
	two := func(s string) string { return strings.Repeat("0", 2-len(s)) + s }
	return y + "-" + two(m) + "-" + two(d)
}

// dateCensus counts what the dates of a file say of their order.
type dateCensus struct{ dayFirst, monthFirst, open int }

func (c *dateCensus) count(cell string) {
	p := yearLast.FindStringSubmatch(tidy(cell))
	if p == nil {
		return
	}
	a, _ := strconv.Atoi(p[1])
	b, _ := strconv.Atoi(p[2])
	switch {
	case a > 12 && b <= 12:
		c.dayFirst++
	case b > 12 && a <= 12:
		c.monthFirst++
	case a != b && a <= 12 && b <= 12:
		c.open++
	}
}

func (c dateCensus) proven() bool {
	return c.dayFirst == 0 && c.monthFirst >= 2
}

// order tells the order that the dates themselves prove: several cannot be
// day-month, and none can be nothing else. Otherwise it is the Dutch one.
func (c dateCensus) order() delivery.DateOrder {
	if c.proven() {
		return delivery.MonthFirst
	}
	return delivery.DayFirst
}

// undecided tells whether the data leaves the order open.
func (c dateCensus) undecided() bool { return c.dayFirst == 0 && !c.proven() && c.open > 0 }
