package main

import (
	"bytes"
	"context"
	"io/fs"
	"os"
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

// Run looks for names, signs what was found and prints it. It writes no name anywhere.
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
	p, err := s.prover(ctx, g, proofOf{x.Canaries, x.Also, x.Registry, false})
	if err != nil {
		return err
	}
	if g.Erasure == nil || g.Erasure.ErasedAt.IsZero() {
		s.lookBefore(p)
	}
	return s.prove(ctx, p, x.Out)
}

// proofOf is what the operator says about a proof.
type proofOf struct {
	canaries string // file of planted names
	also     []string
	registry string
	partly   bool // an earlier command had begun the erasure
}

// prover returns a Prover that has learnt the names.
func (s *session) prover(ctx context.Context, g conversion.Gate, of proofOf) (*oldtable.Prover, error) {
	own, err := ownWords()
	if err != nil {
		return nil, err
	}
	var canaries []string
	if of.canaries != "" {
		if canaries, err = readLines(of.canaries); err != nil {
			return nil, err
		}
	}
	o := oldtable.ProverOptions{
		Store: s.store, Gate: g, Key: s.key, Who: s.who, Registry: of.registry, Files: append([]string{s.cfg.KeyringFile}, of.also...),
		Words: own, Partly: of.partly, Now: time.Now,
	}
	if s.table != nil {
		o.Table = s.table
	}
	if path, isFile := strings.CutPrefix(s.cfg.Database.Reveal(), "sqlite:"); isFile {
		o.Database = path
	}
	return oldtable.NewProver(ctx, o, canaries)
}

// ownWords returns the texts of the program itself that may be in its database, so that a
// surname such as "Row" is not found in them.
func ownWords() ([]string, error) {
	own := words.Keys() // codes, fields, roles and events among them
	err := fs.WalkDir(migrations.Files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := migrations.Files.ReadFile(path)
		own = append(own, string(raw))
		return err
	})
	return own, err
}

// lookBefore looks for the names in the old table, before it is erased. They must be
// there: a search that does not find them proves nothing afterwards.
func (s *session) lookBefore(p *oldtable.Prover) {
	if hits, notFound, ok := p.LookBefore(); ok {
		s.say("before: %s hits in the old table; names not found there: %d", words.Number(hits), notFound)
	}
}

// prove makes the proof, writes it into a folder and prints what it says.
func (s *session) prove(ctx context.Context, p *oldtable.Prover, folder string) error {
	done, err := p.Prove(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	path, err := writeSigned(folder, "sluis-bewijs.json", done.Signed)
	if err != nil {
		return err
	}
	page, err := printProof(ctx, folder, done.Report)
	if err != nil {
		return err
	}
	proof := done.Proof
	var size int64
	for _, f := range proof.After.Files {
		size += f.Bytes
		unreadable := map[bool]string{true: ", UNREADABLE"}[f.Error != ""]
		s.say("  %-50s %12d bytes, %d hits, %d by chance%s", f.File, f.Bytes, f.Hits, f.Chance, unreadable)
	}
	s.say("%d files, %d MB in %s: %d hits of %d canaries, %d surnames, %d addresses", len(proof.After.Files), size>>20,
		done.Took.Round(time.Millisecond), proof.After.Found(), proof.Canaries, proof.Surnames, proof.Emails)
	for _, code := range proof.Unreached {
		s.say("not reached: %s", words.T("existing.unreached."+code))
	}
	s.say("The proof is in %s, to print in %s, and on the console for the privacy officer", path, page)
	if !proof.Clean() {
		return attend("the proof is not clean: a person must look at the hits that it lists")
	}
	return nil
}

// printProof writes a proof as a page of its own.
func printProof(ctx context.Context, folder string, report conversion.Report) (string, error) {
	props, err := conversions.ProofProps(text.For(text.Dutch), report)
	if err != nil {
		return "", err
	}
	var page bytes.Buffer
	if err := templates.ProofDocument(props).Render(ctx, &page); err != nil {
		return "", err
	}
	return newFile(folder, "sluis-bewijs.html", page.Bytes())
}
