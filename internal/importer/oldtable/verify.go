package oldtable

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"sluis/internal/account"
	"sluis/internal/conversion"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake"
	"sluis/internal/patient"
)

// ErrNoRun is returned if nothing was converted yet.
var ErrNoRun = errors.New("nothing was converted yet: see `web existing run`")

// Verify compares the old table with the registry: every key once, every display set, and
// a second exchange of a random sample. It stores only its findings, so that it can be
// repeated at will.
func (c *Conversion) Verify(ctx context.Context, sample int) (conversion.Check, error) {
	var out conversion.Check
	run, there, err := c.store.LatestRun(ctx, delivery.Save)
	if err != nil {
		return out, err
	}
	if !there {
		return out, ErrNoRun
	}
	centres, strays, err := c.sort(ctx)
	if err != nil {
		return out, err
	}
	v := &verifier{Conversion: c, run: run, out: &out, sample: sample}
	for _, x := range centres {
		if err := v.centre(ctx, x); err != nil {
			return out, fmt.Errorf("centre %s: %w", x.centre.Number, err)
		}
	}
	if err := v.strays(ctx, strays); err != nil {
		return out, err
	}
	rows, patients, err := c.store.RunRows(ctx, run.ID)
	if err != nil {
		return out, err
	}
	out.Patients = patients
	// Rows of the run that the table no longer has: everything else was met above.
	for range rows - v.met {
		out.Add(conversion.Problem{Code: "ROW_FOREIGN"})
	}
	for _, x := range run.Centres {
		if !x.Whole(delivery.Save) {
			out.Unfinished++
		}
	}
	if err := v.again(ctx, centres); err != nil {
		return out, err
	}
	return out, c.keep(ctx, conversion.KindCheck, run.ID, out.Clean(), out)
}

// verifier is the work of one verification.
type verifier struct {
	*Conversion
	run      conversion.Run
	out      *conversion.Check
	finished time.Time // when the run stored the last row of the centre at hand
	met      int       // rows of the table that the run has read
	sample   int
	seen     int            // rows that could be in the sample
	picked   []picked       // a reservoir: each row had the same chance
	counts   patient.Counts // of the centre at hand
}

type picked struct {
	centre int64
	key    string
}

// centre walks over the rows of one centre, without reading a name.
func (v *verifier) centre(ctx context.Context, x centreRows) error {
	v.counts, v.finished = patient.Counts{}, time.Time{}
	for _, r := range v.run.Centres {
		if r.CentreID == x.centre.ID && r.Delivery != nil {
			v.finished = r.Delivery.FinishedAt
		}
	}
	known := v.intake.Known(x.centre)
	after := ""
	for line := 1; ; {
		rows, err := v.table.Displays(ctx, x.values, after, v.chunkRows)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			break
		}
		keys := make([]string, len(rows))
		for i, r := range rows {
			keys[i] = r.Key
		}
		where, err := v.store.Where(ctx, v.run.ID, keys)
		if err != nil {
			return err
		}
		for _, r := range rows {
			v.row(x.centre.ID, check(known, line, r), where)
			line++
		}
		after = keys[len(keys)-1]
	}
	v.out.Centres = append(v.out.Centres, conversion.CentreCheck{Centre: x.centre.Number, Rows: x.rows, Counts: v.counts})
	for _, r := range v.run.Centres {
		if r.CentreID == x.centre.ID && r.Delivery != nil && r.Delivery.State == delivery.Done && r.Delivery.Counts != v.counts {
			v.out.Add(conversion.Problem{Code: "COUNT_OTHER"})
		}
	}
	return nil
}

// row looks up what became of one old row, and counts it.
func (v *verifier) row(centreID int64, r intake.KnownRow, where map[string]conversion.Where) {
	v.out.Rows++
	add := func(code, field string) {
		v.out.Add(conversion.Problem{OldKey: r.OldRow.ID, Code: code, Field: field})
	}
	w, there := where[r.OldRow.ID]
	if !there {
		add("ROW_MISSING", "")
		return
	}
	v.met++
	v.counts.Read++
	v.counts.Add(w.Outcome, 1)
	switch w.Outcome {
	case patient.Rejected:
		v.out.Rejected++
	case patient.Review:
		v.out.Review++
	case patient.Created, patient.Updated, patient.Unchanged:
		v.out.Stored++
		v.stored(centreID, r, w, add)
		return
	default:
		add("ROW_PENDING", "")
	}
	if w.Patients > 0 { // an earlier run stored it
		add("ROW_BOTH", "")
	}
}

// stored compares a row with its patient.
func (v *verifier) stored(centreID int64, r intake.KnownRow, w conversion.Where, add func(code, field string)) {
	switch {
	case w.Patients != 1:
		add("PATIENT_MISSING", "")
		return
	case w.Patient.CentreID != centreID || w.CentreID != centreID:
		add("CENTRE_OTHER", "")
		return
	}
	v.draw(picked{centreID, r.OldRow.ID})
	if w.ChangedAt.After(v.finished) { // a delivery, or a data manager, since
		v.out.Later++
		return
	}
	p := w.Patient
	if r.Display.Number != "" && r.Display.Number != p.Number {
		add("DISPLAY_OTHER", string(delivery.FieldPatientNumber))
	}
	if !r.Display.Birth.IsZero() && r.Display.Birth != p.Birth && r.Display.Birth != p.Birth.YearOnly() {
		add("DISPLAY_OTHER", string(delivery.FieldBirthDate))
	}
	if r.Display.Sex != patient.SexUnknown && r.Display.Sex != p.Sex {
		add("DISPLAY_OTHER", string(delivery.FieldSex))
	}
	if r.OldRow.DiedOn != "" && r.OldRow.DiedOn != p.DiedOn {
		add("DISPLAY_OTHER", "diedOn")
	}
}

// draw puts a row into the sample, or not, such that every row has the same chance.
func (v *verifier) draw(p picked) {
	v.seen++
	if len(v.picked) < v.sample {
		v.picked = append(v.picked, p)
	} else if i := mathrand.IntN(v.seen); i < v.sample {
		v.picked[i] = p
	}
}

// strays are rows of no known centre: they must be known to be nowhere.
func (v *verifier) strays(ctx context.Context, x centreRows) error {
	if len(x.values) == 0 {
		return nil
	}
	after := ""
	for {
		keys, err := v.table.Keys(ctx, x.values, after, v.chunkRows)
		if err != nil || len(keys) == 0 {
			return err
		}
		where, err := v.store.Where(ctx, v.run.ID, keys)
		if err != nil {
			return err
		}
		for _, k := range keys {
			v.out.Rows++
			w, there := where[k]
			if !there {
				v.out.Add(conversion.Problem{OldKey: k, Code: "ROW_MISSING"})
				continue
			}
			v.met++
			if v.out.Rejected, v.out.Strays = v.out.Rejected+1, v.out.Strays+1; w.Code == "" || w.Patients > 0 {
				v.out.Add(conversion.Problem{OldKey: k, Code: "ROW_BOTH"})
			}
		}
		after = keys[len(keys)-1]
	}
}

// again exchanges the sample a second time. Identities go as far as the temporary
// pseudonyms here; the other half looks at the rest.
func (v *verifier) again(ctx context.Context, centres []centreRows) error {
	for _, x := range centres {
		var keys []string
		for _, p := range v.picked {
			if p.centre == x.centre.ID {
				keys = append(keys, p.key)
			}
		}
		for len(keys) > 0 {
			part := keys[:min(len(keys), v.chunkRows)]
			keys = keys[len(part):]
			if err := v.exchange(ctx, x.centre, part); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *verifier) exchange(ctx context.Context, centre account.Centre, keys []string) error {
	rows, err := v.table.ByKeys(ctx, keys)
	if err != nil {
		return err
	}
	known := v.intake.Known(centre)
	checked := make([]intake.KnownRow, len(rows))
	for i, r := range rows {
		checked[i] = check(known, i+1, r)
	}
	exchange, findings, err := known.Prepare(ctx, rand.Text(), checked)
	if err != nil {
		return fmt.Errorf("the second exchange: %w", err)
	}
	for _, f := range findings {
		if f.Severity == patient.Fatal {
			v.out.Refused++
			v.out.Add(conversion.Problem{OldKey: rows[f.Line-1].Key, Code: "REFUSED_NOW"})
		}
	}
	problems, err := v.other.Recheck(ctx, centre.ID, exchange)
	if err != nil {
		return fmt.Errorf("the second exchange: %w", err)
	}
	for _, p := range problems {
		v.out.Add(p)
	}
	v.out.Sampled += len(rows)
	return nil
}
