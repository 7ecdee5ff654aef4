package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"time"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/server/page"
	"sluis/internal/server/request"
)

// The pages between the password and being signed in.
const (
	FactorPath = signInPath + "/factor"    // asks for the second factor
	SetUpPath  = signInPath + "/instellen" // sets up the first one
)

// nextNote is the page to go to after the second factor. It is in the half session.
const nextNote = "next"

// Admit goes on with somebody who has shown who they are in one way. If that is enough,
// they are signed in and go to next. Else they get a half session, which opens the pages
// about the second factor only; nobody is signed in by it.
func (h *Handlers) Admit(v *page.Visit, user account.User, by account.Proof, next string) error {
	return h.admit(v, user, by, account.Session{}, h.signIn(v, user, by), next)
}

// admit is Admit for a session that may have begun at a provider, which at tells. ev is the
// event if they are signed in.
func (h *Handlers) admit(v *page.Visit, user account.User, by account.Proof, at account.Session, ev audit.Event, next string) error {
	f, err := h.o.Factors.FactorsOf(v.Context(), user.ID)
	if err != nil {
		return err
	}
	now := h.o.Now()
	if h.o.Policy.Accepts(by, user.Roles, f) && (by == account.ByProvider || !h.o.Policy.MustAdd(user.Roles, f)) {
		if err := h.begin(v, user, by, at, ev); err != nil {
			return err
		}
		return v.Redirect(page.ReturnPath(next))
	}
	asked := audit.Event{
		At: now, Type: audit.FactorAsked, Action: audit.Execute, Who: h.whoIs(v, user), ObjectType: "user", ObjectID: user.PublicID,
	}
	half := account.NewHalfSession([32]byte{}, user.ID, now)
	half.ProviderID, half.ProviderSession = at.ProviderID, at.ProviderSession
	if half.Data, err = json.Marshal(map[string]string{nextNote: page.ReturnPath(next)}); err != nil {
		return err
	}
	if err := h.sessions.start(v.W, v.R, half, asked); err != nil {
		return err
	}
	if f.Any() {
		return v.Redirect(FactorPath)
	}
	return v.Redirect(SetUpPath)
}

// signIn is the event of a sign-in.
func (h *Handlers) signIn(v *page.Visit, user account.User, by account.Proof) audit.Event {
	return audit.Event{
		At: h.o.Now(), Type: audit.SignIn, Action: audit.Execute, Who: h.whoIs(v, user), ObjectType: "user", ObjectID: user.PublicID,
		Code: string(by),
	}
}

// begin signs somebody in, with the event. at tells where the session began.
func (h *Handlers) begin(v *page.Visit, user account.User, by account.Proof, at account.Session, ev audit.Event) error {
	started := account.NewSession([32]byte{}, user.ID, by, h.o.Now())
	started.ProviderID, started.ProviderSession = at.ProviderID, at.ProviderSession
	if err := h.sessions.start(v.W, v.R, started, ev); err != nil {
		return err
	}
	known := h.known.find(v.R, user.Email)
	h.known.remember(v.W, v.R, user.Email)
	h.tellNewBrowser(v, user, known)
	return nil
}

// whoIs returns somebody who is not signed in yet as the access log names them.
func (h *Handlers) whoIs(v *page.Visit, user account.User) audit.Who {
	who := account.ActorOf(user).Who()
	who.Address, who.RequestID, who.Via = v.Who.Address, v.Who.RequestID, v.Who.Via
	return who
}

// Half is somebody whose second factor is still missing.
type Half struct {
	User    account.User
	Who     audit.Who
	Session account.Session
	Factors account.Factors
	next    string
}

// MayAdd reports whether a factor may be set up in this session: the first one of the
// account, or a further one by somebody who has given one. Who has only the password may
// not add a factor of their own to an account that has one.
func (x Half) MayAdd() bool { return !x.Factors.Any() || !x.Session.ProvedAt.IsZero() }

// RequireHalf lets in whoever has a half session. Those who are signed in go home.
func (h *Handlers) RequireHalf(next func(v *page.Visit, x Half) error) page.Handler {
	return func(v *page.Visit) error {
		session, err := h.signedIn(v)
		if err != nil {
			return err
		}
		if userID(session) != 0 {
			return v.Redirect("/")
		}
		stored, ok := session.Values[row{}].(account.Session)
		if !ok {
			return h.askToSignIn(v)
		}
		x := Half{Session: stored}
		x.next, _ = session.Values[nextNote].(string)
		x.User, err = h.o.Accounts.UserByID(v.Context(), stored.UserID)
		switch {
		case apperr.KindOf(err) == apperr.NotFound, err == nil && !x.User.DisabledAt.IsZero():
			if err := h.sessions.drop(v.Context(), session); err != nil {
				return err
			}
			return h.askToSignIn(v)
		case err != nil:
			return err
		}
		x.Who = h.whoIs(v, x.User)
		if x.Factors, err = h.o.Factors.FactorsOf(v.Context(), x.User.ID); err != nil {
			return err
		}
		return next(v, x)
	}
}

// Proved goes on with a half session whose user has given a second factor. If that is
// enough, they are signed in under a new session id, and Proved returns where they wanted
// to go; else they have to set up a factor first, and it returns that page.
func (h *Handlers) Proved(v *page.Visit, x Half, by account.Proof) (next string, err error) {
	f, err := h.o.Factors.FactorsOf(v.Context(), x.User.ID) // it may have changed in this request
	if err != nil {
		return "", err
	}
	if h.o.Policy.MustAdd(x.User.Roles, f) {
		return SetUpPath, h.o.Sessions.ConfirmSession(v.Context(), x.Session.TokenHash, by, audit.Event{
			At: h.o.Now(), Type: audit.FactorAsked, Action: audit.Execute, Who: x.Who, ObjectType: "user", ObjectID: x.User.PublicID,
			Code: string(by),
		})
	}
	if err := h.begin(v, x.User, by, x.Session, h.signIn(v, x.User, by)); err != nil {
		return "", err
	}
	return page.ReturnPath(x.next), nil
}

// SignInBy signs in somebody who gave both factors in one, with a passkey.
func (h *Handlers) SignInBy(v *page.Visit, user account.User, by account.Proof, next string) error {
	if err := h.begin(v, user, by, account.Session{}, h.signIn(v, user, by)); err != nil {
		return err
	}
	return v.Redirect(page.ReturnPath(next))
}

// Stop is POST /inloggen/stoppen: it ends a half session.
func (h *Handlers) Stop(v *page.Visit, x Half) error {
	h.sessions.clearCookie(v.W)
	if err := h.o.Sessions.DeleteSession(v.Context(), x.Session.TokenHash); err != nil {
		return err
	}
	return v.Redirect(signInPath)
}

// Confirmed notes that the visitor has shown once more who they are, with its event.
func (h *Handlers) Confirmed(v *page.Visit, by account.Proof) error {
	session, err := h.sessions.Get(v.R, h.sessions.name())
	if err != nil {
		return err
	}
	stored, ok := session.Values[row{}].(account.Session)
	if !ok {
		return errNoSession
	}
	err = h.o.Sessions.ConfirmSession(v.Context(), stored.TokenHash, by, audit.Event{
		At: h.o.Now(), Type: audit.StepUp, Action: audit.Execute, Who: v.Who, ObjectType: "session", ObjectID: stored.PublicID,
		Code: string(by),
	})
	if err != nil {
		return err
	}
	stored.ProvedBy, stored.ProvedAt = by, h.o.Now()
	session.Values[row{}] = stored
	return nil
}

// Policy is what people need besides a password.
func (h *Handlers) Policy() account.FactorPolicy { return h.o.Policy }

// start stores a new session under a new id: whoever knew the old one (session fixation)
// does not know this one. The event is written with it.
func (s *sessionStore) start(w http.ResponseWriter, r *http.Request, started account.Session, ev audit.Event) error {
	if old, err := s.Get(r, s.name()); err == nil && !old.IsNew {
		if stored, ok := old.Values[row{}].(account.Session); ok {
			if err := s.port.DeleteSession(r.Context(), stored.TokenHash); err != nil {
				return err
			}
		}
	}
	id := rand.Text() + rand.Text() // 2 × 130 bits
	value, err := securecookie.EncodeMulti(s.name(), id, *s.codecs.Load()...)
	if err != nil {
		return err
	}
	started.TokenHash = sha256.Sum256([]byte(id))
	started.Address, started.Browser = request.From(r.Context()).Address, browserName(r.UserAgent())
	if err := s.port.SignIn(r.Context(), started, ev); err != nil {
		return err
	}
	http.SetCookie(w, sessions.NewCookie(s.name(), value, s.options()))
	return nil
}

// The limits of guessing codes. Six digits are few: an app's code is guessed by three of a
// million tries. Only somebody who gave the right password gets here, so that a wait keeps
// out nobody else than the owner of a password that leaked; and not in a browser in which
// the owner signed in before.
const (
	factorSpacing = 30 * time.Second
	factorLongest = 15 * time.Minute
)

// spacingOfCodes returns how long after the n-th code the next one is looked at.
func spacingOfCodes(n int) time.Duration {
	if n < freeTries {
		return 0
	}
	return min(factorLongest, factorSpacing<<min(10, n-freeTries))
}

// CodeTry is a try to give a code.
type CodeTry struct {
	h       *Handlers
	counter account.TryCounter
	ev      audit.Event
}

// TryHalf begins a try to give a code after the password. If the account must wait, it
// returns for how long, and the code may not be looked at.
func (h *Handlers) TryHalf(v *page.Visit, x Half) (try CodeTry, wait time.Duration, err error) {
	device := h.known.find(v.R, x.User.Email)
	if device == "" {
		device = "stranger"
	}
	return h.tryCode(v, x.User, x.Who, device)
}

// TryOwn begins a try to give a code in the visitor's own session.
func (h *Handlers) TryOwn(v *page.Visit, user account.User) (try CodeTry, wait time.Duration, err error) {
	session, err := h.Current(v)
	if err != nil {
		return CodeTry{}, 0, err
	}
	return h.tryCode(v, user, v.Who, "session "+string(session.TokenHash[:]))
}

func (h *Handlers) tryCode(v *page.Visit, user account.User, who audit.Who, line string) (CodeTry, time.Duration, error) {
	y := CodeTry{
		h: h, counter: h.throttle.counter(slowLife, "codes", user.PublicID, line),
		ev: audit.Event{
			At: h.o.Now(), Type: audit.FactorFailed, Action: audit.Execute, Result: audit.MinorFailure, Who: who, ObjectType: "user",
			ObjectID: user.PublicID,
		},
	}
	ctx := context.WithoutCancel(v.Context()) // a try counts also if the client has gone away
	wait, err := h.o.Tries.TakeTry(ctx, y.counter, spacingOfCodes)
	if err != nil || wait == 0 {
		return y, 0, err
	}
	refused := y.ev
	refused.Code = "too_many_codes"
	return y, wait, h.throttle.refused(ctx, y.counter, refused)
}

// Wrong writes the event of a code that was not accepted.
func (y CodeTry) Wrong(ctx context.Context, code string) error {
	y.ev.Code = code
	return y.h.o.Audit.Record(context.WithoutCancel(ctx), y.ev)
}

// Right forgets the wrong codes before the right one.
func (y CodeTry) Right(ctx context.Context) error { return y.h.o.Tries.ForgetTries(ctx, y.counter) }

// PasskeyRefused writes to the access log that an answer of a passkey was refused. Of an
// address that sends many, only the first of a series is written.
func (h *Handlers) PasskeyRefused(v *page.Visit, who audit.Who, userID, code string) error {
	ev := audit.Event{
		At: h.o.Now(), Type: audit.FactorFailed, Action: audit.Execute, Result: audit.MinorFailure, Who: who, ObjectType: "user",
		ObjectID: userID, Code: code,
	}
	ctx, c := context.WithoutCancel(v.Context()), h.throttle.counter(quickLife, "passkey", who.Address)
	seen, err := h.o.Tries.Tries(ctx, c)
	switch {
	case err != nil:
		return err
	case seen[0].Failures < freeTokens:
		return h.o.Tries.RecordFailedTry(ctx, []account.TryCounter{c}, ev)
	}
	return h.throttle.refused(ctx, c, ev)
}
