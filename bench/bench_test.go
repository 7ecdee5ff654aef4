package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// program is the built cmd/web.
var program string

// types are the pseudonym types, as the program has them by default.
var types = []string{"NGGV", "NGG"}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sluis-bench-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "web")
	if out, err := exec.Command("go", "build", "-o", program, "sluis/cmd/web").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build sluis/cmd/web: %v\n%s", err, out)
		return 1
	}
	code := m.Run()
	report()
	return code
}

// seen is what one delivery came to.
type seen struct {
	name           string
	rows           int
	took, floor    time.Duration
	insert         time.Duration
	sluis, ttp     time.Duration // processor time
	peak           int64
	usual, longest time.Duration // a question's answer meanwhile
}

var results []seen

// BenchmarkDelivery brings files through the real program on a fresh database,
// and measures the floor under each of them before and after it.
func BenchmarkDelivery(b *testing.B) {
	keys := b.TempDir()
	_, ttp := startTTP(b, keys) // makes the keys
	for _, rows := range []int{10_000, 100_000, 1_000_000} {
		for _, c := range []struct{ kind, format string }{
			{"temporary", "csv"}, {"identities", "csv"}, {"temporary", "xlsx"}, {"identities", "xlsx"}, {"temporary", "json"}, {"identities", "json"},
		} {
			if c.format != "csv" && rows != 100_000 {
				continue
			}
			name := fmt.Sprintf("%s/%s/rows=%d", c.format, c.kind, rows)
			b.Run(name, func(b *testing.B) {
				f := files{b, keys, rows}
				path, plain := f.path(c.kind, c.format), f.path(c.kind, "csv")
				for b.Loop() {
					b.StopTimer()
					one(b, name, ttp, path, plain, c.kind, keys, rows)
					b.StartTimer()
				}
				b.ReportMetric(0, "ns/op") // says nothing here
			})
		}
	}
}

func one(b *testing.B, name, ttpAddress, path, plain, kind, keys string, rows int) {
	b.Helper()
	ttp, ttpAddress := startTTP(b, keys)
	s := startSite(b, ttpAddress)
	r := seen{name: name, rows: rows}
	sluisBefore, ttpBefore := s.worked(b), ttp.worked(b)
	var waits []time.Duration
	r.took, waits = s.deliver(b, path, rows)
	r.sluis, r.ttp = s.worked(b)-sluisBefore, ttp.worked(b)-ttpBefore
	r.peak = s.peak(b)
	slices.Sort(waits)
	r.usual, r.longest = waits[len(waits)/2], waits[len(waits)-1]
	s.stop(b)
	ttp.stop(b)
	if os.Getenv("PHASES") != "" {
		for _, l := range strings.Split(s.said(), "\n") {
			if strings.Contains(l, "delivery step") {
				fmt.Println(l)
			}
		}
	}
	f := floorOf(b, s.database(), plain, kind, keys, rows)
	r.floor, r.insert = f.took(), f.insert
	results = append(results, r)

	b.ReportMetric(float64(rows)/r.took.Seconds(), "rows/s")
	b.ReportMetric(float64(rows)/r.floor.Seconds(), "floor-rows/s")
	b.ReportMetric(r.took.Seconds()/r.floor.Seconds(), "sluis/floor")
	b.ReportMetric(float64(r.peak)/(1<<20), "peak-MiB")
	b.ReportMetric(float64(r.longest.Milliseconds()), "longest-wait-ms")
}

// report prints one table of everything.
func report() {
	if len(results) == 0 {
		return
	}
	var t strings.Builder
	fmt.Fprintf(&t, "\n%-28s %9s %8s %8s %6s %8s %9s %9s %8s %8s %8s\n",
		"delivery", "rows/s", "s", "floor s", "÷", "of which", "Sluis cpu", "TTP cpu", "peak", "answer", "slowest")
	fmt.Fprintf(&t, "%-28s %9s %8s %8s %6s %8s %9s %9s %8s %8s %8s\n", "", "", "", "", "floor", "insert", "µs/row", "µs/row", "MiB", "ms", "ms")
	for _, r := range results {
		micros := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(r.rows) }
		ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
		fmt.Fprintf(&t, "%-28s %9.0f %8.2f %8.2f %6.2f %8.2f %9.1f %9.1f %8.0f %8.1f %8.0f\n", r.name, float64(r.rows)/r.took.Seconds(), r.took.Seconds(),
			r.floor.Seconds(), r.took.Seconds()/r.floor.Seconds(), r.insert.Seconds(), micros(r.sluis), micros(r.ttp), float64(r.peak)/(1<<20), ms(r.usual), ms(r.longest))
	}
	fmt.Print(t.String())
}
