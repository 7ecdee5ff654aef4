package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"gorm.io/gorm"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
)

type centreRow struct {
	ID                int64 `gorm:"primaryKey;autoIncrement:false"`
	Number            string
	Name              string
	IdentitiesAllowed bool
	BrakePercent      int
	NumberSystem      string
	TemporaryRefused  bool
	MaxRows           int
	ContactName       string
	ContactEmail      string
	ContactPhone      string
	CreatedAt         time.Time
}

func (centreRow) TableName() string { return "centres" }

func (r centreRow) centre() account.Centre {
	return account.Centre{ID: r.ID, Number: r.Number, Name: r.Name, IdentitiesAllowed: r.IdentitiesAllowed, BrakePercent: r.BrakePercent,
		NumberSystem: r.NumberSystem, TemporaryRefused: r.TemporaryRefused, MaxRows: r.MaxRows,
		ContactName: r.ContactName, ContactEmail: r.ContactEmail, ContactPhone: r.ContactPhone}
}

type userRow struct {
	ID           int64 `gorm:"primaryKey;autoIncrement:false"`
	PublicID     string
	Email        string
	Name         string
	PasswordHash string
	Roles        string
	CentreID     *int64
	ProcessorID  *int64
	Demo         bool
	CreatedAt    time.Time
	DisabledAt   *time.Time
	LastSignInAt *time.Time
	ProviderID   *int64
}

func (userRow) TableName() string { return "users" }

type tokenRow struct {
	ID        int64 `gorm:"primaryKey;autoIncrement:false"`
	PublicID  string
	Name      string
	TokenHash []byte
	Role      string
	CentreID  *int64
	// ProcessorID is that of a token of a processor.
	ProcessorID *int64
	Addresses   string
	Certificate string
	WarnedDays  int
	Demo        bool
	CreatedBy   string
	CreatedAt   time.Time
	ExpiresAt   *time.Time
	RevokedAt   *time.Time

	LastUsedAt *time.Time
}

func (tokenRow) TableName() string { return "tokens" }

// first reads one row. If there is none, it returns errNotFound.
func first(db *gorm.DB, into any) error {
	err := db.Take(into).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return errNotFound
	}
	return err
}

// Centres returns every centre, ordered by number.
func (s *Store) Centres(ctx context.Context) ([]account.Centre, error) {
	var rows []centreRow
	if err := s.read(ctx).Order("number").Find(&rows).Error; err != nil {
		return nil, s.dialect.clean(err)
	}
	out := make([]account.Centre, len(rows))
	for i, r := range rows {
		out[i] = r.centre()
	}
	return out, nil
}

// CentreByID returns one centre, or apperr.NotFound.
func (s *Store) CentreByID(ctx context.Context, id int64) (account.Centre, error) {
	var r centreRow
	err := first(s.read(ctx).Where("id = ?", id), &r)
	return r.centre(), s.dialect.clean(err)
}

// CentreByNumber returns one centre, or apperr.NotFound.
func (s *Store) CentreByNumber(ctx context.Context, number string) (account.Centre, error) {
	var r centreRow
	err := first(s.read(ctx).Where("number = ?", number), &r)
	return r.centre(), s.dialect.clean(err)
}

// AddCentre stores a new centre. If its number exists already, the error is
// apperr.Conflict.
func (s *Store) AddCentre(ctx context.Context, who audit.Who, c account.Centre) (account.Centre, error) {
	err := s.write(ctx, func(t *tx) error {
		var err error
		if c.ID, err = t.next("centres", 1); err != nil { // the second of two simultaneous calls waits here
			return err
		}
		var same int64
		if err := t.db.Model(&centreRow{}).Where("number = ?", c.Number).Count(&same).Error; err != nil {
			return err
		}
		if same > 0 {
			return apperr.New(apperr.Conflict, "centre_exists")
		}
		row := centreRow{
			ID: c.ID, Number: c.Number, Name: c.Name, IdentitiesAllowed: c.IdentitiesAllowed, BrakePercent: c.BrakePercent,
			NumberSystem: c.NumberSystem, TemporaryRefused: c.TemporaryRefused, MaxRows: c.MaxRows,
			ContactName: c.ContactName, ContactEmail: c.ContactEmail, ContactPhone: c.ContactPhone, CreatedAt: t.at,
		}
		if err := t.db.Create(&row).Error; err != nil {
			return err
		}
		ev := audit.Event{Type: audit.AccountChanged, Action: audit.Create, Who: who, ObjectType: "centre", ObjectID: c.Number}
		if c.IdentitiesAllowed {
			ev.Code = "identities_on"
		}
		return t.record(ev)
	})
	return c, err
}

// ChangeCentre stores the settings of a centre, found by its number. Each setting that
// changed has an event of its own, which says so.
func (s *Store) ChangeCentre(ctx context.Context, who audit.Who, c account.Centre) error {
	return s.ChangeCentreFor(ctx, who, c, "")
}

// ChangeCentreFor is [Store.ChangeCentre] with the reason why.
func (s *Store) ChangeCentreFor(ctx context.Context, who audit.Who, c account.Centre, reason string) error {
	return s.write(ctx, func(t *tx) error {
		var r centreRow
		if err := first(t.dialect.forUpdate(t.db, "centres").Where("number = ?", c.Number), &r); err != nil {
			return err
		}
		res := t.db.Exec(`UPDATE centres SET name = ?, identities_allowed = ?, brake_percent = ?, number_system = ?, temporary_refused = ?,
			max_rows = ?, contact_name = ?, contact_email = ?, contact_phone = ? WHERE id = ?`,
			c.Name, c.IdentitiesAllowed, c.BrakePercent, c.NumberSystem, c.TemporaryRefused, c.MaxRows, c.ContactName, c.ContactEmail,
			c.ContactPhone, r.ID)
		if err := one(res, errNotFound); err != nil {
			return err
		}
		for _, code := range changedSettings(r.centre(), c) {
			err := t.record(audit.Event{
				Type: audit.AccountChanged, Action: audit.Update, Who: who, ObjectType: "centre", ObjectID: c.Number, Code: code,
				Reason: reason,
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// changedSettings lists, as codes of the access log, the settings in which a centre differs
// from what it was.
func changedSettings(was, now account.Centre) []string {
	var codes []string
	note := func(changed bool, code string) {
		if changed {
			codes = append(codes, code)
		}
	}
	note(was.Name != now.Name, "centre_name")
	note(!was.IdentitiesAllowed && now.IdentitiesAllowed, "identities_on")
	note(was.IdentitiesAllowed && !now.IdentitiesAllowed, "identities_off")
	note(was.TemporaryRefused && !now.TemporaryRefused, "temporary_on")
	note(!was.TemporaryRefused && now.TemporaryRefused, "temporary_off")
	note(was.MaxRows != now.MaxRows, "centre_limit")
	note(was.BrakePercent != now.BrakePercent, "centre_brake")
	note(was.NumberSystem != now.NumberSystem, "number_system")
	note(was.ContactName != now.ContactName ||
		was.ContactEmail != now.ContactEmail || was.ContactPhone != now.ContactPhone, "centre_contact")
	note(len(codes) == 0, "unchanged") // saving is an act, also if it changes nothing
	return codes
}

// userWhere returns the user that db finds, or apperr.NotFound.
func (s *Store) userWhere(ctx context.Context, db *gorm.DB) (account.User, error) {
	var r userRow
	if err := first(db, &r); err != nil {
		return account.User{}, s.dialect.clean(err)
	}
	orgs, err := s.organisationsOf(ctx, r.CentreID, r.ProcessorID)
	if err != nil {
		return account.User{}, err
	}
	return r.user(orgs), nil
}

// UserByEmail returns the user with this address, or apperr.NotFound. The case of the
// address does not matter.
func (s *Store) UserByEmail(ctx context.Context, email string) (account.User, error) {
	return s.userWhere(ctx, s.read(ctx).Where("email = ?", strings.ToLower(strings.TrimSpace(email))))
}

// UserByID returns one user, or apperr.NotFound.
func (s *Store) UserByID(ctx context.Context, id int64) (account.User, error) {
	return s.userWhere(ctx, s.read(ctx).Where("id = ?", id))
}

// AddUser stores a new user. If the address exists already, the error is
// apperr.Conflict.
func (s *Store) AddUser(ctx context.Context, who audit.Who, u account.User) (account.User, error) {
	err := s.write(ctx, func(t *tx) error {
		var err error
		if u, err = t.addUser(u); err != nil {
			return err
		}
		return t.record(audit.Event{Type: audit.AccountChanged, Action: audit.Create, Who: who, ObjectType: "user", ObjectID: u.PublicID})
	})
	return u, err
}

// addUser stores a new user without its event.
func (t *tx) addUser(u account.User) (account.User, error) {
	if err := checkSeparation(u); err != nil {
		return u, err
	}
	u.Email = strings.ToLower(strings.TrimSpace(u.Email))
	var err error
	if u.ID, err = t.next("users", 1); err != nil { // the second of two simultaneous calls waits here
		return u, err
	}
	var same int64
	if err := t.db.Model(&userRow{}).Where("email = ?", u.Email).Count(&same).Error; err != nil {
		return u, err
	}
	if same > 0 {
		return u, apperr.New(apperr.Conflict, "user_exists")
	}
	if u.PublicID, err = publicID(); err != nil {
		return u, err
	}
	row := userRow{
		ID: u.ID, PublicID: u.PublicID, Email: u.Email, Name: u.Name, PasswordHash: u.PasswordHash, Roles: joinRoles(u.Roles),
		CentreID: centreID(u.Centre), ProcessorID: processorID(u.Processor), Demo: u.Demo, CreatedAt: t.at,
	}
	return u, t.db.Create(&row).Error
}

func centreID(c *account.Centre) *int64 {
	if c == nil {
		return nil
	}
	return &c.ID
}

func processorID(p *account.Processor) *int64 {
	if p == nil {
		return nil
	}
	return &p.ID
}

// AddToken stores an API token. Only its hash is kept.
func (s *Store) AddToken(ctx context.Context, who audit.Who, k account.Token, hash [32]byte) (account.Token, error) {
	return s.AddTokenFor(ctx, who, k, hash, "")
}

// AddTokenFor is [Store.AddToken] with the reason why.
func (s *Store) AddTokenFor(ctx context.Context, who audit.Who, k account.Token, hash [32]byte, reason string) (account.Token, error) {
	err := s.write(ctx, func(t *tx) error {
		var err error
		if k.ID, err = t.next("tokens", 1); err != nil {
			return err
		}
		if k.PublicID, err = publicID(); err != nil {
			return err
		}
		row := tokenRow{
			ID: k.ID, PublicID: k.PublicID, Name: k.Name, TokenHash: hash[:], Role: string(k.Role), CentreID: centreID(k.Centre),
			ProcessorID: processorID(k.Processor), Addresses: account.JoinNetworks(k.Addresses), Certificate: k.Certificate,
			Demo: k.Demo, CreatedBy: cut(who.Name, 300), CreatedAt: t.at, ExpiresAt: pointer(k.ExpiresAt),
		}
		if err := t.db.Create(&row).Error; err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.AccountChanged, Action: audit.Create, Who: who, ObjectType: "token", ObjectID: k.PublicID, Reason: reason,
		})
	})
	return k, err
}

// TokenByHash returns a token. If it is unknown, revoked or expired, the error is
// apperr.NotFound.
func (s *Store) TokenByHash(ctx context.Context, hash [32]byte) (account.Token, error) {
	var r tokenRow
	q := s.read(ctx).Where("token_hash = ? AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)", hash[:], s.clock())
	if err := first(q, &r); err != nil {
		return account.Token{}, s.dialect.clean(err)
	}
	orgs, err := s.organisationsOf(ctx, r.CentreID, r.ProcessorID)
	if err != nil {
		return account.Token{}, err
	}
	return r.token(orgs), nil
}

// DeadToken returns a token that was revoked or has expired, or apperr.NotFound: whoever
// still sends one may have found it.
func (s *Store) DeadToken(ctx context.Context, hash [32]byte) (account.Token, error) {
	var r tokenRow
	q := s.read(ctx).Where("token_hash = ? AND (revoked_at IS NOT NULL OR expires_at <= ?)", hash[:], s.clock())
	if err := first(q, &r); err != nil {
		return account.Token{}, s.dialect.clean(err)
	}
	orgs, err := s.organisationsOf(ctx, r.CentreID, r.ProcessorID)
	return r.token(orgs), err
}

// tokenUseEvery is the shortest time between two writes of a token's last use.
const tokenUseEvery = time.Minute

// NoteTokenUse stores that a token was used now, unless that was stored a moment ago.
func (s *Store) NoteTokenUse(ctx context.Context, k account.Token) error {
	if s.clock().Sub(k.LastUsedAt) < tokenUseEvery {
		return nil
	}
	return s.write(ctx, func(t *tx) error {
		return t.db.Exec("UPDATE tokens SET last_used_at = ? WHERE id = ?", t.at, k.ID).Error
	})
}

// HasDemoAccounts reports whether a demonstration left its accounts in this database.
func (s *Store) HasDemoAccounts(ctx context.Context) (bool, error) {
	var users, tokens int64
	if err := s.read(ctx).Model(&userRow{}).Where("demo = ?", true).Count(&users).Error; err != nil {
		return false, s.dialect.clean(err)
	}
	err := s.read(ctx).Model(&tokenRow{}).Where("demo = ?", true).Count(&tokens).Error
	return users+tokens > 0, s.dialect.clean(err)
}
