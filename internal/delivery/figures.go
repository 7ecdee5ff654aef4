package delivery

import (
	"time"

	"sluis/internal/patient"
)

// Figures are counts over all deliveries, for whoever watches the service. They name
// nobody.
type Figures struct {
	States map[State]int  // how many deliveries are in each state that has any
	Rows   patient.Counts // the outcomes of all rows of all deliveries
	// OldestAt is when the oldest delivery that goes on by itself was made; zero if there
	// is none.
	OldestAt  time.Time
	Conflicts int // open ones
}

// States lists every state, in the order in which a delivery passes them.
var States = []State{
	Receiving, Received, Mapping, Feeding, Exchanging, Deciding, Checked, Confirm, Registering, Done, Refused, Failed, Cancelled,
}

// Sum is what a delivery adds up to, without anything of a file or a row.
type Sum struct {
	PublicID string         `json:"id"`
	Centre   string         `json:"centre"`
	State    State          `json:"state"`
	Kind     Kind           `json:"kind"`
	At       time.Time      `json:"at"` // when it was made
	KeyID    string         `json:"key,omitempty"`
	Counts   patient.Counts `json:"counts"`
}
