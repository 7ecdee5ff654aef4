package server_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluis/internal/audit"
	"sluis/internal/server"
	"sluis/internal/server/servertest"
)

// TestCostlyRequestsAreLimited: a script that searches or fetches reports without end is
// told to wait, at every door, and nobody else is.
func TestCostlyRequestsAreLimited(t *testing.T) {
	now := time.Now()
	s := servertest.New(t, func(o *server.Options) { o.Now = func() time.Time { return now } })
	id := s.OwnObjects().Delivery
	b := s.SignedIn("uploader")
	search := func() servertest.Answer { return b.Post("/patienten", url.Values{"number": {"523534"}}) }
	call := func() servertest.Answer {
		return s.Call("uploader", "POST", "/api/v1/patients/search", "application/json", `{"patientNumber":"523534"}`)
	}
	var last servertest.Answer
	for n := range server.CostlyAccount + 1 {
		if last = search(); last.Status == http.StatusTooManyRequests {
			if n < server.CostlyAccount {
				t.Errorf("refused after %d", n)
			}
			break
		}
	}
	if wait, err := strconv.Atoi(last.Header.Get("Retry-After")); last.Status != http.StatusTooManyRequests || err != nil || wait < 1 || wait > 60 {
		t.Fatalf("%d, Retry-After %q", last.Status, last.Header.Get("Retry-After"))
	}
	servertest.Contains(t, "the page", last.Body, "Even wachten", "te veel zoekopdrachten of rapporten")
	if a := b.Get("/aanleveringen/" + id + "/fouten.csv"); a.Status != http.StatusTooManyRequests {
		t.Errorf("a report after that: %d", a.Status)
	}
	if a := b.Get("/patienten"); a.Status != http.StatusOK {
		t.Errorf("a plain page: %d", a.Status)
	}
	if a := s.SignedIn("clinician").Post("/patienten", url.Values{"number": {"523534"}}); a.Status != http.StatusOK {
		t.Errorf("somebody else: %d", a.Status)
	}
	if a := call(); a.Status != http.StatusOK {
		t.Errorf("the token of the same centre: %d", a.Status)
	}
	refusals := 0
	for _, ev := range s.Events() {
		if ev.Type == audit.AccessDenied && ev.Code == "too_many_requests" {
			refusals++
		}
	}
	if refusals != 1 {
		t.Errorf("%d events of a series of refusals", refusals)
	}
	now = now.Add(2 * time.Second)
	if a := search(); a.Status != http.StatusOK {
		t.Errorf("a little later: %d", a.Status)
	}

	for range server.CostlyAccount + 1 {
		if last = call(); last.Status == http.StatusTooManyRequests {
			break
		}
	}
	if last.Status != http.StatusTooManyRequests || last.Header.Get("Retry-After") == "" || !strings.Contains(last.Body, `"code":"too_many_requests"`) {
		t.Errorf("the API: %d %s", last.Status, last.Body)
	}
}

// TestCostlyRoutesExist: each route with a limit is one of ours, and each report or export
// has one.
func TestCostlyRoutesExist(t *testing.T) {
	s := servertest.New(t)
	known := map[string]bool{}
	for _, route := range s.Server.Routes() {
		key := route.Method + " " + route.Pattern
		known[key] = true
		exports := strings.HasSuffix(key, ".csv") || strings.HasSuffix(key, ".xlsx") || strings.HasSuffix(key, "/report") ||
			strings.HasSuffix(key, "/search")
		if exports && !server.Costly[key] {
			t.Errorf("%s has no limit", key)
		}
	}
	for key := range server.Costly {
		if !known[key] {
			t.Errorf("%s is no route", key)
		}
	}
}

// TestLimiter: an address has a limit of its own over all its accounts, and what is
// remembered is bounded.
func TestLimiter(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	l := server.NewLimiter(func() time.Time { return now })
	for n := range server.CostlyAddress {
		if _, ok := l.Take("user "+strconv.Itoa(n/100), "address"); !ok {
			t.Fatalf("refused after %d", n)
		}
	}
	if wait, ok := l.Take("user new", "address"); ok || wait <= 0 || wait > time.Second {
		t.Errorf("beyond the limit of an address: %v, %v", wait, ok)
	}
	if _, ok := l.Take("user new", "another address"); !ok {
		t.Error("an account at another address is refused: a refusal cost it something")
	}
	for n := range 3 * server.MostBuckets {
		l.Take("user "+strconv.Itoa(n), "address "+strconv.Itoa(n))
	}
	if n := l.Size(); n > server.MostBuckets {
		t.Errorf("%d buckets are remembered", n)
	}
}
