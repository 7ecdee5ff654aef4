package patient

import (
	"sync"
	"time"
	_ "time/tzdata" // a server need not have the time zones installed
)

var netherlands = sync.OnceValue(func() *time.Location {
	l, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		panic(err) // it is embedded
	}
	return l
})

// Day returns the calendar day in the Netherlands at t, as an ISO date. Moments are kept
// in UTC, but a day on which something was true is the day that people there would name.
func Day(t time.Time) string { return t.In(netherlands()).Format(time.DateOnly) }
