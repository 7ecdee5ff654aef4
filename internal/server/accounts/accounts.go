// Package accounts is the pages about accounts: who has one, with which roles, the
// one-time links by which people set a password, and what people do with their own.
//
// It decides who may change which account, never whether a password is right: that is
// access's.
package accounts

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/mail"
	"sluis/internal/server/page"
	"sluis/web/templates"
)

// People keeps the accounts. A foreign account and one that does not exist are both
// apperr.NotFound. Every change, and every look at the accounts of others, is in the
// access log when it returns.
type People interface {
	People(ctx context.Context, who audit.Who, scope account.Scope, q account.PeopleQuery) (account.PeoplePage, error)
	Person(ctx context.Context, who audit.Who, scope account.Scope, publicID string) (account.Person, error)
	// ChangePerson ends the sessions of the account too. If nobody could sign in as
	// administrator any more, it is apperr.Conflict "last_admin".
	ChangePerson(ctx context.Context, who audit.Who, scope account.Scope, publicID string, act account.Act,
		change func(u *account.User) error) error
	// Invite is apperr.Conflict "user_exists" if the address has an account.
	Invite(ctx context.Context, who audit.Who, u account.User, hash [32]byte, reason string) (account.User, error)
	// ResetFactors ends the sessions of the account too.
	ResetFactors(ctx context.Context, who audit.Who, scope account.Scope, publicID, reason string, allowed func(u account.User) error) error
	MakeLink(ctx context.Context, who audit.Who, scope account.Scope, publicID string, hash [32]byte, reason string,
		allowed func(u account.User) error) (account.User, error)
}

// Providers are those at which people sign in in place of having a password.
type Providers interface {
	EnabledProviders(ctx context.Context) ([]account.Provider, error)
	ProviderOf(ctx context.Context, id int64) (account.Provider, error)
	// Unlink is apperr.Conflict "not_linked" for an account with a password. It ends the
	// sessions of the account.
	Unlink(ctx context.Context, who audit.Who, scope account.Scope, publicID, reason string, allowed func(u account.User) error) error
}

// Links are the one-time links. One that cannot be used is apperr.NotFound.
type Links interface {
	LinkByHash(ctx context.Context, hash [32]byte) (account.Link, error)
	UseLink(ctx context.Context, who audit.Who, hash [32]byte, passwordHash string) error
	UseFirstLink(ctx context.Context, who audit.Who, hash [32]byte, u account.User) error
}

// Own is what people do with their own account.
type Own interface {
	UserByID(ctx context.Context, id int64) (account.User, error)
	SetOwnPassword(ctx context.Context, who audit.Who, passwordHash string) error
	SessionsOf(ctx context.Context, userID int64) ([]account.Session, error)
	EndSession(ctx context.Context, who audit.Who, publicID string) error
}

// Centres lists the organisations to which accounts belong: the hospitals, and the
// processors that deliver on their behalf.
type Centres interface {
	Centres(ctx context.Context) ([]account.Centre, error)
	Processors(ctx context.Context) ([]account.Processor, error)
}

// Reviews are the reviews of who has access.
type Reviews interface {
	// AccessList is in the access log with the format in which it leaves.
	AccessList(ctx context.Context, who audit.Who, code string) ([]account.User, []account.Token, error)
	SignReview(ctx context.Context, who audit.Who, remark string) error
	Reviews(ctx context.Context) ([]account.Review, error)
}

// Log writes the access log.
type Log interface {
	Record(ctx context.Context, ev audit.Event) error
}

// Mailer takes messages in, to be sent soon.
type Mailer interface {
	Put(ctx context.Context, m mail.Message) error
}

// Store is everything that the pages need of it.
type Store interface {
	People
	Providers
	Links
	Own
	Reviews
	Centres
}

// Access is the room where people sign in.
type Access interface {
	// Current returns the session in which a visit is made.
	Current(v *page.Visit) (account.Session, error)
	// CheckOwn reports whether password is the visitor's own. After too many wrong ones
	// it returns how long to wait.
	CheckOwn(v *page.Visit, password string) (ok bool, wait time.Duration, err error)
	// Refused counts a refused try of the address of r; the first of a series is in the
	// access log, with this code.
	Refused(r *http.Request, code string) error
	// Tell mails the owner of an account what was changed about it, if there is mail.
	Tell(v *page.Visit, email string, kind mail.Kind)
}

// Factors is the room of the second factor.
type Factors interface {
	// Own returns the part of the visitor's own account about it.
	Own(v *page.Visit) (templates.OwnFactors, error)
}

// Options is what the handlers need.
type Options struct {
	Now     func() time.Time
	Store   Store
	Access  Access
	Factors Factors
	Audit   Log
	Mail    Mailer   // nil: one-time links are shown
	BaseURL *url.URL // at which people reach us; nil for the address of the request
}

// Handlers are those of the pages about accounts.
type Handlers struct{ o Options }

// New makes the handlers.
func New(o Options) *Handlers { return &Handlers{o} }

// The paths of the pages.
const (
	usersPath = "/gebruikers"
	linkPath  = "/uitnodiging"
	ownPath   = "/account"
	reviewing = usersPath + "/controle"
	signIn    = "/inloggen?klaar=1"
)

func userPath(id string) string { return usersPath + "/" + id }

// linkURL is the address of a one-time link.
func (h *Handlers) linkURL(r *http.Request, token string) string {
	if h.o.BaseURL == nil {
		return "http://" + r.Host + linkPath + "/" + token
	}
	return strings.TrimSuffix(h.o.BaseURL.String(), "/") + linkPath + "/" + token
}
