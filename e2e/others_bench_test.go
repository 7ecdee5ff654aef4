package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkOtherUser measures what another centre's user notices: how long pages
// take on an idle machine, and while a large delivery or a hostile file is being
// processed. Ratios compare with the idle machine of the same run. The times include
// the work of the sandbox TTP, which runs in the same process.
func BenchmarkOtherUser(b *testing.B) {
	p := startDemo(b, b.TempDir())
	token := p.token("uploader", "2809")
	other := newVisitor(b, p.address)
	other.signIn(p.account("uploader", "2810"))
	const quiet = 3 * time.Second
	measure := func(until func() bool) timings {
		var out timings
		for end := time.Now().Add(quiet); time.Now().Before(end) || !until(); {
			for _, path := range []string{"/aanleveringen", "/patienten", "/aanleveringen/nieuw"} {
				start := time.Now()
				if got, err := other.try(outgoing{method: http.MethodGet, path: path, reshown: true}); err != nil ||
					got.status != http.StatusOK && got.status != http.StatusForbidden {
					b.Fatalf("GET %s: %d %v", path, got.status, err)
				}
				out = append(out, time.Since(start))
				<-time.After(20 * time.Millisecond) // the user reads the page
			}
		}
		return out
	}
	idle := measure(func() bool { return true })
	var table strings.Builder
	fmt.Fprintf(&table, "%-42s %8s %8s %8s %8s  %7s %7s  %s\n", "meanwhile", "p50", "p95", "longest", "pages", "p50/idle", "p95/idle",
		"took, ended")
	line := func(name string, got timings, rest string) {
		fmt.Fprintf(&table, "%-42s %8s %8s %8s %8d  %7.1fx %7.1fx  %s\n", name, ms(got.at(50)), ms(got.at(95)), ms(got.at(100)), len(got),
			float64(got.at(50))/float64(idle.at(50)), float64(got.at(95))/float64(idle.at(95)), rest)
	}
	line("nothing", idle, "")

	under := func(name string, file []byte) {
		var done atomic.Bool
		result := make(chan string, 1)
		start := time.Now()
		go func() {
			defer done.Store(true)
			result <- p.deliverRaw(token, "bestand", file)
		}()
		got := measure(done.Load)
		line(name, got, fmt.Sprintf("%s %s, peak %s", time.Since(start).Round(100*time.Millisecond), <-result, p.peak()))
	}
	rows, err := strconv.Atoi(os.Getenv("SLUIS_TEST_ROWS"))
	if err != nil {
		rows = 100_000
	}
	var lines []string
	for _, q := range people(rand.New(rand.NewPCG(1, 2)), "L", rows) {
		lines = append(lines, q.line())
	}
	path := filepath.Join(b.TempDir(), "large.csv")
	writeRows(b, path, lines)
	large, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	for _, h := range hostile {
		under(h.name, h.make(b))
	}
	under(fmt.Sprintf("%d identities", rows), large)
	fmt.Printf("\n%s", table.String()) // b.Log keeps ten lines
	b.ReportMetric(0, "ns/op")
}

// timings are the times that some pages took.
type timings []time.Duration

// at returns a percentile.
func (p timings) at(percent int) time.Duration {
	s := slices.Sorted(slices.Values(p))
	return s[(len(s)-1)*percent/100]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1fms", float64(d)/1e6) }

// deliverRaw delivers a file over the API, waits until the delivery rests, and returns
// how it ended.
func (p *program) deliverRaw(token, name string, file []byte) string {
	ask := func(method, path string, body []byte) (int, []byte) {
		r, err := http.NewRequest(method, p.address+path, bytes.NewReader(body))
		if err != nil {
			return 0, []byte(err.Error())
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/octet-stream")
		res, err := (&http.Client{Timeout: 5 * time.Minute}).Do(r)
		if err != nil {
			return 0, []byte(err.Error())
		}
		defer res.Body.Close()
		var raw bytes.Buffer
		_, _ = raw.ReadFrom(res.Body)
		return res.StatusCode, raw.Bytes()
	}
	status, raw := ask(http.MethodPost, "/api/v1/deliveries?filename="+url.QueryEscape(name), file)
	var d delivery
	if err := json.Unmarshal(raw, &d); err != nil || status != http.StatusAccepted {
		return fmt.Sprintf("answered %d %.100s", status, raw)
	}
	rests := poll(10*time.Minute, 100*time.Millisecond, func() bool {
		_, raw = ask(http.MethodGet, "/api/v1/deliveries/"+d.ID, nil)
		return json.Unmarshal(raw, &d) == nil && !d.working()
	})
	if !rests {
		return "did not end"
	}
	if len(d.Reasons) > 0 {
		return d.Status + " " + d.Reasons[0].Code
	}
	return d.Status
}

// peak returns the largest amount of memory that the program has had.
func (p *program) peak() string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return "unknown"
	}
	_, rest, _ := strings.Cut(string(raw), "VmHWM:")
	kb, err := strconv.Atoi(strings.TrimSpace(strings.SplitN(rest, "kB", 2)[0]))
	if err != nil {
		return "unknown"
	}
	return fmt.Sprintf("%d MiB", kb>>10)
}
