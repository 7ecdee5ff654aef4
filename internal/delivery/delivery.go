// Package delivery is the noun that importer, importer/intake, the store and the
// pages share: a delivery, its states, its findings and its report.
//
// It never holds an identity or a pseudonym in plain: the content of a chunk is
// sealed bytes here.
package delivery

import (
	"time"

	"sluis/internal/audit"
	"sluis/internal/patient"
)

// Kind is what the rows of a delivery have (product.md, "The flows").
type Kind string

// The kinds. A delivery has none until its columns are known.
const (
	KindUnknown Kind = ""
	Identities  Kind = "identities"
	Temporary   Kind = "temporary_pseudonyms"
	Dataset     Kind = "dataset"  // definitive pseudonyms, fetched from the TTP
	Conversion  Kind = "existing" // rows of the old table
)

// Mode is what the user asked for.
type Mode string

// The modes.
const (
	Check Mode = "check" // alleen controleren
	Save  Mode = "save"  // controleren en opslaan
)

// State is where a delivery is in the pipeline. Mapping, Checked and Confirm wait for a
// person, the last four are final, and workers do the work of all others.
type State string

// The states, in the order in which a delivery passes them.
const (
	Receiving   State = "receiving"   // the upload is under way; lost if it breaks off
	Received    State = "received"    // the sealed upload is stored, and waits to be parsed
	Mapping     State = "mapping"     // a user must say which column is what
	Feeding     State = "feeding"     // its rows come from the old table, chunk by chunk
	Exchanging  State = "exchanging"  // chunks still wait for an answer of the TTP
	Deciding    State = "deciding"    // every chunk has its answers
	Checked     State = "checked"     // only checked; a person saves it, or it lapses
	Confirm     State = "confirm"     // stopped by the brake; a person confirms it, or it lapses
	Registering State = "registering" // decided, being stored in file order
	Done        State = "done"
	Refused     State = "refused"
	Failed      State = "failed"
	Cancelled   State = "cancelled"
)

// Pause is why a delivery waits for the TTP.
type Pause string

// The pauses.
const (
	NotPaused   Pause = ""
	PauseDown   Pause = "down"   // the TTP does not answer, or is busy
	PauseDenied Pause = "denied" // the TTP does not accept our credentials: somebody must act
)

// Final reports whether the delivery has ended: nothing more happens to it.
func (s State) Final() bool {
	return s == Done || s == Refused || s == Failed || s == Cancelled
}

// Working reports whether the delivery goes on by itself.
func (s State) Working() bool { return !s.Final() && !s.Waiting() }

// Waiting reports whether a person must act: assign the columns, save or confirm.
func (s State) Waiting() bool { return s == Mapping || s.Savable() }

// Savable reports whether the delivery is stored if a person says so.
func (s State) Savable() bool { return s == Checked || s == Confirm }

// Status is a delivery's state in the words of the API and the screens.
type Status string

// The statuses of the API.
const (
	StatusQueued            Status = "queued"
	StatusProcessing        Status = "processing"
	StatusPaused            Status = "paused"
	StatusNeedsMapping      Status = "needs_mapping"
	StatusNeedsConfirmation Status = "needs_confirmation"
	StatusChecked           Status = "checked"
	StatusDone              Status = "done"
	StatusRefused           Status = "refused"
	StatusFailed            Status = "failed"
	StatusCancelled         Status = "cancelled"
)

// Statuses lists every status, in the order of the API's description.
var Statuses = []Status{
	StatusQueued, StatusProcessing, StatusPaused, StatusNeedsMapping, StatusNeedsConfirmation,
	StatusChecked, StatusDone, StatusRefused, StatusFailed, StatusCancelled,
}

// Delivery is one batch file and all that became of it.
type Delivery struct {
	ID           int64  // for the database only
	PublicID     string // a UUIDv7
	CentreID     int64
	CentreNumber string
	Filename     string // as it was given
	Kind         Kind
	Mode         Mode
	State        State
	Via          audit.Via
	CreatedBy    string // the e-mail address, or the name of the token, that delivered it
	// Processor is the name of the processor that delivered it on behalf of the centre,
	// and ProcessorID its id; "" and 0 if the centre delivered it itself.
	Processor   string
	ProcessorID int64
	CreatedAt   time.Time
	FinishedAt  time.Time // zero until it is final
	ExpiresAt   time.Time // when an unanswered check lapses
	// Paused says why the delivery waits for the TTP, if it does. NextTryAt is when the
	// TTP is asked again.
	Paused    Pause
	NextTryAt time.Time
	// DatasetID is the TTP's id of the dataset that is delivered, if any.
	DatasetID string
	// SameAs is the public id of the first delivery of the same file, if any.
	SameAs string
	// Repairs is the public id of the delivery that this one repairs, if any. RepairRoot
	// is the ID of the first delivery of their chain.
	Repairs    string
	RepairRoot int64
	// LaterRepairs counts the later deliveries of the chain that are done. Repaired
	// counts the rejected rows of which one of these stored the patient number. Untraced
	// counts the rejected rows without a patient number, which cannot be followed.
	LaterRepairs, Repaired, Untraced int
	// ReportExpiredAt is when the rows and findings were deleted; zero until then.
	ReportExpiredAt time.Time
	// Counts are the outcomes so far; Planned are those that a check expects.
	Counts   patient.Counts
	Planned  patient.Counts
	Warnings int // rows with a warning
	// Chunks is the number of chunks; Prepared, Resolved and Registered are how many
	// of them have passed each step.
	Chunks, Prepared, Resolved, Registered int
	// ClockAt is since when work goes on without a stop. ClockDone is how many steps
	// were done at that moment.
	ClockAt   time.Time
	ClockDone int
	Columns   Columns
	Refusals  []Remark
	Notes     []Remark
	FailCode  string // with Failed
}

// Status returns the status that belongs to the state.
func (d Delivery) Status() Status {
	switch d.State {
	case Receiving, Received:
		if d.Paused != NotPaused {
			return StatusPaused
		}
		return StatusQueued
	case Feeding, Exchanging, Deciding, Registering:
		if d.Paused != NotPaused {
			return StatusPaused
		}
		return StatusProcessing
	case Mapping:
		return StatusNeedsMapping
	case Confirm:
		return StatusNeedsConfirmation
	case Checked:
		return StatusChecked
	case Done:
		return StatusDone
	case Refused:
		return StatusRefused
	case Failed:
		return StatusFailed
	}
	return StatusCancelled
}

// Repairable reports whether another delivery can be marked as the repair of d. It can
// if d has ended and some or all of its rows were not stored.
func (d Delivery) Repairable() bool {
	return d.State == Done && d.Counts.Rejected > 0 || d.State == Refused || d.State == Failed
}

// OpenRepairs returns how many rejected rows are still to be repaired. It leaves out those
// without a patient number, because nobody can see whether they came again.
func (d Delivery) OpenRepairs() int { return max(0, d.Counts.Rejected-d.Repaired-d.Untraced) }

// Mended reports whether nothing is left to repair: later deliveries stored every rejected
// row that can be followed or, after a refused or failed delivery, a whole file.
func (d Delivery) Mended() bool {
	return d.Repairable() && d.LaterRepairs > 0 && (d.State != Done || d.OpenRepairs() == 0)
}

// Percent returns how far the work is, for a progress bar. Every step of a chunk counts
// the same, and a delivery that is only checked has no step for storing.
func (d Delivery) Percent() int {
	if d.State.Final() || d.State.Savable() {
		return 100
	}
	steps, done := d.steps()
	if steps == 0 {
		return 0
	}
	return min(99, done*100/steps)
}

// steps returns how many steps the work on all chunks takes, and how many are done.
func (d Delivery) steps() (all, done int) {
	if d.Kind == Identities {
		all, done = d.Chunks, d.Prepared
	}
	all, done = all+d.Chunks, done+d.Resolved
	if d.Mode == Save {
		all, done = all+d.Chunks, done+d.Registered
	}
	return all, done
}

// TimeLeft estimates how long the work will still take at its present pace. The time is
// not known if the delivery waits, or before a tenth of the steps that remained at
// ClockAt is done.
func (d Delivery) TimeLeft(now time.Time) (left time.Duration, known bool) {
	if d.Paused != NotPaused || d.State != Exchanging && d.State != Registering || d.ClockAt.IsZero() {
		return 0, false
	}
	all, done := d.steps()
	gone, elapsed := done-d.ClockDone, now.Sub(d.ClockAt)
	if gone < 1 || gone*10 < all-d.ClockDone || elapsed < minClock {
		return 0, false
	}
	return elapsed / time.Duration(gone) * time.Duration(all-done), true
}

// minClock is how long work must have gone on before TimeLeft trusts its pace.
const minClock = 3 * time.Second

// Field is a column that Sluis knows. If the TTP's wire contract has a name for it, the
// value is that name, so that the field of a TTP's finding names a column.
type Field string

// The fields that every kind may have. Identity fields are named in intake.
const (
	FieldCentre        Field = "centre"
	FieldPatientNumber Field = "patientNumber"
	FieldBirthDate     Field = "birthDate"
	FieldBirthYear     Field = "birthYear"
	FieldSex           Field = "sex"
)

// Columns maps each field to its header, as it is written in the user's file.
type Columns map[Field]string

// Remark is something to say about a whole file: why it is refused (the catalogue's
// "refusal.<code>"), or what was ignored in it ("note.<code>"). Args fill the
// sentence's placeholders by name ("column", "max", "line"). They never have a value of
// a row, and name an unrecognised column only by its place ("5 (E)").
type Remark struct {
	Code string            `json:"code"`
	Args map[string]string `json:"args,omitempty"`
}

// Stage is the step that made a finding, so that a step that runs again can first
// delete its earlier findings.
type Stage string

// The stages that have findings.
const (
	StageParse   Stage = "parse"
	StagePrepare Stage = "prepare"
	StageResolve Stage = "resolve"
	StageDecide  Stage = "decide"
)

// Finding is a patient.Finding with the row that it is about.
type Finding struct {
	patient.Finding
	Line          int
	PatientNumber string
	Stage         Stage
	Partners      []int // other lines of the file that it is about
}

// AppendFindings appends to list what a stage found in one row.
func AppendFindings(list []Finding, stage Stage, line int, number string, found []patient.Finding) []Finding {
	for _, f := range found {
		list = append(list, Finding{Finding: f, Line: line, PatientNumber: number, Stage: stage})
	}
	return list
}

// Row is one row of a delivery and its outcome.
type Row struct {
	Line          int
	PatientNumber string
	Outcome       patient.Outcome
}
