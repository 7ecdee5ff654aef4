package store

import (
	"cmp"
	"context"
	"strings"
	"time"

	"gorm.io/gorm"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
)

// Users returns all users, ordered by address, with its event.
func (s *Store) Users(ctx context.Context, who audit.Who) (list []account.User, err error) {
	err = s.write(ctx, func(t *tx) error {
		var rows []userRow
		if err := t.db.Order("email").Find(&rows).Error; err != nil {
			return err
		}
		orgs, err := everyOrganisation(t.db)
		if err != nil {
			return err
		}
		list = make([]account.User, len(rows))
		for i, r := range rows {
			list[i] = r.user(orgs)
		}
		return t.record(audit.Event{Type: audit.AccountsListed, Action: audit.Read, Who: who, ObjectType: "user"})
	})
	return list, err
}

// Administrators returns the users who can sign in as administrator.
func (s *Store) Administrators(ctx context.Context) ([]account.User, error) {
	var rows []userRow
	if err := s.read(ctx).Where("disabled_at IS NULL").Order("email").Find(&rows).Error; err != nil {
		return nil, s.dialect.clean(err)
	}
	var out []account.User
	for _, r := range rows {
		if u := r.user(organisations{}); u.ActiveAdmin() {
			out = append(out, u)
		}
	}
	return out, nil
}

// ListCentres is [Store.Centres] with its event.
func (s *Store) ListCentres(ctx context.Context, who audit.Who) (list []account.Centre, err error) {
	err = s.write(ctx, func(t *tx) error {
		var rows []centreRow
		if err := t.db.Order("number").Find(&rows).Error; err != nil {
			return err
		}
		list = make([]account.Centre, len(rows))
		for i, r := range rows {
			list[i] = r.centre()
		}
		return t.record(audit.Event{Type: audit.AccountsListed, Action: audit.Read, Who: who, ObjectType: "centre"})
	})
	return list, err
}

// ViewCentre is [Store.CentreByNumber] with its event.
func (s *Store) ViewCentre(ctx context.Context, who audit.Who, number string) (c account.Centre, err error) {
	err = s.write(ctx, func(t *tx) error {
		var r centreRow
		if err := first(t.db.Where("number = ?", number), &r); err != nil {
			return err
		}
		c = r.centre()
		return t.record(audit.Event{Type: audit.AccountsListed, Action: audit.Read, Who: who, ObjectType: "centre", ObjectID: r.Number})
	})
	return c, err
}

// ChangeUser loads the user with this address and stores the roles, centre, password and
// DisabledAt that change has set. It ends every session of the user. code is the code of
// its event. If nobody could sign in as administrator any more, the error is
// apperr.Conflict "last_admin".
func (s *Store) ChangeUser(ctx context.Context, who audit.Who, email, code string, change func(u *account.User) error) error {
	address := strings.ToLower(strings.TrimSpace(email))
	return s.changeUser(ctx, who, account.Act{Code: code}, func(u account.User) bool { return u.Email == address }, change)
}

// changeUser changes the one user that is finds.
func (s *Store) changeUser(ctx context.Context, who audit.Who, act account.Act, is func(account.User) bool,
	change func(u *account.User) error,
) error {
	return s.write(ctx, func(t *tx) error {
		found, admins, err := t.lockUsers(is)
		if err != nil {
			return err
		}
		if found == nil {
			return errNotFound
		}
		before, was, password := found.ActiveAdmin(), rights(*found), found.PasswordHash
		if err := change(found); err != nil {
			return err
		}
		if before && !found.ActiveAdmin() && admins == 0 {
			return apperr.New(apperr.Conflict, "last_admin")
		}
		if err := t.updateUser(*found); err != nil {
			return err
		}
		if err := t.endSessions(found.ID); err != nil {
			return err
		}
		if found.State() == account.Blocked || found.PasswordHash != password {
			if err := t.db.Exec("DELETE FROM account_links WHERE user_id = ?", found.ID).Error; err != nil {
				return err
			}
		}
		if err := t.noteChange(who, *found, act, was); err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.AccountChanged, Action: audit.Update, Who: who, ObjectType: "user", ObjectID: found.PublicID, Code: act.Code,
		})
	})
}

// lockUsers locks all users, which keeps two administrators from removing each other at
// once. It returns the user that is finds, or nil, and how many others can sign in as
// administrator.
func (t *tx) lockUsers(is func(account.User) bool) (found *account.User, admins int, err error) {
	var rows []userRow
	if err := t.dialect.forUpdate(t.db, "users").Order("id").Find(&rows).Error; err != nil {
		return nil, 0, err
	}
	orgs, err := everyOrganisation(t.db)
	if err != nil {
		return nil, 0, err
	}
	for _, r := range rows {
		u := r.user(orgs)
		if is(u) {
			found = &u
		} else if u.ActiveAdmin() {
			admins++
		}
	}
	return found, admins, nil
}

func (t *tx) endSessions(userID int64) error {
	return t.db.Exec("DELETE FROM sessions WHERE user_id = ?", userID).Error
}

func (t *tx) updateUser(u account.User) error {
	if err := checkSeparation(u); err != nil {
		return err
	}
	// SQL Server wants a typed NULL for a time that is not set.
	var disabled *time.Time
	if !u.DisabledAt.IsZero() {
		at := stamp(u.DisabledAt)
		disabled = &at
	}
	res := t.db.Model(&userRow{}).Where("id = ?", u.ID).Select("roles", "centre_id", "processor_id", "password_hash", "disabled_at",
		"provider_id").
		Updates(userRow{
			Roles: joinRoles(u.Roles), CentreID: centreID(u.Centre), ProcessorID: processorID(u.Processor), PasswordHash: u.PasswordHash,
			DisabledAt: disabled, ProviderID: numberOrNull(u.ProviderID),
		})
	return one(res, errNotFound)
}

// checkSeparation refuses an auditor with another role, whoever asks for it: who reads the
// access log must not be one whose acts are in it.
func checkSeparation(u account.User) error {
	if account.CheckRoles(u.Roles, u.Centre, u.Processor) == account.RolesSeparate {
		return apperr.New(apperr.Conflict, account.RolesSeparate)
	}
	return nil
}

// numberOrNull returns nil for 0.
func numberOrNull(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

func joinRoles(roles []account.Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(names, ",")
}

func centresByID(db *gorm.DB) (map[int64]account.Centre, error) {
	var rows []centreRow
	if err := db.Find(&rows).Error; err != nil {
		return nil, err
	}
	out := make(map[int64]account.Centre, len(rows))
	for _, r := range rows {
		out[r.ID] = r.centre()
	}
	return out, nil
}

func (r userRow) user(orgs organisations) account.User {
	u := account.User{
		ID: r.ID, PublicID: r.PublicID, Email: r.Email, Name: r.Name, PasswordHash: r.PasswordHash, Demo: r.Demo,
		CreatedAt: r.CreatedAt.UTC(), Centre: orgs.centre(r.CentreID), Processor: orgs.processor(r.ProcessorID),
	}
	if r.ProviderID != nil {
		u.ProviderID = *r.ProviderID
	}
	// Somebody whom their provider took every role from has none.
	for name := range strings.SplitSeq(r.Roles, ",") {
		if name != "" {
			u.Roles = append(u.Roles, account.Role(name))
		}
	}
	if r.DisabledAt != nil {
		u.DisabledAt = r.DisabledAt.UTC()
	}
	if r.LastSignInAt != nil {
		u.LastSignInAt = r.LastSignInAt.UTC()
	}
	return u
}

// Tokens returns every API token, the newest first, with the event of who asked.
func (s *Store) Tokens(ctx context.Context, who audit.Who) ([]account.Token, error) {
	return s.TokensOf(ctx, who, account.AllCentres())
}

// TokensPage returns a page of the API tokens in a scope, the newest first, with the event
// of who asked.
func (s *Store) TokensPage(
	ctx context.Context, who audit.Who, scope account.Scope, q account.TokenQuery,
) (page account.TokenPage, err error) {
	err = s.write(ctx, func(t *tx) error {
		page = account.TokenPage{}
		orgs, err := everyOrganisation(t.db)
		if err != nil {
			return err
		}
		db := inPeopleScope(t.db, scope)
		if q.CentreNumber != "" {
			db = db.Where("centre_id IN (SELECT c.id FROM centres c WHERE c.number = ?)", q.CentreNumber)
		}
		if q.After != "" {
			var last tokenRow
			if err := first(inPeopleScope(t.db, scope).Where("public_id = ?", q.After), &last); err != nil {
				return err
			}
			db = db.Where("id < ?", last.ID)
		}
		limit := min(cmp.Or(max(q.Limit, 0), maxPeople), maxPeople)
		var rows []tokenRow
		if err := db.Order("id DESC").Limit(limit + 1).Find(&rows).Error; err != nil {
			return err
		}
		if len(rows) > limit {
			rows = rows[:limit]
			page.Next = rows[limit-1].PublicID
		}
		for _, r := range rows {
			page.Tokens = append(page.Tokens, r.token(orgs))
		}
		return t.record(audit.Event{Type: audit.AccountsListed, Action: audit.Read, Who: who, ObjectType: "token"})
	})
	return page, err
}

// TokenIn returns one token in a scope, with the event of who asked; or apperr.NotFound.
func (s *Store) TokenIn(ctx context.Context, who audit.Who, scope account.Scope, publicID string) (k account.Token, err error) {
	err = s.write(ctx, func(t *tx) error {
		orgs, err := everyOrganisation(t.db)
		if err != nil {
			return err
		}
		var r tokenRow
		if err := first(inPeopleScope(t.db, scope).Where("public_id = ?", publicID), &r); err != nil {
			return err
		}
		k = r.token(orgs)
		return t.record(audit.Event{Type: audit.AccountsListed, Action: audit.Read, Who: who, ObjectType: "token", ObjectID: publicID})
	})
	return k, err
}

// TokensOf is [Store.Tokens] for the tokens in a scope.
func (s *Store) TokensOf(ctx context.Context, who audit.Who, scope account.Scope) (list []account.Token, err error) {
	err = s.write(ctx, func(t *tx) error {
		var rows []tokenRow
		if err := inPeopleScope(t.db, scope).Order("id DESC").Find(&rows).Error; err != nil {
			return err
		}
		orgs, err := everyOrganisation(t.db)
		if err != nil {
			return err
		}
		list = make([]account.Token, len(rows))
		for i, r := range rows {
			list[i] = r.token(orgs)
		}
		return t.record(audit.Event{Type: audit.AccountsListed, Action: audit.Read, Who: who, ObjectType: "token"})
	})
	return list, err
}

func (r tokenRow) token(orgs organisations) account.Token {
	networks, _ := account.ParseNetworks(r.Addresses) // Sluis wrote them itself
	return account.Token{
		Addresses: networks, Certificate: r.Certificate,
		ID: r.ID, PublicID: r.PublicID, Name: r.Name, Role: account.Role(r.Role), Demo: r.Demo,
		CreatedBy: r.CreatedBy, CreatedAt: r.CreatedAt.UTC(), ExpiresAt: moment(r.ExpiresAt),
		LastUsedAt: moment(r.LastUsedAt), RevokedAt: moment(r.RevokedAt),
		Centre: orgs.centre(r.CentreID), Processor: orgs.processor(r.ProcessorID),
	}
}

// RevokeToken ends the token with this public id at once. The error is apperr.NotFound if
// there is no such token, and apperr.Conflict "token_revoked" if it was revoked before.
func (s *Store) RevokeToken(ctx context.Context, who audit.Who, publicID string) error {
	return s.RevokeTokenIn(ctx, who, account.AllCentres(), publicID, "")
}

// RevokeTokenIn is [Store.RevokeToken] for a token in a scope, with the reason why.
func (s *Store) RevokeTokenIn(ctx context.Context, who audit.Who, scope account.Scope, publicID, reason string) error {
	return s.write(ctx, func(t *tx) error {
		var r tokenRow
		if err := first(inPeopleScope(t.dialect.forUpdate(t.db, "tokens"), scope).Where("public_id = ?", publicID), &r); err != nil {
			return err
		}
		if r.RevokedAt != nil {
			return apperr.New(apperr.Conflict, "token_revoked")
		}
		if err := one(t.db.Exec("UPDATE tokens SET revoked_at = ? WHERE id = ?", t.at, r.ID), errNotFound); err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.AccountChanged, Action: audit.Update, Who: who, ObjectType: "token", ObjectID: r.PublicID, Code: "revoked",
			Reason: reason,
		})
	})
}
