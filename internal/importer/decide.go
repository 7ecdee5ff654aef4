package importer

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"sluis/internal/chunk"
	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/sealing"
)

// Decisions reads what deciding compares, and keeps what it found.
type Decisions interface {
	patient.Reader
	// BeginDeciding removes the marks, verdicts and findings of an earlier decision.
	BeginDeciding(ctx context.Context, c delivery.Claim) error
	// SealedChunk returns the sealed answers of chunk no, and its first and last line.
	SealedChunk(ctx context.Context, deliveryID int64, no int) (delivery.Chunk, error)
	// Rejected returns the number of rows that were rejected before the decision.
	Rejected(ctx context.Context, deliveryID int64) (int, error)
	// StoreVerdicts counts what would happen to a chunk's rows, and stores the findings.
	StoreVerdicts(ctx context.Context, c delivery.Claim, verdicts []patient.Verdict, findings []delivery.Finding) error
	// FinishDeciding puts the delivery in its next state.
	FinishDeciding(ctx context.Context, c delivery.Claim, next delivery.State, expires time.Time) error
}

// decide compares the rows of a delivery with each other, applies the brake, and puts the
// delivery in its next state. No patient is changed. If a person must say how it goes
// on (a check, or the brake), every row is assessed, to show what would happen. If it
// goes on by itself that is left out: registering assesses each row anyway.
func (im *Importer) decide(ctx context.Context, c delivery.Claim) error {
	key, err := im.keys.OpenKey(c.WrappedKey, c.Delivery.PublicID)
	if err != nil {
		return err
	}
	if err := im.ports.Decisions.BeginDeciding(ctx, c); err != nil {
		return err
	}
	if err := im.findRepeats(ctx, key, c); err != nil {
		return err
	}
	rejected, err := im.ports.Decisions.Rejected(ctx, c.Delivery.ID)
	if err != nil {
		return err
	}
	next := after(c, rejected)
	if next.Waiting() {
		if err := im.assess(ctx, key, c); err != nil {
			return err
		}
	}
	return im.ports.Decisions.FinishDeciding(ctx, c, next, im.now().Add(checkLife))
}

// after returns the state that follows deciding.
func after(c delivery.Claim, rejected int) delivery.State {
	switch {
	case c.Delivery.Mode == delivery.Check:
		return delivery.Checked
	case !c.Confirmed && braked(patient.Counts{Read: c.Delivery.Counts.Read, Rejected: rejected}, cmp.Or(c.Brake, BrakeShare)):
		return delivery.Confirm
	}
	return delivery.Registering
}

// assess counts what would happen to every row.
func (im *Importer) assess(ctx context.Context, key sealing.Key, c delivery.Claim) error {
	return im.eachChunk(ctx, key, c, 0, func(_ int, set []patient.Candidate) error {
		verdicts, err := im.registrar.Assess(ctx, im.ports.Decisions, c.Delivery.CentreID, set)
		if err != nil {
			return err
		}
		return im.ports.Decisions.StoreVerdicts(ctx, c, verdicts, explain(set, verdicts))
	})
}

// eachChunk calls do with the candidates of each chunk, in order, starting with number
// from. The next chunk is opened while do runs.
func (im *Importer) eachChunk(ctx context.Context, key sealing.Key, c delivery.Claim, from int, do func(no int,
	set []patient.Candidate) error,
) error {
	type opened struct {
		set []patient.Candidate
		err error
	}
	ahead := make(chan opened)
	reading, stop := context.WithCancel(ctx)
	var reader sync.WaitGroup
	defer reader.Wait()
	defer stop()
	reader.Go(func() {
		for no := from; no < c.Delivery.Chunks; no++ {
			var next opened
			next.err = im.contain(reading, whose{c.Delivery.ID, c.Delivery.PublicID}, func() (err error) {
				next.set, err = im.candidates(reading, key, c, no)
				return err
			})
			select {
			case ahead <- next:
			case <-reading.Done():
				return
			}
			if next.err != nil {
				return
			}
		}
	})
	for no := from; no < c.Delivery.Chunks; no++ {
		var next opened
		select {
		case next = <-ahead:
		case <-ctx.Done():
			return ctx.Err()
		}
		err := next.err
		if err == nil {
			err = do(no, next.set)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// braked reports whether so many rows would be rejected that a person must look first.
func braked(c patient.Counts, percent int) bool {
	return c.Read >= brakeRows && c.Rejected*100 > c.Read*percent
}

// candidates returns the rows of a chunk, each with its relation to the other rows of the
// file.
func (im *Importer) candidates(ctx context.Context, key sealing.Key, c delivery.Claim, no int) ([]patient.Candidate, error) {
	set, sealed, err := im.open(ctx, key, c, no)
	if err != nil || len(set) == 0 {
		return nil, err
	}
	numbers, links, err := im.ports.Repeats.Repeats(ctx, c.Delivery.ID, sealed.FirstLine, sealed.LastLine)
	if err != nil {
		return nil, err
	}
	for i, cand := range set {
		set[i].Within = within(cand, im.mark(cand), numbers, links)
	}
	return set, nil
}

// open returns the opened answers of a chunk.
func (im *Importer) open(ctx context.Context, key sealing.Key, c delivery.Claim, no int) ([]patient.Candidate, delivery.Chunk, error) {
	sealed, err := im.ports.Decisions.SealedChunk(ctx, c.Delivery.ID, no)
	if err != nil {
		return nil, sealed, err
	}
	set, err := chunk.Open(key, no, chunk.DefinitiveRows, sealed.Sealed)
	return set, sealed, err
}

// within compares a row with the rows of its file that have the same number or the same
// linking pseudonym.
func within(c patient.Candidate, m chunk.Mark, numbers map[string]delivery.Repeat, links map[int64]delivery.Repeat) patient.Within {
	var w patient.Within
	if r, ok := numbers[m.Number]; ok {
		w.Partners = others(r.Lines, c.Line)
		if r.Distinct > 1 {
			w.Clash = patient.NumberTwice
		} else {
			w.Repeats = c.Line != r.First
		}
	}
	if r, ok := links[m.LinkHash]; ok && m.LinkHash != 0 && r.Distinct > 1 && w.Clash == "" {
		w.Clash, w.Partners = patient.PseudonymTwice, others(r.Lines, c.Line)
	}
	return w
}

func others(lines []int, self int) []int {
	return slices.DeleteFunc(slices.Clone(lines), func(l int) bool { return l == self })
}

func linesOf(set []patient.Candidate) []int {
	lines := make([]int, len(set))
	for i, c := range set {
		lines[i] = c.Line
	}
	return lines
}

// explain returns a finding for each row that waits for a data manager or repeats another
// row.
func explain(set []patient.Candidate, verdicts []patient.Verdict) []delivery.Finding {
	var findings []delivery.Finding
	for i, c := range set {
		v := verdicts[i]
		code := string(v.Reason)
		if v.Outcome == patient.Unchanged && c.Within.Repeats {
			code = "ROW_REPEATED"
		}
		if code == "" {
			continue
		}
		findings = append(findings, delivery.Finding{
			Finding: patient.Finding{
				Severity: patient.Warning,
				Source:   patient.Sluis,
				Code:     code,
				Field:    string(delivery.FieldPatientNumber),
			},
			Line: c.Line, PatientNumber: c.Display.Number, Stage: delivery.StageDecide, Partners: v.Partners,
		})
	}
	return findings
}
