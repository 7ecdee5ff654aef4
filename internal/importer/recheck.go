package importer

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"

	"sluis/internal/conversion"
	"sluis/internal/patient"
)

// The codes of differences between a second exchange and the first.
const (
	codeRefusedNow  = "REFUSED_NOW"          // the TTP refuses a row that it accepted before
	codeNotStored   = "PSEUDONYM_NOT_STORED" // nothing stored can be compared with the answer
	codeOtherPseudo = "PSEUDONYM_OTHER"
	codeNoPatient   = "PATIENT_MISSING"
)

// nobody delivered the rows of the old table: the registry asked for their pseudonyms.
const nobody = ""

// Recheck exchanges old rows once more, and compares the answers with the patients that
// have their old keys. It stores nothing.
func (im *Importer) Recheck(ctx context.Context, centreID int64, rows []patient.TemporaryRow) ([]conversion.Problem, error) {
	answers, err := im.exchanger.ask(ctx, newRef(), nobody, rows)
	if err != nil {
		return nil, err
	}
	keys := make([]string, 0, len(rows))
	for _, r := range rows {
		if r.OldRow != nil {
			keys = append(keys, r.OldRow.ID)
		}
	}
	held, err := im.ports.Decisions.Keys(ctx, keys, nil)
	if err != nil {
		return nil, fmt.Errorf("find old keys: %w", err)
	}
	whose := make(map[string]int64, len(held))
	ids := make([]int64, len(held))
	for i, k := range held {
		whose[k.OldKey], ids[i] = k.PatientID, k.PatientID
	}
	stored, err := im.ports.Decisions.PatientsByID(ctx, centreID, ids)
	if err != nil {
		return nil, fmt.Errorf("find patients by id: %w", err)
	}
	var out []conversion.Problem
	for _, r := range rows {
		if r.OldRow == nil {
			continue
		}
		p, there := stored[whose[r.OldRow.ID]]
		if !there {
			out = append(out, conversion.Problem{OldKey: r.OldRow.ID, Code: codeNoPatient})
			continue
		}
		out = append(out, im.agree(r.OldRow.ID, p, answers[r.Ref])...)
	}
	return out, nil
}

// agree compares one answer with a stored patient. If the patient has a value in the space
// of a pseudonym, the two must be equal; at least the linking pseudonym must have one.
func (im *Importer) agree(legacyID string, p patient.Patient, a patient.Resolved) []conversion.Problem {
	if len(a.Pseudonyms) == 0 {
		return []conversion.Problem{{OldKey: legacyID, Code: codeRefusedNow}}
	}
	var out []conversion.Problem
	linked := false
	for _, q := range a.Pseudonyms {
		i := slices.IndexFunc(p.Pseudonyms, q.SameSpace)
		switch {
		case i < 0: // under a newer key of the TTP, say
		case p.Pseudonyms[i].Value != q.Value:
			out = append(out, conversion.Problem{OldKey: legacyID, Code: codeOtherPseudo, Field: q.Type})
		case q.Type == im.registrar.LinkingType():
			linked = true
		}
	}
	if !linked && len(out) == 0 {
		out = append(out, conversion.Problem{OldKey: legacyID, Code: codeNotStored, Field: im.registrar.LinkingType()})
	}
	return out
}

// Probe exchanges temporary pseudonyms to measure how long the TTP takes. It ignores the
// answers.
func (im *Importer) Probe(ctx context.Context, rows []patient.TemporaryRow) error {
	_, err := im.exchanger.ask(ctx, rand.Text(), nobody, rows)
	return err
}
