package main

import (
	"context"
	"fmt"
	"io"
	"net/mail"
	"net/url"
	"strings"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/config"
	"sluis/internal/store"
)

// linkURL is the address of a one-time link.
func linkURL(base *url.URL, token string) string {
	return strings.TrimSuffix(base.String(), "/") + "/uitnodiging/" + token
}

// inviteUserCommand makes an account without a password, and the link by which its owner
// sets one.
type inviteUserCommand struct {
	actingFlag
	Email  string         `required:"" help:"E-mail address to sign in with."`
	Name   string         `required:"" help:"The person's name."`
	Role   []account.Role `required:"" help:"clinician, uploader, centreadmin, datamanager, admin or auditor; may be given more than once."`
	Centre string         `help:"Number of the centre; for clinician, uploader and centreadmin."`
	Reason string         `required:"" help:"Why, and at whose request; shown in the history of the account."`
}

// Run prints the link, this once.
func (i inviteUserCommand) Run(ctx context.Context, c console) error {
	if addr, err := mail.ParseAddress(i.Email); err != nil || addr.Address != i.Email {
		return fmt.Errorf("--email %q is no e-mail address", i.Email)
	}
	reason := strings.TrimSpace(i.Reason)
	if len([]rune(reason)) < account.MinReason {
		return fmt.Errorf("--reason must have at least %d characters", account.MinReason)
	}
	base, err := config.LoadBaseURL(c.env)
	if err != nil {
		return err
	}
	return i.act(ctx, c, func(s *store.Store, _ account.User, who audit.Who) error {
		centre, err := centreFor(ctx, s, i.Centre, i.Role...)
		if err != nil {
			return err
		}
		token, hash := account.NewToken()
		invited := account.User{Email: i.Email, Name: strings.TrimSpace(i.Name), Roles: i.Role, Centre: centre}
		u, err := s.Invite(ctx, who, invited, hash, reason)
		if apperr.KindOf(err) == apperr.Conflict {
			return fmt.Errorf("user %s is there already", i.Email)
		} else if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "user %s invited; this link works once, for %d days, and is shown this once:\n%s\n",
			u.Email, account.LinkLife/(24*60*60*1e9), linkURL(base, token))
		return nil
	})
}

// offerFirstAdmin prints the link that makes the first administrator, as long as there is
// no account at all. Each start prints a new one, and the one before ends.
func offerFirstAdmin(ctx context.Context, s *store.Store, base *url.URL, out io.Writer) error {
	token, hash := account.NewToken()
	made, err := s.MakeFirstLink(ctx, byCommand, hash)
	if err != nil || !made {
		return err
	}
	_, err = fmt.Fprintf(out, "There is no account yet. Make the first administrator with this link; it works once, for %d days:\n%s\n",
		account.LinkLife/(24*60*60*1e9), linkURL(base, token))
	return err
}
