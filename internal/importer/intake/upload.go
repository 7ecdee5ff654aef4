package intake

import (
	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake/columns"
	"sluis/internal/importer/intake/tabular"
)

// What a row of a file may hold at most: columns, and characters in one of those
// that Sluis knows.
const (
	MaxColumns = tabular.DefaultColumns
	MaxCell    = columns.MaxCell
)

// Upload says who delivers a file, for which centre, and what is to become of it.
type Upload struct {
	Who       audit.Who
	Centre    account.Centre
	Filename  string // kept as it was given, for the screens
	Mode      delivery.Mode
	Via       audit.Via
	Confirmed bool // save it even if the brake would stop it
	// Key makes one delivery of a request that comes more than once; empty where the
	// sender gave none.
	Key     string
	Repairs string // public id of the delivery that it is to repair; empty for none
}
