package access_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluis/internal/audit"
	"sluis/internal/server/servertest"
)

// number is a setting of a test that takes longer than CI has: docs/security.md has
// the figures of the long run.
func number(name string, short int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return short
}

// attack posts wrong passwords, many at once and one after another, until stop is
// called. It returns how many were answered, by status.
func attack(t *testing.T, s *servertest.Site, many int, email func(n int) string) (stop func() map[int]int) {
	t.Helper()
	return attackUntil(t, s, many, email, func(answers map[int]int) bool { return answers[http.StatusUnauthorized] >= 8 })
}

// attackUntil is attack that is under way when it was answered like this.
func attackUntil(t *testing.T, s *servertest.Site, many int, email func(n int) string, begun func(answers map[int]int) bool,
) (stop func() map[int]int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: many}}
	var sent atomic.Int64
	var mu sync.Mutex
	answers := map[int]int{}
	var all sync.WaitGroup
	for range many {
		all.Go(func() {
			for ctx.Err() == nil {
				n := int(sent.Add(1))
				form := url.Values{"email": {email(n)}, "password": {fmt.Sprint("verkeerd wachtwoord ", n)}}
				r, err := http.NewRequestWithContext(ctx, "POST", s.URL+"/inloggen", strings.NewReader(form.Encode()))
				if err != nil {
					t.Error(err)
					return
				}
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				res, err := client.Do(r)
				if err != nil {
					continue // stopped
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				mu.Lock()
				answers[res.StatusCode]++
				mu.Unlock()
			}
		})
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		mu.Lock()
		enough := begun(answers)
		mu.Unlock()
		if enough {
			break
		}
	}
	return func() map[int]int {
		cancel()
		all.Wait()
		client.CloseIdleConnections()
		return answers
	}
}

func spread(all []time.Duration) string {
	slices.Sort(all)
	at := func(share float64) time.Duration {
		return all[int(share*float64(len(all)-1))].Round(100 * time.Microsecond)
	}
	return fmt.Sprintf("n %d, p5 %s, median %s, p95 %s, longest %s", len(all), at(.05), at(.5), at(.95), at(1))
}

// TestTheRightPasswordGetsIn: an attack on the same account, from the same address,
// slows the right password down and never keeps it out.
func TestTheRightPasswordGetsIn(t *testing.T) {
	rights, attackers := number("SLUIS_TEST_RIGHTS", 3), number("SLUIS_TEST_ATTACKERS", 8)
	same := func(int) string { return "uploader@example.nl" }
	many := func(n int) string { return fmt.Sprintf("niemand%d@example.nl", n) }
	for _, c := range []struct {
		name  string
		email func(int) string
		known bool
		many  int
		most  time.Duration
	}{
		{"the same account and address, a new browser", same, false, attackers, 10 * time.Second},
		{"other accounts, the same address, a new browser", many, false, attackers, 10 * time.Second},
		{"more than any line takes, a browser that is known", same, true, 15 * attackers, 5 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := servertest.New(t)
			b := s.Browser()
			if c.known {
				b = s.SignedIn("uploader")
			}
			stop := attack(t, s, c.many, c.email)
			var took []time.Duration
			for i := range rights {
				if !c.known {
					b = s.Browser()
				}
				start := time.Now()
				if a := b.SignIn("uploader@example.nl", servertest.Password); a.Status != http.StatusSeeOther {
					t.Errorf("right password %d: %d", i+1, a.Status)
				}
				took = append(took, time.Since(start))
			}
			answers := stop()
			t.Logf("%d attackers, answered %v; right passwords: %s", c.many, answers, spread(took))
			if longest := slices.Max(took); longest > c.most {
				t.Errorf("a right password took %s", longest)
			}
		})
	}
}

// TestGuessingIsSlow: tries of one account from one address are checked one after
// another, and a browser loses its own line when it guesses.
func TestGuessingIsSlow(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("uploader")
	for range 5 { // as a browser that is known
		if a := b.SignIn("uploader@example.nl", "geraden wachtwoord"); a.Status != http.StatusUnauthorized {
			t.Fatal(a.Status)
		}
	}
	const tries = 12
	start := time.Now()
	var all sync.WaitGroup
	for range tries {
		all.Go(func() {
			if a := b.SignIn("uploader@example.nl", "geraden wachtwoord"); a.Status != http.StatusUnauthorized {
				t.Error(a.Status)
			}
		})
	}
	all.Wait()
	if took := time.Since(start); took < (tries-3)*250*time.Millisecond {
		t.Errorf("%d tries took %s", tries, took)
	}
	if a := s.Browser().SignIn("uploader@example.nl", servertest.Password); a.Status != http.StatusSeeOther {
		t.Errorf("the right password: %d", a.Status)
	}
}

// TestRefusedTriesAreCounted: a series of refusals is one event, whatever refuses.
func TestRefusedTriesAreCounted(t *testing.T) {
	s := servertest.New(t)
	t.Run("more tries than a line takes", func(t *testing.T) {
		answers := attackUntil(t, s, 100, func(int) string { return "uploader@example.nl" },
			func(answers map[int]int) bool { return answers[http.StatusTooManyRequests] >= 50 })()
		if answers[http.StatusTooManyRequests] < 10 {
			t.Fatalf("answers %v", answers)
		}
		refused, failed := events(s, audit.SignIn)
		if refused != 1 || failed < answers[http.StatusUnauthorized] {
			t.Errorf("%d events of refusals, %d of failures; answers %v", refused, failed, answers)
		}
	})
	t.Run("another website", func(t *testing.T) {
		for range 30 {
			if a := s.Browser().Post("/uitloggen", nil, "Sec-Fetch-Site", "cross-site"); a.Status != http.StatusForbidden {
				t.Fatal(a.Status)
			}
		}
		n := 0
		for _, ev := range s.Events() {
			if ev.Type == audit.AccessDenied && ev.Code == "cross_origin" {
				n++
				if ev.Address != "127.0.0.1" || ev.RequestID == "" {
					t.Errorf("%+v", ev)
				}
			}
		}
		if n != 1 {
			t.Errorf("%d events", n)
		}
	})
}

func events(s *servertest.Site, kind audit.Type) (refused, failed int) {
	for _, ev := range s.Events() {
		if ev.Type != kind {
			continue
		}
		switch ev.Code {
		case "sign_in_refused":
			refused++
		case "sign_in_failed":
			failed++
		}
	}
	return refused, failed
}

// TestAClientThatLeavesIsCounted: who hangs up before the answer has guessed too.
func TestAClientThatLeavesIsCounted(t *testing.T) {
	s := servertest.New(t)
	form := url.Values{"email": {"uploader@example.nl"}, "password": {"geraden wachtwoord"}}
	// The moment at which the password is being checked is not known: try several.
	for patience := 4 * time.Millisecond; patience < time.Second; patience = patience * 3 / 2 {
		_, before := events(s, audit.SignIn)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		r := servertest.Must(http.NewRequestWithContext(ctx, "POST", s.URL+"/inloggen", bytes.NewBufferString(form.Encode())))(t)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := http.DefaultClient.Do(r)
		cancel()
		if err == nil {
			_ = res.Body.Close()
			s.Clock.Advance(time.Hour)
			continue
		}
		for range 50 {
			if _, failed := events(s, audit.SignIn); failed > before {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	t.Error("no try of a client that left has an event")
}

// TestUnknownAccountsTakeAsLong compares the times of tries for accounts that exist
// and for those that do not. SLUIS_TEST_TRIES=2000 is the long run.
func TestUnknownAccountsTakeAsLong(t *testing.T) {
	s := servertest.New(t)
	b := s.Browser()
	n := number("SLUIS_TEST_TRIES", 40)
	var known, unknown []time.Duration
	for i := range n {
		if i%4 == 3 {
			s.Clock.Advance(25 * time.Hour) // the counters are forgotten, so that no try waits
		}
		pair := []struct {
			email string
			into  *[]time.Duration
		}{{"uploader@example.nl", &known}, {"niemand@example.nl", &unknown}}
		if i%2 == 1 { // whichever comes second waits for what the first one left behind
			slices.Reverse(pair)
		}
		for _, c := range pair {
			start := time.Now()
			if a := b.SignIn(c.email, "geraden wachtwoord"); a.Status != http.StatusUnauthorized {
				t.Fatal(a.Status)
			}
			*c.into = append(*c.into, time.Since(start))
		}
	}
	share := longer(known, unknown)
	t.Logf("known: %s; unknown: %s; a known one takes longer in %.1f%% of pairs", spread(known), spread(unknown), 100*share)
	// If the two are alike, the share is 50%, give or take four times its deviation.
	if margin := 4 * 0.41 / math.Sqrt(float64(n)); share < .5-margin || share > .5+margin {
		t.Errorf("the time tells whether an account exists: %.3f", share)
	}
}

// longer is the share of all pairs in which the one of a is longer than that of b.
func longer(a, b []time.Duration) float64 {
	b = slices.Clone(b)
	slices.Sort(b)
	sum := 0.0
	for _, x := range a {
		below, _ := slices.BinarySearch(b, x)
		sum += float64(below)
	}
	return sum / float64(len(a)*len(b))
}
