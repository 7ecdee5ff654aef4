package oldtable

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"path/filepath"
	"time"

	"sluis/internal/audit"
	"sluis/internal/conversion"
)

// ProofStore is what a proof needs of the registry's database.
type ProofStore interface {
	OwnWords(ctx context.Context) ([]string, error)
	EachText(ctx context.Context, each func(table string, data []byte)) error
	AddReport(ctx context.Context, who audit.Who, r conversion.Report) (conversion.Report, error)
}

// NamedTable is an old table that still has its names.
type NamedTable interface {
	Names(ctx context.Context, each func(kind NameKind, name string)) error
	Path() string // of a SQLite file; empty for SQL Server
}

// ProverOptions are what a Prover needs.
type ProverOptions struct {
	Store    ProofStore
	Table    NamedTable // nil after it was destroyed
	Gate     conversion.Gate
	Key      ed25519.PrivateKey
	Who      audit.Who
	Registry string   // its name
	Database string   // path of Sluis's own SQLite file; empty for SQL Server
	Files    []string // more files and folders to look into
	Words    []string // that Sluis itself writes into its database, besides those in the store
	// Partly: an erasure in place was interrupted, so that nobody knows any more the names
	// that it had overwritten.
	Partly bool
	Now    func() time.Time
}

// Prover makes one proof: it learns the names while they are there, and then looks for
// them. It keeps them in memory only.
type Prover struct {
	o       ProverOptions
	needles *Needles
	before  *conversion.Scan
	control int // names that the scan before did not find
}

// NewProver returns a Prover that knows the planted names and those of the old table.
func NewProver(ctx context.Context, o ProverOptions, canaries []string) (*Prover, error) {
	own, err := o.Store.OwnWords(ctx)
	if err != nil {
		return nil, err
	}
	p := &Prover{o: o, needles: NewNeedles(append(own, o.Words...))}
	for _, name := range canaries {
		p.needles.Add(Canaries, name)
	}
	if o.Table != nil {
		err = o.Table.Names(ctx, p.needles.Add)
	}
	return p, err
}

// Erased sets the state of the erasure after it is done, so that the proof says so.
func (p *Prover) Erased(g conversion.Gate) { p.o.Gate = g }

// LookBefore scans the files of the old table, where the names must be: it shows that
// the scanner finds them. It returns false if those files cannot be reached.
func (p *Prover) LookBefore() (hits, notFound int, ok bool) {
	files := p.tableFiles()
	if len(files) == 0 {
		return 0, 0, false
	}
	scanner := NewScanner(p.needles, p.o.Now())
	for _, path := range files {
		scanner.Path(path)
	}
	scan := scanner.Result()
	scan.Hits = []conversion.Hit{} // they are expected, and of no interest
	p.before, p.control = &scan, scanner.Unfound()
	return scan.Found(), p.control, true
}

// tableFiles are the files of an old table in SQLite.
func (p *Prover) tableFiles() []string {
	if p.o.Table == nil || p.o.Table.Path() == "" {
		return nil
	}
	return sqliteFiles(p.o.Table.Path())
}

// sqliteFiles are the files that SQLite keeps of a database.
func sqliteFiles(path string) []string {
	return []string{path, path + "-wal", path + "-shm", path + "-journal"}
}

// Proved is a proof that was made.
type Proved struct {
	Proof  conversion.Proof
	Signed conversion.Signed
	Report conversion.Report // as it was stored
	Took   time.Duration
}

// Prove looks for the names in Sluis's own files and in those it was told, signs what it
// found and stores it. After an erasure in place the old table's files are among them.
func (p *Prover) Prove(ctx context.Context) (Proved, error) {
	began := p.o.Now()
	after, err := p.scanFiles(began)
	if err != nil {
		return Proved{}, err
	}
	g := p.o.Gate
	proof := conversion.Proof{
		Run: g.Run.PublicID, Registry: p.o.Registry, Table: g.Run.Table, MadeBy: p.o.Who.Name,
		Canaries: p.needles.Count(Canaries), Surnames: p.needles.Count(Surnames), Emails: p.needles.Count(Emails),
		Short: p.needles.Short, Words: p.needles.Words, Before: p.before, Control: p.control, After: after,
		Unreached: p.unreached(), Approvals: []conversion.Approval{},
	}
	if e := g.Erasure; e != nil {
		proof.Way, proof.Approvals = string(e.Way), e.Approvals
		if !e.ErasedAt.IsZero() {
			proof.Erased = e.ErasedAt.Format(time.RFC3339)
		}
	}
	if p.o.Database == "" {
		if proof.Rows, err = p.scanRows(ctx); err != nil {
			return Proved{}, err
		}
	}
	out := Proved{Proof: proof}
	if out.Signed, err = conversion.Sign(p.o.Key, proof); err != nil {
		return out, err
	}
	raw, err := json.Marshal(out.Signed)
	if err != nil {
		return out, err
	}
	report := conversion.Report{Kind: conversion.KindProof, RunID: g.Run.ID, Clean: proof.Clean(), Document: string(raw)}
	out.Report, err = p.o.Store.AddReport(ctx, p.o.Who, report)
	out.Took = p.o.Now().Sub(began)
	return out, err
}

// scanFiles looks into every file that can be reached.
func (p *Prover) scanFiles(now time.Time) (conversion.Scan, error) {
	var paths []string
	if own := p.o.Database; own != "" {
		backups, err := filepath.Glob(own + ".*") // next to the database
		if err != nil {
			return conversion.Scan{}, err
		}
		paths = append(sqliteFiles(own), backups...)
	}
	if e := p.o.Gate.Erasure; e != nil && e.Way == conversion.InPlace && !e.ErasedAt.IsZero() {
		paths = append(paths, p.tableFiles()...)
	}
	scanner := NewScanner(p.needles, now)
	for _, path := range append(paths, p.o.Files...) {
		scanner.Path(path)
	}
	return scanner.Result(), nil
}

// scanRows looks at what a connection shows of the database, if its files cannot be
// reached.
func (p *Prover) scanRows(ctx context.Context) (*conversion.Scan, error) {
	scanner := NewScanner(p.needles, p.o.Now())
	var of conversion.Scanned
	err := p.o.Store.EachText(ctx, func(table string, data []byte) {
		if of.File != "table "+table {
			if of.File != "" {
				scanner.Done(of)
			}
			of = conversion.Scanned{File: "table " + table}
		}
		scanner.Data(&of, data)
	})
	if of.File != "" {
		scanner.Done(of)
	}
	scan := scanner.Result()
	return &scan, err
}

// unreached lists, by the catalogue's codes, what the proof did not look at.
func (p *Prover) unreached() []string {
	out := []string{"FREE_BLOCKS", "BACKUPS_ELSEWHERE", "MEMORY"}
	for _, x := range []struct {
		code string
		is   bool
	}{
		{"SQLSERVER_FILES", p.o.Database == ""},
		{"SOURCE_FILES", len(p.tableFiles()) == 0},
		{"PARTLY_ERASED", p.o.Partly},
		{"NAMES_UNKNOWN", p.needles.Count(Surnames) == 0},
		{"SHORT_NAMES", p.needles.Short > 0},
		{"OWN_WORDS", p.needles.Words > 0},
	} {
		if x.is {
			out = append(out, x.code)
		}
	}
	return out
}
