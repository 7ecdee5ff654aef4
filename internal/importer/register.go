package importer

import (
	"context"
	"errors"
	"time"

	"sluis/internal/delivery"
	"sluis/internal/patient"
)

// turnLength is how long a delivery is registered before others have their turn.
const turnLength = 5 * time.Second

// Registrations stores the rows of decided deliveries.
type Registrations interface {
	// RegisterChunk runs register in one transaction with the chunk's outcomes, counters
	// and event. The findings replace those of the decision.
	RegisterChunk(ctx context.Context, c delivery.Claim, chunkNo int, lines []int,
		register func(tx patient.Tx) ([]patient.Verdict, []delivery.Finding, error)) error
	// YieldDelivery ends the claim on a delivery before it is done, so that others have their
	// turn.
	YieldDelivery(ctx context.Context, c delivery.Claim) error
	// Finish checks the totals (delivery.ErrUnbalanced) and destroys the delivery's key with
	// everything that was sealed under it.
	Finish(ctx context.Context, c delivery.Claim) error
}

// register stores a decided delivery in file order, one chunk in each transaction. A
// chunk is assessed once more inside its transaction, because a patient may have changed
// since the decision. After turnLength, register lets other deliveries go on; next time
// it begins with the first chunk that is not stored.
func (im *Importer) register(ctx context.Context, c delivery.Claim) error {
	key, err := im.keys.OpenKey(c.WrappedKey, c.Delivery.PublicID)
	if err != nil {
		return err
	}
	enough := im.now().Add(turnLength)
	err = im.eachChunk(ctx, key, c, c.NextChunk, func(no int, set []patient.Candidate) error {
		if no > c.NextChunk && im.now().After(enough) {
			return errTurnOver
		}
		register := func(tx patient.Tx) ([]patient.Verdict, []delivery.Finding, error) {
			verdicts, err := im.registrar.Register(ctx, tx, c.Delivery.CentreID, set)
			if err != nil {
				return nil, nil, err
			}
			return verdicts, explain(set, verdicts), nil
		}
		return im.ports.Registrations.RegisterChunk(ctx, c, no, linesOf(set), register)
	})
	switch {
	case errors.Is(err, errTurnOver):
		return im.ports.Registrations.YieldDelivery(ctx, c)
	case err != nil:
		return err
	}
	return im.ports.Registrations.Finish(ctx, c)
}

// errTurnOver ends the storing of a delivery for now.
var errTurnOver = errors.New("importer: the turn is over")
