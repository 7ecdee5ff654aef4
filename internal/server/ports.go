package server

import (
	"context"
	"io"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/importer"
	"sluis/internal/importer/intake"
	"sluis/internal/patient"
	"sluis/internal/server/entry"
	"sluis/internal/ttphealth"
)

// What the server needs of the others. Every read of patients or deliveries
// takes an audit.Who and is in the access log when it returns. A foreign object
// and one that does not exist are both apperr.NotFound.

// Accounts looks up who is who.
type Accounts interface {
	UserByEmail(ctx context.Context, email string) (account.User, error) // compared lower-case
	UserByID(ctx context.Context, id int64) (account.User, error)
	TokenByHash(ctx context.Context, hash [32]byte) (account.Token, error) // revoked or expired: NotFound
	Centres(ctx context.Context) ([]account.Centre, error)
	CentreByID(ctx context.Context, id int64) (account.Centre, error)
}

// Sessions keeps signed-in browsers.
type Sessions interface {
	// SaveSession replaces a session by its TokenHash. One that was deleted
	// meanwhile must stay so.
	SaveSession(ctx context.Context, s account.Session) error
	SessionByHash(ctx context.Context, hash [32]byte) (account.Session, error)
	DeleteSession(ctx context.Context, hash [32]byte) error
	SignIn(ctx context.Context, s account.Session, ev audit.Event) error // a new session and its event
	SignOut(ctx context.Context, userID int64, ev audit.Event) error     // every session of the user goes
}

// AuditLog writes and reads the access log.
type AuditLog interface {
	Record(ctx context.Context, ev audit.Event) error
	Events(ctx context.Context, who audit.Who, q audit.Query) (audit.Page, error)
}

// Records reads patients and deliveries.
type Records interface {
	Patients(ctx context.Context, who audit.Who, scope account.Scope, q patient.Query) (patient.Page, error)
	Patient(ctx context.Context, who audit.Who, scope account.Scope, publicID string) (patient.Detail, error)
	Deliveries(ctx context.Context, who audit.Who, scope account.Scope, q delivery.Query) (delivery.Page, error)
	ViewDelivery(ctx context.Context, who audit.Who, scope account.Scope, publicID string) (delivery.Delivery, error)
	// Delivery is not logged: it is for the progress of a delivery whose page was.
	Delivery(ctx context.Context, scope account.Scope, publicID string) (delivery.Delivery, error)
	// Ahead counts the deliveries of the same centre that go before d.
	Ahead(ctx context.Context, d delivery.Delivery) (int, error)
	Causes(ctx context.Context, d delivery.Delivery) ([]delivery.Cause, error)
	Findings(ctx context.Context, d delivery.Delivery, q delivery.FindingQuery) (delivery.FindingPage, error)
	// Repairs tells what a delivery repairs, and what repairs it.
	Repairs(ctx context.Context, scope account.Scope, d delivery.Delivery) (delivery.Repairs, error)
	RecordReport(ctx context.Context, who audit.Who, d delivery.Delivery, format string) error
}

// Watch tells how the TTP is doing.
type Watch interface {
	// TTPHealth gives the bins that start at since or later, in order of time.
	TTPHealth(ctx context.Context, since time.Time) ([]ttphealth.Bin, error)
	Backlog(ctx context.Context, scope account.Scope) (delivery.Backlog, error)
	// Renewal is the latest fetching of new values after a rise of the TTP's key
	// version; ok is false where there was none yet.
	Renewal(ctx context.Context) (r patient.Renewal, ok bool, err error)
}

// Expiry is something of ours at the TTP that runs out.
type Expiry struct {
	What string    // "client_certificate", "prepare_secret", "resolve_secret": part of a catalogue key
	At   time.Time // zero: it is there, and nobody told when it ends
}

// Receiver takes in a file. It reads r to its end as a stream; when it returns
// the file is safe, and parsing it is a worker's. Errors: apperr.TooLarge
// "file_too_large", apperr.Invalid "file_empty".
type Receiver interface {
	Receive(ctx context.Context, up intake.Upload, r io.Reader) (publicID string, err error)
}

// Columns tells what a file holds whose columns Sluis does not know, and takes
// over what a user says of them.
type Columns interface {
	// Preview shows the file without a name in it; apperr.Conflict
	// "delivery_not_mapping" where it does not wait for its columns.
	Preview(ctx context.Context, scope account.Scope, publicID string, where intake.Where) (intake.Preview, error)
	// Assign says why an assignment cannot be right, or lets the delivery go on.
	Assign(ctx context.Context, who audit.Who, scope account.Scope, publicID string, a delivery.Assignment, keep bool) ([]delivery.Remark, error)
	// Describe lists the columns of a kind of file.
	Describe(kind delivery.Kind, centre string) []intake.Described
	// Remembered counts the headers that a centre assigned; Forget forgets them.
	Remembered(ctx context.Context, centreID int64) (int, error)
	Forget(ctx context.Context, who audit.Who, centreID int64) error
}

// Desk is where a person's decision meets the registry.
type Desk interface {
	// Save stores what was checked; apperr.Conflict "delivery_not_waiting".
	Save(ctx context.Context, who audit.Who, scope account.Scope, publicID string) error
	// Cancel stops before anything is registered; apperr.Conflict "delivery_not_cancellable".
	Cancel(ctx context.Context, who audit.Who, scope account.Scope, publicID string) error
	// RetryNow wakes a paused delivery.
	RetryNow(ctx context.Context, who audit.Who, scope account.Scope, publicID string) error
	// Datasets lists what stands ready at the TTP, with the event of who looked;
	// apperr.Unavailable "ttp_unavailable".
	Datasets(ctx context.Context, who audit.Who) ([]importer.ReadySet, error)
	// ImportDataset starts the import of one as a delivery of the centre that the TTP
	// names. apperr.NotFound where the TTP has no such set, or its centre is not
	// ours; apperr.Conflict "dataset_under_way" where it is being imported already.
	ImportDataset(ctx context.Context, who audit.Who, id string, mode delivery.Mode) (publicID string, err error)
	// Conflicts lists the rows that wait for a data manager, CountConflicts counts
	// them, and Conflict gives one with how it compares to what is stored.
	Conflicts(ctx context.Context, who audit.Who, scope account.Scope, q patient.ConflictQuery) (patient.ConflictPage, error)
	CountConflicts(ctx context.Context, scope account.Scope) (int, error)
	Conflict(ctx context.Context, who audit.Who, scope account.Scope, publicID string) (patient.Conflict, patient.Comparison, error)
	// JudgeConflict applies a decision made upon what was seen; apperr.Conflict
	// "review_changed" and "review_closed", apperr.Invalid "review_withheld".
	JudgeConflict(ctx context.Context, who audit.Who, scope account.Scope, publicID, seen string, j patient.Judgement) error
	// RegisterEntry stores one patient; apperr.Unavailable "ttp_unavailable".
	RegisterEntry(ctx context.Context, who audit.Who, centre account.Centre, d patient.Display, t []patient.Temporary) (importer.Entered, error)
}

// Preparer turns one identity into temporary pseudonyms. It is declared where
// identities are known, so that this package need not import them.
type Preparer = entry.Preparer
