package importer_test

import (
	"strings"
	"testing"
	"time"

	"sluis/internal/delivery"
	"sluis/internal/ttpclient/ttptest"
)

// TestReportsExpire: ninety days after a delivery ended its rows go, and not
// before; a delivery that is under way keeps them however old it is.
func TestReportsExpire(t *testing.T) {
	ttp := ttptest.Start(t)
	clock := &clock{now: time.Now()}
	p := newPlantAt(t, ttp, 2, clock.Now)
	id := p.receive(t, delivery.Save, false, lines(5, 2))
	p.settle(t)
	old := p.receive(t, delivery.Save, false, lines(6, 4)) // stopped by the brake
	p.settle(t)
	for _, c := range []struct {
		pass    time.Duration
		expired bool
	}{{89 * 24 * time.Hour, false}, {25 * time.Hour, true}} {
		clock.move(c.pass)
		if err := p.importer.Housekeep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := !p.delivery(t, id).ReportExpiredAt.IsZero(); got != c.expired {
			t.Errorf("after %v more: expired %v", c.pass, got)
		}
	}
	d := p.delivery(t, id)
	if d.Counts.Created != 5 || d.Counts.Rejected != 2 || p.total(t) != 5 {
		t.Errorf("%+v, %d patients", d.Counts, p.total(t))
	}
	// The braked one lapsed after a week, and its report is not ninety days old.
	if d := p.delivery(t, old); d.State != delivery.Cancelled || !d.ReportExpiredAt.IsZero() {
		t.Errorf("%s, expired at %v", d.State, d.ReportExpiredAt)
	}
	if !strings.Contains(ttp.Log.String(), "reports expired") {
		t.Error("the log does not say it")
	}
}
