// Package renewal fetches new values of all pseudonyms after the TTP has turned its
// keys, and adds them to the old ones. It works in the background and can be
// interrupted at any moment. The old values stay.
//
// It never sees an identity or a temporary pseudonym. The only thing that it changes
// about a patient is to add pseudonyms.
package renewal

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"sluis/internal/patient"
	"sluis/internal/retry"
)

// Claim is a worker's claim on the renewal that is under way.
type Claim struct {
	ID, Fence int64
	After     int64 // id of a patient; all patients up to it are done
	Attempts  int   // unanswered calls in a row
}

// Held is a pseudonym with the patient that it belongs to.
type Held struct {
	PatientID int64
	Pseudonym patient.Pseudonym
}

// Store is what a renewal needs of the database. Writes with a lost claim change
// nothing and return an error.
type Store interface {
	ClaimRenewal(ctx context.Context, now time.Time, lease time.Duration) (c Claim, ok bool, err error)
	// RenewalBatch returns about n pseudonyms of the patients after c.After. It
	// never splits a patient.
	RenewalBatch(ctx context.Context, c Claim, n int) ([]Held, error)
	StoreRenewed(ctx context.Context, c Claim, looked int, fresh []Held, refused int, upTo int64) error
	PauseRenewal(ctx context.Context, c Claim, next time.Time) error
	FinishRenewal(ctx context.Context, c Claim) error
}

// The pace of a renewal. It shares the TTP with the deliveries and is in no hurry.
const (
	batch = 1000 // pseudonyms in a batch
	lease = 5 * time.Minute
	look  = 15 * time.Second // average time between looks for work
)

// outage is the pause between tries of a TTP that does not answer.
var outage = retry.Backoff{First: 30 * time.Second, Longest: 10 * time.Minute}

// Worker does renewals. Several processes may each run one.
type Worker struct {
	Store     Store
	Converter patient.DomainConverter
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

// Step continues the renewal that is under way, until the TTP does not answer or all
// is done. busy is false if there is no renewal to do.
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
			next := w.Now().Add(outage.PauseAsked(c.Attempts, down.RetryAfter))
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

// convert asks the TTP for the newest value of each pseudonym in held, one call for
// each domain. It returns the values whose key version differs from the one that was
// sent, and the number of pseudonyms that the TTP refused.
func (w *Worker) convert(ctx context.Context, c Claim, held []Held) (fresh []Held, refused int, err error) {
	domains := map[string][]patient.DomainConversion{}
	var order []string
	for i, h := range held {
		d := h.Pseudonym.Domain
		if domains[d] == nil {
			order = append(order, d)
		}
		domains[d] = append(domains[d], patient.DomainConversion{Ref: strconv.Itoa(i), Pseudonym: h.Pseudonym})
	}
	for _, d := range order {
		// The same batch has the same key, so that the TTP repeats an answer that was lost.
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
				p.ObservedOn = was.ObservedOn // the day when the person was seen does not change with the key
				fresh = append(fresh, Held{held[i].PatientID, p})
			}
		}
	}
	return fresh, refused, nil
}
