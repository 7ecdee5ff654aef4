package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
)

type providerRow struct {
	ID            int64 `gorm:"primaryKey;autoIncrement:false"`
	PublicID      string
	Name          string
	CentreID      *int64
	Issuer        string
	ClientID      string
	SecretFile    string
	Scopes        string
	Domains       string
	MakesAccounts bool
	FactorMethods string
	FactorLevels  string
	Enabled       bool
	CreatedAt     time.Time
	ChangedAt     time.Time
}

func (providerRow) TableName() string { return "sign_on_providers" }

func (r providerRow) provider(centres map[int64]account.Centre, mapping []account.RoleClaim) account.Provider {
	p := account.Provider{
		ID: r.ID, PublicID: r.PublicID, Name: r.Name, Issuer: r.Issuer, ClientID: r.ClientID, SecretFile: r.SecretFile,
		Scopes: strings.Fields(r.Scopes), Domains: strings.Fields(r.Domains), MakesAccounts: r.MakesAccounts,
		FactorMethods: strings.Fields(r.FactorMethods), FactorLevels: strings.Fields(r.FactorLevels), Mapping: mapping, Enabled: r.Enabled,
		CreatedAt: r.CreatedAt.UTC(), ChangedAt: r.ChangedAt.UTC(),
	}
	if r.CentreID != nil {
		if c, ok := centres[*r.CentreID]; ok {
			p.Centre = &c
		}
	}
	return p
}

func providerToRow(p account.Provider) providerRow {
	return providerRow{
		ID: p.ID, PublicID: p.PublicID, Name: p.Name, CentreID: centreID(p.Centre), Issuer: p.Issuer, ClientID: p.ClientID,
		SecretFile: p.SecretFile, Scopes: strings.Join(p.Scopes, " "), Domains: strings.Join(p.Domains, " "),
		MakesAccounts: p.MakesAccounts,
		FactorMethods: strings.Join(p.FactorMethods, " "), FactorLevels: strings.Join(p.FactorLevels, " "), Enabled: p.Enabled,
		CreatedAt: stamp(p.CreatedAt), ChangedAt: stamp(p.ChangedAt),
	}
}

type roleClaimRow struct {
	ProviderID int64 `gorm:"primaryKey;autoIncrement:false"`
	Position   int   `gorm:"primaryKey;autoIncrement:false"`
	Claim      string
	Value      string
	Role       string
}

func (roleClaimRow) TableName() string { return "sign_on_roles" }

type personRow struct {
	PersonKey  []byte `gorm:"primaryKey"`
	ProviderID int64
	UserID     int64
	LinkedAt   time.Time
}

func (personRow) TableName() string { return "sign_on_people" }

type flowRow struct {
	StateHash   []byte `gorm:"primaryKey"`
	BrowserHash []byte
	AddressHash []byte
	ProviderID  int64
	Nonce       string
	Verifier    string
	Next        string
	LinkHash    []byte
	CreatedAt   time.Time
	ExpiresAt   time.Time
}

func (flowRow) TableName() string { return "sign_on_flows" }

type usedTokenRow struct {
	TokenKey  []byte `gorm:"primaryKey"`
	ExpiresAt time.Time
}

func (usedTokenRow) TableName() string { return "sign_on_used" }

// providersWhere returns the providers that db finds, ordered by name.
func providersWhere(db, all *gorm.DB) ([]account.Provider, error) {
	var rows []providerRow
	if err := db.Order("name, id").Find(&rows).Error; err != nil || len(rows) == 0 {
		return nil, err
	}
	centres, err := centresByID(all)
	if err != nil {
		return nil, err
	}
	var claims []roleClaimRow
	if err := all.Order("provider_id, position").Find(&claims).Error; err != nil {
		return nil, err
	}
	mapping := map[int64][]account.RoleClaim{}
	for _, c := range claims {
		mapping[c.ProviderID] = append(mapping[c.ProviderID], account.RoleClaim{Claim: c.Claim, Value: c.Value, Role: account.Role(c.Role)})
	}
	out := make([]account.Provider, len(rows))
	for i, r := range rows {
		out[i] = r.provider(centres, mapping[r.ID])
	}
	return out, nil
}

func oneProvider(list []account.Provider, err error) (account.Provider, error) {
	if err != nil {
		return account.Provider{}, err
	}
	if len(list) != 1 {
		return account.Provider{}, errNotFound
	}
	return list[0], nil
}

// EnabledProviders returns the providers at which people can sign in.
func (s *Store) EnabledProviders(ctx context.Context) ([]account.Provider, error) {
	list, err := providersWhere(s.read(ctx).Where("enabled = ?", true), s.read(ctx))
	return list, s.dialect.clean(err)
}

// ProviderByID returns one provider, enabled or not, or apperr.NotFound.
func (s *Store) ProviderByID(ctx context.Context, publicID string) (account.Provider, error) {
	p, err := oneProvider(providersWhere(s.read(ctx).Where("public_id = ?", publicID), s.read(ctx)))
	return p, s.dialect.clean(err)
}

// ProviderOf returns the provider of a session, or apperr.NotFound.
func (s *Store) ProviderOf(ctx context.Context, id int64) (account.Provider, error) {
	p, err := oneProvider(providersWhere(s.read(ctx).Where("id = ?", id), s.read(ctx)))
	return p, s.dialect.clean(err)
}

// ListProviders returns every provider, with its event.
func (s *Store) ListProviders(ctx context.Context, who audit.Who) (list []account.Provider, err error) {
	err = s.write(ctx, func(t *tx) error {
		var err error
		if list, err = providersWhere(t.db, t.db); err != nil {
			return err
		}
		return t.record(audit.Event{Type: audit.AccountsListed, Action: audit.Read, Who: who, ObjectType: "provider"})
	})
	return list, err
}

// AddProvider stores a new provider.
func (s *Store) AddProvider(ctx context.Context, who audit.Who, p account.Provider, reason string) (account.Provider, error) {
	err := s.write(ctx, func(t *tx) error {
		var err error
		if p.ID, err = t.next("sign_on_providers", 1); err != nil {
			return err
		}
		if p.PublicID, err = publicID(); err != nil {
			return err
		}
		p.CreatedAt, p.ChangedAt = t.at, t.at
		row := providerToRow(p)
		if err := t.db.Create(&row).Error; err != nil {
			return err
		}
		if err := t.saveMapping(p); err != nil {
			return err
		}
		return t.record(providerEvent(who, p, audit.Create, "provider_added", reason))
	})
	return p, err
}

func providerEvent(who audit.Who, p account.Provider, action audit.Action, code, reason string) audit.Event {
	return audit.Event{
		Type: audit.ProviderChanged, Action: action, Who: who, ObjectType: "provider", ObjectID: p.PublicID, Code: code, Reason: reason,
	}
}

func (t *tx) saveMapping(p account.Provider) error {
	if err := t.db.Exec("DELETE FROM sign_on_roles WHERE provider_id = ?", p.ID).Error; err != nil {
		return err
	}
	for i, m := range p.Mapping {
		row := roleClaimRow{ProviderID: p.ID, Position: i + 1, Claim: m.Claim, Value: m.Value, Role: string(m.Role)}
		if err := t.db.Create(&row).Error; err != nil {
			return err
		}
	}
	return nil
}

// ChangeProvider stores the settings of a provider, found by its public id; its centre
// never changes. Each setting that changed has an event of its own. If what decides who
// gets in changed, the sessions that began there end.
func (s *Store) ChangeProvider(ctx context.Context, who audit.Who, p account.Provider, reason string) error {
	return s.write(ctx, func(t *tx) error {
		was, err := oneProvider(providersWhere(t.dialect.forUpdate(t.db, "sign_on_providers").Where("public_id = ?", p.PublicID), t.db))
		if err != nil {
			return err
		}
		p.ID, p.Centre, p.CreatedAt, p.ChangedAt = was.ID, was.Centre, was.CreatedAt, t.at
		row := providerToRow(p)
		res := t.db.Model(&providerRow{}).Where("id = ?", p.ID).Select("*").Updates(&row)
		if err := one(res, errNotFound); err != nil {
			return err
		}
		if err := t.saveMapping(p); err != nil {
			return err
		}
		codes, ends := changedProvider(was, p)
		if ends {
			if err := t.db.Exec("DELETE FROM sessions WHERE provider_id = ?", p.ID).Error; err != nil {
				return err
			}
			if err := t.db.Exec("DELETE FROM sign_on_flows WHERE provider_id = ?", p.ID).Error; err != nil {
				return err
			}
		}
		for _, code := range codes {
			if err := t.record(providerEvent(who, p, audit.Update, code, reason)); err != nil {
				return err
			}
		}
		return nil
	})
}

// changedProvider lists, as codes of the access log, in what a provider differs from what
// it was, and whether that ends the sessions that began there.
func changedProvider(was, now account.Provider) (codes []string, ends bool) {
	note := func(changed, end bool, code string) {
		if changed {
			codes, ends = append(codes, code), ends || end
		}
	}
	note(was.Name != now.Name, false, "provider_name")
	note(was.Issuer != now.Issuer, true, "provider_issuer")
	note(was.ClientID != now.ClientID, true, "provider_client")
	note(was.SecretFile != now.SecretFile, false, "provider_secret")
	note(!slices.Equal(was.Scopes, now.Scopes), false, "provider_scopes")
	note(!slices.Equal(was.Domains, now.Domains), false, "provider_domains")
	note(was.MakesAccounts != now.MakesAccounts, false, "provider_accounts")
	note(!slices.Equal(was.FactorMethods, now.FactorMethods) || !slices.Equal(was.FactorLevels, now.FactorLevels), true, "provider_factor")
	note(!slices.Equal(was.Mapping, now.Mapping), true, "provider_mapping")
	note(!was.Enabled && now.Enabled, false, "provider_enabled")
	note(was.Enabled && !now.Enabled, true, "provider_disabled")
	note(len(codes) == 0, false, "unchanged") // saving is an act, also if it changes nothing
	return codes, ends
}

// BeginFlow stores a sign-in that is under way. If too many of one network address are, the
// oldest ends.
func (s *Store) BeginFlow(ctx context.Context, f account.ProviderFlow) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.db.Exec("DELETE FROM sign_on_flows WHERE expires_at <= ?", t.at).Error; err != nil {
			return err
		}
		var waiting int64
		if err := t.db.Model(&flowRow{}).Where("address_hash = ?", f.AddressHash[:]).Count(&waiting).Error; err != nil {
			return err
		}
		if waiting >= account.FlowsPerAddress {
			var oldest flowRow
			if err := t.db.Where("address_hash = ?", f.AddressHash[:]).Order("created_at").Limit(1).Take(&oldest).Error; err != nil {
				return err
			}
			if err := t.db.Exec("DELETE FROM sign_on_flows WHERE state_hash = ?", oldest.StateHash).Error; err != nil {
				return err
			}
		}
		row := flowRow{
			StateHash: f.StateHash[:], BrowserHash: f.BrowserHash[:], AddressHash: f.AddressHash[:], ProviderID: f.ProviderID,
			Nonce: f.Nonce, Verifier: f.Verifier, Next: f.Next, CreatedAt: t.at, ExpiresAt: t.at.Add(account.FlowLife),
		}
		if f.LinkHash != [32]byte{} {
			row.LinkHash = f.LinkHash[:]
		}
		return t.db.Create(&row).Error
	})
}

// The errors of TakeFlow.
var (
	errFlowUnknown = apperr.New(apperr.NotFound, "sign_on_state")
	errFlowBrowser = apperr.New(apperr.Forbidden, "sign_on_browser")
)

// TakeFlow returns a sign-in that is under way and deletes it: of two answers to one
// question, one gets apperr.NotFound. So does an answer that comes too late. If another
// browser asked the question, the error is apperr.Forbidden and the sign-in goes on.
func (s *Store) TakeFlow(ctx context.Context, stateHash, browserHash [32]byte) (f account.ProviderFlow, err error) {
	err = s.write(ctx, func(t *tx) error {
		var r flowRow
		err := first(t.dialect.forUpdate(t.db, "sign_on_flows").Where("state_hash = ? AND expires_at > ?", stateHash[:], t.at), &r)
		switch {
		case errors.Is(err, errNotFound):
			return errFlowUnknown
		case err != nil:
			return err
		case [32]byte(r.BrowserHash) != browserHash:
			return errFlowBrowser
		}
		f = account.ProviderFlow{
			StateHash: stateHash, BrowserHash: browserHash, AddressHash: [32]byte(r.AddressHash), ProviderID: r.ProviderID, Nonce: r.Nonce,
			Verifier: r.Verifier, Next: r.Next, CreatedAt: r.CreatedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(),
		}
		if len(r.LinkHash) == 32 {
			f.LinkHash = [32]byte(r.LinkHash)
		}
		return one(t.db.Exec("DELETE FROM sign_on_flows WHERE state_hash = ?", stateHash[:]), errFlowUnknown)
	})
	return f, err
}

// refusedPerson is the error of somebody whom a provider vouches for and who may not come
// in. code is one of account's.
func refusedPerson(code string) error { return apperr.New(apperr.Forbidden, code) }

// AdmitPerson returns the account of somebody who signed in at a provider, with the roles
// that the mapping gives now. It makes the account, or links one by a one-time link, if the
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

// refusedRoles returns why somebody cannot have the roles that the mapping gives; nil if
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

// updatePerson gives a known person the roles that the mapping gives now.
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
