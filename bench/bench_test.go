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

// seen has the measurements of one delivery.
type seen struct {
	rows           int
	took           time.Duration
	floor          floor
	sluis, ttp     time.Duration // processor time
	peak           int64
	usual, longest time.Duration // of the answers to other requests meanwhile
}

// ratio returns how many times as long as the floor the delivery took.
func (s seen) ratio() float64 { return s.took.Seconds() / s.floor.took().Seconds() }

// result has the measurements of all repetitions of one benchmark.
type result struct {
	name string
	runs []seen
}

// median returns the median of a measure over the repetitions.
func (r result) median(of func(seen) float64) float64 {
	values := make([]float64, len(r.runs))
	for i, s := range r.runs {
		values[i] = of(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

var results []result

// cases are the numbers of rows, and how often each is measured. The median counts,
// because other programs on the machine disturb some of the runs.
var cases = []struct{ rows, times int }{{10_000, 5}, {100_000, 3}, {1_000_000, 1}}

// BenchmarkDelivery delivers files to the real program on a new database, and measures
// the floor of each right after it.
func BenchmarkDelivery(b *testing.B) {
	keys := b.TempDir()
	made, _ := startTTP(b, keys) // makes the keys
	made.stop(b)
	for _, size := range cases {
		for _, c := range []struct{ kind, format string }{
			{
				"temporary", "csv"}, {"identities", "csv"}, {"temporary", "xlsx"}, {"identities", "xlsx"}, {"temporary", "fhir"},
			{"identities",
				"fhir",
			},
		} {
			times := size.times
			if c.format != "csv" {
				if size.rows != 100_000 {
					continue
				}
				times = 1
			}
			b.Run(fmt.Sprintf("%s/%s/rows=%d", c.format, c.kind, size.rows), func(b *testing.B) {
				f := files{b, keys, size.rows}
				path, plain := f.path(c.kind, c.format), f.path(c.kind, "csv")
				r := result{name: strings.TrimPrefix(b.Name(), "BenchmarkDelivery/")}
				for b.Loop() {
					for range times {
						r.runs = append(r.runs, one(b, keys, path, plain, c.kind, size.rows))
					}
				}
				results = append(results, r)
				r.report(b)
			})
		}
	}
}

// one measures one delivery and its floor.
func one(b *testing.B, keys, path, plain, kind string, rows int) seen {
	b.Helper()
	ttp, address := startTTP(b, keys)
	s := startSite(b, address)
	r := seen{rows: rows}
	sluisBefore, ttpBefore := s.worked(b), ttp.worked(b)
	var waits []time.Duration
	r.took, waits = s.deliver(b, path, rows)
	r.sluis, r.ttp = s.worked(b)-sluisBefore, ttp.worked(b)-ttpBefore
	r.peak = s.peak(b)
	slices.Sort(waits)
	r.usual, r.longest = waits[len(waits)/2], waits[len(waits)-1]
	s.stop(b)
	ttp.stop(b)
	if testing.Verbose() {
		for line := range strings.Lines(s.said()) {
			if strings.Contains(line, "delivery step") {
				b.Log(strings.TrimSpace(line))
			}
		}
	}
	r.floor = floorOf(b, s.database(), plain, kind, keys, rows)
	if err := os.RemoveAll(s.dir); err != nil { // a million rows are a gigabyte
		b.Fatal(err)
	}
	return r
}

// measures are the columns of the table.
var measures = []struct {
	name, unit, form string
	of               func(seen) float64
}{
	{"rows/s", "", "%.0f", func(s seen) float64 { return float64(s.rows) / s.took.Seconds() }},
	{"Sluis", "s", "%.2f", func(s seen) float64 { return s.took.Seconds() }},
	{"floor", "s", "%.2f", func(s seen) float64 { return s.floor.took().Seconds() }},
	{"Sluis ÷", "floor", "%.2f", seen.ratio},
	{"peak", "MiB", "%.0f", func(s seen) float64 { return float64(s.peak) / (1 << 20) }},
	{"Sluis", "cpu µs/row", "%.1f", func(s seen) float64 { return s.sluis.Seconds() * 1e6 / float64(s.rows) }},
	{"TTP", "cpu µs/row", "%.1f", func(s seen) float64 { return s.ttp.Seconds() * 1e6 / float64(s.rows) }},
	{"floor", "cpu µs/row", "%.1f", func(s seen) float64 { return s.floor.worked().Seconds() * 1e6 / float64(s.rows) }},
	{"answer", "ms", "%.1f", func(s seen) float64 { return s.usual.Seconds() * 1000 }},
	{"slowest", "ms", "%.0f", func(s seen) float64 { return s.longest.Seconds() * 1000 }},
}

func (r result) report(b *testing.B) {
	b.ReportMetric(0, "ns/op") // means nothing here, and is left out if it is 0
	for _, m := range measures[:5] {
		b.ReportMetric(r.median(m.of), strings.ReplaceAll(strings.TrimSpace(m.name+" "+m.unit), " ", "-"))
	}
}

// report prints one table of everything.
func report() {
	if len(results) == 0 {
		return
	}
	fmt.Printf("\n%-27s", "median of each")
	for _, m := range measures {
		fmt.Printf(" %10s", m.name)
	}
	fmt.Printf("\n%-27s", "")
	for _, m := range measures {
		fmt.Printf(" %10s", m.unit)
	}
	fmt.Println()
	for _, r := range results {
		fmt.Printf("%-24s %dx", r.name, len(r.runs))
		for _, m := range measures {
			fmt.Printf(" %10s", fmt.Sprintf(m.form, r.median(m.of)))
		}
		fmt.Println()
	}
}
