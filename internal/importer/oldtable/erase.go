package oldtable

import (
	"context"
	"errors"
	"fmt"
	"os"

	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/conversion"
)

// ErasureStore is what an erasure needs of the registry's database.
type ErasureStore interface {
	AskErasure(ctx context.Context, who audit.Who, e conversion.Erasure) (conversion.Erasure, error)
	BeginErasure(ctx context.Context, id int64) error
	FinishErasure(ctx context.Context, who audit.Who, e conversion.Erasure) error
	conversion.GateStore
}

// Eraser takes an erasure a step further: it asks for approval, or does what was
// approved.
type Eraser struct {
	store ErasureStore
	who   audit.Who
}

// NewEraser returns an Eraser that works in the name of who.
func NewEraser(s ErasureStore, who audit.Who) *Eraser { return &Eraser{store: s, who: who} }

// Step is what an erasure does next.
type Step int

// The steps.
const (
	StepNone     Step = iota // the identities are erased
	StepAsk                  // two people must be asked for approval
	StepRefused              // something forbids it: see [conversion.Gate.Refusals]
	StepHandOver             // the owner destroys the old database
	StepScript               // a database administrator runs a script
	StepInPlace              // Sluis itself erases the SQLite file
)

// NextStep returns the next step, and the gate as that step must see it. way is what the
// operator wants, empty for what was asked before. sqlite reports whether the old table
// is a SQLite file.
func NextStep(g conversion.Gate, way conversion.Way, sqlite bool) (Step, conversion.Gate) {
	e := g.Erasure
	switch {
	case e != nil && !e.ErasedAt.IsZero():
		return StepNone, g
	case e == nil || way != "" && way != e.Way:
		g.Way, g.Erasure = way, nil
		return StepAsk, g
	}
	g.Way = e.Way
	if g.Way == conversion.InPlace && !e.StartedAt.IsZero() {
		g.Rows = -1 // a table that is half erased is not counted: it was when the erasure began
	}
	switch {
	case len(g.Refusals()) > 0:
		return StepRefused, g
	case g.Way == conversion.NewDatabase:
		return StepHandOver, g
	case sqlite:
		return StepInPlace, g
	}
	return StepScript, g
}

// Errors of an Eraser that an operator can mend.
var (
	ErrErasureBegun = errors.New("the old table is being erased already: run this without --way")
	ErrNotDestroyed = errors.New("it is not destroyed")
)

// Ask asks two people for their approval. The gate must have no refusals.
func (e *Eraser) Ask(ctx context.Context, g conversion.Gate) error {
	check, _, err := e.store.LatestReport(ctx, conversion.KindCheck, g.Run.ID)
	if err != nil {
		return err
	}
	ask := conversion.Erasure{RunID: g.Run.ID, Way: g.Way, CheckID: check.ID}
	if g.Exception != nil && len(g.Open) > 0 {
		exception, _, err := e.store.LatestReport(ctx, conversion.KindException, g.Run.ID)
		if err != nil {
			return err
		}
		ask.ExceptionID = exception.ID
	}
	_, err = e.store.AskErasure(ctx, e.who, ask)
	if apperr.KindOf(err) == apperr.Conflict {
		return ErrErasureBegun
	}
	return err
}

// Begin closes the approvals: from here on somebody erases the old table.
func (e *Eraser) Begin(ctx context.Context, g conversion.Gate) error {
	return e.store.BeginErasure(ctx, g.Erasure.ID)
}

// RecordDestroyed records that the owner destroyed the old database. path is that of its
// SQLite file, empty for SQL Server: a file that is still there is ErrNotDestroyed.
func (e *Eraser) RecordDestroyed(ctx context.Context, g conversion.Gate, path string) error {
	if path != "" {
		for _, file := range sqliteFiles(path) {
			if _, err := os.Stat(file); err == nil {
				return fmt.Errorf("%s is still there: %w", file, ErrNotDestroyed)
			}
		}
	}
	return e.store.FinishErasure(ctx, e.who, *g.Erasure)
}

// Columns is a table with columns that must be erased.
type Columns interface {
	Gone(ctx context.Context) (gone, left []string, err error)
}

// RecordDropped records the erasure if the administrator's script has dropped every
// column. It returns those columns, or none if the script was not run yet.
func (e *Eraser) RecordDropped(ctx context.Context, g conversion.Gate, t Columns) ([]string, error) {
	gone, left, err := t.Gone(ctx)
	if err != nil || len(left) > 0 || len(gone) == 0 {
		return nil, err
	}
	return gone, e.store.FinishErasure(ctx, e.who, *g.Erasure)
}

// Erased is what an erasure in place did.
type Erased struct {
	Rows    int      // overwritten by this command
	Dropped []string // columns that are gone
	Left    []string // columns that could not be dropped: they are there, and empty
	Indexes []string // indexes on one of the columns, which are gone
}

// InPlace lets erase erase the table, records it, and returns the gate with the finished
// erasure. erase may be stopped, and is then called again by the next command.
func (e *Eraser) InPlace(
	ctx context.Context,
	g conversion.Gate,
	erase func(context.Context) (Erased, error),
) (Erased, conversion.Gate, error) {
	if err := e.Begin(ctx, g); err != nil {
		return Erased{}, g, err
	}
	done, err := erase(ctx)
	if err != nil {
		return done, g, fmt.Errorf("the erasure is not done, and may be run again: %w", err)
	}
	if err := e.store.FinishErasure(ctx, e.who, *g.Erasure); err != nil {
		return done, g, err
	}
	finished, _, err := e.store.ErasureOf(ctx, g.Run.ID)
	g.Erasure = &finished
	return done, g, err
}
