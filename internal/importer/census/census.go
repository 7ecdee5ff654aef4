// Package census looks at the columns of patient numbers, dates of birth and sexes as a
// whole. It is the one place that decides what a column proves, what is assumed of it,
// and for which reasons nothing of it can be trusted. Files, datasets of the TTP and the
// old table are all counted here.
//
// It keeps counts and years only, never a value of a row.
package census

import (
	"strconv"
	"time"

	"sluis/internal/delivery"
	"sluis/internal/value"
)

// Census counts the rows of one file, dataset or table.
type Census struct {
	epoch   value.Epoch
	today   time.Time
	numbers value.NumberColumn
	births  value.DateColumn
	bare    value.BareDays
	sexes   value.SexColumn
}

// New returns a census that has seen no row. Epoch is the day from which bare numbers
// count; value.NoEpoch if they come from no spreadsheet.
func New(epoch value.Epoch, today time.Time) Census { return Census{epoch: epoch, today: today} }

// Count counts one row. The number is as it is written, with marks that nobody sees.
func (c *Census) Count(number, birth, sex string) {
	c.numbers.Count(number)
	c.births.Count(birth)
	c.bare.Count(birth, c.epoch, c.today)
	c.sexes.Count(sex)
}

// Habits returns how the patient numbers are usually written.
func (c *Census) Habits() value.NumberHabits { return c.numbers.Habits() }

// Dates returns how the dates are to be read. Said is the order that a user said; empty
// if nobody did. What the dates themselves prove goes before it.
func (c *Census) Dates(said delivery.DateOrder) value.Dates {
	return value.Dates{
		MonthFirst: c.order(said) == delivery.MonthFirst, YearDayMonth: c.births.YearDayMonth(), Epoch: c.epoch,
	}
}

func (c *Census) order(said delivery.DateOrder) delivery.DateOrder {
	switch {
	case c.births.MonthFirst():
		return delivery.MonthFirst
	case c.births.DayFirst() || said == "":
		return delivery.DayFirst
	}
	return said
}

// BSNs returns the refusal of a file whose patient numbers are BSNs; nil if they are not.
func (c *Census) BSNs() []delivery.Remark {
	if !c.numbers.MostlyBSN() {
		return nil
	}
	return []delivery.Remark{delivery.NewRemark("BSN_NUMBERS")}
}

// Doubts returns the reasons for which no date of birth, or no sex, can be trusted.
// Names are what the columns are called, and said is the order that a user said.
func (c *Census) Doubts(names delivery.Columns, said delivery.DateOrder) []delivery.Remark {
	birth, sex := names[delivery.FieldBirthDate], names[delivery.FieldSex]
	var out []delivery.Remark
	switch {
	case c.births.SwappedByExcel():
		out = append(out, delivery.NewRemark("DATES_SWAPPED", "column", birth))
	case c.births.Mixed():
		out = append(out, delivery.NewRemark("DATES_MIXED", "column", birth))
	case said == "" && c.births.MustAsk():
		out = append(out, delivery.NewRemark("DATES_ORDER_OPEN", "column", birth))
	}
	if c.bare.Unlikely() {
		out = append(out, delivery.NewRemark("BIRTHS_NUMBERED_UNLIKELY", c.numbered(birth)...))
	}
	if n := c.bare.Unnamed(); n > 0 {
		out = append(out, delivery.NewRemark("BIRTHS_NUMBERED_TEXT", "column", birth, "count", strconv.Itoa(n)))
	}
	if c.sexes.ZeroOrOne() {
		out = append(out, delivery.NewRemark("SEX_ZERO_ONE", "column", sex))
	}
	return out
}

// Notes returns what was assumed of the dates, and what was taken out of patient numbers
// that a program had put there.
func (c *Census) Notes(names delivery.Columns, said delivery.DateOrder) []delivery.Remark {
	birth := names[delivery.FieldBirthDate]
	var out []delivery.Remark
	if c.bare.Total > 0 {
		out = append(out, delivery.NewRemark("BIRTHS_NUMBERED", c.numbered(birth)...))
	}
	years := []string{"column", birth, "first", strconv.Itoa(c.births.First), "last", strconv.Itoa(c.births.Last)}
	order := c.order(said)
	switch {
	case said != "" && order != said:
		out = append(out, delivery.NewRemark("DATES_ORDER_PROVEN", years...))
	case order == delivery.MonthFirst && c.births.OrderMatters():
		out = append(out, delivery.NewRemark("DATES_MONTH_FIRST", years...))
	case said == "" && c.births.Undecided() && !c.births.MustAsk():
		out = append(out, delivery.NewRemark("DATES_ORDER_ASSUMED", years...))
	}
	if c.births.YearDayMonth() {
		out = append(out, delivery.NewRemark("DATES_YEAR_DAY_MONTH", years...))
	}
	if n := c.numbers.Marked(); n > 0 {
		out = append(out, delivery.NewRemark("NUMBER_MARKS", "count", strconv.Itoa(n)))
	}
	if n := c.numbers.Floats(); n > 0 {
		out = append(out, delivery.NewRemark("NUMBER_FLOATS", "count", strconv.Itoa(n)))
	}
	return out
}

// numbered returns the arguments of a remark on dates that are bare numbers. It names
// years only, since a registry may keep no more.
func (c *Census) numbered(column string) []string {
	return []string{
		"column", column, "count", strconv.Itoa(c.bare.Total), "first", strconv.Itoa(c.bare.First), "last", strconv.Itoa(c.bare.Last),
	}
}
