package importer_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"sort"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/importer"
	"sluis/internal/importer/intake"
	"sluis/internal/patient"
	"sluis/internal/ttpclient"
	"sluis/internal/ttpclient/dataset"
	"sluis/internal/ttpclient/prepare"
	"sluis/internal/ttpclient/resolve"
	"sluis/internal/ttpclient/ttptest"
	"sluis/internal/ttpsandbox"
)

// run works the queue as the program does, until the test ends or stop is
// called.
func (p *plant) run(tb testing.TB) (stop func()) {
	ctx, cancel := context.WithCancel(tb.Context())
	var working sync.WaitGroup
	working.Go(func() { p.importer.Run(ctx) })
	return sync.OnceFunc(func() { cancel(); working.Wait() })
}

// await waits until the delivery is final.
func (p *plant) await(tb testing.TB, id string) delivery.Delivery {
	tb.Helper()
	for {
		d, err := p.store.Delivery(tb.Context(), account.AllCentres(), id)
		if err != nil {
			tb.Fatal(err)
		}
		if d.State.Final() {
			return d
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// digest is all that became of a delivery: every patient with its pseudonyms,
// and every finding.
func (p *plant) digest(tb testing.TB, id string) string {
	tb.Helper()
	d := p.delivery(tb, id)
	var lines []string
	q := delivery.FindingQuery{Limit: 5000}
	for {
		page, err := p.store.Findings(tb.Context(), d, q)
		if err != nil {
			tb.Fatal(err)
		}
		for _, f := range page.Findings {
			lines = append(lines, fmt.Sprintf("%d %s %s %s %s %s", f.Line, f.PatientNumber, f.Source, f.Code, f.Field, f.Message))
		}
		if q.After = page.Next; page.Next == 0 {
			break
		}
	}
	var numbers []string
	pq := patient.Query{Limit: 200}
	for {
		page, err := p.store.Patients(tb.Context(), audit.Who{Name: "digest"}, account.AllCentres(), pq)
		if err != nil {
			tb.Fatal(err)
		}
		for _, x := range page.Patients {
			numbers = append(numbers, x.Number)
		}
		if pq.After = page.Next; page.Next == "" {
			break
		}
	}
	stored, err := p.store.PatientsByNumber(tb.Context(), p.centre.ID, numbers)
	if err != nil {
		tb.Fatal(err)
	}
	for _, x := range stored {
		line := fmt.Sprintf("%s %s %s %d", x.Number, x.Birth, x.Sex, x.Version)
		for _, y := range x.Pseudonyms {
			line += fmt.Sprintf(" %s/%s/%d/%s", y.Type, y.Domain, y.KeyVersion, y.Value)
		}
		lines = append(lines, line)
	}
	sort.Strings(lines)
	sum := sha256.Sum256([]byte(fmt.Sprintf("%+v\n%s", d.Counts, strings.Join(lines, "\n"))))
	return hex.EncodeToString(sum[:])
}

// withBad makes every hundredth row one that the TTP refuses.
func withBad(file string) string {
	rows := strings.Split(file, "\n")
	for i := 50; i < len(rows)-1; i += 100 {
		cells := strings.Split(rows[i], ";")
		cells[1] = "1-1-2899"
		rows[i] = strings.Join(cells, ";")
	}
	return strings.Join(rows, "\n")
}

// TestTenThousandRowsThroughFaults: through a TTP that fails in a fifth of its
// calls, in every way at once, comes exactly what comes through a good one.
func TestTenThousandRowsThroughFaults(t *testing.T) {
	const rows, chunk = 10_000, 50
	file := withBad(string(identityFile(rows)))
	ttp := ttptest.Start(t) // one TTP, so that both runs meet the same keys
	through := func(faults string) (string, int64) {
		f, err := ttpsandbox.ParseFaults(faults)
		if err != nil {
			t.Fatal(err)
		}
		ttp.Sandbox.SetFaults(f)
		defer ttp.Sandbox.SetFaults(ttpsandbox.Faults{})
		p := newPlantAt(t, ttp, chunk, time.Now)
		before := ttp.Calls.Load()
		defer p.run(t)()
		id := p.receive(t, delivery.Save, false, file)
		p.importer.Wake()
		if d := p.await(t, id); d.State != delivery.Done ||
			d.Counts != (patient.Counts{Read: rows, Created: rows - rows/100, Rejected: rows / 100}) {
			t.Fatalf("%s: %s %+v", faults, d.State, d.Counts)
		}
		return p.digest(t, id), ttp.Calls.Load() - before
	}
	want, needed := through("")
	got, made := through("500=5%,503=5%,reset=5%,truncate=2%,short=2%,429=1%")
	t.Logf("digest %s… against %s…; %d calls made, %d needed", want[:16], got[:16], made, needed)
	if got != want {
		t.Error("the faults changed the result")
	}
	if needed != 2*rows/chunk {
		t.Errorf("%d calls without faults, want %d", needed, 2*rows/chunk)
	}
	if made <= needed {
		t.Error("no fault befell anybody")
	}
}

// bubblePlant is a plant whose TTP is reached without a network, for a bubble of
// synctest, in which time is not real.
func bubblePlant(t *testing.T, ttp *ttptest.TTP, chunk int) *plant {
	t.Helper()
	p := newPlantAt(t, ttp, chunk, time.Now)
	p.onLine(t, ttp, func(o *ttpclient.LineOptions) { o.Transport = ttp.RoundTripper() }, func(o *importer.Options) {
		o.Poll = 3 * time.Minute // a day of looks at an empty queue is what would take long
	})
	return p
}

// onLine lets a plant reach the TTP as in production: all clients on one line,
// with the patience that they have there.
func (p *plant) onLine(tb testing.TB, ttp *ttptest.TTP, change func(*ttpclient.LineOptions), with func(*importer.Options)) {
	tb.Helper()
	line := ttp.Line(change)
	client := func(scope string) *ttpclient.Client {
		return ttp.ClientOn(line, scope, func(o *ttpclient.Options) { // as in production
			o.Trip, o.BaseDelay, o.MaxDelay, o.PerTry = 0, 0, 0, 0
		})
	}
	preparing, resolving := client(ttpsandbox.ScopeTemporary), client(ttpsandbox.ScopeDefinitive)
	receiving := p.receiving
	receiving.Preparer = prepare.New(preparing, ttptest.Domain, ttptest.Types)
	in, err := intake.New(receiving)
	if err != nil {
		tb.Fatal(err)
	}
	o := p.options
	o.Intake, o.Resolver = in, resolve.New(resolving, ttptest.Domain)
	p.tryNow = func() { preparing.TryNow(); resolving.TryNow() }
	with(&o)
	p.intake = in
	p.use(tb, o)
}

func down(ttp *ttptest.TTP, status int) {
	ttp.Break(func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	})
}

// TestADayOfOutage: a TTP that is down for 24 hours, or refuses us for as long,
// is asked now and then; nothing is rejected; and when it is back everything goes
// on within minutes, without anybody's doing.
func TestADayOfOutage(t *testing.T) {
	for name, status := range map[string]int{"down": http.StatusServiceUnavailable, "refused": http.StatusForbidden} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			ttp := ttptest.Start(t)
			synctest.Test(t, func(t *testing.T) {
				p := bubblePlant(t, ttp, 50)
				defer p.store.Close()
				down(ttp, status)
				stop := p.run(t)
				defer stop()
				start := time.Now()
				id := p.receive(t, delivery.Save, false, lines(100, 0))
				p.importer.Wake()
				time.Sleep(24 * time.Hour)
				d := p.delivery(t, id)
				if want := map[int]delivery.Pause{503: delivery.PauseDown,
					403: delivery.PauseDenied}[status]; d.Paused != want || d.Status() != delivery.StatusPaused {
					t.Errorf("after a day: %s, paused %q", d.Status(), d.Paused)
				}
				if d.Counts.Pending != 100 || len(p.findings(t, id)) != 0 || d.NextTryAt.IsZero() {
					t.Errorf("after a day: %+v, next try %v", d.Counts, d.NextTryAt)
				}
				calls := ttp.Calls.Load() + ttp.Tokens.Load()
				if calls > 20_000 || calls < 24 {
					t.Errorf("%d calls in a day", calls)
				}
				ttp.Break(nil)
				for !p.delivery(t, id).State.Final() && time.Since(start) < 25*time.Hour {
					time.Sleep(time.Second)
				}
				d = p.delivery(t, id)
				if d.State != delivery.Done || d.Counts.Created != 100 {
					t.Errorf("afterwards: %s %+v", d.State, d.Counts)
				}
				t.Logf("%d calls in 24 h of outage; done %v after its end", calls, time.Since(start)-24*time.Hour)
				stop()
			})
			t.Logf("in %v", time.Since(began).Round(time.Millisecond))
		})
	}
}

// TestRanOutDuringAnOutage: a temporary pseudonym that was good when the TTP fell
// silent is not the hospital's fault; one that had run out before it was
// delivered is.
func TestRanOutDuringAnOutage(t *testing.T) {
	ttp := ttptest.Start(t)
	at := &clock{now: time.Now()}
	p := newPlantAt(t, ttp, 4, at.Now)
	ttp.BreakCalls(func(_ int, next http.Handler, w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/definitive") {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
	id := p.receive(t, delivery.Save, true, lines(2, 0))
	p.settle(t)
	if d := p.delivery(t, id); d.Status() != delivery.StatusPaused {
		t.Fatalf("status %s", d.Status())
	}
	back, err := p.store.Backlog(t.Context(), account.AllCentres())
	if err != nil || back.Resolve != 2 || back.Expiring != 0 {
		t.Errorf("backlog = %+v %v", back, err)
	}
	at.move(13 * 24 * time.Hour)
	if back, _ = p.store.Backlog(t.Context(), account.AllCentres()); back.Expiring != 2 || back.ExpiresAt.IsZero() {
		t.Errorf("a day before they run out: %+v", back)
	}
	if err := p.importer.Housekeep(t.Context()); err != nil || !strings.Contains(ttp.Log.String(), "about to run out") {
		t.Errorf("nobody is warned: %v", err)
	}
	at.move(3 * 24 * time.Hour)
	ttp.Break(nil)
	f, _ := ttpsandbox.ParseFaults("expired=100%") // its clock is not ours
	ttp.Sandbox.SetFaults(f)
	p.settle(t)
	d := p.delivery(t, id)
	found := p.findings(t, id)
	if d.State != delivery.Done || d.Counts.Rejected != 2 || len(found) != 2 || found[0].Code != "EXPIRED_DURING_OUTAGE" ||
		found[0].Source != patient.Sluis {
		t.Errorf("%s %+v %+v", d.State, d.Counts, found)
	}
	again := p.receive(t, delivery.Save, true, "Patiëntnummer;Geboortejaar;Geslacht;Pseudoniem NGGV\n1;1970;m;kanariepietje\n")
	p.settle(t)
	if found := p.findings(t, again); len(found) != 1 || found[0].Source != patient.TTP {
		t.Errorf("without an outage: %+v", found)
	}
}

// withSets is the plant with datasets.
func (p *plant) withSets(t *testing.T, ttp *ttptest.TTP) {
	t.Helper()
	o := p.options
	o.Sets = dataset.New(ttp.Client(ttpsandbox.ScopeDatasets), ttptest.Domain)
	o.Domain, o.Types, o.MaxRows = ttptest.Domain, ttptest.Types, 100
	p.use(t, o)
}

// TestDataset imports a dataset that a hospital sent to the TTP. It becomes a delivery of the
// centre that the TTP names, and its people are the same as through any other door.
func TestDataset(t *testing.T) {
	ttp := ttptest.Start(t)
	at := &clock{now: time.Now()}
	p := newPlantAt(t, ttp, 4, at.Now)
	p.withSets(t, ttp)
	first := p.receive(t, delivery.Save, false, lines(3, 0))
	p.settle(t)
	if d := p.delivery(t, first); d.Counts.Created != 3 {
		t.Fatalf("%+v", d.Counts)
	}
	ours, foreign := addDataset(t, ttp, "2809", lines(10, 0)), addDataset(t, ttp, "4711", lines(2, 0))
	for _, s := range p.datasets(t, 2) {
		if s.KnownCentre != (s.ID == ours) || s.DeliveryID != "" {
			t.Errorf("set = %+v", s)
		}
	}
	for id, code := range map[string]string{foreign: "dataset_centre_unknown", "nothing": "dataset_gone"} {
		p.wantNoImport(t, id, code)
	}

	var id string
	t.Run("while the TTP is down", func(t *testing.T) {
		down, _ := ttpsandbox.ParseFaults("down")
		ttp.Sandbox.SetFaults(down)
		p.wantNoImport(t, ours, "ttp_unavailable")
		ttp.Sandbox.SetFaults(ttpsandbox.Faults{})
		id = p.importDataset(t, ours, delivery.Save)
		p.wantNoImport(t, ours, "dataset_under_way")
		ttp.Sandbox.SetFaults(down)
		p.settle(t)
		if d := p.delivery(t, id); d.Status() != delivery.StatusPaused || d.NextTryAt.IsZero() {
			t.Errorf("status %s, next try %v", d.Status(), d.NextTryAt)
		}
	})
	t.Run("once it is back", func(t *testing.T) {
		ttp.Sandbox.SetFaults(ttpsandbox.Faults{})
		at.move(10 * time.Minute)
		p.settle(t)
		want := patient.Counts{Read: 10, Created: 7, Unchanged: 3}
		if d := p.delivery(t, id); d.State != delivery.Done || d.Counts != want || d.Kind != delivery.Dataset || d.CentreNumber != "2809" {
			t.Errorf("delivery = %s %+v", d.State, d.Counts)
		}
		for _, s := range p.datasets(t, 2) {
			if s.ID == ours && (s.DeliveryID != id || s.Under) {
				t.Errorf("set = %+v", s)
			}
		}
	})
	t.Run("once more, as a check", func(t *testing.T) {
		check := p.importDataset(t, ours, delivery.Check)
		p.settle(t)
		if d := p.delivery(t, check); d.State != delivery.Checked || d.Planned.Unchanged != 10 || d.SameAs != id {
			t.Errorf("%s %+v, same as %s", d.State, d.Planned, d.SameAs)
		}
	})
}

// addDataset makes a dataset of a file ready at the TTP, and returns its id.
func addDataset(t *testing.T, ttp *ttptest.TTP, centre, file string) string {
	t.Helper()
	id, _, _, err := ttp.Sandbox.AddDataset(t.Context(), centre, strings.NewReader(file), ttpsandbox.Order{})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// datasets returns the n datasets that a data manager sees.
func (p *plant) datasets(t *testing.T, n int) []importer.ReadySet {
	t.Helper()
	sets, err := p.desk.Datasets(t.Context(), tester)
	if err != nil || len(sets) != n {
		t.Fatal(sets, err)
	}
	return sets
}

func (p *plant) importDataset(t *testing.T, id string, mode delivery.Mode) string {
	t.Helper()
	public, err := p.desk.ImportDataset(t.Context(), tester, id, mode)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// wantNoImport tries to import a dataset, which must be refused with this code.
func (p *plant) wantNoImport(t *testing.T, id, code string) {
	t.Helper()
	if _, err := p.desk.ImportDataset(t.Context(), tester, id, delivery.Save); err == nil || !strings.Contains(err.Error(), code) {
		t.Errorf("%s: %v, want %s", id, err, code)
	}
}

// fakeSets is a TTP whose datasets are not as they should be.
type fakeSets struct {
	said int
	rows []patient.DatasetRow
	err  error
}

func (f fakeSets) Datasets(context.Context) ([]patient.Dataset, error) {
	return []patient.Dataset{{ID: "set", Centre: "2809", Rows: f.said, Ready: true}}, nil
}

func (f fakeSets) Rows(_ context.Context, _ string, each func(int, patient.DatasetRow) error) error {
	for i, r := range f.rows {
		if err := each(i+1, r); err != nil {
			return err
		}
	}
	return f.err
}

// TestBadDatasets checks that a dataset that cannot be right is refused, and nothing of it is
// kept. If only a row cannot be right, only that row is rejected.
func TestBadDatasets(t *testing.T) {
	ttp := ttptest.Start(t)
	good := func(number string) patient.DatasetRow {
		return patient.DatasetRow{Number: number, BirthDate: "1970-01-02", Sex: "m",
			Pseudonyms: []patient.Pseudonym{{Type: "NGGV", KeyVersion: 1, Value: "v" + number}}}
	}
	many := func(n int, number func(i int) string) (rows []patient.DatasetRow) {
		for i := range n {
			rows = append(rows, good(number(i)))
		}
		return rows
	}
	bad := func(change func(*patient.DatasetRow)) patient.DatasetRow { r := good("1"); change(&r); return r }
	plain := func(i int) string { return fmt.Sprint("p", i) }
	for name, c := range map[string]struct {
		sets     fakeSets
		refused  string
		rejected string // the code of the one row
	}{
		"fewer rows than said": {fakeSets{said: 3, rows: many(2, plain)}, "DATASET_SHORT", ""},
		"too many rows":        {fakeSets{said: 101, rows: many(101, plain)}, "TOO_MANY_ROWS", ""},
		"BSNs":                 {fakeSets{said: 12, rows: many(12, func(int) string { return "123456782" })}, "BSN_NUMBERS", ""},
		"no dataset at all":    {fakeSets{said: 1, rows: many(1, plain), err: patient.ErrDatasetMalformed}, "DATASET_MALFORMED", ""},
		"no number": {fakeSets{said: 1, rows: []patient.DatasetRow{bad(func(r *patient.DatasetRow) { r.Number = " " })}}, "",
			"PATIENT_NUMBER_EMPTY"},
		"no date": {fakeSets{said: 1, rows: []patient.DatasetRow{bad(func(r *patient.DatasetRow) { r.BirthDate = "gisteren" })}},
			"", "BIRTH_DATE_UNREADABLE"},
		"no linking pseudonym": {fakeSets{said: 1,
			rows: []patient.DatasetRow{bad(func(r *patient.DatasetRow) { r.Pseudonyms[0].Type = "NGG" })}}, "", "LINK_PSEUDONYM_MISSING"},
		"no key version": {fakeSets{said: 1,
			rows: []patient.DatasetRow{bad(func(r *patient.DatasetRow) { r.Pseudonyms[0].KeyVersion = 0 })}}, "", patient.CodeUnusable},
		"two of a type": {fakeSets{said: 1,
			rows: []patient.DatasetRow{bad(func(r *patient.DatasetRow) { r.Pseudonyms = append(r.Pseudonyms, r.Pseudonyms[0]) })}}, "",
			patient.CodeUnusable},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlantAt(t, ttp, 4, time.Now)
			p.withSets(t, ttp)
			o := p.options
			o.Sets = c.sets
			p.use(t, o)
			id, err := p.desk.ImportDataset(t.Context(), tester, "set", delivery.Save)
			if err != nil {
				t.Fatal(err)
			}
			p.settle(t)
			d := p.delivery(t, id)
			switch found := p.findings(t, id); {
			case c.refused != "":
				if d.State != delivery.Refused || len(d.Refusals) != 1 || d.Refusals[0].Code != c.refused || d.Counts.Read != 0 ||
					len(found) != 0 ||
					p.total(t) != 0 {
					t.Errorf("%s %+v %+v", d.State, d.Refusals, d.Counts)
				}
			case d.State != delivery.Done || d.Counts.Rejected != 1 || len(found) != 1 || found[0].Code != c.rejected:
				t.Errorf("%s %+v %+v", d.State, d.Counts, found)
			}
		})
	}
}
