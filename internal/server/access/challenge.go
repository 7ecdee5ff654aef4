package access

import (
	"bytes"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gorilla/securecookie"

	"sluis/internal/account"
	"sluis/internal/server/page"
)

// challenges remembers, in the browser that asked, what a passkey was asked. The cookie is
// signed, so that asking costs the database nothing: whoever answers well writes there that
// the challenge is used.
type challenges struct {
	codecs atomic.Pointer[[]securecookie.Codec]
	secure bool
}

// asked is the content of the cookie. Session is the hash of the session in which the
// challenge was made, so that its answer counts in no other; empty if there was none.
type asked struct {
	Session []byte `json:"s"`
	Expires int64  `json:"e"` // seconds
	Data    []byte `json:"d"`
}

func (c *challenges) setKeys(keys [][]byte) {
	codecs := make([]securecookie.Codec, len(keys))
	for i, key := range keys {
		codecs[i] = securecookie.New(hash(key, "challenges"), nil).SetSerializer(securecookie.JSONEncoder{}).MaxAge(0)
	}
	c.codecs.Store(&codecs)
}

func (c *challenges) name(purpose string) string {
	if c.secure {
		return "__Host-sluis-passkey-" + purpose
	}
	return "sluis-passkey-" + purpose
}

func (c *challenges) set(w http.ResponseWriter, purpose, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure as the session is: not on plain loopback
		Name: c.name(purpose), Value: value, Path: "/", MaxAge: int(life / time.Second), Secure: c.secure, HttpOnly: true,
		SameSite: http.SameSiteStrictMode,
	})
}

// LeaveChallenge keeps what a passkey was asked for some purpose, in the visitor's browser.
func (h *Handlers) LeaveChallenge(v *page.Visit, purpose string, data []byte) error {
	session, err := h.Current(v)
	if err != nil {
		return err
	}
	a := asked{Session: session.TokenHash[:], Expires: h.o.Now().Add(account.ChallengeLife).Unix(), Data: data}
	value, err := securecookie.EncodeMulti(h.challenges.name(purpose), a, *h.challenges.codecs.Load()...)
	if err != nil {
		return err
	}
	h.challenges.set(v.W, purpose, value, account.ChallengeLife)
	return nil
}

// TakeChallenge returns what a passkey was asked for this purpose in this session, and
// until when the answer counts. It returns false if nothing was, or too long ago.
func (h *Handlers) TakeChallenge(v *page.Visit, purpose string) (data []byte, expires time.Time, ok bool, err error) {
	session, err := h.Current(v)
	if err != nil {
		return nil, time.Time{}, false, err
	}
	cookie, err := v.R.Cookie(h.challenges.name(purpose))
	if err != nil {
		return nil, time.Time{}, false, nil //nolint:nilerr // no cookie, no challenge
	}
	h.challenges.set(v.W, purpose, "", -time.Second)
	var a asked
	if err := securecookie.DecodeMulti(h.challenges.name(purpose), cookie.Value, &a, *h.challenges.codecs.Load()...); err != nil {
		return nil, time.Time{}, false, nil //nolint:nilerr // forged, or signed by a key that was retired
	}
	expires = time.Unix(a.Expires, 0)
	ok = bytes.Equal(a.Session, session.TokenHash[:]) && h.o.Now().Before(expires)
	return a.Data, expires, ok, nil
}
