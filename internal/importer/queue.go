package importer

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"sluis/internal/apperr"
	"sluis/internal/chunk"
	"sluis/internal/delivery"
	"sluis/internal/lease"
	"sluis/internal/patient"
	"sluis/internal/retry"
	"sluis/internal/sealing"
)

// Queue hands out work, and takes it back.
type Queue interface {
	// ClaimDelivery claims a delivery that waits to be parsed, decided or registered. ok is
	// false if there is none. Deliveries of one centre are decided and registered in order
	// of arrival.
	ClaimDelivery(ctx context.Context, now time.Time, lease time.Duration) (c delivery.Claim, ok bool, err error)
	// ClaimSmallDelivery is ClaimDelivery for small deliveries only.
	ClaimSmallDelivery(ctx context.Context, now time.Time, lease time.Duration) (c delivery.Claim, ok bool, err error)
	// ClaimShortDelivery is ClaimDelivery without uploads that will take long.
	ClaimShortDelivery(ctx context.Context, now time.Time, lease time.Duration) (c delivery.Claim, ok bool, err error)
	// WaitForTTP puts off everything that waits for the TTP until a moment.
	WaitForTTP(ctx context.Context, until time.Time) error
	// ClaimChunk claims a chunk that waits for the TTP.
	ClaimChunk(ctx context.Context, now time.Time, lease time.Duration) (c delivery.ChunkClaim, ok bool, err error)
	// WorkWaits reports whether there is anything to claim.
	WorkWaits(ctx context.Context, now time.Time) (bool, error)
	// RenewDelivery prolongs the lease of a delivery during a long download.
	RenewDelivery(ctx context.Context, c delivery.Claim, until time.Time) error
	// RenewChunk prolongs the lease of a chunk during a long call.
	RenewChunk(ctx context.Context, c delivery.ChunkClaim, until time.Time) error
	// ReleaseDelivery ends the claim on a delivery because a step failed for another reason
	// than the TTP. The delivery is not claimed before next. It returns how often that has
	// happened to the delivery.
	ReleaseDelivery(ctx context.Context, c delivery.Claim, next time.Time) (failures int, err error)
	// ReleaseChunk is ReleaseDelivery for a chunk.
	ReleaseChunk(ctx context.Context, c delivery.ChunkClaim, next time.Time) (failures int, err error)
	// PauseChunk ends the claim on a chunk because the TTP did not answer. The chunk is not
	// claimed before next.
	PauseChunk(ctx context.Context, c delivery.ChunkClaim, why delivery.Pause, next time.Time) error
	// Fail ends a delivery that cannot go on. The code is for the log and the screen.
	Fail(ctx context.Context, deliveryID int64, code string) error
}

// bell wakes everybody who waits for it.
type bell struct {
	mu   sync.Mutex
	rung chan struct{}
}

// next returns a channel that is closed when the bell rings next.
func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung == nil {
		b.rung = make(chan struct{})
	}
	return b.rung
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung != nil {
		close(b.rung)
		b.rung = nil
	}
}

// Run works the queue until ctx ends. It returns when every worker has finished or given
// back its last piece of work.
func (im *Importer) Run(ctx context.Context) {
	var workers sync.WaitGroup
	for range im.workers {
		workers.Go(func() { im.work(ctx, im.StepDelivery) })
	}
	// One more worker takes small deliveries only, so that these never wait until a large
	// one is done.
	workers.Go(func() { im.work(ctx, im.stepSmall) })
	// Chunks have workers of their own. Registering a delivery must not keep the TTP
	// waiting, and a slow TTP must not keep a delivery from being registered.
	for range im.calls {
		workers.Go(func() { im.work(ctx, im.StepChunk) })
	}
	workers.Go(func() { im.housekeep(ctx) })
	workers.Go(func() { im.heedPlan(ctx) })
	workers.Go(func() { im.watch(ctx) })
	workers.Go(func() {
		if im.listen != nil {
			im.listen(ctx, im.bell.ring)
		}
	})
	workers.Wait()
}

// longestPause is the longest time between two looks at an empty queue, as a number of
// the shortest: what becomes due by itself waits no longer than that.
const longestPause = 8

// watch looks for work for all workers, so that an empty queue is asked about once and
// not by each of them. The longer it stays empty, the longer it waits.
func (im *Importer) watch(ctx context.Context) {
	pause := im.poll
	for ctx.Err() == nil {
		timer := time.NewTimer(pause/2 + rand.N(pause))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		waits, err := im.ports.Queue.WorkWaits(ctx, im.now())
		if err != nil && ctx.Err() == nil {
			im.log.ErrorContext(ctx, "the queue cannot be read", "err", err)
		}
		if pause = min(pause*3/2, im.poll*longestPause); waits {
			pause = im.poll
			im.bell.ring()
		}
	}
}

// work does one step after the other. If there is nothing to do, it waits until it is
// woken; if a step failed, a moment.
func (im *Importer) work(ctx context.Context, step func(context.Context) (bool, error)) {
	for ctx.Err() == nil {
		rung := im.bell.next() // before the look: a ring after it is not missed
		busy, err := step(ctx)
		if err != nil && ctx.Err() == nil {
			im.log.ErrorContext(ctx, "worker step failed", attributes(err)...)
		}
		if busy && err == nil {
			continue
		}
		if err == nil {
			select {
			case <-ctx.Done():
			case <-rung:
			}
			continue
		}
		pause := time.NewTimer(im.poll/2 + rand.N(im.poll))
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

// Step does one step of a delivery, or otherwise of a chunk. busy is false if there was
// nothing to do.
func (im *Importer) Step(ctx context.Context) (busy bool, err error) {
	if busy, err = im.StepDelivery(ctx); busy || err != nil {
		return busy, err
	}
	return im.StepChunk(ctx)
}

// StepDelivery fetches, parses, decides or registers one delivery.
func (im *Importer) StepDelivery(ctx context.Context) (busy bool, err error) {
	if im.announced().OnlyShort(im.now()) {
		return im.stepDelivery(ctx, im.ports.Queue.ClaimShortDelivery)
	}
	return im.stepDelivery(ctx, im.ports.Queue.ClaimDelivery)
}

// stepSmall is StepDelivery for small deliveries only.
func (im *Importer) stepSmall(ctx context.Context) (busy bool, err error) {
	return im.stepDelivery(ctx, im.ports.Queue.ClaimSmallDelivery)
}

func (im *Importer) stepDelivery(ctx context.Context, claim func(context.Context, time.Time, time.Duration) (delivery.Claim, bool,
	error),
) (busy bool, err error) {
	c, ok, err := claim(ctx, im.now(), im.lease)
	if err != nil || !ok {
		return false, err
	}
	defer im.tell(ctx) // its chunks, or the next delivery of its centre, may be for others
	return true, im.guard(ctx, whose{c.Delivery.ID, c.Delivery.PublicID}, c.Failures, func() error { return im.advance(ctx, c) },
		func(next time.Time) (int, error) {
			return im.ports.Queue.ReleaseDelivery(context.WithoutCancel(ctx), c, next)
		})
}

// StepChunk brings one chunk through the TTP.
func (im *Importer) StepChunk(ctx context.Context) (busy bool, err error) {
	if !im.announced().Silent(im.now()).IsZero() {
		return false, nil
	}
	ch, ok, err := im.ports.Queue.ClaimChunk(ctx, im.now(), im.lease)
	if err != nil || !ok {
		return false, err
	}
	return true, im.guard(ctx, whose{ch.DeliveryID, ch.DeliveryPublicID}, ch.Failures, func() error { return im.exchange(ctx, ch) },
		func(next time.Time) (int, error) {
			return im.ports.Queue.ReleaseChunk(context.WithoutCancel(ctx), ch, next)
		})
}

// whose says of which delivery a piece of work is: for the database, and for the log.
type whose struct {
	id       int64
	publicID string
}

// stepError is an error of a step, with the delivery that it was of.
type stepError struct {
	delivery string
	error
}

func (e *stepError) Unwrap() error { return e.error }

// attributes returns an error as attributes of a log line, with its delivery if it has one.
func attributes(err error) []any {
	if e, ok := errors.AsType[*stepError](err); ok {
		return []any{"delivery", e.delivery, "err", e.error}
	}
	return []any{"err", err}
}

// errPanic replaces the value of a panic, which may be a cell of a file.
var errPanic = errors.New("importer: a step panicked")

// maxFailures is how often a step that fails for a reason of ours is tried again. That
// takes about an hour and a half: long enough to mend a full disk.
const maxFailures = 25

// guard runs work and handles its failure, a panic included. It releases the claim, so that
// the work is tried again later; before is how often it failed already. After maxFailures, or if
// the work can never succeed, it fails the delivery. If the claim was lost to another
// worker, guard does nothing.
func (im *Importer) guard(
	ctx context.Context, d whose, before int, work func() error, release func(next time.Time) (int, error),
) error {
	err := im.contain(ctx, d, work)
	if err == nil {
		im.bell.ring()
		return nil
	}
	next := im.now().Add(outage.Pause(before))
	if ctx.Err() != nil {
		next = im.now() // this process is stopping: the next one may go on at once
	}
	failures, lost := 0, error(nil)
	if !errors.Is(err, delivery.ErrLost) {
		failures, lost = release(next)
	}
	if errors.Is(err, delivery.ErrLost) || errors.Is(lost, delivery.ErrLost) {
		im.log.InfoContext(ctx, "claim lost", "delivery", d.publicID)
		return nil
	}
	if lost != nil || ctx.Err() != nil {
		return &stepError{d.publicID, errors.Join(err, lost)}
	}
	code := ""
	switch {
	case errors.Is(err, errPanic):
		code = "panic"
	case errors.Is(err, sealing.ErrDestroyed):
		code = "key_destroyed"
	case errors.Is(err, delivery.ErrUnbalanced):
		code = "counts"
	case errors.Is(err, delivery.ErrMandate):
		code = "mandate_ended"
	case failures > maxFailures:
		code = "internal"
	default:
		return &stepError{d.publicID, err}
	}
	im.log.ErrorContext(ctx, "delivery given up", "delivery", d.publicID, "code", code, "failures", failures, "err", err)
	return im.ports.Queue.Fail(ctx, d.id, code)
}

// contain turns a panic into an error. It logs only where the panic was.
func (im *Importer) contain(ctx context.Context, d whose, work func() error) (err error) {
	defer func() {
		if recover() != nil {
			im.log.ErrorContext(ctx, "worker panicked", "delivery", d.publicID, "stack", apperr.Stack())
			err = errPanic
		}
	}()
	return work()
}

// advance does the step that the state of a delivery asks for.
func (im *Importer) advance(ctx context.Context, c delivery.Claim) error {
	defer func(begun time.Time) {
		im.log.InfoContext(ctx, "delivery step", "delivery", c.Delivery.PublicID, "state", c.Delivery.State, "took", time.Since(begun))
	}(time.Now())
	switch c.Delivery.State {
	case delivery.Received:
		if c.Delivery.Kind == delivery.Dataset {
			return im.fetch(ctx, c)
		}
		return im.intake.Parse(ctx, c)
	case delivery.Deciding:
		return im.decide(ctx, c)
	case delivery.Registering:
		return im.register(ctx, c)
	}
	return nil
}

// exchange brings a chunk through the TTP: identities become temporary pseudonyms, and
// these become definitive ones at once, so that few can expire. If the TTP does not
// answer, the chunk is paused.
func (im *Importer) exchange(ctx context.Context, c delivery.ChunkClaim) error {
	ctx, stop := im.keepChunk(ctx, c)
	defer stop()
	var err error
	if c.Holds == chunk.Identities {
		c, err = im.intake.Prepare(ctx, c)
	}
	if err == nil {
		err = im.resolve(ctx, c)
	}
	if errors.Is(context.Cause(ctx), delivery.ErrLost) {
		return delivery.ErrLost
	}
	if down, ok := errors.AsType[*patient.UnavailableError](err); ok && ctx.Err() == nil {
		next := im.now().Add(outage.Spread(c.Attempts, down.RetryAfter))
		im.log.WarnContext(ctx, "TTP not available", "delivery", c.DeliveryPublicID, "chunk", c.No, "attempts", c.Attempts+1,
			"denied", down.Denied, "next", next, "err", down.Err)
		return im.ports.Queue.PauseChunk(ctx, c, pauseOf(down), next)
	}
	return err
}

func pauseOf(down *patient.UnavailableError) delivery.Pause {
	if down.Denied {
		return delivery.PauseDenied
	}
	return delivery.PauseDown
}

// outage is the pause between tries of a TTP that does not answer.
var outage = retry.Backoff{First: 5 * time.Second, Longest: 5 * time.Minute}

// keepChunk keeps the claim of a chunk while the TTP takes its time. It ends the
// call if the claim is lost.
func (im *Importer) keepChunk(ctx context.Context, c delivery.ChunkClaim) (context.Context, func()) {
	return lease.Keep(ctx, im.lease, im.now, func(ctx context.Context, until time.Time) error {
		return im.ports.Queue.RenewChunk(ctx, c, until)
	})
}
