// Package alarm says which records of the access log are an alarm, by themselves or by
// their number: mass viewing, viewing at odd hours or in an unusual centre, many misses,
// attacks on the sign-in, and the use of a revoked token.
//
// It counts records only. It never sees what was viewed, and an alarm names nobody but the
// person, token or address that caused it.
package alarm

import (
	"time"

	"sluis/internal/audit"
)

// Kind is what an alarm is about. The catalogue has a sentence for each ("alarm.<kind>").
type Kind string

// The kinds.
const (
	MassHour    Kind = "mass_hour"    // many patients seen in an hour
	MassDay     Kind = "mass_day"     // many patients seen in a day
	OddHours    Kind = "odd_hours"    // patients seen outside the usual hours
	OtherCentre Kind = "other_centre" // a patient seen of a centre in which this person saw none for long
	Misses      Kind = "misses"       // searches that find nothing, and objects that do not exist
	SignIns     Kind = "sign_ins"     // wrong passwords for one account or from one address
	DeadToken   Kind = "dead_token"   // a revoked token was used
)

// Kinds lists them.
var Kinds = []Kind{MassHour, MassDay, OddHours, OtherCentre, Misses, SignIns, DeadToken}

// Limits are from how many on something is an alarm; 0 switches a kind off.
type Limits struct {
	ViewsHour int // patients that one account sees in an hour
	ViewsDay  int
	OddViews  int // patients that one person sees in a day outside the usual hours
	// FirstHour and LastHour are the usual hours on the clock of Location: from 6 to 23
	// means from 06:00 to 22:59.
	FirstHour, LastHour int
	Misses              int // of one account in an hour
	SignIns             int // wrong passwords in an hour for one account, or from one address
	// CentreDays is after how many days without a view a centre is unusual for whoever may
	// see all centres.
	CentreDays int
	Location   *time.Location
}

// Defaults are the limits if nothing is set.
func Defaults(in *time.Location) Limits {
	return Limits{
		ViewsHour: 500, ViewsDay: 2000, OddViews: 25, FirstHour: 6, LastHour: 23, Misses: 20, SignIns: 50, CentreDays: 90, Location: in,
	}
}

// Count is something to count: so many for a kind, a cause and a period.
type Count struct {
	Kind   Kind
	Cause  string // the account, token or address
	Period string // such as 2026-11-29 or 2026-11-29T14; counts of other periods are apart
	N      int
	Limit  int // from here on it is an alarm
}

// views are the events that show patients.
var views = map[audit.Type]bool{
	audit.PatientsListed: true, audit.PatientsSearched: true, audit.PatientViewed: true, audit.ConflictViewed: true,
}

// Opens reports whether ev shows one patient whom somebody chose, for the question whether
// the patient's centre is unusual. A list of all centres says nothing about that.
func Opens(ev audit.Event) bool {
	return ev.CentreID == 0 && ev.SubjectCount > 0 && (ev.Type == audit.PatientViewed || ev.Type == audit.ConflictViewed)
}

// Day returns the day of a moment, as a period is written.
func (l Limits) Day(at time.Time) string { return at.In(l.Location).Format(time.DateOnly) }

func (l Limits) hour(at time.Time) string { return at.In(l.Location).Format("2006-01-02T15") }

// Of returns what an event adds to the counts.
func (l Limits) Of(ev audit.Event) []Count {
	var out []Count
	add := func(k Kind, cause, period string, n, limit int) {
		if limit > 0 && n > 0 && cause != "" {
			out = append(out, Count{k, cause, period, n, limit})
		}
	}
	day, hour := l.Day(ev.At), l.hour(ev.At)
	if views[ev.Type] && ev.Result == audit.Success {
		add(MassHour, ev.Name, hour, ev.SubjectCount, l.ViewsHour)
		add(MassDay, ev.Name, day, ev.SubjectCount, l.ViewsDay)
		// Scripts work at night, and people may not.
		if clock := ev.At.In(l.Location).Hour(); ev.Via == audit.ViaWeb && (clock < l.FirstHour || clock >= l.LastHour) {
			add(OddHours, ev.Name, day, ev.SubjectCount, l.OddViews)
		}
	}
	switch {
	case ev.Type == audit.PatientsSearched && ev.SubjectCount == 0, ev.Type == audit.AccessDenied && ev.Code == "not_found":
		add(Misses, ev.Name, hour, 1, l.Misses)
	case ev.Type == audit.SignIn && ev.Code == "sign_in_failed":
		add(SignIns, ev.Name, hour, 1, l.SignIns)
		add(SignIns, ev.Address, hour, 1, l.SignIns)
	case ev.Type == audit.SignIn && ev.Code == "sign_in_refused":
		// So many tries waited that this one was not looked at: that is an attack already.
		add(SignIns, ev.Address, hour, l.SignIns, l.SignIns)
	case ev.Type == audit.AccessDenied && ev.Code == "token_revoked":
		add(DeadToken, ev.Name, day, 1, 1)
	}
	return out
}

// Alarm is one alarm. There is at most one of a kind, cause and day.
type Alarm struct {
	ID    int64
	Kind  Kind
	Cause string // the account, token or address
	Day   string // such as 2026-11-29
	// Count is how many there were when they were last counted, and Limit from how many on
	// it is an alarm.
	Count, Limit int
	CentreNumber string // of an unusual centre
	FirstAt      time.Time
	LastAt       time.Time
	FirstRecord  int64 // of the access log
	LastRecord   int64
	ClosedBy     string // who looked at it; empty as long as it is open
	ClosedAt     time.Time
	Remark       string
}

// Open reports whether nobody has closed the alarm yet.
func (a Alarm) Open() bool { return a.ClosedAt.IsZero() }

// Page is one page of alarms, the newest first. Next is the After of the following page; 0
// on the last one.
type Page struct {
	Alarms []Alarm
	Next   int64
}

// Query selects alarms.
type Query struct {
	Open  bool // only those that nobody has closed
	After int64
	Limit int
}
