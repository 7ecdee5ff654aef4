package oldtable

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode"

	"sluis/internal/conversion"
	"sluis/internal/delivery"
	"sluis/internal/importer/census"
	"sluis/internal/importer/intake"
	"sluis/internal/patient"
	"sluis/internal/value"
)

// probeRows is how many rows are exchanged to measure.
const probeRows = 100

// Probe says how a plan measures the TTP.
type Probe struct {
	Skip bool
	Rate int // rows a second to which the run will be limited; 0: no limit
}

// Plan returns what the old table holds and what Sluis itself would reject of it, and how
// long a run takes, measured at the TTP with a hundred rows. It reads every row once and
// stores only what it found.
func (c *Conversion) Plan(ctx context.Context, how Probe) (conversion.Plan, error) {
	p := conversion.Plan{Table: c.table.Label(), Numbered: "undecided", Mapping: &c.mapping}
	if numbered, known := c.mapping.Numbered(); known && numbered {
		p.Numbered = "column"
	} else if known {
		p.Numbered = "none"
	}
	f, err := c.table.Facts(ctx)
	if err != nil {
		return p, err
	}
	p.Rows, p.KeyEmpty, p.KeyTwice = f.Rows, f.KeyEmpty, f.KeyTwice
	p.NumberEmpty, p.NumberTwice, p.PersonTwice = f.NumberEmpty, f.NumberTwice, f.PersonTwice
	centres, strays, err := c.sort(ctx)
	if err != nil {
		return p, err
	}
	p.StrayRows = strays.rows
	if p.KeyEmpty == 0 && p.KeyTwice == 0 {
		if err := c.countFindings(ctx, &p, centres); err != nil {
			return p, err
		}
	}
	for _, x := range centres {
		p.Centres = append(p.Centres, conversion.CentrePlan{Centre: x.centre.Number, Known: true, Rows: x.rows})
	}
	if err := c.strayCentres(ctx, &p); err != nil {
		return p, err
	}
	if !how.Skip && len(p.Blockers()) == 0 && len(centres) > 0 {
		if err := c.probe(ctx, &p, centres, how.Rate); err != nil {
			return p, err
		}
	}
	return p, c.keep(ctx, conversion.KindPlan, 0, len(p.Blockers()) == 0, p)
}

// keep stores a report.
func (c *Conversion) keep(ctx context.Context, kind conversion.Kind, runID int64, clean bool, document any) error {
	raw, err := json.Marshal(document)
	if err != nil {
		return err
	}
	_, err = c.store.AddReport(ctx, c.who, conversion.Report{Kind: kind, RunID: runID, Clean: clean, Document: string(raw)})
	return err
}

// strayCentres adds the values in the centre's column that are no centre of Sluis. Only a
// short number is shown as it is: a column that has shifted may hold a name.
func (c *Conversion) strayCentres(ctx context.Context, p *conversion.Plan) error {
	groups, err := c.table.Groups(ctx)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, x := range p.Centres {
		known[x.Centre] = true
	}
	shown := map[string]int{}
	for _, g := range groups {
		if !known[c.mapping.CentreOf(g.Value)] {
			shown[shape(g.Value)] += g.Rows
		}
	}
	for value, rows := range shown {
		p.Centres = append(p.Centres, conversion.CentrePlan{Centre: value, Rows: rows})
	}
	slices.SortStableFunc(p.Centres, func(a, b conversion.CentrePlan) int {
		if a.Known != b.Known {
			return map[bool]int{true: -1, false: 1}[a.Known]
		}
		return cmp.Compare(a.Centre, b.Centre)
	})
	return nil
}

// shape returns a short number as it is, and anything else masked.
func shape(s string) string {
	runes := []rune(s)
	digits := !slices.ContainsFunc(runes, func(r rune) bool { return r < '0' || r > '9' })
	switch {
	case s == "":
		return "-"
	case digits && len(runes) <= 6:
		return s
	}
	return masked(s)
}

// masked returns a for each letter, 9 for each digit and a dot for anything else: "aa.9999".
func masked(s string) string {
	runes := []rune(s)
	for i, r := range runes {
		switch {
		case unicode.IsLetter(r):
			runes[i] = 'a'
		case unicode.IsDigit(r):
			runes[i] = '9'
		default:
			runes[i] = '.'
		}
	}
	return string(runes[:min(len(runes), 20)])
}

// countFindings reads every row, and counts what Sluis itself finds wrong with it.
func (c *Conversion) countFindings(ctx context.Context, p *conversion.Plan, centres []centreRows) error {
	counts := map[conversion.Tally]int{}
	counted := census.New(value.NoEpoch, c.now())
	for _, x := range centres {
		k := c.intake.Known(x.centre)
		err := c.each(ctx, x.values, "", func(line int, r Row) {
			row := check(k, line, r)
			counted.Count(value.Text(r.cell(Number)), value.Visible(value.Text(r.cell(Birth))), value.Visible(value.Text(r.cell(Sex))))
			for _, f := range row.Findings {
				counts[conversion.Tally{Code: f.Code, Field: f.Field}]++
			}
		})
		if err != nil {
			return err
		}
	}
	p.BSN = len(counted.BSNs()) > 0
	c.addColumns(p, counted)
	for t, n := range counts {
		t.Count = n
		p.Local = append(p.Local, t)
	}
	slices.SortFunc(p.Local, func(a, b conversion.Tally) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Field, b.Field))
	})
	return nil
}

// addColumns adds what the columns prove as a whole. Every row is read with the day first,
// or as an ISO date: a table that proves another order is not read at all.
func (c *Conversion) addColumns(p *conversion.Plan, counted census.Census) {
	names := delivery.Columns{delivery.FieldBirthDate: c.mapping.Birth, delivery.FieldSex: c.mapping.Sex}
	p.Doubts = counted.Doubts(names, "")
	for _, note := range counted.Notes(names, "") {
		if note.Code == "DATES_MONTH_FIRST" || note.Code == "DATES_YEAR_DAY_MONTH" {
			p.Doubts = append(p.Doubts, note)
		} else {
			p.Notes = append(p.Notes, note)
		}
	}
}

// each calls f with every row of a centre. It reads a page at a time.
func (c *Conversion) each(ctx context.Context, v Values, after string, f func(line int, r Row)) error {
	for line := 1; ; {
		rows, err := c.table.Rows(ctx, v, after, c.chunkRows)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			f(line, r)
			line++
		}
		after = rows[len(rows)-1].Key
	}
}

// probe exchanges some rows, spread over the largest centre, to estimate how long all rows
// will take.
func (c *Conversion) probe(ctx context.Context, p *conversion.Plan, centres []centreRows, rate int) error {
	x := slices.MaxFunc(centres, func(a, b centreRows) int { return cmp.Compare(a.rows, b.rows) })
	keys, err := c.spread(ctx, x.values, x.rows, probeRows)
	if err != nil {
		return err
	}
	rows, err := c.table.ByKeys(ctx, keys)
	if err != nil {
		return err
	}
	k := c.intake.Known(x.centre)
	checked := make([]intake.KnownRow, len(rows))
	for i, r := range rows {
		checked[i] = check(k, i+1, r)
	}
	began := c.now()
	exchange, findings, err := k.Prepare(ctx, rand.Text(), checked)
	if err != nil {
		return fmt.Errorf("the TTP was asked about %d rows: %w", len(rows), err)
	}
	prepared := c.now()
	if err := c.other.Probe(ctx, exchange); err != nil {
		return fmt.Errorf("the TTP was asked about %d temporary pseudonyms: %w", len(exchange), err)
	}
	resolved := c.now()
	for _, f := range findings {
		if f.Severity == patient.Fatal {
			p.ProbeRefused++
		}
	}
	// A run prepares and resolves at the same time: the slower of the two sets the pace.
	slowest := max(prepared.Sub(began), resolved.Sub(prepared), time.Millisecond)
	p.Probe, p.RowsPerSecond = len(rows), float64(len(rows))/slowest.Seconds()
	if rate > 0 {
		p.RowsPerSecond = min(p.RowsPerSecond, float64(rate))
	}
	return nil
}

// spread picks n keys of a centre, evenly over all of them. It picks the same ones every
// time, as long as the table does not change.
func (c *Conversion) spread(ctx context.Context, v Values, rows, n int) ([]string, error) {
	n = min(n, rows)
	out := make([]string, 0, n)
	after := ""
	for i := 0; len(out) < n; {
		keys, err := c.table.Keys(ctx, v, after, 5000)
		if err != nil || len(keys) == 0 {
			return out, err
		}
		for _, k := range keys {
			if len(out) < n && i >= len(out)*rows/n {
				out = append(out, k)
			}
			i++
		}
		after = keys[len(keys)-1]
	}
	return out, nil
}

// Spare is a column of the table that the mapping does not name, with the shapes
// of a few of its values by their keys.
type Spare struct {
	Column string
	Shapes [][2]string
}

// Spares returns the columns that might be the hospital's own patient number, with masked
// examples.
func (c *Conversion) Spares(ctx context.Context, n int) ([]Spare, error) {
	columns, err := c.table.Unmapped(ctx)
	if err != nil {
		return nil, err
	}
	var out []Spare
	for _, column := range columns {
		rows, err := c.table.Some(ctx, column, n)
		if err != nil {
			return nil, err
		}
		s := Spare{Column: column}
		for _, r := range rows {
			s.Shapes = append(s.Shapes, [2]string{r.Key, masked(r.cell(0))})
		}
		out = append(out, s)
	}
	return out, nil
}

// mode returns Check for a rehearsal and Save for a conversion.
func mode(rehearse bool) delivery.Mode {
	if rehearse {
		return delivery.Check
	}
	return delivery.Save
}
