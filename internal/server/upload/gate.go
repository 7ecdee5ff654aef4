package upload

import (
	"sync"

	"sluis/internal/apperr"
)

// Gate bounds how many files of one centre this process takes in at once, so that
// no centre keeps the others waiting.
type Gate struct {
	most int

	mu sync.Mutex
	in map[int64]int // by centre
}

// NewGate makes a gate with this many places for each centre.
func NewGate(most int) *Gate { return &Gate{most: most, in: map[int64]int{}} }

// Acquire takes a place of a centre until leave is called, or fails with
// apperr.TooMany "too_many_uploads".
func (g *Gate) Acquire(centreID int64) (leave func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.in[centreID] >= g.most {
		return nil, apperr.New(apperr.TooMany, "too_many_uploads")
	}
	g.in[centreID]++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.in[centreID]--; g.in[centreID] == 0 {
			delete(g.in, centreID)
		}
	}, nil
}
