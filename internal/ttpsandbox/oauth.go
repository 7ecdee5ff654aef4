package ttpsandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// grant is the content of an access token. Tokens are signed and not stored, so
// that the sandbox keeps nothing per token and tokens survive a restart.
type grant struct {
	Client  string   `json:"c"`
	Scopes  []string `json:"s"`
	Expires int64    `json:"x"`
	Serial  int64    `json:"n"` // makes two tokens of the same second different
}

func (s *Sandbox) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 8<<10)
	if err := r.ParseForm(); err != nil {
		oauthError(w, http.StatusBadRequest, "invalid_request")
		return
	}
	c := s.authenticate(r)
	if c == nil {
		w.Header().Set("WWW-Authenticate", `Basic realm="ttp"`)
		oauthError(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	if r.PostForm.Get("grant_type") != "client_credentials" {
		oauthError(w, http.StatusBadRequest, "unsupported_grant_type")
		return
	}
	granted := c.Scopes
	if asked := strings.Fields(r.PostForm.Get("scope")); len(asked) > 0 {
		granted = asked
	}
	for _, scope := range granted {
		if !c.may(scope) {
			oauthError(w, http.StatusBadRequest, "invalid_scope")
			return
		}
	}
	now := s.opt.Now()
	writeJSON(w, map[string]any{
		"access_token": s.sign(grant{c.ID, granted, now.Add(s.opt.TokenLifetime).Unix(), now.UnixNano()}),
		"token_type":   "Bearer",
		"expires_in":   int(s.opt.TokenLifetime / time.Second),
		"scope":        strings.Join(granted, " "),
	})
}

// authenticate returns the client that a request names by HTTP Basic with
// form-encoded parts (RFC 6749, 2.3.1); nil if there is none or its secret is wrong.
// It compares the hashes of secrets, so that the time does not depend on their
// length.
func (s *Sandbox) authenticate(r *http.Request) *Client {
	id, secret, ok := r.BasicAuth()
	if !ok {
		return nil
	}
	if plain, err := url.QueryUnescape(id); err == nil {
		id = plain
	}
	if plain, err := url.QueryUnescape(secret); err == nil {
		secret = plain
	}
	c := s.clients[id]
	if c == nil {
		return nil
	}
	got := sha256.Sum256([]byte(secret))
	for _, accepted := range []string{c.Secret, c.OldSecret} {
		want := sha256.Sum256([]byte(accepted))
		if accepted != "" && subtle.ConstantTimeCompare(want[:], got[:]) == 1 {
			return c
		}
	}
	return nil
}

func oauthError(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": code})
}

func (s *Sandbox) sign(g grant) string {
	payload, _ := json.Marshal(g) // strings and numbers never fail to marshal
	text := base64.RawURLEncoding.EncodeToString(payload)
	return text + "." + base64.RawURLEncoding.EncodeToString(s.mac(text))
}

func (s *Sandbox) mac(text string) []byte {
	mac := hmac.New(sha256.New, s.keys.token)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// bearer returns the grant of a request; nil if it has no valid token.
func (s *Sandbox) bearer(r *http.Request) *grant {
	text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	payload, tag, dot := strings.Cut(text, ".")
	given, err := base64.RawURLEncoding.DecodeString(tag)
	if !ok || !dot || err != nil || !hmac.Equal(given, s.mac(payload)) {
		return nil
	}
	plain, err := base64.RawURLEncoding.DecodeString(payload)
	var g grant
	if err != nil || json.Unmarshal(plain, &g) != nil || s.opt.Now().Unix() >= g.Expires {
		return nil
	}
	return &g
}

// clientFor returns the client that makes a call under scope, or the problem to
// answer with if it may not.
func (s *Sandbox) clientFor(r *http.Request, scope string) (*Client, *problem) {
	g := s.bearer(r)
	if g == nil || s.clients[g.Client] == nil {
		return nil, &problem{Status: http.StatusUnauthorized, Code: "UNAUTHORIZED", Title: "A valid access token is needed"}
	}
	c := s.clients[g.Client]
	if !slices.Contains(g.Scopes, scope) || !c.may(scope) {
		return nil, &problem{Status: http.StatusForbidden, Code: "SCOPE_NOT_ALLOWED", Title: "This call needs scope " + scope}
	}
	return c, nil
}
