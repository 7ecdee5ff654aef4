package audit

import "time"

// Review is a review of the access log that somebody signed off.
type Review struct {
	From, To time.Time // the period; To is the first moment after it
	By       string
	At       time.Time
	Remark   string
}

// Unreviewed is what of the access log nobody has reviewed yet.
type Unreviewed struct {
	From, To time.Time
	// Counts is how many events there are of each group; one more than [MostCounted] stands for
	// more than that.
	Counts  map[Group]int
	Samples []Event // drawn at random, newest first
}
