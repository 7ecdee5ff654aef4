// Package renewal fetches the values of all pseudonyms under the TTP's newest
// key, when its key version has risen, and puts them beside the old ones: in the
// background, resumable at any moment, and without an end to the old values.
//
// It never sees an identity or a temporary pseudonym, and changes nothing of a
// patient but adding pseudonyms.
package renewal

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"sluis/internal/patient"
)

// Claim is a worker's hold on the renewal that is under way.
type Claim struct {
	ID, Fence int64
	After     int64 // every patient up to this one is done
	Attempts  int   // calls without an answer, one after the other
}

// Held is a pseudonym and whose it is.
type Held struct {
	PatientID int64
	Pseudonym patient.Pseudonym
}

// Store is what a renewal needs of the database. Writes of a claim that is lost
// change nothing and answer an error.
type Store interface {
	ClaimRenewal(ctx context.Context, now time.Time, lease time.Duration) (c Claim, ok bool, err error)
	// RenewalBatch gives the pseudonyms of whole patients after c.After, about n.
	RenewalBatch(ctx context.Context, c Claim, n int) ([]Held, error)
	StoreRenewed(ctx context.Context, c Claim, looked int, fresh []Held, refused int, upTo int64) error
	PauseRenewal(ctx context.Context, c Claim, next time.Time) error
	FinishRenewal(ctx context.Context, c Claim) error
}

// The pace of a renewal: it shares the TTP with the deliveries, and has no hurry.
const (
	batch        = 1000 // pseudonyms a step
	lease        = 5 * time.Minute
	look         = 15 * time.Second // between looks for a renewal to do
	firstPause   = 30 * time.Second
	longestPause = 10 * time.Minute
)

// Worker does renewals. It is safe to run in several processes.
type Worker struct {
	Store     Store
	Converter patient.Converter
	Now       func() time.Time
	Log       *slog.Logger
}

// Run works until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	for ctx.Err() == nil {
		busy, err := w.Step(ctx)
		if err != nil && ctx.Err() == nil {
			w.Log.ErrorContext(ctx, "renewal of pseudonyms", "err", err)
		}
		if busy && err == nil {
			continue
		}
		wait := time.NewTimer(look/2 + rand.N(look))
		select {
		case <-ctx.Done():
		case <-wait.C:
		}
		wait.Stop()
	}
}

// Step goes on with the renewal that is under way until the TTP gives no answer
// or all is done; busy is false where there is none.
func (w *Worker) Step(ctx context.Context) (busy bool, err error) {
	c, ok, err := w.Store.ClaimRenewal(ctx, w.Now(), lease)
	if err != nil || !ok {
		return false, err
	}
	for {
		held, err := w.Store.RenewalBatch(ctx, c, batch)
		if err != nil {
			return true, err
		}
		if len(held) == 0 {
			return true, w.Store.FinishRenewal(ctx, c)
		}
		fresh, refused, err := w.convert(ctx, c, held)
		if down, ok := errors.AsType[*patient.UnavailableError](err); ok && ctx.Err() == nil {
			next := w.Now().Add(max(min(firstPause<<min(c.Attempts, 6), longestPause), min(down.RetryAfter, time.Hour)))
			w.Log.WarnContext(ctx, "TTP not available for the renewal of pseudonyms", "denied", down.Denied, "next", next, "err", down.Err)
			return true, w.Store.PauseRenewal(ctx, c, next)
		} else if err != nil {
			return true, err
		}
		upTo := held[len(held)-1].PatientID
		if err := w.Store.StoreRenewed(ctx, c, len(held), fresh, refused, upTo); err != nil {
			return true, err
		}
		c.After, c.Attempts = upTo, 0
	}
}

// convert asks the TTP, a call for each domain in the batch, and gives what is of
// another key version than what was sent.
func (w *Worker) convert(ctx context.Context, c Claim, held []Held) (fresh []Held, refused int, err error) {
	domains := map[string][]patient.Conversion{}
	var order []string
	for i, h := range held {
		d := h.Pseudonym.Domain
		if domains[d] == nil {
			order = append(order, d)
		}
		domains[d] = append(domains[d], patient.Conversion{Ref: strconv.Itoa(i), Pseudonym: h.Pseudonym})
	}
	for _, d := range order {
		// The same batch has the same key, so that an answer that was lost is got again.
		key := "renewal|" + strconv.FormatInt(c.ID, 10) + "|" + strconv.FormatInt(c.After, 10)
		answers, err := w.Converter.Convert(ctx, key, d, d, domains[d])
		if err != nil {
			return nil, 0, err
		}
		for _, item := range domains[d] {
			a, was := answers[item.Ref], item.Pseudonym
			switch {
			case a.Pseudonym.Value == "":
				refused++
			case a.Pseudonym.KeyVersion != was.KeyVersion:
				i, err := strconv.Atoi(item.Ref)
				if err != nil {
					return nil, 0, err
				}
				p := a.Pseudonym
				p.Domain, p.RecordedOn = was.Domain, was.RecordedOn
				p.ObservedOn = was.ObservedOn // the person was seen then, whatever the key
				fresh = append(fresh, Held{held[i].PatientID, p})
			}
		}
	}
	return fresh, refused, nil
}
