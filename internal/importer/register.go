package importer

import (
	"context"
	"errors"
	"time"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/patient"
)

// turnLength is how long a delivery is stored before another one has its turn.
const turnLength = 5 * time.Second

// register stores a decided delivery in file order, a chunk a transaction. Each
// chunk is judged inside its transaction, since a patient may have changed since
// the decision. After a while it lets others have
// their turn; what is stored is not stored again.
func (im *Importer) register(ctx context.Context, c delivery.Claim) error {
	key, err := im.Keys.OpenKey(c.WrappedKey, c.Delivery.PublicID)
	if err != nil {
		return err
	}
	enough := im.Now().Add(turnLength)
	err = im.eachChunk(ctx, key, c, c.NextChunk, func(no int, set []patient.Candidate) error {
		if no > c.NextChunk && im.Now().After(enough) {
			return errTurnOver
		}
		return im.Store.RegisterChunk(ctx, c, no, linesOf(set), func(tx patient.Tx) ([]patient.Verdict, []delivery.Finding, error) {
			verdicts, err := im.Registrar.Register(ctx, tx, c.Delivery.CentreID, set)
			if err != nil {
				return nil, nil, err
			}
			return verdicts, explain(set, verdicts), nil
		})
	})
	switch {
	case errors.Is(err, errTurnOver):
		return im.Store.YieldDelivery(ctx, c)
	case err != nil:
		return err
	}
	return im.Store.Finish(ctx, c)
}

// errTurnOver ends the storing of a delivery for now.
var errTurnOver = errors.New("importer: the turn is over")

// RegisterEntry registers one patient while the user waits: a set of one through the
// same exchange, judge and store, with nothing sealed and nothing queued. A TTP
// that does not answer is apperr.Unavailable, and nothing is stored.
func (im *Importer) RegisterEntry(ctx context.Context, who audit.Who, centre account.Centre, d patient.Display, t []patient.Temporary) (Entered, error) {
	row := patient.InExchange{Ref: newRef(), Display: d, Temporaries: t}
	answers, err := im.ask(ctx, newRef(), []patient.InExchange{row})
	if _, ok := errors.AsType[*patient.UnavailableError](err); ok {
		return Entered{}, apperr.Wrap(apperr.Unavailable, "ttp_unavailable", err)
	} else if err != nil {
		return Entered{}, err
	}
	findings, pseudonyms := im.settle(answers[row.Ref], func(string) bool { return false }, patient.Day(im.Now()))
	for _, f := range findings {
		if f.Severity == patient.Fatal {
			return Entered{Outcome: patient.Rejected, Findings: findings}, nil
		}
	}
	var verdict patient.Verdict
	id, err := im.Store.RegisterEntry(ctx, who, func(tx patient.Tx) (patient.Verdict, error) {
		set := []patient.Candidate{{Display: d, Pseudonyms: pseudonyms}}
		v, err := im.Registrar.Register(ctx, tx, centre.ID, set)
		if err != nil {
			return patient.Verdict{}, err
		}
		verdict = v[0]
		return verdict, nil
	})
	if err != nil {
		return Entered{}, err
	}
	return Entered{Outcome: verdict.Outcome, Reason: verdict.Reason, PatientID: id, Findings: findings}, nil
}
