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

var (
	yearLast    = regexp.MustCompile(`^(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})(?:[ T]0{1,2}:00(?::00(?:\.0+)?)?)?$`)
	yearFirst   = regexp.MustCompile(`^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T]0{1,2}:00(?::00(?:\.0+)?)?Z?)?$`)
	compactDate = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})$`)
	namedMonth  = regexp.MustCompile(`^(\d{1,2})[-/. ]([a-z]{3,9})\.?[-/. ](\d{4})$`)
	serial      = regexp.MustCompile(`^\d{1,7}(?:\.0+)?$`)
)

// months are the names of the months, by their first three letters, in Dutch and
// English.
var months = map[string]string{
	"jan": "1", "feb": "2", "maa": "3", "mrt": "3", "mar": "3", "apr": "4", "mei": "5", "may": "5", "jun": "6", "jul": "7",
	"aug": "8", "sep": "9", "okt": "10", "oct": "10", "nov": "11", "dec": "12",
}

// read reads d-m-jjjj, jjjj-mm-dd and their usual variants into jjjj-mm-dd. The
// result need not be a day that exists; ok is false where it is no date at all.
// Empty is empty.
func (d dates) read(cell string) (iso string, ok bool) {
	if cell == "" {
		return "", true
	}
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
	if p := namedMonth.FindStringSubmatch(strings.ToLower(cell)); p != nil {
		if m, known := months[p[2][:3]]; known {
			return isoDay(p[3], m, p[1]), true
		}
	}
	if d.epoch != tabular.NoEpoch && serial.MatchString(cell) {
		if n, err := strconv.ParseFloat(cell, 64); err == nil {
			return d.epoch.Day(n)
		}
	}
	return "", false
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
	if other := isoDay(year, second, first); year >= "1800" && year < "2200" {
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
	p := yearLast.FindStringSubmatch(cell)
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
