package intake

import (
	"context"
	"slices"

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
	exchange := make([]patient.TemporaryRow, 0, len(rows))
	var findings []delivery.Finding
	for _, r := range rows {
		a := answers[r.Ref]
		found := in.complete(a)
		findings = delivery.AppendFindings(findings, delivery.StagePrepare, r.Line, r.Display.Number, found)
		if !patient.AnyFatal(found) {
			exchange = append(exchange, patient.TemporaryRow{Ref: r.Ref, Line: r.Line, Display: r.Display, Temporaries: a.Temporaries})
		}
	}
	sealed, err := chunk.Seal(key, c.No, chunk.TemporaryRows, exchange)
	if err != nil {
		return c, err
	}
	return in.Store.StorePrepared(ctx, c, sealed, len(exchange), patient.FirstExpiry(exchange), findings)
}

// complete returns the findings of an answer. It adds one of ours if the TTP made
// pseudonyms but not the one by which we link.
func (in *Intake) complete(a patient.Prepared) []patient.Finding {
	linked := slices.ContainsFunc(a.Temporaries, func(t patient.Temporary) bool { return t.Type == in.LinkType })
	if linked || patient.AnyFatal(a.Findings) {
		return a.Findings
	}
	return append(slices.Clone(a.Findings), patient.Finding{
		Severity: patient.Fatal, Source: patient.Sluis, Code: "LINK_PSEUDONYM_MISSING", Field: in.LinkType,
	})
}
