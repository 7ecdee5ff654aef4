package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"sluis/internal/conversion"
	"sluis/internal/delivery"
	"sluis/internal/importer/oldtable"
	"sluis/internal/server/report"
	oldstore "sluis/internal/store/oldtable"
	"sluis/web/text"
)

// words are the English texts of the codes that commands and pages share.
var words = text.For("en")

// sampleCommand makes a table to rehearse with.
type sampleCommand struct {
	Rows     int      `default:"1000" help:"How many rows."`
	DB       string   `required:"" placeholder:"FILE" help:"SQLite file to make; it must not be there."`
	Seed     uint64   `default:"1" help:"The same seed and number of rows make the same table."`
	Centre   []string `default:"2809,2810" help:"Numbers of the centres."`
	Canaries string   `placeholder:"FILE" help:"Also write the names that were planted, a line each, for prove --canaries."`
}

// Run makes the table, and says how many rows have which fault.
func (x sampleCommand) Run(ctx context.Context, c console) error {
	if x.Rows < 1 || x.Rows > 10_000_000 {
		return errors.New("--rows must be from 1 to 10,000,000")
	}
	s := oldtable.NewSample(x.Seed, x.Centre, time.Date(time.Now().Year(), 1, 1, 0, 0, 0, 0, time.UTC))
	if err := oldstore.WriteSample(ctx, x.DB, s, x.Rows); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s: table patient with %s rows of centres %s, seed %d\n",
		x.DB, words.Number(x.Rows), strings.Join(x.Centre, ", "), x.Seed)
	var names []string
	for name := range s.Faults {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(c.out, "  %-18s %7s\n", name, words.Number(s.Faults[name]))
	}
	if x.Canaries != "" {
		if err := os.WriteFile(x.Canaries, []byte(strings.Join(s.Canaries, "\n")+"\n"), 0o600); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s planted names are in %s\n", words.Number(len(s.Canaries)), x.Canaries)
	}
	fmt.Fprintln(c.out, "Next, with your own address for EMAIL:",
		shellLine([]string{"web", "existing", "plan", "--as", "EMAIL", "--source", "sqlite:" + x.DB, "--number", "patientnummer"}))
	return nil
}

// planCommand counts what is in the old table and what would fail.
type planCommand struct {
	conversionFlags
	NoProbe bool `help:"Do not exchange a hundred rows to measure the TTP."`
	Rate    int  `help:"Rows a second that the run will be held to; for the estimate."`
}

// Run prints the plan, and the first command of a rehearsal if nothing prevents it.
func (x planCommand) Run(ctx context.Context, c console) error {
	s, err := x.open(ctx, c, need{ttp: true, mapping: toRun(delivery.Save)})
	if err != nil {
		return err
	}
	defer s.close()
	p, err := s.conv.Plan(ctx, oldtable.Probe{Skip: x.NoProbe, Rate: x.Rate})
	if err != nil {
		return err
	}
	s.printPlan(p)
	if p.Numbered == "undecided" {
		if err := s.askNumber(ctx); err != nil {
			return err
		}
	}
	for _, code := range p.Blockers() {
		s.say("! %s", words.T("existing.blocker."+code))
	}
	if len(p.Blockers()) > 0 {
		return attend("no run can begin as it is")
	}
	s.say("A rehearsal stores nothing of the rows but their outcomes: try a hundred of each centre, and then all of them without --rows.")
	s.say("Next: %s", s.command("run", append([]string{"--rehearse", "--rows", "100"}, rateFlag(x.Rate)...)...))
	return nil
}

// rateFlag returns --rate with its value, or nothing if the operator chose no pace.
func rateFlag(rate int) []string {
	if rate <= 0 {
		return nil
	}
	return []string{"--rate", strconv.Itoa(rate)}
}

func (s *session) printPlan(p conversion.Plan) {
	s.say("%s: %s rows", p.Table, words.Number(p.Rows))
	for _, x := range p.Centres {
		note := ""
		if !x.Known {
			note = "  no centre of Sluis: these rows will be listed as rejected (web centre add, or \"centres\" in the mapping)"
		}
		s.say("  centre %-8s %9s%s", x.Centre, words.Number(x.Rows), note)
	}
	s.say("keys empty or too long %d, keys that occur twice %d", p.KeyEmpty, p.KeyTwice)
	if p.Numbered == "column" {
		s.say("patient number empty %d (kept without one), numbers that occur twice in a centre %d", p.NumberEmpty, p.NumberTwice)
	}
	s.say("people who seem to occur twice in a centre %d", p.PersonTwice)
	for _, n := range p.Notes {
		s.say("  %s", report.Note(words, n))
	}
	for _, t := range p.Local {
		s.say("  %7s  %s", words.Number(t.Count), findingText(t.Code, t.Field, ""))
	}
	if p.Probe > 0 {
		took := time.Duration(float64(p.Rows)/p.RowsPerSecond) * time.Second
		s.say("%d rows were exchanged at the TTP, which refused %d; at this pace, %.0f rows a second, all of them take about %s",
			p.Probe, p.ProbeRefused, p.RowsPerSecond, words.Duration(took))
	}
}

// findingText returns the text of a finding: the TTP's own words if there are any,
// otherwise ours by the code.
func findingText(code, field, message string) string {
	if message != "" {
		return fmt.Sprintf("%s (TTP %s)", message, code)
	}
	out := words.T("finding." + code)
	if field != "" && words.Has("field."+field) {
		out = words.T("field."+field) + ": " + out
	}
	return out
}

// askNumber asks which column has the hospital's own number. It shows only the shapes of
// the values, such as "aa9999".
func (s *session) askNumber(ctx context.Context) error {
	s.say("\nWhich column holds the hospital's own patient number? The mapping does not say so. " +
		"Other columns, by the shape of their first values (a letter, 9 digit):")
	spares, err := s.conv.Spares(ctx, 3)
	if err != nil {
		return err
	}
	for _, x := range spares {
		var shapes []string
		for _, e := range x.Shapes {
			shapes = append(shapes, fmt.Sprintf("%s: %q", e[0], e[1]))
		}
		s.say("  %-20s %s", x.Column, strings.Join(shapes, ", "))
	}
	s.say("Say --number COLUMN; or --no-number: then patients are kept without one, " +
		"and the first delivery with the same pseudonym brings it.")
	return nil
}

// runCommand converts the old table, or rehearses that.
type runCommand struct {
	conversionFlags
	Rehearse bool     `help:"Only find out what would become of the rows: nothing is stored of them."`
	Rows     int      `help:"With --rehearse: so many rows of each centre, spread evenly."`
	Centre   []string `help:"Read only these centres now; the others another time."`
	Rate     int      `help:"So many rows a second at most; 0: as fast as it goes."`
	Again    bool     `help:"Read the table once more, though all of it was converted: for rows that came later."`
}

// Run reads the table and waits until all its rows are stored.
func (x runCommand) Run(ctx context.Context, c console) error {
	if x.Rows < 0 || x.Rows > 100_000 || x.Rows > 0 && !x.Rehearse {
		return errors.New("--rows is for --rehearse, from 1 to 100,000")
	}
	mode := delivery.Save
	if x.Rehearse {
		mode = delivery.Check
	}
	s, err := x.open(ctx, c, need{ttp: true, mapping: toRun(mode)})
	if err != nil {
		return err
	}
	defer s.close()
	served, err := s.lockDatabase(ctx)
	if err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	var workers sync.WaitGroup
	if served {
		s.say("the service is at work on this database: it resolves and stores what is read here")
	} else {
		workers.Go(func() { s.pipe.workers.Run(working) })
	}
	began := time.Now()
	run, err := s.conv.Run(ctx, oldtable.How{Rehearse: x.Rehearse, Sample: x.Rows, Centres: x.Centre, Again: x.Again, Rate: x.Rate})
	stop()
	workers.Wait()
	if errors.Is(err, oldtable.ErrDone) {
		s.say("%s", oldtable.ErrDone)
		return nil
	}
	if err != nil {
		return err
	}
	return s.report(run, x, time.Since(began))
}

// report prints the outcomes of a run, and the next command.
func (s *session) report(run conversion.Run, x runCommand, took time.Duration) error {
	confirm, failed, waiting := 0, 0, 0
	for _, c := range run.Centres {
		if c.Delivery == nil {
			waiting++
			s.say("centre %-8s not read yet", c.CentreNumber)
			continue
		}
		n := c.Counts(run.Mode)
		s.say("centre %-8s read %s, new %s, changed %s, the same %s, rejected %s, to be judged %s (%s)", c.CentreNumber,
			words.Number(n.Read), words.Number(n.Created), words.Number(n.Updated), words.Number(n.Unchanged),
			words.Number(n.Rejected), words.Number(n.Review), c.Delivery.State)
		switch c.Delivery.State {
		case delivery.Confirm:
			confirm++
		case delivery.Failed, delivery.Cancelled:
			failed++
		}
	}
	if run.Strays > 0 {
		s.say("rows of no known centre: %s, rejected", words.Number(run.Strays))
	}
	n := run.Counts()
	s.say("%s of %s rows in %s", words.Number(n.Stored()), words.Number(run.Total), took.Round(time.Second))
	switch {
	case confirm > 0:
		return attend("in %d centres so many rows would be rejected that a person must say whether to go on: "+
			"on the console, /migratie; then run this again", confirm)
	case failed > 0:
		return attend("%d centres were not stored: run this again, it starts them anew", failed)
	case waiting > 0:
		return attend("%d centres were not read: run this again for them", waiting)
	case run.Mode == delivery.Check:
		s.say("Look at the rejected rows on the console, /migratie.")
		s.say("Next: %s", s.command("run", rateFlag(x.Rate)...))
		return nil
	}
	s.say("Mend the rejected rows and judge the conflicts, on the console (/migratie).")
	s.say("Next: %s", s.command("verify"))
	if n.Rejected+n.Review+run.Strays > 0 {
		return attend("rejected %d, to be judged %d", n.Rejected+run.Strays, n.Review)
	}
	return nil
}

// stopCommand ends a run.
type stopCommand struct {
	conversionFlags
	Rehearsal bool `help:"The rehearsal that is under way."`
}

// Run ends the run; the patients that it stored stay.
func (x stopCommand) Run(ctx context.Context, c console) error {
	mode := delivery.Save
	if x.Rehearsal {
		mode = delivery.Check
	}
	s, err := x.open(ctx, c, need{mapping: toRun(mode)})
	if err != nil {
		return err
	}
	defer s.close()
	if _, err := s.lockDatabase(ctx); err != nil {
		return err
	}
	run, err := s.conv.Stop(ctx, x.Rehearsal)
	if err != nil {
		return err
	}
	s.say("run %s is ended; what was stored by it stays", run.PublicID)
	return nil
}
