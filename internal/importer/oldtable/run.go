package oldtable

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"sluis/internal/apperr"
	"sluis/internal/conversion"
	"sluis/internal/delivery"
)

// How says what kind of run it is to be.
type How struct {
	Rehearse bool
	Sample   int      // rows of each centre, in a rehearsal; 0: all
	Centres  []string // only these are read now; empty: all
	Again    bool     // read the table once more, though the last run is done
	Rate     int      // rows a second at most; 0: as fast as it goes
}

// Errors of [Conversion.Run] that an operator can mend.
var (
	ErrMapping   = errors.New("a run with another mapping is under way: go on with that mapping, or end it with `web existing stop`")
	ErrDone      = errors.New("all of it is done already; --again reads the table once more")
	ErrUndecided = errors.New(
		`the mapping does not say which column holds the hospital's own patient number: ` +
			`put "number": "COLUMN" in it, or "number": "" if the table has none`,
	)
)

// Run feeds the rows of every centre into the pipeline, and waits until each delivery is
// done or waits for a person. It goes on where an earlier Run stopped.
func (c *Conversion) Run(ctx context.Context, how How) (conversion.Run, error) {
	centres, strays, err := c.sort(ctx)
	if err != nil {
		return conversion.Run{}, err
	}
	run, err := c.begin(ctx, how, centres, strays)
	if err != nil {
		return run, err
	}
	if how.Sample == 0 {
		if err := c.strays(ctx, run, strays); err != nil {
			return run, err
		}
	}
	for _, x := range centres {
		if !how.wants(x.centre.Number) ||
			!slices.ContainsFunc(run.Centres, func(r conversion.CentreRun) bool { return r.CentreID == x.centre.ID }) {
			continue
		}
		if err := c.feed(ctx, run, x, how.Rate); err != nil {
			return run, fmt.Errorf("centre %s: %w", x.centre.Number, err)
		}
	}
	return c.await(ctx, run, how)
}

// wants reports whether a centre is to be read now.
func (h How) wants(number string) bool {
	return len(h.Centres) == 0 || slices.Contains(h.Centres, number)
}

// begin returns the run that is under way, or starts one.
func (c *Conversion) begin(ctx context.Context, how How, centres []centreRows, strays centreRows) (conversion.Run, error) {
	last, there, err := c.store.LatestRun(ctx, mode(how.Rehearse))
	if err != nil {
		return last, err
	}
	if there && last.FinishedAt.IsZero() {
		if !last.Mapping.Same(c.mapping) {
			return last, ErrMapping
		}
		c.say("going on with run %s: %d of %d rows were read", last.PublicID, last.Fed(), last.Total)
		return last, nil
	}
	if there && !how.Again && !how.Rehearse && last.Whole() && last.Mapping.Same(c.mapping) {
		return last, ErrDone
	}
	if _, known := c.mapping.Numbered(); !known {
		return last, ErrUndecided
	}
	plan, err := c.sound(ctx, centres)
	if err != nil {
		return last, err
	}
	if why := plan.Blockers(); len(why) > 0 {
		return last, fmt.Errorf("nothing was read, because of %v: `web existing plan` tells more", why)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return last, err
	}
	n := conversion.NewRun{
		PublicID: id.String(), Mode: mode(how.Rehearse), Table: c.table.Label(), Mapping: c.mapping, Sample: how.Sample,
		Centres: map[int64]int{}, Address: c.address,
	}
	for _, x := range centres {
		rows := x.rows
		if how.Sample > 0 {
			rows = min(rows, how.Sample)
		}
		n.Centres[x.centre.ID] = rows
		n.Total += rows
	}
	if len(n.Centres) == 0 {
		return last, errors.New("the table has no rows of a centre that Sluis knows: add it with `web centre add`, " +
			"or translate its number by \"centres\" in the mapping")
	}
	if how.Sample == 0 {
		n.Total += strays.rows
	}
	run, err := c.store.StartRun(ctx, c.who, n)
	if apperr.KindOf(err) == apperr.Conflict {
		return run, errors.New("another command has just begun a run")
	}
	return run, err
}

// sound returns a plan with only what forbids a run: missing or repeated keys, BSNs, and
// columns that cannot be trusted.
func (c *Conversion) sound(ctx context.Context, centres []centreRows) (conversion.Plan, error) {
	f, err := c.table.Facts(ctx)
	p := conversion.Plan{Rows: f.Rows, KeyEmpty: f.KeyEmpty, KeyTwice: f.KeyTwice}
	if err != nil || len(p.Blockers()) > 0 {
		return p, err
	}
	return p, c.countFindings(ctx, &p, centres)
}

// strays records the rows of no known centre. They are not delivered.
func (c *Conversion) strays(ctx context.Context, run conversion.Run, x centreRows) error {
	if run.Strays >= x.rows || len(x.values) == 0 {
		return nil
	}
	after := ""
	for {
		keys, err := c.table.Keys(ctx, x.values, after, c.chunkRows)
		if err != nil || len(keys) == 0 {
			return err
		}
		if err := c.store.AddStrays(ctx, run.ID, keys, "CENTRE_UNKNOWN"); err != nil {
			return err
		}
		after = keys[len(keys)-1]
	}
}

// sayEvery is the time between two reports of progress to the operator.
const sayEvery = 5 * time.Second

// await waits until every centre that was read is stored, or waits for a person.
func (c *Conversion) await(ctx context.Context, run conversion.Run, how How) (conversion.Run, error) {
	var said time.Time
	for {
		now, _, err := c.store.LatestRun(ctx, run.Mode)
		if err != nil {
			return run, err
		}
		moving := 0
		for _, x := range now.Centres {
			if how.wants(x.CentreNumber) && x.Delivery != nil && !x.Ended() && x.Delivery.State != delivery.Confirm {
				moving++
			}
		}
		if moving == 0 {
			if now.Whole() {
				err = c.store.FinishRun(ctx, c.who, now.ID)
			}
			return now, err
		}
		if c.now().Sub(said) >= sayEvery {
			said = c.now()
			n := now.Counts()
			c.say("waiting for %d centres; rows read %d, stored %d, rejected %d, to be judged %d",
				moving, now.Fed(), n.Stored(), n.Rejected, n.Review)
		}
		if _, err := c.store.RunPaused(ctx, run.ID, conversion.WaitsNot, time.Time{}); err != nil {
			return now, err
		}
		if err := wait(ctx, 300*time.Millisecond); err != nil {
			return now, err
		}
	}
}

// Stop ends the run that is under way. What it has stored stays; the rest is forgotten.
func (c *Conversion) Stop(ctx context.Context, rehearsal bool) (conversion.Run, error) {
	run, there, err := c.store.LatestRun(ctx, mode(rehearsal))
	if err != nil {
		return run, err
	}
	if !there || !run.FinishedAt.IsZero() {
		return run, errors.New("no run is under way")
	}
	return run, c.store.AbandonRun(ctx, c.who, run.ID)
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
