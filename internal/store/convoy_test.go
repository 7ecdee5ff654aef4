package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/chunk"
	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/store"
	"sluis/internal/store/pgtest"
)

// process returns a store of its own on a database, as another process has.
func process(tb testing.TB, dsn string) *store.Store {
	tb.Helper()
	s, err := store.OpenPostgres(tb.Context(), dsn, options())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

func centreOf(tb testing.TB, s *store.Store, number string) account.Centre {
	tb.Helper()
	c, err := s.AddCentre(tb.Context(), audit.Who{Name: "test"}, account.Centre{Number: number, Name: "x"})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// TestNoConvoy stops one process in the middle of storing a chunk, when its patients have
// their ids. Meanwhile another process stores and parses chunks of other centres, and
// somebody looks at a patient: none of them may wait for the first.
func TestNoConvoy(t *testing.T) {
	dsn := pgtest.DSN(t)
	a, b := process(t, dsn), process(t, dsn)
	registrar := patient.NewRegistrar("NGGV", time.Now)
	store1 := func(s *store.Store, c account.Centre, claim delivery.Claim, no int, before func()) error {
		lines, set := rowsOf(no)
		return s.RegisterChunk(t.Context(), claim, no, lines, func(tx patient.Tx) ([]patient.Verdict, []delivery.Finding, error) {
			v, err := registrar.Register(t.Context(), tx, c.ID, set)
			before()
			return v, nil, err
		})
	}
	one, two, three := centreOf(t, a, "2801"), centreOf(t, a, "2802"), centreOf(t, a, "2803")
	claimOne, claimTwo := registering(t, a, one, 1), registering(t, b, two, 2)
	if err := store1(b, two, claimTwo, 0, func() {}); err != nil {
		t.Fatal(err)
	}
	reached, goOn, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		ended <- store1(a, one, claimOne, 0, func() {
			close(reached)
			<-goOn
		})
	}()
	<-reached
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	who := audit.Who{Name: "test"}
	if err := store1(b, two, claimTwo, 1, func() {}); err != nil {
		t.Errorf("another centre's chunk: %v", err)
	}
	registering(t, b, three, 2)
	page, err := b.Patients(ctx, who, account.AllCentres(), patient.Query{Limit: 1})
	if err != nil || page.Total != 1000 {
		t.Fatalf("a page of patients: %d (%v)", page.Total, err)
	}
	if _, err := b.Patient(ctx, who, account.AllCentres(), page.Patients[0].PublicID); err != nil {
		t.Errorf("a patient: %v", err)
	}
	close(goOn)
	if err := <-ended; err != nil {
		t.Errorf("the first: %v", err)
	}
}

// TestChunksDoNotWait stores the answers of chunks of one delivery by several processes
// at once: none fails, and all are counted.
func TestChunksDoNotWait(t *testing.T) {
	dsn := pgtest.DSN(t)
	a, b := process(t, dsn), process(t, dsn)
	c := centreOf(t, a, "2801")
	id, err := a.CreateDelivery(t.Context(), delivery.New{PublicID: "d", CentreID: c.ID, Mode: delivery.Save, WrappedKey: []byte("k"), At: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(a.FinishUpload(t.Context(), id, []byte("mac"), 1, audit.Who{}))
	claim, _, err := a.ClaimDelivery(t.Context(), time.Now().Add(time.Second), time.Hour)
	must(err)
	const chunks = 24
	for no := range chunks {
		must(a.AddChunk(t.Context(), claim, delivery.Chunk{No: no, FirstLine: no + 2, LastLine: no + 2, Holds: chunk.Temporaries, Sealed: []byte("t"),
			Rows: []delivery.Row{{Line: no + 2}}}))
	}
	must(a.FinishParse(t.Context(), claim, delivery.Parsed{Kind: delivery.Temporary}))
	var all sync.WaitGroup
	for i := range 6 {
		s := []*store.Store{a, b}[i%2]
		all.Go(func() {
			for {
				k, found, err := s.ClaimChunk(t.Context(), time.Now().Add(time.Second), time.Hour)
				if err != nil || !found {
					if err != nil {
						t.Error(err)
					}
					return
				}
				if err := s.StoreResolved(t.Context(), k, []byte("d"), nil, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	d, err := a.Delivery(t.Context(), account.AllCentres(), "d")
	if err != nil || d.Resolved != chunks || d.State != delivery.Deciding {
		t.Errorf("%d of %d chunks are counted, %s (%v)", d.Resolved, chunks, d.State, err)
	}
}

// BenchmarkProcesses stores one delivery for each of several processes, each of another
// centre: on one PostgreSQL server, and by one process on SQLite.
func BenchmarkProcesses(b *testing.B) {
	const chunks = 20
	b.Run("SQLite/1", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			s, err := store.OpenSQLite(b.Context(), filepath.Join(b.TempDir(), "sluis.db"), options())
			if err != nil {
				b.Fatal(err)
			}
			registerAll(b, []*store.Store{s}, chunks)
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(chunks*500*b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	for _, n := range []int{1, 2, 4} {
		b.Run(fmt.Sprint("PostgreSQL/", n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				dsn := pgtest.DSN(b)
				processes := make([]*store.Store, n)
				for i := range processes {
					processes[i] = process(b, dsn)
				}
				registerAll(b, processes, chunks)
			}
			b.ReportMetric(float64(n*chunks*500*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// registerAll lets each process store a delivery. It starts the timer when all of them are
// ready to.
func registerAll(b *testing.B, processes []*store.Store, chunks int) {
	b.Helper()
	centres, claims := make([]account.Centre, len(processes)), make([]delivery.Claim, len(processes))
	for i, s := range processes {
		centres[i] = centreOf(b, s, fmt.Sprint(2800+i))
		claims[i] = registering(b, s, centres[i], chunks)
	}
	registrar := patient.NewRegistrar("NGGV", time.Now)
	b.StartTimer()
	var all sync.WaitGroup
	for i, s := range processes {
		all.Go(func() {
			for no := range chunks {
				lines, set := rowsOf(no)
				err := s.RegisterChunk(b.Context(), claims[i], no, lines,
					func(tx patient.Tx) ([]patient.Verdict, []delivery.Finding, error) {
						v, err := registrar.Register(b.Context(), tx, centres[i].ID, set)
						return v, nil, err
					})
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}
