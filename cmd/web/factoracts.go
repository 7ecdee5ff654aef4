package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/config"
	"sluis/internal/sealing"
	"sluis/internal/store"
)

// resetFactorsCommand removes what a user has besides the password.
type resetFactorsCommand struct {
	actingFlag
	Email  string `arg:"" help:"The user's address."`
	Reason string `required:"" help:"Why, for the history of the account, such as: telephone lost, called back on the number of the ward."`
}

// Run removes it and signs the user out. Nobody does this for themselves, except the only
// administrator there is: nobody else could.
func (r resetFactorsCommand) Run(ctx context.Context, c console) error {
	return r.act(ctx, c, func(s *store.Store, me account.User, who audit.Who) error {
		u, err := s.UserByEmail(ctx, r.Email)
		if apperr.KindOf(err) == apperr.NotFound {
			return fmt.Errorf("there is no user %s: see web user list", r.Email)
		} else if err != nil {
			return err
		}
		admins, err := s.Administrators(ctx)
		if err != nil {
			return err
		}
		err = s.ResetFactors(ctx, who, account.AllCentres(), u.PublicID, r.Reason, func(u account.User) error {
			if u.ID == me.ID && len(admins) > 1 {
				return errOwnAccount
			}
			return nil
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "user %s has no second factor any more, and is signed out everywhere\n", u.Email)
		return nil
	})
}

// openFactorKeys opens the keys of the secrets of second factors. It refuses to make new
// ones as long as secrets need the old ones: the file is lost, or its disk is not mounted.
func openFactorKeys(ctx context.Context, c config.Config, s *store.Store) (*sealing.Keyring, error) {
	path := sealing.FactorKeys(c.KeyringFile)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		needed, err := s.HasTOTP(ctx)
		if err != nil {
			return nil, err
		}
		if needed {
			return nil, fmt.Errorf("%s does not exist, and the authenticator apps of users need it: "+
				"put it back from the backup of the keys; "+
				"if it is lost for good, `web user reset-factors` for each of them lets Sluis start", path)
		}
	}
	return sealing.OpenKeyring(path, time.Now)
}
