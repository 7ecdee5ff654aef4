package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"sluis/internal/conversion"
	"sluis/internal/importer/oldtable"
	oldstore "sluis/internal/store/oldtable"
)

// exceptCommand signs the list of rows that may be lost.
type exceptCommand struct {
	conversionFlags
	Why string `required:"" help:"Why these rows may be lost with the old table."`
	Out string `default:"." placeholder:"DIR" help:"Folder for the signed list."`
}

// Run signs the list and writes it into the folder.
func (x exceptCommand) Run(ctx context.Context, c console) error {
	s, err := x.open(ctx, c, need{mapping: conversion.LastMapping})
	if err != nil {
		return err
	}
	defer s.close()
	signed, n, err := s.conv.Except(ctx, s.key, x.Why)
	if err != nil {
		return err
	}
	path, err := writeSigned(x.Out, "sluis-uitzonderingen.json", signed)
	if err != nil {
		return err
	}
	s.say("%d rows that are no patient are listed and signed in %s", n, path)
	s.say("Both approvers see how many there are. A row that is rejected later is not on the list: then sign again")
	return nil
}

func writeSigned(folder, name string, signed conversion.Signed) (string, error) {
	raw, err := json.MarshalIndent(signed, "", "  ")
	if err != nil {
		return "", err
	}
	return newFile(folder, name, append(raw, '\n'))
}

// eraseCommand asks for the erasure of the old table, and does it once it is approved.
type eraseCommand struct {
	conversionFlags
	Way       string   `enum:"new,inplace," default:"" help:"new: the old database is destroyed as a whole (recommended). inplace: its columns are overwritten and dropped."`
	Destroyed bool     `help:"With new: its owner has destroyed the old database, and the checklist is done."`
	Out       string   `default:"." placeholder:"DIR" help:"Folder for the proof, or for the script."`
	Canaries  string   `placeholder:"FILE" help:"Planted names, a line each, to look for as well."`
	Also      []string `placeholder:"PATH" help:"More files or folders to look into, such as backups and logs."`
	Registry  string   `default:"" help:"Name of the registry, for the proof."`
}

// proofFlags returns the flags about the proof that the operator gave. The printed
// commands repeat them, because nothing remembers them.
func (x eraseCommand) proofFlags() []string {
	var out []string
	if x.Out != "." {
		out = append(out, "--out", x.Out)
	}
	if x.Canaries != "" {
		out = append(out, "--canaries", x.Canaries)
	}
	for _, path := range x.Also {
		out = append(out, "--also", path)
	}
	if x.Registry != "" {
		out = append(out, "--registry", x.Registry)
	}
	return out
}

// Run does the next step of the erasure: it asks for approval, or does what was approved.
func (x eraseCommand) Run(ctx context.Context, c console) error {
	s, err := x.open(ctx, c, need{mayBeGone: true, mapping: conversion.LastMapping})
	if err != nil {
		return err
	}
	defer s.close()
	way := conversion.Way(x.Way)
	g, err := s.gate(ctx, way)
	if err != nil {
		return err
	}
	e := oldtable.NewEraser(s.store, s.who)
	step, g := oldtable.NextStep(g, way, s.table != nil && s.table.Path() != "")
	switch step {
	case oldtable.StepNone:
		s.say("The old table was erased on %s. Next: %s", words.Moment(g.Erasure.ErasedAt), s.command("prove", x.proofFlags()...))
		return nil
	case oldtable.StepAsk:
		return x.ask(ctx, s, e, g)
	case oldtable.StepRefused:
		s.printRefusals(g.Refusals())
		return attend("nothing is erased")
	case oldtable.StepHandOver:
		return x.handOver(ctx, s, e, g)
	case oldtable.StepScript:
		return x.script(ctx, s, e, g)
	default:
		return x.inPlace(ctx, s, e, g)
	}
}

// gate returns the state of the erasure, even if the old table is gone.
func (s *session) gate(ctx context.Context, way conversion.Way) (conversion.Gate, error) {
	if s.conv != nil {
		return s.conv.Gate(ctx, conversion.Public(s.key), way)
	}
	return conversion.LoadGate(ctx, s.store, conversion.Public(s.key), way, time.Now())
}

func (s *session) printRefusals(list []conversion.Refusal) {
	for _, r := range list {
		var args []any
		for k, v := range r.Args {
			if k == "role" {
				v = words.T("role." + v)
			}
			args = append(args, k, v)
		}
		s.say("! %s", words.T("existing.refusal."+r.Code, args...))
	}
}

// ask asks two people for their approval, if nothing else prevents the erasure.
func (x eraseCommand) ask(ctx context.Context, s *session, e *oldtable.Eraser, g conversion.Gate) error {
	if !g.Way.Valid() {
		return errors.New("say how: --way new (recommended), or --way inplace")
	}
	if why := g.Refusals(); len(why) > 0 {
		s.printRefusals(why)
		return attend("nobody was asked for approval")
	}
	if err := e.Ask(ctx, g); err != nil {
		return err
	}
	s.say("The erasure is asked for. Two people approve it on the console, /migratie: a data manager and an administrator, " +
		"each by typing the number of every centre.")
	s.say("Then: %s", s.command("erase", x.proofFlags()...))
	return attend("waiting for two approvals")
}

// handOver prints the checklist for the owner of the old database or, with --destroyed,
// records that the database is destroyed.
func (x eraseCommand) handOver(ctx context.Context, s *session, e *oldtable.Eraser, g conversion.Gate) error {
	if !x.Destroyed {
		if err := e.Begin(ctx, g); err != nil {
			return err
		}
		s.say("Approved. The old database is destroyed by its owner. Checklist:")
		for i := 1; words.Has(fmt.Sprintf("existing.checklist.%d", i)); i++ {
			s.say("  [ ] %d. %s", i, words.T(fmt.Sprintf("existing.checklist.%d", i)))
		}
		s.say("Then: %s", s.command("erase", append([]string{"--destroyed"}, x.proofFlags()...)...))
		return nil
	}
	path, isFile := strings.CutPrefix(s.cfg.OldTable.Reveal(), "sqlite:")
	if !isFile {
		path = ""
	}
	err := e.RecordDestroyed(ctx, g, path)
	if errors.Is(err, oldtable.ErrNotDestroyed) {
		return attention{err}
	}
	if err != nil {
		return err
	}
	s.say("Recorded: the old database is destroyed.")
	return nil
}

// script writes the script that a database administrator runs on SQL Server. If the
// columns are gone, it records that the script was run.
func (x eraseCommand) script(ctx context.Context, s *session, e *oldtable.Eraser, g conversion.Gate) error {
	dropped, err := e.RecordDropped(ctx, g, s.table)
	if err != nil {
		return err
	}
	if len(dropped) > 0 {
		s.say("The columns %s are gone: recorded. Next: %s", strings.Join(dropped, ", "), s.command("prove", x.proofFlags()...))
		return nil
	}
	text, err := oldstore.Script(s.mapping)
	if err != nil {
		return err
	}
	path, err := newFile(x.Out, "sluis-wissen.sql", []byte(text))
	if err != nil {
		return err
	}
	if err := e.Begin(ctx, g); err != nil {
		return err
	}
	s.say("Approved. A database administrator runs %s, step by step; it says what it cannot reach.", path)
	s.say("Before that, while the names can still be looked for: %s", s.command("prove", x.proofFlags()...))
	s.say("After it: %s", s.command("erase", x.proofFlags()...))
	return nil
}

// inPlace erases a SQLite table and proves it in the same command: afterwards nobody
// knows any more which names to look for.
func (x eraseCommand) inPlace(ctx context.Context, s *session, e *oldtable.Eraser, g conversion.Gate) error {
	p, err := s.prover(ctx, g, proofOf{x.Canaries, x.Also, x.Registry, !g.Erasure.StartedAt.IsZero()})
	if err != nil {
		return err
	}
	s.lookBefore(p)
	where := s.cfg.OldTable.Reveal()
	if x.OldTable == "" && s.cfg.EraseOldTable.IsSet() {
		where = s.cfg.EraseOldTable.Reveal()
	}
	if err := s.table.Close(); err != nil { // nothing else may have the file open
		return err
	}
	done, g, err := e.InPlace(ctx, g, func(ctx context.Context) (oldtable.Erased, error) {
		return oldstore.EraseSQLite(ctx, where, s.mapping, s.say)
	})
	if err != nil {
		return err
	}
	s.say("dropped columns: %s; indexes: %s; left, and empty: %s", list(done.Dropped), list(done.Indexes), list(done.Left))
	p.Erased(g)
	return s.prove(ctx, p, x.Out)
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// checkProofCommand checks the signature of a proof or an exception.
type checkProofCommand struct {
	File string `arg:"" help:"The signed JSON."`
	Key  string `required:"" placeholder:"FILE" help:"The registry's proof-key.pem or proof-key.pem.pub, next to its keyring."`
}

// Run says whether the signature is in order.
func (x checkProofCommand) Run(c console) error {
	raw, err := os.ReadFile(x.File)
	if err != nil {
		return err
	}
	signed, err := conversion.ReadSigned(raw)
	if err != nil {
		return err
	}
	key, err := conversion.PublicKey(x.Key)
	if err != nil {
		return err
	}
	if err := signed.Open(key, nil); err != nil {
		return fmt.Errorf("NOT in order: %w", err)
	}
	fmt.Fprintln(c.out, "In order: the document is as this registry signed it.")
	return nil
}

// readLines returns the lines of a file that are not blank.
func readLines(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" {
			out = append(out, line)
		}
	}
	return out, lines.Err()
}
