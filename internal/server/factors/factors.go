// Package factors has the pages about the second factor: giving one after the password,
// setting one up, showing once more who one is before what cannot be undone, and one's own
// passkeys, app and recovery codes. Everything of WebAuthn and TOTP is here.
//
// It decides whether a factor is right, never who needs which: that is account's
// FactorPolicy, which access applies.
package factors

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/sealing"
	"sluis/internal/server/access"
)

// Store keeps what accounts have besides their password. Every change is in the access log
// when it returns; somebody else's passkey is apperr.NotFound.
type Store interface {
	UserByID(ctx context.Context, id int64) (account.User, error)
	FactorsOf(ctx context.Context, userID int64) (account.Factors, error)
	PasskeyByCredential(ctx context.Context, credential []byte) (account.Passkey, error)

	// The changes of the one who asks.
	AddPasskey(ctx context.Context, who audit.Who, p account.Passkey, codes account.RecoverySet) error
	RenamePasskey(ctx context.Context, who audit.Who, publicID, name string) error
	RemovePasskey(ctx context.Context, who audit.Who, publicID string, allowed func(left account.Factors) error) error
	SetTOTP(ctx context.Context, who audit.Who, app account.TOTP, codes account.RecoverySet) error
	RemoveTOTP(ctx context.Context, who audit.Who, allowed func(left account.Factors) error) error
	NewRecovery(ctx context.Context, who audit.Who, codes account.RecoverySet) error

	// The uses. Of two at once, one gets true.
	UseTOTP(ctx context.Context, userID, step int64) (bool, error)
	UseRecovery(ctx context.Context, who audit.Who, userID int64, hash []byte) (bool, error)
	UsePasskey(ctx context.Context, p account.Passkey) (bool, error)
	UseChallenge(ctx context.Context, hash [32]byte, expires time.Time) (bool, error)
}

// Keys seal the secrets of authenticator apps.
type Keys interface {
	NewKey(owner string) (key sealing.Key, wrapped []byte, keyID string, err error)
	OpenKey(wrapped []byte, owner string) (sealing.Key, error)
}

// Options is what the handlers need.
type Options struct {
	Now    func() time.Time
	Store  Store
	Access *access.Handlers
	Keys   Keys
	// BaseURL is at which people reach us. Passkeys belong to its host name; they cannot be
	// used if it is nil or has an address in the place of a name.
	BaseURL *url.URL
}

// Handlers are those of the pages about the second factor.
type Handlers struct {
	o  Options
	rp *webauthn.WebAuthn // nil if passkeys cannot be used here
}

// The paths of the pages.
const (
	ownPath     = "/account"
	appPath     = ownPath + "/app"
	passkeyPath = ownPath + "/passkeys"
	confirmPath = "/bevestigen"
	signInPath  = "/inloggen"
)

// New makes the handlers.
func New(o Options) (*Handlers, error) {
	h := &Handlers{o: o}
	if !PasskeysWork(o.BaseURL) {
		return h, nil
	}
	var err error
	h.rp, err = webauthn.New(&webauthn.Config{
		RPID: o.BaseURL.Hostname(), RPDisplayName: "Sluis", RPOrigins: []string{o.BaseURL.Scheme + "://" + o.BaseURL.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementPreferred, UserVerification: protocol.VerificationPreferred,
		},
	})
	return h, err
}

// PasskeysWork reports whether browsers make passkeys for the service at base: they need a
// host name, and https except for localhost.
func PasskeysWork(base *url.URL) bool {
	if base == nil || base.Hostname() == "" || net.ParseIP(base.Hostname()) != nil {
		return false
	}
	return base.Scheme == "https" || base.Hostname() == "localhost"
}

// errElsewhere refuses a passkey at another host than the one that people reach us at: a
// request for it came by a way that nobody set up.
var errElsewhere = apperr.New(apperr.Forbidden, "wrong_host")

// passkeys returns the relying party, or an error if passkeys cannot be used in a request.
func (h *Handlers) passkeys(r *http.Request) (*webauthn.WebAuthn, error) {
	switch {
	case h.rp == nil:
		return nil, apperr.New(apperr.NotFound, "not_found")
	case r.Host != h.o.BaseURL.Host:
		return nil, errElsewhere
	}
	return h.rp, nil
}

// person is an account as the WebAuthn library asks for it.
type person struct {
	account.User
	keys []account.Passkey
}

// WebAuthnID returns the public id of the account, which says nothing about the person.
func (p person) WebAuthnID() []byte { return []byte(p.PublicID) }

// WebAuthnName returns the address by which the owner knows the account.
func (p person) WebAuthnName() string { return p.Email }

// WebAuthnDisplayName returns the name of the person.
func (p person) WebAuthnDisplayName() string {
	if p.Name != "" {
		return p.Name
	}
	return p.Email
}

// WebAuthnCredentials returns the passkeys of the account.
func (p person) WebAuthnCredentials() []webauthn.Credential {
	var list []webauthn.Credential
	for _, k := range p.keys {
		if c, err := credentialOf(k); err == nil {
			list = append(list, c)
		}
	}
	return list
}
