package importer

import (
	"context"
	"errors"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/patient"
)

// Entries stores single entries.
type Entries interface {
	// RegisterEntry runs register in one transaction with its event. It returns the
	// patient's public id.
	RegisterEntry(ctx context.Context, who audit.Who, register func(tx patient.Tx) (patient.Verdict, error)) (publicID string, err error)
}

// Entered is the result of a single entry.
type Entered struct {
	Outcome   patient.Outcome
	Reason    patient.Reason // if Outcome is patient.Review
	PatientID string         // public id of the patient that was stored or met; empty if there is none
	Findings  []patient.Finding
}

// RegisterEntry registers one patient while the user waits. The row goes through the
// same exchange and the same Registrar as a row of a file, but nothing is sealed and
// nothing is queued. If the TTP does not answer, the error is apperr.Unavailable
// "ttp_unavailable" and nothing is stored.
func (d *Desk) RegisterEntry(ctx context.Context, who audit.Who, centre account.Centre, show patient.Display,
	t []patient.Temporary,
) (Entered, error) {
	row := patient.TemporaryRow{Ref: newRef(), Display: show, Temporaries: t}
	answers, err := d.exchanger.ask(ctx, newRef(), centre.Number, []patient.TemporaryRow{row})
	if _, ok := errors.AsType[*patient.UnavailableError](err); ok {
		return Entered{}, apperr.Wrap(apperr.Unavailable, codeUnavailable, err)
	} else if err != nil {
		return Entered{}, err
	}
	findings, pseudonyms := d.exchanger.accept(answers[row.Ref], func(string) bool { return false }, patient.Day(d.now()))
	if patient.AnyFatal(findings) {
		return Entered{Outcome: patient.Rejected, Findings: findings}, nil
	}
	var verdict patient.Verdict
	id, err := d.entries.RegisterEntry(ctx, who, func(tx patient.Tx) (patient.Verdict, error) {
		set := []patient.Candidate{{Display: show, Pseudonyms: pseudonyms}}
		v, err := d.registrar.Register(ctx, tx, centre.ID, set)
		if err != nil {
			return patient.Verdict{}, err
		}
		verdict = v[0]
		return verdict, nil
	})
	if err != nil {
		return Entered{}, err
	}
	return Entered{Outcome: verdict.Outcome, Reason: verdict.Reason, PatientID: id, Findings: findings}, nil
}
