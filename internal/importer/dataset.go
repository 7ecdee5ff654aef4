package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/chunk"
	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/sealing"
	"sluis/internal/value"
)

// datasetChunk is how many rows of a dataset are held in memory at once.
const datasetChunk = 500

// codeUnavailable is the error of a call of a person where the TTP does not answer.
const codeUnavailable = "ttp_unavailable"

// list asks the TTP what stands ready.
func (im *Importer) list(ctx context.Context) ([]patient.Dataset, error) {
	if im.Sets == nil {
		return nil, nil
	}
	sets, err := im.Sets.Datasets(ctx)
	if _, ok := errors.AsType[*patient.UnavailableError](err); ok {
		return nil, apperr.Wrap(apperr.Unavailable, codeUnavailable, err)
	}
	return sets, err
}

// Datasets lists what stands ready at the TTP, newest first, and what became of
// each here.
func (im *Importer) Datasets(ctx context.Context, who audit.Who) ([]ReadySet, error) {
	sets, err := im.list(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(sets, func(a, b patient.Dataset) int { return b.CreatedAt.Compare(a.CreatedAt) })
	ids := make([]string, len(sets))
	for i, s := range sets {
		ids[i] = s.ID
	}
	latest, err := im.Store.LatestImports(ctx, who, ids)
	if err != nil {
		return nil, err
	}
	centres, err := im.Store.Centres(ctx)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, c := range centres {
		known[c.Number] = true
	}
	out := make([]ReadySet, len(sets))
	for i, s := range sets {
		d := latest[s.ID]
		out[i] = ReadySet{Dataset: s, KnownCentre: known[s.Centre], DeliveryID: d.PublicID, Under: d.PublicID != "" && !d.State.Final()}
	}
	return out, nil
}

// ImportDataset begins the import of a dataset as a delivery of the centre that
// the TTP names; a worker fetches it.
func (im *Importer) ImportDataset(ctx context.Context, who audit.Who, id string, mode delivery.Mode) (string, error) {
	set, err := im.find(ctx, id)
	if err != nil {
		return "", err
	}
	centre, err := im.Store.CentreByNumber(ctx, set.Centre)
	if apperr.KindOf(err) == apperr.NotFound {
		return "", apperr.Wrap(apperr.NotFound, "dataset_centre_unknown", err)
	} else if err != nil {
		return "", err
	}
	publicID, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("make a delivery id: %w", err)
	}
	_, wrapped, keyID, err := im.Keys.NewKey(publicID.String())
	if err != nil {
		return "", err
	}
	who.CentreID = centre.ID
	err = im.Store.CreateDatasetDelivery(ctx, delivery.New{
		PublicID: publicID.String(), CentreID: centre.ID, Filename: "", Mode: mode, Via: who.Via, Who: who,
		KeyID: keyID, WrappedKey: wrapped, At: im.Now(), DatasetID: set.ID,
	})
	if err != nil {
		return "", err
	}
	im.Wake()
	return publicID.String(), nil
}

func (im *Importer) find(ctx context.Context, id string) (patient.Dataset, error) {
	sets, err := im.list(ctx)
	if err != nil {
		return patient.Dataset{}, err
	}
	i := slices.IndexFunc(sets, func(s patient.Dataset) bool { return s.ID == id && s.Ready })
	if i < 0 {
		return patient.Dataset{}, apperr.New(apperr.NotFound, "dataset_gone")
	}
	return sets[i], nil
}

// fetch brings a dataset in. Its rows have their definitive pseudonyms already,
// so that they can be decided at once. A TTP that gives no answer, or breaks off,
// pauses the delivery; it begins again from the start.
func (im *Importer) fetch(ctx context.Context, c delivery.Claim) error {
	ctx, stop := im.holdDelivery(ctx, c)
	defer stop()
	refusals, err := im.download(ctx, c)
	if errors.Is(context.Cause(ctx), delivery.ErrLost) {
		return delivery.ErrLost
	}
	down, ok := errors.AsType[*patient.UnavailableError](err)
	switch {
	case ok && ctx.Err() == nil:
		next := im.Now().Add(backoff(0, down.RetryAfter))
		im.Log.WarnContext(ctx, "TTP not available", "delivery", c.Delivery.PublicID, "denied", down.Denied, "next", next, "err", down.Err)
		return im.Store.PauseDelivery(ctx, c, pauseOf(down), next)
	case apperr.KindOf(err) == apperr.NotFound:
		refusals = []delivery.Remark{{Code: "DATASET_GONE"}}
	case errors.Is(err, patient.ErrDatasetMalformed):
		refusals = []delivery.Remark{{Code: "DATASET_MALFORMED"}}
	case err != nil:
		return err
	}
	parsed := delivery.Parsed{Kind: delivery.Dataset}
	if len(refusals) == 0 {
		return im.Store.FinishFetch(ctx, c, parsed)
	}
	if err := im.Store.BeginParse(ctx, c); err != nil { // nothing of it is kept
		return err
	}
	return im.Store.Refuse(ctx, c, parsed, refusals)
}

// download stores the rows in chunks, and gives every reason to refuse them.
func (im *Importer) download(ctx context.Context, c delivery.Claim) ([]delivery.Remark, error) {
	set, err := im.find(ctx, c.Delivery.DatasetID)
	if err != nil {
		if cause, ok := errors.AsType[*patient.UnavailableError](err); ok {
			return nil, cause
		}
		return nil, err
	}
	key, err := im.Keys.OpenKey(c.WrappedKey, c.Delivery.PublicID)
	if err != nil {
		return nil, err
	}
	if err := im.Store.BeginParse(ctx, c); err != nil {
		return nil, err
	}
	f := fetching{im: im, claim: c, key: key, today: patient.Day(im.Now())}
	if err := im.Sets.Rows(ctx, set.ID, func(n int, row patient.DatasetRow) error { return f.row(ctx, n, row) }); err != nil {
		return nil, err
	}
	if err := f.flush(ctx); err != nil {
		return nil, err
	}
	var refusals []delivery.Remark
	if f.read != set.Rows {
		refusals = append(refusals, delivery.Remark{Code: "DATASET_SHORT", Args: map[string]string{"read": strconv.Itoa(f.read), "said": strconv.Itoa(set.Rows)}})
	}
	if im.MaxRows > 0 && f.read > im.MaxRows {
		refusals = append(refusals, delivery.Remark{Code: "TOO_MANY_ROWS", Args: map[string]string{"max": strconv.Itoa(im.MaxRows)}})
	}
	if value.MostlyBSN(f.numbered, f.bsns) {
		refusals = append(refusals, delivery.Remark{Code: "BSN_NUMBERS"})
	}
	return refusals, nil
}

// fetching is the work on one dataset.
type fetching struct {
	im             *Importer
	claim          delivery.Claim
	key            sealing.Key
	today          string
	no, read       int
	numbered, bsns int
	chunk          delivery.Chunk
	candidates     []patient.Candidate
}

// row takes one row, and stores the chunk that it fills.
func (f *fetching) row(ctx context.Context, n int, row patient.DatasetRow) error {
	if f.read++; f.im.MaxRows > 0 && f.read > f.im.MaxRows {
		return nil // counted, and refused at the end
	}
	cand, found := f.im.check(row, f.today)
	cand.Line = n
	if cand.Display.Number != "" {
		f.numbered++
		if value.LooksLikeBSN(cand.Display.Number) {
			f.bsns++
		}
	}
	outcome := patient.Pending
	for _, x := range found {
		if x.Severity == patient.Fatal {
			outcome = patient.Rejected
		}
		f.chunk.Findings = append(f.chunk.Findings, delivery.Finding{Finding: x, Line: n, PatientNumber: cand.Display.Number, Stage: delivery.StageParse})
	}
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
	if err := f.im.Store.AddChunk(ctx, f.claim, f.chunk); err != nil {
		return err
	}
	f.no, f.chunk, f.candidates = f.no+1, delivery.Chunk{}, f.candidates[:0]
	return nil
}

// check judges one row of a dataset as a file's is judged: what Sluis itself
// must know, and no more.
func (im *Importer) check(row patient.DatasetRow, today string) (patient.Candidate, []patient.Finding) {
	var c patient.Candidate
	var found []patient.Finding
	fail := func(code, field string) {
		found = append(found, patient.Finding{Severity: patient.Fatal, Source: patient.Sluis, Code: code, Field: field})
	}
	number := strings.TrimSpace(row.Number)
	switch {
	case number == "":
		fail("PATIENT_NUMBER_EMPTY", string(delivery.FieldPatientNumber))
	case utf8.RuneCountInString(number) > patient.MaxNumberLength:
		fail("PATIENT_NUMBER_TOO_LONG", string(delivery.FieldPatientNumber))
	case strings.ContainsFunc(number, unicode.IsControl):
		fail("CONTROL_CHARACTER", string(delivery.FieldPatientNumber))
	default:
		c.Display.Number = number
	}
	birth, ok := patient.ParseBirth(row.BirthDate)
	if !ok {
		fail("BIRTH_DATE_UNREADABLE", string(delivery.FieldBirthDate))
	}
	if c.Display.Birth = birth; im.YearOnly {
		c.Display.Birth = birth.YearOnly()
	}
	switch row.Sex {
	case "m", "v":
		c.Display.Sex = patient.Sex(row.Sex)
	case "":
	default:
		found = append(found, patient.Finding{Severity: patient.Warning, Source: patient.Sluis, Code: "SEX_UNKNOWN", Field: string(delivery.FieldSex)})
	}
	linked := false
	filled := map[patient.Pseudonym]bool{}
	for _, p := range row.Pseudonyms {
		if im.Types != nil && !slices.Contains(im.Types, p.Type) {
			continue // not a type that this registry keeps
		}
		if p.KeyVersion < 1 || strings.TrimSpace(p.Value) == "" || utf8.RuneCountInString(p.Value) > patient.MaxPseudonymLength || filled[p.Space()] {
			fail(patient.CodeUnusable, p.Type)
			break
		}
		filled[p.Space()] = true
		linked = linked || p.Type == im.Registrar.LinkingType()
		p.Domain = im.Domain
		if p.ObservedOn = p.RecordedOn; p.ObservedOn == "" {
			p.ObservedOn = today
		}
		c.Pseudonyms = append(c.Pseudonyms, p)
	}
	if !linked && !slices.ContainsFunc(found, func(f patient.Finding) bool { return f.Code == patient.CodeUnusable }) {
		fail("LINK_PSEUDONYM_MISSING", im.Registrar.LinkingType())
	}
	return c, found
}

// holdDelivery ends the work where the delivery is lost: every write checks that
// too, but a slow download writes seldom.
func (im *Importer) holdDelivery(ctx context.Context, c delivery.Claim) (context.Context, func()) {
	return im.keep(ctx, func(ctx context.Context, until time.Time) error { return im.Store.RenewDelivery(ctx, c, until) })
}
