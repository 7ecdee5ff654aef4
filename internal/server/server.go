// Package server is Sluis over HTTP: pages, sessions, and the JSON API's place
// among them. Everything of chi and gorilla/sessions is here.
//
// It puts requests into calls and answers into words, and keeps nothing. It
// never knows where data lives, how the TTP is reached, or an identity: entering
// one is server/entry's.
package server

import (
	"cmp"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"

	"sluis/internal/server/api"
	"sluis/internal/server/entry"
	"sluis/internal/server/upload"
)

// defaultBusyWait is how long the answer to an upload waits for its result.
const defaultBusyWait = 1500 * time.Millisecond

// defaultUploads is how many uploads of one centre are taken in at once.
const defaultUploads = 4

// Options is what the server needs.
type Options struct {
	Log *slog.Logger
	Now func() time.Time // time.Now where nil

	Accounts Accounts
	Sessions Sessions
	Audit    AuditLog
	Records  Records
	Receiver Receiver
	Columns  Columns
	Desk     Desk
	Preparer Preparer
	Watch    Watch
	Existing Existing
	ProofKey ed25519.PublicKey // of the registry's own signatures
	Expiries func() []Expiry   // what of ours at the TTP runs out

	Demo          bool // a banner on every page
	BirthYearOnly bool // the registry keeps the birth year alone
	// Secure says that browsers reach us over TLS: cookies and HSTS follow.
	Secure         bool
	SessionKeys    [][]byte // 32 bytes or more each; the first signs, all verify
	BaseURL        *url.URL // an origin that may post; nil for the Host header alone
	TrustedProxies []netip.Prefix
	MaxFileBytes   int64
	MaxRows        int
	MaxUploads     int      // of one centre at once, in this process; 4 where 0
	Types          []string // the pseudonym types that are kept
	LinkType       string   // the one that a file must have
	// BusyWait is how long the answer to an upload waits for a small file to be
	// done, so that its result is there at once; 1.5 s where 0, never where < 0.
	BusyWait time.Duration
}

// Server is the HTTP handler.
type Server struct {
	Options
	router   *chi.Mux
	sessions *sessionStore
	entry    *entry.Service
	api      *api.API
	signIns  *backoff // failed sign-ins, by account and by address
	tokens   *backoff // bad API tokens, by address
	uploads  *formKeys
	gate     *upload.Gate // uploads at once
	origin   *http.CrossOriginProtection
}

// New makes a server. It fails where an option is missing.
func New(o Options) (*Server, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	s := &Server{
		Options:  o,
		sessions: newSessionStore(o.Sessions, o.SessionKeys, o.Secure, o.Now),
		signIns:  newBackoff(o.Now),
		tokens:   newBackoff(o.Now),
		uploads:  newFormKeys(o.Now),
		gate:     upload.NewGate(o.MaxUploads),
		origin:   http.NewCrossOriginProtection(),
	}
	s.entry = &entry.Service{
		Preparer: o.Preparer, Desk: o.Desk, Log: o.Audit, Now: o.Now, BirthYearOnly: o.BirthYearOnly,
	}
	s.api = api.New(api.Options{
		Log: o.Log, Now: o.Now, Tokens: o.Accounts, Records: o.Records, Receiver: o.Receiver, Desk: o.Desk, Entry: s.entry,
		Audit: o.Audit, MaxFileBytes: o.MaxFileBytes, Gate: s.gate, BirthYearOnly: o.BirthYearOnly, Flooding: s.tokenFlood,
	})
	if o.BaseURL != nil {
		if err := s.origin.AddTrustedOrigin(o.BaseURL.Scheme + "://" + o.BaseURL.Host); err != nil {
			return nil, err
		}
	}
	s.router = s.mount()
	return s, nil
}

// complete fills in defaults and finds what is missing.
func (o *Options) complete() error {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.BusyWait == 0 {
		o.BusyWait = defaultBusyWait
	}
	o.MaxUploads = cmp.Or(o.MaxUploads, defaultUploads)
	switch {
	case o.Log == nil, o.Accounts == nil, o.Sessions == nil, o.Audit == nil, o.Records == nil, o.Receiver == nil, o.Columns == nil, o.Desk == nil, o.Preparer == nil, o.Watch == nil,
		o.Existing == nil:
		return errors.New("server: an option is missing")
	case len(o.SessionKeys) == 0 || slices.ContainsFunc(o.SessionKeys, func(k []byte) bool { return len(k) < 32 }):
		return errors.New("server: a session key has 32 bytes or more")
	case o.MaxFileBytes <= 0 || o.MaxRows <= 0 || !slices.Contains(o.Types, o.LinkType):
		return errors.New("server: the limits or the pseudonym types are missing")
	}
	return nil
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.router.ServeHTTP(w, r) }

// HTTPServer is a [http.Server] for s with the limits that s counts on. The
// caller sets what it listens on.
func (s *Server) HTTPServer() *http.Server {
	return &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		// net/http logs panics with their value: ours are caught before, and the
		// rest is TLS noise from strangers.
		ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
}
