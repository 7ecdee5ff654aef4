package patient

import "time"

// Decision is how a data manager decides a conflict.
type Decision string

// The decisions.
const (
	KeepExisting Decision = "keep_existing" // what is stored stays; the row is rejected
	UseDelivered Decision = "use_delivered" // the row is stored over the patient that it collides with
	KeepBoth     Decision = "keep_both"     // two people with an equal pseudonym
	Return       Decision = "return"        // the centre must look: the row is rejected
)

// Decisions lists every decision, in the order in which a page offers them.
var Decisions = []Decision{KeepExisting, UseDelivered, KeepBoth, Return}

// Reasons lists every reason for [Review].
var Reasons = []Reason{NumberTaken, PseudonymTaken, NumberTwice, PseudonymTwice}

// The finding codes of rows that a data manager rejected.
const (
	CodeJudgedKept     = "JUDGED_KEPT"
	CodeJudgedReturned = "JUDGED_RETURNED"
)

// Conflict is a row that waits, or waited, for a data manager: as much of it as
// a page may know.
type Conflict struct {
	PublicID     string
	CentreNumber string
	Reason       Reason
	Delivered    Display
	Partners     []int // lines of the same file that it collides with
	OpenedAt     time.Time
	// Origin is the row that opened it; nil for a single entry. Rows and Deliveries count
	// all rows that say the same. Origins are the first of them, if only this conflict
	// was asked for.
	Origin     *Origin
	Rows       int
	Deliveries int
	Origins    []Origin
	Judgement  *Judgement // nil while it is open
}

// MaxOrigins is how many rows of a conflict are named.
const MaxOrigins = 20

// Origin is a row of a delivery.
type Origin struct {
	DeliveryID string // public
	Filename   string // as it was given
	DatasetID  string // of the TTP; empty if it was not fetched there
	Line       int
}

// Judgement is what was decided, by whom and why. Why stays in the registry: the
// centre's report has only the decision.
type Judgement struct {
	Decision Decision
	Why      string
	By       string // name of who decided
	At       time.Time
}

// The bounds of Judgement.Why, in characters.
const (
	MinWhy = 3
	MaxWhy = 500
)

// Case is a conflict with what is needed to judge it. It holds pseudonyms, so no page ever
// sees one.
type Case struct {
	Conflict
	CentreID   int64
	PatientID  int64 // the patient that was met when it was opened; 0 for none
	Pseudonyms []Pseudonym
	OldRow     *OldRow // of the row that opened it
}

func (c Case) candidate() Candidate {
	return Candidate{Display: c.Delivered, Pseudonyms: c.Pseudonyms, OldRow: c.OldRow}
}

// ConflictQuery selects open conflicts, oldest first.
type ConflictQuery struct {
	Reason       Reason // empty for all
	CentreNumber string // empty for all in scope
	DeliveryID   string // public id: only what rows of this delivery wait for; empty for all
	After        string // public id of the last one seen; empty for the first page
	Limit        int
}

// ConflictPage is one page of conflicts. Next is the After of the following
// page; empty on the last one.
type ConflictPage struct {
	Conflicts []Conflict
	Next      string
	Total     int // open, in scope and matching, over all pages
}

// Likeness is how two sets of linking pseudonyms compare; never their values.
type Likeness string

// The likenesses.
const (
	LinkSame       Likeness = "same"
	LinkDiffers    Likeness = "differs"
	LinkUnknown    Likeness = "unknown" // none under one domain and key version
	LinkNoneStored Likeness = ""
)

// Withheld is why a decision is not offered; empty if it is offered.
type Withheld string

// The reasons to withhold a decision.
const (
	Offered       Withheld = ""
	NothingStored Withheld = "nothing_stored" // there is nothing to keep
	OneNumber     Withheld = "one_number"     // a number is one patient
	NumberStored  Withheld = "number_stored"  // the delivered number is another patient's already
	SeveralOwners Withheld = "several_owners" // more than one patient has the pseudonym
	OtherPerson   Withheld = "other_person"   // the delivered number is stored with another pseudonym
)

// Standing is a stored patient as a conflict's page shows it.
type Standing struct {
	ID       int64 // inside
	PublicID string
	Display
	Version   int
	UpdatedAt time.Time
}

// Comparison is how a conflict compares with what is stored now.
type Comparison struct {
	Existing *Standing // the patient that the row collides with; nil if there is none
	// Own is the patient with the delivered number, if Existing is another one.
	Own  *Standing
	Link Likeness // of the row and Existing
	// Elsewhere reports, for a conflict about a number, whether another patient of the
	// centre has the delivered pseudonym.
	Elsewhere bool
	Withheld  map[Decision]Withheld // of every decision
	// Seen is a hash of the patients concerned and their versions. A judgement repeats
	// it, to prove what was on the screen when it was made.
	Seen string
}

// Offers reports whether d may be chosen.
func (c Comparison) Offers(d Decision) bool {
	why, known := c.Withheld[d]
	return known && why == Offered
}

// Applied is what a judgement made of the rows that waited for it. If a patient was
// stored, Outcome is that of the first row. The others say the same and are unchanged.
type Applied struct {
	Outcome   Outcome
	Code      string // of the finding of a rejected row
	PatientID int64  // the patient that the rows are by now, if any
}
