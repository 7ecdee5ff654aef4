// Package signon is signing in at an OpenID provider: the way there and back, signing out
// there, and the pages on which an administrator says which providers there are.
//
// It decides whom a provider may vouch for, by the provider's settings. It keeps no token,
// and puts no claim into a log or an error.
package signon

import (
	"context"
	"net/url"
	"strings"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/oidc"
	"sluis/internal/server/access"
	"sluis/internal/server/page"
	"sluis/web/templates"
)

// Store keeps providers, sign-ins that are under way, and whose account is whose. A change
// is in the access log when it returns.
type Store interface {
	EnabledProviders(ctx context.Context) ([]account.Provider, error)
	ProviderByID(ctx context.Context, publicID string) (account.Provider, error)
	ProviderOf(ctx context.Context, id int64) (account.Provider, error)
	ListProviders(ctx context.Context, who audit.Who) ([]account.Provider, error)
	AddProvider(ctx context.Context, who audit.Who, p account.Provider, reason string) (account.Provider, error)
	ChangeProvider(ctx context.Context, who audit.Who, p account.Provider, reason string) error
	CentreByNumber(ctx context.Context, number string) (account.Centre, error)
	LinkByHash(ctx context.Context, hash [32]byte) (account.Link, error)

	BeginFlow(ctx context.Context, f account.ProviderFlow) error
	// TakeFlow returns a flow once. It is apperr.NotFound "sign_on_state", or
	// apperr.Forbidden "sign_on_browser" if another browser began it.
	TakeFlow(ctx context.Context, stateHash, browserHash [32]byte) (account.ProviderFlow, error)
	// AdmitPerson is apperr.Forbidden with a code of package account for whoever may not
	// come in.
	AdmitPerson(ctx context.Context, who audit.Who, p account.Provider, person account.ProviderPerson) (account.User, error)
	EndProviderSessions(ctx context.Context, who audit.Who, p account.Provider, l account.ProviderLogout) (int, error)
}

// Options is what the handlers need.
type Options struct {
	Now    func() time.Time
	Store  Store
	Client *oidc.Client
	Access *access.Handlers
	Audit  access.Log
	// BaseURL is at which people reach us; nil for the address of the request.
	BaseURL *url.URL
	Secrets string // the folder of the files with clients' secrets; empty if there is none
	Secure  bool   // browsers reach us over TLS
	// Loopback allows providers on this machine.
	Loopback bool
}

// Handlers are those of the pages about signing in at a provider.
type Handlers struct{ o Options }

// New makes the handlers.
func New(o Options) *Handlers { return &Handlers{o} }

const (
	signInPath = "/inloggen"
	viaPath    = signInPath + "/via"
)

// mostButtons is the number of providers that each have a button on the sign-in page. If
// there are more, an e-mail address finds the right one.
const mostButtons = 5

// absolute returns the address of one of our pages as the outside sees it.
func (h *Handlers) absolute(v *page.Visit, path string) string {
	if h.o.BaseURL == nil {
		return "http://" + v.R.Host + path
	}
	return strings.TrimSuffix(h.o.BaseURL.String(), "/") + path
}

// settings returns what the client needs to know of a provider.
func (h *Handlers) settings(v *page.Visit, p account.Provider) oidc.Settings {
	return oidc.Settings{
		Issuer: p.Issuer, ClientID: p.ClientID, Secret: oidc.SecretFile(h.o.Secrets, p.SecretFile), Scopes: p.Scopes,
		RedirectURL: h.absolute(v, viaPath+"/"+p.PublicID+"/terug"),
	}
}

// Offer adds the providers to the sign-in page. Those who sign in with a password do so
// even if the providers cannot be read.
func (h *Handlers) Offer(v *page.Visit, props *templates.SignIn) {
	if len(props.Providers) > 0 || props.FindProvider {
		return // found by an e-mail address
	}
	providers, err := h.o.Store.EnabledProviders(v.Context())
	switch {
	case err != nil:
		v.LogFailure(err)
	case len(providers) > mostButtons:
		props.FindProvider = true
	default:
		for _, p := range providers {
			props.Providers = append(props.Providers, button(p, props.Next))
		}
	}
}

func button(p account.Provider, next string) templates.ProviderButton {
	if next == "/" {
		next = ""
	}
	return templates.ProviderButton{Name: p.Name, Href: page.Link(viaPath+"/"+p.PublicID, "terug", next)}
}
