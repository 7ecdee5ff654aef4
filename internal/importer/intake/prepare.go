package intake

import (
	"context"
	"slices"
	"time"

	"sluis/internal/chunk"
	"sluis/internal/delivery"
	"sluis/internal/identity"
	"sluis/internal/patient"
)

// Prepare exchanges the identities of a chunk for temporary pseudonyms and
// destroys them in the same transaction. It answers the claim as it goes on, or
// *patient.UnavailableError, and then the chunk is as it was.
func (in *Intake) Prepare(ctx context.Context, c delivery.ChunkClaim) (delivery.ChunkClaim, error) {
	key, err := in.Keys.OpenKey(c.WrappedKey, c.DeliveryPublicID)
	if err != nil {
		return c, err
	}
	rows, err := chunk.Open(key, c.No, identityRows, c.Sealed)
	if err != nil {
		return c, err
	}
	items := make([]identity.Item, len(rows))
	for i, r := range rows {
		items[i] = identity.Item{Ref: r.Ref, Identity: identity.New(r.Person)}
	}
	answers, err := in.Preparer.Prepare(ctx, c.CallKey, items)
	if err != nil {
		return c, err
	}
	exchange := make([]patient.InExchange, 0, len(rows))
	var findings []delivery.Finding
	for _, r := range rows {
		a := answers[r.Ref]
		rejected := false
		for _, f := range in.complete(a) {
			rejected = rejected || f.Severity == patient.Fatal
			findings = append(findings, delivery.Finding{
				Finding: f, Line: r.Line, PatientNumber: r.Display.Number, Stage: delivery.StagePrepare,
			})
		}
		if !rejected {
			exchange = append(exchange, patient.InExchange{Ref: r.Ref, Line: r.Line, Display: r.Display, Temporaries: a.Temporaries})
		}
	}
	sealed, err := chunk.Seal(key, c.No, chunk.TemporaryRows, exchange)
	if err != nil {
		return c, err
	}
	return in.Store.StorePrepared(ctx, c, sealed, len(exchange), firstEnd(exchange), findings)
}

// firstEnd is when the first temporary pseudonym of rows runs out; zero where
// nobody said.
func firstEnd(rows []patient.InExchange) (first time.Time) {
	for _, r := range rows {
		for _, t := range r.Temporaries {
			if !t.ExpiresAt.IsZero() && (first.IsZero() || t.ExpiresAt.Before(first)) {
				first = t.ExpiresAt
			}
		}
	}
	return first
}

// complete gives the findings of an answer, and one of ours where the TTP made
// pseudonyms but not the one by which we link.
func (in *Intake) complete(a patient.Prepared) []patient.Finding {
	fatal := slices.ContainsFunc(a.Findings, func(f patient.Finding) bool { return f.Severity == patient.Fatal })
	linked := slices.ContainsFunc(a.Temporaries, func(t patient.Temporary) bool { return t.Type == in.LinkType })
	if fatal || linked {
		return a.Findings
	}
	return append(slices.Clone(a.Findings), patient.Finding{
		Severity: patient.Fatal, Source: patient.Sluis, Code: "LINK_PSEUDONYM_MISSING", Field: in.LinkType,
	})
}
