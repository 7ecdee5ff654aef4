package access

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/gorilla/securecookie"
)

const (
	// knownLife is how long a browser is known after somebody signed in there.
	knownLife = 90 * 24 * time.Hour
	// mostKnown is how many people one browser is known by; those of a ward share one.
	mostKnown = 20
)

// knownBrowsers recognises a browser in which an account signed in before. Its tries
// for that account do not stand in one line with those of strangers, so that an attack
// does not slow down the people who work here every day. It is no proof of who
// somebody is: they need the password as everybody does.
type knownBrowsers struct {
	codecs atomic.Pointer[[]securecookie.Codec]
	key    atomic.Pointer[[]byte]
	secure bool
}

// knownAs is one account by which a browser is known. Account is a keyed hash.
type knownAs struct {
	Account string `json:"a"`
	ID      string `json:"i"`
}

func newKnownBrowsers(keys [][]byte, secure bool) *knownBrowsers {
	k := &knownBrowsers{secure: secure}
	k.setKeys(keys)
	return k
}

func (k *knownBrowsers) setKeys(keys [][]byte) {
	codecs := make([]securecookie.Codec, len(keys))
	for i, key := range keys {
		codecs[i] = securecookie.New(hash(key, "known browsers"), nil).SetSerializer(securecookie.JSONEncoder{}).
			MaxAge(int(knownLife / time.Second))
	}
	key := hash(keys[0], "accounts of known browsers")
	k.codecs.Store(&codecs)
	k.key.Store(&key)
}

func (k *knownBrowsers) name() string {
	if k.secure {
		return "__Secure-sluis-bekend"
	}
	return "sluis-bekend"
}

func (k *knownBrowsers) account(email string) string {
	return base64.RawURLEncoding.EncodeToString(hash(*k.key.Load(), email)[:16])
}

func (k *knownBrowsers) read(r *http.Request) []knownAs {
	cookie, err := r.Cookie(k.name())
	if err != nil {
		return nil
	}
	var list []knownAs
	if err := securecookie.DecodeMulti(k.name(), cookie.Value, &list, *k.codecs.Load()...); err != nil {
		return nil // forged, old, or signed by a key that was retired
	}
	return list
}

// find returns the id of r's browser if the account signed in there before, or "".
func (k *knownBrowsers) find(r *http.Request, email string) string {
	account := k.account(email)
	for _, known := range k.read(r) {
		if known.Account == account {
			return known.ID
		}
	}
	return ""
}

// remember notes in r's browser that the account signed in there. The cookie goes to
// the sign-in page only.
func (k *knownBrowsers) remember(w http.ResponseWriter, r *http.Request, email string) {
	account := k.account(email)
	id := k.find(r, email)
	if id == "" {
		id = rand.Text()
	}
	list := slices.DeleteFunc(k.read(r), func(known knownAs) bool { return known.Account == account })
	list = slices.Insert(list, 0, knownAs{account, id})
	value, err := securecookie.EncodeMulti(k.name(), list[:min(len(list), mostKnown)], *k.codecs.Load()...)
	if err != nil {
		return // the browser stays a stranger
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure as the session is: not on plain loopback
		Name: k.name(), Value: value, Path: signInPath, MaxAge: int(knownLife / time.Second), Secure: k.secure, HttpOnly: true,
		SameSite: http.SameSiteStrictMode,
	})
}
