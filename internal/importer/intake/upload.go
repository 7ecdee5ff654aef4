package intake

import (
	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/delivery"
)

// Upload says who delivers a file, for which centre, and what is to become of it.
type Upload struct {
	Who       audit.Who
	Centre    account.Centre
	Filename  string // kept as it was given, for the screens
	Mode      delivery.Mode
	Via       string // "web" or "api"
	Confirmed bool   // save it even if the brake would stop it
	Repairs   string // public id of the delivery that it is to repair; empty for none
}
