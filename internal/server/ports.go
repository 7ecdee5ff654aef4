package server

import (
	"context"

	"sluis/internal/account"
	"sluis/internal/server/access"
	"sluis/internal/server/accounts"
	"sluis/internal/server/api"
	"sluis/internal/server/centres"
	"sluis/internal/server/conflicts"
	"sluis/internal/server/conversions"
	"sluis/internal/server/deliveries"
	"sluis/internal/server/desk"
	"sluis/internal/server/entry"
	"sluis/internal/server/factors"
	"sluis/internal/server/fhirdoor"
	"sluis/internal/server/logbook"
	"sluis/internal/server/patients"
	"sluis/internal/server/signon"
)

// What the server needs of the others: each room says so for itself. Every read of
// patients or deliveries takes an audit.Who and is in the access log when it
// returns. A foreign object and one that does not exist are both apperr.NotFound.
type (
	// Sessions keeps signed-in browsers.
	Sessions = access.Sessions
	// People keeps the accounts for the pages about them.
	People = accounts.Store
	// Providers keeps the providers at which people sign in.
	Providers = signon.Store
	// Factors keeps what people have besides a password.
	Factors = factors.Store
	// Tries counts tries to sign in.
	Tries = access.Tries
	// CentreDesk keeps the centres and tokens for the pages about them.
	CentreDesk = centres.Store
	// Mailer takes in messages to the people with an account.
	Mailer = access.Mailer
	// Receiver takes in a file.
	Receiver = deliveries.Receiver
	// Columns knows what a file holds if Sluis did not recognise its columns.
	Columns = deliveries.Columns
	// Watch knows how the TTP is doing.
	Watch = desk.Watch
	// Planner keeps announced maintenance.
	Planner = desk.Planner
	// Expiry is something of ours at the TTP that runs out.
	Expiry = desk.Expiry
	// Conversion is the part of the conversion that pages show and act on.
	Conversion = conversions.Conversion
	// Preparer turns one identity into temporary pseudonyms. It is declared in the
	// room that knows identities, so that this package need not import them.
	Preparer = entry.Preparer
)

// AuditLog writes and reads the access log.
type AuditLog interface {
	access.Log
	logbook.Log
}

// Accounts looks up who is who.
type Accounts interface {
	access.Accounts
	api.Tokens
	Centres(ctx context.Context) ([]account.Centre, error)
}

// Records reads patients and deliveries.
type Records interface {
	patients.Records
	deliveries.Records
	fhirdoor.Records
}

// Desk is where a person's decision meets the registry.
type Desk interface {
	deliveries.Desk
	conflicts.Desk
	desk.Conflicts
	entry.Desk
}
