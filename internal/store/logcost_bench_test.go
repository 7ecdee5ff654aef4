package store_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluis/internal/server/servertest"
)

// BenchmarkLogCost delivers the same file both ways, with the tree and the seals of the
// access log and without them, in turn, and prints what they cost: the median of the
// pairs. Each delivery has a new database.
func BenchmarkLogCost(b *testing.B) {
	rows, pairs := 10_000, 9
	if n, err := strconv.Atoi(os.Getenv("SLUIS_BENCH_PAIRS")); err == nil {
		pairs = n
	}
	var file strings.Builder
	file.WriteString(servertest.EntryHeader)
	for i := range rows { // no two are the same person
		name := ""
		for x := i + 1000; x > 0; x /= 20 {
			name += string("bcdfghjklmnpqrstvwxz"[x%20])
		}
		fmt.Fprintf(&file, "2809;%d-%d-%d;%c;P%06d;%s;de;%c\n", i%28+1, i%12+1, 1930+i%80, "mv"[i%2], i, name, 'a'+rune(i%26))
	}
	for b.Loop() {
		var with, without, ratio []float64
		deliver(b, file.String(), true) // everything is read once
		for i := range pairs {
			var took [2]float64
			for turn := range 2 {
				plain := (i+turn)%2 == 0
				took[map[bool]int{false: 0, true: 1}[plain]] = deliver(b, file.String(), plain).Seconds()
			}
			with, without, ratio = append(with, took[0]), append(without, took[1]), append(ratio, took[0]/took[1])
		}
		for _, list := range [][]float64{with, without, ratio} {
			slices.Sort(list)
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(with[pairs/2], "s-with")
		b.ReportMetric(without[pairs/2], "s-without")
		b.ReportMetric(ratio[pairs/2], "with÷without")
		b.Logf("%d deliveries of %d rows each way: %.2f s with the tree and seals, %.2f s without; %.3f times (pairs from %.3f to %.3f)",
			pairs, rows, with[pairs/2], without[pairs/2], ratio[pairs/2], ratio[0], ratio[pairs-1])
	}
}

func deliver(b *testing.B, file string, plain bool) time.Duration {
	b.Helper()
	s := servertest.New(b)
	if plain {
		s.Store.WithoutTree()
	}
	browser := s.SignedIn("uploader")
	start := time.Now()
	sent := browser.Upload("save", "bench.csv", file)
	for !strings.Contains(browser.Get(sent.Location()).Body, "Verwerkt") {
		if time.Since(start) > time.Minute {
			b.Fatal("the delivery does not end")
		}
		time.Sleep(10 * time.Millisecond)
	}
	took := time.Since(start)
	if err := s.Store.Close(); err != nil {
		b.Fatal(err)
	}
	return took
}
