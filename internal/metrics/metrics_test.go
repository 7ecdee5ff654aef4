package metrics_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sluis/internal/audit/alarm"
	"sluis/internal/delivery"
	"sluis/internal/metrics"
	"sluis/internal/patient"
	"sluis/internal/ttphealth"
)

func sources() metrics.Sources {
	now := time.Now()
	return metrics.Sources{
		Figures: func(context.Context) (delivery.Figures, error) {
			return delivery.Figures{
				States: map[delivery.State]int{delivery.Done: 7, delivery.Exchanging: 1}, OldestAt: now.Add(-time.Hour), Conflicts: 2,
				Rows: patient.Counts{Read: 100, Created: 60, Rejected: 30},
			}, nil
		},
		Backlog: func(context.Context) (delivery.Backlog, error) {
			return delivery.Backlog{Prepare: 5, Paused: 3, Denied: 1, Expiring: 4, ExpiresAt: now}, nil
		},
		Trees: func(context.Context) (metrics.Trees, error) {
			return metrics.Trees{Records: 12, Placed: 12, Head: 10, HeadAt: now}, nil
		},
		Alarms: func(context.Context) (map[alarm.Kind]int, error) {
			return map[alarm.Kind]int{alarm.DeadToken: 2, alarm.MassDay: 0}, nil
		},
		Breakers: func() []metrics.Breaker { return []metrics.Breaker{{Client: "prepare", Denied: true}} },
		Ends: func() []metrics.End {
			return []metrics.End{{What: "prepare_secret", At: now}, {What: "resolve_secret"}}
		},
		Pool:  func() metrics.Pool { return metrics.Pool{Open: 1, Idle: 1} },
		Disks: func() []metrics.Disk { return []metrics.Disk{{Holds: "database", Free: 5}} },
		Files: func() (int64, int64, bool) { return 4096, 512, true },
		Maintenance: func(context.Context) (bool, error) {
			return true, nil
		},
	}
}

func newMetrics(s metrics.Sources) *metrics.Metrics {
	return metrics.New(metrics.Build{Version: "1", Commit: "abc", Go: "go1"}, s, time.Now, slog.New(slog.DiscardHandler))
}

// scrape serves the metrics on a listener, and returns the page.
func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- m.Serve(ctx, ln) }()
	a, err := http.Get("http://" + ln.Addr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	page, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("%d %v\n%s", a.StatusCode, err, page)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the listener ended with %v", err)
	}
	return string(page)
}

func TestFigures(t *testing.T) {
	m := newMetrics(sources())
	m.Call(ttphealth.Temporary, 300*time.Millisecond, true)
	m.Call(ttphealth.Temporary, time.Second, false)
	m.SignedIn()
	m.Request("/inloggen", http.StatusUnauthorized, time.Millisecond)
	m.Request("/api/v1/deliveries", http.StatusAccepted, time.Second)
	m.Request("/aanleveringen/{id}/voortgang", http.StatusOK, time.Hour)
	page := scrape(t, m)
	for _, want := range []string{
		`sluis_deliveries{state="done"} 7`, `sluis_deliveries{state="failed"} 0`, `sluis_rows{outcome="pending"} 10`,
		`sluis_queue_oldest_seconds 3600`, `sluis_deliveries_paused{reason="down"} 2`, `sluis_deliveries_paused{reason="denied"} 1`,
		`sluis_pseudonyms_expiring 4`, `sluis_ttp_calls_total{call="temporary",result="failed"} 1`,
		`sluis_ttp_call_seconds_count{call="temporary"} 1`, `sluis_ttp_breaker_open{client="prepare",reason="denied"} 1`,
		`sluis_sign_ins_total{result="ok"} 1`, `sluis_access_alarms_open{kind="dead_token"} 2`, `sluis_access_alarms_open{kind="mass_day"} 0`, `sluis_sign_ins_total{result="refused"} 1`, `sluis_audit_head_lag_records 2`,
		`sluis_http_requests_total{code="202",door="api"} 1`, `sluis_http_request_seconds_count{door="page"} 1`,
		`sluis_sqlite_bytes{file="wal"} 512`, `sluis_build_info{commit="abc",go="go1",version="1"} 1`, `sluis_maintenance 1`,
		`go_goroutines `, `sluis_database_up 1`, `sluis_database_connections{state="open"} 1`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(page, `what="resolve_secret"`) {
		t.Error("an end that nobody told is on the page")
	}
	if t.Failed() {
		t.Log(page)
	}
}

// TestFiguresWithoutADatabase checks that a monitor still gets the rest.
func TestFiguresWithoutADatabase(t *testing.T) {
	s := sources()
	s.Figures = func(context.Context) (delivery.Figures, error) { return delivery.Figures{}, errors.New("gone") }
	page := scrape(t, newMetrics(s))
	if !strings.Contains(page, "sluis_database_up 0") || !strings.Contains(page, "sluis_disk_free_bytes") {
		t.Errorf("without a database:\n%s", page)
	}
}

// sample is a metric in an expression, with the text between its braces.
var sample = regexp.MustCompile(`\b((?:sluis|go|process)_[a-z0-9_]+)(\{[^}]*\})?`)

var (
	matcher = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!=|!~|=)`)
	grouped = regexp.MustCompile(`by \(([a-z_, ]+)\)`)
	exprs   = regexp.MustCompile(`(?m)^\s+expr: (.*)$`)
)

// TestRulesAndDashboard compares the alert rules and the dashboard with the metrics that
// there are: a rule about one that is not there never fires.
func TestRulesAndDashboard(t *testing.T) {
	families, err := newMetrics(sources()).Gather().Gather()
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string][]string{}
	for _, f := range families {
		var of []string
		for _, p := range f.GetMetric()[0].GetLabel() {
			of = append(of, p.GetName())
		}
		for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
			labels[f.GetName()+suffix] = of
		}
	}
	labels["sluis_http_requests_total"] = []string{"door", "code"} // nothing was asked yet
	used := map[string]bool{}
	check := func(where, expr string) {
		t.Helper()
		known := []string{"job", "instance", "le"}
		for _, m := range sample.FindAllStringSubmatch(expr, -1) {
			of, ok := labels[m[1]]
			if !ok {
				t.Errorf("%s: there is no metric %s", where, m[1])
			}
			used[strings.TrimSuffix(strings.TrimSuffix(m[1], "_bucket"), "_count")] = true
			known = append(known, of...)
			for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
				if !slices.Contains(append(of, "job"), l[1]) {
					t.Errorf("%s: %s has no label %s", where, m[1], l[1])
				}
			}
		}
		for _, g := range grouped.FindAllStringSubmatch(expr, -1) {
			for _, l := range strings.Split(g[1], ",") {
				if !slices.Contains(known, strings.TrimSpace(l)) {
					t.Errorf("%s: nothing in %q has the label %s", where, expr, l)
				}
			}
		}
		if strings.Count(expr, "(") != strings.Count(expr, ")") || strings.Count(expr, "{") != strings.Count(expr, "}") {
			t.Errorf("%s: brackets do not pair in %q", where, expr)
		}
	}
	rules, err := os.ReadFile("../../deploy/prometheus/sluis.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	all := exprs.FindAllStringSubmatch(string(rules), -1)
	for _, m := range all {
		check("rule", m[1])
	}
	alerts := strings.Count(string(rules), "- alert: ")
	for _, field := range []string{"        expr: ", "labels: {severity: ", "          summary: ", "          action: "} {
		if n := strings.Count(string(rules), field); n != alerts {
			t.Errorf("%d alerts and %d of %q", alerts, n, strings.TrimSpace(field))
		}
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	raw, err := os.ReadFile("../../deploy/grafana/sluis.json")
	if err == nil {
		err = json.Unmarshal(raw, &board)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range board.Panels {
		for _, x := range p.Targets {
			check("dashboard, "+p.Title, x.Expr)
		}
	}
	if alerts < 10 || len(board.Panels) < 10 {
		t.Errorf("only %d alerts and %d panels: is the test blind?", alerts, len(board.Panels))
	}
	for _, f := range families {
		if name := f.GetName(); strings.HasPrefix(name, "sluis_") && !used[name] && !slices.Contains([]string{
			"sluis_audit_records", "sluis_database_waits_total", "sluis_pseudonyms_expire_timestamp_seconds",
		}, name) {
			t.Errorf("neither a rule nor the dashboard uses %s", name)
		}
	}
}
