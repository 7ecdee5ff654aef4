// Package metrics is what a monitor (Prometheus) reads of Sluis: how many deliveries wait
// and for how long, how the TTP answers, and when a certificate ends.
//
// A label never has anything of a person, a patient, a user or a file: only words of
// this program. The page is served on a listener of its own, which is never public.
package metrics

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"sluis/internal/audit/alarm"
	"sluis/internal/delivery"
	"sluis/internal/ttphealth"
)

// Build says which program runs.
type Build struct{ Version, Commit, Go string }

// Pool is how the connections to the database are used.
type Pool struct {
	Open, InUse, Idle int
	Waits             int64
	WaitSeconds       float64
}

// Trees is how far the access log goes, and how far what proves it: its hash tree in the
// database, and the last head outside it.
type Trees struct {
	Records, Placed, Head int64
	HeadAt                time.Time // zero if there is no head yet
}

// A Breaker keeps a client from asking the TTP.
type Breaker struct {
	Client string // prepare, resolve, renew or datasets
	Silent bool   // the TTP does not answer
	Denied bool   // the TTP refuses our credential
}

// An End is the moment at which a certificate or a secret ends.
type End struct {
	What string // prepare_secret, resolve_secret, client_certificate, server_certificate
	At   time.Time
}

// Disk is the free space of one folder.
type Disk struct {
	Holds string // database, keyring or heads
	Free  uint64
}

// Sources are where the figures come from. They are asked at each scrape, but not more
// often than every few seconds.
type Sources struct {
	Figures  func(ctx context.Context) (delivery.Figures, error)
	Backlog  func(ctx context.Context) (delivery.Backlog, error)
	Trees    func(ctx context.Context) (Trees, error)
	Alarms   func(ctx context.Context) (map[alarm.Kind]int, error) // every kind, also without an open one
	Breakers func() []Breaker
	Ends     func() []End
	Pool     func() Pool
	Disks    func() []Disk
	// Files returns the sizes of SQLite's database and its write-ahead log; known is
	// false for a server.
	Files func() (database, wal int64, known bool)
	// Maintenance reports whether announced maintenance is going on.
	Maintenance func(ctx context.Context) (bool, error)
}

// Metrics is everything that is counted. Its methods are safe for concurrent use. A nil
// Metrics counts nothing: a service without a monitor needs none.
type Metrics struct {
	registry *prometheus.Registry
	calls    *prometheus.CounterVec
	latency  *prometheus.HistogramVec
	signIns  *prometheus.CounterVec
	requests *prometheus.CounterVec
	answers  *prometheus.HistogramVec
}

// latencies are the borders of the histograms, in seconds.
var latencies = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// New makes the metrics.
func New(b Build, s Sources, now func() time.Time, log *slog.Logger) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sluis_ttp_calls_total", Help: "Tries of calls to the TTP, by kind and by whether it answered.",
		}, []string{"call", "result"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sluis_ttp_call_seconds", Help: "How long answered calls to the TTP took.", Buckets: latencies,
		}, []string{"call"}),
		signIns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sluis_sign_ins_total", Help: "Tries to sign in, by result.",
		}, []string{"result"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sluis_http_requests_total", Help: "Requests answered, by door and by status.",
		}, []string{"door", "code"}),
		answers: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sluis_http_request_seconds", Buckets: latencies,
			Help: "How long answers took, uploads included and progress streams not.",
		}, []string{"door"}),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "sluis_build_info", Help: "Always 1; the labels say which program runs."},
		[]string{"version", "commit", "go"})
	build.WithLabelValues(b.Version, b.Commit, b.Go).Set(1)
	m.registry.MustRegister(m.calls, m.latency, m.signIns, m.requests, m.answers, build,
		&figures{sources: s, now: now, log: log},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	// A counter that is not there yet cannot be told from one that broke.
	for _, c := range ttphealth.Calls {
		m.calls.WithLabelValues(string(c), "answered")
		m.calls.WithLabelValues(string(c), "failed")
		m.latency.WithLabelValues(string(c))
	}
	m.signIns.WithLabelValues("ok")
	m.signIns.WithLabelValues("refused")
	for _, d := range doors {
		m.answers.WithLabelValues(d)
	}
	return m
}

// Call counts a try of a call to the TTP.
func (m *Metrics) Call(c ttphealth.Call, took time.Duration, ok bool) {
	if m == nil {
		return
	}
	if !ok {
		m.calls.WithLabelValues(string(c), "failed").Inc()
		return
	}
	m.calls.WithLabelValues(string(c), "answered").Inc()
	m.latency.WithLabelValues(string(c)).Observe(took.Seconds())
}

// SignedIn counts somebody who signed in. Who was refused is known by the answer: see
// [Metrics.Request].
func (m *Metrics) SignedIn() {
	if m != nil {
		m.signIns.WithLabelValues("ok").Inc()
	}
}

// The doors by which requests come in.
const (
	doorPage   = "page"
	doorAPI    = "api"
	doorFHIR   = "fhir"
	doorStatic = "static"
	doorProbe  = "probe"
)

var doors = []string{doorPage, doorAPI, doorFHIR, doorStatic, doorProbe}

// signInRoute begins the routes by which people sign in.
const signInRoute = "/inloggen"

// progress ends the route of a stream that stays open as long as somebody looks.
const progress = "/voortgang"

// Request counts an answer. The route is a pattern of the program, never an address.
func (m *Metrics) Request(route string, status int, took time.Duration) {
	if m == nil {
		return
	}
	door := doorPage
	switch {
	case strings.HasPrefix(route, "/api/"):
		door = doorAPI
	case strings.HasPrefix(route, "/fhir"):
		door = doorFHIR
	case strings.HasPrefix(route, "/static/"):
		door = doorStatic
	case route == "/healthz", route == "/readyz":
		door = doorProbe
	}
	if strings.HasPrefix(route, signInRoute) && (status == http.StatusUnauthorized || status == http.StatusTooManyRequests) {
		m.signIns.WithLabelValues("refused").Inc()
	}
	code := "none" // the client went away first
	if status > 0 {
		code = strconv.Itoa(status)
	}
	m.requests.WithLabelValues(door, code).Inc()
	if !strings.HasSuffix(route, progress) {
		m.answers.WithLabelValues(door).Observe(took.Seconds())
	}
}

// Gather returns everything once, for tests.
func (m *Metrics) Gather() prometheus.Gatherer { return m.registry }

// scrapeTime is how long a scrape may take.
const scrapeTime = 10 * time.Second

// Serve answers GET /metrics on ln until ctx ends.
func (m *Metrics) Serve(ctx context.Context, ln net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Timeout: scrapeTime, MaxRequestsInFlight: 4}))
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: scrapeTime, WriteTimeout: 2 * scrapeTime, IdleTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(ln); ctx.Err() == nil {
		return err
	}
	return nil
}
