package storetest

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/store"
)

func newProvider(t *testing.T, s *store.Store, c account.Centre) account.Provider {
	t.Helper()
	p, err := s.AddProvider(t.Context(), who, account.Provider{
		Name: "Proef", Centre: &c, Issuer: "https://" + c.Number + ".example.org", ClientID: "sluis", SecretFile: "proef",
		Scopes: []string{"allatclaims"}, Domains: []string{c.Number + ".example.org", "b.example.org"}, MakesAccounts: true, Enabled: true,
		FactorMethods: []string{"mfa"}, FactorLevels: []string{"2", "3"},
		Mapping: []account.RoleClaim{{Claim: "roles", Value: "a", Role: account.Clinician}, {Claim: "roles", Value: "b", Role: account.Uploader}},
	}, "voor de proef")
	ok(t, err)
	return p
}

func hashOf(s string) [32]byte { return sha256.Sum256([]byte(s)) }

// providers checks that a provider is kept whole, and what a change of it does.
func providers(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	p := newProvider(t, s, c)
	got, err := s.ProviderByID(t.Context(), p.PublicID)
	ok(t, err)
	if got.Centre == nil || got.Centre.ID != c.ID || len(got.Mapping) != 2 || got.Mapping[1].Role != account.Uploader ||
		len(got.Domains) != 2 || got.FactorLevels[1] != "3" || !got.Enabled || !got.MakesAccounts {
		t.Errorf("%+v", got)
	}
	person := account.ProviderPerson{
		Key: account.PersonKey(p.Issuer, "1"), Email: "a@b.example.org", Roles: []account.Role{account.Clinician},
	}
	u, err := s.AdmitPerson(t.Context(), who, p, person)
	ok(t, err)
	session := account.NewSession(hashOf(uuid.NewString()), u.ID, account.ByProvider, time.Now())
	session.ProviderID, session.ProviderSession = p.ID, account.SessionKey(p.Issuer, "sid")
	ok(t, s.SignIn(t.Context(), session, audit.Event{Type: audit.SignIn, Action: audit.Execute, Who: who}))
	kept, err := s.SessionByHash(t.Context(), session.TokenHash)
	ok(t, err)
	if kept.ProviderID != p.ID || kept.ProviderSession != session.ProviderSession {
		t.Error("a session does not know where it began")
	}
	got.Name, got.Centre = "Anders", nil
	ok(t, s.ChangeProvider(t.Context(), who, got, "andere naam"))
	if _, err := s.SessionByHash(t.Context(), session.TokenHash); err != nil {
		t.Errorf("a new name ended a session: %v", err)
	}
	if got, err = s.ProviderOf(t.Context(), p.ID); err != nil || got.Centre == nil || got.Name != "Anders" {
		t.Errorf("a provider moved to another centre, or has its old name: %+v, %v", got, err)
	}
	got.Enabled = false
	ok(t, s.ChangeProvider(t.Context(), who, got, "uitgezet"))
	if _, err := s.SessionByHash(t.Context(), session.TokenHash); apperr.KindOf(err) != apperr.NotFound {
		t.Errorf("the session of a provider that is off: %v", err)
	}
	if _, err := s.AdmitPerson(t.Context(), who, p, person); apperr.KindOf(err) != apperr.NotFound {
		t.Errorf("a provider that is off let somebody in: %v", err)
	}
	list, err := s.EnabledProviders(t.Context())
	ok(t, err)
	for _, one := range list {
		if one.ID == p.ID {
			t.Error("a provider that is off is offered")
		}
	}
	if _, err := s.ProviderByID(t.Context(), uuid.NewString()); apperr.KindOf(err) != apperr.NotFound {
		t.Error(err)
	}
}

// providerRaces lets several do at once what counts once: the answer of a provider, a first
// sign-in, a logout token.
func providerRaces(t *testing.T, s *store.Store) {
	p := newProvider(t, s, newCentre(t, s))
	state, browser := hashOf(rand.Text()), hashOf(rand.Text())
	ok(t, s.BeginFlow(t.Context(), account.ProviderFlow{
		StateHash: state, BrowserHash: browser, AddressHash: hashOf("a"), ProviderID: p.ID, Nonce: "n", Verifier: "v", Next: "/x",
		LinkHash: hashOf("link"),
	}))
	if _, err := s.TakeFlow(t.Context(), state, hashOf("another")); apperr.CodeOf(err) != "sign_on_browser" {
		t.Errorf("another browser: %v", err)
	}
	won := atOnce(t, "sign_on_state", func(int) error {
		f, err := s.TakeFlow(t.Context(), state, browser)
		if err == nil && (f.Nonce != "n" || f.Verifier != "v" || f.Next != "/x" || f.LinkHash != hashOf("link") || f.ProviderID != p.ID) {
			err = errors.New("the flow is another one")
		}
		return err
	})
	if won != 1 {
		t.Errorf("%d took the answer", won)
	}
	key := account.PersonKey(p.Issuer, uuid.NewString())
	ids := make([]int64, tries)
	won = atOnce(t, "", func(i int) error {
		u, err := s.AdmitPerson(t.Context(), who, p, account.ProviderPerson{
			Key: key, Email: "tegelijk@" + p.Domains[0], Roles: []account.Role{account.Uploader},
		})
		ids[i] = u.ID
		return err
	})
	for _, id := range ids {
		if won != tries || id != ids[0] {
			t.Fatalf("%d came in, as %v", won, ids)
		}
	}
	logout := account.ProviderLogout{Token: hashOf(rand.Text()), Person: key, Expires: time.Now().Add(time.Minute)}
	won = atOnce(t, "logout_used", func(int) error {
		_, err := s.EndProviderSessions(t.Context(), who, p, logout)
		return err
	})
	if won != 1 {
		t.Errorf("a logout token counted %d times", won)
	}
	logout.Token, logout.Person = hashOf(rand.Text()), [32]byte{}
	if _, err := s.EndProviderSessions(t.Context(), who, p, logout); apperr.KindOf(err) != apperr.NotFound {
		t.Errorf("a logout of nobody: %v", err)
	}
}
