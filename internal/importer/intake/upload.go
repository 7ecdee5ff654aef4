package intake

import (
	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake/columns"
	"sluis/internal/importer/intake/tabular"
)

// The limits of a row: its columns, and the characters in a column that Sluis knows.
const (
	MaxColumns = tabular.DefaultColumns
	MaxCell    = columns.MaxCell
)

// Upload says who delivers a file, for which centre, and what to do with it.
type Upload struct {
	Who    audit.Who
	Centre account.Centre
	// ProcessorID is the processor that delivers on behalf of Centre; 0 for none.
	ProcessorID int64
	Filename    string // kept as it was given, for the screens
	Mode        delivery.Mode
	Via         audit.Via
	Confirmed   bool // save it even if the brake would stop it
	// Dates is the order in which the file writes day and month, if its sender says so.
	Dates delivery.DateOrder
	// Key is the request's Idempotency-Key: requests with the same key make one
	// delivery. It is empty if the sender gave none.
	Key     string
	Repairs string // public id of the delivery that it is to repair; empty for none
}
