package conversion

import (
	"time"

	"sluis/internal/delivery"
	"sluis/internal/patient"
)

// Waits is what a run waits for.
type Waits string

// What a run may wait for.
const (
	WaitsNot      Waits = ""
	WaitsTTP      Waits = "ttp"    // it does not answer
	WaitsDenied   Waits = "denied" // it does not accept our credentials
	WaitsOldTable Waits = "source" // it cannot be read
)

// Run is one conversion, or rehearsal, of the old table: a delivery per centre.
type Run struct {
	ID         int64
	PublicID   string
	Mode       delivery.Mode // Check is a rehearsal
	Table      string        // what it reads ("SQLite oud.db patient"), without how to get there
	Mapping    Mapping
	Sample     int // so many rows a centre; 0: all
	Total      int
	StartedBy  string
	StartedAt  time.Time
	FinishedAt time.Time
	SeenAt     time.Time // when the command last said that it is at work
	PausedAt   time.Time // zero while it may move
	PausedBy   string
	WaitsFor   Waits
	NextTryAt  time.Time
	Strays     int // rows of no known centre
	Centres    []CentreRun
}

// CentreRun is a run in one centre.
type CentreRun struct {
	CentreID     int64
	CentreNumber string
	CentreName   string
	Total, Fed   int
	LastKey      string
	// Delivery is nil until the first rows are read.
	Delivery *delivery.Delivery
}

// Fed is how many rows have been read.
func (r Run) Fed() int {
	n := r.Strays
	for _, c := range r.Centres {
		n += c.Fed
	}
	return n
}

// Counts are the outcomes over all centres; of a rehearsal, what they would be.
func (r Run) Counts() patient.Counts {
	var sum patient.Counts
	for _, c := range r.Centres {
		n := c.Counts(r.Mode)
		sum.Read += n.Read
		sum.Created += n.Created
		sum.Updated += n.Updated
		sum.Unchanged += n.Unchanged
		sum.Rejected += n.Rejected
		sum.Review += n.Review
		sum.Pending += n.Pending
	}
	return sum
}

// Counts are the outcomes in one centre.
func (c CentreRun) Counts(mode delivery.Mode) patient.Counts {
	if c.Delivery == nil {
		return patient.Counts{}
	}
	if mode == delivery.Check {
		return c.Delivery.Planned
	}
	return c.Delivery.Counts
}

// Ended reports whether a centre's delivery has come to its end.
func (c CentreRun) Ended() bool {
	return c.Delivery != nil && (c.Delivery.State.Final() || c.Delivery.State == delivery.Checked)
}

// Whole reports whether all rows of a centre are stored or, in a rehearsal, assessed.
func (c CentreRun) Whole(mode delivery.Mode) bool {
	if c.Delivery == nil {
		return false
	}
	return c.Delivery.State == delivery.Done || mode == delivery.Check && c.Delivery.State == delivery.Checked
}

// Whole reports whether every centre is whole.
func (r Run) Whole() bool {
	for _, c := range r.Centres {
		if !c.Whole(r.Mode) {
			return false
		}
	}
	return len(r.Centres) > 0
}

// NewRun is a run that begins.
type NewRun struct {
	PublicID string
	Mode     delivery.Mode
	Table    string
	Mapping  Mapping
	Sample   int
	Total    int
	Centres  map[int64]int // rows, by the id of the centre
	Address  string        // of the operator's account on the machine
}

// Feed is a command's claim on a centre, and how far the centre has been read.
type Feed struct {
	RunID    int64
	CentreID int64
	Fed      int
	LastKey  string
	Claim    delivery.Claim
}

// Place is how far a centre has been read when a chunk is stored.
type Place struct {
	LastKey string
	Keys    []string // of the rows of the chunk, in their order
}

// Where is what became of an old row in one run.
type Where struct {
	OldKey    string
	Line      int
	Outcome   patient.Outcome // Rejected for one of no known centre
	Code      string          // why it was not delivered, if it was not
	Patients  int             // how many patients have its key: one if it is stored
	Patient   patient.Patient // without pseudonyms
	CentreID  int64           // of the run's delivery
	ChangedAt time.Time       // of the patient
}

// Open is an old row that is no patient: it was rejected, or waits for a data manager.
type Open struct {
	OldKey        string
	CentreNumber  string // empty for one of no known centre
	PatientNumber string
	Line          int
	Outcome       patient.Outcome
	Finding       patient.Finding // the first that says why
}

// OpenQuery selects open rows in the order of their keys as they were read.
type OpenQuery struct {
	Outcome      patient.Outcome // Rejected or Review
	CentreNumber string          // empty for all
	After        string          // old key of the last one seen
	Limit        int
}

// OpenPage is one page; Next is empty on the last one.
type OpenPage struct {
	Rows  []Open
	Next  string
	Total int
}
