package access

import (
	"crypto/sha256"
	"sync"
	"time"
)

// The limits of a backoff.
const (
	freeTries     = 5                // of an account
	freeAddress   = 30               // of an address, behind which a hospital may sit
	longestWait   = 5 * time.Minute  // more would let anyone lock out anyone
	forgetAfter   = 30 * time.Minute // of quiet
	maxRemembered = 20_000           // keys; 1.3 MB or so
)

// backoff makes somebody who fails wait, longer each time. It remembers a bounded
// number of keys as hashes, so that it holds no address or e-mail.
type backoff struct {
	now func() time.Time

	mu   sync.Mutex
	seen map[[16]byte]failures
}

type failures struct {
	count int
	last  time.Time
}

func newBackoff(now func() time.Time) *backoff {
	return &backoff{now: now, seen: map[[16]byte]failures{}}
}

// Try counts a try before it is made, or returns how long to wait first. It counts
// before the result is known, so that many tries at once count too.
func (b *backoff) Try(key string, free int) (wait time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, id := b.now(), b.id(key)
	f := b.seen[id]
	if now.Sub(f.last) > forgetAfter {
		f = failures{}
	}
	if wait := f.last.Add(penalty(f.count - free)).Sub(now); f.count >= free && wait > 0 {
		return wait, false
	}
	b.seen[id] = failures{f.count + 1, now}
	b.shrink(now)
	return 0, true
}

// Succeeded takes back a try that went well; all also forgets the failures before
// it.
func (b *backoff) Succeeded(key string, all bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	id := b.id(key)
	f := b.seen[id]
	f.count--
	if all || f.count <= 0 {
		delete(b.seen, id)
		return
	}
	b.seen[id] = f
}

// penalty is the wait after n failures too many: 1, 2, 4, … seconds.
func penalty(n int) time.Duration {
	if n > 20 {
		return longestWait
	}
	return min(longestWait, time.Second<<max(0, n))
}

// shrink bounds the memory: old keys go first, then any.
func (b *backoff) shrink(now time.Time) {
	if len(b.seen) <= maxRemembered {
		return
	}
	for id, f := range b.seen {
		if now.Sub(f.last) > forgetAfter {
			delete(b.seen, id)
		}
	}
	for id := range b.seen {
		if len(b.seen) <= maxRemembered*9/10 {
			return
		}
		delete(b.seen, id)
	}
}

func (b *backoff) id(key string) (id [16]byte) {
	sum := sha256.Sum256([]byte(key))
	copy(id[:], sum[:])
	return id
}
