package importer

import (
	"context"
	"errors"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/patient"
	"sluis/internal/sealing"
)

// Waiting changes deliveries that wait, for a person or for the TTP. Each change is in
// the access log.
type Waiting interface {
	// SaveChecked lets a delivery that waits for a person go on to be stored.
	SaveChecked(ctx context.Context, who audit.Who, scope account.Scope, publicID string) error
	// Cancel ends a delivery that is not final, and erases its sealed content. Rows that
	// are stored stay stored.
	Cancel(ctx context.Context, who audit.Who, scope account.Scope, publicID string) error
	// RetryDelivery lets a paused delivery try the TTP at once.
	RetryDelivery(ctx context.Context, who audit.Who, scope account.Scope, publicID string) error
}

// DeskOptions configure a Desk.
type DeskOptions struct {
	Waiting   Waiting
	Imports   Imports
	Conflicts Conflicts
	Entries   Entries
	Registrar *patient.Registrar
	Resolver  patient.Resolver
	Sets      patient.Datasets // nil if the TTP offers none
	Keys      *sealing.Keyring
	Wake      func() // tells the workers that there may be work
	TryNow    func() // tells the TTP's clients that a person wants a try at once; may be nil
	Now       func() time.Time
}

// Desk is where people act on the registry: they save, cancel and retry deliveries,
// import datasets, judge conflicts and enter single patients. The workers are an
// [Importer]. A Desk is safe for concurrent use.
type Desk struct {
	waiting   Waiting
	imports   Imports
	conflicts Conflicts
	entries   Entries
	registrar *patient.Registrar
	exchanger exchanger
	sets      readySets
	keys      *sealing.Keyring
	wake      func()
	tryNow    func()
	now       func() time.Time
}

// NewDesk returns a Desk.
func NewDesk(o DeskOptions) (*Desk, error) {
	switch {
	case o.Waiting == nil, o.Imports == nil, o.Conflicts == nil, o.Entries == nil, o.Registrar == nil, o.Resolver == nil, o.Keys == nil,
		o.Wake == nil, o.Now == nil:
		return nil, errors.New("importer: an option of the desk is missing")
	}
	if o.TryNow == nil {
		o.TryNow = func() {}
	}
	return &Desk{
		waiting: o.Waiting, imports: o.Imports, conflicts: o.Conflicts, entries: o.Entries, registrar: o.Registrar,
		exchanger: exchanger{o.Resolver, o.Registrar.LinkingType()}, sets: readySets{o.Sets}, keys: o.Keys,
		wake: o.Wake, tryNow: o.TryNow, now: o.Now,
	}, nil
}

// Save lets a delivery that waits for a person be stored.
func (d *Desk) Save(ctx context.Context, who audit.Who, scope account.Scope, publicID string) error {
	defer d.wake()
	return d.waiting.SaveChecked(ctx, who, scope, publicID)
}

// Cancel ends a delivery. If it is being stored, it ends between two chunks: stored rows
// stay, and the others stay pending.
func (d *Desk) Cancel(ctx context.Context, who audit.Who, scope account.Scope, publicID string) error {
	return d.waiting.Cancel(ctx, who, scope, publicID)
}

// RetryNow lets a paused delivery try the TTP at once.
func (d *Desk) RetryNow(ctx context.Context, who audit.Who, scope account.Scope, publicID string) error {
	defer d.wake()
	d.tryNow()
	return d.waiting.RetryDelivery(ctx, who, scope, publicID)
}
