package ttpclient_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sluis/internal/ttpclient"
	"sluis/internal/ttpclient/ttptest"
)

// bubbled returns a client with the limits of production that reaches its TTP
// without a network. It is for tests in a synctest bubble, where time is not real.
func bubbled(ttp *ttptest.TTP, change ...func(*ttpclient.Options)) *ttpclient.Client {
	line := ttp.Line(func(o *ttpclient.LineOptions) { o.Transport = ttp.RoundTripper() })
	return ttp.ClientOn(line, ttpclient.ScopeTemporary, append([]func(*ttpclient.Options){func(o *ttpclient.Options) {
		o.BaseDelay, o.MaxDelay, o.PerTry, o.Trip = 0, 0, 0, 0
	}}, change...)...)
}

// pass lets d go by on the clock of a synctest bubble. Nothing really waits.
func pass(d time.Duration) { time.Sleep(d) }

// answer makes ttp answer every pseudonym call with status and headers.
func answer(ttp *ttptest.TTP, status int, headers ...string) {
	ttp.BreakCalls(func(_ int, _ http.Handler, w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
	})
}

// TestADayOfOutage lets a TTP be down for 24 hours. Of the callers that come every
// 20 seconds, only now and then one makes a call, and the first one after the outage
// gets an answer.
func TestADayOfOutage(t *testing.T) {
	ttp := ttptest.Start(t)
	began := time.Now()
	synctest.Test(t, func(t *testing.T) {
		c := bubbled(ttp)
		answer(ttp, http.StatusServiceUnavailable)
		asked := 0
		for start := time.Now(); time.Since(start) < 24*time.Hour; pass(20 * time.Second) {
			asked++
			_, err := c.Exchange(t.Context(), fmt.Sprint(asked), call, rows(1))
			if u := unavailable(t, err); u.Denied {
				t.Fatal(u)
			}
		}
		calls := ttp.Calls.Load()
		if calls > 24*60*4 || calls < 24*30 {
			t.Errorf("%d calls for %d callers", calls, asked)
		}
		ttp.Break(nil)
		pass(time.Minute)
		got, err := c.Exchange(t.Context(), "after", call, rows(1))
		wellAnswered(t, 1, got, err)
		t.Logf("24 h: %d callers, %d calls made", asked, calls)
	})
	t.Logf("in %v", time.Since(began).Round(time.Millisecond))
}

// TestBreaker shows that no calls are made for a while after Trip calls in vain.
// Then one trial call is made, and if it fails the next while is longer. A person
// can have a call made at once.
func TestBreaker(t *testing.T) {
	ttp := ttptest.Start(t)
	synctest.Test(t, func(t *testing.T) {
		c := bubbled(ttp, func(o *ttpclient.Options) { o.Attempts, o.Trip = 1, 3 })
		ask := func() (calls int64, wait time.Duration) {
			t.Helper()
			before := ttp.Calls.Load()
			_, err := c.Exchange(t.Context(), "k", call, rows(1))
			return ttp.Calls.Load() - before, unavailable(t, err).RetryAfter
		}
		answer(ttp, http.StatusInternalServerError)
		for range 3 {
			if n, _ := ask(); n != 1 {
				t.Fatalf("%d calls while the breaker was closed", n)
			}
		}
		n, wait := ask()
		if n != 0 || wait <= 0 || wait > 5*time.Second {
			t.Errorf("open: %d calls, wait %v", n, wait)
		}
		pass(wait)
		if n, _ = ask(); n != 1 {
			t.Errorf("half-open: %d calls", n)
		}
		if n, longer := ask(); n != 0 || longer <= 5*time.Second {
			t.Errorf("open again: %d calls, wait %v", n, longer)
		}
		c.TryNow()
		if n, _ = ask(); n != 1 {
			t.Errorf("after TryNow: %d calls", n)
		}
		ttp.Break(nil)
		c.TryNow()
		for i := range 3 {
			got, err := c.Exchange(t.Context(), fmt.Sprint("good", i), call, rows(1))
			wellAnswered(t, 1, got, err)
		}
	})
}

// TestRefusedIsNotHammered shows that a refused credential is tried only once a
// minute, however many callers there are, and with two tokens at most.
func TestRefusedIsNotHammered(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			ttp := ttptest.Start(t)
			synctest.Test(t, func(t *testing.T) {
				c := bubbled(ttp)
				answer(ttp, status)
				var calls int64
				for i := range 20 {
					_, err := c.Exchange(t.Context(), fmt.Sprint(i), call, rows(1))
					u := unavailable(t, err)
					if !u.Denied {
						t.Fatalf("%d: %v", i, u)
					}
					if i == 0 {
						calls = ttp.Calls.Load()
					} else if u.RetryAfter <= 0 {
						t.Errorf("it does not say when to come back: %v", u)
					}
				}
				if n, tokens := ttp.Calls.Load(), ttp.Tokens.Load(); n != calls || tokens > 2 {
					t.Errorf("%d calls for the first, %d for twenty; %d tokens", calls, n, tokens)
				}
				ttp.Break(nil)
				pass(time.Minute)
				got, err := c.Exchange(t.Context(), "later", call, rows(1))
				wellAnswered(t, 1, got, err)
			})
		})
	}
}

// TestRetryAfter tries the header in seconds, as a date by the TTP's own clock,
// missing and absurd.
func TestRetryAfter(t *testing.T) {
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC) // nowhere near our clock
	for name, c := range map[string]struct {
		headers []string
		want    time.Duration
	}{
		"seconds": {[]string{"Retry-After", "120"}, 2 * time.Minute},
		"a date, on another clock": {[]string{
			"Retry-After", at.Add(90 * time.Second).Format(http.TimeFormat), "Date", at.Format(http.TimeFormat),
		}, 90 * time.Second},
		"missing":                     {nil, 0},
		"nonsense":                    {[]string{"Retry-After", "soon"}, 0},
		"negative":                    {[]string{"Retry-After", "-5"}, 0},
		"far too long":                {[]string{"Retry-After", "86400"}, time.Hour},
		"longer than an int64 can be": {[]string{"Retry-After", "99999999999999999999"}, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			ttp := ttptest.Start(t)
			synctest.Test(t, func(t *testing.T) {
				client := bubbled(ttp, func(o *ttpclient.Options) { o.Attempts = 2 })
				answer(ttp, http.StatusTooManyRequests, c.headers...)
				_, err := client.Exchange(t.Context(), "k", call, rows(1))
				if u := unavailable(t, err); u.RetryAfter != c.want {
					t.Errorf("wait %v, want %v", u.RetryAfter, c.want)
				}
			})
		})
	}
}

// TestRetryAfterIsForAll shows that all callers wait if the TTP asked one of them to.
func TestRetryAfterIsForAll(t *testing.T) {
	ttp := ttptest.Start(t)
	synctest.Test(t, func(t *testing.T) {
		c := bubbled(ttp, func(o *ttpclient.Options) { o.Attempts = 1 })
		answer(ttp, http.StatusTooManyRequests, "Retry-After", "60")
		_, err := c.Exchange(t.Context(), "first", call, rows(1))
		unavailable(t, err)
		ttp.Break(nil)
		_, err = c.Exchange(t.Context(), "second", call, rows(1))
		if u := unavailable(t, err); u.RetryAfter <= 50*time.Second || ttp.Calls.Load() != 1 {
			t.Errorf("%d calls, wait %v", ttp.Calls.Load(), u.RetryAfter)
		}
		pass(58 * time.Second)
		start := time.Now()
		got, err := c.Exchange(t.Context(), "third", call, rows(1)) // two seconds are left, which is less than MaxDelay
		wellAnswered(t, 1, got, err)
		if waited := time.Since(start); waited != 2*time.Second {
			t.Errorf("waited %v", waited)
		}
	})
}

// TestCallsAtOnce shows that all clients of a line together make at most Calls calls
// for files at once, and that a person who waits does not queue behind them.
func TestCallsAtOnce(t *testing.T) {
	ttp := ttptest.Start(t)
	line := ttp.Line(func(o *ttpclient.LineOptions) { o.Calls = 2 })
	one, two := ttp.ClientOn(line, ttpclient.ScopeTemporary), ttp.ClientOn(line, ttpclient.ScopeTemporary)
	var now, peak atomic.Int64
	underWay, release := make(chan struct{}, 100), make(chan struct{})
	ttp.BreakCalls(func(_ int, next http.Handler, w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for p := peak.Load(); n > p && !peak.CompareAndSwap(p, n); p = peak.Load() {
		}
		underWay <- struct{}{}
		<-release
		next.ServeHTTP(w, r)
	})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			c := []*ttpclient.Client{one, two}[i%2]
			if got, err := c.Exchange(t.Context(), fmt.Sprint(i), call, rows(1)); err != nil || len(got) != 1 {
				t.Error(got, err)
			}
		})
	}
	<-underWay
	<-underWay
	person := call
	person.PerTry = time.Minute
	wg.Go(func() {
		if got, err := one.Exchange(t.Context(), "person", person, rows(1)); err != nil || len(got) != 1 {
			t.Error(got, err)
		}
	})
	<-underWay // the person's call, while the files use all their places
	if n := peak.Load(); n != 3 {
		t.Errorf("%d calls at once, want two for files and one for a person", n)
	}
	close(release)
	wg.Wait()
	if n := peak.Load(); n > 3 {
		t.Errorf("%d calls at once", n)
	}
}

// TestOverall shows that a call with all its tries ends in time, whatever the TTP
// does.
func TestOverall(t *testing.T) {
	ttp := ttptest.Start(t)
	synctest.Test(t, func(t *testing.T) {
		c := bubbled(ttp, func(o *ttpclient.Options) { o.Attempts, o.Trip, o.Overall = 1000, 1000, time.Minute })
		answer(ttp, http.StatusBadGateway)
		start := time.Now()
		_, err := c.Exchange(t.Context(), "k", call, rows(1))
		unavailable(t, err)
		if took := time.Since(start); took > time.Minute || took < 30*time.Second {
			t.Errorf("ended after %v", took)
		}
	})
}

// TestCompressedAnswer shows that a compressed answer is refused: the client did not
// ask for one, and it may be a bomb.
func TestCompressedAnswer(t *testing.T) {
	ttp := ttptest.Start(t)
	answer(ttp, http.StatusOK, "Content-Encoding", "gzip", "Content-Type", "application/json")
	_, err := ttp.Client(ttpclient.ScopeTemporary).Exchange(t.Context(), "k", call, rows(1))
	unavailable(t, err)
}
