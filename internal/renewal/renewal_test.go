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

const patients = 2100 // three batches

// registry is a store with one centre, and the TTP that its pseudonyms come from.
type registry struct {
	*store.Store
	t      *testing.T
	ttp    *ttptest.TTP
	now    time.Time
	who    audit.Who
	centre account.Centre
}

func startRegistry(t *testing.T) *registry {
	t.Helper()
	r := &registry{t: t, ttp: ttptest.Start(t), now: time.Now(), who: audit.Who{Name: "test"}}
	opt := store.Options{Now: r.clock, Log: slog.New(slog.DiscardHandler)}
	var err error
	if r.Store, err = store.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "sluis.db"), opt); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	if r.centre, err = r.AddCentre(t.Context(), r.who, account.Centre{Number: "2809", Name: "Proef"}); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *registry) clock() time.Time { return r.now }

// candidates returns all patients as a delivery would bring them now, with the
// pseudonyms of the TTP's newest key.
func (r *registry) candidates() []patient.Candidate {
	r.t.Helper()
	people := make([]map[string]string, patients)
	for i := range people {
		people[i] = ttptest.Person(i)
	}
	client := resolve.New(r.ttp.Client(ttpsandbox.ScopeDefinitive), ttptest.Domain)
	var rows []patient.Resolvable
	for part := 0; part < patients; part += 700 {
		for i, values := range r.ttp.Temporaries(people[part : part+700]...) {
			row := patient.Resolvable{Ref: fmt.Sprint(part + i)}
			for typ, v := range values {
				row.Temporaries = append(row.Temporaries, patient.Temporary{Type: typ, Value: v})
			}
			rows = append(rows, row)
		}
	}
	answers, err := client.Resolve(r.t.Context(), "k"+r.now.String(), rows)
	if err != nil {
		r.t.Fatal(err)
	}
	set := make([]patient.Candidate, patients)
	for i := range set {
		number := fmt.Sprint(i)
		set[i] = patient.Candidate{Line: i + 2, Display: patient.Display{Number: number}, Pseudonyms: answers[number].Pseudonyms}
	}
	return set
}

// register registers all patients as they are delivered now.
func (r *registry) register() (verdicts []patient.Verdict) {
	r.t.Helper()
	registrar, set := patient.NewRegistrar("NGGV", r.clock), r.candidates()
	_, err := r.RegisterEntry(r.t.Context(), r.who, func(tx patient.Tx) (patient.Verdict, error) {
		var err error
		verdicts, err = registrar.Register(r.t.Context(), tx, r.centre.ID, set)
		return patient.Verdict{Outcome: patient.Review}, err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return verdicts
}

func (r *registry) worker() *renewal.Worker {
	return &renewal.Worker{
		Store:     r.Store,
		Converter: resolve.New(r.ttp.Client(ttpsandbox.ScopeConvert), ttptest.Domain),
		Now:       r.clock,
		Log:       slog.New(slog.DiscardHandler),
	}
}

// work lets a worker take one step.
func (r *registry) work() {
	r.t.Helper()
	if _, err := r.worker().Step(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// state returns the latest renewal.
func (r *registry) state() patient.Renewal {
	r.t.Helper()
	got, _, err := r.Renewal(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return got
}

// TestRenewal turns the TTP's keys and then renews the pseudonyms, through an outage
// and with a worker that stops half-way. In the end every patient has a value under
// the new key as well as the old one, and a row under the new key finds its patient.
// Each step starts from the state in which the one before leaves the registry.
func TestRenewal(t *testing.T) {
	r := startRegistry(t)
	r.register()
	if n, err := r.ttp.Sandbox.RotateDomainKeys(); err != nil || n != 2 {
		t.Fatal(n, err)
	}
	t.Run("nobody asked for it", func(t *testing.T) {
		if busy, err := r.worker().Step(t.Context()); busy || err != nil {
			t.Errorf("%v %v", busy, err)
		}
	})
	started, err := r.StartRenewal(t.Context(), r.who)
	if err != nil || started.Total != 2*patients {
		t.Fatal(started, err)
	}
	t.Run("the TTP is down", func(t *testing.T) {
		f, err := ttpsandbox.ParseFaults("down")
		if err != nil {
			t.Fatal(err)
		}
		r.ttp.Sandbox.SetFaults(f)
		r.work()
		if got := r.state(); got.NextTryAt.IsZero() || got.Looked != 0 {
			t.Errorf("%+v", got)
		}
		r.ttp.Sandbox.SetFaults(ttpsandbox.Faults{})
	})
	r.now = r.now.Add(time.Hour)
	t.Run("a worker is stopped after its first batch", func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		halting := r.worker()
		halting.Store = stopping{r.Store, stop}
		if _, err := halting.Step(ctx); err == nil {
			t.Error("the worker was not stopped")
		}
		if half := r.state(); half.Added == 0 || half.Added >= 2*patients || !half.FinishedAt.IsZero() {
			t.Errorf("%+v", half)
		}
	})
	r.now = r.now.Add(time.Hour) // the lease of that worker runs out
	t.Run("another worker finishes it", func(t *testing.T) {
		r.work()
		got := r.state()
		if got.Added != 2*patients || got.Looked != 2*patients || got.Conflicts != 0 || got.Refused != 0 || got.FinishedAt.IsZero() {
			t.Errorf("%+v", got)
		}
	})
	t.Run("rows under the new key find their patients", func(t *testing.T) {
		for i, v := range r.register() {
			if v.Outcome != patient.Unchanged {
				t.Fatalf("row %d: %+v", i, v)
			}
		}
		stored, err := r.PatientsByNumber(t.Context(), r.centre.ID, []string{"7"})
		if err != nil || len(stored["7"].Pseudonyms) != 4 {
			t.Errorf("kept: %+v %v", stored["7"].Pseudonyms, err)
		}
	})
	t.Run("once more, it adds nothing", func(t *testing.T) {
		if _, err := r.StartRenewal(t.Context(), r.who); err != nil {
			t.Fatal(err)
		}
		r.work()
		if got := r.state(); got.Added != 0 || got.Looked != 4*patients || got.Conflicts != 0 {
			t.Errorf("%+v", got)
		}
	})
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
