package audit

import "time"

// Query selects events, newest first. A zero field does not filter.
type Query struct {
	Type         Type
	CentreNumber string // the centre on whose behalf
	// PatientNumber selects what was done or seen of the patients with this number, in the
	// centre PatientCentre or, if that is empty, in all centres.
	PatientNumber, PatientCentre string
	UserName                     string    // exactly this Who.Name, in any case
	From                         time.Time // at or after
	To                           time.Time // before
	After                        int64     // ID of the last event of the page before; events with a lower ID follow; 0 for the first page
	Limit                        int
}

// Page is one page of events. Next is the After of the following page; 0 on the
// last one.
type Page struct {
	Events []Event
	Next   int64
}
