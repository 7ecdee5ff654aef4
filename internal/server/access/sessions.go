package access

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

	"sluis/internal/account"
	"sluis/internal/apperr"
)

// touchEvery is the shortest time between two writes of a session's last use.
const touchEvery = time.Minute

// row is the key of the stored session among the values of one of gorilla's.
type row struct{}

// errNoSession is returned for a session without a stored one: only signing in
// begins a session.
var errNoSession = errors.New("server: there is no session to save")

// sessionStore is a sessions.Store whose cookie holds a random id and nothing
// else. The session itself is in the database, under the hash of that id: it can
// be ended from here, and a copy of the table opens no session.
type sessionStore struct {
	port   Sessions
	codecs atomic.Pointer[[]securecookie.Codec]
	secure bool
	now    func() time.Time
}

func newSessionStore(port Sessions, keys [][]byte, secure bool, now func() time.Time) *sessionStore {
	s := &sessionStore{port: port, secure: secure, now: now}
	s.setKeys(keys)
	return s
}

// setKeys replaces the keys of the cookies; it may be called at any moment.
func (s *sessionStore) setKeys(keys [][]byte) {
	codecs := make([]securecookie.Codec, len(keys))
	for i, key := range keys {
		// Life is judged by the stored session, not by the cookie's own time.
		codecs[i] = securecookie.New(key, nil).SetSerializer(securecookie.JSONEncoder{}).MaxAge(0)
	}
	s.codecs.Store(&codecs)
}

// name is the name of the cookie. Its prefix __Host- makes a browser refuse it
// from a subdomain or without TLS.
func (s *sessionStore) name() string {
	if s.secure {
		return "__Host-sluis"
	}
	return "sluis"
}

func (s *sessionStore) options() *sessions.Options {
	return &sessions.Options{Path: "/", Secure: s.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// Get returns the session of r, which is read once.
func (s *sessionStore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New reads the session of r. It is IsNew if there is none; an error means that
// the database did not answer.
func (s *sessionStore) New(r *http.Request, name string) (*sessions.Session, error) {
	session := sessions.NewSession(s, name)
	session.IsNew, session.Options = true, s.options()
	cookie, err := r.Cookie(name)
	if err != nil {
		return session, nil //nolint:nilerr // no cookie, no session
	}
	var id string
	if err := securecookie.DecodeMulti(name, cookie.Value, &id, *s.codecs.Load()...); err != nil {
		return session, nil //nolint:nilerr // forged, or signed by a key that was retired
	}
	stored, err := s.port.SessionByHash(r.Context(), sha256.Sum256([]byte(id)))
	switch {
	case apperr.KindOf(err) == apperr.NotFound:
		return session, nil
	case err != nil:
		return session, err
	case !stored.Live(s.now()):
		return session, s.port.DeleteSession(r.Context(), stored.TokenHash)
	}
	values := map[string]string{}
	if len(stored.Data) > 0 {
		if err := json.Unmarshal(stored.Data, &values); err != nil {
			return session, errors.New("server: a stored session cannot be read")
		}
	}
	for k, v := range values {
		session.Values[k] = v
	}
	session.ID, session.IsNew, session.Values[row{}] = id, false, stored
	return session, nil
}

// Save stores the values of a session; only text is kept. If MaxAge is negative,
// the session and its cookie are deleted.
func (s *sessionStore) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	stored, ok := session.Values[row{}].(account.Session)
	if session.Options.MaxAge < 0 {
		s.clearCookie(w)
		if !ok {
			return nil
		}
		return s.port.DeleteSession(r.Context(), stored.TokenHash)
	}
	if !ok {
		return errNoSession
	}
	values := map[string]string{}
	for k, v := range session.Values {
		name, isName := k.(string)
		value, isText := v.(string)
		if isName && isText {
			values[name] = value
		}
	}
	data, err := json.Marshal(values)
	if err != nil {
		return err
	}
	stored.Data = data
	session.Values[row{}] = stored
	return s.port.SaveSession(r.Context(), stored)
}

// touch postpones the end of an idle session.
func (s *sessionStore) touch(ctx context.Context, session *sessions.Session) error {
	stored, ok := session.Values[row{}].(account.Session)
	if !ok || stored.Half || s.now().Sub(stored.LastSeenAt) < touchEvery {
		return nil
	}
	stored.Touch(s.now())
	session.Values[row{}] = stored
	return s.port.SaveSession(ctx, stored)
}

// drop deletes a stored session.
func (s *sessionStore) drop(ctx context.Context, session *sessions.Session) error {
	stored, ok := session.Values[row{}].(account.Session)
	if !ok {
		return nil
	}
	return s.port.DeleteSession(ctx, stored.TokenHash)
}

func (s *sessionStore) clearCookie(w http.ResponseWriter) {
	o := s.options()
	o.MaxAge = -1
	http.SetCookie(w, sessions.NewCookie(s.name(), "", o))
}

// userID returns who is signed in by a session, or 0 if that is nobody: a half session
// signs in nobody.
func userID(session *sessions.Session) int64 {
	stored, ok := session.Values[row{}].(account.Session)
	if !ok || stored.Half {
		return 0
	}
	return stored.UserID
}
