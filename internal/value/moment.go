package value

import (
	"regexp"
	"sync"
	"time"
	_ "time/tzdata" // a server need not have the time zones installed
)

// netherlands is the time zone of a moment that does not name its own.
var netherlands = sync.OnceValue(func() *time.Location {
	l, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		panic(err) // it is embedded
	}
	return l
})

// clocked splits a day from a time of day without a zone.
var clocked = regexp.MustCompile(`^(\S+|\d{1,2} \d{1,2} \d{4})[ T](\d{1,2}:\d{2})(:\d{2})?(?:\.\d+)?$`)

// Moment reads an RFC 3339 moment, a day with a time of day in the Netherlands, or
// only a day, which means its last second there. The year of the result has
// four digits, since no other can be encoded.
func Moment(cell string) (time.Time, bool) {
	at, err := time.Parse(time.RFC3339, cell)
	if err != nil {
		day, clock := cell, "23:59:59"
		if p := clocked.FindStringSubmatch(cell); p != nil {
			day, clock = p[1], p[2]+p[3]
			if p[3] == "" {
				clock += ":00"
			}
		}
		iso, ok := (Dates{}).Read(day)
		if !ok {
			return time.Time{}, false
		}
		if at, err = time.ParseInLocation("2006-01-02 15:04:05", iso+" "+clock, netherlands()); err != nil {
			return time.Time{}, false
		}
	}
	at = at.UTC()
	return at, at.Year() >= 1 && at.Year() <= 9999
}
