package delivery

import (
	"errors"
	"time"

	"sluis/internal/audit"
	"sluis/internal/chunk"
)

// ErrLost says that a claim is no longer the worker's: its lease ran out and
// another one took over, or the delivery was cancelled. Nothing was written.
var ErrLost = errors.New("delivery: the claim is lost")

// ErrUnbalanced says that the outcomes of a delivery do not add up to its rows.
var ErrUnbalanced = errors.New("delivery: the outcomes do not add up")

// New is a delivery that begins.
type New struct {
	PublicID   string
	CentreID   int64
	Filename   string
	Mode       Mode
	Via        audit.Via
	Confirmed  bool
	Who        audit.Who
	KeyID      string // of the wrapping key
	WrappedKey []byte
	At         time.Time
	DatasetID  string // of one that is fetched from the TTP
	Repairs    string // public id of the centre's delivery that it is to repair; empty for none
}

// Request is one that may come more than once, by keyed hashes: of whose it is and
// its key, and of all that it asks beside the file.
type Request struct{ Key, Asks [32]byte }

// Earlier is the delivery that came of a request before.
type Earlier struct {
	PublicID string // empty where there is none
	Asked    [32]byte
	FileMAC  []byte
}

// MaxFilename is the longest file name that is kept, in characters.
const MaxFilename = 200

// UploadLife is how long a sealed upload is kept until it is parsed, at most
// (product.md, "The rules").
const UploadLife = 24 * time.Hour

// RequestLife is how long an Idempotency-Key is remembered.
const RequestLife = 7 * 24 * time.Hour

// Claim is a worker's hold on a delivery. Fence is the number that every write
// must still find.
type Claim struct {
	Delivery   Delivery
	Fence      int64
	WrappedKey []byte
	Confirmed  bool
	Who        audit.Who   // in whose name the work is done
	NextChunk  int         // the first chunk not yet registered
	FileBytes  int64       // of the upload
	Assignment *Assignment // of its columns, where a user made one
	Brake      int         // the centre's, in percent; 0 for the default
	Failures   int         // steps that failed for a reason of ours
}

// ChunkClaim is a worker's hold on a chunk.
type ChunkClaim struct {
	ID               int64
	DeliveryID       int64
	DeliveryPublicID string
	CentreID         int64
	No               int
	Holds            chunk.Content
	Sealed           []byte
	CallKey          string // for the TTP's idempotency, the same on every try
	Attempts         int    // calls without an answer, one after the other
	Failures         int    // steps that failed for a reason of ours
	Fence            int64
	WrappedKey       []byte
	// ExpiresAt is when the first of its temporary pseudonyms runs out, as far as
	// known; PausedAt since when the TTP gives no answer to what it holds, if so.
	ExpiresAt, PausedAt time.Time
}

// Chunk is some rows of a delivery, sealed.
type Chunk struct {
	No                  int
	FirstLine, LastLine int
	Holds               chunk.Content
	Sealed              []byte
	CallKey             string
	Rows                []Row // every row read, rejected ones included
	Waiting             int   // rows among them that wait for the TTP
	Findings            []Finding
	ExpiresAt           time.Time    // when the first of its temporary pseudonyms runs out; zero where nobody said
	Marks               []chunk.Mark // only with chunk.Definitives
}

// Parsed is what a file turned out to be.
type Parsed struct {
	Kind    Kind
	Columns Columns
	Notes   []Remark
}

// Repeat is a patient number, or a linking pseudonym, that several rows of a
// delivery share.
type Repeat struct {
	Lines    []int // ascending; the first MaxPartners and the last
	First    int
	Distinct int // different contents (of a number), different numbers (of a pseudonym)
}

// MaxPartners is how many partner lines a finding names.
const MaxPartners = 10

// Backlog is what waits for the TTP, over the centres in scope.
type Backlog struct {
	Prepare, Resolve int       // rows that wait for temporary, and for definitive pseudonyms
	Paused           int       // deliveries that wait because of the TTP
	Denied           int       // those of them that it refuses
	NextTryAt        time.Time // the soonest; zero where nothing is paused
	// Expiring rows have a temporary pseudonym that runs out within ExpiryWarning;
	// ExpiresAt is when the first one does.
	Expiring  int
	ExpiresAt time.Time
}

// ExpiryWarning is how long before temporary pseudonyms run out a data manager
// is warned, and their rows go before all others.
const ExpiryWarning = 48 * time.Hour

// A small delivery never waits for a large one: there is a worker for those of at
// most so many bytes before they are read, and so many rows after.
const (
	SmallBytes = 256 << 10
	SmallRows  = 2500
)
