package storetest

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/chunk"
	"sluis/internal/delivery"
	"sluis/internal/store"
)

// leftovers checks that everything that a delivery no longer needs is deleted, however
// much it is, and nothing else.
func leftovers(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	other := begin(t, s, c, 4)
	ok(t, s.Sweep(t.Context()))
	resolveAll(t, s, 2) // Sweep left its chunks
	keep := claimDelivery(t, s, other)
	if b, err := s.Block(t.Context(), keep.Delivery.ID, 0); err != nil || b != nil {
		t.Errorf("a parsed delivery still has its upload (%v)", err)
	}

	long := begin(t, s, c, 50) // more chunks than one piece
	d, err := s.Delivery(t.Context(), of(c), long)
	ok(t, err)
	for range 25 {
		ok(t, s.StoreResolved(t.Context(), claimChunk(t, s), []byte("d"), nil, nil))
	}
	ok(t, s.Cancel(t.Context(), who, of(c), long))
	for no := range 25 {
		if _, err := s.SealedChunk(t.Context(), d.ID, no); apperr.KindOf(err) != apperr.NotFound {
			t.Errorf("chunk %d of a cancelled delivery: %v", no, err)
		}
		if _, _, err := s.Marks(t.Context(), d.ID, no); apperr.KindOf(err) != apperr.NotFound {
			t.Errorf("marks of chunk %d: %v", no, err)
		}
	}
	ok(t, s.Sweep(t.Context()))
	for no := range 2 {
		if _, err := s.SealedChunk(t.Context(), keep.Delivery.ID, no); err != nil {
			t.Errorf("chunk %d of the other delivery: %v", no, err)
		}
	}
	ok(t, s.Cancel(t.Context(), who, of(c), other))
}

// parseAgain checks that a parse after an interrupted one begins with an empty delivery.
func parseAgain(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	id7, err := uuid.NewV7()
	ok(t, err)
	id, err := s.CreateDelivery(t.Context(), delivery.New{
		PublicID: id7.String(), CentreID: c.ID, Mode: delivery.Save, Via: audit.ViaAPI, Who: who, KeyID: "k1", WrappedKey: []byte("key"),
		At: time.Now(),
	})
	ok(t, err)
	for no := range 20 {
		ok(t, s.AppendBlock(t.Context(), id, no, []byte("sealed")))
	}
	ok(t, s.FinishUpload(t.Context(), id, []byte(c.Number+"again"), 6, who))
	claim := claimDelivery(t, s, id7.String())
	for range 2 {
		ok(t, s.BeginParse(t.Context(), claim))
		for no := range 12 {
			k := delivery.Chunk{No: no, FirstLine: no + 2, LastLine: no + 2, Holds: chunk.Temporaries, Sealed: []byte("t"),
				CallKey: uuid.NewString()}
			k.Rows = []delivery.Row{{Line: no + 2, PatientNumber: "7"}}
			k.Findings = []delivery.Finding{{Line: no + 2, Stage: delivery.StageParse}}
			ok(t, s.AddChunk(t.Context(), claim, k))
		}
	}
	ok(t, s.FinishParse(t.Context(), claim, delivery.Parsed{Kind: delivery.Temporary}))
	d, err := s.Delivery(t.Context(), of(c), id7.String())
	ok(t, err)
	page, err := s.Findings(t.Context(), d, delivery.FindingQuery{})
	ok(t, err)
	if d.Counts.Read != 12 || d.Chunks != 12 || page.Total != 12 {
		t.Errorf("%d rows, %d chunks, %d findings, want 12 of each", d.Counts.Read, d.Chunks, page.Total)
	}
	for no := range 20 {
		if b, err := s.Block(t.Context(), id, no); err != nil || b != nil {
			t.Errorf("block %d is still there (%v)", no, err)
		}
	}
	ok(t, s.Cancel(t.Context(), who, of(c), id7.String()))
}
