package access

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
)

// The limits of guessing (docs/adr/0028-the-right-password-gets-in.md). Beyond the
// free tries, tries of one account from one address are checked one after another
// with some time between them. Nothing that others do makes a wait longer than
// longestWait, and a wait never ends in a refusal of the right password.
const (
	freeTries    = 5    // of an account at an address, and of a browser that we know
	freeAccount  = 100  // of an account, wherever they come from: slow guessing by many
	freeAddress  = 100  // of an address, behind which a hospital may sit
	freeAll      = 5000 // of everybody
	freeTokens   = 30   // bad API tokens of an address
	firstSpacing = 50 * time.Millisecond
	spacing      = 250 * time.Millisecond // of an account at an address: 4 tries a second
	addrSpacing  = 25 * time.Millisecond  // of an address, over all its accounts
	longestWait  = 10 * time.Second       // whoever would wait longer is refused at once
	tokenWait    = time.Minute            // what a script with a bad token is told to wait

	quickLife = 30 * time.Minute // of counters by address
	slowLife  = 24 * time.Hour   // of the counters of an account and over all

	// noteEvery is how often refusals of one counter are stored: a flood of them must
	// not become a flood of writes.
	noteEvery     = time.Second
	maxRemembered = 20_000
)

// errRefused is returned for a try whose password is not looked at.
var errRefused = errors.New("access: the try is refused")

// Tries counts tries to sign in, over all processes of the service.
type Tries interface {
	Tries(ctx context.Context, counters ...account.TryCounter) ([]account.Tries, error)
	// TakeTurns returns how long a try waits for its turn in all lines, or false if that
	// is longer than longest.
	TakeTurns(ctx context.Context, turns []account.Turn, longest time.Duration) (wait time.Duration, ok bool, err error)
	// TakeTry counts a try before it is looked at. It returns how long to wait if it is too
	// early for this one, and then counts nothing.
	TakeTry(ctx context.Context, c account.TryCounter, spacing func(tries int) time.Duration) (wait time.Duration, err error)
	RecordFailedTry(ctx context.Context, counters []account.TryCounter, ev audit.Event) error
	// RecordRefusedTries counts n tries that were not looked at. Only the first of a
	// series leaves its event.
	RecordRefusedTries(ctx context.Context, c account.TryCounter, n int, ev audit.Event) (total int, err error)
	ForgetTries(ctx context.Context, counters ...account.TryCounter) error
}

// throttle slows down guessing, and keeps nobody out by it.
type throttle struct {
	tries Tries
	log   *slog.Logger
	now   func() time.Time
	key   atomic.Pointer[[]byte] // of the hashes of counters
	gate  gate

	mu       sync.Mutex
	inFlight map[[32]byte]int         // tries of this process that are not counted yet
	noted    map[[32]byte]*refusalSum // of this process
}

// refusalSum is the refusals of a counter that were not stored yet.
type refusalSum struct {
	pending int
	stored  time.Time
}

func newThrottle(tries Tries, log *slog.Logger, now func() time.Time, keys [][]byte) *throttle {
	t := &throttle{tries: tries, log: log, now: now, inFlight: map[[32]byte]int{}, noted: map[[32]byte]*refusalSum{}}
	t.setKeys(keys)
	return t
}

// setKeys replaces the key of the counters, which then start anew.
func (t *throttle) setKeys(keys [][]byte) {
	key := hash(keys[0], "sign-in tries")
	t.key.Store(&key)
}

func hash(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		_, _ = h.Write([]byte(strconv.Itoa(len(p)) + ":" + p)) // hashes never fail
	}
	return h.Sum(nil)
}

func (t *throttle) counter(life time.Duration, parts ...string) account.TryCounter {
	return account.TryCounter{Hash: [32]byte(hash(*t.key.Load(), parts...)), Life: life}
}

// try is one try to sign in.
type try struct {
	t       *throttle
	address string
	device  string // the id of a browser that we know; "" for a stranger
	// pair is of the account at this address, own of the browser.
	pair, own, account, from, all account.TryCounter
}

// begin starts a try. Its end must be called.
func (t *throttle) begin(email, address, device string) *try {
	y := &try{
		t: t, address: address, device: device,
		pair:    t.counter(quickLife, "pair", email, address),
		own:     t.counter(quickLife, "device", device),
		account: t.counter(slowLife, "account", email),
		from:    t.counter(quickLife, "address", address),
		all:     t.counter(slowLife, "all"),
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.inFlight[y.pair.Hash]++
	return y
}

func (y *try) end() {
	y.t.mu.Lock()
	defer y.t.mu.Unlock()
	if y.t.inFlight[y.pair.Hash]--; y.t.inFlight[y.pair.Hash] <= 0 {
		delete(y.t.inFlight, y.pair.Hash)
	}
}

// wait waits until the password may be checked. The caller must call release when that
// is done. Errors: errRefused, those of the database, and that of ctx.
func (y *try) wait(ctx context.Context) (release func(), err error) {
	seen, err := y.t.tries.Tries(ctx, y.pair, y.account, y.from, y.all, y.own)
	if err != nil {
		return nil, err
	}
	known := y.device != "" && seen[4].Failures < freeTries
	if !known {
		if err := y.takeTurns(ctx, seen[0], seen[1], seen[2], seen[3]); err != nil {
			return nil, err
		}
	}
	line := y.address
	if known {
		line = y.device
	}
	release, err = y.t.gate.acquire(ctx, line, known)
	if errors.Is(err, errCrowded) {
		err = errRefused
	}
	return release, err
}

// takeTurns waits in the lines of the account at this address, and of the address, as
// far as they have one.
func (y *try) takeTurns(ctx context.Context, pair, acc, from, all account.Tries) error {
	y.t.mu.Lock()
	failures := pair.Failures + y.t.inFlight[y.pair.Hash] - 1
	y.t.mu.Unlock()
	turns := []account.Turn{{TryCounter: y.pair}, {TryCounter: y.from}}
	switch hot := acc.Failures >= freeAccount || all.Failures >= freeAll; {
	case failures >= freeTries:
		turns[0].Spacing = min(spacing, firstSpacing<<min(10, failures-freeTries))
	case hot:
		turns[0].Spacing = firstSpacing
	}
	if from.Failures >= freeAddress {
		turns[1].Spacing = addrSpacing
	}
	if turns[0].Spacing == 0 && turns[1].Spacing == 0 {
		return nil
	}
	wait, ok, err := y.t.tries.TakeTurns(ctx, turns, longestWait)
	switch {
	case err != nil:
		return err
	case !ok:
		return errRefused
	case wait <= 0:
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// failed counts a wrong password, with its event, also if the client has gone away:
// otherwise guessing would leave no trace.
func (y *try) failed(ctx context.Context, ev audit.Event) error {
	counters := []account.TryCounter{y.pair, y.account, y.from, y.all}
	if y.device != "" {
		counters = append(counters, y.own)
	}
	return y.t.tries.RecordFailedTry(context.WithoutCancel(ctx), counters, ev)
}

// succeeded forgets the failures before the right password.
func (y *try) succeeded(ctx context.Context) error {
	return y.t.tries.ForgetTries(ctx, y.pair, y.own)
}

// refused counts a try that is not looked at. The first of a series gets the event.
func (t *throttle) refused(ctx context.Context, c account.TryCounter, ev audit.Event) error {
	n := t.note(c)
	if n == 0 {
		return nil
	}
	total, err := t.tries.RecordRefusedTries(context.WithoutCancel(ctx), c, n, ev)
	if err == nil && len(strconv.Itoa(total)) > len(strconv.Itoa(total-n)) {
		t.log.LogAttrs(ctx, slog.LevelWarn, "tries refused", slog.String("code", ev.Code), slog.String("address", ev.Address),
			slog.Int("series", total))
	}
	return err
}

// note returns how many refusals of c are to be stored now.
func (t *throttle) note(c account.TryCounter) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	sum, ok := t.noted[c.Hash]
	if !ok {
		if len(t.noted) >= maxRemembered {
			for key, s := range t.noted {
				if now.Sub(s.stored) > noteEvery || len(t.noted) >= maxRemembered {
					delete(t.noted, key)
				}
			}
		}
		sum = &refusalSum{}
		t.noted[c.Hash] = sum
	}
	sum.pending++
	if now.Sub(sum.stored) < noteEvery {
		return 0
	}
	n := sum.pending
	sum.pending, sum.stored = 0, now
	return n
}
