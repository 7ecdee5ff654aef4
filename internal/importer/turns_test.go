package importer_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake"
	"sluis/internal/ttpclient/ttptest"
)

// stride is a clock that moves on by itself, so that every step has taken a while.
func stride(by time.Duration) func() time.Time {
	var mu sync.Mutex
	now := time.Now()
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(by)
		return now
	}
}

// TestCentresTakeTurns: what one centre delivers after the large file of another
// does not wait until that is done.
func TestCentresTakeTurns(t *testing.T) {
	p := newPlantAt(t, ttptest.Start(t), 4, stride(time.Millisecond))
	other, err := p.store.AddCentre(t.Context(), tester, account.Centre{Number: "1111", Name: "Other", IdentitiesAllowed: true})
	if err != nil {
		t.Fatal(err)
	}
	large := p.receive(t, delivery.Save, false, lines(80, 0))
	file := strings.ReplaceAll(lines(3, 0), "2809;", "1111;")
	small, err := p.intake.Receive(t.Context(), intake.Upload{Who: tester, Centre: other, Mode: delivery.Save}, strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if _, err := p.importer.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p.delivery(t, small).State == delivery.Done {
			break
		}
	}
	if d := p.delivery(t, large); d.State != delivery.Exchanging || d.Resolved > 3 {
		t.Errorf("when the small one was done, the large one was %s with %d chunks", d.State, d.Resolved)
	}
	p.settle(t)
	if d := p.delivery(t, large); d.State != delivery.Done || d.Counts.Created != 80 {
		t.Errorf("the large one: %s %+v", d.State, d.Counts)
	}
}

// TestStopWhileStoring: a delivery that is stopped while it is being stored keeps
// what is stored, says how much that is, and the same file completes it.
func TestStopWhileStoring(t *testing.T) {
	p := newPlantAt(t, ttptest.Start(t), 4, stride(3*time.Second))
	id := p.receive(t, delivery.Save, false, lines(20, 1))
	var d delivery.Delivery
	for range 200 {
		if _, err := p.importer.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d = p.delivery(t, id); d.State == delivery.Registering && d.Registered > 0 {
			break
		}
	}
	if d.Registered == 0 || d.Registered == d.Chunks {
		t.Fatalf("%d of %d chunks are stored: the work was not given back between two", d.Registered, d.Chunks)
	}
	if err := p.desk.Cancel(t.Context(), tester, p.scope(), id); err != nil {
		t.Fatal(err)
	}
	p.settle(t)
	d = p.delivery(t, id)
	if d.State != delivery.Cancelled || d.Counts.Created == 0 || d.Counts.Pending == 0 || d.Counts.Created != p.total(t) {
		t.Errorf("stopped: %s %+v, %d patients", d.State, d.Counts, p.total(t))
	}
	if ids, err := p.store.KeyIDsInUse(t.Context()); err != nil || len(ids) != 0 {
		t.Errorf("keys %v are still needed (%v)", ids, err)
	}
	again := p.receive(t, delivery.Save, false, lines(20, 1))
	p.settle(t)
	if e := p.delivery(t, again); e.State != delivery.Done || e.Counts.Unchanged != d.Counts.Created || e.Counts.Stored() != 20 ||
		e.Counts.Rejected != 1 {
		t.Errorf("delivered again: %s %+v", e.State, e.Counts)
	}
}
