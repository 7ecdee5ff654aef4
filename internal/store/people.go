package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
)

type changeRow struct {
	ID        int64 `gorm:"primaryKey;autoIncrement:false"`
	UserID    int64
	Code      string
	Was       string
	Became    string
	Reason    string
	ChangedBy string
	ChangedAt time.Time
}

func (changeRow) TableName() string { return "account_changes" }

// noteChange writes a line of the history of u, which had the rights was before.
func (t *tx) noteChange(who audit.Who, u account.User, act account.Act, was string) error {
	id, err := t.next("account_changes", 1)
	if err != nil {
		return err
	}
	became := rights(u)
	if was == became {
		was, became = "", ""
	}
	row := changeRow{
		ID: id, UserID: u.ID, Code: cut(act.Code, 60), Was: cut(was, 200), Became: cut(became, 200),
		Reason: cut(act.Reason, account.MaxReason), ChangedBy: cut(who.Name, 300), ChangedAt: t.at,
	}
	return t.db.Create(&row).Error
}

// rights writes the roles and the centre or processor of a user, such as
// "clinician,uploader 2809".
func rights(u account.User) string {
	s := joinRoles(u.Roles)
	if u.Centre != nil {
		s += " " + u.Centre.Number
	}
	if u.Processor != nil {
		s += " " + u.Processor.Name
	}
	return s
}

// inPeopleScope limits a query of users to a scope.
func inPeopleScope(db *gorm.DB, scope account.Scope) *gorm.DB {
	if scope.All() {
		return db
	}
	return db.Where("centre_id = ?", scope.CentreID())
}

// seesPerson reports whether u is in a scope.
func seesPerson(scope account.Scope, u account.User) bool {
	return scope.All() || u.Centre != nil && u.Centre.ID == scope.CentreID()
}

// maxPeople is the longest page of accounts.
const maxPeople = 500

// People returns a page of the accounts in scope, with the event of who asked.
func (s *Store) People(ctx context.Context, who audit.Who, scope account.Scope, q account.PeopleQuery) (account.PeoplePage, error) {
	var page account.PeoplePage
	err := s.write(ctx, func(t *tx) error {
		page = account.PeoplePage{}
		orgs, err := everyOrganisation(t.db)
		if err != nil {
			return err
		}
		filtered := func() *gorm.DB { return peopleFilter(inPeopleScope(t.db.Model(&userRow{}), scope), q, orgs.centres) }
		var total int64
		if err := filtered().Count(&total).Error; err != nil {
			return err
		}
		limit := min(cmp.Or(max(q.Limit, 0), maxPeople), maxPeople)
		db := filtered()
		if q.After != "" {
			db = db.Where("email > (SELECT x.email FROM users x WHERE x.public_id = ?)", q.After)
		}
		var rows []userRow
		if err := db.Order("email").Limit(limit + 1).Find(&rows).Error; err != nil {
			return err
		}
		page.Total = int(total)
		if len(rows) > limit {
			rows = rows[:limit]
			page.Next = rows[limit-1].PublicID
		}
		for _, r := range rows {
			page.Users = append(page.Users, r.user(orgs))
		}
		return t.record(audit.Event{Type: audit.AccountsListed, Action: audit.Read, Who: who, ObjectType: "user"})
	})
	return page, err
}

func peopleFilter(db *gorm.DB, q account.PeopleQuery, centres map[int64]account.Centre) *gorm.DB {
	if search := strings.ToLower(strings.TrimSpace(q.Search)); search != "" {
		like := "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`, "[", `\[`).Replace(search) + "%"
		db = db.Where(`(email LIKE ? ESCAPE '\' OR LOWER(name) LIKE ? ESCAPE '\')`, like, like)
	}
	if q.Role != "" {
		r := string(q.Role)
		db = db.Where("(roles = ? OR roles LIKE ? OR roles LIKE ? OR roles LIKE ?)", r, r+",%", "%,"+r, "%,"+r+",%")
	}
	switch q.State {
	case account.Blocked:
		db = db.Where("disabled_at IS NOT NULL")
	case account.Invited:
		db = db.Where("disabled_at IS NULL AND password_hash = ? AND provider_id IS NULL", "")
	case account.Active:
		db = db.Where("disabled_at IS NULL AND (password_hash <> ? OR provider_id IS NOT NULL)", "")
	}
	if q.CentreNumber != "" {
		id := int64(0) // of no centre
		for _, c := range centres {
			if c.Number == q.CentreNumber {
				id = c.ID
			}
		}
		db = db.Where("centre_id = ?", id)
	}
	return db
}

// shownChanges is how much of an account's history is shown.
const shownChanges = 50

// Person returns one account in scope with its history, and the event of who asked; or
// apperr.NotFound.
func (s *Store) Person(ctx context.Context, who audit.Who, scope account.Scope, publicID string) (p account.Person, err error) {
	err = s.write(ctx, func(t *tx) error {
		p = account.Person{}
		orgs, err := everyOrganisation(t.db)
		if err != nil {
			return err
		}
		var r userRow
		if err := first(inPeopleScope(t.db, scope).Where("public_id = ?", publicID), &r); err != nil {
			return err
		}
		p.User = r.user(orgs)
		var changes []changeRow
		if err := t.db.Where("user_id = ?", r.ID).Order("id DESC").Limit(shownChanges).Find(&changes).Error; err != nil {
			return err
		}
		for _, c := range changes {
			p.Changes = append(p.Changes, account.Change{
				At: c.ChangedAt.UTC(), By: c.ChangedBy, Code: c.Code, Reason: c.Reason, Was: c.Was, Became: c.Became,
			})
		}
		var live int64
		if err := liveSessions(t.db.Model(&sessionRow{}), r.ID, t.at).Count(&live).Error; err != nil {
			return err
		}
		p.Sessions = int(live)
		if p.Factors, err = t.factorsOf(r.ID); err != nil {
			return err
		}
		var links []linkRow
		if err := t.db.Where("user_id = ? AND expires_at > ?", r.ID, t.at).Find(&links).Error; err != nil {
			return err
		}
		for _, l := range links {
			p.LinkExpiresAt = l.ExpiresAt.UTC()
		}
		return t.record(audit.Event{Type: audit.AccountsListed, Action: audit.Read, Who: who, ObjectType: "user", ObjectID: r.PublicID})
	})
	return p, err
}

// ChangePerson is [Store.ChangeUser] for an account in scope, found by its public id and
// changed for a reason. An account out of scope is apperr.NotFound. change may return an
// error, and then nothing is changed.
func (s *Store) ChangePerson(ctx context.Context, who audit.Who, scope account.Scope, publicID string, act account.Act,
	change func(u *account.User) error,
) error {
	is := func(u account.User) bool { return u.PublicID == publicID && seesPerson(scope, u) }
	return s.changeUser(ctx, who, act, is, change)
}

type linkRow struct {
	TokenHash []byte `gorm:"primaryKey"`
	UserID    *int64
	Purpose   string
	CreatedBy string
	CreatedAt time.Time
	ExpiresAt time.Time
}

func (linkRow) TableName() string { return "account_links" }

// addLink stores a link. It replaces the links that the account had.
func (t *tx) addLink(who audit.Who, userID *int64, purpose account.Purpose, hash [32]byte) error {
	old := t.db.Exec("DELETE FROM account_links WHERE user_id = ?", userID)
	if userID == nil {
		old = t.db.Exec("DELETE FROM account_links WHERE user_id IS NULL")
	}
	if old.Error != nil {
		return old.Error
	}
	row := linkRow{
		TokenHash: hash[:], UserID: userID, Purpose: string(purpose), CreatedBy: cut(who.Name, 300), CreatedAt: t.at,
		ExpiresAt: t.at.Add(account.LinkLife),
	}
	return t.db.Create(&row).Error
}

// Invite stores an account without a password, and the link by which its owner sets one.
// If the address exists already, the error is apperr.Conflict "user_exists".
func (s *Store) Invite(ctx context.Context, who audit.Who, u account.User, hash [32]byte, reason string) (account.User, error) {
	u.PasswordHash = ""
	err := s.write(ctx, func(t *tx) error {
		var err error
		if u, err = t.addUser(u); err != nil {
			return err
		}
		if err := t.addLink(who, &u.ID, account.InviteLink, hash); err != nil {
			return err
		}
		if err := t.noteChange(who, u, account.Act{Code: "invited", Reason: reason}, ""); err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.AccountChanged, Action: audit.Create, Who: who, ObjectType: "user", ObjectID: u.PublicID, Code: "invited",
		})
	})
	return u, err
}

// MakeLink stores a new one-time link for an account in scope. It replaces the one that
// there was: of an account that has no password yet it is again an invitation, else it
// resets the password. allowed may refuse. A blocked account is apperr.Conflict
// "user_blocked".
func (s *Store) MakeLink(ctx context.Context, who audit.Who, scope account.Scope, publicID string, hash [32]byte, reason string,
	allowed func(u account.User) error,
) (u account.User, err error) {
	err = s.write(ctx, func(t *tx) error {
		orgs, err := everyOrganisation(t.db)
		if err != nil {
			return err
		}
		var r userRow
		if err := first(inPeopleScope(t.dialect.forUpdate(t.db, "users"), scope).Where("public_id = ?", publicID), &r); err != nil {
			return err
		}
		u = r.user(orgs)
		if err := allowed(u); err != nil {
			return err
		}
		purpose, code := account.ResetLink, "reset_link"
		switch {
		case u.State() == account.Blocked:
			return apperr.New(apperr.Conflict, "user_blocked")
		case u.ProviderID != 0:
			return apperr.New(apperr.Conflict, "user_linked")
		case u.State() == account.Invited:
			purpose, code = account.InviteLink, "invited"
		}
		if err := t.addLink(who, &u.ID, purpose, hash); err != nil {
			return err
		}
		if err := t.noteChange(who, u, account.Act{Code: code, Reason: reason}, rights(u)); err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.AccountChanged, Action: audit.Update, Who: who, ObjectType: "user", ObjectID: u.PublicID, Code: code,
		})
	})
	return u, err
}

// LinkByHash returns a link that can be used now. One that is unknown, used, expired or
// of a blocked account is apperr.NotFound.
func (s *Store) LinkByHash(ctx context.Context, hash [32]byte) (account.Link, error) {
	var r linkRow
	if err := first(s.read(ctx).Where("token_hash = ? AND expires_at > ?", hash[:], s.clock()), &r); err != nil {
		return account.Link{}, s.dialect.clean(err)
	}
	link := account.Link{Purpose: account.Purpose(r.Purpose), ExpiresAt: r.ExpiresAt.UTC()}
	if r.UserID == nil {
		return link, nil
	}
	var err error
	if link.User, err = s.UserByID(ctx, *r.UserID); err != nil {
		return account.Link{}, err
	}
	if link.User.State() == account.Blocked {
		return account.Link{}, errNotFound
	}
	return link, nil
}

// UseLink sets the password of the account that a link is for, ends its sessions, and
// destroys the link: of two who use it at once, one gets apperr.NotFound. who tells from
// where; the event names the owner of the account.
func (s *Store) UseLink(ctx context.Context, who audit.Who, hash [32]byte, passwordHash string) error {
	return s.write(ctx, func(t *tx) error {
		r, err := t.takeLink(hash)
		if err != nil {
			return err
		}
		if r.UserID == nil {
			return errNotFound
		}
		var row userRow
		if err := first(t.dialect.forUpdate(t.db, "users").Where("id = ? AND disabled_at IS NULL", *r.UserID), &row); err != nil {
			return err
		}
		orgs, err := everyOrganisation(t.db)
		if err != nil {
			return err
		}
		u := row.user(orgs)
		u.PasswordHash = passwordHash
		if err := t.updateUser(u); err != nil {
			return err
		}
		if err := t.endSessions(u.ID); err != nil {
			return err
		}
		me := account.ActorOf(u).Who()
		me.Address, me.RequestID, me.Via = who.Address, who.RequestID, who.Via
		if err := t.noteChange(me, u, account.Act{Code: "link_used"}, rights(u)); err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.AccountChanged, Action: audit.Update, Who: me, ObjectType: "user", ObjectID: u.PublicID, Code: "link_used",
		})
	})
}

// takeLink deletes a link and returns what it was.
func (t *tx) takeLink(hash [32]byte) (linkRow, error) {
	var r linkRow
	if err := first(t.dialect.forUpdate(t.db, "account_links").Where("token_hash = ? AND expires_at > ?", hash[:], t.at), &r); err != nil {
		return r, err
	}
	return r, one(t.db.Exec("DELETE FROM account_links WHERE token_hash = ?", hash[:]), errNotFound)
}

// MakeFirstLink stores the link that makes the first administrator, in place of the one
// that an earlier start made. It reports whether it did: once there is an account, there
// is nothing to make.
func (s *Store) MakeFirstLink(ctx context.Context, who audit.Who, hash [32]byte) (made bool, err error) {
	err = s.write(ctx, func(t *tx) error {
		made = false
		if err := t.lock("users"); err != nil { // one link, whoever starts at the same moment
			return err
		}
		var users int64
		if err := t.db.Model(&userRow{}).Count(&users).Error; err != nil || users > 0 {
			return err
		}
		if err := t.addLink(who, nil, account.FirstLink, hash); err != nil {
			return err
		}
		made = true
		return t.record(audit.Event{Type: audit.AccountChanged, Action: audit.Create, Who: who, ObjectType: "user", Code: "first_link"})
	})
	return made, err
}

// UseFirstLink makes the first administrator and destroys the link. If there is an
// account meanwhile, or the link cannot be used, the error is apperr.NotFound.
func (s *Store) UseFirstLink(ctx context.Context, who audit.Who, hash [32]byte, u account.User) error {
	u.Roles, u.Centre = []account.Role{account.Admin}, nil
	return s.write(ctx, func(t *tx) error {
		if err := t.lock("users"); err != nil { // one first administrator
			return err
		}
		r, err := t.takeLink(hash)
		if err != nil {
			return err
		}
		var users int64
		if err := t.db.Model(&userRow{}).Count(&users).Error; err != nil {
			return err
		}
		if r.UserID != nil || users > 0 {
			return errNotFound
		}
		made, err := t.addUser(u)
		if err != nil {
			return err
		}
		me := account.ActorOf(made).Who()
		me.Address, me.RequestID, me.Via = who.Address, who.RequestID, who.Via
		if err := t.noteChange(me, made, account.Act{Code: "first_admin"}, ""); err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.AccountChanged, Action: audit.Create, Who: me, ObjectType: "user", ObjectID: made.PublicID, Code: "first_admin",
		})
	})
}

// SetOwnPassword replaces the password of the one who asks, and ends all their sessions.
func (s *Store) SetOwnPassword(ctx context.Context, who audit.Who, passwordHash string) error {
	is := func(u account.User) bool { return u.ID == who.UserID }
	return s.changeUser(ctx, who, account.Act{Code: "password"}, is, func(u *account.User) error {
		u.PasswordHash = passwordHash
		return nil
	})
}

// liveSessions selects the sessions in which a user is signed in, not those in which the
// second factor is missing.
func liveSessions(db *gorm.DB, userID int64, at time.Time) *gorm.DB {
	return db.Where("user_id = ? AND half = ? AND expires_at > ? AND idle_expires_at > ?", userID, false, at, at)
}

// SessionsOf returns the live sessions of a user, the latest used first.
func (s *Store) SessionsOf(ctx context.Context, userID int64) ([]account.Session, error) {
	var rows []sessionRow
	if err := liveSessions(s.read(ctx), userID, s.clock()).Find(&rows).Error; err != nil {
		return nil, s.dialect.clean(err)
	}
	out := make([]account.Session, len(rows))
	for i, r := range rows {
		out[i] = r.session()
	}
	slices.SortFunc(out, func(a, b account.Session) int { return b.LastSeenAt.Compare(a.LastSeenAt) })
	return out, nil
}

// EndSession ends one session of the one who asks. A session of somebody else and one
// that does not exist are both apperr.NotFound.
func (s *Store) EndSession(ctx context.Context, who audit.Who, publicID string) error {
	return s.write(ctx, func(t *tx) error {
		res := t.db.Exec("DELETE FROM sessions WHERE user_id = ? AND public_id = ? AND public_id <> ''", who.UserID, publicID)
		if err := one(res, errNotFound); err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.SignOut, Action: audit.Execute, Who: who, ObjectType: "session", ObjectID: publicID, Code: "session_ended",
		})
	})
}
