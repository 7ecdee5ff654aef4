package intake

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/identity"
	"sluis/internal/importer/intake/tabular"
	"sluis/internal/patient"
	"sluis/internal/sealing"
)

// Store is what the intake needs of the database. Writes that take a claim
// answer delivery.ErrLost if the claim was lost, and change nothing then.
type Store interface {
	CentreByID(ctx context.Context, id int64) (account.Centre, error)

	// CreateDelivery begins a delivery in state receiving.
	CreateDelivery(ctx context.Context, d delivery.New) (id int64, err error)
	// CreateDeliveryOnce is CreateDelivery for a request that may come more than once. If an
	// earlier request with the same key has a delivery, it returns that one. An earlier
	// upload that is not finished makes room: its sender gave up, or sends again.
	CreateDeliveryOnce(ctx context.Context, d delivery.New, r delivery.Request) (id int64, earlier delivery.Earlier, err error)
	// AppendBlock adds to an upload; apperr.NotFound if it was removed to make room for a newer one.
	AppendBlock(ctx context.Context, deliveryID int64, no int, sealed []byte) error
	// FinishUpload makes the upload safe: state received, with its event.
	FinishUpload(ctx context.Context, deliveryID int64, mac []byte, size int64, who audit.Who) error
	// DropUpload removes a delivery that is still in state receiving.
	DropUpload(ctx context.Context, deliveryID int64) error
	// Block returns a sealed block of an upload; nil after the last one.
	Block(ctx context.Context, deliveryID int64, no int) ([]byte, error)

	// AwaitColumns lets a delivery wait for a user to say what its columns are, until
	// expires; the upload stays.
	AwaitColumns(ctx context.Context, c delivery.Claim, expires time.Time) error
	// RememberedColumns returns the assignment that a centre made last for a header
	// with one of these keyed hashes, and that hash; nil if there is none.
	RememberedColumns(ctx context.Context, centreID int64, macs [][]byte) (*delivery.Assignment, []byte, error)

	// AwaitingColumns returns a delivery that waits for its columns, with the wrapped
	// key of its upload; apperr.Conflict "delivery_not_mapping".
	AwaitingColumns(ctx context.Context, scope account.Scope, publicID string) (delivery.Claim, error)
	// AssignColumns lets it be parsed so; a keyed hash of its header has the centre's
	// next files with that header read the same way.
	AssignColumns(ctx context.Context, who audit.Who, scope account.Scope, publicID string, a delivery.Assignment, header []byte) error

	RememberedHeaders(ctx context.Context, centreID int64) (int, error)
	ForgetColumns(ctx context.Context, who audit.Who, centreID int64) error

	// BeginParse removes what an interrupted parse left behind.
	BeginParse(ctx context.Context, c delivery.Claim) error
	AddChunk(ctx context.Context, c delivery.Claim, chunk delivery.Chunk) error
	// FinishParse removes the upload and lets the chunks go to the TTP.
	FinishParse(ctx context.Context, c delivery.Claim, p delivery.Parsed) error
	// Refuse ends the delivery, removes its upload and destroys its key.
	Refuse(ctx context.Context, c delivery.Claim, p delivery.Parsed, why []delivery.Remark) error

	// StorePrepared replaces the identities of a chunk by the sealed temporary
	// pseudonyms of so many rows, the first of which runs out at expires, in one
	// transaction.
	StorePrepared(
		ctx context.Context,
		c delivery.ChunkClaim,
		sealed []byte,
		waiting int,
		expires time.Time,
		findings []delivery.Finding,
	) (delivery.ChunkClaim, error)
}

// Preparer exchanges identities for temporary pseudonyms.
type Preparer interface {
	Prepare(ctx context.Context, key string, items []identity.Item) (map[string]patient.Prepared, error)
}

// Options are what an Intake needs. Zero numbers mean the defaults.
type Options struct {
	Store    Store
	Preparer Preparer
	Keys     *sealing.Keyring
	MACKey   []byte // of the keyed hash by which a file is known again
	Types    []string
	// PostcodeTypes are those of Types that are made of a postcode: several a row,
	// each with the day on which the postcode was true. LinkType is none of them.
	PostcodeTypes []string
	LinkType      string
	// TemporaryLife is how long a temporary pseudonym is assumed to live if the file
	// does not say when it expires.
	TemporaryLife time.Duration
	YearOnly      bool // keep birth years, never dates
	MaxBytes      int64
	MaxRows       int
	ChunkRows     int
	Limits        tabular.Limits
	Now           func() time.Time
	Log           *slog.Logger
}

// The defaults of Options.
const (
	defaultMaxBytes      = 100 << 20
	defaultMaxRows       = 200_000
	defaultChunkRows     = 500
	defaultTemporaryLife = 14 * 24 * time.Hour
)

// Intake receives, parses and prepares deliveries. It is safe for concurrent use.
type Intake struct{ Options }

// New makes an Intake.
func New(o Options) (*Intake, error) {
	if o.Store == nil || o.Preparer == nil || o.Keys == nil || len(o.MACKey) < 32 || o.LinkType == "" || o.Now == nil || o.Log == nil {
		return nil, errors.New("intake: an option is missing")
	}
	for _, t := range o.PostcodeTypes {
		if t == o.LinkType || !slices.Contains(o.Types, t) {
			return nil, fmt.Errorf("intake: the postcode type %s is the linking type, or none of the types", t)
		}
	}
	if o.TemporaryLife < 0 {
		return nil, errors.New("intake: temporary pseudonyms live less than no time")
	}
	if o.TemporaryLife == 0 {
		o.TemporaryLife = defaultTemporaryLife
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = defaultMaxBytes
	}
	if o.MaxRows == 0 {
		o.MaxRows = defaultMaxRows
	}
	if o.ChunkRows == 0 {
		o.ChunkRows = defaultChunkRows
	}
	return &Intake{o}, nil
}

// newRef makes a row's reference at the TTP: random, so that it says nothing of
// the row, and kept with the row, so that it is the same on a retry.
func newRef() string { return rand.Text() }
