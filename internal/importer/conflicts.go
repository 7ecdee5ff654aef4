package importer

import (
	"context"
	"errors"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/patient"
)

// Conflicts keeps the rows that wait for a data manager. Every read but CountConflicts
// is in the access log.
type Conflicts interface {
	CountConflicts(ctx context.Context, scope account.Scope) (int, error)
	Conflicts(ctx context.Context, who audit.Who, scope account.Scope, q patient.ConflictQuery) (patient.ConflictPage, error)
	// ViewConflict returns one conflict. If it is open, it also returns the result of
	// compare, which runs in the same transaction.
	ViewConflict(ctx context.Context, who audit.Who, scope account.Scope, publicID string,
		compare func(patient.Reader, patient.Case) (patient.Comparison, error)) (patient.Conflict, patient.Comparison, error)
	// JudgeConflict closes a conflict with all of its rows, in the transaction of apply.
	JudgeConflict(ctx context.Context, who audit.Who, scope account.Scope, publicID string, j patient.Judgement,
		apply func(patient.Tx, patient.Case) (patient.Applied, error)) error
}

// Conflicts returns a page of the conflicts that wait for a data manager.
func (d *Desk) Conflicts(ctx context.Context, who audit.Who, scope account.Scope, q patient.ConflictQuery) (patient.ConflictPage, error) {
	return d.conflicts.Conflicts(ctx, who, scope, q)
}

// CountConflicts returns their number.
func (d *Desk) CountConflicts(ctx context.Context, scope account.Scope) (int, error) {
	return d.conflicts.CountConflicts(ctx, scope)
}

// Conflict returns one conflict. If it is open, it also returns how the row compares
// with what is stored now.
func (d *Desk) Conflict(ctx context.Context, who audit.Who, scope account.Scope,
	publicID string,
) (patient.Conflict, patient.Comparison, error) {
	return d.conflicts.ViewConflict(ctx, who, scope, publicID, func(tx patient.Reader, c patient.Case) (patient.Comparison, error) {
		return d.registrar.Compare(ctx, tx, c)
	})
}

// JudgeConflict applies a data manager's judgement. seen is the Comparison.Seen of the
// page on which it was made.
//
// It stores nothing if what is stored has changed since (apperr.Conflict
// "review_changed"), if somebody else was first (apperr.Conflict "review_closed"), or if
// the decision is not offered for this conflict (apperr.Invalid "review_withheld").
func (d *Desk) JudgeConflict(ctx context.Context, who audit.Who, scope account.Scope, publicID, seen string, j patient.Judgement) error {
	err := d.conflicts.JudgeConflict(ctx, who, scope, publicID, j, func(tx patient.Tx, c patient.Case) (patient.Applied, error) {
		return d.registrar.ApplyJudgement(ctx, tx, c, j.Decision, seen)
	})
	switch {
	case errors.Is(err, patient.ErrChanged):
		return apperr.Wrap(apperr.Conflict, "review_changed", err)
	case errors.Is(err, patient.ErrWithheld):
		return apperr.Wrap(apperr.Invalid, "review_withheld", err)
	}
	return err
}
