package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sluis/internal/conversion"
	"sluis/internal/importer/oldtable"
	"sluis/internal/server/conversions"
	"sluis/migrations"
	"sluis/web/templates"
	"sluis/web/text"
)

// proveCommand looks for names that were left behind.
type proveCommand struct {
	conversionFlags
	Out      string   `default:"." placeholder:"DIR" help:"Folder for the proof: signed JSON, and HTML to print."`
	Canaries string   `placeholder:"FILE" help:"Planted names, a line each, to look for as well."`
	Also     []string `placeholder:"PATH" help:"More files or folders to look into, such as backups and logs."`
	Registry string   `default:"" help:"Name of the registry, for the proof."`
}

// Run looks, signs what was found and tells it. No name is written anywhere.
func (x proveCommand) Run(ctx context.Context, c console) error {
	s, err := x.open(ctx, c, need{mayBeGone: true, mapping: conversion.LastMapping})
	if err != nil {
		return err
	}
	defer s.close()
	g, err := s.gate(ctx, "")
	if err != nil {
		return err
	}
	if g.Run == nil {
		return oldtable.ErrNoRun
	}
	p := prover{session: s, gate: g, out: x.Out, also: x.Also, registry: x.Registry}
	if err := p.learn(ctx, x.Canaries); err != nil {
		return err
	}
	erased := g.Erasure != nil && !g.Erasure.ErasedAt.IsZero()
	if !erased {
		p.lookBefore()
	}
	return p.prove(ctx, erased && g.Way == conversion.InPlace)
}

// prover is the making of one proof.
type prover struct {
	*session
	gate     conversion.Gate
	out      string
	also     []string
	registry string
	partly   bool // the erasure had begun before: names that were overwritten then are not known
	needles  *oldtable.Needles
	before   *conversion.Scan
	control  int
}

// learn reads the names to look for, into memory.
func (p *prover) learn(ctx context.Context, canaries string) error {
	own, err := p.ownWords(ctx)
	if err != nil {
		return err
	}
	p.needles = oldtable.NewNeedles(own)
	if canaries != "" {
		if err := readLines(canaries, func(name string) { p.needles.Add(oldtable.Canaries, name) }); err != nil {
			return err
		}
	}
	if p.table == nil {
		return nil
	}
	return p.table.Names(ctx, p.needles.Add)
}

// ownWords are what Sluis writes into its database by itself.
func (p *prover) ownWords(ctx context.Context) ([]string, error) {
	own, err := p.store.OwnWords(ctx)
	if err != nil {
		return nil, err
	}
	own = append(own, words.Keys()...) // codes, fields, roles and events among them
	err = fs.WalkDir(migrations.Files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := migrations.Files.ReadFile(path)
		own = append(own, string(raw))
		return err
	})
	return own, err
}

// lookBefore shows that the scanner finds the names where they do stand.
func (p *prover) lookBefore() {
	if p.table == nil || p.table.Path() == "" {
		return
	}
	scanner := oldtable.NewScanner(p.needles, time.Now())
	for _, path := range sqliteFiles(p.table.Path()) {
		scanner.Path(path)
	}
	scan := scanner.Result()
	scan.Hits = []conversion.Hit{} // there they must be
	p.before, p.control = &scan, scanner.Unfound()
	p.say("before: %s hits in the source; names not found there: %d", words.Number(scan.Found()), p.control)
}

// sqliteFiles are the files that SQLite keeps of a database.
func sqliteFiles(path string) []string {
	return []string{path, path + "-wal", path + "-shm", path + "-journal"}
}

// prove looks, signs, stores and writes. withTable looks into the source's files
// too, after it was erased in place.
func (p *prover) prove(ctx context.Context, withTable bool) error {
	began := time.Now()
	scanner := oldtable.NewScanner(p.needles, began)
	own, isFile := strings.CutPrefix(p.cfg.Database.Reveal(), "sqlite:")
	if isFile {
		for _, path := range sqliteFiles(own) {
			scanner.Path(path)
		}
		entries, err := filepath.Glob(own + ".*") // backups that stand beside it
		if err != nil {
			return err
		}
		for _, path := range entries {
			scanner.Path(path)
		}
	}
	if withTable && p.table != nil && p.table.Path() != "" {
		for _, path := range sqliteFiles(p.table.Path()) {
			scanner.Path(path)
		}
	}
	scanner.Path(p.cfg.KeyringFile)
	for _, path := range p.also {
		scanner.Path(path)
	}
	proof := conversion.Proof{
		Run: p.gate.Run.PublicID, Registry: p.registry, Table: p.gate.Run.Table, MadeBy: p.who.Name,
		Canaries: p.needles.Count(oldtable.Canaries), Surnames: p.needles.Count(oldtable.Surnames), Emails: p.needles.Count(oldtable.Emails),
		Short: p.needles.Short, Words: p.needles.Words, Before: p.before, Control: p.control, After: scanner.Result(), Unreached: p.unreached(isFile), Approvals: []conversion.Approval{},
	}
	if e := p.gate.Erasure; e != nil {
		proof.Way, proof.Approvals = string(e.Way), e.Approvals
		if !e.ErasedAt.IsZero() {
			proof.Erased = e.ErasedAt.Format(time.RFC3339)
		}
	}
	if !isFile {
		rows, err := p.scanRows(ctx)
		if err != nil {
			return err
		}
		proof.Rows = rows
	}
	return p.keep(ctx, proof, time.Since(began))
}

// scanRows looks at what a connection shows.
func (p *prover) scanRows(ctx context.Context) (*conversion.Scan, error) {
	scanner := oldtable.NewScanner(p.needles, time.Now())
	var of conversion.Scanned
	err := p.store.EachText(ctx, func(table string, data []byte) {
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

// unreached says what was not looked at.
func (p *prover) unreached(isFile bool) []string {
	out := []string{"FREE_BLOCKS", "BACKUPS_ELSEWHERE", "MEMORY"}
	if !isFile {
		out = append(out, "SQLSERVER_FILES")
	}
	if p.table == nil || p.table.Path() == "" {
		out = append(out, "SOURCE_FILES")
	}
	if p.partly {
		out = append(out, "PARTLY_ERASED")
	}
	if p.needles.Count(oldtable.Surnames) == 0 {
		out = append(out, "NAMES_UNKNOWN")
	}
	if p.needles.Short > 0 {
		out = append(out, "SHORT_NAMES")
	}
	if p.needles.Words > 0 {
		out = append(out, "OWN_WORDS")
	}
	return out
}

// keep signs a proof, stores it, writes it down and tells what it says.
func (p *prover) keep(ctx context.Context, proof conversion.Proof, took time.Duration) error {
	signed, err := conversion.Sign(p.key, proof)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(signed)
	if err != nil {
		return err
	}
	report, err := p.store.AddReport(ctx, p.who, conversion.Report{Kind: conversion.KindProof, RunID: p.gate.Run.ID, Clean: proof.Clean(), Document: string(raw)})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(p.out, 0o700); err != nil {
		return err
	}
	path, err := writeSigned(p.out, "sluis-bewijs.json", signed)
	if err != nil {
		return err
	}
	page, err := p.print(ctx, report)
	if err != nil {
		return err
	}
	var size int64
	for _, f := range proof.After.Files {
		size += f.Bytes
		p.say("  %-50s %12d bytes, %d hits, %d by chance%s", f.File, f.Bytes, f.Hits, f.Chance, map[bool]string{true: ", UNREADABLE"}[f.Error != ""])
	}
	p.say("%d files, %d MB in %s: %d hits of %d canaries, %d surnames, %d addresses", len(proof.After.Files), size>>20, took.Round(time.Millisecond), proof.After.Found(),
		proof.Canaries, proof.Surnames, proof.Emails)
	for _, code := range proof.Unreached {
		p.say("not reached: %s", words.T("existing.unreached."+code))
	}
	p.say("The proof is in %s, to print in %s, and on the console for who supervises", path, page)
	if !proof.Clean() {
		return attend("the proof is not clean: a person must judge the hits that it lists")
	}
	return nil
}

// print writes a proof as a page of its own.
func (p *prover) print(ctx context.Context, report conversion.Report) (string, error) {
	props, err := conversions.ProofProps(text.For(text.Dutch), report)
	if err != nil {
		return "", err
	}
	var page bytes.Buffer
	if err := templates.ProofDocument(props).Render(ctx, &page); err != nil {
		return "", err
	}
	return newFile(p.out, "sluis-bewijs.html", page.Bytes())
}
