package delivery

import "sluis/internal/patient"

// Query selects deliveries, newest first.
type Query struct {
	CentreNumber string // only this centre's; empty for all in scope
	Group        Group  // empty for all
	After        string // public id of the last one seen; empty for the first page
	Limit        int
}

// Group is a tab of the deliveries page.
type Group string

// The groups.
const (
	Open    Group = "open"    // still moving, or waiting for a person
	Closed  Group = "closed"  // final
	ToMend  Group = "to_mend" // done with rejected rows, refused or failed
	AnyKind Group = ""
)

// Page is one page of deliveries. Next is the After of the following page;
// empty on the last one.
type Page struct {
	Deliveries []Delivery
	Next       string
}

// Cause is one reason for rejection or warning, over all rows that share it.
type Cause struct {
	patient.Finding
	Count int
	Lines []int // the first MaxCauseLines, ascending
}

// MaxCauseLines is how many line numbers a cause names.
const MaxCauseLines = 50

// Repairs is how a delivery stands to those that repair it, and to the one that
// it repairs.
type Repairs struct {
	Original *Delivery  // that it was delivered to repair; nil where there is none, or none in sight
	Later    []Delivery // the first MaxRepairs later ones of its chain, in order
	// Open are rows that are still to be repaired: the first MaxOpenRows of its own,
	// and of Original.
	Open, OriginalOpen []Row
}

// How many deliveries of a chain, and how many open rows, a page names.
const (
	MaxRepairs  = 20
	MaxOpenRows = 50
)

// FindingSort is the column by which findings are sorted; empty for the order of
// the file.
type FindingSort string

// The columns that findings can be sorted by.
const (
	ByLine     FindingSort = ""
	ByNumber   FindingSort = "number"
	ByField    FindingSort = "field"
	ByCode     FindingSort = "code"
	BySeverity FindingSort = "severity"
	BySource   FindingSort = "source"
)

// FindingSorts lists them.
var FindingSorts = []FindingSort{ByLine, ByNumber, ByField, ByCode, BySeverity, BySource}

// FindingQuery selects findings of one delivery, in line order unless it says
// another.
type FindingQuery struct {
	// Review selects the conflicts that wait for a data manager (true) or leaves them
	// out (false); nil for both.
	Review   *bool
	Sort     FindingSort
	Desc     bool
	Offset   int              // instead of After, with whatever order
	Severity patient.Severity // empty for both
	Code     string           // empty for all
	Field    string           // empty for all
	Source   patient.Source   // empty for both
	After    int64            // the last finding's Cursor; 0 for the first page
	Limit    int
}

// FindingPage is one page of findings; Next is 0 on the last one.
type FindingPage struct {
	Findings []Finding
	Next     int64
	Total    int // of all pages
}
