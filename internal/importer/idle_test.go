package importer_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluis/internal/delivery"
	"sluis/internal/importer"
)

// asked counts the questions to a queue.
type asked struct {
	importer.Queue
	n atomic.Int64
}

func (q *asked) WorkWaits(ctx context.Context, now time.Time) (bool, error) {
	q.n.Add(1)
	return q.Queue.WorkWaits(ctx, now)
}

func (q *asked) ClaimDelivery(ctx context.Context, now time.Time, lease time.Duration) (delivery.Claim, bool, error) {
	q.n.Add(1)
	return q.Queue.ClaimDelivery(ctx, now, lease)
}

func (q *asked) ClaimSmallDelivery(ctx context.Context, now time.Time, lease time.Duration) (delivery.Claim, bool, error) {
	q.n.Add(1)
	return q.Queue.ClaimSmallDelivery(ctx, now, lease)
}

func (q *asked) ClaimChunk(ctx context.Context, now time.Time, lease time.Duration) (delivery.ChunkClaim, bool, error) {
	q.n.Add(1)
	return q.Queue.ClaimChunk(ctx, now, lease)
}

// TestAnIdleQueue: once nothing comes, a process asks its queue less than once a second,
// in the measure of its shortest pause. What is woken for is found at once.
func TestAnIdleQueue(t *testing.T) {
	p := newPlant(t)
	o := p.options
	q := &asked{Queue: o.Queue}
	const poll = 50 * time.Millisecond // a tenth of the service's
	o.Queue, o.Poll = q, poll
	p.use(t, o)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.importer.Run(ctx) })
	time.Sleep(20 * poll) // as though ten seconds had passed
	before := q.n.Load()
	time.Sleep(40 * poll)
	n := q.n.Load() - before
	t.Logf("%d questions in what is twenty seconds of the service", n)
	if n > 20 {
		t.Errorf("%d questions in what is twenty seconds of the service", n)
	}
	before = q.n.Load()
	p.importer.Wake()
	for deadline := time.Now().Add(time.Minute); q.n.Load() < before+9; {
		if time.Now().After(deadline) {
			t.Fatalf("%d workers looked when they were woken", q.n.Load()-before)
		}
		time.Sleep(time.Millisecond)
	}
	stop()
	running.Wait()
}
