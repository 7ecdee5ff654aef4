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
	"time"

	"github.com/failsafe-go/failsafe-go/bulkhead"

	"sluis/internal/certificate"
)

// LineOptions make a Line. AuthURL and APIURL must be set. A zero in one of the
// other fields means the value that its comment names.
type LineOptions struct {
	AuthURL, APIURL string // base addresses, without the contract's paths
	// Sandbox allows the TTP to be the sandbox, also over plain http. Without it, an
	// answer that is marked as the sandbox's is refused: its pseudonyms are made up.
	Sandbox bool
	TLS     *tls.Config // private roots; nil: the system's
	// CertFile and KeyFile are our client certificate; set both or neither. They are
	// read again when they change.
	CertFile, KeyFile string
	Transport         http.RoundTripper // nil: one of its own, without a proxy
	Calls             int               // calls for files that may run at once; 4
	Log               *slog.Logger      // nil: none
	Now               func() time.Time  // nil: time.Now
}

// Line is the way to the TTP that all clients share: its connections, our
// certificate, and the number of calls that it takes at once. It is safe for
// concurrent use.
type Line struct {
	opt       LineOptions
	auth, api string
	http      *http.Client
	cert      *certificate.Pair // nil: we have none
	// A person who waits never queues behind the files.
	files, people bulkhead.Bulkhead[any]
}

// callsForPeople is the number of calls at once that are kept for people who wait.
const callsForPeople = 2

// NewLine checks the options and reads the certificate. Nothing is sent yet.
func NewLine(opt LineOptions) (*Line, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	opt.Calls = cmp.Or(opt.Calls, 4)
	auth, authErr := checkURL("auth address", opt.AuthURL, opt.Sandbox)
	api, apiErr := checkURL("API address", opt.APIURL, opt.Sandbox)
	err := errors.Join(authErr, apiErr)
	if opt.Calls < 1 {
		err = errors.Join(err, errors.New("the number of calls at once must be positive"))
	}
	l := &Line{
		opt: opt, auth: strings.TrimSuffix(opt.AuthURL, "/"), api: strings.TrimSuffix(opt.APIURL, "/"),
		files: bulkhead.New[any](uint(max(opt.Calls, 1))), people: bulkhead.New[any](callsForPeople),
	}
	if opt.CertFile != "" {
		var certErr error
		l.cert, certErr = certificate.Open(certificate.Options{
			Name: "TTP client certificate", CertFile: opt.CertFile, KeyFile: opt.KeyFile, Now: opt.Now, Log: opt.Log,
		})
		if certErr != nil {
			err = errors.Join(err, fmt.Errorf("read the TTP client certificate: %w", certErr))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("ttpclient: %w", err)
	}
	l.http = l.client(auth, api)
	return l, nil
}

// CertificateExpiry returns the moment at which our certificate ends; false if we
// have none.
func (l *Line) CertificateExpiry() (time.Time, bool) {
	if l.cert == nil {
		return time.Time{}, false
	}
	return l.cert.Ends(), true
}

// ReloadCertificate reads our certificate again at once. It reports whether another
// one is used from now on.
func (l *Line) ReloadCertificate() (changed bool, err error) {
	if l.cert == nil {
		return false, nil
	}
	return l.cert.Reload()
}

// checkURL returns raw as an address, or an error unless it is absolute, https and
// without anything secret in it.
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

// client returns an http.Client that reaches only the allowed addresses. It follows
// no redirects, and uses a proxy only if the configured Transport does.
func (l *Line) client(allowed ...*url.URL) *http.Client {
	next := l.opt.Transport
	if next == nil {
		cfg := &tls.Config{}
		if l.opt.TLS != nil {
			cfg = l.opt.TLS.Clone()
		}
		cfg.MinVersion = max(cfg.MinVersion, tls.VersionTLS12)
		if l.cert != nil {
			cfg.GetClientCertificate = l.cert.ForClient
		}
		conns := l.opt.Calls + callsForPeople + 2 // 2 for the fetching of tokens
		next = &http.Transport{
			TLSClientConfig: cfg, ForceAttemptHTTP2: true, DisableCompression: true,
			MaxConnsPerHost: conns, MaxIdleConnsPerHost: conns, IdleConnTimeout: 60 * time.Second,
			TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		}
	}
	g := guard{next: next, sandbox: l.opt.Sandbox, allowed: map[string]bool{}}
	for _, u := range allowed {
		g.allowed[u.Scheme+"://"+u.Host] = true
	}
	return &http.Client{
		Transport:     g,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// acquire waits until one more call may run. release makes room for the next one.
func (l *Line) acquire(ctx context.Context, person bool) (release func(), err error) {
	b := l.files
	if person {
		b = l.people
	}
	if err := b.AcquirePermit(ctx); err != nil {
		return nil, err
	}
	return b.ReleasePermit, nil
}

// guard refuses requests to a host that was not configured, and answers of the
// sandbox unless it is allowed.
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
