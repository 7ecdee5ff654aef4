package metrics

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sluis/internal/delivery"
)

// figuresLife is how long figures are given again. Several monitors then cost the
// database no more than one.
const figuresLife = 5 * time.Second

// figures asks the sources at each scrape.
type figures struct {
	sources Sources
	now     func() time.Time
	log     *slog.Logger

	mu   sync.Mutex
	at   time.Time
	last []prometheus.Metric
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("sluis_"+name, help, labels, nil)
}

var (
	descDatabase = describe("database_up", "1 if the figures could be read from the database, else 0.")
	descState    = describe("deliveries", "Deliveries in each state.", "state")
	descRows     = describe("rows", "Rows of all deliveries by outcome.", "outcome")
	descOldest   = describe("queue_oldest_seconds", "Age of the oldest delivery that goes on by itself; 0 if there is none.")
	descConflict = describe("conflicts_open", "Conflicts that wait for a data manager.")
	descPaused   = describe("deliveries_paused", "Deliveries that wait for a TTP that does not answer (down) or refuses us (denied).",
		"reason")
	descWaiting  = describe("ttp_waiting_rows", "Rows that wait for the TTP, by the kind of pseudonym.", "pseudonym")
	descExpiring = describe("pseudonyms_expiring", "Waiting rows with a temporary pseudonym that expires within 48 hours.")
	descExpires  = describe("pseudonyms_expire_timestamp_seconds", "When the first of those expires; 0 if there is none.")
	descBreaker  = describe("ttp_breaker_open", "1 while a client does not ask the TTP, by client and reason.", "client", "reason")
	descEnds     = describe("ends_timestamp_seconds", "When a certificate or secret ends; absent if nobody told.", "what")
	descRecords  = describe("audit_records", "Records of the access log.")
	descPlaced   = describe("audit_unplaced_records", "Records that are not in the hash tree; always 0.")
	descLag      = describe("audit_head_lag_records", "Records since the last signed head.")
	descAlarms   = describe("access_alarms_open", "Alarms about access that no auditor has closed.", "kind")
	descHeadAt   = describe("audit_head_timestamp_seconds", "When the last head was signed; 0 if there is none.")
	descPool     = describe("database_connections", "Connections to the database.", "state")
	descWaits    = describe("database_waits_total", "Times that something waited for a connection.")
	descWaited   = describe("database_wait_seconds_total", "How long those waits took together.")
	descSize     = describe("sqlite_bytes", "Size of SQLite's files.", "file")
	descFree     = describe("disk_free_bytes", "Space left on the disk of a folder.", "holds")
	descSilence  = describe("maintenance", "1 while announced maintenance is going on.")
)

// Describe is for [prometheus.Collector]. It describes nothing beforehand, because what
// there is depends on the database.
func (f *figures) Describe(chan<- *prometheus.Desc) {}

// Collect is for [prometheus.Collector].
func (f *figures) Collect(out chan<- prometheus.Metric) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last == nil || f.now().Sub(f.at) >= figuresLife {
		f.last, f.at = f.read(), f.now()
	}
	for _, m := range f.last {
		out <- m
	}
}

// list gathers metrics.
type list []prometheus.Metric

func (l *list) gauge(d *prometheus.Desc, v float64, labels ...string) {
	*l = append(*l, prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...))
}

func (l *list) counter(d *prometheus.Desc, v float64) {
	*l = append(*l, prometheus.MustNewConstMetric(d, prometheus.CounterValue, v))
}

func (f *figures) read() []prometheus.Metric {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime/2)
	defer cancel()
	var l list
	up := 1.0
	for _, part := range []func(context.Context, *list) error{f.deliveries, f.backlog, f.accessLog, f.maintenance} {
		if err := part(ctx, &l); err != nil {
			up = 0
			f.log.WarnContext(ctx, "figures for the monitor could not be read", "err", err)
		}
	}
	l.gauge(descDatabase, up)
	f.machine(&l)
	return l
}

func (f *figures) deliveries(ctx context.Context, l *list) error {
	d, err := f.sources.Figures(ctx)
	if err != nil {
		return err
	}
	for _, s := range delivery.States {
		l.gauge(descState, float64(d.States[s]), string(s))
	}
	r := d.Rows
	for outcome, n := range map[string]int{
		"created": r.Created, "updated": r.Updated, "unchanged": r.Unchanged, "rejected": r.Rejected, "review": r.Review,
		"pending": r.Read - r.Created - r.Updated - r.Unchanged - r.Rejected - r.Review,
	} {
		l.gauge(descRows, float64(n), outcome)
	}
	age := 0.0
	if !d.OldestAt.IsZero() {
		age = max(0, f.now().Sub(d.OldestAt).Seconds())
	}
	l.gauge(descOldest, age)
	l.gauge(descConflict, float64(d.Conflicts))
	return nil
}

func (f *figures) backlog(ctx context.Context, l *list) error {
	b, err := f.sources.Backlog(ctx)
	if err != nil {
		return err
	}
	l.gauge(descPaused, float64(b.Paused-b.Denied), "down")
	l.gauge(descPaused, float64(b.Denied), "denied")
	l.gauge(descWaiting, float64(b.Prepare), "temporary")
	l.gauge(descWaiting, float64(b.Resolve), "definitive")
	l.gauge(descExpiring, float64(b.Expiring))
	l.gauge(descExpires, unix(b.ExpiresAt))
	return nil
}

func (f *figures) accessLog(ctx context.Context, l *list) error {
	t, err := f.sources.Trees(ctx)
	if err != nil {
		return err
	}
	l.gauge(descRecords, float64(t.Records))
	l.gauge(descPlaced, float64(t.Records-t.Placed))
	l.gauge(descLag, float64(max(0, t.Placed-t.Head)))
	l.gauge(descHeadAt, unix(t.HeadAt))
	open, err := f.sources.Alarms(ctx)
	if err != nil {
		return err
	}
	for kind, n := range open {
		l.gauge(descAlarms, float64(n), string(kind))
	}
	return nil
}

func (f *figures) maintenance(ctx context.Context, l *list) error {
	if f.sources.Maintenance == nil {
		return nil
	}
	on, err := f.sources.Maintenance(ctx)
	if err != nil {
		return err
	}
	l.gauge(descSilence, flag(on))
	return nil
}

// machine adds what is known without the database.
func (f *figures) machine(l *list) {
	for _, b := range f.sources.Breakers() {
		l.gauge(descBreaker, flag(b.Silent), b.Client, "silent")
		l.gauge(descBreaker, flag(b.Denied), b.Client, "denied")
	}
	for _, e := range f.sources.Ends() {
		if !e.At.IsZero() {
			l.gauge(descEnds, unix(e.At), e.What)
		}
	}
	p := f.sources.Pool()
	l.gauge(descPool, float64(p.Open), "open")
	l.gauge(descPool, float64(p.InUse), "in_use")
	l.gauge(descPool, float64(p.Idle), "idle")
	l.counter(descWaits, float64(p.Waits))
	l.counter(descWaited, p.WaitSeconds)
	if database, wal, known := f.sources.Files(); known {
		l.gauge(descSize, float64(database), "database")
		l.gauge(descSize, float64(wal), "wal")
	}
	for _, d := range f.sources.Disks() {
		l.gauge(descFree, float64(d.Free), d.Holds)
	}
}

func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.Unix())
}

func flag(on bool) float64 {
	if on {
		return 1
	}
	return 0
}
