package value

import "strconv"

// DateColumn counts what the dates of one column say of their order: day first
// (31-1-2001) or month first (1/31/2001). Its zero value has seen none.
type DateColumn struct {
	dayFirst, monthFirst int // dates that can be read in one way only
	open                 int // dates that can be read in both
}

// Count adds the text of a cell.
func (c *DateColumn) Count(cell string) {
	p := yearLast.FindStringSubmatch(joinParts(cell))
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

// MonthFirst reports whether the dates prove that the month comes first: at least
// two can be read in no other way, and none only with the day first. Without proof
// the order is the Dutch one.
func (c DateColumn) MonthFirst() bool { return c.dayFirst == 0 && c.monthFirst >= 2 }

// Undecided reports whether the dates leave their order open, and it matters.
func (c DateColumn) Undecided() bool { return c.dayFirst == 0 && !c.MonthFirst() && c.open > 0 }

// OrderMatters reports whether some date reads differently, or not at all, with
// the day first instead of the month.
func (c DateColumn) OrderMatters() bool { return c.monthFirst+c.open > 0 }
