package importer_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/importer"
	"sluis/internal/importer/intake"
	"sluis/internal/patient"
	"sluis/internal/ttpclient/ttptest"
)

const head = "Centrum id;Geboortedatum;Geslacht;Patiëntnummer;Achternaam;Tussenvoegsel;Voorletters\n"

var tester = audit.Who{Name: "test"}

// receive takes a file in, without working on it.
func (p *plant) receive(tb testing.TB, mode delivery.Mode, confirmed bool, file string) string {
	tb.Helper()
	id, err := p.intake.Receive(tb.Context(), intake.Upload{Who: tester, Centre: p.centre, Mode: mode, Confirmed: confirmed},
		strings.NewReader(file))
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

// settle works until there is nothing to do.
func (p *plant) settle(tb testing.TB) {
	tb.Helper()
	for range 10_000 {
		busy, err := p.importer.Step(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		if !busy {
			return
		}
	}
	tb.Fatal("the work does not end")
}

func (p *plant) delivery(tb testing.TB, id string) delivery.Delivery {
	tb.Helper()
	d, err := p.store.Delivery(tb.Context(), account.AllCentres(), id)
	if err != nil {
		tb.Fatal(err)
	}
	if !d.Counts.Balanced() || !d.Planned.Balanced() {
		tb.Errorf("delivery %s does not add up: %+v, planned %+v", id, d.Counts, d.Planned)
	}
	return d
}

func (p *plant) scope() account.Scope { return account.Actor{Centre: &p.centre}.Scope() }

func (p *plant) total(tb testing.TB) int {
	tb.Helper()
	page, err := p.store.Patients(tb.Context(), tester, p.scope(), patient.Query{})
	if err != nil {
		tb.Fatal(err)
	}
	return page.Total
}

func (p *plant) findings(tb testing.TB, id string) []delivery.Finding {
	tb.Helper()
	page, err := p.store.Findings(tb.Context(), p.delivery(tb, id), delivery.FindingQuery{Limit: 1000})
	if err != nil {
		tb.Fatal(err)
	}
	return page.Findings
}

// lines makes a file of good rows and of rows that the TTP refuses.
func lines(good, bad int) string {
	var b strings.Builder
	b.WriteString(head)
	for i := range good {
		fmt.Fprintf(&b, "2809;2-1-1970;m;g%d;Naam%c%c;;A\n", i, 'a'+i%26, 'a'+i/26)
	}
	for i := range bad {
		fmt.Fprintf(&b, "2809;;m;b%d;Naam;;A\n", i)
	}
	return b.String()
}

func TestBrake(t *testing.T) {
	ttp := ttptest.Start(t)
	for _, c := range []struct {
		good, bad int
		confirmed bool
		want      delivery.State
	}{
		{7, 3, false, delivery.Done},    // 30% is not over 30%
		{6, 4, false, delivery.Confirm}, // 40%
		{69, 31, false, delivery.Confirm},
		{0, 9, false, delivery.Done}, // fewer than ten rows
		{0, 10, false, delivery.Confirm},
		{6, 4, true, delivery.Done}, // confirmed beforehand
	} {
		p := newPlantAt(t, ttp, 4, time.Now)
		id := p.receive(t, delivery.Save, c.confirmed, lines(c.good, c.bad))
		p.settle(t)
		d := p.delivery(t, id)
		if d.State != c.want {
			t.Errorf("%d good, %d bad, confirmed %v: %s, want %s", c.good, c.bad, c.confirmed, d.State, c.want)
		}
		if c.want != delivery.Confirm {
			continue
		}
		if n := p.total(t); n != 0 || d.Counts.Pending != d.Counts.Read || d.Planned.Rejected != c.bad || d.Planned.Created != c.good {
			t.Errorf("held by the brake: %d patients, %+v, planned %+v", n, d.Counts, d.Planned)
		}
		if err := p.desk.Save(t.Context(), tester, p.scope(), id); err != nil {
			t.Fatal(err)
		}
		// The button pressed twice, and too late to cancel is told as such.
		if err := p.desk.Save(t.Context(), tester, p.scope(), id); apperr.KindOf(err) != apperr.Conflict {
			t.Errorf("confirmed twice: %v, want a conflict", err)
		}
		p.settle(t)
		if err := p.desk.Cancel(t.Context(), tester, p.scope(), id); apperr.KindOf(err) != apperr.Conflict {
			t.Errorf("cancelled when it was done: %v, want a conflict", err)
		}
		if d := p.delivery(t, id); d.State != delivery.Done || d.Counts.Created != c.good || d.Counts.Rejected != c.bad ||
			p.total(t) != c.good {
			t.Errorf("confirmed: %s %+v", d.State, d.Counts)
		}
	}
}

// TestCheck: what a check says would happen is what happens when it is saved.
func TestCheck(t *testing.T) {
	p := newPlantAt(t, ttptest.Start(t), 3, time.Now)
	p.receive(t, delivery.Save, true, lines(4, 0))
	p.settle(t)
	file := lines(8, 2) + "2809;2-1-1970;v;g0;Anders;;B\n" + "2809;2-1-1970;m;x1;Naamaa;;A\n"
	id := p.receive(t, delivery.Check, false, file)
	p.settle(t)
	checked := p.delivery(t, id)
	if checked.State != delivery.Checked || p.total(t) != 4 || checked.Counts.Pending != 12 {
		t.Fatalf("checked: %s %+v, %d patients", checked.State, checked.Counts, p.total(t))
	}
	if err := p.desk.Save(t.Context(), tester, p.scope(), id); err != nil {
		t.Fatal(err)
	}
	p.settle(t)
	saved := p.delivery(t, id)
	if saved.State != delivery.Done || saved.Counts != checked.Planned {
		t.Errorf("saved: %s %+v, the check said %+v", saved.State, saved.Counts, checked.Planned)
	}
	want := patient.Counts{Read: 12, Created: 4, Unchanged: 3, Rejected: 2, Review: 3}
	if saved.Counts != want {
		t.Errorf("counts %+v, want %+v", saved.Counts, want)
	}
}

// TestRepeatOfAReview: a row that says once more what waits for a data manager is
// not told to be stored.
func TestRepeatOfAReview(t *testing.T) {
	p := newPlantAt(t, ttptest.Start(t), 2, time.Now)
	p.receive(t, delivery.Save, true, head+"2809;2-1-1970;m;1;Jansen;;A\n")
	p.settle(t)
	taken := "2809;2-1-1970;m;1;Pietersen;;A\n"
	person := "2809;1-1-1980;v;7;Willemsen;;W\n"
	other := "2809;1-1-1980;v;8;Willemsen;;W\n"
	id := p.receive(t, delivery.Save, true, head+taken+"2809;2-1-1970;m;2;Bakker;;B\n"+taken+person+person+other)
	p.settle(t)
	if got, want := p.delivery(t, id).Counts, (patient.Counts{Read: 6, Created: 1, Review: 5}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
	if n, err := p.store.CountConflicts(t.Context(), p.scope()); err != nil || n != 3 {
		t.Errorf("%d open reviews, want 3: the same row twice is one (%v)", n, err)
	}
}

// clock is a time that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// TestOutage: a TTP that is down pauses a delivery and rejects no row.
func TestOutage(t *testing.T) {
	ttp := ttptest.Start(t)
	at := &clock{now: time.Now()}
	p := newPlantAt(t, ttp, 4, at.Now)
	ttp.Break(func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	})
	id := p.receive(t, delivery.Save, false, lines(10, 1))
	p.settle(t)
	d := p.delivery(t, id)
	if d.Status() != delivery.StatusPaused || d.Counts.Pending != 11 || !d.NextTryAt.After(at.Now()) || len(p.findings(t, id)) != 0 {
		t.Fatalf("during the outage: %s %+v, next try %v", d.Status(), d.Counts, d.NextTryAt)
	}
	calls := ttp.Calls.Load() + ttp.Tokens.Load()
	p.settle(t)
	if n := ttp.Calls.Load() + ttp.Tokens.Load(); n != calls {
		t.Errorf("the TTP was asked %d times before its time had come", n-calls)
	}
	at.move(10 * time.Minute)
	p.settle(t)
	if d := p.delivery(t, id); d.Status() != delivery.StatusPaused {
		t.Errorf("after ten minutes: %s", d.Status())
	}
	ttp.Break(nil)
	if err := p.desk.RetryNow(t.Context(), tester, p.scope(), id); err != nil {
		t.Fatal(err)
	}
	p.settle(t)
	want := patient.Counts{Read: 11, Created: 10, Rejected: 1}
	if d := p.delivery(t, id); d.State != delivery.Done || d.Counts != want || d.Paused != delivery.NotPaused {
		t.Errorf("after the outage: %s %+v, want %+v", d.State, d.Counts, want)
	}
}

// TestCancelInTheMiddle: whatever is under way when a delivery is cancelled is
// lost, and nothing stays behind.
func TestCancelInTheMiddle(t *testing.T) {
	ttp := ttptest.Start(t)
	p := newPlantAt(t, ttp, 4, time.Now)
	id := p.receive(t, delivery.Save, false, lines(10, 0))
	cancelled := false
	ttp.BreakCalls(func(n int, next http.Handler, w http.ResponseWriter, r *http.Request) {
		if n == 2 {
			if err := p.desk.Cancel(context.WithoutCancel(r.Context()), tester, p.scope(), id); err != nil {
				t.Error(err)
			}
			cancelled = true
		}
		next.ServeHTTP(w, r)
	})
	p.settle(t)
	d := p.delivery(t, id)
	if !cancelled || d.State != delivery.Cancelled || d.Counts.Pending != 10 || p.total(t) != 0 {
		t.Errorf("cancelled: %s %+v, %d patients", d.State, d.Counts, p.total(t))
	}
	for no := range 3 {
		if _, err := p.store.SealedChunk(t.Context(), d.ID, no); apperr.KindOf(err) != apperr.NotFound {
			t.Errorf("chunk %d is still there (%v)", no, err)
		}
	}
	if ids, err := p.store.KeyIDsInUse(t.Context()); err != nil || len(ids) != 0 {
		t.Errorf("keys %v are still needed (%v)", ids, err)
	}
	if err := p.desk.Cancel(t.Context(), tester, p.scope(), id); apperr.KindOf(err) != apperr.Conflict {
		t.Errorf("cancelled twice: %v, want a conflict", err)
	}
}

// panicking is a Resolver with a fault that carries what it was given.
type panicking struct{}

func (panicking) Resolve(_ context.Context, _ string, rows []patient.Resolvable) (map[string]patient.Resolved, error) {
	panic("cannot do with " + rows[0].Temporaries[0].Value)
}

// TestPanic: a panic ends the delivery that caused it and no other, and its value
// is not logged.
func TestPanic(t *testing.T) {
	ttp := ttptest.Start(t)
	p := newPlantAt(t, ttp, 4, time.Now)
	o := p.options
	o.Resolver = panicking{}
	im, err := importer.New(o)
	if err != nil {
		t.Fatal(err)
	}
	file := "Patiëntnummer;Geboortejaar;Geslacht;Pseudoniem NGGV\n1;1970;m;kanariepietje\n"
	id := p.receive(t, delivery.Save, false, file)
	for range 3 {
		if _, err := im.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if d := p.delivery(t, id); d.State != delivery.Failed || d.FailCode != "panic" {
		t.Errorf("after a panic: %s %s", d.State, d.FailCode)
	}
	if log := ttp.Log.String(); !strings.Contains(log, "worker panicked") || strings.Contains(log, "kanariepietje") {
		t.Errorf("the log does not tell of the panic, or tells too much:\n%s", log)
	}
	id = p.receive(t, delivery.Save, false, lines(3, 0))
	p.settle(t)
	if d := p.delivery(t, id); d.State != delivery.Done {
		t.Errorf("the next delivery: %s", d.State)
	}
}

// TestDestroyedKey: a delivery whose wrapping key is gone fails, and says why.
func TestDestroyedKey(t *testing.T) {
	at := &clock{now: time.Now()}
	p := newPlantAt(t, ttptest.Start(t), 4, at.Now)
	id := p.receive(t, delivery.Check, false, lines(3, 0))
	at.move(25 * time.Hour)
	if rotated, _, err := p.keys.Rotate(24*time.Hour, nil); err != nil || !rotated {
		t.Fatal(rotated, err)
	}
	at.move(2 * time.Hour)
	if _, destroyed, err := p.keys.Rotate(24*time.Hour, nil); err != nil || destroyed != 1 {
		t.Fatal(destroyed, err)
	}
	p.settle(t)
	if d := p.delivery(t, id); d.State != delivery.Failed || d.FailCode != "key_destroyed" {
		t.Errorf("%s %s, want failed key_destroyed", d.State, d.FailCode)
	}
}

// TestKeysOfOpenDeliveriesStay: housekeeping destroys no key that is needed, and
// lets an unanswered check lapse.
func TestKeysOfOpenDeliveriesStay(t *testing.T) {
	at := &clock{now: time.Now()}
	p := newPlantAt(t, ttptest.Start(t), 4, at.Now)
	id := p.receive(t, delivery.Check, false, lines(3, 0))
	p.settle(t)
	for range 5 { // days, and an hour for the old key to retire
		at.move(25 * time.Hour)
		if err := p.importer.Housekeep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.desk.Save(t.Context(), tester, p.scope(), id); err != nil {
		t.Fatal(err)
	}
	p.settle(t)
	if d := p.delivery(t, id); d.State != delivery.Done || d.Counts.Created != 3 {
		t.Errorf("saved after five days: %s %+v", d.State, d.Counts)
	}
	id = p.receive(t, delivery.Check, false, lines(5, 0))
	p.settle(t)
	at.move(7*24*time.Hour + time.Minute)
	if err := p.importer.Housekeep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := p.delivery(t, id); d.State != delivery.Cancelled || d.Counts.Pending != 5 {
		t.Errorf("unanswered for a week: %s %+v", d.State, d.Counts)
	}
}

// TestStaleWorker: a worker that comes back after its lease ran out changes
// nothing.
func TestStaleWorker(t *testing.T) {
	ttp := ttptest.Start(t)
	at := &clock{now: time.Now()}
	p := newPlantAt(t, ttp, 4, at.Now)
	id := p.receive(t, delivery.Save, false, lines(4, 0))
	if _, err := p.importer.Step(t.Context()); err != nil { // parse
		t.Fatal(err)
	}
	slow, ok, err := p.store.ClaimChunk(t.Context(), at.Now(), time.Minute)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	at.move(2 * time.Minute)
	p.settle(t) // another worker does it
	if _, err := p.intake.Prepare(t.Context(), slow); !errors.Is(err, delivery.ErrLost) {
		t.Errorf("the slow worker: %v, want the claim lost", err)
	}
	if d := p.delivery(t, id); d.State != delivery.Done || d.Counts.Created != 4 {
		t.Errorf("%s %+v", d.State, d.Counts)
	}
}
