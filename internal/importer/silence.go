package importer

import (
	"context"
	"time"

	"sluis/internal/maintenance"
)

// planEvery is the time between two looks at what maintenance is announced.
const planEvery = 5 * time.Second

// announced is the maintenance that was announced when this process last looked.
func (im *Importer) announced() maintenance.Plan {
	if p := im.plan.Load(); p != nil {
		return *p
	}
	return nil
}

// heedPlan reads again and again what maintenance is announced, until ctx ends. While the
// TTP is out of use by plan, what waits for it is put off until its end, so that nobody is
// alarmed by tries that must fail.
func (im *Importer) heedPlan(ctx context.Context) {
	if im.readPlan == nil {
		return
	}
	tick := time.NewTicker(planEvery)
	defer tick.Stop()
	for {
		if err := im.readAnnounced(ctx); err != nil && ctx.Err() == nil {
			im.log.ErrorContext(ctx, "announced maintenance could not be read", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (im *Importer) readAnnounced(ctx context.Context) error {
	plan, err := im.readPlan(ctx)
	if err != nil {
		return err
	}
	before := im.announced().Silent(im.now())
	im.plan.Store(&plan)
	until := plan.Silent(im.now())
	switch {
	case until.IsZero() && !before.IsZero():
		im.log.InfoContext(ctx, "announced maintenance of the TTP is over")
		im.Wake()
	case !until.IsZero() && before.IsZero():
		im.log.InfoContext(ctx, "announced maintenance of the TTP: it is not asked", "until", until)
	}
	if until.IsZero() {
		return nil
	}
	return im.ports.Queue.WaitForTTP(ctx, until)
}
