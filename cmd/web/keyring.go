package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"sluis/internal/sealing"
	"sluis/internal/store"
)

// giveUpCommand ends the deliveries that nobody can decrypt any more.
type giveUpCommand struct {
	Keyring string `required:"" env:"SLUIS_KEYRING_FILE" help:"The keyring file that the service uses now; it need not exist."`
}

// Run ends those deliveries as failed. The hospitals have to deliver them again.
func (g giveUpCommand) Run(ctx context.Context, c console) error {
	return withStore(ctx, c, func(s *store.Store) error {
		inUse, err := s.KeyIDsInUse(ctx)
		if err != nil {
			return err
		}
		has := func(string) bool { return false }
		if _, err := os.Stat(g.Keyring); err == nil {
			keys, err := sealing.OpenKeyring(g.Keyring, time.Now)
			if err != nil {
				return err
			}
			has = keys.Has
		} else if !errors.Is(err, os.ErrNotExist) {
			return err
		}
		ended := 0
		for _, id := range inUse {
			if has(id) {
				continue
			}
			n, err := s.FailSealedBy(ctx, id, "key_destroyed")
			if err != nil {
				return err
			}
			ended += n
		}
		fmt.Fprintf(c.out, "%d deliveries ended as failed\n", ended)
		return nil
	})
}

// rotateKeyringCommand makes a new wrapping key now, for example after somebody has seen
// the old one. The service does so by itself every day.
type rotateKeyringCommand struct {
	Keyring string `required:"" env:"SLUIS_KEYRING_FILE" help:"The keyring file of the service."`
}

// Run makes the key. A running service uses it for its next delivery.
func (r rotateKeyringCommand) Run(ctx context.Context, c console) error {
	return withStore(ctx, c, func(s *store.Store) error {
		keys, err := openKeyring(ctx, r.Keyring, s)
		if err != nil {
			return err
		}
		inUse, err := s.KeyIDsInUse(ctx)
		if err != nil {
			return err
		}
		_, destroyed, err := keys.Rotate(0, inUse)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "a new wrapping key is in use; %d old ones destroyed\n"+
			"The one before it goes once no delivery needs it, after an hour at least.\n", destroyed)
		return nil
	})
}
