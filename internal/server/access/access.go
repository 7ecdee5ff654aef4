// Package access is who may come in: signing in and out, sessions, the language
// of a browser, and the access log as a page. Everything of gorilla/sessions is
// here.
//
// It decides who makes a request, never what they may see of a patient: that is
// the scope of their account, which the store heeds.
package access

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/gorilla/sessions"

	"sluis/internal/account"
	"sluis/internal/audit"
)

// Accounts looks up who is who.
type Accounts interface {
	UserByEmail(ctx context.Context, email string) (account.User, error) // compared lower-case
	UserByID(ctx context.Context, id int64) (account.User, error)
}

// Sessions keeps signed-in browsers.
type Sessions interface {
	// SaveSession replaces a session by its TokenHash. One that was deleted
	// meanwhile must stay so.
	SaveSession(ctx context.Context, s account.Session) error
	SessionByHash(ctx context.Context, hash [32]byte) (account.Session, error)
	DeleteSession(ctx context.Context, hash [32]byte) error
	SignIn(ctx context.Context, s account.Session, ev audit.Event) error // a new session and its event
	SignOut(ctx context.Context, userID int64, ev audit.Event) error     // ends every session of the user
}

// Log writes and reads the access log.
type Log interface {
	Record(ctx context.Context, ev audit.Event) error
	Events(ctx context.Context, who audit.Who, q audit.Query) (audit.Page, error)
}

// Options is what the handlers need.
type Options struct {
	Log      *slog.Logger
	Now      func() time.Time
	Accounts Accounts
	Sessions Sessions
	Audit    Log
	Secure   bool     // browsers reach us over TLS
	Keys     [][]byte // of the cookies; the first signs, all verify
}

// Handlers are those of the pages about coming in.
type Handlers struct {
	o        Options
	sessions *sessionStore
	signIns  *backoff // failed sign-ins, by account and by address
	tokens   *backoff // bad API tokens, by address
}

// New makes the handlers.
func New(o Options) *Handlers {
	return &Handlers{
		o: o, sessions: newSessionStore(o.Sessions, o.Keys, o.Secure, o.Now),
		signIns: newBackoff(o.Now), tokens: newBackoff(o.Now),
	}
}

// SetKeys replaces the keys of the cookies. A session that was signed by a key that
// is no longer among them has ended.
func (h *Handlers) SetKeys(keys [][]byte) { h.sessions.setKeys(keys) }

// Prepare readies r, so that all copies that are made of it have one session.
func Prepare(r *http.Request) { sessions.GetRegistry(r) }

// TokenFlood reports whether an address sent so many bad API tokens that they are
// no longer logged one by one, and how long it must wait.
func (h *Handlers) TokenFlood(address string) (time.Duration, bool) {
	wait, ok := h.tokens.Try(address, freeAddress)
	return wait, !ok
}
