package importer

import (
	"context"
	"errors"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/patient"
)

// Conflicts lists the rows that wait for a data manager, with its event.
func (im *Importer) Conflicts(ctx context.Context, who audit.Who, scope account.Scope, q patient.ConflictQuery) (patient.ConflictPage, error) {
	return im.Store.Conflicts(ctx, who, scope, q)
}

// CountConflicts counts them.
func (im *Importer) CountConflicts(ctx context.Context, scope account.Scope) (int, error) {
	return im.Store.CountConflicts(ctx, scope)
}

// Conflict gives one, with its event, and while it is open how it compares to
// what is stored.
func (im *Importer) Conflict(ctx context.Context, who audit.Who, scope account.Scope, publicID string) (patient.Conflict, patient.Comparison, error) {
	return im.Store.ViewConflict(ctx, who, scope, publicID, func(tx patient.Reader, c patient.Case) (patient.Comparison, error) {
		return im.Registrar.Compare(ctx, tx, c)
	})
}

// JudgeConflict applies a decision. seen is the Comparison.Seen that it was made upon.
// apperr.Conflict "review_changed" where what is stored is another by now,
// "review_closed" where somebody was first; apperr.Invalid "review_withheld"
// where the decision is not offered. Nothing is stored then.
func (im *Importer) JudgeConflict(ctx context.Context, who audit.Who, scope account.Scope, publicID, seen string, j patient.Judgement) error {
	err := im.Store.JudgeConflict(ctx, who, scope, publicID, j, func(tx patient.Tx, c patient.Case) (patient.Settlement, error) {
		return im.Registrar.Settle(ctx, tx, c, j.Decision, seen)
	})
	switch {
	case errors.Is(err, patient.ErrChanged):
		return apperr.Wrap(apperr.Conflict, "review_changed", err)
	case errors.Is(err, patient.ErrWithheld):
		return apperr.Wrap(apperr.Invalid, "review_withheld", err)
	}
	return err
}
