package store

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
)

// refusedPerson is the error of somebody whom a provider vouches for and who may not come
// in. code is one of account's.
func refusedPerson(code string) error { return apperr.New(apperr.Forbidden, code) }

// AdmitPerson returns the account of somebody who signed in at a provider, with the roles
// that the mapping assigns now. It makes the account, or links one by a one-time link, if the
// provider's settings say so. If the roles changed, every session of the account ends. If
// there is no role any more, the account keeps none. Whoever may not come in is
// apperr.Forbidden with a code of package account.
func (s *Store) AdmitPerson(ctx context.Context, who audit.Who, provider account.Provider, person account.ProviderPerson) (
	u account.User, err error,
) {
	var refused error
	err = s.write(ctx, func(t *tx) error {
		u, refused = account.User{}, nil
		p, err := oneProvider(providersWhere(t.dialect.forUpdate(t.db, "sign_on_providers").
			Where("public_id = ? AND enabled = ?", provider.PublicID, true), t.db))
		if err != nil {
			return err
		}
		var known personRow
		err = first(t.dialect.forUpdate(t.db, "sign_on_people").Where("person_key = ?", person.Key[:]), &known)
		switch {
		case errors.Is(err, errNotFound):
			u, err = t.welcomePerson(who, p, person)
		case err != nil:
			return err
		case known.ProviderID != p.ID:
			refused = refusedPerson(account.PersonElsewhere)
		case person.LinkHash != [32]byte{}:
			refused = refusedPerson(account.PersonTaken)
		default:
			u, refused, err = t.updatePerson(who, p, person, known.UserID)
		}
		return err
	})
	if err == nil {
		err = refused
	}
	return u, err
}

// refusedRoles returns why somebody cannot have the roles that the mapping assigns; nil if
// they can.
func refusedRoles(person account.ProviderPerson) error {
	switch person.Refused {
	case "":
		return nil
	case account.RolesSeparate:
		return refusedPerson(account.PersonSeparate)
	}
	return refusedPerson(account.PersonNoRole)
}

// welcomePerson makes or links the account of somebody who was never here. If they are
// refused, nothing has changed: a one-time link is not used up.
func (t *tx) welcomePerson(who audit.Who, p account.Provider, person account.ProviderPerson) (account.User, error) {
	u, was, code := account.User{}, "", "provider_made"
	err := refusedRoles(person)
	switch {
	case err != nil:
	case person.LinkHash != [32]byte{}:
		u, err = t.linkedUser(p, person.LinkHash)
		was, code = rights(u), "provider_linked"
	case !p.MakesAccounts:
		err = refusedPerson(account.PersonUnknown)
	case person.Email == "" || !p.Has(person.Email):
		err = refusedPerson(account.PersonAddress)
	default:
		u, err = t.addUser(account.User{Email: person.Email, Name: person.Name, Roles: person.Roles, Centre: p.Centre})
		if apperr.KindOf(err) == apperr.Conflict {
			err = refusedPerson(account.PersonExists)
		}
	}
	if err != nil {
		return u, err
	}
	u, refused, err := t.giveRoles(p, u, person.Roles)
	if err != nil || refused != nil {
		return u, cmp.Or(err, refused)
	}
	row := personRow{PersonKey: person.Key[:], ProviderID: p.ID, UserID: u.ID, LinkedAt: t.at}
	if err := t.db.Create(&row).Error; err != nil {
		return u, err
	}
	if err := t.endSessions(u.ID); err != nil {
		return u, err
	}
	return u, t.notePerson(who, p, u, code, was)
}

// linkedUser returns the account that a one-time link is for, and uses the link up.
func (t *tx) linkedUser(p account.Provider, hash [32]byte) (u account.User, err error) {
	link, err := t.takeLink(hash)
	if errors.Is(err, errNotFound) || err == nil && link.UserID == nil {
		return u, refusedPerson(account.PersonLinkGone)
	} else if err != nil {
		return u, err
	}
	found, _, err := t.lockUsers(func(u account.User) bool { return u.ID == *link.UserID })
	switch {
	case err != nil:
		return u, err
	case found == nil:
		return u, refusedPerson(account.PersonLinkGone)
	case found.State() == account.Blocked:
		return u, refusedPerson(account.PersonBlocked)
	case !p.SameCentre(*found):
		return u, refusedPerson(account.PersonElsewhere)
	case found.ProviderID != 0:
		return u, refusedPerson(account.PersonTaken)
	}
	return *found, nil
}

// updatePerson stores the roles that the mapping assigns to a known person now.
func (t *tx) updatePerson(who audit.Who, p account.Provider, person account.ProviderPerson, userID int64) (
	u account.User, refused, err error,
) {
	found, _, err := t.lockUsers(func(u account.User) bool { return u.ID == userID })
	switch {
	case err != nil:
		return u, nil, err
	case found == nil:
		return u, nil, errNotFound
	case found.State() == account.Blocked:
		return u, refusedPerson(account.PersonBlocked), nil
	case !p.SameCentre(*found):
		return u, refusedPerson(account.PersonElsewhere), nil
	}
	noRole := refusedRoles(person)
	roles := person.Roles
	if noRole != nil {
		roles = nil
	}
	if slices.Equal(found.Roles, roles) {
		return *found, noRole, nil
	}
	was := rights(*found)
	u, refused, err = t.giveRoles(p, *found, roles)
	if err != nil {
		return u, nil, err
	}
	// Whatever comes of it, nobody goes on with roles that the provider took away.
	if err := t.endSessions(u.ID); err != nil {
		return u, nil, err
	}
	if refused != nil {
		return u, refused, nil
	}
	return u, noRole, t.notePerson(who, p, u, "provider_roles", was)
}

// giveRoles stores the roles of somebody who signs in at a provider. The last administrator
// keeps theirs.
func (t *tx) giveRoles(p account.Provider, u account.User, roles []account.Role) (account.User, error, error) {
	_, admins, err := t.lockUsers(func(other account.User) bool { return other.ID == u.ID })
	if err != nil {
		return u, nil, err
	}
	if u.ActiveAdmin() && admins == 0 && !slices.Contains(roles, account.Admin) {
		return u, refusedPerson(account.PersonLastAdmin), nil
	}
	u.Roles, u.PasswordHash, u.ProviderID = roles, "", p.ID
	if err := t.updateUser(u); err != nil {
		return u, nil, err
	}
	return u, nil, t.db.Exec("DELETE FROM account_links WHERE user_id = ?", u.ID).Error
}

// notePerson writes down what a sign-in at a provider changed about an account: in its
// history and in the access log.
func (t *tx) notePerson(who audit.Who, p account.Provider, u account.User, code, was string) error {
	me := account.ActorOf(u).Who()
	me.Address, me.RequestID, me.Via = who.Address, who.RequestID, who.Via
	if err := t.noteChange(audit.Who{Name: p.Name}, u, account.Act{Code: code}, was); err != nil {
		return err
	}
	return t.record(audit.Event{
		Type: audit.AccountChanged, Action: audit.Update, Who: me, ObjectType: "user", ObjectID: u.PublicID, Code: code,
	})
}

// Unlink makes an account in scope one that no longer signs in at a provider. It is as if
// it was just invited: its owner needs a one-time link. An account that signs in with a
// password is apperr.Conflict "not_linked".
func (s *Store) Unlink(ctx context.Context, who audit.Who, scope account.Scope, publicID, reason string,
	allowed func(u account.User) error,
) error {
	return s.write(ctx, func(t *tx) error {
		found, _, err := t.lockUsers(func(u account.User) bool { return u.PublicID == publicID && seesPerson(scope, u) })
		switch {
		case err != nil:
			return err
		case found == nil:
			return errNotFound
		}
		u := *found
		if err := allowed(u); err != nil {
			return err
		}
		if u.ProviderID == 0 {
			return apperr.New(apperr.Conflict, "not_linked")
		}
		if err := t.db.Exec("DELETE FROM sign_on_people WHERE user_id = ?", u.ID).Error; err != nil {
			return err
		}
		u.ProviderID = 0
		if err := t.updateUser(u); err != nil {
			return err
		}
		if err := t.endSessions(u.ID); err != nil {
			return err
		}
		if err := t.noteChange(who, u, account.Act{Code: "provider_unlinked", Reason: reason}, rights(u)); err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.AccountChanged, Action: audit.Update, Who: who, ObjectType: "user", ObjectID: u.PublicID, Code: "provider_unlinked",
			Reason: reason,
		})
	})
}

// EndProviderSessions ends the sessions that a logout token names, with one event for each
// account. A token that was used before is apperr.Conflict "logout_used".
func (s *Store) EndProviderSessions(ctx context.Context, who audit.Who, p account.Provider, l account.ProviderLogout) (
	ended int, err error,
) {
	err = s.write(ctx, func(t *tx) error {
		ended = 0
		if err := t.useToken(l); err != nil {
			return err
		}
		var rows []sessionRow
		q := t.db.Where("provider_id = ?", p.ID)
		switch none := [32]byte{}; {
		case l.Session == none && l.Person == none:
			return errNotFound
		case l.Person == none:
			q = q.Where("provider_session = ?", l.Session[:])
		case l.Session != none:
			// A session of which the provider did not give the name is the person's too.
			q = q.Where("(provider_session = ? OR provider_session IS NULL)", l.Session[:])
		}
		if l.Person != [32]byte{} {
			q = q.Where("user_id IN (SELECT x.user_id FROM sign_on_people x WHERE x.person_key = ? AND x.provider_id = ?)", l.Person[:], p.ID)
		}
		if err := q.Order("user_id").Find(&rows).Error; err != nil {
			return err
		}
		var last int64
		for _, r := range rows {
			if err := t.db.Exec("DELETE FROM sessions WHERE token_hash = ?", r.TokenHash).Error; err != nil {
				return err
			}
			ended++
			if r.UserID == last {
				continue
			}
			last = r.UserID
			if err := t.recordProviderLogout(who, p, r.UserID); err != nil {
				return err
			}
		}
		return nil
	})
	return ended, err
}

// recordProviderLogout writes the event of a user whose sessions a provider ended.
func (t *tx) recordProviderLogout(who audit.Who, p account.Provider, userID int64) error {
	var row userRow
	if err := first(t.db.Where("id = ?", userID), &row); err != nil {
		return err
	}
	orgs, err := everyOrganisation(t.db)
	if err != nil {
		return err
	}
	me := account.ActorOf(row.user(orgs)).Who()
	me.Address, me.RequestID, me.Via = who.Address, who.RequestID, who.Via
	return t.record(audit.Event{
		Type: audit.SignOut, Action: audit.Execute, Who: me, ObjectType: "provider", ObjectID: p.PublicID, Code: "provider_logout",
	})
}

// useToken remembers a logout token, so that it counts once.
func (t *tx) useToken(l account.ProviderLogout) error {
	if err := t.db.Exec("DELETE FROM sign_on_used WHERE expires_at <= ?", t.at).Error; err != nil {
		return err
	}
	var used usedTokenRow
	err := first(t.dialect.forUpdate(t.db, "sign_on_used").Where("token_key = ?", l.Token[:]), &used)
	switch {
	case err == nil:
		return apperr.New(apperr.Conflict, "logout_used")
	case !errors.Is(err, errNotFound):
		return err
	}
	row := usedTokenRow{TokenKey: l.Token[:], ExpiresAt: stamp(l.Expires)}
	return t.db.Create(&row).Error
}
