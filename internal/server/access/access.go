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
	"sluis/internal/server/request"
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
	// ConfirmSession notes that the user has shown once more who they are, with its event.
	ConfirmSession(ctx context.Context, hash [32]byte, by account.Proof, ev audit.Event) error
	SignOut(ctx context.Context, userID int64, ev audit.Event) error // ends every session of the user
}

// Factors returns what an account has besides its password.
type Factors interface {
	FactorsOf(ctx context.Context, userID int64) (account.Factors, error)
}

// Log writes and reads the access log.
type Log interface {
	Record(ctx context.Context, ev audit.Event) error
}

// Options is what the handlers need.
type Options struct {
	Log      *slog.Logger
	Now      func() time.Time
	Accounts Accounts
	Sessions Sessions
	Tries    Tries
	Factors  Factors
	Policy   account.FactorPolicy
	Passkeys bool // people can sign in with a passkey here
	Audit    Log
	Mail     Mailer   // nil: nobody is told of a new browser
	Secure   bool     // browsers reach us over TLS
	Keys     [][]byte // of the cookies; the first signs, all verify
}

// Handlers are those of the pages about coming in.
type Handlers struct {
	o        Options
	sessions *sessionStore
	throttle *throttle
	known    *knownBrowsers
	// elsewhere is nil if people can only sign in here.
	elsewhere Elsewhere
	// challenges are those that passkeys answer.
	challenges *challenges
}

// New makes the handlers.
func New(o Options) *Handlers {
	h := &Handlers{
		o: o, sessions: newSessionStore(o.Sessions, o.Keys, o.Secure, o.Now),
		throttle: newThrottle(o.Tries, o.Log, o.Now, o.Keys), known: newKnownBrowsers(o.Keys, o.Secure),
		challenges: &challenges{secure: o.Secure},
	}
	h.challenges.setKeys(o.Keys)
	return h
}

// SetKeys replaces the keys of the cookies. A session that was signed by a key that
// is no longer among them has ended.
func (h *Handlers) SetKeys(keys [][]byte) {
	h.sessions.setKeys(keys)
	h.throttle.setKeys(keys)
	h.known.setKeys(keys)
	h.challenges.setKeys(keys)
}

// Prepare readies r, so that all copies that are made of it have one session.
func Prepare(r *http.Request) { sessions.GetRegistry(r) }

// Refused notes that r was refused before anybody looked at it, for example because
// another website made the browser send it. The first of a series of an address is in
// the access log.
func (h *Handlers) Refused(r *http.Request, code string) error {
	who := request.Who(r)
	return h.throttle.refused(r.Context(), h.throttle.counter(quickLife, code, who.Address), h.refusal(who, code))
}

// BadToken counts an API token that is none, with its event. It reports whether the
// address sent so many of them that they are no longer written down one by one, and
// how long it should wait. A good token is never asked to wait.
func (h *Handlers) BadToken(r *http.Request) (wait time.Duration, flooding bool, err error) {
	who := request.Who(r)
	c := h.throttle.counter(quickLife, "token", who.Address)
	seen, err := h.o.Tries.Tries(r.Context(), c)
	switch {
	case err != nil:
		return 0, false, err
	case seen[0].Failures < freeTokens:
		ctx, ev := context.WithoutCancel(r.Context()), h.refusal(who, "token_invalid")
		return 0, false, h.o.Tries.RecordFailedTry(ctx, []account.TryCounter{c}, ev)
	}
	return tokenWait, true, h.throttle.refused(r.Context(), c, h.refusal(who, "too_many_attempts"))
}

func (h *Handlers) refusal(who audit.Who, code string) audit.Event {
	return audit.Event{
		At: h.o.Now(), Type: audit.AccessDenied, Action: audit.Execute, Result: audit.MinorFailure, Who: who,
		ObjectType: "route", Code: code,
	}
}
