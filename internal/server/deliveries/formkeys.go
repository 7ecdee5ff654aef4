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

// formKeys makes a form that is sent twice one action. It remembers in this
// process only: if two processes each get the form, the second delivery changes
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

// Once calls do for the first caller with this key, and returns its result to the
// later ones. If the first call fails, the next caller does it: when a button is
// pressed twice, the browser breaks off the first request. Without a key, do is
// simply called.
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

// claim returns the use of a key, and whether the caller is the one to do it.
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

// run calls do, and lets the next caller try if it failed or panicked.
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

// shrink bounds the memory.
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
