package intake

import (
	"context"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake/columns"
)

// Mappings stores how users assigned the columns of their files.
type Mappings interface {
	columns.Memory
	// AwaitingColumns returns a delivery that waits for its columns, with the wrapped
	// key of its upload; apperr.Conflict "delivery_not_mapping".
	AwaitingColumns(ctx context.Context, scope account.Scope, publicID string) (delivery.Claim, error)
	// AssignColumns lets it be parsed so; a keyed hash of its header has the centre's
	// next files with that header read the same way.
	AssignColumns(ctx context.Context, who audit.Who, scope account.Scope, publicID string, a delivery.Assignment, header []byte) error
	RememberedHeaders(ctx context.Context, centreID int64) (int, error)
	ForgetColumns(ctx context.Context, who audit.Who, centreID int64) error
}

func (in *Intake) finder(c account.Centre) columns.Finder {
	return columns.Finder{
		Types: in.types, CentreID: c.ID, IdentitiesAllowed: c.IdentitiesAllowed, TemporaryRefused: c.TemporaryRefused,
		MACKey: *in.macKey.Load(), Memory: in.ports.Mappings,
	}
}

// Describe lists the columns of a kind of file for a centre.
func (in *Intake) Describe(kind delivery.Kind, centre string) []columns.Described {
	return columns.Describe(in.types, kind, centre)
}

// Preview shows a delivery that waits for its columns to be assigned. Errors:
// apperr.NotFound, apperr.Conflict "delivery_not_mapping".
func (in *Intake) Preview(ctx context.Context, scope account.Scope, publicID string, where columns.Where) (columns.Preview, error) {
	p, all, err := in.reopen(ctx, scope, publicID)
	if err != nil {
		return columns.Preview{}, err
	}
	defer p.file.forget()
	return in.finder(p.centre).Preview(ctx, all, p.claim.Assignment, where)
}

// reopen opens the upload of a delivery that waits for its columns to be assigned.
func (in *Intake) reopen(ctx context.Context, scope account.Scope, publicID string) (*parse, []columns.Top, error) {
	c, err := in.ports.Mappings.AwaitingColumns(ctx, scope, publicID)
	if err != nil {
		return nil, nil, err
	}
	p, err := in.begin(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	if p.source, err = p.open(); err != nil {
		return nil, nil, err
	}
	all, err := columns.ReadTops(p.source)
	return p, all, err
}

// Assign accepts how a user assigned the columns, and lets the delivery go on. If the
// assignment cannot be right, it returns why and changes nothing. With keep, the
// centre's next files with the same header are read the same way.
func (in *Intake) Assign(
	ctx context.Context, who audit.Who, scope account.Scope, publicID string, a delivery.Assignment, keep bool,
) ([]delivery.Remark, error) {
	p, all, err := in.reopen(ctx, scope, publicID)
	if err != nil {
		return nil, err
	}
	defer p.file.forget()
	if before := p.claim.Assignment; a.Dates == "" && before != nil {
		a.Dates = before.Dates // as its sender said
	}
	wrong, header, err := in.finder(p.centre).Assign(all, a, in.limits.OrDefault().Columns)
	if err != nil || len(wrong) > 0 {
		return wrong, err
	}
	if !keep {
		header = nil
	}
	return nil, in.ports.Mappings.AssignColumns(ctx, who, scope, publicID, a, header)
}

// Remembered returns the number of headers for which a centre's assignment is kept.
func (in *Intake) Remembered(ctx context.Context, centreID int64) (int, error) {
	return in.ports.Mappings.RememberedHeaders(ctx, centreID)
}

// Forget deletes the assignments that are kept for a centre.
func (in *Intake) Forget(ctx context.Context, who audit.Who, centreID int64) error {
	return in.ports.Mappings.ForgetColumns(ctx, who, centreID)
}
