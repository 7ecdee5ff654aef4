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

	"sluis/internal/apperr"
	"sluis/internal/conversion"
	"sluis/internal/store/oldtable"
)

// exceptCommand signs the list of rows that may be lost.
type exceptCommand struct {
	conversionFlags
	Why string `required:"" help:"Why these rows may be lost with the source."`
	Out string `default:"." placeholder:"DIR" help:"Folder for the signed list."`
}

// Run signs it.
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
	s.say("Both approvers see how many there are. A row that is rejected later is not in it: then sign again")
	return nil
}

func writeSigned(folder, name string, signed conversion.Signed) (string, error) {
	raw, err := json.MarshalIndent(signed, "", "  ")
	if err != nil {
		return "", err
	}
	return newFile(folder, name, append(raw, '\n'))
}

// eraseCommand asks for the erasure, and does it.
type eraseCommand struct {
	conversionFlags
	Way       string   `enum:"new,inplace," default:"" help:"new: the old database is destroyed as a whole (recommended). inplace: its columns are overwritten and dropped."`
	Destroyed bool     `help:"With new: its owner has destroyed the old database, and the checklist is done."`
	Out       string   `default:"." placeholder:"DIR" help:"Folder for the proof, or for the script."`
	Canaries  string   `placeholder:"FILE" help:"Planted names, a line each, to look for as well."`
	Also      []string `placeholder:"PATH" help:"More files or folders to look into, such as backups and logs."`
	Registry  string   `default:"" help:"Name of the registry, for the proof."`
}

// proofFlags are the flags about the proof that the operator gave: the printed commands
// repeat them, because nothing remembers them.
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

// Run goes one step further: it asks, or does what was approved.
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
	if g.Erasure != nil && !g.Erasure.ErasedAt.IsZero() {
		s.say("The source was erased on %s. Next: %s", words.Moment(g.Erasure.ErasedAt), s.command("prove", x.proofFlags()...))
		return nil
	}
	if g.Erasure == nil || way != "" && way != g.Erasure.Way {
		return x.ask(ctx, s, g, way)
	}
	g.Way = g.Erasure.Way
	if g.Way == conversion.InPlace && !g.Erasure.StartedAt.IsZero() {
		g.Rows = -1 // what is half erased is not counted: it was when it began
	}
	if why := g.Refusals(); len(why) > 0 {
		s.printRefusals(why)
		return attend("nothing is erased")
	}
	switch {
	case g.Way == conversion.NewDatabase:
		return x.handOver(ctx, s, g)
	case s.table.Path() == "":
		return x.script(ctx, s, g)
	}
	return x.inPlace(ctx, s, g)
}

// gate is conv.Gate, also where the source is gone.
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

// ask asks two people for their approval, where everything else is as it must be.
func (x eraseCommand) ask(ctx context.Context, s *session, g conversion.Gate, way conversion.Way) error {
	if !way.Valid() {
		return errors.New("say how: --way new (recommended), or --way inplace")
	}
	g.Way, g.Erasure = way, nil
	if why := g.Refusals(); len(why) > 0 {
		s.printRefusals(why)
		return attend("nobody was asked for approval")
	}
	report, _, err := s.store.LatestReport(ctx, conversion.KindCheck, g.Run.ID)
	if err != nil {
		return err
	}
	e := conversion.Erasure{RunID: g.Run.ID, Way: way, CheckID: report.ID}
	if g.Exception != nil && len(g.Open) > 0 {
		exception, _, err := s.store.LatestReport(ctx, conversion.KindException, g.Run.ID)
		if err != nil {
			return err
		}
		e.ExceptionID = exception.ID
	}
	if _, err := s.store.AskErasure(ctx, s.who, e); apperr.KindOf(err) == apperr.Conflict {
		return errors.New("the source is being erased already: run this without --way")
	} else if err != nil {
		return err
	}
	s.say("The erasure is asked for. Two people approve it on the console, /migratie: a data manager and an administrator, each by typing the number of every centre.")
	s.say("Then: %s", s.command("erase", x.proofFlags()...))
	return attend("waiting for two approvals")
}

// handOver prints the checklist for the owner of the old database, and records
// when it is done.
func (x eraseCommand) handOver(ctx context.Context, s *session, g conversion.Gate) error {
	if !x.Destroyed {
		if err := s.store.BeginErasure(ctx, g.Erasure.ID); err != nil {
			return err
		}
		s.say("Approved. The old database is destroyed by its owner. Checklist:")
		for i := 1; words.Has(fmt.Sprintf("existing.checklist.%d", i)); i++ {
			s.say("  [ ] %d. %s", i, words.T(fmt.Sprintf("existing.checklist.%d", i)))
		}
		s.say("Then: %s", s.command("erase", append([]string{"--destroyed"}, x.proofFlags()...)...))
		return nil
	}
	if path, isFile := strings.CutPrefix(s.cfg.OldTable.Reveal(), "sqlite:"); isFile {
		for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
			if _, err := os.Stat(path + suffix); err == nil {
				return attend("%s is still there: it is not destroyed", path+suffix)
			}
		}
	}
	if err := s.store.FinishErasure(ctx, s.who, *g.Erasure); err != nil {
		return err
	}
	s.say("Recorded: the old database is destroyed.")
	return nil
}

// script writes what a database administrator must run on SQL Server, and sees
// whether it was.
func (x eraseCommand) script(ctx context.Context, s *session, g conversion.Gate) error {
	gone, left, err := s.table.Gone(ctx)
	if err != nil {
		return err
	}
	if len(left) == 0 && len(gone) > 0 {
		if err := s.store.FinishErasure(ctx, s.who, *g.Erasure); err != nil {
			return err
		}
		s.say("The columns %s are gone: recorded. Next: %s", strings.Join(gone, ", "), s.command("prove", x.proofFlags()...))
		return nil
	}
	text, err := oldtable.Script(s.mapping)
	if err != nil {
		return err
	}
	path, err := newFile(x.Out, "sluis-wissen.sql", []byte(text))
	if err != nil {
		return err
	}
	if err := s.store.BeginErasure(ctx, g.Erasure.ID); err != nil {
		return err
	}
	s.say("Approved. A database administrator runs %s, step by step; it says what it cannot reach.", path)
	s.say("Before that, while the names can still be looked for: %s", s.command("prove", x.proofFlags()...))
	s.say("After it: %s", s.command("erase", x.proofFlags()...))
	return nil
}

// inPlace erases a SQLite source and proves it in one go: afterwards nobody knows
// any more which names to look for.
func (x eraseCommand) inPlace(ctx context.Context, s *session, g conversion.Gate) error {
	p := prover{session: s, gate: g, out: x.Out, also: x.Also, registry: x.Registry, partly: !g.Erasure.StartedAt.IsZero()}
	if err := p.learn(ctx, x.Canaries); err != nil {
		return err
	}
	p.lookBefore()
	where := s.cfg.OldTable.Reveal()
	if x.OldTable == "" && s.cfg.EraseOldTable.IsSet() {
		where = s.cfg.EraseOldTable.Reveal()
	}
	if err := s.table.Close(); err != nil { // the file must be ours alone
		return err
	}
	if err := s.store.BeginErasure(ctx, g.Erasure.ID); err != nil {
		return err
	}
	done, err := oldtable.EraseSQLite(ctx, where, s.mapping, s.say)
	if err != nil {
		return fmt.Errorf("the erasure is not done, and may be run again: %w", err)
	}
	s.say("dropped columns: %s; indexes: %s; left, and empty: %s", list(done.Dropped), list(done.Indexes), list(done.Left))
	if err := s.store.FinishErasure(ctx, s.who, *g.Erasure); err != nil {
		return err
	}
	e, _, err := s.store.ErasureOf(ctx, g.Run.ID)
	if err != nil {
		return err
	}
	p.gate.Erasure = &e
	return p.prove(ctx, true)
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// checkProofCommand checks a signature.
type checkProofCommand struct {
	File string `arg:"" help:"The signed JSON."`
	Key  string `required:"" placeholder:"FILE" help:"The registry's proof-key.pem or proof-key.pem.pub, beside its keyring."`
}

// Run checks it.
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

// readLines reads a file of a name a line.
func readLines(path string, each func(string)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" {
			each(line)
		}
	}
	return lines.Err()
}
