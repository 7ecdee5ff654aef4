// Package oidc is how Sluis talks to an OpenID provider, and what it believes of the
// answers: discovery, the authorization code flow with PKCE, ID tokens and logout tokens.
//
// It keeps no token and no claim, it puts neither into an error or a log, and it does not
// decide who may come in.
package oidc

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	goidc "github.com/coreos/go-oidc/v3/oidc"
)

const (
	// Skew is how far the clock of a provider may be off.
	Skew = 2 * time.Minute
	// documentLife is how long a discovery document is used before it is read again.
	documentLife = time.Hour
	// failureLife is how long a failed discovery is answered from memory, so that people
	// who click again do not each wait for a provider that is down.
	failureLife = 5 * time.Second
	// mostCalls is how many calls to providers may be under way at once.
	mostCalls = 16
)

// algorithms are the ones that a token may be signed with. "none" and the HMACs are not
// among them: an HMAC could be made with the provider's public key.
var algorithms = []string{goidc.RS256, goidc.PS256, goidc.ES256}

// Options is what a Client needs.
type Options struct {
	Now func() time.Time
	// Networks are the networks besides the public Internet in which a provider may be.
	Networks []netip.Prefix
	// Loopback allows providers on this machine, also over plain http: for tests and
	// demonstrations.
	Loopback bool
	// Roots are the authorities that a provider's certificate may come from; nil for the
	// system's.
	Roots *x509.CertPool
	// Timeout limits one call; 10 seconds if 0.
	Timeout time.Duration
}

// Settings are those of one provider.
type Settings struct {
	Issuer   string
	ClientID string
	// Secret reads the client's secret, or its private key in PEM. It is called when the
	// provider asks who we are, so that a new one counts at once.
	Secret func() (string, error)
	Scopes []string // besides openid, profile and email
	// RedirectURL is where the provider sends the browser back to. Each provider has its
	// own, so that the answer of one cannot pass for that of another.
	RedirectURL string
}

// Client talks to any number of providers. It is safe for concurrent use.
type Client struct {
	http  *http.Client
	now   func() time.Time
	calls chan struct{}
	opt   Options

	mu    sync.Mutex
	known map[string]*provider // by issuer
}

// New makes a client.
func New(o Options) *Client {
	return &Client{
		http: newHTTPClient(o), now: o.Now, opt: o, calls: make(chan struct{}, mostCalls), known: map[string]*provider{},
	}
}

// provider is what is known of one provider. Its mutex is held while its document is
// read, so that many who come at once ask once.
type provider struct {
	mu       sync.Mutex
	readAt   time.Time
	document Document
	keys     *keys
	failed   error
}

// acquire takes a place among the calls. It fails if ctx ends before there is one.
func (c *Client) acquire(ctx context.Context) (release func(), err error) {
	select {
	case c.calls <- struct{}{}:
		return func() { <-c.calls }, nil
	case <-ctx.Done():
		return nil, fault(Slow)
	}
}

// of returns the document and the keys of a provider, from memory if they were read a
// while ago at most.
func (c *Client) of(ctx context.Context, issuer string) (Document, *keys, error) {
	c.mu.Lock()
	p := c.known[issuer]
	if p == nil {
		p = &provider{}
		c.known[issuer] = p
	}
	c.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	age := c.now().Sub(p.readAt)
	switch {
	case p.failed != nil && age < failureLife:
		return Document{}, nil, p.failed
	case p.failed == nil && p.keys != nil && age < documentLife:
		return p.document, p.keys, nil
	}
	d, err := c.Discover(ctx, issuer)
	p.readAt, p.failed = c.now(), err
	if err != nil {
		return Document{}, nil, err
	}
	if p.keys == nil || p.document.JWKSURI != d.JWKSURI {
		p.keys = c.newKeys(d.JWKSURI)
	}
	p.document = d
	return d, p.keys, nil
}

// Forget makes the next call read the document of a provider again.
func (c *Client) Forget(issuer string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, issuer)
}

// readPart decodes the header (0) or the payload (1) of a token, which nobody has
// verified.
func readPart(token string, part int, into any) error {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return fault(TokenMalformed)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[part])
	if err != nil || json.Unmarshal(raw, into) != nil {
		return fault(TokenMalformed)
	}
	return nil
}
