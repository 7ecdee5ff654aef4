package importer

import (
	"context"

	"sluis/internal/chunk"
	"sluis/internal/delivery"
	"sluis/internal/patient"
)

// codeExpired is the TTP's code for an expired temporary pseudonym. If it expired during
// an outage, that was not the hospital's fault, and the row gets a code that says so.
const (
	codeExpired             = "2201"
	codeExpiredDuringOutage = "EXPIRED_DURING_OUTAGE"
)

// longOutage is the number of unanswered tries after which an expired temporary pseudonym
// is blamed on the outage, even if its expiry date was never known. Ten tries take about
// half an hour.
const longOutage = 10

// ranOut reports whether a row's temporary pseudonym expired while the TTP did not answer:
// it was still valid when the first call got no answer.
func ranOut(c delivery.ChunkClaim, typ string, row patient.TemporaryRow) bool {
	if c.PausedAt.IsZero() {
		return false
	}
	for _, t := range row.Temporaries {
		if t.Type == typ && !t.ExpiresAt.IsZero() {
			return t.ExpiresAt.After(c.PausedAt)
		}
	}
	return c.Attempts >= longOutage
}

// Answers keeps the TTP's answers.
type Answers interface {
	// StoreResolved replaces the temporary pseudonyms of a chunk by the answers to them.
	StoreResolved(ctx context.Context, c delivery.ChunkClaim, sealed []byte, marks []chunk.Mark, findings []delivery.Finding) error
}

// resolve exchanges the temporary pseudonyms of a chunk for definitive ones.
func (im *Importer) resolve(ctx context.Context, c delivery.ChunkClaim) error {
	key, err := im.keys.OpenKey(c.WrappedKey, c.DeliveryPublicID)
	if err != nil {
		return err
	}
	rows, err := chunk.Open(key, c.No, chunk.TemporaryRows, c.Sealed)
	if err != nil {
		return err
	}
	answers, err := im.exchanger.ask(ctx, c.CallKey, c.CentreNumber, rows)
	if err != nil {
		return err
	}
	today := patient.Day(im.now())
	candidates := make([]patient.Candidate, 0, len(rows))
	marks := make([]chunk.Mark, 0, len(rows))
	var findings []delivery.Finding
	for _, r := range rows {
		found, pseudonyms := im.exchanger.accept(answers[r.Ref], func(typ string) bool { return ranOut(c, typ, r) }, today)
		findings = delivery.AppendFindings(findings, delivery.StageResolve, r.Line, r.Display.Number, found)
		if patient.AnyFatal(found) {
			continue
		}
		cand := patient.Candidate{Line: r.Line, Display: r.Display, Pseudonyms: pseudonyms, OldRow: r.OldRow}
		candidates = append(candidates, cand)
		marks = append(marks, im.mark(cand))
	}
	sealed, err := chunk.Seal(key, c.No, chunk.DefinitiveRows, candidates)
	if err != nil {
		return err
	}
	return im.ports.Answers.StoreResolved(ctx, c, sealed, marks, findings)
}

// mark returns the part of a row that is compared with the other rows of its file.
func (im *Importer) mark(c patient.Candidate) chunk.Mark {
	m := chunk.Mark{Line: c.Line, Number: c.Display.Number, ContentHash: c.ContentHash()}
	if m.Number == "" && c.OldRow != nil { // without a number it repeats no other row; no number has a control character
		m.Number = "\x1f" + c.OldRow.ID
	}
	version := 0
	for _, p := range c.Pseudonyms {
		if p.Type == im.registrar.LinkingType() && p.KeyVersion > version {
			m.LinkHash, version = p.Hash(), p.KeyVersion // the newest, whatever order the TTP gave
		}
	}
	return m
}
