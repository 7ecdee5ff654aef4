package audit

import (
	"slices"
	"time"
)

// Query selects events, newest first. A zero field does not filter.
type Query struct {
	Type         Type
	Group        Group
	Result       *Result
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

// Types returns the types that q selects; none if it selects all.
func (q Query) Types() []Type {
	switch {
	case q.Type != "" && q.Group != "" && GroupOf(q.Type) != q.Group:
		return []Type{""} // no event has this type
	case q.Type != "":
		return []Type{q.Type}
	case q.Group != "":
		return q.Group.Types()
	}
	return nil
}

// MostCounted is how far events are counted: to count ten million takes seconds.
const MostCounted = 10_000

// Page is one page of events. Next is the After of the following page; 0 on the
// last one.
type Page struct {
	Events []Event
	Next   int64
	// Total is how many events the query selects on all pages. If it is more than
	// [MostCounted], it is one more than that.
	Total int
}

// Patient is a patient whom an event is about.
type Patient struct {
	Number, CentreNumber string // empty for one who is not in the registry any more
	Action               Action
}

// Proof is what the hash tree and the seal say of one event.
type Proof string

// The answers.
const (
	Whole    Proof = "whole"    // it is what was recorded
	Unsealed Proof = "unsealed" // the same, but it has no seal: it is from before there was a key
	Changed  Proof = "changed"  // it is not what was recorded
)

// Detail is one event with all that it says.
type Detail struct {
	Event
	Patients []Patient // the first of them
	Proof    Proof
}

// Group is several types of events, for a filter.
type Group string

// The groups.
const (
	Access     Group = "access"
	Views      Group = "views"
	Changes    Group = "changes"
	Deliveries Group = "deliveries"
	Exports    Group = "exports"
	Accounts   Group = "accounts"
	Log        Group = "log"
	Others     Group = "others" // every type that is in none of the others
)

// Groups lists them.
var Groups = []Group{Access, Views, Changes, Deliveries, Exports, Accounts, Log, Others}

var grouped = map[Group][]Type{
	Access: {SignIn, SignOut, AccessDenied},
	Views: {
		PatientsListed, PatientsSearched, PatientViewed, DeliveriesListed, DeliveryViewed, ReportViewed, ConflictsListed, ConflictViewed,
		DatasetsListed, TTPViewed, ConversionViewed, ConversionRowsListed, ProofsListed, ProofViewed,
	},
	Changes: {PatientEntered, ConflictJudged, ColumnsAssigned, ColumnsForgotten},
	Deliveries: {
		DeliveryReceived, DeliveryRefused, DeliverySaved, DeliveryStored, DeliveryChecked, DeliveryFailed, DeliveryCancel, DeliveryRetried,
		DatasetImported, ReportExpired,
	},
	Exports:  {ProofExported, LogExported, LogDisclosed},
	Accounts: {AccountChanged, AccountsListed},
	Log:      {LogViewed, LogVerified, LogExpired, LogReviewed, AlarmRaised, AlarmClosed, AlarmsListed},
}

// Types returns the types of the group.
func (g Group) Types() []Type {
	if g != Others {
		return grouped[g]
	}
	var out []Type
	for _, t := range Types {
		if GroupOf(t) == Others {
			out = append(out, t)
		}
	}
	return out
}

// GroupOf returns the group of a type.
func GroupOf(t Type) Group {
	for g, types := range grouped {
		if slices.Contains(types, t) {
			return g
		}
	}
	return Others
}
