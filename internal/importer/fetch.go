package importer

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sluis/internal/apperr"
	"sluis/internal/chunk"
	"sluis/internal/delivery"
	"sluis/internal/importer/census"
	"sluis/internal/lease"
	"sluis/internal/patient"
	"sluis/internal/sealing"
	"sluis/internal/value"
)

// datasetChunk is the number of rows in a chunk of a dataset.
const datasetChunk = 500

// Fetches stores a dataset as it comes in.
type Fetches interface {
	// BeginParse removes what an interrupted fetch left behind.
	BeginParse(ctx context.Context, c delivery.Claim) error
	AddChunk(ctx context.Context, c delivery.Claim, chunk delivery.Chunk) error
	// FinishFetch lets the dataset be decided.
	FinishFetch(ctx context.Context, c delivery.Claim, p delivery.Parsed) error
	// Refuse ends the delivery. Nothing of it is kept.
	Refuse(ctx context.Context, c delivery.Claim, p delivery.Parsed, why []delivery.Remark) error
	// PauseDelivery ends the claim on the delivery because the TTP did not answer. The delivery
	// is not claimed before next.
	PauseDelivery(ctx context.Context, c delivery.Claim, why delivery.Pause, next time.Time) error
}

// fetch downloads a dataset. Its rows have definitive pseudonyms already, so that they can
// be decided at once. If the TTP does not answer, or breaks off, the delivery is paused
// and the download starts again from its first row.
func (im *Importer) fetch(ctx context.Context, c delivery.Claim) error {
	ctx, stop := im.keepDelivery(ctx, c)
	defer stop()
	parsed, refusals, err := im.download(ctx, c)
	if errors.Is(context.Cause(ctx), delivery.ErrLost) {
		return delivery.ErrLost
	}
	down, ok := errors.AsType[*patient.UnavailableError](err)
	switch {
	case ok && ctx.Err() == nil:
		next := im.now().Add(outage.Spread(0, down.RetryAfter))
		im.log.WarnContext(ctx, "TTP not available", "delivery", c.Delivery.PublicID, "denied", down.Denied, "next", next, "err", down.Err)
		return im.ports.Fetches.PauseDelivery(ctx, c, pauseOf(down), next)
	case apperr.KindOf(err) == apperr.NotFound:
		refusals = []delivery.Remark{{Code: "DATASET_GONE"}}
	case errors.Is(err, patient.ErrDatasetMalformed):
		refusals = []delivery.Remark{{Code: "DATASET_MALFORMED"}}
	case err != nil:
		return err
	}
	if len(refusals) == 0 {
		return im.ports.Fetches.FinishFetch(ctx, c, parsed)
	}
	if err := im.ports.Fetches.BeginParse(ctx, c); err != nil { // removes the rows that came in
		return err
	}
	return im.ports.Fetches.Refuse(ctx, c, parsed, refusals)
}

// datasetColumns are what the columns of a dataset are called in remarks.
var datasetColumns = delivery.Columns{
	delivery.FieldBirthDate: string(delivery.FieldBirthDate), delivery.FieldSex: string(delivery.FieldSex),
}

// download stores the rows in chunks. It returns what is to be noted of the dataset, and
// every reason to refuse it.
func (im *Importer) download(ctx context.Context, c delivery.Claim) (delivery.Parsed, []delivery.Remark, error) {
	parsed := delivery.Parsed{Kind: delivery.Dataset}
	set, err := im.sets.find(ctx, c.Delivery.DatasetID)
	if err != nil {
		if cause, ok := errors.AsType[*patient.UnavailableError](err); ok {
			return parsed, nil, cause
		}
		return parsed, nil, err
	}
	key, err := im.keys.OpenKey(c.WrappedKey, c.Delivery.PublicID)
	if err != nil {
		return parsed, nil, err
	}
	f := fetching{im: im, claim: c, key: key, today: patient.Day(im.now())}
	if err := f.rows(ctx, set.ID, value.Dates{}); err != nil {
		return parsed, nil, err
	}
	// How its dates are written is known behind the last row only. In the rare case that they
	// are not written as was assumed, the dataset is downloaded once more.
	if proven := f.census.Dates(""); proven != f.dates {
		if err := f.rows(ctx, set.ID, proven); err != nil {
			return parsed, nil, err
		}
	}
	parsed.Notes = f.census.Notes(datasetColumns, "")
	return parsed, f.refusals(set), nil
}

// refusals returns every reason to refuse a dataset that was read to its end.
func (f *fetching) refusals(set patient.Dataset) []delivery.Remark {
	var out []delivery.Remark
	if f.read != set.Rows {
		out = append(out, delivery.NewRemark("DATASET_SHORT", "read", strconv.Itoa(f.read), "said", strconv.Itoa(set.Rows)))
	}
	if f.im.maxRows > 0 && f.read > f.im.maxRows {
		out = append(out, delivery.NewRemark("TOO_MANY_ROWS", "max", strconv.Itoa(f.im.maxRows)))
	}
	return append(append(out, f.census.BSNs()...), f.census.Doubts(datasetColumns, "")...)
}

// fetching is the download of one dataset.
type fetching struct {
	im         *Importer
	claim      delivery.Claim
	key        sealing.Key
	today      string
	dates      value.Dates // how the dates are read
	no, read   int
	census     census.Census
	chunk      delivery.Chunk
	candidates []patient.Candidate
}

// rows reads the dataset from its first row, and stores it anew.
func (f *fetching) rows(ctx context.Context, id string, dates value.Dates) error {
	if err := f.im.ports.Fetches.BeginParse(ctx, f.claim); err != nil {
		return err
	}
	f.dates, f.no, f.read, f.chunk, f.candidates = dates, 0, 0, delivery.Chunk{}, nil
	f.census = census.New(value.NoEpoch, f.im.now())
	err := f.im.sets.source.Rows(ctx, id, func(n int, row patient.DatasetRow) error { return f.row(ctx, n, row) })
	if err != nil {
		return err
	}
	return f.flush(ctx)
}

// row adds one row, and stores the chunk once it is full.
func (f *fetching) row(ctx context.Context, n int, row patient.DatasetRow) error {
	if f.read++; f.im.maxRows > 0 && f.read > f.im.maxRows {
		return nil // counted, and refused at the end
	}
	row.Number = value.Text(row.Number)
	row.BirthDate, row.Sex = value.Visible(value.Text(row.BirthDate)), value.Visible(value.Text(row.Sex))
	cand, found := f.im.check(row, f.dates, f.today)
	cand.Line = n
	f.census.Count(row.Number, row.BirthDate, row.Sex)
	outcome := patient.Pending
	if patient.AnyFatal(found) {
		outcome = patient.Rejected
	}
	f.chunk.Findings = delivery.AppendFindings(f.chunk.Findings, delivery.StageParse, n, cand.Display.Number, found)
	f.chunk.Rows = append(f.chunk.Rows, delivery.Row{Line: n, PatientNumber: cand.Display.Number, Outcome: outcome})
	if outcome == patient.Pending {
		f.candidates = append(f.candidates, cand)
		f.chunk.Marks = append(f.chunk.Marks, f.im.mark(cand))
	}
	if len(f.chunk.Rows) == datasetChunk {
		return f.flush(ctx)
	}
	return nil
}

func (f *fetching) flush(ctx context.Context) error {
	if len(f.chunk.Rows) == 0 {
		return nil
	}
	f.chunk.No, f.chunk.Holds = f.no, chunk.Definitives
	f.chunk.FirstLine, f.chunk.LastLine = f.chunk.Rows[0].Line, f.chunk.Rows[len(f.chunk.Rows)-1].Line
	var err error
	if f.chunk.Sealed, err = chunk.Seal(f.key, f.no, chunk.DefinitiveRows, f.candidates); err != nil {
		return err
	}
	if err := f.im.ports.Fetches.AddChunk(ctx, f.claim, f.chunk); err != nil {
		return err
	}
	f.no, f.chunk, f.candidates = f.no+1, delivery.Chunk{}, f.candidates[:0]
	return nil
}

// check checks one row of a dataset as a row of a file is checked: only for what Sluis
// itself must know.
func (im *Importer) check(row patient.DatasetRow, dates value.Dates, today string) (patient.Candidate, []patient.Finding) {
	var c patient.Candidate
	var found []patient.Finding
	fail := func(code, field string) {
		found = append(found, patient.Finding{Severity: patient.Fatal, Source: patient.Sluis, Code: code, Field: field})
	}
	number, fault := value.Number(row.Number)
	if fault != "" {
		fail(fault.Code(), string(delivery.FieldPatientNumber))
	}
	c.Display.Number = number
	birth, ok := birthOf(row.BirthDate, dates)
	if !ok {
		fail(dates.Unreadable(row.BirthDate), string(delivery.FieldBirthDate))
	}
	if c.Display.Birth = birth; im.yearOnly {
		c.Display.Birth = birth.YearOnly()
	}
	if c.Display.Sex = value.Sex(row.Sex); c.Display.Sex == patient.SexUnknown && row.Sex != "" {
		found = append(found, patient.Finding{Severity: patient.Warning, Source: patient.Sluis, Code: "SEX_UNKNOWN",
			Field: string(delivery.FieldSex)})
	}
	linked := false
	filled := map[patient.Pseudonym]bool{}
	for _, p := range row.Pseudonyms {
		if im.types != nil && !slices.Contains(im.types, p.Type) {
			continue // not a type that this registry keeps
		}
		if p.KeyVersion < 1 || strings.TrimSpace(p.Value) == "" || utf8.RuneCountInString(p.Value) > patient.MaxPseudonymLength ||
			filled[p.Space()] {
			fail(patient.CodeUnusable, p.Type)
			break
		}
		filled[p.Space()] = true
		linked = linked || p.Type == im.registrar.LinkingType()
		p.Domain = im.domain
		if p.ObservedOn = p.RecordedOn; p.ObservedOn == "" {
			p.ObservedOn = today
		}
		c.Pseudonyms = append(c.Pseudonyms, p)
	}
	if !linked && !slices.ContainsFunc(found, func(f patient.Finding) bool { return f.Code == patient.CodeUnusable }) {
		fail("LINK_PSEUDONYM_MISSING", im.registrar.LinkingType())
	}
	return c, found
}

// birthOf reads a date of birth, or a year: some registries get no more.
func birthOf(cell string, dates value.Dates) (patient.Birth, bool) {
	if len(cell) == len("2001") {
		return patient.ParseBirth(cell)
	}
	iso, ok := dates.Read(cell)
	if !ok || dates.IsPartial(cell) {
		return patient.Birth{}, false
	}
	return patient.ParseBirth(iso)
}

// keepDelivery keeps the claim of a delivery, and ends the work if the claim is lost:
// every write checks that too, but a slow download writes seldom.
func (im *Importer) keepDelivery(ctx context.Context, c delivery.Claim) (context.Context, func()) {
	return lease.Keep(ctx, im.lease, im.now, func(ctx context.Context, until time.Time) error {
		return im.ports.Queue.RenewDelivery(ctx, c, until)
	})
}
