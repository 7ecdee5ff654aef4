package value

import (
	"time"

	"sluis/internal/patient"
)

// TypedDate reads a date of which a person typed day, month and year apart, such as 31,
// 1 and 2001. It returns false if the calendar does not have that date. Whether it is in
// the future or too long ago is for the caller.
func TypedDate(day, month, year string) (patient.Birth, bool) {
	d, okDay := digits(day, 2)
	m, okMonth := digits(month, 2)
	y, okYear := digits(year, 4)
	b := patient.Birth{Year: y, Month: m, Day: d}
	if !okDay || !okMonth || !okYear || len(year) != 4 || !exists(b) {
		return patient.Birth{}, false
	}
	return b, true
}

// exists reports whether the calendar has b.
func exists(b patient.Birth) bool {
	t := time.Date(b.Year, time.Month(b.Month), b.Day, 0, 0, 0, 0, time.UTC)
	return b.Year > 0 && t.Year() == b.Year && int(t.Month()) == b.Month && t.Day() == b.Day
}

// digits reads at most n digits. (strconv's errors repeat what they read.)
func digits(s string, n int) (int, bool) {
	if len(s) > n {
		return 0, false
	}
	value := 0
	for _, r := range s {
		if r < '0' || r > '9' {
			return 0, false
		}
		value = value*10 + int(r-'0')
	}
	return value, true
}
