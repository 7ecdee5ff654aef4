// Package server is Sluis over HTTP. It mounts the rooms (one package for each
// noun: deliveries, patients, conflicts, …) and the JSON API and the FHIR door under one table of
// routes, behind one middleware. Everything of chi is here.
//
// It never knows where data lives, how the TTP is reached, or an identity: entering
// one is server/entry's.
package server

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"

	"sluis/internal/account"
	"sluis/internal/oidc"
	"sluis/internal/server/access"
	"sluis/internal/server/accounts"
	"sluis/internal/server/api"
	"sluis/internal/server/centres"
	"sluis/internal/server/conflicts"
	"sluis/internal/server/conversions"
	"sluis/internal/server/deliveries"
	"sluis/internal/server/desk"
	"sluis/internal/server/entry"
	"sluis/internal/server/factors"
	"sluis/internal/server/fhirdoor"
	"sluis/internal/server/logbook"
	"sluis/internal/server/page"
	"sluis/internal/server/patients"
	"sluis/internal/server/request"
	"sluis/internal/server/signon"
	"sluis/internal/server/upload"
)

// defaultBusyWait is how long the answer to an upload waits for its result.
const defaultBusyWait = 1500 * time.Millisecond

// defaultUploads is how many files of one centre are taken in at once.
const defaultUploads = 4

// Options is what the server needs.
type Options struct {
	Log *slog.Logger
	Now func() time.Time // time.Now if nil

	Accounts   Accounts
	People     People
	CentreDesk CentreDesk
	Sessions   Sessions
	Tries      Tries
	// Factors keep what people have besides a password; FactorKeys seal it; SecondFactor
	// says who needs what, its zero value the strictest.
	Factors      Factors
	FactorKeys   factors.Keys
	SecondFactor account.FactorPolicy

	Providers Providers
	SignOn    *oidc.Client // talks to the providers
	// SignOnSecrets is the folder of the files with clients' secrets; empty if there is none.
	SignOnSecrets string
	// SignOnLoopback allows providers on this machine.
	SignOnLoopback bool
	Audit          AuditLog
	Mail           Mailer // nil: one-time links are shown, and nobody is told of changes
	Records        Records
	Receiver       Receiver
	Columns        Columns
	Desk           Desk
	Preparer       Preparer
	Watch          Watch
	Planner        Planner
	Conversion     Conversion
	ProofKey       ed25519.PublicKey // of the registry's own signatures
	Expiries       func() []Expiry   // what of ours at the TTP runs out

	// Ready does the checks of /readyz.
	Ready func(ctx context.Context) []Check
	// Observe is told the pattern of the route, the status and the duration of every
	// answer; nil for nobody.
	Observe func(route string, status int, took time.Duration)

	LogReviewEvery time.Duration // how often the access log is reviewed; a month if 0

	Version       string // of the program, for the foot of a page
	Demo          bool   // a banner on every page
	BirthYearOnly bool   // the registry keeps the birth year only
	// Secure says that browsers reach us over TLS. Cookies and HSTS depend on it.
	Secure         bool
	SessionKeys    [][]byte // 32 bytes or more each; the first signs, all verify
	BaseURL        *url.URL // an origin that may post; nil for the Host header only
	TrustedProxies []netip.Prefix
	ClientCerts    request.Certs // where the certificates of scripts are found
	MaxFileBytes   int64
	MaxRows        int
	MaxUploads     int           // of one centre at once, in this process; 4 if 0
	Patience       time.Duration // how long a connection may be silent during an upload; a minute if 0
	Types          []string      // the pseudonym types that are kept
	LinkType       string        // the one that a file must have
	// BusyWait is how long the answer to an upload waits for a small file, so that its
	// page has the result at once. 0 means 1.5 s, less than 0 no wait.
	BusyWait time.Duration
}

// Server is the HTTP handler.
type Server struct {
	o      Options
	router *chi.Mux
	frame  *page.Frame
	api    *api.API
	fhir   *fhirdoor.Door
	origin *http.CrossOriginProtection

	limiter     *limiter
	ready       *readiness
	access      *access.Handlers
	accounts    *accounts.Handlers
	centres     *centres.Handlers
	conflicts   *conflicts.Handlers
	conversions *conversions.Handlers
	deliveries  *deliveries.Handlers
	desk        *desk.Handlers
	factors     *factors.Handlers
	logbook     *logbook.Handlers
	patients    *patients.Handlers
	signon      *signon.Handlers
}

// New makes a server. It fails if an option is missing.
func New(o Options) (*Server, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	s := &Server{o: o, origin: http.NewCrossOriginProtection()}
	if o.BaseURL != nil {
		if err := s.origin.AddTrustedOrigin(o.BaseURL.Scheme + "://" + o.BaseURL.Host); err != nil {
			return nil, err
		}
	}
	if err := s.furnish(); err != nil {
		return nil, err
	}
	s.router = s.mount()
	return s, nil
}

// furnish makes the rooms and the API.
func (s *Server) furnish() (err error) {
	o, door := s.o, upload.NewDoor(s.o.MaxUploads, s.o.MaxFileBytes, s.o.Patience)
	single := entry.New(entry.Options{Preparer: o.Preparer, Desk: o.Desk, Log: o.Audit, Now: o.Now, BirthYearOnly: o.BirthYearOnly})
	s.limiter = newLimiter(o.Now)
	s.ready = &readiness{check: o.Ready}
	s.access = access.New(access.Options{
		Log: o.Log, Now: o.Now, Accounts: o.Accounts, Sessions: o.Sessions, Tries: o.Tries, Audit: o.Audit, Secure: o.Secure,
		Mail: o.Mail, Keys: o.SessionKeys, Factors: o.Factors, Policy: o.SecondFactor, Passkeys: factors.PasskeysWork(o.BaseURL),
	})
	s.factors, err = factors.New(factors.Options{Now: o.Now, Store: o.Factors, Access: s.access, Keys: o.FactorKeys, BaseURL: o.BaseURL})
	if err != nil {
		return err
	}
	s.accounts = accounts.New(accounts.Options{
		Now: o.Now, Store: o.People, Access: s.access, Factors: s.factors, Audit: o.Audit, Mail: o.Mail, BaseURL: o.BaseURL,
	})
	s.signon = signon.New(signon.Options{
		Now: o.Now, Store: o.Providers, Client: o.SignOn, Access: s.access, Audit: o.Audit, BaseURL: o.BaseURL, Secrets: o.SignOnSecrets,
		Secure: o.Secure, Loopback: o.SignOnLoopback,
	})
	s.access.SetElsewhere(s.signon)
	s.centres = centres.New(centres.Options{
		Now: o.Now, Store: o.CentreDesk, MaxRows: o.MaxRows, Certificates: o.ClientCerts != request.NoCerts,
	})
	s.frame = page.New(page.Options{
		Log: o.Log, Centres: o.Accounts, Notes: s.access, Demo: o.Demo, BirthYearOnly: o.BirthYearOnly, Version: o.Version,
		FactorOptional: o.SecondFactor == account.FactorOptional,
	})
	s.logbook = logbook.New(logbook.Options{Now: o.Now, Log: o.Audit, ReviewEvery: o.LogReviewEvery})
	s.desk = desk.New(desk.Options{
		Now: o.Now, Records: o.Records, Conflicts: o.Desk, Watch: o.Watch, Planner: o.Planner, Audit: o.Audit,
		Logbook: s.logbook, Expiries: o.Expiries,
		BirthYearOnly: o.BirthYearOnly,
	})
	s.patients = patients.New(patients.Options{Records: o.Records, Entry: single, BirthYearOnly: o.BirthYearOnly})
	s.conflicts = conflicts.New(conflicts.Options{Desk: o.Desk, BirthYearOnly: o.BirthYearOnly})
	s.conversions = conversions.New(conversions.Options{Now: o.Now, Conversion: o.Conversion, ProofKey: o.ProofKey})
	s.deliveries = deliveries.New(deliveries.Options{
		Now: o.Now, Records: o.Records, Receiver: o.Receiver, Columns: o.Columns, Desk: o.Desk, Door: door, Plan: o.Planner.Maintenance,
		MaxRows: o.MaxRows, Types: o.Types, BusyWait: o.BusyWait,
	})
	s.api = api.New(api.Options{
		Log: o.Log, Now: o.Now, Tokens: o.Accounts, Records: o.Records, Receiver: o.Receiver, Desk: o.Desk, Entry: single,
		Audit: o.Audit, Door: door, MaxRows: o.MaxRows, BirthYearOnly: o.BirthYearOnly, BadToken: s.access.BadToken,
		Plan: o.Planner.Maintenance,
	})
	s.fhir = fhirdoor.New(fhirdoor.Options{Now: o.Now, API: s.api, Records: o.Records, BusyWait: o.BusyWait})
	return nil
}

// complete fills in the defaults and checks the rest.
func (o *Options) complete() error {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.BusyWait == 0 {
		o.BusyWait = defaultBusyWait
	}
	if o.Observe == nil {
		o.Observe = func(string, int, time.Duration) {}
	}
	o.MaxUploads = cmp.Or(o.MaxUploads, defaultUploads)
	o.Patience = cmp.Or(o.Patience, time.Minute)
	switch {
	case o.Log == nil, o.Accounts == nil, o.People == nil, o.CentreDesk == nil, o.Sessions == nil, o.Tries == nil,
		o.Factors == nil, o.FactorKeys == nil,
		o.Audit == nil, o.Records == nil, o.Receiver == nil, o.Columns == nil, o.Desk == nil, o.Preparer == nil, o.Watch == nil,
		o.Conversion == nil, o.Ready == nil, o.Providers == nil, o.SignOn == nil, o.Planner == nil:
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

// SetSessionKeys replaces the keys that sign and verify the session cookie, while the
// server is in use.
func (s *Server) SetSessionKeys(keys [][]byte) { s.access.SetKeys(keys) }

// HTTPServer returns a [http.Server] for s with the limits that s relies on. The
// caller chooses its listener.
func (s *Server) HTTPServer() *http.Server {
	return &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		// net/http logs panics with their value: ours are caught before, and the
		// rest is TLS noise from strangers.
		ErrorLog: slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug),
	}
}
