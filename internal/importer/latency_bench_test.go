package importer_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/identity"
	"sluis/internal/importer"
	"sluis/internal/importer/intake"
	"sluis/internal/patient"
	"sluis/internal/ttpclient"
	"sluis/internal/ttpclient/prepare"
	"sluis/internal/ttpclient/ttptest"
	"sluis/internal/ttpsandbox"
)

// What the TTP of BenchmarkLatency allows: so many calls at once, of so many
// rows. It is small, so that the TTP is what everybody waits for.
const (
	allowedCalls = 5
	allowedRows  = 50
)

// BenchmarkLatency holds three ways of getting rows of identities through a TTP
// against each other, in one run: the pilot's (one row a call, one row a
// transaction, one at a time), Sluis's (eight files that come in at once), and
// the floor (calls needed × latency ÷ calls allowed at once).
func BenchmarkLatency(b *testing.B) {
	for _, c := range []struct {
		latency     time.Duration
		rows, pilot int // rows by Sluis, and by the pilot's way, of which each takes long
	}{
		{0, 16_000, 400},
		{50 * time.Millisecond, 24_000, 60},
		{200 * time.Millisecond, 12_000, 20},
	} {
		b.Run("latency="+c.latency.String(), func(b *testing.B) {
			for b.Loop() {
				pilot := pilotsWay(b, c.latency, c.pilot)
				sluis, busy := sluisWay(b, c.latency, c.rows)
				calls := 2 * ((c.rows + allowedRows - 1) / allowedRows)
				floor := time.Duration(calls) * c.latency / allowedCalls / time.Duration(c.rows)
				b.ReportMetric(micros(pilot), "pilot-µs/row")
				b.ReportMetric(micros(sluis), "sluis-µs/row")
				b.ReportMetric(float64(pilot)/float64(sluis), "pilot/sluis")
				b.ReportMetric(busy, "calls-at-once")
				if floor > 0 {
					b.ReportMetric(micros(floor), "floor-µs/row")
					b.ReportMetric(float64(sluis)/float64(floor), "sluis/floor")
				}
			}
			b.ReportMetric(0, "ns/op") // says nothing here
		})
	}
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// slow makes every pseudonym call take latency longer. It counts the most calls at once, and
// the time that all calls took.
func slow(ttp *ttptest.TTP, latency time.Duration) (most *atomic.Int64, spent *atomic.Int64) {
	var now, peak, sum atomic.Int64
	ttp.BreakCalls(func(_ int, next http.Handler, w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		n := now.Add(1)
		for p := peak.Load(); n > p && !peak.CompareAndSwap(p, n); p = peak.Load() {
		}
		time.Sleep(latency)
		next.ServeHTTP(w, r)
		now.Add(-1)
		sum.Add(int64(time.Since(start)))
	})
	return &peak, &sum
}

// pilotsWay is the time for one row, a row at a time.
func pilotsWay(b *testing.B, latency time.Duration, rows int) time.Duration {
	b.Helper()
	ttp := ttptest.Start(b)
	p := newPlantAt(b, ttp, 0, time.Now)
	slow(ttp, latency)
	one := prepare.New(ttp.Client(ttpsandbox.ScopeTemporary), ttptest.Domain, ttptest.Types)
	start := time.Now()
	for i := range rows {
		person := ttptest.Person(i)
		temporaries, findings, err := one.PrepareOne(b.Context(), identity.New(identity.Fields{
			Surname: person["surname"], Initials: person["initials"], BirthDate: person["birthDate"], Sex: person["sex"],
		}))
		if err != nil || len(findings) > 0 {
			b.Fatal(err, findings)
		}
		birth, _ := patient.ParseBirth(person["birthDate"])
		d := patient.Display{Number: fmt.Sprint(i), Birth: birth, Sex: patient.Sex(person["sex"])}
		got, err := p.desk.RegisterEntry(b.Context(), audit.Who{Name: "bench"}, p.centre, d, temporaries)
		if err != nil || got.Outcome != patient.Created {
			b.Fatal(err, got.Outcome)
		}
	}
	return time.Since(start) / time.Duration(rows)
}

// sluisWay is the time for one row of eight files, from the moment the first one
// begins to come in until the last one is done, and how many calls were under
// way on average.
func sluisWay(b *testing.B, latency time.Duration, rows int) (perRow time.Duration, busy float64) {
	b.Helper()
	const files = 8
	ttp := ttptest.Start(b)
	p := newPlantAt(b, ttp, allowedRows, time.Now)
	p.onLine(b, ttp, func(o *ttpclient.LineOptions) { o.Calls = allowedCalls },
		func(o *importer.Options) { o.Calls = allowedCalls*3/2 + 1 })
	peak, spent := slow(ttp, latency)
	ctx, stop := context.WithCancel(b.Context())
	var working sync.WaitGroup
	working.Go(func() { p.importer.Run(ctx) })
	defer working.Wait()
	defer stop()
	head, body, _ := strings.Cut(string(identityFile(rows)), "\n")
	all := strings.SplitAfter(body, "\n")
	start := time.Now()
	ids := make([]string, files)
	for i := range files {
		part := head + "\n" + strings.Join(all[i*rows/files:(i+1)*rows/files], "")
		id, err := p.intake.Receive(b.Context(), intake.Upload{Who: audit.Who{Name: "bench"}, Centre: p.centre, Mode: delivery.Save},
			bytes.NewReader([]byte(part)))
		if err != nil {
			b.Fatal(err)
		}
		ids[i] = id
		p.importer.Wake()
	}
	for _, id := range ids {
		for {
			d, err := p.store.Delivery(b.Context(), account.AllCentres(), id)
			if err != nil {
				b.Fatal(err)
			}
			if d.State.Final() {
				if d.Counts.Created != rows/files {
					b.Fatalf("delivery = %+v", d)
				}
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	took := time.Since(start)
	if peak.Load() > allowedCalls {
		b.Errorf("%d calls at once, where %d are allowed", peak.Load(), allowedCalls)
	}
	return took / time.Duration(rows), float64(spent.Load()) / float64(took)
}
