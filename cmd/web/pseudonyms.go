package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"sluis/internal/apperr"
	"sluis/internal/patient"
	"sluis/internal/store"
)

// where names a database: that of a demonstration, or else the one of the environment.
type where struct {
	Data string `help:"Folder of a demonstration; without it SLUIS_DATABASE says which database."`
}

func (w where) with(ctx context.Context, c console, f func(s *store.Store) error) error {
	if w.Data != "" {
		c.env = append(c.env[:len(c.env):len(c.env)], "SLUIS_DATABASE=sqlite:"+filepath.Join(w.Data, "sluis.db"))
	}
	return withStore(ctx, c, f)
}

// renewCommand asks the running service to fetch the values of all pseudonyms under the
// TTP's newest key.
type renewCommand struct{ where }

// Run records the request and returns; the service does the work.
func (r renewCommand) Run(ctx context.Context, c console) error {
	return r.with(ctx, c, func(s *store.Store) error {
		n, err := s.StartRenewal(ctx, byCommand)
		if apperr.KindOf(err) == apperr.Conflict {
			return errors.New("a renewal is under way already: see web pseudonyms status")
		} else if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%d pseudonyms will be asked for again at the TTP, by the running service, within a minute.\n"+
			"Values under a newer key are put next to the old ones. See web pseudonyms status.\n", n.Total)
		return nil
	})
}

// renewalCommand prints the state of the latest renewal.
type renewalCommand struct{ where }

// Run prints how many pseudonyms were asked for and what became of them.
func (r renewalCommand) Run(ctx context.Context, c console) error {
	return r.with(ctx, c, func(s *store.Store) error {
		n, ok, err := s.Renewal(ctx)
		if err != nil {
			return err
		}
		if !ok {
			fmt.Fprintln(c.out, "There was no renewal yet. web pseudonyms renew starts one.")
			return nil
		}
		fmt.Fprintln(c.out, renewalState(n))
		fmt.Fprintf(c.out, "looked at %d of %d, new values %d, refused by the TTP %d, conflicts %d\n",
			n.Looked, n.Total, n.Added, n.Refused, n.Conflicts)
		return nil
	})
}

func renewalState(n patient.Renewal) string {
	switch {
	case !n.FinishedAt.IsZero():
		return "finished " + n.FinishedAt.Format(time.RFC3339)
	case !n.NextTryAt.IsZero():
		return "the TTP does not answer; next try " + n.NextTryAt.Format(time.RFC3339)
	}
	return "under way since " + n.StartedAt.Format(time.RFC3339)
}
