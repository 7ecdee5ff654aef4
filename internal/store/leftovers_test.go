package store_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/chunk"
	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/store"
)

// TestEndedDeliveryLosesItsWorkers checks that a worker loses its claim on a chunk as soon
// as the delivery has ended, even before the chunk is deleted.
func TestEndedDeliveryLosesItsWorkers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sluis.db")
	s, err := store.OpenSQLite(t.Context(), path, options())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	who := audit.Who{Name: "test"}
	c, err := s.AddCentre(t.Context(), who, account.Centre{Number: "2809", Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	id, err := s.CreateDelivery(t.Context(), delivery.New{PublicID: "d", CentreID: c.ID, Mode: delivery.Save, Who: who,
		WrappedKey: []byte("k"), At: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.FinishUpload(t.Context(), id, []byte("mac"), 1, who))
	claim, _, err := s.ClaimDelivery(t.Context(), time.Now().Add(time.Second), time.Minute)
	must(err)
	must(s.BeginParse(t.Context(), claim))
	for no := range 2 {
		must(s.AddChunk(t.Context(), claim, delivery.Chunk{No: no, FirstLine: no + 2, LastLine: no + 2, Holds: chunk.Temporaries,
			Sealed: []byte("t"), Rows: []delivery.Row{{Line: no + 2}}}))
	}
	must(s.FinishParse(t.Context(), claim, delivery.Parsed{Kind: delivery.Temporary}))
	k, found, err := s.ClaimChunk(t.Context(), time.Now().Add(time.Second), time.Minute)
	must(err)
	if !found {
		t.Fatal("no chunk")
	}
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)")
	must(err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "UPDATE deliveries SET state = 'cancelled'")
	must(err)
	late := []delivery.Finding{{Line: 2, Stage: delivery.StageResolve, Finding: patient.Finding{Severity: patient.Fatal}}}
	if err := s.StoreResolved(t.Context(), k, []byte("late"), nil, late); !errors.Is(err, delivery.ErrLost) {
		t.Errorf("answers were stored: %v", err)
	}
	if err := s.PauseChunk(t.Context(), k, delivery.PauseDown, time.Now()); !errors.Is(err, delivery.ErrLost) {
		t.Errorf("it was paused: %v", err)
	}
	if _, found, err := s.ClaimChunk(t.Context(), time.Now().Add(time.Second), time.Minute); err != nil || found {
		t.Errorf("its other chunk was claimed (%v)", err)
	}
	var n int
	must(db.QueryRowContext(t.Context(), "SELECT (SELECT COUNT(*) FROM findings) + resolved + paused FROM deliveries").Scan(&n))
	if n != 0 {
		t.Error("something was written")
	}
}
