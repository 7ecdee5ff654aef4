package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"sync/atomic"
	"testing"

	"sluis/internal/server"
	"sluis/internal/server/servertest"
)

// TestReady: one check that fails makes the service not ready, and asking often does
// not check often.
func TestReady(t *testing.T) {
	var asked atomic.Int64
	s := servertest.New(t, func(o *server.Options) {
		o.Ready = func(context.Context) []server.Check {
			asked.Add(1)
			return []server.Check{{Name: "database", OK: false, Says: "no row could be written"}, {Name: "ttp", OK: true, Says: "x"}}
		}
	})
	for range 50 {
		a := s.Browser().Get("/readyz")
		var got struct {
			Status string
			Checks []server.Check
		}
		if err := json.Unmarshal([]byte(a.Body), &got); err != nil || a.Status != http.StatusServiceUnavailable ||
			got.Status != "not ready" ||
			len(got.Checks) != 2 || got.Checks[0].OK || !got.Checks[1].OK {
			t.Fatalf("%d %v %s", a.Status, err, a.Body)
		}
	}
	if n := asked.Load(); n > 10 {
		t.Errorf("50 questions were %d checks", n)
	}
	if a := s.Browser().Get("/healthz"); a.Status != http.StatusOK {
		t.Errorf("/healthz: %d", a.Status)
	}
}
