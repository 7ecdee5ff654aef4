package importer

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"sluis/internal/delivery"
	"sluis/internal/maintenance"
	"sluis/internal/patient"
	"sluis/internal/sealing"
)

// Intake is the half of the importer that may see identities.
type Intake interface {
	Parse(ctx context.Context, c delivery.Claim) error
	Prepare(ctx context.Context, c delivery.ChunkClaim) (delivery.ChunkClaim, error)
}

// Options configure an Importer. A zero number means the default.
type Options struct {
	Ports
	Intake    Intake
	Resolver  patient.Resolver
	Sets      patient.Datasets // nil if the TTP offers none
	Registrar *patient.Registrar
	Keys      *sealing.Keyring
	Types     []string // the pseudonym types that the registry keeps; nil for all
	YearOnly  bool     // keep birth years, never dates
	MaxRows   int      // of a dataset; 0 for no limit
	Domain    string   // the registry's pseudonym domain
	Workers   int      // deliveries in work at the same time: parsed, decided or registered
	Calls     int      // chunks on their way through the TTP at the same time
	Lease     time.Duration
	Poll      time.Duration // between two looks at an empty queue
	// Announce wakes other processes because there is work, and Listen calls ring when another
	// one does, until ctx ends. Both are nil if the database cannot do that: then the others
	// find it when they next look.
	Announce func(ctx context.Context)
	Listen   func(ctx context.Context, ring func())
	// Plan returns announced maintenance; nil if nobody announces any.
	Plan func(ctx context.Context) (maintenance.Plan, error)
	// ReportLife is how long the rows of a report are kept after its delivery ended.
	ReportLife time.Duration
	Now        func() time.Time
	Log        *slog.Logger
}

// Ports are the database as the steps of the pipeline see it. One store implements all
// of them; each is declared next to the code that uses it. A write that takes a claim
// returns delivery.ErrLost if the claim is lost, and then changes nothing.
type Ports struct {
	Queue         Queue
	Fetches       Fetches
	Answers       Answers
	Repeats       Repeats
	Decisions     Decisions
	Registrations Registrations
	Housekeeping  Housekeeping
}

func (p Ports) complete() bool {
	return p.Queue != nil && p.Fetches != nil && p.Answers != nil && p.Repeats != nil && p.Decisions != nil && p.Registrations != nil &&
		p.Housekeeping != nil
}

// The defaults and limits of the pipeline.
const (
	defaultWorkers = 2
	defaultCalls   = 6
	defaultPoll    = 500 * time.Millisecond

	// checkLife is how long an unanswered check is kept (product.md, "The rules").
	checkLife = 7 * 24 * time.Hour
	// abandonedAfter is how long an upload may take before it counts as broken off.
	abandonedAfter = time.Hour
	// defaultReportLife is how long the rows of a report are kept. reportPiece is the
	// number of lines deleted in one transaction: few enough for SQL Server to lock row by
	// row, not the table. At most reportPieces go at a time, so that other work has its turn.
	defaultReportLife = 90 * 24 * time.Hour
	reportPiece       = 1000
	reportPieces      = 500
	// keyLife is how long new deliveries are sealed under one wrapping key.
	keyLife = 24 * time.Hour

	// brakeRows is the number of rows from which the brake works: if more than BrakeShare
	// percent of them would be rejected, nothing is stored until the user confirms.
	brakeRows = 10
)

// BrakeShare is the brake, in percent, of a centre without one of its own.
const BrakeShare = 30

// Importer works the queue of deliveries. It is safe for concurrent use.
type Importer struct {
	ports      Ports
	intake     Intake
	exchanger  exchanger
	sets       readySets
	registrar  *patient.Registrar
	keys       *sealing.Keyring
	types      []string
	yearOnly   bool
	maxRows    int
	domain     string
	workers    int
	calls      int
	lease      time.Duration
	poll       time.Duration
	reportLife time.Duration
	now        func() time.Time
	log        *slog.Logger
	bell       bell
	announce   func(context.Context)
	listen     func(context.Context, func())
	readPlan   func(ctx context.Context) (maintenance.Plan, error) // may be nil
	plan       atomic.Pointer[maintenance.Plan]
}

// New returns an Importer. It does no work before Run or Step is called.
func New(o Options) (*Importer, error) {
	if !o.complete() || o.Intake == nil || o.Resolver == nil || o.Registrar == nil || o.Keys == nil || o.Now == nil || o.Log == nil {
		return nil, errors.New("importer: an option is missing")
	}
	o.Workers, o.Calls = cmp.Or(o.Workers, defaultWorkers), cmp.Or(o.Calls, defaultCalls)
	return &Importer{
		ports: o.Ports, intake: o.Intake, exchanger: exchanger{o.Resolver, o.Registrar.LinkingType()}, sets: readySets{o.Sets},
		registrar: o.Registrar, keys: o.Keys, types: o.Types, yearOnly: o.YearOnly, maxRows: o.MaxRows, domain: o.Domain,
		workers: o.Workers, calls: o.Calls, lease: cmp.Or(o.Lease, delivery.LeaseLife), poll: cmp.Or(o.Poll, defaultPoll),
		readPlan: o.Plan, reportLife: cmp.Or(o.ReportLife, defaultReportLife), now: o.Now, log: o.Log,
		announce: o.Announce, listen: o.Listen,
	}, nil
}

// Wake wakes the workers of all processes, so that they do not wait until their next look
// at the queue.
func (im *Importer) Wake() {
	im.bell.ring()
	im.tell(context.Background())
}

// tell wakes the workers of other processes.
func (im *Importer) tell(ctx context.Context) {
	if im.announce != nil {
		im.announce(ctx)
	}
}
