package importer

import "sluis/internal/patient"

// Entered is what became of a single entry.
type Entered struct {
	Outcome   patient.Outcome
	Reason    patient.Reason // with patient.Review
	PatientID string         // public id of the patient stored or met; empty where there is none
	Findings  []patient.Finding
}
