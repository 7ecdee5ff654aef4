// Package audit is the access log (NEN 7513): who did or saw what, on whose
// behalf, when, of which record, from where, and with what result.
//
// An event has no field that could hold an identity or a pseudonym. It is written
// in the same transaction as the change that it records, so that no change can
// happen without its event.
package audit

import "time"

// Action is NEN 7513's EventActionCode.
type Action string

// The actions.
const (
	Create  Action = "C"
	Read    Action = "R"
	Update  Action = "U"
	Delete  Action = "D"
	Execute Action = "E"
)

// Result is NEN 7513's EventOutcomeIndicator.
type Result int

// The results.
const (
	Success        Result = 0
	MinorFailure   Result = 4 // refused or invalid: the user's side
	SeriousFailure Result = 8 // our side
)

// Type says what happened. The catalogue has a sentence for each ("audit.<type>").
type Type string

// The event types.
const (
	SignIn           Type = "sign_in"
	SignOut          Type = "sign_out"
	FactorAsked      Type = "factor_asked" // the password was right; nobody is signed in yet
	FactorFailed     Type = "factor_failed"
	StepUp           Type = "step_up" // shown once more, before what cannot be undone
	AccessDenied     Type = "access_denied"
	PatientsListed   Type = "patients_listed"
	PatientsSearched Type = "patients_searched"
	PatientViewed    Type = "patient_viewed"
	PatientEntered   Type = "patient_entered"
	DeliveryReceived Type = "delivery_received"
	DeliveryRefused  Type = "delivery_refused"
	DeliverySaved    Type = "delivery_saved" // a person chose to save a delivery that was only checked
	DeliveryStored   Type = "delivery_stored"
	DeliveryChecked  Type = "delivery_checked"
	DeliveryFailed   Type = "delivery_failed"
	DeliveryCancel   Type = "delivery_cancelled"
	DeliveryRetried  Type = "delivery_retried"
	DeliveriesListed Type = "deliveries_listed"
	DeliveryViewed   Type = "delivery_viewed"
	ReportViewed     Type = "report_viewed"
	LogViewed        Type = "log_viewed"
	LogVerified      Type = "log_verified" // the hash tree over this log was compared with its records
	// LogExpired is the deletion of records older than the retention; the object is the
	// number of the last one. Their hashes stay.
	LogExpired Type = "log_expired"
	// LogExported is the log, or what a filter selects of it, as a file.
	LogExported Type = "log_exported"
	// LogDisclosed is the log of one patient, for that patient (AVG article 15).
	LogDisclosed Type = "log_disclosed"
	// LogReviewed is the periodic review of the log, signed off.
	LogReviewed    Type = "log_reviewed"
	AlarmRaised    Type = "alarm_raised"
	AlarmClosed    Type = "alarm_closed"
	AlarmsListed   Type = "alarms_listed"
	AccountChanged Type = "account_changed"
	AccountsListed Type = "accounts_listed" // users, tokens, centres, mandates or providers
	// An OpenID provider at which people sign in.
	ProviderChanged Type = "provider_changed"
	// A centre lets a processor deliver on its behalf, or no longer.
	MandateGranted   Type = "mandate_granted"
	MandateWithdrawn Type = "mandate_withdrawn"
	DatasetsListed   Type = "datasets_listed"
	DatasetImported  Type = "dataset_imported"
	// PseudonymsRenewed is the start of a renewal, not its end.
	PseudonymsRenewed Type = "pseudonyms_renewed"
	TTPViewed         Type = "ttp_viewed"
	ColumnsAssigned   Type = "columns_assigned"
	ColumnsForgotten  Type = "columns_forgotten"
	ConflictsListed   Type = "reviews_listed"
	ConflictViewed    Type = "review_viewed"
	ConflictJudged    Type = "review_judged"
	// ReportExpired is the deletion of a delivery's rows and findings. Its counts stay.
	ReportExpired Type = "report_expired"

	// The existing patients: the registry's old table.
	ConversionPlanned    Type = "existing_planned"
	ConversionStarted    Type = "existing_started"
	ConversionPaused     Type = "existing_paused"
	ConversionResumed    Type = "existing_resumed"
	ConversionFinished   Type = "existing_finished"
	ConversionViewed     Type = "existing_viewed"
	ConversionRowsListed Type = "existing_rows_listed"
	ConversionVerified   Type = "existing_verified"
	ConversionExcepted   Type = "existing_excepted" // rows that may be lost with the source
	ErasureAsked         Type = "erasure_asked"
	ErasureApproved      Type = "erasure_approved"
	ErasureDone          Type = "erasure_done"
	ProofMade            Type = "proof_made"
	ProofsListed         Type = "proofs_listed"
	ProofViewed          Type = "proof_viewed"
	ProofExported        Type = "proof_exported"

	// The database as a whole, by commands on the server.
	DatabaseBackedUp Type = "database_backed_up"
	DatabaseRestored Type = "database_restored"

	MaintenanceAnnounced Type = "maintenance_announced"
	MaintenanceCancelled Type = "maintenance_cancelled"
)

// Types lists every event type, for the filter on the log's page and for the test
// that each has a sentence.
var Types = []Type{
	SignIn, SignOut, FactorAsked, FactorFailed, StepUp, AccessDenied, PatientsListed, PatientsSearched, PatientViewed, PatientEntered,
	DeliveryReceived, DeliveryRefused, DeliverySaved, DeliveryStored, DeliveryChecked, DeliveryFailed,
	DeliveryCancel, DeliveryRetried, DeliveriesListed, DeliveryViewed, ReportViewed, LogViewed, LogVerified, LogExpired,
	LogExported, LogDisclosed, LogReviewed, AlarmRaised, AlarmClosed, AlarmsListed,
	AccountChanged, AccountsListed, ProviderChanged, MandateGranted, MandateWithdrawn,
	DatasetsListed, DatasetImported, PseudonymsRenewed, TTPViewed, ColumnsAssigned, ColumnsForgotten,
	ConflictsListed, ConflictViewed, ConflictJudged, ReportExpired,
	ConversionPlanned, ConversionStarted, ConversionPaused, ConversionResumed, ConversionFinished, ConversionViewed, ConversionRowsListed,
	ConversionVerified, ConversionExcepted, ErasureAsked, ErasureApproved, ErasureDone, ProofMade, ProofsListed, ProofViewed, ProofExported,
	DatabaseBackedUp, DatabaseRestored, MaintenanceAnnounced, MaintenanceCancelled,
}

// Via is the door through which somebody acts.
type Via string

// The doors. They are stored, and the catalogue has a word for each ("via.web").
const (
	ViaWeb    Via = "web"    // the pages
	ViaAPI    Via = "api"    // a script
	ViaWorker Via = "worker" // a worker, in the name of who made the delivery
	ViaCLI    Via = "cli"    // a command on the server
)

// Who is the user of an event, with the centre and the client. Workers act under the
// Who of the person who made the delivery.
type Who struct {
	UserID    int64  // 0 for the system and for a failed sign-in
	Name      string // e-mail address or token name; "systeem" for the system
	Role      string // the user's roles
	CentreID  int64  // the centre on whose behalf; 0 for none
	Address   string // the client's network address
	RequestID string
	Via       Via
}

// Subject is one record that an event is about (NEN 7513's participant object).
type Subject struct {
	PatientID int64
	Action    Action
}

// Event is one line of the access log.
type Event struct {
	ID     int64
	At     time.Time
	Type   Type
	Action Action
	Result Result
	Who
	CentreNumber string // filled when read back
	ObjectType   string // "patient", "delivery", "user", …
	ObjectID     string // its public id
	Code         string // a reason code, never a text
	// Reason is why, in the words of the person who acted, for example why an account was
	// blocked. It is never about a patient.
	Reason string
	// Source is the machine that recorded the event (NEN 7513's AuditSourceID). The store
	// fills it in.
	Source       string
	Subjects     []Subject
	SubjectCount int // filled when read back
}
