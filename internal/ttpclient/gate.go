package ttpclient

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
)

// gate keeps a client from asking a TTP that does not answer, or that refuses
// it, or that asked to be left alone for a while.
type gate struct {
	client *Client
	down   circuitbreaker.CircuitBreaker[any] // it gives no answers
	denied circuitbreaker.CircuitBreaker[any] // it does not accept our credential
	opened atomic.Int32                       // times in a row that down opened
	until  atomic.Int64                       // Unix nanoseconds: it asked for no calls before
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
		WithSuccessThreshold(1). // one call on trial, and its word counts
		WithDelayFunc(func(e failsafe.ExecutionAttempt[any]) time.Duration {
			delay := min(c.opt.OpenDelay<<min(g.opened.Add(1)-1, 10), longestOpen)
			if f, ok := errors.AsType[*fault](e.LastError()); ok {
				delay = max(delay, f.retryAfter)
			}
			return delay
		}).
		OnOpen(func(circuitbreaker.StateChangedEvent) {
			c.log.Warn("ttp gives no answers; it is left alone for a while", "scope", c.opt.Scope)
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

// silent tells whether a try got no answer. A caller that went away says nothing
// of the TTP, save that a trial call must not be taken for a good one.
func (c *Client) silent(err error) bool {
	f, ok := errors.AsType[*fault](err)
	if !ok || f.verdict != tryAgain && f.verdict != giveUp || f.held {
		return false
	}
	return !errors.Is(f.cause, context.Canceled) || c.gate.down.IsHalfOpen()
}

// hold waits until the TTP may be asked, where that is soon; otherwise it is a
// fault that says when.
func (g *gate) hold(ctx context.Context) error {
	wait := time.Unix(0, g.until.Load()).Sub(g.client.now())
	if wait <= 0 {
		return nil
	}
	if wait > g.client.opt.MaxDelay {
		return &fault{verdict: tryAgain, what: "the TTP asked to be left alone", retryAfter: wait, held: true}
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return networkFault(ctx.Err())
	}
}

// asked notes how long the TTP wants to be left alone: by all callers, not by
// the one that heard it alone.
func (g *gate) asked(d time.Duration) {
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

// lift lets the next call out.
func (g *gate) lift() {
	g.until.Store(0)
	for _, b := range []circuitbreaker.CircuitBreaker[any]{g.down, g.denied} {
		if b.IsOpen() {
			b.HalfOpen()
		}
	}
}

// shut is what a caller hears who comes while a breaker is open.
func (g *gate) shut() *fault {
	if g.denied.IsOpen() {
		return &fault{verdict: denied, what: "the TTP refused our credential a moment ago", retryAfter: g.denied.RemainingDelay(), held: true}
	}
	return &fault{verdict: tryAgain, what: "the TTP gave no answers a moment ago", retryAfter: max(g.down.RemainingDelay(), time.Millisecond), held: true}
}
