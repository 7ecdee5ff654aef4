package access

import (
	"context"
	"net/http"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/server/page"
	"sluis/web/templates"
)

// Elsewhere is the providers at which people can sign in besides here.
type Elsewhere interface {
	// Offer adds to the sign-in page how to get to a provider.
	Offer(v *page.Visit, props *templates.SignIn)
	// SignedOut answers a visitor whose session began at a provider and has just ended.
	SignedOut(v *page.Visit, providerID int64) error
}

// SetElsewhere says where else people can sign in. Without it they cannot.
func (h *Handlers) SetElsewhere(e Elsewhere) { h.elsewhere = e }

// Show shows the sign-in page.
func (h *Handlers) Show(v *page.Visit, status int, props templates.SignIn) error {
	props.Page, props.Passkey = v.Page(), h.o.Passkeys
	if v.R.URL.Path != signInPath {
		props.Return = signInPath // the address of a provider's answer holds a code
	}
	if h.elsewhere != nil {
		h.elsewhere.Offer(v, &props)
	}
	return v.Render(status, templates.SignInPage(props))
}

// At is a session at a provider.
type At struct {
	ProviderID int64
	Session    [32]byte // account.SessionKey; zero if the provider does not name it
	// Strong says that the provider has asked for a second factor whose word counts here.
	Strong bool
}

// AdmitAt goes on with a user for whom a provider vouches, with the event of a sign-in. If
// the provider asked for a second factor whose word counts here, they are signed in; else
// they give one here, as after a password.
func (h *Handlers) AdmitAt(v *page.Visit, user account.User, at At, ev audit.Event, next string) error {
	by := account.ByPassword
	if at.Strong {
		by = account.ByProvider
	}
	return h.admit(v, user, by, account.Session{ProviderID: at.ProviderID, ProviderSession: at.Session}, ev, next)
}

// RefusedAt writes the event of somebody or something that a provider sent and that was
// refused. Of an address that sends many, only the first of a series is written.
func (h *Handlers) RefusedAt(r *http.Request, ev audit.Event) error {
	return h.throttle.refused(context.WithoutCancel(r.Context()), h.throttle.counter(quickLife, ev.Code, ev.Address), ev)
}

// AddressKey returns a keyed hash of the network address of a request.
func (h *Handlers) AddressKey(address string) [32]byte {
	return h.throttle.counter(0, "sign-on", address).Hash
}
