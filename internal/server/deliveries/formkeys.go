package deliveries

import (
	"context"
	"crypto/rand"
	"strconv"
	"sync"
	"time"
)

const (
	formKeyLife = 2 * time.Hour
	maxFormKeys = 10_000
)

// newFormKey makes the key of one showing of a form.
func newFormKey() string { return rand.Text() }

// formKeys makes one action of a form that is sent twice. It remembers in this
// process alone: where two processes each get one, the second delivery changes
// nothing and says that it is the same file.
type formKeys struct {
	now func() time.Time

	mu   sync.Mutex
	done map[string]*formUse
}

type formUse struct {
	finished chan struct{}
	at       time.Time
	id       string // what came of it
	ok       bool
}

func newFormKeys(now func() time.Time) *formKeys {
	return &formKeys{now: now, done: map[string]*formUse{}}
}

// Once does it for the first who comes with key, and gives what came of it to
// the others. Where the first failed (a browser breaks off the request before
// when a button is pressed twice), the next one does it. Without a key it is
// simply done.
func (f *formKeys) Once(ctx context.Context, key string, userID int64, do func() (string, error)) (string, error) {
	if key == "" || len(key) > 64 {
		return do()
	}
	key = strconv.FormatInt(userID, 10) + " " + key
	for {
		use, mine := f.claim(key)
		if mine {
			return f.run(key, use, do)
		}
		select {
		case <-use.finished:
		case <-ctx.Done():
			return "", ctx.Err()
		}
		if use.ok {
			return use.id, nil
		}
	}
}

// claim gives the use of a key, and whether it is the caller's to make.
func (f *formKeys) claim(key string) (use *formUse, mine bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if use, ok := f.done[key]; ok && f.now().Sub(use.at) < formKeyLife {
		return use, false
	}
	f.shrink()
	use = &formUse{finished: make(chan struct{}), at: f.now()}
	f.done[key] = use
	return use, true
}

// run does it, and lets the next one try where it failed or panicked.
func (f *formKeys) run(key string, use *formUse, do func() (string, error)) (string, error) {
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if !use.ok {
			delete(f.done, key)
		}
		close(use.finished)
	}()
	id, err := do()
	use.id, use.ok = id, err == nil
	return id, err
}

// shrink keeps the memory bounded.
func (f *formKeys) shrink() {
	if len(f.done) < maxFormKeys {
		return
	}
	for key, use := range f.done {
		if f.now().Sub(use.at) >= formKeyLife || len(f.done) >= maxFormKeys {
			delete(f.done, key)
		}
	}
}
