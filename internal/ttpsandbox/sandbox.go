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
	// KeyFile holds the TTP's master key. If it does not exist it is made, readable
	// only by its owner. Empty: a key that lives as long as the Sandbox.
	KeyFile string
	Log     *slog.Logger     // nil: nothing is logged
	Now     func() time.Time // nil: time.Now
	// Lifetime of a temporary pseudonym; 0: 14 days.
	Lifetime time.Duration
	// TokenLifetime of an access token; 0: one hour.
	TokenLifetime time.Duration
	Clients       []Client
	Domains       []string // the pseudonym domains that exist
	MaxItems      int      // in one call; 0: 1000
	// MaxIdempotencyKeys is the number of keys remembered at once; the oldest is
	// forgotten first; 0: 100,000.
	MaxIdempotencyKeys int
	// DatasetFolder holds the datasets that are ready; empty: there are none.
	DatasetFolder string
	// Faults are switched on from the start. Those that FaultFile lists, if it
	// exists, replace them while the sandbox runs.
	Faults    Faults
	FaultFile string
	Seed      uint64 // of the draws that share out the faults
}

// Client is a connected party.
type Client struct {
	ID, Secret string
	OldSecret  string // accepted too, while a secret is being replaced; empty for none
	Scopes     []string
	// Recipient is, for a care provider, the party for which its temporary
	// pseudonyms are made, and for a registry its own name. Only its recipient can
	// exchange a temporary pseudonym.
	Recipient string
	// Provider is the care provider, such as 2809, to which its temporary pseudonyms are
	// bound; empty for a client that makes them on behalf of several.
	Provider string
	Domains  []string // the domains that it may use; empty: all of them
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

// New makes a sandbox. It reads the key file, or makes it if it does not exist.
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
	// A birth lies in the future or not by the day that it is for the hospital.
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

// Handler returns the handler of the contract's paths. Every call is logged, and
// then gets the faults that are switched on.
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

// logged writes one log line for each call, without headers, query or body.
func (s *Sandbox) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		start := time.Now()
		w.Header().Set("Sluis-Sandbox", "1") // so that nobody takes its pseudonyms for real ones
		defer func() {                       // deferred, for a fault may break off the connection by a panic
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

// AcceptToo lets a client use a second secret. It is called before the first request.
func (s *Sandbox) AcceptToo(id, secret string) {
	if c := s.clients[id]; c != nil {
		c.OldSecret = secret
	}
}
