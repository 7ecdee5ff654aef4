package account

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"time"
)

// Provider is an OpenID provider at which people sign in: that of one hospital, or the
// registry's own.
type Provider struct {
	ID       int64
	PublicID string
	Name     string  // on the button
	Centre   *Centre // nil: the registry's own
	Issuer   string
	ClientID string
	// SecretFile is the name of the file with the client's secret, in the folder of
	// secrets. The secret itself is never in the database.
	SecretFile string
	Scopes     []string // that are asked for besides openid, profile and email
	// Domains are those of the e-mail addresses that its people have. An account that is
	// made at a first sign-in has an address in one of them.
	Domains []string
	// MakesAccounts says that somebody who signs in for the first time gets an account.
	// Otherwise they need a one-time link first.
	MakesAccounts bool
	// FactorMethods and FactorLevels are the values of the claims amr and acr that say that
	// the provider asked for a second factor. If both are empty, its word does not count.
	FactorMethods []string
	FactorLevels  []string
	Mapping       []RoleClaim
	Enabled       bool
	CreatedAt     time.Time
	ChangedAt     time.Time
}

// RoleClaim assigns a role to a person who has this value in this claim.
type RoleClaim struct {
	Claim, Value string
	Role         Role
}

// Gives returns the roles that a provider may assign: those of its own centre, or, if it is the
// registry's, those without a centre. So no provider assigns another centre's roles.
func (p Provider) Gives() []Role {
	return slices.DeleteFunc(slices.Clone(Roles), func(r Role) bool {
		return r == ProcessorStaff || r.NeedsCentre() != (p.Centre != nil)
	})
}

// RolesOf returns the roles that the mapping assigns to somebody, and a code of [CheckRoles]
// if they may not be together. values returns the values of a claim.
func (p Provider) RolesOf(values func(claim string) []string) ([]Role, string) {
	var roles []Role
	for _, role := range p.Gives() {
		given := slices.ContainsFunc(p.Mapping, func(m RoleClaim) bool {
			return m.Role == role && slices.Contains(values(m.Claim), m.Value)
		})
		if given {
			roles = append(roles, role)
		}
	}
	return roles, CheckRoles(roles, p.Centre, nil)
}

// SecondFactor reports whether the provider's word counts as a second factor, given the
// values of amr and acr.
func (p Provider) SecondFactor(amr, acr []string) bool {
	in := func(wanted, got []string) bool {
		return slices.ContainsFunc(got, func(v string) bool { return slices.Contains(wanted, v) })
	}
	return in(p.FactorMethods, amr) || in(p.FactorLevels, acr)
}

// Has reports whether an e-mail address is in one of the provider's domains.
func (p Provider) Has(email string) bool {
	at := strings.LastIndexByte(email, '@')
	return at > 0 && slices.Contains(p.Domains, strings.ToLower(email[at+1:]))
}

// SameCentre reports whether an account belongs where the provider does.
func (p Provider) SameCentre(u User) bool {
	if p.Centre == nil || u.Centre == nil {
		return p.Centre == nil && u.Centre == nil && u.Processor == nil
	}
	return p.Centre.ID == u.Centre.ID
}

// PersonKey is how a provider's person is recognised: a hash of its issuer and of the
// subject there. The e-mail address is no part of it, because that can be given to
// somebody else.
func PersonKey(issuer, subject string) [32]byte {
	raw := binary.BigEndian.AppendUint32(nil, uint32(len(issuer)))
	return sha256.Sum256(append(append(raw, issuer...), subject...))
}

// SessionKey is how a session at a provider is remembered; the zero key if it has no name.
func SessionKey(issuer, sid string) (key [32]byte) {
	if sid == "" {
		return key
	}
	return PersonKey("session "+issuer, sid)
}

// ProviderFlow is a sign-in at a provider that is under way in one browser.
type ProviderFlow struct {
	StateHash   [32]byte
	BrowserHash [32]byte // of the cookie of the browser in which it began
	AddressHash [32]byte // of the network address from which it began
	ProviderID  int64
	Nonce       string
	Verifier    string
	Next        string // the page to go to afterwards
	// LinkHash is that of the one-time link that the person followed; zero if they followed
	// none.
	LinkHash  [32]byte
	CreatedAt time.Time
	ExpiresAt time.Time
}

// FlowLife is how long a sign-in at a provider may take.
const FlowLife = 10 * time.Minute

// FlowsPerAddress is how many sign-ins of one network address may be under way. A further
// one ends the oldest.
const FlowsPerAddress = 1000

// ProviderPerson is somebody who has just signed in at a provider.
type ProviderPerson struct {
	Key         [32]byte // see PersonKey
	Email, Name string   // as the provider says; for a new account only
	Roles       []Role   // that the mapping gives
	Refused     string   // a code of CheckRoles: the roles cannot be given
	LinkHash    [32]byte // zero for none
}

// ProviderLogout is what a provider says of a sign-out there. A key that is zero names
// nothing; at least one of Person and Session names something.
type ProviderLogout struct {
	Token   [32]byte // of the logout token, which counts once
	Person  [32]byte // see PersonKey
	Session [32]byte // see SessionKey
	Expires time.Time
}

// The codes of a person whom a provider vouches for and who may not come in.
const (
	PersonUnknown   = "sign_on_unknown"   // has no account, and gets none without a one-time link
	PersonBlocked   = "sign_on_blocked"   //
	PersonNoRole    = "sign_on_no_role"   // the mapping assigns no role
	PersonSeparate  = "sign_on_separate"  // the mapping assigns auditor with another role
	PersonElsewhere = "sign_on_elsewhere" // the account belongs to another centre or provider
	PersonTaken     = "sign_on_taken"     // this person, or the account, is linked to another already
	PersonAddress   = "sign_on_address"   // an e-mail address that the provider cannot vouch for
	PersonExists    = "sign_on_exists"    // another account has the e-mail address
	PersonLastAdmin = "sign_on_last_admin"
	PersonLinkGone  = "sign_on_link_gone"
)

// PersonCodes lists them, for the test that each has a text.
var PersonCodes = []string{
	PersonUnknown, PersonBlocked, PersonNoRole, PersonSeparate, PersonElsewhere, PersonTaken, PersonAddress, PersonExists,
	PersonLastAdmin, PersonLinkGone,
}
