package ttpsandbox

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// The scopes of the contract that the sandbox knows.
const (
	ScopeTemporary  = "pseudonyms.temporary"
	ScopeDefinitive = "pseudonyms.definitive"
	ScopeConvert    = "pseudonyms.convert"
	ScopeDatasets   = "datasets.read"
)

var scopes = []string{ScopeTemporary, ScopeDefinitive, ScopeConvert, ScopeDatasets}

// Options make a sandbox. Only Clients and Domains must be set.
type Options struct {
	// KeyFile holds the TTP's master key. It is made, readable by its owner alone,
	// when it does not exist. Empty: a key that lives as long as the Sandbox.
	KeyFile string
	Log     *slog.Logger // nil: nothing is logged
	Now     func() time.Time
	// Lifetime of a temporary pseudonym; 0: 14 days.
	Lifetime time.Duration
	// TokenLifetime of an access token; 0: one hour.
	TokenLifetime time.Duration
	Clients       []Client
	Domains       []string // the pseudonym domains that exist
	MaxItems      int      // in one call; 0: 1000
	// MaxIdempotencyKeys remembered at once, oldest forgotten first; 0: 100,000.
	MaxIdempotencyKeys int
	// DatasetFolder holds the datasets that stand ready; empty: there are none.
	DatasetFolder string
	// Faults are switched on from the start. What stands in FaultFile, when it
	// exists, is taken over while the sandbox runs.
	Faults    Faults
	FaultFile string
	Seed      uint64 // of the shares of faults
}

// Client is a connected party.
type Client struct {
	ID, Secret string
	Scopes     []string
	// Recipient is, for a care provider, the party for which its temporary
	// pseudonyms are made, and for a registry its own name. A temporary pseudonym
	// opens for its recipient alone.
	Recipient string
	Domains   []string // those it may name; empty: all of them
}

func (c *Client) may(scope string) bool { return slices.Contains(c.Scopes, scope) }

// Sandbox is a TTP. It is safe for concurrent use.
type Sandbox struct {
	opt        Options
	clients    map[string]*Client
	recipients []string
	keys       *keyring
	answered   *ledger
	amsterdam  *time.Location
	turned     turned
	faults     atomic.Pointer[Faults]
	faultFile  watched
	dice       *dice
	load       load
}

// New checks the options, and reads the key file or makes it.
func New(opt Options) (*Sandbox, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	opt.Lifetime = orDefault(opt.Lifetime, 14*24*time.Hour)
	opt.TokenLifetime = orDefault(opt.TokenLifetime, time.Hour)
	opt.MaxItems = orDefault(opt.MaxItems, 1000)
	opt.MaxIdempotencyKeys = orDefault(opt.MaxIdempotencyKeys, 100_000)

	s := &Sandbox{opt: opt, clients: map[string]*Client{}, answered: newLedger(opt.MaxIdempotencyKeys), dice: newDice(opt.Seed)}
	s.SetFaults(opt.Faults)
	if err := s.addClients(); err != nil {
		return nil, err
	}
	master, err := masterKey(opt.KeyFile)
	if err != nil {
		return nil, err
	}
	if s.keys, err = newKeyring(master, opt.Domains); err != nil {
		return nil, err
	}
	// Which day it is decides whether a birth lies in the future; it is the day
	// of the hospital that asks.
	if s.amsterdam, err = time.LoadLocation("Europe/Amsterdam"); err != nil {
		s.amsterdam = time.FixedZone("CET", 3600)
	}
	return s, nil
}

func (s *Sandbox) addClients() error {
	if len(s.opt.Domains) == 0 {
		return errors.New("ttpsandbox: no domains given")
	}
	for i := range s.opt.Clients {
		c := s.opt.Clients[i]
		switch {
		case c.ID == "" || c.Secret == "" || c.Recipient == "":
			return fmt.Errorf("ttpsandbox: client %d lacks an id, a secret or a recipient", i+1)
		case s.clients[c.ID] != nil:
			return fmt.Errorf("ttpsandbox: two clients are called %q", c.ID)
		}
		for _, scope := range c.Scopes {
			if !slices.Contains(scopes, scope) {
				return fmt.Errorf("ttpsandbox: client %q has unknown scope %q; known are %s", c.ID, scope, strings.Join(scopes, ", "))
			}
		}
		s.clients[c.ID] = &c
		if !slices.Contains(s.recipients, c.Recipient) {
			s.recipients = append(s.recipients, c.Recipient)
		}
	}
	return nil
}

// Handler serves the contract's paths, with the faults that are switched on
// between the log and the routes.
func (s *Sandbox) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth2/token", s.token)
	mux.Handle("POST /v1/pseudonyms/temporary", s.guarded(ScopeTemporary, s.temporary))
	mux.Handle("POST /v1/pseudonyms/definitive", s.guarded(ScopeDefinitive, s.definitive))
	mux.Handle("POST /v1/pseudonyms/convert", s.guarded(ScopeConvert, s.convert))
	mux.HandleFunc("GET /v1/datasets", s.listDatasets)
	mux.HandleFunc("GET /v1/datasets/{id}", s.dataset)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		problem{Status: http.StatusNotFound, Code: "NOT_FOUND", Title: "There is no such call"}.write(w)
	})
	return s.logged(s.misbehave(mux))
}

// logged writes one line a call: never a header, a query or a body.
func (s *Sandbox) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		start := time.Now()
		w.Header().Set("Sluis-Sandbox", "1") // so that nobody takes its pseudonyms for real ones
		defer func() {                       // also where a fault breaks the connection off
			s.opt.Log.Info("ttp sandbox call", "method", r.Method, "route", r.Pattern,
				"status", rec.status, "ms", time.Since(start).Milliseconds())
		}()
		next.ServeHTTP(rec, r)
	})
}

// recorder remembers the status for the log.
type recorder struct {
	http.ResponseWriter
	status int
}

// Unwrap lets a fault flush through the recorder.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
