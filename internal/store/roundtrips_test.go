package store_test

import (
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
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

// wire passes connections on to a server, and counts how often the program asks it
// something and waits for the answer.
type wire struct {
	trips   atomic.Int64
	waiting atomic.Bool // the program has asked, and the server has not answered
}

// through returns the address of a wire to the server at dsn.
func (w *wire) through(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	const socket = ".s.PGSQL.5432"
	server, dir := filepath.Join(u.Query().Get("host"), socket), t.TempDir()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(dir, socket))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			here, err := ln.Accept()
			if err != nil {
				return
			}
			there, err := (&net.Dialer{}).DialContext(t.Context(), "unix", server)
			if err != nil {
				_ = here.Close()
				return
			}
			go w.pass(here, there, true)
			go w.pass(there, here, false)
		}
	}()
	u.RawQuery = url.Values{"host": {dir}}.Encode()
	return u.String()
}

func (w *wire) pass(from, to net.Conn, asking bool) {
	defer func() { _, _ = from.Close(), to.Close() }()
	buf := make([]byte, 1<<20)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if asking && w.waiting.CompareAndSwap(false, true) {
				w.trips.Add(1)
			} else if !asking {
				w.waiting.Store(false)
			}
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// count returns how many round trips f takes, once what it prepares is prepared.
func (w *wire) count(f func()) int64 {
	before := w.trips.Load()
	f()
	return w.trips.Load() - before
}

// TestRoundTrips counts what a chunk of 500 rows and one look at a patient cost on a
// server: across a network, each round trip is a wait.
func TestRoundTrips(t *testing.T) {
	var w wire
	s, err := store.OpenPostgres(t.Context(), w.through(t, pgtest.DSN(t)), options())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	who := audit.Who{Name: "test"}
	c, err := s.AddCentre(t.Context(), who, account.Centre{Number: "2809", Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	const chunks = 4
	claim := registering(t, s, c, chunks)
	registrar := patient.NewRegistrar("NGGV", time.Now)
	var trips int64
	for no := range chunks {
		lines, set := rowsOf(no)
		trips = w.count(func() {
			err = s.RegisterChunk(t.Context(), claim, no, lines, func(tx patient.Tx) ([]patient.Verdict, []delivery.Finding, error) {
				v, err := registrar.Register(t.Context(), tx, c.ID, set)
				return v, nil, err
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("a chunk of 500 rows: %d round trips", trips)
	if trips > 25 {
		t.Errorf("a chunk takes %d round trips, want 25 at most", trips)
	}
	page, err := s.Patients(t.Context(), who, account.AllCentres(), patient.Query{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	least := int64(1000)
	for range 20 {
		least = min(least, w.count(func() {
			if _, err := s.Patient(t.Context(), who, account.AllCentres(), page.Patients[0].PublicID); err != nil {
				t.Fatal(err)
			}
		}))
	}
	t.Logf("a patient's page: %d round trips", least)
	if least > 5 {
		t.Errorf("a patient's page takes %d round trips, want 5 at most", least)
	}
}

// rowsOf returns the lines of a chunk of 500, and their rows.
func rowsOf(no int) (lines []int, set []patient.Candidate) {
	for i := range 500 {
		line := no*500 + i + 2
		person := strconv.Itoa(line)
		lines = append(lines, line)
		set = append(set, patient.Candidate{
			Line: line, Display: patient.Display{Number: person, Birth: patient.Birth{Year: 1980}, Sex: patient.Female},
			Pseudonyms: []patient.Pseudonym{
				{Type: "NGGV", Domain: "qrns", KeyVersion: 1, Value: strings.Repeat("v", 60) + person, ObservedOn: "2026-01-01"},
				{Type: "NGG", Domain: "qrns", KeyVersion: 1, Value: strings.Repeat("w", 60) + person, ObservedOn: "2026-01-01"},
			},
		})
	}
	return lines, set
}

// registering returns a delivery of chunks of 500 rows that is ready to be stored.
func registering(t testing.TB, s *store.Store, c account.Centre, chunks int) delivery.Claim {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	id7 := "0195d0a0-0000-7000-8000-00000000" + c.Number
	id, err := s.CreateDelivery(t.Context(), delivery.New{PublicID: id7, CentreID: c.ID, Mode: delivery.Save, WrappedKey: []byte("k"),
		At: time.Now()})
	must(err)
	must(s.FinishUpload(t.Context(), id, []byte(c.Number), 1, audit.Who{}))
	next := func() delivery.Claim {
		claim, found, err := s.ClaimDelivery(t.Context(), time.Now().Add(time.Second), time.Hour)
		must(err)
		if !found {
			t.Fatal("no delivery")
		}
		return claim
	}
	claim := next()
	must(s.BeginParse(t.Context(), claim))
	for no := range chunks {
		lines, set := rowsOf(no)
		k := delivery.Chunk{No: no, FirstLine: lines[0], LastLine: lines[len(lines)-1], Holds: chunk.Temporaries, Sealed: make([]byte, 50_000)}
		for _, x := range set {
			k.Rows = append(k.Rows, delivery.Row{Line: x.Line, PatientNumber: x.Display.Number, Outcome: patient.Pending})
		}
		must(s.AddChunk(t.Context(), claim, k))
	}
	must(s.FinishParse(t.Context(), claim, delivery.Parsed{Kind: delivery.Temporary}))
	for range chunks {
		k, _, err := s.ClaimChunk(t.Context(), time.Now().Add(time.Second), time.Hour)
		must(err)
		must(s.StoreResolved(t.Context(), k, make([]byte, 50_000), nil, nil))
	}
	claim = next()
	must(s.BeginDeciding(t.Context(), claim))
	must(s.FinishDeciding(t.Context(), claim, delivery.Registering, time.Time{}))
	return next()
}
