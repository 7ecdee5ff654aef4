// Package oidctest is an OpenID provider for tests, which can commit every fault that a
// client must withstand.
//
// It is imported by tests only.
package oidctest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The client that every provider knows.
const (
	ClientID     = "sluis"
	ClientSecret = "een geheim van de proef"
)

// Claims are those of a token.
type Claims = map[string]any

// Provider is an OpenID provider on loopback. Its person signs in without being asked
// anything.
type Provider struct {
	t      testing.TB
	server *httptest.Server
	URL    string // its issuer

	mu      sync.Mutex
	now     func() time.Time
	person  Claims
	faults  []Fault
	keys    []*signingKey
	codes   map[string]*grant
	calls   map[string]int // by path
	tokens  []string       // every token and code that it gave out
	last    url.Values     // of the last sign-in
	change  Claims         // of the discovery document
	redeems []url.Values
}

// grant is a code that was given out.
type grant struct {
	redirect, challenge, nonce string
	person                     Claims
	used                       bool
}

// Start starts a provider until the test ends.
func Start(t testing.TB) *Provider {
	t.Helper()
	p := &Provider{
		t: t, now: time.Now, codes: map[string]*grant{}, calls: map[string]int{}, keys: []*signingKey{newKey("RS256", "eerste")},
		person: Claims{"sub": "1234", "name": "Noor de Proef", "email": "noor@ziekenhuis.example.nl", "sid": "sessie-1"},
	}
	m := http.NewServeMux()
	m.HandleFunc("GET /.well-known/openid-configuration", p.serveDocument)
	m.HandleFunc("GET /keys", p.serveKeys)
	m.HandleFunc("GET /authorize", p.authorize)
	m.HandleFunc("POST /token", p.redeem)
	m.HandleFunc("GET /signed-out", func(http.ResponseWriter, *http.Request) {})
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.calls[r.URL.Path]++
		p.mu.Unlock()
		m.ServeHTTP(w, r)
	}))
	p.URL = p.server.URL
	t.Cleanup(p.Stop)
	return p
}

// Stop makes the provider unreachable.
func (p *Provider) Stop() { p.server.Close() }

// SetNow sets the clock of the provider.
func (p *Provider) SetNow(now func() time.Time) { p.mu.Lock(); defer p.mu.Unlock(); p.now = now }

// SignIn makes the provider's person somebody with these claims, on top of what they had.
func (p *Provider) SignIn(claims Claims) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.person = maps.Clone(p.person)
	for name, value := range claims {
		if value == nil {
			delete(p.person, name)
			continue
		}
		p.person[name] = value
	}
}

// Commit makes the provider commit these faults, and no others.
func (p *Provider) Commit(faults ...Fault) { p.mu.Lock(); defer p.mu.Unlock(); p.faults = faults }

// Publish changes the discovery document; a nil value leaves a member out.
func (p *Provider) Publish(change Claims) { p.mu.Lock(); defer p.mu.Unlock(); p.change = change }

// Calls returns how often a path was asked for.
func (p *Provider) Calls(path string) int { p.mu.Lock(); defer p.mu.Unlock(); return p.calls[path] }

// Secrets returns every code and token that the provider gave out.
func (p *Provider) Secrets() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.tokens)
}

// LastRequest returns the parameters of the last sign-in.
func (p *Provider) LastRequest() url.Values { p.mu.Lock(); defer p.mu.Unlock(); return p.last }

// LastRedeem returns the form of the last exchange of a code.
func (p *Provider) LastRedeem() url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.redeems[len(p.redeems)-1]
}

func (p *Provider) commits(f Fault) bool { return slices.Contains(p.faults, f) }

func (p *Provider) serveDocument(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := Claims{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
		"end_session_endpoint": p.URL + "/signed-out", "response_types_supported": []string{"code"},
		"id_token_signing_alg_values_supported": []string{"RS256", "PS256", "ES256"},
		"code_challenge_methods_supported":      []string{"S256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic"}, "backchannel_logout_supported": true,
		"authorization_response_iss_parameter_supported": true,
	}
	for name, value := range p.change {
		if value == nil {
			delete(d, name)
			continue
		}
		d[name] = value
	}
	switch {
	case p.commits(HugeDocument):
		d["filler"] = strings.Repeat("x", 2<<20)
	case p.commits(SlowDocument):
		p.stall(r)
		return
	case p.commits(DocumentRedirects):
		http.Redirect(w, r, p.URL+"/elsewhere", http.StatusFound)
		return
	case p.commits(DocumentIsAPage):
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, "<html>")
		return
	case p.commits(DocumentFails):
		http.Error(w, "", http.StatusBadGateway)
		return
	}
	answer(w, http.StatusOK, d)
}

// stall waits until the client has gone. It lets others in meanwhile.
func (p *Provider) stall(r *http.Request) {
	p.mu.Unlock()
	defer p.mu.Lock()
	select {
	case <-r.Context().Done():
	case <-time.After(30 * time.Second):
	}
}

func (p *Provider) serveKeys(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.commits(KeysRedirect):
		http.Redirect(w, r, p.URL+"/elsewhere", http.StatusFound)
		return
	case p.commits(HugeKeys):
		_, _ = w.Write(make([]byte, 2<<20))
		return
	case p.commits(SlowKeys):
		p.stall(r)
		return
	}
	set := []any{}
	for _, k := range p.keys {
		set = append(set, k.public())
	}
	answer(w, http.StatusOK, Claims{"keys": set})
}

// authorize signs the person in, or sends the browser back with an error.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := r.URL.Query()
	p.last = q
	back, err := url.Parse(q.Get("redirect_uri"))
	switch {
	case err != nil, q.Get("client_id") != ClientID, q.Get("response_type") != "code", q.Get("code_challenge_method") != "S256",
		q.Get("code_challenge") == "", q.Get("nonce") == "", q.Get("state") == "", !strings.Contains(q.Get("scope"), "openid"):
		http.Error(w, "not a sign-in", http.StatusBadRequest)
		return
	}
	answer := url.Values{"state": {q.Get("state")}, "iss": {p.URL}, "session_state": {"x"}}
	switch {
	case p.commits(AnswersWithError):
		answer.Set("error", "access_denied")
		answer.Set("error_description", "Kwistenbiebel wil niet")
	case p.commits(AnswersOddError):
		answer.Set("error", "<script>alert(1)</script>")
	default:
		answer.Set("code", p.newCode(q))
	}
	switch {
	case p.commits(NoResponseIssuer):
		answer.Del("iss")
	case p.commits(OtherResponseIssuer):
		answer.Set("iss", "https://elders.example.nl")
	}
	if p.commits(TwoCodes) {
		answer.Add("code", "tweede")
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound) //nolint:gosec // the client of a test says where to
}

func (p *Provider) newCode(q url.Values) string {
	code := "code-" + random()
	p.codes[code] = &grant{
		redirect: q.Get("redirect_uri"), challenge: q.Get("code_challenge"), nonce: q.Get("nonce"), person: maps.Clone(p.person),
	}
	p.tokens = append(p.tokens, code)
	return code
}

// redeem exchanges a code for tokens.
func (p *Provider) redeem(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := r.ParseForm(); err != nil {
		http.Error(w, "", http.StatusBadRequest)
		return
	}
	p.redeems = append(p.redeems, r.PostForm)
	refuse := func(status int, code string) {
		answer(w, status, Claims{"error": code, "error_description": "Kwistenbiebel"})
	}
	switch {
	case p.commits(SlowToken):
		p.stall(r)
		return
	case p.commits(HugeToken):
		answer(w, http.StatusOK, Claims{"access_token": "x", "filler": strings.Repeat("x", 2<<20)})
		return
	case p.commits(TokenFails):
		http.Error(w, "Kwistenbiebel", http.StatusInternalServerError)
		return
	case p.commits(TokenRedirects):
		http.Redirect(w, r, p.URL+"/elsewhere", http.StatusTemporaryRedirect)
		return
	case !p.knows(r):
		refuse(http.StatusUnauthorized, "invalid_client")
		return
	}
	g := p.codes[r.PostForm.Get("code")]
	verifier := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	switch {
	case g == nil, g.used && !p.commits(TakesCodesAgain), g.redirect != r.PostForm.Get("redirect_uri"),
		g.challenge != base64.RawURLEncoding.EncodeToString(verifier[:]) && !p.commits(NoChallengeCheck):
		refuse(http.StatusBadRequest, "invalid_grant")
		return
	}
	g.used = true
	out := Claims{"access_token": "access-" + random(), "token_type": "Bearer", "expires_in": 300, "refresh_token": "refresh-" + random()}
	p.tokens = append(p.tokens, out["access_token"].(string), out["refresh_token"].(string))
	if !p.commits(NoIDToken) {
		out["id_token"] = p.idToken(g)
	}
	answer(w, http.StatusOK, out)
}

// knows reports whether a call comes from the client: by its secret, or by a text that
// its key signed, which is not verified here.
func (p *Provider) knows(r *http.Request) bool {
	if id, secret, ok := r.BasicAuth(); ok {
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
		return id == ClientID && secret == ClientSecret
	}
	form := r.PostForm
	return form.Get("client_id") == ClientID && (form.Get("client_secret") == ClientSecret || form.Get("client_assertion") != "")
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
