package intake

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"sluis/internal/identity"
	"sluis/internal/importer/intake/columns"
	"sluis/internal/importer/intake/tabular"
	"sluis/internal/patient"
	"sluis/internal/sealing"
)

// Ports are the database as the steps of the intake see it. One store implements all of
// them; each is declared next to the code that uses it. A write that takes a claim
// returns delivery.ErrLost if the claim is lost, and then changes nothing.
type Ports struct {
	Uploads      Uploads
	Blocks       Blocks
	Mappings     Mappings
	Parses       Parses
	Preparations Preparations
}

func (p Ports) complete() bool {
	return p.Uploads != nil && p.Blocks != nil && p.Mappings != nil && p.Parses != nil && p.Preparations != nil
}

// Preparer exchanges identities for temporary pseudonyms.
type Preparer interface {
	Prepare(ctx context.Context, key string, items []identity.Item) (map[string]patient.Prepared, error)
}

// Options are what an Intake needs. Zero numbers mean the defaults.
type Options struct {
	Ports
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
type Intake struct {
	ports         Ports
	preparer      Preparer
	keys          *sealing.Keyring
	macKey        atomic.Pointer[[]byte]
	types         columns.Types
	temporaryLife time.Duration
	yearOnly      bool
	maxBytes      int64
	maxRows       int
	chunkRows     int
	limits        tabular.Limits
	now           func() time.Time
	log           *slog.Logger
}

// New makes an Intake.
func New(o Options) (*Intake, error) {
	if !o.complete() || o.Preparer == nil || o.Keys == nil || len(o.MACKey) < 32 || o.LinkType == "" || o.Now == nil || o.Log == nil {
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
	in := &Intake{
		ports: o.Ports, preparer: o.Preparer, keys: o.Keys,
		types:         columns.Types{All: o.Types, Dated: o.PostcodeTypes, Link: o.LinkType},
		temporaryLife: cmp.Or(o.TemporaryLife, defaultTemporaryLife), yearOnly: o.YearOnly,
		maxBytes: cmp.Or(o.MaxBytes, defaultMaxBytes), maxRows: cmp.Or(o.MaxRows, defaultMaxRows),
		chunkRows: cmp.Or(o.ChunkRows, defaultChunkRows), limits: o.Limits, now: o.Now, log: o.Log,
	}
	in.SetMACKey(o.MACKey)
	return in, nil
}

// SetMACKey replaces the key of the hash by which a file is known again, while the intake
// is in use. Files and headers of before are then no longer known.
func (in *Intake) SetMACKey(key []byte) { in.macKey.Store(&key) }

// newRef makes a row's reference at the TTP: random, so that it says nothing of
// the row, and kept with the row, so that it is the same on a retry.
func newRef() string { return rand.Text() }
