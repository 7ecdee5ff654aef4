package existing

import (
	"context"
	"crypto/ed25519"
	"errors"
	"strings"

	"sluis/internal/legacy"
)

// Gate tells whether the source may be erased now, and looks at the source too.
// With way empty, it is about what was asked for.
func (c *Conversion) Gate(ctx context.Context, key ed25519.PublicKey, way legacy.Way) (legacy.Gate, error) {
	g, err := legacy.LoadGate(ctx, c.Store, key, way, c.Now())
	if err != nil {
		return g, err
	}
	if g.Source, err = c.Source.Count(ctx); err != nil {
		return g, err
	}
	g.Triggers, err = c.Source.Triggers(ctx)
	return g, err
}

// Except lists every row that is no patient now, and signs the list: somebody
// answers for it that these are lost with the source.
func (c *Conversion) Except(ctx context.Context, key ed25519.PrivateKey, why string) (legacy.Signed, int, error) {
	if why = strings.TrimSpace(why); why == "" {
		return legacy.Signed{}, 0, errors.New("an exception needs a reason")
	}
	run, there, err := c.Store.LatestRun(ctx, mode(false))
	if err != nil {
		return legacy.Signed{}, 0, err
	}
	if !there {
		return legacy.Signed{}, 0, ErrNoRun
	}
	open, err := legacy.AllOpen(ctx, c.Store, run.ID)
	if err != nil {
		return legacy.Signed{}, 0, err
	}
	x := legacy.Exception{Run: run.PublicID, Why: why, MadeBy: c.Who.Name, MadeAt: c.Now().UTC(), Rows: []legacy.Exempt{}}
	for _, o := range open {
		x.Rows = append(x.Rows, legacy.Exempt{LegacyID: o.LegacyID, Centre: o.CentreNumber, Outcome: o.Outcome, Code: o.Finding.Code, Message: o.Finding.Message})
	}
	signed, err := legacy.Sign(key, x)
	if err != nil {
		return signed, 0, err
	}
	return signed, len(x.Rows), c.keep(ctx, legacy.KindException, run.ID, len(x.Rows) == 0, signed)
}
