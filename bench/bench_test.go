package bench

import (
	"flag"
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
	flag.Parse()
	if flag.Lookup("test.bench").Value.String() == "" {
		return m.Run() // nothing to build for
	}
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
	took           time.Duration
	floor          floor
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
	r.floor = floorOf(b, s.database(), plain, kind, keys, rows)
	results = append(results, r)

	b.ReportMetric(float64(rows)/r.took.Seconds(), "rows/s")
	b.ReportMetric(float64(rows)/r.floor.took().Seconds(), "floor-rows/s")
	b.ReportMetric(r.took.Seconds()/r.floor.took().Seconds(), "sluis/floor")
	b.ReportMetric(float64(r.peak)/(1<<20), "peak-MiB")
	b.ReportMetric(float64(r.longest.Milliseconds()), "longest-wait-ms")
}

// report prints one table of everything.
func report() {
	if len(results) == 0 {
		return
	}
	columns := []string{"delivery", "rows/s", "s", "floor s", "÷ floor", "Sluis", "TTP", "floor", "peak MiB", "answer", "slowest"}
	units := []string{"", "", "", "", "", "cpu µs/row", "cpu µs/row", "cpu µs/row", "", "ms", "ms"}
	lines := [][]string{columns, units}
	for _, r := range results {
		micros := func(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d.Microseconds())/float64(r.rows)) }
		seconds := func(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()) }
		lines = append(lines, []string{
			r.name, fmt.Sprintf("%.0f", float64(r.rows)/r.took.Seconds()), seconds(r.took), seconds(r.floor.took()),
			fmt.Sprintf("%.2f", r.took.Seconds()/r.floor.took().Seconds()), micros(r.sluis), micros(r.ttp), micros(r.floor.worked()),
			fmt.Sprintf("%.0f", float64(r.peak)/(1<<20)), fmt.Sprintf("%.1f", r.usual.Seconds()*1000), fmt.Sprintf("%.0f", r.longest.Seconds()*1000),
		})
	}
	fmt.Println()
	for _, l := range lines {
		fmt.Printf("%-28s", l[0])
		for _, cell := range l[1:] {
			fmt.Printf(" %10s", cell)
		}
		fmt.Println()
	}
}
