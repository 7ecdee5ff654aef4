package value

import (
	"regexp"
	"strconv"
	"strings"
)

// swapProof is the number of dates of each sort from which on SwappedByExcel is
// sure: by chance the days fall so in fewer than one column of seventy.
const swapProof = 3

// mixedShare is the percentage of a column's provable dates that must be in the other
// order before the column is Mixed. Fewer are slips: their rows are rejected one by one.
const mixedShare = 10

var (
	yearAhead = regexp.MustCompile(`^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:$|[ TZ+])`)
	halfADay  = regexp.MustCompile(`(?i)\d ?[ap]\.?m\.?$`)
)

// written counts the dates of one way of writing.
type written struct {
	certain int // can be read in one order only
	early   int // can be read in both, or have their day in the first twelve
	late    int // have their day after the twelfth, and the year first
}

// DateColumn counts what the dates of one column say of their order: day first
// (31-1-2001) or month first (1/31/2001), and behind a year month first (2001-01-31) or
// day first (2001-31-01). Its zero value has seen none.
type DateColumn struct {
	First, Last          int // years of the counted dates; 0 if there are none
	dayFirst, monthFirst int // dates that can be read in one way only
	open                 int // dates that can be read in both
	halfDays             int // dates with AM or PM
	yearMonth, yearDay   int // dates with the year first that can be read in one way only
	iso, slash, dash     written
}

// Count adds the text of a cell.
func (c *DateColumn) Count(cell string) {
	if p, ok := plainDay(cell); ok {
		if len(p[0]) == 4 {
			c.countYearFirst(p[0], p[1], p[2])
		} else {
			c.countYearLast(p[0], p[1], p[2], strings.Contains(cell, "/"))
		}
		return
	}
	if p := yearAhead.FindStringSubmatch(cell); p != nil {
		c.countYearFirst(p[1], p[2], p[3])
		return
	}
	if halfADay.MatchString(cell) {
		c.halfDays++
	}
	if p := compactDate.FindStringSubmatch(cell); p != nil {
		c.countCompact(cell, p)
		return
	}
	p := yearLast.FindStringSubmatch(joinParts(cell))
	if p == nil {
		return
	}
	c.countYearLast(p[1], p[2], p[3], strings.Contains(p[0], "/"))
}

// countYearLast counts a date such as 31-1-2001 or 31/1/2001.
func (c *DateColumn) countYearLast(first, second, year string, slashed bool) {
	c.countYear(year)
	ways := &c.dash
	if slashed {
		ways = &c.slash
	}
	a, _ := strconv.Atoi(first)
	b, _ := strconv.Atoi(second)
	switch {
	case a <= 12 && b <= 12:
		ways.early++
	case a <= 12 || b <= 12:
		ways.certain++
	}
	switch {
	case a > 12 && b <= 12:
		c.dayFirst++
	case b > 12 && a <= 12:
		c.monthFirst++
	case a != b && a <= 12 && b <= 12:
		c.open++
	}
}

// countYearFirst counts a date such as 2001-01-31.
func (c *DateColumn) countYearFirst(year, second, third string) {
	c.countYear(year)
	month, _ := strconv.Atoi(second)
	day, _ := strconv.Atoi(third)
	switch {
	case month > 12 && month <= 31 && day > 0 && day <= 12:
		c.yearDay++
	case day > 12:
		c.iso.late++
		c.yearMonth++
	default:
		c.iso.early++
	}
}

// countCompact counts eight digits, if they begin with a year: 20013101. Digits that can
// be ddmmyyyy too say nothing.
func (c *DateColumn) countCompact(cell string, p []string) {
	if cell < "18" || cell >= "21" || realDay(isoDay(cell[4:], cell[2:4], cell[:2])) {
		return
	}
	c.countYear(p[1])
	switch {
	case p[2] > "12" && p[2] <= "31" && p[3] > "00" && p[3] <= "12":
		c.yearDay++
	case p[2] > "00" && p[2] <= "12" && p[3] > "12" && p[3] <= "31":
		c.yearMonth++
	}
}

func (c *DateColumn) countYear(text string) {
	year, _ := strconv.Atoi(text)
	if year == 0 {
		return
	}
	if c.First == 0 || year < c.First {
		c.First = year
	}
	c.Last = max(c.Last, year)
}

// MonthFirst reports whether the dates prove that the month comes first: at least
// two can be read in no other way, and none only with the day first. Without proof
// the order is the Dutch one.
func (c DateColumn) MonthFirst() bool { return c.dayFirst == 0 && c.monthFirst >= 2 }

// DayFirst reports whether the dates prove that the day comes first: at least two can
// be read in no other way, and hardly any only with the month first.
func (c DateColumn) DayFirst() bool {
	return c.dayFirst >= 2 && c.monthFirst*100 < c.dayFirst*mixedShare
}

// YearDayMonth reports whether the dates with the year first prove that the day comes
// before the month: 2001-31-01. Without proof they are ISO dates.
func (c DateColumn) YearDayMonth() bool { return c.yearMonth == 0 && c.yearDay >= 2 }

// Undecided reports whether the dates leave their order open, and it matters.
func (c DateColumn) Undecided() bool { return c.dayFirst == 0 && !c.MonthFirst() && c.open > 0 }

// OrderMatters reports whether some date reads differently, or not at all, with
// the day first instead of the month.
func (c DateColumn) OrderMatters() bool { return c.monthFirst+c.open > 0 }

// MustAsk reports whether the dates leave their order open, and day first is no safe
// guess: they are written with AM or PM, as Americans do, or the only one that shows
// its order has the month first.
func (c DateColumn) MustAsk() bool { return c.Undecided() && c.halfDays+c.monthFirst > 0 }

// Mixed reports whether the dates are written in two orders. Those that can be read in
// both cannot be trusted then.
func (c DateColumn) Mixed() bool {
	two := func(a, b int) bool { return min(a, b) >= swapProof && min(a, b)*100 >= (a+b)*mixedShare }
	return two(c.dayFirst, c.monthFirst) || two(c.yearMonth, c.yearDay)
}

// SwappedByExcel reports whether a program swapped days and months in a part of the
// column. An English Excel takes 3-4-1950 for 4 March and makes a date of it, but
// leaves 13-4-1950 as text. So all dates that it made have a day up to 12, and all
// dates that it left have one after 12.
func (c DateColumn) SwappedByExcel() bool {
	if c.dayFirst > 0 && c.monthFirst > 0 {
		return false
	}
	for _, pair := range [][2]written{{c.iso, {c.dash.certain + c.slash.certain, c.dash.early + c.slash.early, 0}}, {c.slash, c.dash},
		{c.dash, c.slash}} {
		made, left := pair[0], pair[1]
		if made.late == 0 && made.certain == 0 && made.early >= swapProof && left.early == 0 && left.certain >= swapProof {
			return true
		}
	}
	return false
}
