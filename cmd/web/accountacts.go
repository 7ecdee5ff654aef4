package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/importer"
	"sluis/internal/store"
	"sluis/web/text"
)

// actingFlag names the person who runs a command, for the access log.
type actingFlag struct {
	As string `required:"" placeholder:"EMAIL" help:"Your own address: the access log names you as who did this. It must be an administrator's."`
}

// person returns the administrator whom --as names. As long as the database has no
// administrator, any e-mail address will do: the first ones have to be made by somebody.
func (a actingFlag) person(ctx context.Context, s *store.Store) (account.User, audit.Who, error) {
	users, err := s.Administrators(ctx)
	if err != nil {
		return account.User{}, audit.Who{}, err
	}
	who := audit.Who{Name: strings.ToLower(strings.TrimSpace(a.As)), Via: audit.ViaCLI}
	at := slices.IndexFunc(users, func(u account.User) bool { return u.Email == who.Name })
	switch {
	case at >= 0:
		who.UserID, who.Role = users[at].ID, string(account.Admin)
		return users[at], who, nil
	case len(users) > 0:
		return account.User{}, audit.Who{}, fmt.Errorf("--as %s is no administrator who may sign in", who.Name)
	case !strings.Contains(who.Name, "@"):
		return account.User{}, audit.Who{}, fmt.Errorf("--as %q is no e-mail address", a.As)
	}
	return account.User{}, who, nil
}

// act runs f on the database for the person that --as names.
func (a actingFlag) act(ctx context.Context, c console, f func(s *store.Store, me account.User, who audit.Who) error) error {
	return withStore(ctx, c, func(s *store.Store) error {
		me, who, err := a.person(ctx, s)
		if err != nil {
			return err
		}
		return f(s, me, who)
	})
}

// signingFlag is actingFlag for the commands by which a registry begins: as long as there
// is no administrator, they may be given without a name.
type signingFlag struct {
	As string `placeholder:"EMAIL" help:"Your own address: the access log names you as who did this. Needed as soon as there is an administrator, and then it must be one's."`
}

// sign runs f on the database for the person that --as names.
func (a signingFlag) sign(ctx context.Context, c console, f func(s *store.Store, who audit.Who) error) error {
	return withStore(ctx, c, func(s *store.Store) error {
		if a.As != "" {
			_, who, err := actingFlag(a).person(ctx, s)
			if err != nil {
				return err
			}
			return f(s, who)
		}
		admins, err := s.Administrators(ctx)
		if err != nil {
			return err
		}
		if len(admins) > 0 {
			return errors.New("--as is missing: give your own address, for the access log")
		}
		return f(s, byCommand)
	})
}

// table writes lines of cells in aligned columns.
func table(out io.Writer, rows func(line func(cells ...string))) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	rows(func(cells ...string) { fmt.Fprintln(w, strings.Join(cells, "\t")) })
	return w.Flush()
}

// day returns the date of a moment in the Netherlands, such as 2026-11-29, or a dash if
// the moment is zero.
func day(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.In(text.Location()).Format(time.DateOnly)
}

func centreNumber(c *account.Centre) string {
	if c == nil {
		return "-"
	}
	return c.Number
}

func roleWords(roles []account.Role) string {
	words := make([]string, len(roles))
	for i, r := range roles {
		words[i] = string(r)
	}
	return strings.Join(words, ",")
}

// listUsersCommand lists who can sign in, and who no longer can.
type listUsersCommand struct {
	actingFlag
	Centre string `help:"Only the users of this centre, such as 2809."`
}

// Run lists them.
func (l listUsersCommand) Run(ctx context.Context, c console) error {
	return l.act(ctx, c, func(s *store.Store, _ account.User, who audit.Who) error {
		users, err := s.Users(ctx, who)
		if err != nil {
			return err
		}
		return table(c.out, func(line func(...string)) {
			line("EMAIL", "ROLES", "CENTRE", "ADDED", "DISABLED")
			for _, u := range users {
				if l.Centre == "" || centreNumber(u.Centre) == l.Centre {
					line(u.Email, roleWords(u.Roles), centreNumber(u.Centre), day(u.CreatedAt), day(u.DisabledAt))
				}
			}
		})
	})
}

// errOwnAccount refuses people who would raise or lose their own rights.
var errOwnAccount = errors.New("this is your own account: another administrator must do it")

// changeUser changes one user, and returns a refusal of the store in words.
func changeUser(ctx context.Context, s *store.Store, who audit.Who, email, code string, change func(u *account.User) error) error {
	err := s.ChangeUser(ctx, who, email, code, change)
	switch {
	case apperr.KindOf(err) == apperr.NotFound:
		return fmt.Errorf("there is no user %s: see web user list", email)
	case apperr.KindOf(err) == apperr.Conflict:
		return fmt.Errorf("%s is the last administrator who can sign in: add another one first", email)
	}
	return err
}

// disableUserCommand keeps a user out from now on.
type disableUserCommand struct {
	actingFlag
	Email string `arg:"" help:"The user's address."`
}

// Run disables the user and ends all sessions of the user.
func (d disableUserCommand) Run(ctx context.Context, c console) error {
	return d.act(ctx, c, func(s *store.Store, me account.User, who audit.Who) error {
		err := changeUser(ctx, s, who, d.Email, "disabled", func(u *account.User) error {
			switch {
			case u.ID == me.ID:
				return errOwnAccount
			case !u.DisabledAt.IsZero():
				return fmt.Errorf("%s was disabled on %s already", u.Email, day(u.DisabledAt))
			}
			u.DisabledAt = time.Now()
			return nil
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "user %s disabled, and signed out everywhere\n", d.Email)
		return nil
	})
}

// enableUserCommand lets a user in again.
type enableUserCommand struct {
	actingFlag
	Email string `arg:"" help:"The user's address."`
}

// Run enables the user, whose password stays as it was.
func (e enableUserCommand) Run(ctx context.Context, c console) error {
	return e.act(ctx, c, func(s *store.Store, _ account.User, who audit.Who) error {
		err := changeUser(ctx, s, who, e.Email, "enabled", func(u *account.User) error {
			if u.DisabledAt.IsZero() {
				return fmt.Errorf("%s is not disabled", u.Email)
			}
			u.DisabledAt = time.Time{}
			return nil
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "user %s can sign in again\n", e.Email)
		return nil
	})
}

// setRolesCommand replaces the roles of a user.
type setRolesCommand struct {
	actingFlag
	Email  string         `arg:"" help:"The user's address."`
	Role   []account.Role `required:"" help:"clinician, uploader, centreadmin, datamanager, admin or auditor; may be given more than once. These replace the roles that there were."`
	Centre string         `help:"Number of the centre; for clinician, uploader and centreadmin."`
}

// Run replaces them.
func (r setRolesCommand) Run(ctx context.Context, c console) error {
	return r.act(ctx, c, func(s *store.Store, me account.User, who audit.Who) error {
		centre, err := centreFor(ctx, s, r.Centre, r.Role...)
		if err != nil {
			return err
		}
		err = changeUser(ctx, s, who, r.Email, "roles", func(u *account.User) error {
			if u.ID == me.ID {
				return errOwnAccount
			}
			u.Roles, u.Centre = r.Role, centre
			return nil
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "user %s: %s, centre %s; signed out everywhere\n", r.Email, roleWords(r.Role), centreNumber(centre))
		return nil
	})
}

// setPasswordCommand replaces a forgotten or leaked password.
type setPasswordCommand struct {
	actingFlag
	Email         string `arg:"" help:"The user's address."`
	PasswordStdin bool   `help:"Read the password from standard input, instead of making one up and showing it."`
}

// Run replaces it.
func (p setPasswordCommand) Run(ctx context.Context, c console) error {
	password, err := newPassword(c, p.PasswordStdin)
	if err != nil {
		return err
	}
	return p.act(ctx, c, func(s *store.Store, _ account.User, who audit.Who) error {
		err := changeUser(ctx, s, who, p.Email, "password", func(u *account.User) (err error) {
			u.PasswordHash, err = account.HashPassword(ctx, password, about(u.Email, u.Centre)...)
			return err
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "user %s has a new password, and is signed out everywhere\n", p.Email)
		if !p.PasswordStdin {
			fmt.Fprintf(c.out, "password: %s\n", password)
		}
		return nil
	})
}

// about returns what others know of a user, which is no password.
func about(email string, centre *account.Centre) []string {
	if centre == nil {
		return []string{email}
	}
	return []string{email, centre.Name, centre.Number}
}

// newPassword makes a password up, or reads one from standard input.
func newPassword(c console, fromInput bool) (string, error) {
	if !fromInput {
		return rand.Text()[:20], nil
	}
	line, err := bufio.NewReader(c.in).ReadString('\n')
	if err != nil && line == "" {
		return "", errors.New("no password on standard input")
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// listTokensCommand lists the API tokens.
type listTokensCommand struct {
	actingFlag
	Centre string `help:"Only the tokens of this centre, such as 2809."`
}

// Run lists them. A token itself cannot be shown: only its hash is stored.
func (l listTokensCommand) Run(ctx context.Context, c console) error {
	return l.act(ctx, c, func(s *store.Store, _ account.User, who audit.Who) error {
		tokens, err := s.Tokens(ctx, who)
		if err != nil {
			return err
		}
		return table(c.out, func(line func(...string)) {
			line("ID", "NAME", "ROLE", "CENTRE", "ADDED", "REVOKED")
			for _, k := range tokens {
				if l.Centre == "" || centreNumber(k.Centre) == l.Centre {
					line(k.PublicID, k.Name, string(k.Role), centreNumber(k.Centre), day(k.CreatedAt), day(k.RevokedAt))
				}
			}
		})
	})
}

// revokeTokenCommand ends a token.
type revokeTokenCommand struct {
	actingFlag
	ID string `arg:"" help:"The token's id, as web token list shows it."`
}

// Run revokes the token at once: the next call with it is refused.
func (r revokeTokenCommand) Run(ctx context.Context, c console) error {
	return r.act(ctx, c, func(s *store.Store, _ account.User, who audit.Who) error {
		err := s.RevokeToken(ctx, who, strings.TrimSpace(r.ID))
		switch apperr.KindOf(err) {
		case apperr.NotFound:
			return errors.New("there is no token with this id: see web token list")
		case apperr.Conflict:
			return errors.New("this token was revoked before")
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "token %s revoked\n", r.ID)
		return nil
	})
}

// listCentresCommand lists the centres with their settings.
type listCentresCommand struct{ actingFlag }

// Run lists them.
func (l listCentresCommand) Run(ctx context.Context, c console) error {
	return l.act(ctx, c, func(s *store.Store, _ account.User, who audit.Who) error {
		centres, err := s.ListCentres(ctx, who)
		if err != nil {
			return err
		}
		return table(c.out, func(line func(...string)) {
			line("NUMBER", "NAME", "IDENTITIES", "BRAKE", "NUMBER SYSTEM")
			for _, x := range centres {
				identities := "no"
				if x.IdentitiesAllowed {
					identities = "yes"
				}
				brake := strconv.Itoa(cmp.Or(x.BrakePercent, importer.BrakeShare)) + "%"
				line(x.Number, x.Name, identities, brake, cmp.Or(x.NumberSystem, "-"))
			}
		})
	})
}
