// Package delivery is the noun that the identity-seeing half of the importer
// (importer/intake), the half that never sees one (importer), the store and the
// pages share: a delivery, its states, its findings and its report.
//
// It never holds an identity, a temporary or a definitive pseudonym; what a
// chunk carries is sealed bytes here.
package delivery

import (
	"time"

	"sluis/internal/audit"
	"sluis/internal/patient"
)

// Kind is what a delivery brings (product.md, "The flows").
type Kind string

// The kinds. A delivery has none until its columns are known.
const (
	KindUnknown Kind = ""
	Identities  Kind = "identities"
	Temporary   Kind = "temporary_pseudonyms"
	Dataset     Kind = "dataset"  // fetched from the TTP, definitive already
	Conversion  Kind = "existing" // of the registry's old patient table
)

// Mode is what the user asked for.
type Mode string

// The modes.
const (
	Check Mode = "check" // alleen controleren
	Save  Mode = "save"  // controleren en opslaan
)

// State is where a delivery is in the pipeline. Work in the states before
// Checked is done by workers; Checked and Confirm wait for a person; the last
// four are final.
type State string

// The states, in the order in which a delivery passes them.
const (
	Receiving   State = "receiving"   // the upload is under way; lost if it breaks off
	Received    State = "received"    // the sealed upload is safe, and waits to be parsed
	Mapping     State = "mapping"     // a user must say which column is what
	Feeding     State = "feeding"     // its rows come from the old patient table, chunk by chunk
	Exchanging  State = "exchanging"  // its chunks are on their way through the TTP
	Deciding    State = "deciding"    // every chunk has its answers
	Checked     State = "checked"     // only checked: can be saved from here, or lapses
	Confirm     State = "confirm"     // the brake: too many rejected
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
	PauseDenied Pause = "denied" // it does not accept our credentials: somebody must act
)

// Final tells whether nothing more will happen.
func (s State) Final() bool {
	return s == Done || s == Refused || s == Failed || s == Cancelled
}

// Working reports whether the delivery goes on by itself.
func (s State) Working() bool { return !s.Final() && !s.Waiting() }

// Waiting reports whether a person must act: say what the columns are, or save.
func (s State) Waiting() bool { return s == Mapping || s.Savable() }

// Savable reports whether a person can let the delivery be stored.
func (s State) Savable() bool { return s == Checked || s == Confirm }

// Status is a delivery's state as the API tells it.
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
	ID           int64  // inside
	PublicID     string // outside, UUIDv7
	CentreID     int64
	CentreNumber string
	Filename     string // as it was given
	Kind         Kind
	Mode         Mode
	State        State
	Via          audit.Via
	CreatedBy    string // the e-mail address or token name of who delivered it
	CreatedAt    time.Time
	FinishedAt   time.Time // zero while it is not final, and where it waits
	ExpiresAt    time.Time // when an unanswered check lapses
	// Paused says why the delivery waits for the TTP, if it does; NextTryAt when it
	// is asked again.
	Paused    Pause
	NextTryAt time.Time
	// DatasetID is the TTP's id of the dataset that it was fetched from, if any.
	DatasetID string
	// SameAs is the public id of the first delivery of this very file, if any.
	SameAs string
	// Repairs is the public id of the delivery that this one was delivered to repair;
	// RepairRoot the first of the chain that both belong to, inside.
	Repairs    string
	RepairRoot int64
	// LaterRepairs counts the later deliveries of the chain that are done; Repaired
	// the rejected rows whose number one of them stored, Untraced those without a
	// number to follow.
	LaterRepairs, Repaired, Untraced int
	// ReportExpiredAt is when the rows and findings were deleted; zero while they are
	// there.
	ReportExpiredAt time.Time
	// Counts are the outcomes so far; Planned is what a check says would happen.
	Counts   patient.Counts
	Planned  patient.Counts
	Warnings int // rows with a warning
	// Chunks is how many there are; Prepared, Resolved and Registered how many
	// came through each step.
	Chunks, Prepared, Resolved, Registered int
	// ClockAt is since when its work goes on without a stop, ClockDone how many of
	// its steps were done then.
	ClockAt   time.Time
	ClockDone int
	Columns   Columns
	Refusals  []Remark
	Notes     []Remark
	FailCode  string // with Failed
}

// Status is the state as the API and the screens tell it.
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

// Repairable tells whether another delivery can be marked as the repair of d:
// something of it was left out, and nothing more will happen to it.
func (d Delivery) Repairable() bool {
	return d.State == Done && d.Counts.Rejected > 0 || d.State == Refused || d.State == Failed
}

// OpenRepairs is how many rejected rows no later delivery of the chain stored, of
// those that can be followed by their number.
func (d Delivery) OpenRepairs() int { return max(0, d.Counts.Rejected-d.Repaired-d.Untraced) }

// Mended tells whether nothing is left to repair: later deliveries stored every
// rejected row that can be followed, or the file as a whole came again.
func (d Delivery) Mended() bool {
	return d.Repairable() && d.LaterRepairs > 0 && (d.State != Done || d.OpenRepairs() == 0)
}

// Percent is how far the work is, for a progress bar: exchange and storing
// weigh the same, and a check ends at the exchange.
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

// steps is how many steps of a chunk the whole work takes, and how many are done.
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

// TimeLeft is about how long the work will still take, if it goes on as it does
// now. It is not known while the delivery waits, or has only just begun: a tenth
// of what remained must have been done before anything is said.
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

// minClock is how long the work must go on before it tells anything.
const minClock = 3 * time.Second

// Field is a column that Sluis knows. The values are those of the TTP's wire
// contract where it has one, so that a finding's field is a column's name.
type Field string

// The fields that every kind may have. Identity fields are named in intake.
const (
	FieldCentre        Field = "centre"
	FieldPatientNumber Field = "patientNumber"
	FieldBirthDate     Field = "birthDate"
	FieldBirthYear     Field = "birthYear"
	FieldSex           Field = "sex"
)

// Columns names the columns of a delivery by the header that Sluis recognised,
// as it stands in the user's file.
type Columns map[Field]string

// Remark is something to say of a whole file: why it is refused (the catalogue's
// "refusal.<code>"), or what was ignored in it ("note.<code>"). Args fill the
// sentence's placeholders by name ("column", "max", "line"): never a value of a
// row, and a column that Sluis did not recognise only by its place ("5 (E)").
type Remark struct {
	Code string            `json:"code"`
	Args map[string]string `json:"args,omitempty"`
}

// Stage tells which step found something, so that a step that runs again can
// first take back what it said.
type Stage string

// The stages that have findings.
const (
	StageParse   Stage = "parse"
	StagePrepare Stage = "prepare"
	StageResolve Stage = "resolve"
	StageDecide  Stage = "decide"
)

// Finding is a finding at a line of the file.
type Finding struct {
	patient.Finding
	Line          int
	PatientNumber string
	Stage         Stage
	Partners      []int // lines of the same file that it concerns too
}

// AppendFindings adds to list what a stage found at one line.
func AppendFindings(list []Finding, stage Stage, line int, number string, found []patient.Finding) []Finding {
	for _, f := range found {
		list = append(list, Finding{Finding: f, Line: line, PatientNumber: number, Stage: stage})
	}
	return list
}

// Row is one line of a delivery and its outcome.
type Row struct {
	Line          int
	PatientNumber string
	Outcome       patient.Outcome
}
