// Package oldtable reads the rows of the registry's old patient table for the one-time
// conversion. The rows become temporary pseudonyms, chunk by chunk, in one delivery per
// centre. The package plans, feeds and verifies a run, erases the identities in the table,
// and looks for names that were left behind.
//
// It sees identities, in memory only, and never a definitive pseudonym. What must be
// compared with definitive ones is asked of the other half, package importer.
package oldtable

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/conversion"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake"
	"sluis/internal/patient"
	"sluis/internal/sealing"
)

// Row is an old row. Its cells are behind a function because fmt reads unexported fields
// without asking their methods.
type Row struct {
	Key   string
	cells func() []string
}

// The cells of a row.
const (
	Number = iota
	Birth
	Sex
	Died
	Version
	Surname
	Prefix
	Initials
	Cells
)

// NewRow returns a row with these cells.
func NewRow(key string, values []string) Row {
	return Row{Key: key, cells: func() []string { return values }}
}

func (r Row) cell(i int) string {
	if v := r.cells(); i < len(v) {
		return v[i]
	}
	return ""
}

// String hides a row from fmt.
func (Row) String() string { return hidden }

// Format hides a row from every verb.
func (Row) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// LogValue hides a row from slog.
func (Row) LogValue() slog.Value { return slog.StringValue(hidden) }

const hidden = "[row]"

// Group is how many rows have one value in the column of the centre.
type Group struct {
	Value string // as text, trimmed; empty for NULL
	Rows  int
	Raw   any // as the database gives it
}

// Values select the rows of one centre.
type Values []any

// Facts are counts of the old table that its own database makes.
type Facts struct {
	Rows, KeyEmpty, KeyTwice, NumberEmpty, NumberTwice, PersonTwice int
}

// NameKind is what a name is.
type NameKind string

// The kinds of names.
const (
	Surnames NameKind = "surname"
	Emails   NameKind = "email"
	Canaries NameKind = "canary" // planted to be found
)

// Table is the old table.
type Table interface {
	Label() string
	Groups(ctx context.Context) ([]Group, error)
	Facts(ctx context.Context) (Facts, error)
	Count(ctx context.Context) (int, error) // of rows
	// Rows returns the rows of a centre that follow a key, in the order of their keys.
	// Displays leaves the names out; Keys returns only the keys.
	Rows(ctx context.Context, v Values, after string, limit int) ([]Row, error)
	Displays(ctx context.Context, v Values, after string, limit int) ([]Row, error)
	Keys(ctx context.Context, v Values, after string, limit int) ([]string, error)
	ByKeys(ctx context.Context, keys []string) ([]Row, error)
	Triggers(ctx context.Context) ([]string, error)
	// Unmapped returns the columns that the mapping does not name. Some returns the first
	// values of one of them, by key.
	Unmapped(ctx context.Context) ([]string, error)
	Some(ctx context.Context, column string, n int) ([]Row, error)
	Names(ctx context.Context, each func(kind NameKind, name string)) error
}

// Store is what a conversion needs of the registry's database.
type Store interface {
	Centres(ctx context.Context) ([]account.Centre, error)
	StartRun(ctx context.Context, who audit.Who, n conversion.NewRun) (conversion.Run, error)
	LatestRun(ctx context.Context, mode delivery.Mode) (run conversion.Run, ok bool, err error)
	RunPaused(ctx context.Context, runID int64, waits conversion.Waits, next time.Time) (bool, error)
	FinishRun(ctx context.Context, who audit.Who, runID int64) error
	AbandonRun(ctx context.Context, who audit.Who, runID int64) error
	AddStrays(ctx context.Context, runID int64, keys []string, code string) error
	FeedCentre(ctx context.Context, runID, centreID int64, fresh delivery.New, lease time.Duration) (f conversion.Feed, ok bool, err error)
	RenewDelivery(ctx context.Context, c delivery.Claim, until time.Time) error
	AddFed(ctx context.Context, f conversion.Feed, k delivery.Chunk, at conversion.Place) error
	FinishFed(ctx context.Context, f conversion.Feed) error

	Where(ctx context.Context, runID int64, keys []string) (map[string]conversion.Where, error)
	RunRows(ctx context.Context, runID int64) (rows, patients int, err error)
	AddReport(ctx context.Context, who audit.Who, r conversion.Report) (conversion.Report, error)
	conversion.GateStore
}

// Rechecker compares a second exchange of rows with what is stored of them.
type Rechecker interface {
	Recheck(ctx context.Context, centreID int64, rows []patient.TemporaryRow) ([]conversion.Problem, error)
	// Probe exchanges temporary pseudonyms to measure how long that takes.
	Probe(ctx context.Context, rows []patient.TemporaryRow) error
}

// Options are what a Conversion needs.
type Options struct {
	Table   Table
	Mapping conversion.Mapping
	Store   Store
	Intake  *intake.Intake
	Keys    *sealing.Keyring
	Other   Rechecker // the half that never sees an identity
	Who     audit.Who // in whose name it is done
	Address string    // of the operator's account on the machine
	// ChunkRows are read and exchanged at once; 0: 500.
	ChunkRows int
	Calls     int // chunks on their way to the TTP at once; 0: 4
	Now       func() time.Time
	Log       *slog.Logger
	Say       func(format string, args ...any) // to the operator; counts and codes only
}

// Conversion is the work on the old table. It is not safe for concurrent use.
type Conversion struct {
	table     Table
	mapping   conversion.Mapping
	store     Store
	intake    *intake.Intake
	keys      *sealing.Keyring
	other     Rechecker
	who       audit.Who
	address   string
	chunkRows int
	calls     int
	now       func() time.Time
	log       *slog.Logger
	say       func(format string, args ...any)
}

// The defaults of Options.
const (
	defaultRows  = 500
	defaultCalls = 4
)

// New makes a Conversion.
func New(o Options) (*Conversion, error) {
	if o.Table == nil || o.Store == nil || o.Now == nil || o.Log == nil || o.Say == nil {
		return nil, errors.New("oldtable: an option is missing")
	}
	if o.ChunkRows == 0 {
		o.ChunkRows = defaultRows
	}
	if o.Calls == 0 {
		o.Calls = defaultCalls
	}
	return &Conversion{
		table: o.Table, mapping: o.Mapping, store: o.Store, intake: o.Intake, keys: o.Keys, other: o.Other, who: o.Who, address: o.Address,
		chunkRows: o.ChunkRows, calls: o.Calls, now: o.Now, log: o.Log, say: o.Say,
	}, nil
}

// centreRows are the rows of one of our centres.
type centreRows struct {
	centre account.Centre
	values Values
	rows   int
}

// sort divides the groups of the old table over the centres that Sluis knows, in the order
// of their numbers. strays are the rows of none of them.
func (c *Conversion) sort(ctx context.Context) (centres []centreRows, strays centreRows, err error) {
	groups, err := c.table.Groups(ctx)
	if err != nil {
		return nil, strays, err
	}
	known, err := c.store.Centres(ctx)
	if err != nil {
		return nil, strays, err
	}
	at := map[string]int{}
	for _, k := range known {
		at[k.Number] = len(centres)
		centres = append(centres, centreRows{centre: k})
	}
	for _, g := range groups {
		to := &strays
		if i, ok := at[c.mapping.CentreOf(g.Value)]; ok {
			to = &centres[i]
		}
		to.values, to.rows = append(to.values, g.Raw), to.rows+g.Rows
	}
	used := centres[:0]
	for _, x := range centres {
		if x.rows > 0 {
			used = append(used, x)
		}
	}
	return used, strays, nil
}

// check checks an old row by the rules for a row of a file.
func check(k intake.Known, line int, r Row) intake.KnownRow {
	return k.Check(line, r.Key, r.cell(Version), r.cell(Number), r.cell(Birth), r.cell(Sex), r.cell(Died), r.cell(Surname), r.cell(Prefix),
		r.cell(Initials))
}
