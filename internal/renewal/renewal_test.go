package renewal_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/patient"
	"sluis/internal/renewal"
	"sluis/internal/store"
	"sluis/internal/ttpclient/resolve"
	"sluis/internal/ttpclient/ttptest"
	"sluis/internal/ttpsandbox"
)

// TestRenewal turns the TTP's keys and then renews the pseudonyms, through an outage
// and with a worker that stops half-way. In the end every patient has a value under
// the new key as well as the old one, and a row under the new key finds its patient.
func TestRenewal(t *testing.T) {
	ttp := ttptest.Start(t)
	now := time.Now()
	clock := func() time.Time { return now }
	s, err := store.OpenSQLite(
		t.Context(),
		filepath.Join(t.TempDir(), "sluis.db"),
		store.Options{Now: clock, Log: slog.New(slog.DiscardHandler)},
	)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	who := audit.Who{Name: "test"}
	centre, err := s.AddCentre(t.Context(), who, account.Centre{Number: "2809", Name: "Proef"})
	if err != nil {
		t.Fatal(err)
	}
	const patients = 2100 // three batches
	registrar := patient.NewRegistrar("NGGV", clock)
	resolved := func() [][]patient.Pseudonym {
		people := make([]map[string]string, patients)
		for i := range people {
			people[i] = ttptest.Person(i)
		}
		out := make([][]patient.Pseudonym, patients)
		client := resolve.New(ttp.Client(ttpsandbox.ScopeDefinitive), ttptest.Domain)
		var rows []patient.Resolvable
		for part := 0; part < patients; part += 700 {
			for i, values := range ttp.Temporaries(people[part : part+700]...) {
				r := patient.Resolvable{Ref: fmt.Sprint(part + i)}
				for typ, v := range values {
					r.Temporaries = append(r.Temporaries, patient.Temporary{Type: typ, Value: v})
				}
				rows = append(rows, r)
			}
		}
		answers, err := client.Resolve(t.Context(), "k"+now.String(), rows)
		if err != nil {
			t.Fatal(err)
		}
		for i := range out {
			out[i] = answers[fmt.Sprint(i)].Pseudonyms
		}
		return out
	}
	register := func(set []patient.Candidate) (verdicts []patient.Verdict) {
		t.Helper()
		_, err := s.RegisterEntry(t.Context(), who, func(tx patient.Tx) (patient.Verdict, error) {
			var err error
			verdicts, err = registrar.Register(t.Context(), tx, centre.ID, set)
			return patient.Verdict{Outcome: patient.Review}, err
		})
		if err != nil {
			t.Fatal(err)
		}
		return verdicts
	}
	candidates := func() []patient.Candidate {
		set := make([]patient.Candidate, patients)
		for i, p := range resolved() {
			set[i] = patient.Candidate{Line: i + 2, Display: patient.Display{Number: fmt.Sprint(i)}, Pseudonyms: p}
		}
		return set
	}
	register(candidates())
	if n, err := ttp.Sandbox.RotateDomainKeys(); err != nil || n != 2 {
		t.Fatal(n, err)
	}

	worker := func() *renewal.Worker {
		return &renewal.Worker{
			Store:     s,
			Converter: resolve.New(ttp.Client(ttpsandbox.ScopeConvert), ttptest.Domain),
			Now:       clock,
			Log:       slog.New(slog.DiscardHandler),
		}
	}
	if busy, err := worker().Step(t.Context()); busy || err != nil {
		t.Errorf("nobody asked for it: %v %v", busy, err)
	}
	started, err := s.StartRenewal(t.Context(), who)
	if err != nil || started.Total != 2*patients {
		t.Fatal(started, err)
	}
	state := func() patient.Renewal {
		r, _, err := s.Renewal(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	f, _ := ttpsandbox.ParseFaults("down")
	ttp.Sandbox.SetFaults(f)
	if _, err := worker().Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := state(); r.NextTryAt.IsZero() || r.Looked != 0 {
		t.Errorf("while the TTP is down: %+v", r)
	}
	ttp.Sandbox.SetFaults(ttpsandbox.Faults{})
	now = now.Add(time.Hour)
	// A worker is stopped after its first batch.
	ctx, stop := context.WithCancel(t.Context())
	halting := worker()
	halting.Store = stopping{s, stop}
	if _, err := halting.Step(ctx); err == nil {
		t.Error("the worker was not stopped")
	}
	half := state()
	if half.Added == 0 || half.Added >= 2*patients || !half.FinishedAt.IsZero() {
		t.Errorf("half-way: %+v", half)
	}
	now = now.Add(time.Hour) // its lease runs out
	if _, err := worker().Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := state(); r.Added != 2*patients || r.Looked != 2*patients || r.Conflicts != 0 || r.Refused != 0 || r.FinishedAt.IsZero() {
		t.Errorf("at the end: %+v", r)
	}
	for i, v := range register(candidates()) {
		if v.Outcome != patient.Unchanged {
			t.Fatalf("row %d under the new key: %+v", i, v)
		}
	}
	stored, err := s.PatientsByNumber(t.Context(), centre.ID, []string{"7"})
	if err != nil || len(stored["7"].Pseudonyms) != 4 {
		t.Errorf("kept: %+v %v", stored["7"].Pseudonyms, err)
	}
	if _, err := s.StartRenewal(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	if _, err := worker().Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := state(); r.Added != 0 || r.Looked != 4*patients || r.Conflicts != 0 {
		t.Errorf("once more: %+v", r)
	}
}

// stopping is a store that stops the worker after its first batch was stored.
type stopping struct {
	*store.Store
	stop context.CancelFunc
}

func (s stopping) StoreRenewed(ctx context.Context, c renewal.Claim, looked int, fresh []renewal.Held, refused int, upTo int64) error {
	err := s.Store.StoreRenewed(ctx, c, looked, fresh, refused, upTo)
	s.stop()
	return err
}
