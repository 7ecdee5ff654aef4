package oldtable

import (
	"context"
	"crypto/ed25519"
	"errors"
	"strings"

	"sluis/internal/conversion"
)

// Gate returns everything that decides whether the old table may be erased now, also what
// only the old table knows. If way is empty, it is the way that was asked for.
func (c *Conversion) Gate(ctx context.Context, key ed25519.PublicKey, way conversion.Way) (conversion.Gate, error) {
	g, err := conversion.LoadGate(ctx, c.store, key, way, c.now())
	if err != nil {
		return g, err
	}
	if g.Rows, err = c.table.Count(ctx); err != nil {
		return g, err
	}
	g.Triggers, err = c.table.Triggers(ctx)
	return g, err
}

// Except returns a signed list of every row that is no patient now. With it somebody takes
// responsibility that these rows are lost with the old table.
func (c *Conversion) Except(ctx context.Context, key ed25519.PrivateKey, why string) (conversion.Signed, int, error) {
	if why = strings.TrimSpace(why); why == "" {
		return conversion.Signed{}, 0, errors.New("an exception needs a reason")
	}
	run, there, err := c.store.LatestRun(ctx, mode(false))
	if err != nil {
		return conversion.Signed{}, 0, err
	}
	if !there {
		return conversion.Signed{}, 0, ErrNoRun
	}
	open, err := conversion.AllOpen(ctx, c.store, run.ID)
	if err != nil {
		return conversion.Signed{}, 0, err
	}
	x := conversion.Exception{Run: run.PublicID, Why: why, MadeBy: c.who.Name, MadeAt: c.now().UTC(), Rows: []conversion.Exempt{}}
	for _, o := range open {
		x.Rows = append(x.Rows, conversion.Exempt{
			OldKey: o.OldKey, Centre: o.CentreNumber, Outcome: o.Outcome, Code: o.Finding.Code, Message: o.Finding.Message,
		})
	}
	signed, err := conversion.Sign(key, x)
	if err != nil {
		return signed, 0, err
	}
	return signed, len(x.Rows), c.keep(ctx, conversion.KindException, run.ID, len(x.Rows) == 0, signed)
}
