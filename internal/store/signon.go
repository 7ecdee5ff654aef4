package store

import (
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
