package ttpsandbox

import (
	"crypto/sha256"
	"sync"
	"time"
)

// remembered is how long an idempotency key belongs to its first body.
const remembered = 24 * time.Hour

// ledger remembers which body came with which idempotency key, and when. It
// keeps no answer and no body: a repeated call computes its answer again, with the
// same body and the time of the first call, and so gets the same answer. The ledger
// is in memory, so that a restart empties it. Its size is bounded: the oldest keys
// are forgotten first.
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

// first returns the time at which key first came. It returns false if it came with
// another body.
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

// forget drops keys that are too old, and makes room for one more.
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
