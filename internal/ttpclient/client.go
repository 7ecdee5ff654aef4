package ttpclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"sluis/internal/ttphealth"
)

// Options make a Client. ClientID, Secret and Scope must be set. A zero in one of
// the other fields means the value after the semicolon of its comment.
type Options struct {
	ClientID, Secret string
	Scope            string // ScopeTemporary, ScopeDefinitive, …
	// Observe is called after every try. It gets the time the try took and whether
	// the TTP gave a usable answer. A refusal of the rows counts as a usable answer.
	Observe func(c ttphealth.Call, took time.Duration, ok bool) // nil: nobody

	MaxItems  int           // rows in one call; 1000
	Attempts  int           // tries of one call, the first included; 4
	BaseDelay time.Duration // wait before the second try, doubled for each later one; 300 ms
	MaxDelay  time.Duration // longest wait inside a call; 5 s. A TTP that asks for a longer one gets no more tries
	PerTry    time.Duration // time for one try, body included; 30 s
	Overall   time.Duration // time for one call with all its tries; 2 min
	MaxBody   int64         // bytes of one answer; 16 MiB
	// Trip is the number of unanswered tries in a row after which the client stops
	// asking for a while; 6.
	Trip int
	// OpenDelay is the length of that while; 5 s. It doubles each time, up to a
	// minute.
	OpenDelay time.Duration
}

// Client speaks to the TTP with one credential. It is made once and shared: all
// callers use the same token. It is safe for concurrent use.
type Client struct {
	opt      Options
	line     *Line
	log      *slog.Logger
	now      func() time.Time
	gate     *gate
	tokens   *tokenSource
	maxItems atomic.Int64 // shrinks when the TTP answers 413
}

// New checks the options. Nothing is sent yet.
func New(line *Line, opt Options) (*Client, error) {
	opt.MaxItems = cmp.Or(opt.MaxItems, defaultMaxItems)
	opt.Attempts = cmp.Or(opt.Attempts, 4)
	opt.BaseDelay = cmp.Or(opt.BaseDelay, 300*time.Millisecond)
	opt.MaxDelay = max(cmp.Or(opt.MaxDelay, 5*time.Second), opt.BaseDelay+1)
	opt.PerTry = cmp.Or(opt.PerTry, 30*time.Second)
	opt.Overall = cmp.Or(opt.Overall, 2*time.Minute)
	opt.MaxBody = cmp.Or(opt.MaxBody, 16<<20)
	opt.Trip = cmp.Or(opt.Trip, 6)
	opt.OpenDelay = cmp.Or(opt.OpenDelay, 5*time.Second)
	if opt.Observe == nil {
		opt.Observe = func(ttphealth.Call, time.Duration, bool) {}
	}
	var err error
	for name, value := range map[string]string{"client id": opt.ClientID, "secret": opt.Secret, "scope": opt.Scope} {
		if value == "" {
			err = errors.Join(err, fmt.Errorf("the TTP's %s is missing", name))
		}
	}
	if opt.MaxItems < 1 || opt.Attempts < 1 || opt.BaseDelay < 0 || opt.PerTry < 0 || opt.Overall < 0 || opt.Trip < 1 || opt.OpenDelay < 0 {
		err = errors.Join(err, errors.New("the TTP client's limits must be positive"))
	}
	if err != nil {
		return nil, fmt.Errorf("ttpclient: %w", err)
	}
	c := &Client{opt: opt, line: line, log: line.opt.Log, now: line.opt.Now}
	c.gate = newGate(c)
	c.tokens = newTokenSource(c)
	c.maxItems.Store(int64(opt.MaxItems))
	return c, nil
}

// TryNow lets the next call go out even if the client had stopped asking for a
// while. It is for the person who presses the button Nu proberen.
func (c *Client) TryNow() { c.gate.lift() }

// Silenced reports why the client does not ask the TTP at the moment: because it gives no
// answer, or because it refuses our credential.
func (c *Client) Silenced() (down, denied bool) { return c.gate.down.IsOpen(), c.gate.denied.IsOpen() }

// SetSecret replaces the secret while the client is in use. The next call goes out
// at once, even if the TTP refused the old secret.
func (c *Client) SetSecret(secret string) {
	if c.tokens.setSecret(secret) {
		c.TryNow()
	}
}

// CheckReal returns an error if the sandbox answers at the TTP's token address and
// the options do not allow a sandbox. A TTP that does not answer is no error: it
// may be down, and deliveries wait for it.
func (c *Client) CheckReal(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.line.auth+tokenPath, nil)
	if err != nil {
		return err
	}
	resp, err := c.line.http.Do(req)
	if errors.Is(err, errSandbox) {
		return errSandbox
	}
	if err == nil {
		_ = resp.Body.Close()
	}
	return nil
}
