package ttpclient

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// Options make a Client. AuthURL, APIURL, ClientID, Secret and Scope must be
// set; zero elsewhere means the value named.
type Options struct {
	AuthURL, APIURL  string // base addresses, without the contract's paths
	ClientID, Secret string
	Scope            string // ScopeTemporary or ScopeDefinitive
	// Sandbox lets the TTP be the sandbox, also over plain http. Without it an
	// answer that says it is the sandbox's is refused: its pseudonyms are made up.
	Sandbox   bool
	TLS       *tls.Config       // client certificate, private roots; nil: the system's
	Transport http.RoundTripper // nil: one of its own, without a proxy
	Log       *slog.Logger      // nil: none
	Now       func() time.Time  // nil: time.Now

	MaxItems  int           // rows in one call; 1000
	Attempts  int           // tries of one call, the first included; 4
	BaseDelay time.Duration // before the second try, doubled after; 300 ms
	MaxDelay  time.Duration // longest wait inside a call; 5 s. A TTP that asks for more gets no more tries
	PerTry    time.Duration // one try, body included; 30 s
	MaxBody   int64         // bytes of one answer; 16 MiB
}

// Client speaks to the TTP with one credential. It is made once and shared: all
// callers use one token. It is safe for concurrent use.
type Client struct {
	opt      Options
	api      string
	http     *http.Client
	tokens   *tokenSource
	maxItems atomic.Int64 // shrinks when the TTP says 413
}

// New checks the options. Nothing is sent yet.
func New(opt Options) (*Client, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	opt.MaxItems = cmp.Or(opt.MaxItems, defaultMaxItems)
	opt.Attempts = cmp.Or(opt.Attempts, 4)
	opt.BaseDelay = cmp.Or(opt.BaseDelay, 300*time.Millisecond)
	opt.MaxDelay = max(cmp.Or(opt.MaxDelay, 5*time.Second), opt.BaseDelay+1)
	opt.PerTry = cmp.Or(opt.PerTry, 30*time.Second)
	opt.MaxBody = cmp.Or(opt.MaxBody, 16<<20)

	auth, authErr := checkURL("auth address", opt.AuthURL, opt.Sandbox)
	api, apiErr := checkURL("API address", opt.APIURL, opt.Sandbox)
	err := errors.Join(authErr, apiErr)
	for name, value := range map[string]string{"client id": opt.ClientID, "secret": opt.Secret, "scope": opt.Scope} {
		if value == "" {
			err = errors.Join(err, fmt.Errorf("the TTP's %s is missing", name))
		}
	}
	if opt.MaxItems < 1 || opt.Attempts < 1 || opt.BaseDelay < 0 || opt.PerTry < 0 {
		err = errors.Join(err, errors.New("the TTP client's limits must be positive"))
	}
	if err != nil {
		return nil, fmt.Errorf("ttpclient: %w", err)
	}
	c := &Client{opt: opt, api: strings.TrimSuffix(opt.APIURL, "/"), http: newHTTPClient(opt, auth, api)}
	c.tokens = newTokenSource(c)
	c.maxItems.Store(int64(opt.MaxItems))
	return c, nil
}

// checkURL wants an absolute https address without anything secret in it.
func checkURL(name, raw string, allowHTTP bool) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return nil, fmt.Errorf("the TTP's %s is no address such as https://example.nl", name)
	case u.Scheme != "https" && (u.Scheme != "http" || !allowHTTP):
		return nil, fmt.Errorf("the TTP's %s must start with https://", name)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("the TTP's %s must have no user, query or fragment", name)
	}
	return u, nil
}

// newHTTPClient reaches the two addresses that were configured and no other:
// redirects are not followed, and a proxy takes part only when Transport has one.
func newHTTPClient(opt Options, allowed ...*url.URL) *http.Client {
	next := opt.Transport
	if next == nil {
		cfg := &tls.Config{MinVersion: tls.VersionTLS12}
		if opt.TLS != nil {
			cfg = opt.TLS.Clone()
			cfg.MinVersion = max(cfg.MinVersion, tls.VersionTLS12)
		}
		next = &http.Transport{
			TLSClientConfig: cfg, ForceAttemptHTTP2: true, DisableCompression: true,
			MaxConnsPerHost: 8, MaxIdleConnsPerHost: 8, IdleConnTimeout: 60 * time.Second,
			TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		}
	}
	g := guard{next: next, sandbox: opt.Sandbox, allowed: map[string]bool{}}
	for _, u := range allowed {
		g.allowed[u.Scheme+"://"+u.Host] = true
	}
	return &http.Client{
		Transport:     g,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// guard lets no request out to a host that was not configured.
type guard struct {
	next    http.RoundTripper
	sandbox bool
	allowed map[string]bool
}

var (
	errHost    = errors.New("the host is not the configured TTP's")
	errSandbox = errors.New("the TTP is the sandbox, whose pseudonyms are made up: set SLUIS_TTP_SANDBOX=true to rehearse with it")
)

func (g guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if !g.allowed[r.URL.Scheme+"://"+r.URL.Host] {
		return nil, errHost
	}
	resp, err := g.next.RoundTrip(r)
	if err == nil && !g.sandbox && resp.Header.Get(sandboxHeader) != "" {
		_ = resp.Body.Close()
		return nil, errSandbox
	}
	return resp, err
}

// CheckReal tells whether the TTP's token address answers as the sandbox does,
// where that is not allowed. A TTP that does not answer is no error: it may be
// down, and deliveries wait for it.
func (c *Client) CheckReal(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.opt.AuthURL, "/")+tokenPath, nil)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if errors.Is(err, errSandbox) {
		return errSandbox
	}
	if err == nil {
		_ = resp.Body.Close()
	}
	return nil
}
