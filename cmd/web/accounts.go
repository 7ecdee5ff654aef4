package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"strings"
	"time"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/config"
	"sluis/internal/importer"
	"sluis/internal/store"
)

// byCommand is the name in the access log for commands that do not ask who runs them.
var byCommand = audit.Who{Name: "opdrachtregel", Via: audit.ViaCLI}

// withStore runs f on the database that the environment names.
func withStore(ctx context.Context, c console, f func(s *store.Store) error) error {
	where, err := config.LoadDatabase(c.env)
	if err != nil {
		return err
	}
	key, err := auditKey(c.env)
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, where.Reveal(), store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler), Beside: true, AuditKey: key})
	if err != nil {
		return err
	}
	return errors.Join(f(s), s.Close())
}

// migrateCommand brings the schema up to date without starting the service, so that
// accounts can be made before the first start.
type migrateCommand struct{}

// Run also makes the database if there is none.
func (migrateCommand) Run(ctx context.Context, c console) error {
	where, err := config.LoadDatabase(c.env)
	if err != nil {
		return err
	}
	key, err := auditKey(c.env)
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, where.Reveal(), store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler), AuditKey: key})
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	fmt.Fprintln(c.out, "the database is up to date")
	return nil
}

// addCentreCommand adds a centre.
type addCentreCommand struct {
	signingFlag
	Number     string `required:"" help:"The centre's number, such as 2809."`
	Name       string `required:"" help:"Its name on the screens."`
	Identities bool   `help:"Let it deliver files with names; off unless given."`
}

// Run adds it.
func (a addCentreCommand) Run(ctx context.Context, c console) error {
	// Cells of a file are compared without the white space around them.
	a.Number, a.Name = strings.TrimSpace(a.Number), strings.TrimSpace(a.Name)
	if a.Number == "" || a.Name == "" {
		return errors.New("--number and --name must not be empty")
	}
	return a.sign(ctx, c, func(s *store.Store, who audit.Who) error {
		_, err := s.AddCentre(ctx, who, account.Centre{Number: a.Number, Name: a.Name, IdentitiesAllowed: a.Identities})
		if apperr.KindOf(err) == apperr.Conflict {
			return fmt.Errorf("centre %s is there already", a.Number)
		} else if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "centre %s added\n", a.Number)
		return nil
	})
}

// setCentreCommand changes the settings that it is given, and leaves the others as they
// were.
type setCentreCommand struct {
	signingFlag
	Number       string  `required:"" help:"The centre's number, such as 2809."`
	Name         string  `help:"Its name on the screens."`
	Identities   *bool   `negatable:"" help:"Let it deliver files with names, or no longer."`
	Brake        *int    `help:"Over so many percent of rejected records are stored only when the uploader confirms; 1 to 100, 0 for the registry's 30."`
	NumberSystem *string `help:"The system of its patient numbers in FHIR (Patient.identifier.system); empty for none."`
}

// Run changes it.
func (c setCentreCommand) Run(ctx context.Context, con console) error {
	if c.Brake != nil && (*c.Brake < 0 || *c.Brake > 100) {
		return errors.New("--brake must be from 0 to 100")
	}
	return c.sign(ctx, con, func(s *store.Store, who audit.Who) error {
		centre, err := s.CentreByNumber(ctx, c.Number)
		if apperr.KindOf(err) == apperr.NotFound {
			return fmt.Errorf("there is no centre %s: add it with web centre add", c.Number)
		} else if err != nil {
			return err
		}
		if name := strings.TrimSpace(c.Name); name != "" {
			centre.Name = name
		}
		if c.Identities != nil {
			centre.IdentitiesAllowed = *c.Identities
		}
		if c.Brake != nil {
			centre.BrakePercent = *c.Brake
		}
		if c.NumberSystem != nil {
			centre.NumberSystem = strings.TrimSpace(*c.NumberSystem)
		}
		if err := s.ChangeCentre(ctx, who, centre); err != nil {
			return err
		}
		fmt.Fprintf(con.out, "centre %s: %s, identities %v, brake %d%%, number system %q\n",
			centre.Number, centre.Name, centre.IdentitiesAllowed, cmp.Or(centre.BrakePercent, importer.BrakeShare), centre.NumberSystem)
		return nil
	})
}

// addUserCommand adds a user.
type addUserCommand struct {
	signingFlag
	Email         string         `required:"" help:"E-mail address to sign in with."`
	Role          []account.Role `required:"" help:"clinician, uploader, centreadmin, datamanager, admin or auditor; may be given more than once."`
	Centre        string         `help:"Number of the centre; for clinician, uploader and centreadmin."`
	PasswordStdin bool           `help:"Read the password from standard input, instead of making one up and showing it."`
}

// Run adds the user.
func (a addUserCommand) Run(ctx context.Context, c console) error {
	if addr, err := mail.ParseAddress(a.Email); err != nil || addr.Address != a.Email {
		return fmt.Errorf("--email %q is no e-mail address", a.Email)
	}
	password, err := newPassword(c, a.PasswordStdin)
	if err != nil {
		return err
	}
	return a.sign(ctx, c, func(s *store.Store, who audit.Who) error {
		centre, err := centreFor(ctx, s, a.Centre, a.Role...)
		if err != nil {
			return err
		}
		hash, err := account.HashPassword(ctx, password, about(a.Email, centre)...)
		if err != nil {
			return err
		}
		_, err = s.AddUser(ctx, who, account.User{Email: a.Email, PasswordHash: hash, Roles: a.Role, Centre: centre})
		if apperr.KindOf(err) == apperr.Conflict {
			return fmt.Errorf("user %s is there already", a.Email)
		} else if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "user %s added\n", a.Email)
		if !a.PasswordStdin {
			fmt.Fprintf(c.out, "password: %s\n", password)
		}
		return nil
	})
}

// addTokenCommand adds an API token.
type addTokenCommand struct {
	signingFlag
	Name   string       `required:"" help:"What the token is for; shown in the access log."`
	Role   account.Role `required:"" help:"clinician, uploader or datamanager."`
	Centre string       `help:"Number of the centre; for clinician, uploader and centreadmin."`
}

// Run adds the token and shows it. It cannot be shown again: only its hash is stored.
func (a addTokenCommand) Run(ctx context.Context, c console) error {
	if a.Name = strings.TrimSpace(a.Name); a.Name == "" {
		return errors.New("--name must not be empty: it is how the access log tells one token from another")
	}
	if !account.TokenRole(a.Role) {
		return fmt.Errorf("--role %s works on the pages only: a token is for clinician, uploader or datamanager", a.Role)
	}
	return a.sign(ctx, c, func(s *store.Store, who audit.Who) error {
		centre, err := centreFor(ctx, s, a.Centre, a.Role)
		if err != nil {
			return err
		}
		token, hash := account.NewToken()
		if _, err := s.AddToken(ctx, who, account.Token{Name: a.Name, Role: a.Role, Centre: centre}, hash); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "token %s added; it is shown this once:\n%s\n", a.Name, token)
		return nil
	})
}

// centreFor returns the centre with this number, or nil if there is no number. It returns an
// error if the roles do not go together, or not with the centre.
func centreFor(ctx context.Context, s *store.Store, number string, roles ...account.Role) (*account.Centre, error) {
	var centre *account.Centre
	if number != "" {
		c, err := s.CentreByNumber(ctx, number)
		switch {
		case apperr.KindOf(err) == apperr.NotFound:
			return nil, fmt.Errorf("there is no centre %s: add it with web centre add", number)
		case err != nil:
			return nil, err
		}
		centre = &c
	}
	switch account.CheckRoles(roles, centre, nil) {
	case account.RolesMissing:
		return nil, fmt.Errorf("--role %q is none of clinician, uploader, centreadmin, datamanager, admin, auditor", roleWords(roles))
	case account.ProcessorMissing:
		return nil, errors.New("accounts and tokens of a processor are made on the pages, by an administrator")
	case account.RolesMixed:
		return nil, errors.New("clinician, uploader and centreadmin belong to a centre, the other roles to none: use two accounts")
	case account.RolesSeparate:
		return nil, errors.New("an auditor has no other role: use two accounts")
	case account.CentreUnasked:
		return nil, errors.New("--centre is for clinician, uploader and centreadmin only")
	case account.CentreMissing:
		return nil, errors.New("clinician, uploader and centreadmin belong to a centre: give --centre")
	}
	return centre, nil
}
