package conversion

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"time"

	"sluis/internal/delivery"
	"sluis/internal/patient"
)

// GateStore is what loading a gate needs of the database.
type GateStore interface {
	LatestRun(ctx context.Context, mode delivery.Mode) (run Run, ok bool, err error)
	OpenRows(ctx context.Context, runID int64, q OpenQuery) (OpenPage, error)
	LatestReport(ctx context.Context, kind Kind, runID int64) (r Report, ok bool, err error)
	ErasureOf(ctx context.Context, runID int64) (e Erasure, ok bool, err error)
}

// LoadGate reads the gate from the database. Rows and Triggers are left out: only the old
// table knows them. key is the registry's own public key.
func LoadGate(ctx context.Context, s GateStore, key ed25519.PublicKey, way Way, now time.Time) (Gate, error) {
	g := Gate{Now: now, Way: way, Rows: -1}
	run, there, err := s.LatestRun(ctx, delivery.Save)
	if err != nil || !there {
		return g, err
	}
	g.Run, g.Mapping = &run, run.Mapping
	if g.Open, err = AllOpen(ctx, s, run.ID); err != nil {
		return g, err
	}
	report, there, err := s.LatestReport(ctx, KindCheck, run.ID)
	if err != nil {
		return g, err
	}
	if there {
		g.Check, g.CheckedAt, g.CheckRun = &Check{}, report.MadeAt, report.RunID
		if err := json.Unmarshal([]byte(report.Document), g.Check); err != nil {
			return g, errors.New("decode a verification: failed")
		}
	}
	if report, there, err = s.LatestReport(ctx, KindException, run.ID); err != nil {
		return g, err
	}
	if there {
		var signed Signed
		var x Exception
		if json.Unmarshal([]byte(report.Document), &signed) != nil || signed.Open(key, &x) != nil {
			g.Forged = true
		} else {
			g.Exception = &x
		}
	}
	e, there, err := s.ErasureOf(ctx, run.ID)
	if there {
		g.Erasure = &e
		if way == "" {
			g.Way = e.Way
		}
	}
	return g, err
}

// AllOpen returns every row of a run that is no patient: first the rejected ones, then those
// that wait for a data manager.
func AllOpen(ctx context.Context, s GateStore, runID int64) ([]Open, error) {
	var out []Open
	for _, outcome := range []patient.Outcome{patient.Rejected, patient.Review} {
		for after := ""; ; {
			page, err := s.OpenRows(ctx, runID, OpenQuery{Outcome: outcome, After: after})
			if err != nil {
				return nil, err
			}
			out = append(out, page.Rows...)
			if after = page.Next; after == "" {
				break
			}
		}
	}
	return out, nil
}
