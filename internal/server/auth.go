package server

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/sessions"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/server/request"
	"sluis/web/templates"
	"sluis/web/text"
)

// maxEmail is the longest e-mail address that is looked up, in bytes (RFC 5321).
const maxEmail = 254

// require lets in whoever is signed in with a role that grants the route's
// permission. Roles are read anew for each request, so that a change counts at
// once.
func (s *Server) require(route Route, h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		session, user, err := s.signedIn(r)
		if err != nil {
			return err
		}
		if user == nil {
			return s.askToSignIn(w, r)
		}
		if route.Door != Quiet {
			if err := s.sessions.touch(r.Context(), session); err != nil {
				return err
			}
		}
		if route.Permission != SignedIn && !request.Actor(r).May(route.Permission) {
			if err := s.recordDenied(r, string(route.Permission)); err != nil {
				return err
			}
			return apperr.New(apperr.Forbidden, "forbidden")
		}
		return h(w, r)
	}
}

// signedIn finds who makes r and notes it in the request; nil for nobody. A
// session of someone who was disabled is nobody's.
func (s *Server) signedIn(r *http.Request) (*sessions.Session, *account.User, error) {
	session, err := s.sessions.Get(r, s.sessions.name())
	if err != nil {
		return nil, nil, err
	}
	id := userID(session)
	if id == 0 {
		return session, nil, nil
	}
	user, err := s.Accounts.UserByID(r.Context(), id)
	switch {
	case apperr.KindOf(err) == apperr.NotFound, err == nil && !user.DisabledAt.IsZero():
		return session, nil, nil
	case err != nil:
		return nil, nil, err
	}
	info := request.From(r.Context())
	info.Actor, info.Known = account.ActorOf(user), true
	return session, &user, nil
}

// askToSignIn sends to the sign-in page, and back afterwards to a page that was
// asked for by GET.
func (s *Server) askToSignIn(w http.ResponseWriter, r *http.Request) error {
	q := url.Values{}
	if r.Method == http.MethodGet && r.URL.Path != "/" {
		if back := returnPath(r.URL.RequestURI()); back != "/" {
			q.Set("terug", back)
		}
	}
	if _, err := r.Cookie(s.sessions.name()); err == nil {
		q.Set("verlopen", "1")
	}
	path := "/inloggen"
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return redirect(w, r, path)
}

// recordDenied writes to the access log that a permission was missing.
func (s *Server) recordDenied(r *http.Request, code string) error {
	return s.Audit.Record(r.Context(), audit.Event{
		At: s.Now(), Type: audit.AccessDenied, Action: audit.Execute, Result: audit.MinorFailure,
		Who: request.Who(r), ObjectType: "route", Code: code,
	})
}

// signInForm is GET /inloggen.
func (s *Server) signInForm(w http.ResponseWriter, r *http.Request) error {
	next := returnPath(r.URL.Query().Get("terug"))
	_, user, err := s.signedIn(r)
	if err != nil {
		return err
	}
	if user != nil {
		return redirect(w, r, next)
	}
	page := templates.SignIn{Page: s.base(r), Next: next, Expired: r.URL.Query().Get("verlopen") == "1"}
	return s.render(w, r, http.StatusOK, templates.SignInPage(page))
}

// signIn is POST /inloggen. Whatever is wrong, it says the same.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	email, password := strings.ToLower(strings.TrimSpace(r.PostForm.Get("email"))), r.PostForm.Get("password")
	if email == "" || password == "" {
		return s.signInAgain(w, r, http.StatusUnprocessableEntity, missing(s.text(r), email, password)...)
	}
	if wait, ok := s.mayTry(r, email); !ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
		return s.signInAgain(w, r, http.StatusTooManyRequests, templates.FieldError{
			Field: "email", Message: s.text(r).T("signin.too_many", "wait", s.text(r).Duration(max(wait, time.Second))),
		})
	}
	user, ok, err := s.checkPassword(r, email, password)
	if err != nil {
		return err
	}
	ev := audit.Event{
		At: s.Now(), Type: audit.SignIn, Action: audit.Execute, Who: request.Who(r), ObjectType: "user", ObjectID: user.PublicID,
	}
	if !ok {
		// Who tried is known where the account is; what was typed is not kept.
		ev.Result, ev.Name, ev.Code = audit.MinorFailure, user.Email, "sign_in_failed"
		if err := s.Audit.Record(r.Context(), ev); err != nil {
			return err
		}
		return s.signInAgain(w, r, http.StatusUnauthorized, templates.FieldError{Field: templates.Credentials, Message: s.text(r).T("signin.wrong")})
	}
	s.signIns.Succeeded("account "+email, true)
	s.signIns.Succeeded("address "+request.From(r.Context()).Address, false)
	actor := account.ActorOf(user)
	ev.UserID, ev.Name, ev.Role, ev.CentreID = user.ID, user.Email, actor.Who().Role, actor.Who().CentreID
	if err := s.sessions.Begin(w, r, user.ID, ev); err != nil {
		return err
	}
	return redirect(w, r, returnPath(r.PostForm.Get("next")))
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

// mayTry slows down guessing, by account and by address.
func (s *Server) mayTry(r *http.Request, email string) (time.Duration, bool) {
	if wait, ok := s.signIns.Try("address "+request.From(r.Context()).Address, freeAddress); !ok {
		return wait, false
	}
	return s.signIns.Try("account "+email, freeTries)
}

// checkPassword finds the user of an e-mail address, and whether the password is
// theirs. It takes as long for a user who does not exist.
func (s *Server) checkPassword(r *http.Request, email, password string) (account.User, bool, error) {
	var user account.User
	if len(email) <= maxEmail && email != "" {
		found, err := s.Accounts.UserByEmail(r.Context(), email)
		if err != nil && apperr.KindOf(err) != apperr.NotFound {
			return account.User{}, false, err
		}
		if err == nil {
			user = found
		}
	}
	ok, err := account.CheckPassword(r.Context(), user.PasswordHash, password)
	return user, ok && user.DisabledAt.IsZero(), err
}

// signInAgain shows the form once more, with what was typed but the password.
func (s *Server) signInAgain(w http.ResponseWriter, r *http.Request, status int, faults ...templates.FieldError) error {
	page := templates.SignIn{
		Page: s.base(r), Email: r.PostForm.Get("email"), Next: returnPath(r.PostForm.Get("next")),
		Errors: faults,
	}
	return s.render(w, r, status, templates.SignInPage(page))
}

// signOut is POST /uitloggen: it ends every session of the user, everywhere.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) error {
	err := s.Sessions.SignOut(r.Context(), request.Actor(r).UserID, audit.Event{
		At: s.Now(), Type: audit.SignOut, Action: audit.Execute, Who: request.Who(r), ObjectType: "user",
	})
	if err != nil {
		return err
	}
	s.sessions.clearCookie(w)
	w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	return redirect(w, r, "/inloggen")
}

// tokenFlood tells whether an address sent so many bad API tokens that they are
// no longer logged one by one.
func (s *Server) tokenFlood(address string) (time.Duration, bool) {
	wait, ok := s.tokens.Try(address, freeAddress)
	return wait, !ok
}

// badForm classifies a form that cannot be read. (The parser's own error repeats
// what it read.)
func badForm(err error) error {
	if err == nil {
		return nil
	}
	if tooLarge(err) {
		return apperr.New(apperr.TooLarge, "body_too_large")
	}
	return apperr.New(apperr.Invalid, "invalid")
}
