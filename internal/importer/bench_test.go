package importer_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/importer"
	"sluis/internal/importer/intake"
	"sluis/internal/patient"
	"sluis/internal/sealing"
	"sluis/internal/store"
	"sluis/internal/ttpclient/prepare"
	"sluis/internal/ttpclient/resolve"
	"sluis/internal/ttpclient/ttptest"
	"sluis/internal/ttpsandbox"
)

// plant is the pipeline on real parts: SQLite on disk, the sandbox over HTTP.
type plant struct {
	store     *store.Store
	intake    *intake.Intake
	importer  *importer.Importer
	desk      *importer.Desk
	options   importer.Options // of importer
	receiving intake.Options   // of intake
	centre    account.Centre
	keys      *sealing.Keyring
	path      string // of the database
	tryNow    func() // of the TTP's clients; may be nil
}

func newPlant(tb testing.TB) *plant {
	tb.Helper()
	return newPlantAt(tb, ttptest.Start(tb), 0, time.Now)
}

// newPlantAt is a plant that uses this TTP, with chunks of so many rows (0: the
// default) and this clock.
func newPlantAt(tb testing.TB, ttp *ttptest.TTP, chunkRows int, now func() time.Time) *plant {
	tb.Helper()
	log := slog.New(slog.NewTextHandler(&ttp.Log, nil))
	must := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	dir := tb.TempDir()
	s, err := store.OpenSQLite(tb.Context(), filepath.Join(dir, "sluis.db"), store.Options{Now: now, Log: log})
	must(err)
	tb.Cleanup(func() { _ = s.Close() })
	return newPlantOn(tb, s, dir, ttp, chunkRows, now)
}

// newPlantOn is newPlantAt on another database, with its files in dir.
func newPlantOn(tb testing.TB, s *store.Store, dir string, ttp *ttptest.TTP, chunkRows int, now func() time.Time) *plant {
	tb.Helper()
	log := slog.New(slog.NewTextHandler(&ttp.Log, nil))
	must := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	keys, err := sealing.OpenKeyring(filepath.Join(dir, "keyring.json"), now)
	must(err)
	p := prepare.New(ttp.Client(ttpsandbox.ScopeTemporary), ttptest.Domain, ttptest.Types)
	receiving := intake.Options{
		Ports:    intake.Ports{Uploads: s, Blocks: s, Mappings: s, Parses: s, Preparations: s},
		Preparer: p, Keys: keys, MACKey: make([]byte, 32), Types: ttptest.Types, LinkType: "NGGV", ChunkRows: chunkRows, Now: now, Log: log,
	}
	in, err := intake.New(receiving)
	must(err)
	o := importer.Options{
		Ports:  importer.Ports{Queue: s, Fetches: s, Answers: s, Repeats: s, Decisions: s, Registrations: s, Housekeeping: s},
		Intake: in, Resolver: resolve.New(ttp.Client(ttpsandbox.ScopeDefinitive), ttptest.Domain),
		Registrar: patient.NewRegistrar("NGGV", now), Keys: keys, Now: now, Log: log,
	}
	pl := &plant{store: s, intake: in, receiving: receiving, keys: keys, path: filepath.Join(dir, "sluis.db")}
	pl.use(tb, o)
	c, err := s.AddCentre(tb.Context(), audit.Who{Name: "bench"}, account.Centre{Number: "2809", Name: "Bench", IdentitiesAllowed: true})
	must(err)
	pl.centre = c
	return pl
}

// use equips the plant with an importer with these options, and a desk that goes with it.
func (p *plant) use(tb testing.TB, o importer.Options) {
	tb.Helper()
	im, err := importer.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	desk, err := importer.NewDesk(importer.DeskOptions{
		Waiting: p.store, Imports: p.store, Conflicts: p.store, Entries: p.store, Registrar: o.Registrar, Resolver: o.Resolver,
		Sets: o.Sets,
		Keys: o.Keys, Wake: im.Wake, TryNow: p.tryNow, Now: o.Now,
	})
	if err != nil {
		tb.Fatal(err)
	}
	p.importer, p.desk, p.options = im, desk, o
}

// deliver runs one file through the pipeline with two workers.
func (p *plant) deliver(tb testing.TB, file []byte) delivery.Delivery {
	tb.Helper()
	id, err := p.intake.Receive(tb.Context(), intake.Upload{Who: audit.Who{Name: "bench"}, Centre: p.centre, Mode: delivery.Save},
		bytes.NewReader(file))
	if err != nil {
		tb.Fatal(err)
	}
	done := make(chan error, 2)
	for range cap(done) {
		go func() {
			for {
				d, err := p.store.Delivery(tb.Context(), account.AllCentres(), id)
				if err != nil || d.State.Final() {
					done <- err
					return
				}
				busy, err := p.importer.Step(tb.Context())
				if err != nil {
					done <- err
					return
				}
				if !busy {
					runtime.Gosched()
				}
			}
		}()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			tb.Fatal(err)
		}
	}
	d, err := p.store.Delivery(tb.Context(), account.AllCentres(), id)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// identityFile makes a CSV of n made-up people.
func identityFile(n int) []byte {
	var b bytes.Buffer
	b.WriteString("Centrum id;Geboortedatum;Geslacht;Patiëntnummer;Achternaam;Tussenvoegsel;Voorletters\n")
	for i := range n {
		name := ""
		for x := i + 1000; x > 0; x /= 20 {
			name += string("bcdfghjklmnpqrstvwxz"[x%20])
		}
		fmt.Fprintf(&b, "2809;%d-%d-%d;%c;P%06d;%s;de;%c\n", i%28+1, i%12+1, 1930+i%80, "mv"[i%2], i, name, 'a'+rune(i%26))
	}
	return b.Bytes()
}

// BenchmarkIdentities is the whole pipeline, the TTP's work included, on a
// fresh database.
func BenchmarkIdentities(b *testing.B) {
	for _, rows := range []int{1_000, 10_000} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			file := identityFile(rows)
			for b.Loop() {
				b.StopTimer()
				p := newPlant(b)
				b.StartTimer()
				if d := p.deliver(b, file); d.State != delivery.Done || d.Counts.Created != rows {
					b.Fatalf("delivery = %+v", d)
				}
			}
			b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkUnchanged delivers the same file again: judged, and nothing stored.
func BenchmarkUnchanged(b *testing.B) {
	const rows = 10_000
	file := identityFile(rows)
	p := newPlant(b)
	p.deliver(b, file)
	for b.Loop() {
		if d := p.deliver(b, file); d.Counts.Unchanged != rows {
			b.Fatalf("delivery = %+v", d)
		}
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}
