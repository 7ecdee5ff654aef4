package ttpclient

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
)

// gate keeps a client from asking a TTP that does not answer, that refuses our
// credential, or that asked for no calls for a while.
type gate struct {
	client *Client
	down   circuitbreaker.CircuitBreaker[any] // open: the TTP does not answer
	denied circuitbreaker.CircuitBreaker[any] // open: the TTP refuses our credential
	opened atomic.Int32                       // how often in a row down has opened
	until  atomic.Int64                       // Unix nanoseconds: the TTP asked for no calls before
}

const (
	longestOpen = time.Minute
	deniedDelay = time.Minute
)

func newGate(c *Client) *gate {
	g := &gate{client: c}
	g.down = circuitbreaker.NewBuilder[any]().
		HandleIf(func(_ any, err error) bool { return c.silent(err) }).
		WithFailureThreshold(uint(c.opt.Trip)).
		WithSuccessThreshold(1). // one trial call that succeeds is enough
		WithDelayFunc(func(e failsafe.ExecutionAttempt[any]) time.Duration {
			delay := min(c.opt.OpenDelay<<min(g.opened.Add(1)-1, 10), longestOpen)
			if f, ok := errors.AsType[*fault](e.LastError()); ok {
				delay = max(delay, f.retryAfter)
			}
			return delay
		}).
		OnOpen(func(circuitbreaker.StateChangedEvent) {
			c.log.Warn("ttp does not answer; no calls for a while", "scope", c.opt.Scope)
		}).
		OnClose(func(circuitbreaker.StateChangedEvent) {
			g.opened.Store(0)
			c.log.Info("ttp answers again", "scope", c.opt.Scope)
		}).
		Build()
	g.denied = circuitbreaker.NewBuilder[any]().
		HandleIf(func(_ any, err error) bool {
			f, ok := errors.AsType[*fault](err)
			return ok && (f.verdict == denied || f.verdict == newToken)
		}).
		WithFailureThreshold(1).
		WithDelay(deniedDelay).
		OnOpen(func(circuitbreaker.StateChangedEvent) {
			c.log.Error("ttp refuses our credential", "scope", c.opt.Scope)
		}).
		Build()
	return g
}

// silent reports whether a try got no answer. If the caller went away, that says
// nothing about the TTP; only a trial call then counts as unanswered, for it must
// not close the breaker.
func (c *Client) silent(err error) bool {
	f, ok := errors.AsType[*fault](err)
	if !ok || f.verdict != tryAgain && f.verdict != giveUp || f.unsent {
		return false
	}
	return !errors.Is(f.cause, context.Canceled) || c.gate.down.IsHalfOpen()
}

// wait waits until the TTP may be asked. If that takes longer than MaxDelay, it
// returns a fault at once that says when to come back.
func (g *gate) wait(ctx context.Context) error {
	left := time.Unix(0, g.until.Load()).Sub(g.client.now())
	if left <= 0 {
		return nil
	}
	if left > g.client.opt.MaxDelay {
		return &fault{verdict: tryAgain, what: "the TTP asked for no calls for a while", retryAfter: left, unsent: true}
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return networkFault(ctx.Err())
	}
}

// pause notes that the TTP asked for no calls for d. That binds all callers, not
// only the one that got the answer.
func (g *gate) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	until := g.client.now().Add(d).UnixNano()
	for {
		now := g.until.Load()
		if until <= now || g.until.CompareAndSwap(now, until) {
			return
		}
	}
}

// lift lets the next call go out.
func (g *gate) lift() {
	g.until.Store(0)
	for _, b := range []circuitbreaker.CircuitBreaker[any]{g.down, g.denied} {
		if b.IsOpen() {
			b.HalfOpen()
		}
	}
}

// openFault returns the fault of a call that comes while a breaker is open.
func (g *gate) openFault() *fault {
	if g.denied.IsOpen() {
		return &fault{
			verdict: denied, what: "the TTP refused our credential a moment ago",
			retryAfter: g.denied.RemainingDelay(), unsent: true,
		}
	}
	return &fault{
		verdict: tryAgain, what: "the TTP did not answer a moment ago",
		retryAfter: max(g.down.RemainingDelay(), time.Millisecond), unsent: true,
	}
}
