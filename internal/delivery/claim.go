package delivery

import (
	"errors"
	"time"

	"sluis/internal/audit"
	"sluis/internal/chunk"
)

// ErrLost says that a claim is no longer the worker's: its lease ran out and
// another worker took over, or the delivery was cancelled. Nothing was written.
var ErrLost = errors.New("delivery: the claim is lost")

// ErrMandate says that the delivery's processor may not deliver for the centre any more.
// Nothing was written.
var ErrMandate = errors.New("delivery: the mandate has ended")

// ErrUnbalanced says that the outcomes of a delivery do not add up to its rows.
var ErrUnbalanced = errors.New("delivery: the outcomes do not add up")

// New is a delivery to be created.
type New struct {
	PublicID string
	CentreID int64
	// ProcessorID is the processor that delivers on behalf of the centre; 0 for none.
	ProcessorID int64
	Filename    string
	Mode        Mode
	Via         audit.Via
	Confirmed   bool
	Who         audit.Who
	KeyID       string // of the wrapping key
	WrappedKey  []byte
	At          time.Time
	DatasetID   string    // of a dataset that is to be fetched from the TTP; empty for a file
	Repairs     string    // public id of the centre's delivery that this one repairs; empty for none
	Dates       DateOrder // of its day and month, if its sender says so; empty if not
}

// Request is an upload with an Idempotency-Key, which may come more than once. Key is
// a keyed hash of the sender and the Idempotency-Key; Asks is one of all parameters
// besides the file.
type Request struct{ Key, Asks [32]byte }

// Earlier is the delivery that an earlier request with the same key created.
type Earlier struct {
	PublicID string // empty if there is none
	Asked    [32]byte
	FileMAC  []byte
}

// MaxFilename is the longest file name that is kept, in characters.
const MaxFilename = 200

// UploadLife is how long a sealed upload that is not parsed yet is kept, at most
// (product.md, "The rules").
const UploadLife = 24 * time.Hour

// RequestLife is how long an Idempotency-Key is remembered.
const RequestLife = 7 * 24 * time.Hour

// LeaseLife is how long nobody else may take a claim, from the claim itself and from each
// later write of its worker. It is longer than a step takes without a write.
const LeaseLife = 2 * time.Minute

// Claim is a worker's right to work on a delivery. A write of the worker succeeds only
// if the delivery still has the same Fence.
type Claim struct {
	Delivery   Delivery
	Fence      int64
	WrappedKey []byte
	Confirmed  bool
	Who        audit.Who   // the person in whose name the work is done
	NextChunk  int         // the first chunk not yet registered
	FileBytes  int64       // size of the upload
	Assignment *Assignment // of its columns; nil if no user made one
	Brake      int         // the centre's, in percent; 0 for the default
	Failures   int         // steps that failed for another reason than the TTP
}

// ChunkClaim is a worker's right to work on a chunk.
type ChunkClaim struct {
	ID               int64
	DeliveryID       int64
	DeliveryPublicID string
	CentreID         int64
	CentreNumber     string
	No               int
	Holds            chunk.Content
	Sealed           []byte
	CallKey          string // the TTP's idempotency key, the same on every try
	Attempts         int    // calls in a row that the TTP did not answer
	Failures         int    // steps that failed for another reason than the TTP
	Fence            int64
	WrappedKey       []byte
	// ExpiresAt is when the first of its temporary pseudonyms expires, as far as
	// known. PausedAt is since when the TTP has not answered; zero if it does.
	ExpiresAt, PausedAt time.Time
}

// Chunk is some rows of a delivery, sealed.
type Chunk struct {
	No                  int
	FirstLine, LastLine int
	Holds               chunk.Content
	Sealed              []byte
	CallKey             string
	Rows                []Row // all rows, the rejected ones included
	Waiting             int   // rows that wait for the TTP
	Findings            []Finding
	ExpiresAt           time.Time    // when the first of its temporary pseudonyms expires; zero if not known
	Marks               []chunk.Mark // only with chunk.Definitives
}

// Parsed is what parsing found out about a whole file.
type Parsed struct {
	Kind    Kind
	Columns Columns
	Notes   []Remark
}

// Repeat is a set of rows of a delivery that share a patient number or a linking
// pseudonym.
type Repeat struct {
	Lines    []int // ascending; the first MaxPartners and the last
	First    int
	Distinct int // the number of different contents (of one patient number) or numbers (of one pseudonym)
}

// MaxPartners is how many partner lines a finding names.
const MaxPartners = 10

// Backlog counts what waits for the TTP, over the centres in scope.
type Backlog struct {
	Prepare, Resolve int       // rows that wait for temporary, and for definitive pseudonyms
	Paused           int       // deliveries that are paused
	Denied           int       // paused deliveries for which the TTP refuses our credentials
	NextTryAt        time.Time // the soonest; zero if nothing is paused
	// Expiring counts the rows with a temporary pseudonym that expires within
	// ExpiryWarning; ExpiresAt is when the first one does.
	Expiring  int
	ExpiresAt time.Time
}

// ExpiryWarning is the time before temporary pseudonyms expire in which data managers
// are warned, and chunks with such pseudonyms go before all others.
const ExpiryWarning = 48 * time.Hour

// A small delivery never waits for a large one: one worker takes small deliveries only.
// A delivery is small if its upload has at most SmallBytes or, once it is parsed, it has
// at most SmallRows.
const (
	SmallBytes = 256 << 10
	SmallRows  = 2500
)
