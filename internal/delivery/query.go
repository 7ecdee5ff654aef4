package delivery

import (
	"time"

	"sluis/internal/patient"
)

// Query selects deliveries, newest first.
type Query struct {
	CentreNumber string // only this centre's; empty for all in scope
	Group        Group  // empty for all
	Statuses     []Status
	Since        time.Time // created at or after
	After        string    // public id of the last one seen; empty for the first page
	Limit        int
}

// Group is a tab of the deliveries page.
type Group string

// The groups.
const (
	Open    Group = "open"    // under way, or waiting for a person
	Closed  Group = "closed"  // final
	ToMend  Group = "to_mend" // done with rejected rows, refused or failed
	AnyKind Group = ""
)

// Page is one page of deliveries. Next is Query.After for the following page, and empty
// on the last one.
type Page struct {
	Deliveries []Delivery
	Next       string
}

// Cause is one reason for rejections or warnings, with the rows that share it.
type Cause struct {
	patient.Finding
	Count int
	Lines []int // the first MaxCauseLines, ascending
}

// MaxCauseLines is how many line numbers a cause names.
const MaxCauseLines = 50

// Repairs is the delivery that a delivery repairs, the later deliveries that repair it,
// and the rows that are still to be repaired.
type Repairs struct {
	Original *Delivery  // the delivery that it repairs; nil if there is none, or none in scope
	Later    []Delivery // the first MaxRepairs later deliveries of its chain, in order
	// Open are its own rows that are still to be repaired, the first MaxOpenRows;
	// OriginalOpen are those of Original.
	Open, OriginalOpen []Row
}

// How many deliveries of a chain, and how many rows to repair, a page names.
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

// FindingSorts lists the columns that findings can be sorted by.
var FindingSorts = []FindingSort{ByLine, ByNumber, ByField, ByCode, BySeverity, BySource}

// FindingQuery selects findings of one delivery.
type FindingQuery struct {
	// Review selects the conflicts that wait for a data manager (true) or leaves them
	// out (false); nil for both.
	Review   *bool
	Sort     FindingSort
	Desc     bool
	Offset   int              // instead of After; works with every Sort
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
	Total    int // findings on all pages
}
