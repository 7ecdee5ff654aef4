package access

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/sessions"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/server/page"
	"sluis/internal/server/request"
	"sluis/web/templates"
	"sluis/web/text"
)

// maxEmail is the longest e-mail address that is looked up, in bytes (RFC 5321).
const maxEmail = 254

const signInPath = "/inloggen"

// retryAfter is what somebody is told whose password was not looked at.
const retryAfter = 2 * time.Second

// Rights is what a page asks of its visitor.
type Rights struct {
	Permission account.Permission // "" for whoever is signed in
	// Quiet pages do not keep a session alive: a browser asks for them by itself.
	Quiet bool
}

// Require lets in whoever is signed in with a role that grants the permission.
// Roles are read anew for each request, so that a change counts at once.
func (h *Handlers) Require(rights Rights, next page.Handler) page.Handler {
	return func(v *page.Visit) error {
		session, err := h.signedIn(v)
		if err != nil {
			return err
		}
		if _, half := session.Values[row{}]; userID(session) == 0 && half {
			return v.Redirect(FactorPath)
		}
		if userID(session) == 0 {
			return h.askToSignIn(v)
		}
		if !rights.Quiet {
			if err := h.sessions.touch(v.Context(), session); err != nil {
				return err
			}
		}
		v.Left = h.left(session)
		if rights.Permission != "" && !v.Actor.May(rights.Permission) {
			if err := h.recordDenied(v, rights.Permission); err != nil {
				return err
			}
			return apperr.New(apperr.Forbidden, "forbidden")
		}
		v.Still = func(ctx context.Context) bool { return h.still(ctx, session, rights) }
		return next(v)
	}
}

// still reports whether whoever was let in with session would be let in now. A page
// that stays open, such as a progress stream, asks this again and again.
func (h *Handlers) still(ctx context.Context, session *sessions.Session, rights Rights) bool {
	stored, ok := session.Values[row{}].(account.Session)
	if !ok {
		return false
	}
	now, err := h.o.Sessions.SessionByHash(ctx, stored.TokenHash)
	if err != nil || now.Half || !now.Live(h.o.Now()) {
		return false
	}
	user, err := h.o.Accounts.UserByID(ctx, now.UserID)
	if err != nil || !user.DisabledAt.IsZero() {
		return false
	}
	return rights.Permission == "" || account.ActorOf(user).May(rights.Permission)
}

// signedIn finds who makes the visit and notes it there. The session that it
// returns has no user if that is nobody, or somebody who was disabled.
func (h *Handlers) signedIn(v *page.Visit) (*sessions.Session, error) {
	session, err := h.sessions.Get(v.R, h.sessions.name())
	if err != nil {
		return nil, err
	}
	id := userID(session)
	if id == 0 {
		return session, nil
	}
	user, err := h.o.Accounts.UserByID(v.Context(), id)
	switch {
	case apperr.KindOf(err) == apperr.NotFound, err == nil && !user.DisabledAt.IsZero():
		// The session must not come to life again when the account does.
		return sessions.NewSession(h.sessions, h.sessions.name()), h.sessions.drop(v.Context(), session)
	case err != nil:
		return nil, err
	}
	v.SignedIn(account.ActorOf(user))
	return session, nil
}

// askToSignIn sends to the sign-in page, and back afterwards to a page that was
// asked for by GET.
func (h *Handlers) askToSignIn(v *page.Visit) error {
	q := url.Values{}
	if v.R.Method == http.MethodGet && v.R.URL.Path != "/" {
		if back := page.ReturnPath(v.R.URL.RequestURI()); back != "/" {
			q.Set("terug", back)
		}
	}
	if _, err := v.R.Cookie(h.sessions.name()); err == nil {
		q.Set("verlopen", "1")
	}
	path := signInPath
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return v.Redirect(path)
}

// recordDenied writes to the access log that a permission was missing.
func (h *Handlers) recordDenied(v *page.Visit, missing account.Permission) error {
	return h.o.Audit.Record(v.Context(), audit.Event{
		At: h.o.Now(), Type: audit.AccessDenied, Action: audit.Execute, Result: audit.MinorFailure,
		Who: v.Who, ObjectType: "route", Code: string(missing),
	})
}

// SignInForm is GET /inloggen.
func (h *Handlers) SignInForm(v *page.Visit) error {
	next := page.ReturnPath(v.Query().Get("terug"))
	expired, err := v.OneOf("verlopen", "1")
	if err != nil {
		return err
	}
	passwordSet, err := v.OneOf("klaar", "1")
	if err != nil {
		return err
	}
	session, err := h.signedIn(v)
	if err != nil {
		return err
	}
	if userID(session) != 0 {
		return v.Redirect(next)
	}
	if _, err := v.R.Cookie(h.sessions.name()); err == nil { // of a session that has ended
		clearSite(v.W)
	}
	return h.Show(v, http.StatusOK, templates.SignIn{Next: next, Expired: expired != "", PasswordSet: passwordSet != ""})
}

// SignIn is POST /inloggen. Whatever is wrong, it says the same.
func (h *Handlers) SignIn(v *page.Visit) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	email, password := strings.ToLower(strings.TrimSpace(form.Get("email"))), form.Get("password")
	if email == "" || password == "" {
		return h.signInAgain(v, http.StatusUnprocessableEntity, missing(v.T, email, password)...)
	}
	try := h.throttle.begin(email, request.From(v.Context()).Address, h.known.find(v.R, email))
	defer try.end()
	user, ok, err := h.checkPassword(v, try, email, password)
	if errors.Is(err, errRefused) {
		return h.refuseTry(v, try)
	} else if err != nil {
		return err
	}
	ev := audit.Event{
		At: h.o.Now(), Type: audit.SignIn, Action: audit.Execute, Who: v.Who, ObjectType: "user", ObjectID: user.PublicID,
	}
	if !ok {
		// The log names the account, if there is one, and not what was typed.
		ev.Result, ev.Name, ev.Code = audit.MinorFailure, user.Email, "sign_in_failed"
		if err := try.failed(v.Context(), ev); err != nil {
			return err
		}
		return h.signInAgain(v, http.StatusUnauthorized, templates.FieldError{Field: templates.Credentials, Message: v.T.T("signin.wrong")})
	}
	if err := try.succeeded(v.Context()); err != nil {
		v.LogFailure(err) // the failures are forgotten later
	}
	return h.Admit(v, user, account.ByPassword, form.Get("next"))
}

// missing says which of the two inputs is empty.
func missing(t *text.Catalogue, email, password string) []templates.FieldError {
	var faults []templates.FieldError
	if email == "" {
		faults = append(faults, templates.FieldError{Field: "email", Message: t.T("signin.email_missing")})
	}
	if password == "" {
		faults = append(faults, templates.FieldError{Field: "password", Message: t.T("signin.password_missing")})
	}
	return faults
}

// refuseTry answers a try whose password was not looked at, because too many wait.
func (h *Handlers) refuseTry(v *page.Visit, y *try) error {
	err := h.throttle.refused(v.Context(), y.pair, audit.Event{
		At: h.o.Now(), Type: audit.SignIn, Action: audit.Execute, Result: audit.MinorFailure, Who: v.Who, ObjectType: "user",
		Code: "sign_in_refused",
	})
	if err != nil {
		return err
	}
	v.W.Header().Set("Retry-After", strconv.Itoa(int(retryAfter/time.Second)))
	return h.signInAgain(v, http.StatusTooManyRequests, templates.FieldError{
		Field: "email", Message: v.T.T("signin.too_many", "wait", v.T.Duration(retryAfter)),
	})
}

// checkPassword returns the user of an e-mail address, and whether the password is
// theirs. It does the same work if there is no such user. The password is not checked
// before the try has had its turn; errRefused if it gets none.
func (h *Handlers) checkPassword(v *page.Visit, y *try, email, password string) (account.User, bool, error) {
	release, err := y.wait(v.Context())
	if err != nil {
		return account.User{}, false, err
	}
	defer release()
	var user account.User
	if len(email) <= maxEmail {
		found, err := h.o.Accounts.UserByEmail(v.Context(), email)
		if err != nil && apperr.KindOf(err) != apperr.NotFound {
			return account.User{}, false, err
		}
		if err == nil {
			user = found
		}
	}
	ok, err := account.CheckPassword(v.Context(), user.PasswordHash, password)
	return user, ok && user.DisabledAt.IsZero() && user.ProviderID == 0, err
}

// signInAgain shows the form once more, with what was typed except the password.
func (h *Handlers) signInAgain(v *page.Visit, status int, faults ...templates.FieldError) error {
	return h.Show(v, status, templates.SignIn{
		Email: v.R.PostForm.Get("email"), Next: page.ReturnPath(v.R.PostForm.Get("next")), Errors: faults,
	})
}

// clearSite makes the browser forget what it keeps of our pages. It keeps its cookies:
// that of the session is dead, and the other one knows the browser again.
func clearSite(w http.ResponseWriter) { w.Header().Set("Clear-Site-Data", `"cache", "storage"`) }

// SignInAgain shows the sign-in page with what went wrong with another way than a password.
func (h *Handlers) SignInAgain(v *page.Visit, status int, message string) error {
	return h.signInAgain(v, status, templates.FieldError{Message: message})
}

// SignOut is POST /uitloggen: it ends every session of the user, everywhere.
func (h *Handlers) SignOut(v *page.Visit) error {
	session, err := h.Current(v)
	if err != nil {
		return err
	}
	// Whatever happens, this browser keeps nothing.
	h.sessions.clearCookie(v.W)
	clearSite(v.W)
	err = h.o.Sessions.SignOut(v.Context(), v.Actor.UserID, audit.Event{
		At: h.o.Now(), Type: audit.SignOut, Action: audit.Execute, Who: v.Who, ObjectType: "user",
	})
	if err != nil {
		return err
	}
	if session.ProviderID != 0 && h.elsewhere != nil {
		return h.elsewhere.SignedOut(v, session.ProviderID)
	}
	return v.Redirect(signInPath)
}
