package value

import (
	"regexp"
	"strconv"
	"strings"
)

// swapProof is the number of dates of each sort from which on SwappedByExcel is
// sure: by chance the days fall so in fewer than one column of seventy.
const swapProof = 3

var (
	isoDate  = regexp.MustCompile(`^\d{4}-\d{2}-(\d{2})(?:$|[ T])`)
	halfADay = regexp.MustCompile(`(?i) ?[ap]\.?m\.?$`)
)

// written counts the dates of one way of writing.
type written struct {
	certain int // can be read in one order only
	early   int // can be read in both, or have their day in the first twelve
	late    int // have their day after the twelfth, and the year first
}

// DateColumn counts what the dates of one column say of their order: day first
// (31-1-2001) or month first (1/31/2001). Its zero value has seen none.
type DateColumn struct {
	dayFirst, monthFirst int // dates that can be read in one way only
	open                 int // dates that can be read in both
	halfDays             int // dates with AM or PM
	iso, slash, dash     written
}

// Count adds the text of a cell.
func (c *DateColumn) Count(cell string) {
	if p := isoDate.FindStringSubmatch(cell); p != nil {
		if day, _ := strconv.Atoi(p[1]); day > 12 {
			c.iso.late++
		} else {
			c.iso.early++
		}
		return
	}
	if halfADay.MatchString(cell) {
		c.halfDays++
	}
	p := yearLast.FindStringSubmatch(joinParts(cell))
	if p == nil {
		return
	}
	ways := &c.dash
	if strings.Contains(p[0], "/") {
		ways = &c.slash
	}
	a, _ := strconv.Atoi(p[1])
	b, _ := strconv.Atoi(p[2])
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

// MonthFirst reports whether the dates prove that the month comes first: at least
// two can be read in no other way, and none only with the day first. Without proof
// the order is the Dutch one.
func (c DateColumn) MonthFirst() bool { return c.dayFirst == 0 && c.monthFirst >= 2 }

// Undecided reports whether the dates leave their order open, and it matters.
func (c DateColumn) Undecided() bool { return c.dayFirst == 0 && !c.MonthFirst() && c.open > 0 }

// OrderMatters reports whether some date reads differently, or not at all, with
// the day first instead of the month.
func (c DateColumn) OrderMatters() bool { return c.monthFirst+c.open > 0 }

// EnglishOpen reports whether the dates leave their order open and are written with
// AM or PM, as Americans do, so that day first is no safe guess.
func (c DateColumn) EnglishOpen() bool { return c.Undecided() && c.halfDays > 0 }

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
