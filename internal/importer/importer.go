package importer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/chunk"
	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/sealing"
)

// Store is what the importer needs of the database. Writes that take a claim
// answer delivery.ErrLost where the claim is no longer held, and change nothing.
type Store interface {
	// ClaimDelivery takes a delivery that waits to be parsed, decided or registered;
	// ok is false where there is none. Deliveries of one centre are decided and
	// registered in order of arrival.
	ClaimDelivery(ctx context.Context, now time.Time, lease time.Duration) (c delivery.Claim, ok bool, err error)
	// ClaimSmallDelivery is the same for small ones alone.
	ClaimSmallDelivery(ctx context.Context, now time.Time, lease time.Duration) (c delivery.Claim, ok bool, err error)
	// YieldDelivery gives a delivery back between two of its steps.
	YieldDelivery(ctx context.Context, c delivery.Claim) error
	// ClaimChunk takes a chunk that waits for the TTP.
	ClaimChunk(ctx context.Context, now time.Time, lease time.Duration) (c delivery.ChunkClaim, ok bool, err error)
	// RenewDelivery prolongs the lease of a delivery during a long download.
	RenewDelivery(ctx context.Context, c delivery.Claim, until time.Time) error
	// RenewChunk prolongs the lease of a chunk during a long call.
	RenewChunk(ctx context.Context, c delivery.ChunkClaim, until time.Time) error
	// ReleaseDelivery gives a delivery back until next, because a step failed for a
	// reason of ours, and says how often that happened to it.
	ReleaseDelivery(ctx context.Context, c delivery.Claim, next time.Time) (failures int, err error)
	// ReleaseChunk is the same for a chunk.
	ReleaseChunk(ctx context.Context, c delivery.ChunkClaim, next time.Time) (failures int, err error)
	// PauseChunk gives a chunk back until next, because the TTP gave no answer.
	PauseChunk(ctx context.Context, c delivery.ChunkClaim, why delivery.Pause, next time.Time) error
	// PauseDelivery is the same for a delivery that is fetched from the TTP.
	PauseDelivery(ctx context.Context, c delivery.Claim, why delivery.Pause, next time.Time) error
	// StoreResolved replaces the temporary pseudonyms of a chunk by its answers.
	StoreResolved(ctx context.Context, c delivery.ChunkClaim, sealed []byte, marks []chunk.Mark, findings []delivery.Finding) error
	// Fail ends a delivery that cannot go on, with a code for the log and the screen.
	Fail(ctx context.Context, deliveryID int64, code string) error

	// CreateDatasetDelivery begins a delivery that is fetched from the TTP; apperr.Conflict
	// "dataset_under_way" where one of this dataset is not final yet.
	CreateDatasetDelivery(ctx context.Context, d delivery.New) error
	// LatestImports gives by dataset its latest delivery here, with its event.
	LatestImports(ctx context.Context, who audit.Who, ids []string) (map[string]delivery.Delivery, error)
	CentreByNumber(ctx context.Context, number string) (account.Centre, error)
	Centres(ctx context.Context) ([]account.Centre, error)
	// BeginParse removes what an interrupted fetch left behind; AddChunk adds to it;
	// FinishFetch lets it be decided, and Refuse ends it with nothing taken over.
	BeginParse(ctx context.Context, c delivery.Claim) error
	AddChunk(ctx context.Context, c delivery.Claim, chunk delivery.Chunk) error
	FinishFetch(ctx context.Context, c delivery.Claim, p delivery.Parsed) error
	Refuse(ctx context.Context, c delivery.Claim, p delivery.Parsed, why []delivery.Remark) error
	// Backlog tells what waits for the TTP.
	Backlog(ctx context.Context, scope account.Scope) (delivery.Backlog, error)

	// BeginDeciding takes back the marks, verdicts and findings of an earlier decision.
	BeginDeciding(ctx context.Context, c delivery.Claim) error
	// Marks gives the marks of chunk no; known is false where they are not kept.
	Marks(ctx context.Context, deliveryID int64, no int) (list []chunk.Mark, known bool, err error)
	// AddMarks stores the marks of rows that may share a number or a linking
	// pseudonym with other rows, for Repeats.
	AddMarks(ctx context.Context, c delivery.Claim, list []chunk.Mark) error
	// SealedChunk gives the sealed answers of chunk no, and the lines it spans.
	SealedChunk(ctx context.Context, deliveryID int64, no int) (delivery.Chunk, error)
	// Repeats gives the numbers and the linking pseudonyms of these lines that
	// other rows of the delivery have too.
	Repeats(ctx context.Context, deliveryID int64, first, last int) (numbers map[string]delivery.Repeat, links map[int64]delivery.Repeat, err error)
	patient.Reader
	// Rejected counts the rows that were rejected on their way.
	Rejected(ctx context.Context, deliveryID int64) (int, error)
	// StoreVerdicts adds up what would become of a chunk's rows.
	StoreVerdicts(ctx context.Context, c delivery.Claim, verdicts []patient.Verdict, findings []delivery.Finding) error
	// FinishDeciding puts the delivery in its next state.
	FinishDeciding(ctx context.Context, c delivery.Claim, next delivery.State, expires time.Time) error
	// RegisterChunk runs register in one transaction with the chunk's outcomes,
	// counters and access-log event.
	// The findings replace those of the decision.
	RegisterChunk(ctx context.Context, c delivery.Claim, chunkNo int, lines []int, register func(tx patient.Tx) ([]patient.Verdict, []delivery.Finding, error)) error
	// Finish checks the totals (delivery.ErrUnbalanced), destroys the key and what was sealed under it.
	Finish(ctx context.Context, c delivery.Claim) error

	// RegisterEntry runs register for a single entry in one transaction with its event.
	RegisterEntry(ctx context.Context, who audit.Who, register func(tx patient.Tx) (patient.Verdict, error)) (publicID string, err error)

	// CountConflicts counts the conflicts that wait; Conflicts and ViewConflict read them
	// with their event, and JudgeConflict closes one with all of its rows.
	CountConflicts(ctx context.Context, scope account.Scope) (int, error)
	Conflicts(ctx context.Context, who audit.Who, scope account.Scope, q patient.ConflictQuery) (patient.ConflictPage, error)
	ViewConflict(ctx context.Context, who audit.Who, scope account.Scope, publicID string,
		compare func(patient.Reader, patient.Case) (patient.Comparison, error)) (patient.Conflict, patient.Comparison, error)
	JudgeConflict(ctx context.Context, who audit.Who, scope account.Scope, publicID string, j patient.Judgement,
		settle func(patient.Tx, patient.Case) (patient.Settlement, error)) error

	// SaveChecked lets a delivery that waits for a person go on to be stored.
	SaveChecked(ctx context.Context, who audit.Who, scope account.Scope, publicID string) error
	// Cancel ends a delivery that is not final, and erases what it held. What of it is
	// stored stays.
	Cancel(ctx context.Context, who audit.Who, scope account.Scope, publicID string) error
	// RetryDelivery lets a paused delivery try the TTP at once.
	RetryDelivery(ctx context.Context, who audit.Who, scope account.Scope, publicID string) error
	// Expire cancels unanswered checks and drops uploads that broke off.
	Expire(ctx context.Context, now time.Time, abandoned time.Duration) (int, error)
	// ExpireReports deletes a piece of a report that ended before a moment.
	ExpireReports(ctx context.Context, before time.Time, lines int) (expired string, more bool, err error)
	// Sweep clears what an ended delivery left behind, where that was interrupted.
	Sweep(ctx context.Context) error
	// KeyIDsInUse names the wrapping keys that open deliveries still need.
	KeyIDsInUse(ctx context.Context) ([]string, error)
}

// Intake is the half of the importer that may see identities.
type Intake interface {
	Parse(ctx context.Context, c delivery.Claim) error
	Prepare(ctx context.Context, c delivery.ChunkClaim) (delivery.ChunkClaim, error)
}

// ReadySet is a dataset at the TTP, and what became of it here.
type ReadySet struct {
	patient.Dataset
	KnownCentre bool   // its centre is one of ours, so that it can be imported
	DeliveryID  string // public id of its latest delivery here; empty where there is none
	Under       bool   // that delivery is still under way
}

// Options are what an Importer needs. Zero numbers mean the defaults.
type Options struct {
	Store     Store
	Intake    Intake
	Resolver  patient.Resolver
	Sets      patient.Datasets // nil: there are none
	Registrar *patient.Registrar
	Keys      *sealing.Keyring
	Types     []string // the pseudonym types that are kept; nil: all
	YearOnly  bool     // keep birth years, never dates
	MaxRows   int      // of a dataset; 0: no limit
	Domain    string   // the registry's pseudonym domain
	Workers   int      // deliveries worked on at once: parsed, decided, stored
	Calls     int      // chunks on their way through the TTP at once
	TryNow    func()   // tells the TTP's clients that a person wants a try at once; may be nil
	Lease     time.Duration
	Poll      time.Duration // between looks at an empty queue
	// ReportLife is how long the rows of a report are kept after its delivery ended.
	ReportLife time.Duration
	Now        func() time.Time
	Log        *slog.Logger
}

// The defaults and limits of the pipeline.
const (
	defaultWorkers = 2
	defaultCalls   = 6
	defaultLease   = 2 * time.Minute
	defaultPoll    = 500 * time.Millisecond

	// checkLife is how long an unanswered check is kept (product.md, "The rules").
	checkLife = 7 * 24 * time.Hour
	// uploadLife is how long an upload may take before it counts as broken off.
	uploadLife = time.Hour
	// defaultReportLife is how long the rows of a report are kept, and reportPiece how
	// many lines of it go in one transaction: fewer than SQL Server locks one by one.
	// No more than reportPieces go each time, so that the rest of the work has its turn.
	defaultReportLife = 90 * 24 * time.Hour
	reportPiece       = 1000
	reportPieces      = 500
	// keyLife is how long a wrapping key is the primary one.
	keyLife = 24 * time.Hour

	// The brake: of brakeRows rows or more, when over BrakeShare percent would be
	// rejected, nothing is stored until the user confirms.
	brakeRows = 10
)

// BrakeShare is the brake of a centre that has no other.
const BrakeShare = 30

// Importer works the queue of deliveries. It is safe for concurrent use.
type Importer struct {
	Options
	wake chan struct{}
}

// New makes an Importer.
func New(o Options) (*Importer, error) {
	if o.Store == nil || o.Intake == nil || o.Resolver == nil || o.Registrar == nil || o.Keys == nil || o.Now == nil || o.Log == nil {
		return nil, errors.New("importer: an option is missing")
	}
	if o.Workers == 0 {
		o.Workers = defaultWorkers
	}
	if o.Calls == 0 {
		o.Calls = defaultCalls
	}
	if o.TryNow == nil {
		o.TryNow = func() {}
	}
	if o.ReportLife == 0 {
		o.ReportLife = defaultReportLife
	}
	if o.Lease == 0 {
		o.Lease = defaultLease
	}
	if o.Poll == 0 {
		o.Poll = defaultPoll
	}
	return &Importer{Options: o, wake: make(chan struct{}, o.Workers+o.Calls)}, nil
}

// Wake tells the workers of this process that there is something to do, so that
// they need not wait for their next look.
func (im *Importer) Wake() {
	for range cap(im.wake) {
		select {
		case im.wake <- struct{}{}:
		default:
			return
		}
	}
}

// Save lets a delivery that waits for a person be stored.
func (im *Importer) Save(ctx context.Context, who audit.Who, scope account.Scope, publicID string) error {
	defer im.Wake()
	return im.Store.SaveChecked(ctx, who, scope, publicID)
}

// Cancel ends a delivery. One that is being stored ends between two chunks: what is
// stored stays, and the other rows stay pending.
func (im *Importer) Cancel(ctx context.Context, who audit.Who, scope account.Scope, publicID string) error {
	return im.Store.Cancel(ctx, who, scope, publicID)
}

// RetryNow lets a paused delivery try the TTP at once.
func (im *Importer) RetryNow(ctx context.Context, who audit.Who, scope account.Scope, publicID string) error {
	defer im.Wake()
	im.TryNow()
	return im.Store.RetryDelivery(ctx, who, scope, publicID)
}
