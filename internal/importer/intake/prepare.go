package intake

import (
	"context"
	"slices"
	"time"

	"sluis/internal/chunk"
	"sluis/internal/delivery"
	"sluis/internal/identity"
	"sluis/internal/importer/intake/columns"
	"sluis/internal/patient"
)

// Preparations stores what the TTP made of the identities of a chunk.
type Preparations interface {
	// StorePrepared replaces the identities of a chunk by the sealed temporary
	// pseudonyms of so many rows, the first of which runs out at expires, in one
	// transaction.
	StorePrepared(
		ctx context.Context,
		c delivery.ChunkClaim,
		sealed []byte,
		waiting int,
		expires time.Time,
		findings []delivery.Finding,
	) (delivery.ChunkClaim, error)
}

// Prepare exchanges the identities of a chunk for temporary pseudonyms and
// destroys them in the same transaction. It answers the claim as it goes on, or
// *patient.UnavailableError, and then the chunk is as it was.
func (in *Intake) Prepare(ctx context.Context, c delivery.ChunkClaim) (delivery.ChunkClaim, error) {
	key, err := in.keys.OpenKey(c.WrappedKey, c.DeliveryPublicID)
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
	answers, err := in.preparer.Prepare(ctx, c.CallKey, items)
	if err != nil {
		return c, err
	}
	exchange := make([]patient.TemporaryRow, 0, len(rows))
	var findings []delivery.Finding
	for _, r := range rows {
		a := answers[r.Ref]
		found := in.complete(a, r.Person.Parts())
		findings = delivery.AppendFindings(findings, delivery.StagePrepare, r.Line, r.Display.Number, found)
		if !patient.AnyFatal(found) {
			exchange = append(exchange, patient.TemporaryRow{Ref: r.Ref, Line: r.Line, Display: r.Display, Temporaries: a.Temporaries})
		}
	}
	sealed, err := chunk.Seal(key, c.No, chunk.TemporaryRows, exchange)
	if err != nil {
		return c, err
	}
	return in.ports.Preparations.StorePrepared(ctx, c, sealed, len(exchange), patient.FirstExpiry(exchange), findings)
}

// complete returns the findings of an answer about a person. It adds ours if the TTP
// made pseudonyms but not the one by which we link: the parts of the identity that it
// needed and that are missing. The TTP says so only of parts that every pseudonym needs.
func (in *Intake) complete(a patient.Prepared, has identity.Parts) []patient.Finding {
	linked := slices.ContainsFunc(a.Temporaries, func(t patient.Temporary) bool { return t.Type == in.types.Link })
	if linked || patient.AnyFatal(a.Findings) {
		return a.Findings
	}
	findings := slices.Clone(a.Findings)
	add := func(code string, field delivery.Field) {
		findings = append(findings, patient.Finding{Severity: patient.Fatal, Source: patient.Sluis, Code: code, Field: string(field)})
	}
	parts := map[delivery.Field]bool{
		columns.FieldSurname: has.Surname, delivery.FieldBirthDate: has.BirthDate, delivery.FieldSex: has.Sex,
	}
	for _, f := range columns.Required(delivery.Identities, in.types.Link) {
		part, isPart := parts[f]
		switch {
		case f == columns.FieldInitials && !has.Initials:
			add("INITIALS_MISSING", f)
		case isPart && !part:
			add("LINK_PART_MISSING", f)
		}
	}
	if !patient.AnyFatal(findings) {
		add("LINK_NOT_MADE", columns.OfType(in.types.Link))
	}
	return findings
}
