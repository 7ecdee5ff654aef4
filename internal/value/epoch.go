package value

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Epoch is the day from which a spreadsheet counts its days.
type Epoch int

// The epochs of Excel.
const (
	NoEpoch   Epoch = iota
	Epoch1900       // day 1 is 1 January 1900; the 29 February 1900 that never was counts as a day
	Epoch1904       // day 0 is 1 January 1904
)

// Day returns the ISO date of a serial number, whose fraction is a time of day. It
// returns false if no day between 1900 and 9999 has that number.
func (e Epoch) Day(serial float64) (iso string, ok bool) {
	if math.IsNaN(serial) || serial < 0 || serial > 2_958_465 { // the last is 31 December 9999
		return "", false
	}
	day := int(serial)
	switch {
	case e == Epoch1904:
		day += 1462
	case e != Epoch1900, day == 60, day == 0:
		return "", false
	case day < 60: // before the day that never was
		day++
	}
	at := time.Date(1899, time.December, 30+day, 0, 0, 0, 0, time.UTC)
	return at.Format(time.DateOnly), at.Year() <= 9999
}

// Moment returns the ISO date of a serial number, followed by a space and its time
// of day unless that is midnight. A serial number below 1 may be only a time.
func (e Epoch) Moment(serial float64) (text string, ok bool) {
	if serial < 0 {
		return "", false
	}
	day, part := math.Modf(serial)
	seconds := math.Round(part * 86_400)
	if seconds == 86_400 {
		day, seconds = day+1, 0
	}
	clock := time.Unix(int64(seconds), 0).UTC().Format(time.TimeOnly)
	iso, ok := e.Day(day)
	switch {
	case !ok && day == 0 && seconds > 0:
		return clock, true
	case !ok || seconds == 0:
		return iso, ok
	}
	return iso + " " + clock, true
}

// BareDays counts the dates of birth of one column that are bare numbers: days from
// an epoch that the cell does not name. Its zero value has seen none.
type BareDays struct {
	Total       int
	First, Last int // years, if a spreadsheet wrote the numbers
	cells       int // that are not empty
	unlikely    int // before 1900, after today, or of people older than anybody
	unnamed     int // of a text file, which has no epoch
}

// bareProof is the number of bare numbers from which on they say something of their
// column. oldestAge is older than a patient of a registry is.
const (
	bareProof = 5
	oldestAge = 110
)

// bareNumber matches a day number. One before the epoch is negative: SAS counts from
// 1960, so that -3652 is 1950. fiveDigits matches what may be one in a text file, where
// four digits are a year and six may be 310180.
var (
	bareNumber = regexp.MustCompile(`^-?\d{1,7}(?:[.,]0+)?$`)
	fiveDigits = regexp.MustCompile(`^(?:\d{5}|-\d{1,5})(?:[.,]0+)?$`)
)

// Count adds the text of a cell.
func (b *BareDays) Count(cell string, e Epoch, today time.Time) {
	if cell == "" {
		return
	}
	b.cells++
	if e == NoEpoch {
		if fiveDigits.MatchString(cell) {
			b.unnamed++
		}
		return
	}
	if !bareNumber.MatchString(cell) || (Dates{Epoch: e}).IsPartial(cell) {
		return
	}
	whole, _, _ := strings.Cut(strings.Replace(cell, ",", ".", 1), ".")
	n, err := strconv.Atoi(whole)
	if err != nil {
		return
	}
	iso, ok := e.Day(float64(n))
	year := e.year(n)
	if b.Total == 0 || year < b.First {
		b.First = year
	}
	if b.Total == 0 || year > b.Last {
		b.Last = year
	}
	b.Total++
	if !ok || iso > today.Format(time.DateOnly) || today.Year()-year > oldestAge {
		b.unlikely++
	}
}

// year returns the year of a day number, also before the epoch.
func (e Epoch) year(n int) int {
	if e == Epoch1904 {
		n += 1462
	}
	return time.Date(1899, time.December, 30+n, 0, 0, 0, 0, time.UTC).Year()
}

// Unlikely reports whether the numbers are no dates of birth by this epoch: at least
// a quarter are before 1900, after today or too long ago. SAS and SPSS, for example,
// count from 1960 and 1582.
func (b BareDays) Unlikely() bool { return b.Total >= bareProof && b.unlikely*4 >= b.Total }

// Unnamed returns how many day numbers a text file has in place of dates. It is 0 if
// there are too few to say something of the column.
func (b BareDays) Unnamed() int {
	if b.unnamed < bareProof || b.unnamed*4 < b.cells {
		return 0
	}
	return b.unnamed
}
