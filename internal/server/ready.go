package server

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"sluis/internal/server/page"
)

// Check is one line of the answer of /readyz. Anyone can read it, so that Says has
// words only: no path, no name and no error of another program.
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Says string `json:"says"`
}

const (
	// readyLife is how long an answer is given again: whoever asks more often costs
	// nothing.
	readyLife = time.Second
	// readyTime is how long the checks may take.
	readyTime = 5 * time.Second
)

// readiness is GET /readyz: whether the service can do its work now. /healthz only
// says that the process answers.
type readiness struct {
	check func(ctx context.Context) []Check

	mu   sync.Mutex
	at   time.Time
	last []Check
}

func (h *readiness) checks(ctx context.Context) []Check {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.at) >= readyLife {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTime) // others wait for this answer too
		defer cancel()
		h.last, h.at = h.check(ctx), time.Now()
	}
	return h.last
}

func (h *readiness) serve(v *page.Visit) error {
	answer := struct {
		Status string  `json:"status"`
		Checks []Check `json:"checks"`
	}{"ready", h.checks(v.R.Context())}
	status := http.StatusOK
	for _, c := range answer.Checks {
		if !c.OK {
			answer.Status, status = "not ready", http.StatusServiceUnavailable
		}
	}
	v.W.Header().Set("Content-Type", "application/json")
	v.W.WriteHeader(status)
	return json.NewEncoder(v.W).Encode(answer)
}
