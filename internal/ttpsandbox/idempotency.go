package ttpsandbox

import (
	"crypto/sha256"
	"sync"
	"time"
)

// remembered is how long an idempotency key stands for its first body.
const remembered = 24 * time.Hour

// ledger remembers which body came with which idempotency key, and when. It
// keeps no answer and no body: an answer is made again from the same body at
// the same time, and comes out the same. It lives in memory, so a restart
// forgets it, and is bounded: the oldest keys go first.
type ledger struct {
	mu    sync.Mutex
	max   int
	seen  map[[sha256.Size]byte]entry
	order [][sha256.Size]byte // oldest first
}

type entry struct {
	body [sha256.Size]byte
	at   time.Time
}

func newLedger(limit int) *ledger {
	return &ledger{max: limit, seen: map[[sha256.Size]byte]entry{}}
}

// first gives the time at which key first came with this body; false where it
// came with another one.
func (l *ledger) first(key, body [sha256.Size]byte, now time.Time) (time.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(now)
	if e, ok := l.seen[key]; ok {
		return e.at, e.body == body
	}
	l.seen[key] = entry{body, now}
	l.order = append(l.order, key)
	return now, true
}

// forget drops what is too old, and makes room for one more.
func (l *ledger) forget(now time.Time) {
	for len(l.order) > 0 {
		oldest := l.order[0]
		if len(l.order) < l.max && now.Sub(l.seen[oldest].at) < remembered {
			return
		}
		delete(l.seen, oldest)
		l.order = l.order[1:]
	}
}
