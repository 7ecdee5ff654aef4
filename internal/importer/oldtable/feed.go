package oldtable

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"sluis/internal/audit"
	"sluis/internal/chunk"
	"sluis/internal/conversion"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake"
	"sluis/internal/lease"
	"sluis/internal/patient"
	"sluis/internal/retry"
	"sluis/internal/sealing"
)

// feedLease is how long a command that died still has its claim on a centre.
const feedLease = time.Minute

// outage is the pause between tries of a TTP that does not answer.
var outage = retry.Backoff{First: time.Second, Longest: time.Minute}

// feeder reads the rows of one centre and stores them as chunks of its delivery.
type feeder struct {
	*Conversion
	run    conversion.Run
	feed   conversion.Feed
	known  intake.Known
	key    sealing.Key
	values Values
	rate   int      // rows a second at most; 0: no limit
	picked []string // the keys of a sample; nil for all rows

	mu    sync.Mutex
	waits conversion.Waits // why we wait for the TTP; kept so that it is said only once
}

// portion is a chunk before it is stored. It has rows until they are exchanged, and then
// the chunk.
type portion struct {
	no, firstLine int
	rows          []Row
	done          chan error
	chunk         delivery.Chunk
	place         conversion.Place
}

// feed reads the rows of a centre, from the place to which an earlier command came, and
// lets the workers go on with its delivery.
func (c *Conversion) feed(ctx context.Context, run conversion.Run, x centreRows, rate int) error {
	f := &feeder{Conversion: c, run: run, known: c.intake.Known(x.centre), values: x.values, rate: rate}
	ok, err := f.claim(ctx, x.centre.ID)
	if err != nil || !ok {
		return err
	}
	if f.key, err = c.keys.OpenKey(f.feed.Claim.WrappedKey, f.feed.Claim.Delivery.PublicID); err != nil {
		return err
	}
	if run.Sample > 0 {
		if f.picked, err = c.spread(ctx, x.values, x.rows, run.Sample); err != nil {
			return err
		}
	}
	// The claim is kept while we wait for the TTP or a person.
	ctx, release := lease.Keep(ctx, feedLease, c.now, func(ctx context.Context, until time.Time) error {
		return c.store.RenewDelivery(ctx, f.feed.Claim, until)
	})
	defer release()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if err := f.stream(ctx, stop); err != nil {
		return err
	}
	if err := c.store.FinishFed(ctx, f.feed); err != nil {
		return err
	}
	c.say("centre %s: all its rows are read", x.centre.Number)
	return nil
}

// claim claims the delivery of the centre. If another command has the claim, or died less
// than feedLease ago, it waits. ok is false if all rows were read already.
func (f *feeder) claim(ctx context.Context, centreID int64) (ok bool, err error) {
	for said := false; ; said = true {
		id, err := uuid.NewV7()
		if err != nil {
			return false, err
		}
		_, wrapped, keyID, err := f.keys.NewKey(id.String())
		if err != nil {
			return false, err
		}
		who := f.who
		who.CentreID = centreID
		fresh := delivery.New{
			PublicID: id.String(), CentreID: centreID, Filename: f.run.Table, Mode: f.run.Mode, Via: audit.ViaCLI, Who: who,
			KeyID: keyID, WrappedKey: wrapped, At: f.now(),
		}
		f.feed, ok, err = f.store.FeedCentre(ctx, f.run.ID, centreID, fresh, feedLease)
		if !errors.Is(err, delivery.ErrLost) {
			return ok, err
		}
		if !said {
			f.say("another command reads this centre, or died less than a minute ago: waiting for it")
		}
		if err := wait(ctx, time.Second); err != nil {
			return false, err
		}
	}
}

// stream reads portions, exchanges several of them at once, and stores them in order.
func (f *feeder) stream(ctx context.Context, stop context.CancelCauseFunc) error {
	queue := make(chan *portion, f.calls)
	var working sync.WaitGroup
	working.Go(func() {
		defer close(queue)
		if err := f.read(ctx, queue, &working); err != nil {
			stop(err)
		}
	})
	var failed error
	for p := range queue {
		err := <-p.done
		if err == nil && failed == nil && ctx.Err() == nil {
			err = f.store.AddFed(ctx, f.feed, p.chunk, p.place)
		}
		if err != nil && failed == nil {
			failed = err
			stop(err)
		}
	}
	working.Wait()
	if cause := context.Cause(ctx); cause != nil && (failed == nil || errors.Is(failed, context.Canceled)) {
		failed = cause
	}
	return failed
}

// read reads the remaining rows, puts each portion into queue and starts its exchange.
func (f *feeder) read(ctx context.Context, queue chan<- *portion, working *sync.WaitGroup) error {
	after, fed, no := f.feed.LastKey, f.feed.Fed, f.feed.Claim.Delivery.Chunks
	pace := pace{rate: f.rate, now: f.now}
	for {
		if err := f.stay(ctx); err != nil {
			return err
		}
		rows, err := f.next(ctx, after, fed)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := pace.wait(ctx, len(rows)); err != nil {
			return err
		}
		p := &portion{no: no, firstLine: fed + 1, rows: rows, done: make(chan error, 1)}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case queue <- p:
		}
		working.Go(func() { p.done <- f.exchange(ctx, p) })
		after, fed, no = rows[len(rows)-1].Key, fed+len(rows), no+1
	}
}

// next returns the rows after those that were read.
func (f *feeder) next(ctx context.Context, after string, fed int) ([]Row, error) {
	if f.picked == nil {
		return f.table.Rows(ctx, f.values, after, f.chunkRows)
	}
	if fed >= len(f.picked) {
		return nil, nil
	}
	return f.table.ByKeys(ctx, f.picked[fed:min(len(f.picked), fed+f.chunkRows)])
}

// stay returns as soon as no person has paused the run.
func (f *feeder) stay(ctx context.Context) error {
	for said := false; ; said = true {
		f.mu.Lock()
		waits := f.waits
		f.mu.Unlock()
		if waits != conversion.WaitsNot { // standBy records that the run waits for the TTP
			return nil
		}
		paused, err := f.store.RunPaused(ctx, f.run.ID, conversion.WaitsNot, time.Time{})
		if err != nil || !paused {
			if said {
				f.say("going on")
			}
			return err
		}
		if !said {
			f.say("paused on the console: waiting until it is resumed there")
		}
		if err := wait(ctx, time.Second); err != nil {
			return err
		}
	}
}

// exchange turns the rows of a portion into a sealed chunk of temporary pseudonyms. If the
// TTP cannot be used, exchange asks again until it can.
func (f *feeder) exchange(ctx context.Context, p *portion) error {
	checked := make([]intake.KnownRow, len(p.rows))
	for i, r := range p.rows {
		checked[i] = check(f.known, p.firstLine+i, r)
		p.place.Keys = append(p.place.Keys, r.Key)
	}
	p.place.LastKey = p.rows[len(p.rows)-1].Key
	p.rows = nil
	callKey := rand.Text()
	for attempt := 0; ; attempt++ {
		rows, findings, err := f.known.Prepare(ctx, callKey, checked)
		if down, ok := errors.AsType[*patient.UnavailableError](err); ok && ctx.Err() == nil {
			if err := f.standBy(ctx, attempt, down); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		f.answered()
		return f.seal(p, checked, rows, findings)
	}
}

// standBy waits before the next try of a TTP that cannot be used, and says so once.
func (f *feeder) standBy(ctx context.Context, attempt int, down *patient.UnavailableError) error {
	pause := outage.Spread(attempt, down.RetryAfter)
	waits := conversion.WaitsTTP
	if down.Denied {
		waits = conversion.WaitsDenied
	}
	f.mu.Lock()
	first := f.waits != waits
	f.waits = waits
	f.mu.Unlock()
	if first {
		f.say("the TTP cannot be used now (%s): waiting for it", waits)
		f.log.WarnContext(ctx, "TTP not available", "run", f.run.PublicID, "denied", down.Denied, "err", down.Err)
	}
	if _, err := f.store.RunPaused(ctx, f.run.ID, waits, f.now().Add(pause)); err != nil {
		return err
	}
	return wait(ctx, pause)
}

func (f *feeder) answered() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.waits != conversion.WaitsNot {
		f.waits = conversion.WaitsNot
		f.say("the TTP answers again")
	}
}

// seal makes the chunk of a portion.
func (f *feeder) seal(p *portion, checked []intake.KnownRow, rows []patient.TemporaryRow, findings []delivery.Finding) error {
	c := delivery.Chunk{
		No: p.no, FirstLine: p.firstLine, LastLine: p.firstLine + len(checked) - 1, Holds: chunk.Temporaries, CallKey: rand.Text(),
		Waiting: len(rows),
	}
	fatal := map[int]bool{}
	for _, r := range checked {
		c.Findings = delivery.AppendFindings(c.Findings, delivery.StageParse, r.Line, r.Display.Number, r.Findings)
	}
	c.Findings = append(c.Findings, findings...)
	for _, x := range c.Findings {
		fatal[x.Line] = fatal[x.Line] || x.Severity == patient.Fatal
	}
	for _, r := range checked {
		row := delivery.Row{Line: r.Line, PatientNumber: r.Display.Number, Outcome: patient.Pending}
		if fatal[r.Line] {
			row.Outcome = patient.Rejected
		}
		c.Rows = append(c.Rows, row)
	}
	c.ExpiresAt = patient.FirstExpiry(rows)
	var err error
	if c.Sealed, err = chunk.Seal(f.key, p.no, chunk.TemporaryRows, rows); err != nil {
		return fmt.Errorf("chunk %d: %w", p.no, err)
	}
	p.chunk = c
	return nil
}

// pace limits the rows per second to the rate that the operator chose.
type pace struct {
	rate int
	now  func() time.Time
	next time.Time
}

func (p *pace) wait(ctx context.Context, rows int) error {
	if p.rate <= 0 {
		return nil
	}
	now := p.now()
	if p.next.Before(now) {
		p.next = now
	}
	d := p.next.Sub(now)
	p.next = p.next.Add(time.Duration(rows) * time.Second / time.Duration(p.rate))
	return wait(ctx, d)
}
