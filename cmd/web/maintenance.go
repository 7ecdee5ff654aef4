package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/maintenance"
	"sluis/internal/store"
)

// maintenanceCommands announce silence: planned maintenance of the TTP or of Sluis.
type maintenanceCommands struct {
	Add    addMaintenanceCommand    `cmd:"" help:"Announce it: shown before and during; deliveries wait for its end."`
	List   listMaintenanceCommand   `cmd:"" help:"List what is announced."`
	Cancel cancelMaintenanceCommand `cmd:"" help:"End it now, or before it begins."`
}

type addMaintenanceCommand struct {
	signingFlag
	Of    string `required:"" enum:"ttp,sluis" help:"What is out of use: ttp or sluis."`
	From  string `required:"" placeholder:"2026-12-01T20:00" help:"When it begins, in the time of this machine; or with a zone: 2026-12-01T20:00+01:00."`
	Until string `required:"" placeholder:"2026-12-01T23:00" help:"When it ends."`
	Note  string `help:"For those who deliver; no names."`
}

// readMoment reads a moment with or without a zone.
func readMoment(text string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02T15:04Z07:00", time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	at, err := time.ParseInLocation("2006-01-02T15:04", text, time.Local)
	if err != nil {
		return at, fmt.Errorf("%q is no moment such as 2026-12-01T20:00", text)
	}
	return at, nil
}

// maintenanceFaults are what may be wrong with a window, in words.
var maintenanceFaults = map[string]string{
	"maintenance_order": "--until must be after --from", "maintenance_past": "--until is past already",
	"maintenance_long": "it may take seven days at most", "maintenance_note": "--note may have 300 characters at most",
}

// Run announces it.
func (a addMaintenanceCommand) Run(ctx context.Context, c console) error {
	from, err := readMoment(a.From)
	if err != nil {
		return err
	}
	until, err := readMoment(a.Until)
	if err != nil {
		return err
	}
	return a.sign(ctx, c, func(s *store.Store, who audit.Who) error {
		w := maintenance.Window{Of: maintenance.Of(a.Of), From: from, Until: until, Note: a.Note}
		id, err := s.AnnounceMaintenance(ctx, who, w)
		if says, ok := maintenanceFaults[apperr.CodeOf(err)]; ok && err != nil {
			return errors.New(says)
		} else if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "announced: %s from %s until %s, %s\n", a.Of, from.Format(time.RFC3339), until.Format(time.RFC3339), id)
		return nil
	})
}

type listMaintenanceCommand struct{}

// Run lists it.
func (listMaintenanceCommand) Run(ctx context.Context, c console) error {
	return withStore(ctx, c, func(s *store.Store) error {
		plan, err := s.Maintenance(ctx)
		if err != nil {
			return err
		}
		if len(plan) == 0 {
			fmt.Fprintln(c.out, "nothing is announced")
		}
		for _, w := range plan {
			going := ""
			if w.Going(time.Now()) {
				going = "  now"
			}
			fmt.Fprintf(c.out, "%s  %-5s  %s – %s%s  %s\n",
				w.PublicID, w.Of, w.From.Format(time.RFC3339), w.Until.Format(time.RFC3339), going, w.Note)
		}
		return nil
	})
}

type cancelMaintenanceCommand struct {
	signingFlag
	ID string `arg:"" help:"Its id, as web maintenance list shows it."`
}

// Run cancels it.
func (x cancelMaintenanceCommand) Run(ctx context.Context, c console) error {
	return x.sign(ctx, c, func(s *store.Store, who audit.Who) error {
		err := s.CancelMaintenance(ctx, who, x.ID)
		if apperr.KindOf(err) == apperr.NotFound {
			return errors.New("nothing with that id is announced: see web maintenance list")
		} else if err != nil {
			return err
		}
		fmt.Fprintln(c.out, "cancelled; deliveries go on at once")
		return nil
	})
}
