package factors

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/server/page"
)

// The purposes of a challenge. An answer counts for the purpose of its challenge only.
const (
	forSignIn  = "in"
	forFactor  = "factor"
	forConfirm = "bevestig"
	forAdding  = "nieuw"
)

// refusal is an answer of a passkey that is not accepted. Its code is in the access log;
// the person hears the same whatever it is.
type refusal struct {
	code  string
	cause error
}

func (e *refusal) Error() string { return fmt.Sprintf("factors: %s: %v", e.code, e.cause) }
func (e *refusal) Unwrap() error { return e.cause }

func refuse(code string, cause error) error { return &refusal{code, cause} }

// codeOf returns the code of a refusal; "" if err is none.
func codeOf(err error) string {
	if e, ok := errors.AsType[*refusal](err); ok {
		return e.code
	}
	return ""
}

func credentialOf(k account.Passkey) (webauthn.Credential, error) {
	var c webauthn.Credential
	if err := json.Unmarshal(k.Record, &c); err != nil {
		return c, errors.New("factors: a stored passkey cannot be read")
	}
	c.Authenticator.SignCount = k.SignCount
	return c, nil
}

// sendOptions answers with what the browser asks a passkey, and remembers the challenge.
func (h *Handlers) sendOptions(v *page.Visit, purpose string, options any, session *webauthn.SessionData) error {
	session.AllowedCredentialIDs = nil // the passkeys of the account are looked up again
	data, err := json.Marshal(session)
	if err != nil {
		return err
	}
	if err := h.o.Access.LeaveChallenge(v, purpose, data); err != nil {
		return err
	}
	v.W.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(v.W).Encode(options)
}

// offerCreation answers with the options for a new passkey of u.
func (h *Handlers) offerCreation(v *page.Visit, u account.User, f account.Factors) error {
	rp, err := h.passkeys(v.R)
	if err != nil {
		return err
	}
	who := person{u, f.Passkeys}
	options, session, err := rp.BeginRegistration(who,
		webauthn.WithExclusions(webauthn.Credentials(who.WebAuthnCredentials()).CredentialDescriptors()),
		webauthn.WithCredentialParameters(algorithms))
	if err != nil {
		return err
	}
	return h.sendOptions(v, forAdding, options, session)
}

// algorithms are those of the keys that are accepted, the best first.
var algorithms = []protocol.CredentialParameter{
	{Type: protocol.PublicKeyCredentialType, Algorithm: -8},   // Ed25519
	{Type: protocol.PublicKeyCredentialType, Algorithm: -7},   // ECDSA, P-256
	{Type: protocol.PublicKeyCredentialType, Algorithm: -257}, // RSA, which Windows Hello makes
}

// offerAssertion answers with the options for giving one of the passkeys of u.
func (h *Handlers) offerAssertion(v *page.Visit, purpose string, u account.User, f account.Factors) error {
	rp, err := h.passkeys(v.R)
	if err != nil {
		return err
	}
	if len(f.Passkeys) == 0 {
		return apperr.New(apperr.NotFound, "not_found")
	}
	options, session, err := rp.BeginLogin(person{u, f.Passkeys}, webauthn.WithUserVerification(protocol.VerificationPreferred))
	if err != nil {
		return err
	}
	return h.sendOptions(v, purpose, options, session)
}

// challenge returns the challenge of a purpose, and a func that takes it: an answer counts
// once.
func (h *Handlers) challenge(v *page.Visit, purpose string) (webauthn.SessionData, func() error, error) {
	var session webauthn.SessionData
	data, expires, ok, err := h.o.Access.TakeChallenge(v, purpose)
	if err != nil {
		return session, nil, err
	}
	if !ok || json.Unmarshal(data, &session) != nil {
		return session, nil, refuse("challenge_unknown", errors.New("no challenge of this session, or too late"))
	}
	take := func() error {
		used, err := h.o.Store.UseChallenge(v.Context(), sha256.Sum256([]byte(session.Challenge)), expires)
		if err == nil && !used {
			err = refuse("challenge_used", errors.New("the challenge was answered before"))
		}
		return err
	}
	return session, take, nil
}

// created checks the answer of a new passkey, and returns it to be stored.
func (h *Handlers) created(v *page.Visit, u account.User, f account.Factors, answer string) (account.Passkey, error) {
	rp, err := h.passkeys(v.R)
	if err != nil {
		return account.Passkey{}, err
	}
	session, take, err := h.challenge(v, forAdding)
	if err != nil {
		return account.Passkey{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer))
	if err != nil {
		return account.Passkey{}, refuse("passkey_wrong", err)
	}
	c, err := rp.CreateCredential(person{u, f.Passkeys}, session, parsed)
	if err != nil {
		return account.Passkey{}, refuse("passkey_wrong", err)
	}
	if err := take(); err != nil {
		return account.Passkey{}, err
	}
	record, err := json.Marshal(c)
	return account.Passkey{UserID: u.ID, Credential: c.ID, Record: record, SignCount: c.Authenticator.SignCount}, err
}

// asserted checks the answer of one of the passkeys of u.
func (h *Handlers) asserted(v *page.Visit, purpose string, u account.User, f account.Factors, answer string) error {
	rp, err := h.passkeys(v.R)
	if err != nil {
		return err
	}
	session, take, err := h.challenge(v, purpose)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil {
		return refuse("passkey_wrong", err)
	}
	c, err := rp.ValidateLogin(person{u, f.Passkeys}, session, parsed)
	if err != nil {
		return refuse("passkey_wrong", err)
	}
	if err := take(); err != nil {
		return err
	}
	return h.used(v, f, c)
}

// used stores that a passkey was used. One whose count of signatures went back has a copy
// somewhere, and is refused.
func (h *Handlers) used(v *page.Visit, f account.Factors, c *webauthn.Credential) error {
	i := slices.IndexFunc(f.Passkeys, func(k account.Passkey) bool { return string(k.Credential) == string(c.ID) })
	if i < 0 {
		return refuse("passkey_wrong", errors.New("the passkey is not the account's"))
	}
	if c.Authenticator.CloneWarning {
		return refuse("passkey_copied", errors.New("the count of signatures went back"))
	}
	k := f.Passkeys[i]
	k.SignCount = c.Authenticator.SignCount
	var err error
	if k.Record, err = json.Marshal(c); err != nil {
		return err
	}
	counted, err := h.o.Store.UsePasskey(v.Context(), k)
	if err == nil && !counted {
		err = refuse("passkey_copied", errors.New("the count of signatures went back"))
	}
	return err
}

// OfferSignIn is POST /inloggen/passkey/opties: the options for signing in with a passkey
// only. They are the same for everybody: the device knows which account it is for.
func (h *Handlers) OfferSignIn(v *page.Visit) error {
	rp, err := h.passkeys(v.R)
	if err != nil {
		return err
	}
	options, session, err := rp.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return err
	}
	return h.sendOptions(v, forSignIn, options, session)
}

// SignIn is POST /inloggen/passkey with antwoord and next. A passkey whose device checked
// who holds it is both factors: something one has, and a finger or a PIN.
func (h *Handlers) SignIn(v *page.Visit) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	u, err := h.signedIn(v, form.Get("antwoord"))
	if err == nil {
		return h.o.Access.SignInBy(v, u, account.ByPasskey, form.Get("next"))
	}
	code := codeOf(err)
	if code == "" {
		return err
	}
	who := v.Who
	if u.ID != 0 { // the log names the account, and the page does not
		who.Name = u.Email
	}
	v.LogFailure(err)
	if err := h.o.Access.PasskeyRefused(v, who, u.PublicID, code); err != nil {
		return err
	}
	return h.o.Access.SignInAgain(v, http.StatusUnauthorized, v.T.T("passkey.refused"))
}

// signedIn checks the answer of a passkey without knowing whose it is. It returns the
// account also with a refusal, as far as that is known.
func (h *Handlers) signedIn(v *page.Visit, answer string) (account.User, error) {
	rp, err := h.passkeys(v.R)
	if err != nil {
		return account.User{}, err
	}
	session, take, err := h.challenge(v, forSignIn)
	if err != nil {
		return account.User{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil {
		return account.User{}, refuse("passkey_wrong", err)
	}
	var (
		u      account.User
		f      account.Factors
		failed error // of the database
	)
	_, c, err := rp.ValidatePasskeyLogin(func(credential, handle []byte) (webauthn.User, error) {
		k, err := h.o.Store.PasskeyByCredential(v.Context(), credential)
		if err == nil {
			u, err = h.o.Store.UserByID(v.Context(), k.UserID)
		}
		if err == nil && string(handle) != u.PublicID {
			return nil, errors.New("the passkey is another account's")
		}
		if err == nil {
			f, err = h.o.Store.FactorsOf(v.Context(), k.UserID)
		}
		if err != nil && apperr.KindOf(err) != apperr.NotFound {
			failed = err
		}
		return person{u, f.Passkeys}, err
	}, session, parsed)
	switch {
	case failed != nil:
		return u, failed
	case err != nil:
		return u, refuse("passkey_wrong", err)
	case !u.DisabledAt.IsZero():
		return u, refuse("account_blocked", errors.New("the account is blocked"))
	case u.ProviderID != 0:
		// Else somebody who left the hospital could still come in. A passkey is only the
		// second factor of an account that signs in at a provider.
		return u, refuse("account_linked", errors.New("the account signs in at a provider"))
	}
	if err := take(); err != nil {
		return u, err
	}
	return u, h.used(v, f, c)
}

// logRefused writes to the access log that the answer of a passkey was refused.
func (h *Handlers) logRefused(v *page.Visit, who audit.Who, u account.User, err error) error {
	v.LogFailure(err)
	return h.o.Access.PasskeyRefused(v, who, u.PublicID, codeOf(err))
}
