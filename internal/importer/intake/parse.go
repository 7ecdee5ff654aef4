package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"sluis/internal/account"
	"sluis/internal/delivery"
	"sluis/internal/identity"
	"sluis/internal/importer/intake/tabular"
	"sluis/internal/patient"
	"sluis/internal/sealing"
)

// Parse reads a received upload. A file that must be refused is refused before
// a row of it is written; otherwise its rows go into sealed chunks, and the
// upload is gone when Parse returns. An interrupted Parse is done again from
// the start.
func (in *Intake) Parse(ctx context.Context, c delivery.Claim) error {
	key, err := in.Keys.OpenKey(c.WrappedKey, c.Delivery.PublicID)
	if err != nil {
		return err
	}
	centre, err := in.Store.CentreByID(ctx, c.Delivery.CentreID)
	if err != nil {
		return fmt.Errorf("find the centre: %w", err)
	}
	p := parse{in: in, claim: c, key: key, centre: centre}
	refusals, err := p.survey(ctx)
	if err != nil {
		return err
	}
	parsed := delivery.Parsed{Kind: p.kind, Columns: p.columns}
	if len(refusals) > 0 {
		return in.Store.Refuse(ctx, c, parsed, refusals)
	}
	if len(p.ignored) > 0 {
		parsed.Notes = append(parsed.Notes, remark("UNKNOWN_COLUMN_IGNORED", "columns", strings.Join(p.places(), ", ")))
	}
	if err := in.Store.BeginParse(ctx, c); err != nil {
		return err
	}
	if err := p.cut(ctx); err != nil {
		return err
	}
	return in.Store.FinishParse(ctx, c, parsed)
}

// parse is the work on one file.
type parse struct {
	in     *Intake
	claim  delivery.Claim
	key    sealing.Key
	centre account.Centre
	layout
	legacy bool // Windows-1252
}

// open starts at the beginning of the upload.
func (p *parse) open(ctx context.Context) (*tabular.Reader, error) {
	return tabular.Open(&blockReader{ctx: ctx, p: p}, p.legacy, p.in.Limits)
}

// survey reads the whole file once without writing anything, and gives every
// reason to refuse it.
func (p *parse) survey(ctx context.Context) ([]delivery.Remark, error) {
	refusals, err := p.look(ctx)
	if tabular.IsNotUTF8(err) && !p.legacy {
		readable := len(refusals) == 0 && p.kind != delivery.KindUnknown
		p.legacy = true
		refusals, err = p.look(ctx)
		if readable && err == nil && len(refusals) > 0 {
			// The header is UTF-8 and a later byte is not: a file of two encodings.
			return []delivery.Remark{remark("ENCODING")}, nil
		}
	}
	if e, ok := errors.AsType[*tabular.Error](err); ok {
		return append(refusals, p.unreadable(e)), nil
	}
	return refusals, err
}

func (p *parse) look(ctx context.Context) ([]delivery.Remark, error) {
	r, err := p.open(ctx)
	if err != nil {
		return nil, err
	}
	header, err := nextFilled(r)
	if errors.Is(err, io.EOF) {
		return []delivery.Remark{remark("EMPTY")}, nil
	} else if err != nil {
		return nil, err
	}
	var refusals []delivery.Remark
	p.layout, refusals = recognise(append([]string(nil), header.Cells...), p.in.types())
	if p.kind == delivery.Identities && !p.centre.IdentitiesAllowed && p.named {
		refusals = append(refusals, remark("IDENTITIES_NOT_ALLOWED"))
	}
	rows, withNumber, bsns := 0, 0, 0
	for {
		row, err := nextFilled(r)
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return refusals, err
		}
		rows++
		if n := p.cell(row.Cells, delivery.FieldPatientNumber); n != "" {
			withNumber++
			if patient.LooksLikeBSN(n) {
				bsns++
			}
		}
	}
	switch {
	case rows == 0:
		refusals = append(refusals, remark("NO_ROWS"))
	case rows > p.in.MaxRows:
		refusals = append(refusals, remark("TOO_MANY_ROWS", "max", strconv.Itoa(p.in.MaxRows)))
	}
	if patient.MostlyBSN(withNumber, bsns) {
		refusals = append(refusals, remark("BSN_NUMBERS"))
	}
	return refusals, nil
}

func (p *parse) unreadable(e *tabular.Error) delivery.Remark {
	switch e.Code {
	case tabular.TooManyColumns:
		limit := p.in.Limits.Columns
		if limit == 0 {
			limit = tabular.DefaultColumns
		}
		return remark(string(e.Code), "max", strconv.Itoa(limit), "line", strconv.Itoa(e.Line))
	case tabular.RecordTooLong, tabular.UnclosedQuote:
		return remark(string(e.Code), "line", strconv.Itoa(e.Line))
	}
	return remark(string(e.Code))
}

// nextFilled gives the next row that is not blank.
func nextFilled(r *tabular.Reader) (tabular.Row, error) {
	for {
		row, err := r.Next()
		if err != nil || !row.Blank() {
			return row, err
		}
	}
}

// identityRow is a row of an identity delivery as it is sealed.
type identityRow struct {
	Ref     string          `json:"r"`
	Line    int             `json:"l"`
	Display patient.Display `json:"d"`
	Person  identity.Fields `json:"p"`
}

// cut reads the file once more and cuts it into sealed chunks.
func (p *parse) cut(ctx context.Context) error {
	r, err := p.open(ctx)
	if err != nil {
		return err
	}
	if _, err := nextFilled(r); err != nil { // the header
		return err
	}
	check := checker{layout: p.layout, centre: p.centre.Number, linkType: p.in.LinkType, yearOnly: p.in.YearOnly}
	batch := make([]checked, 0, p.in.ChunkRows)
	for no := 0; ; {
		row, err := nextFilled(r)
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return err
		}
		if !last {
			batch = append(batch, check.row(row))
		}
		if len(batch) == p.in.ChunkRows || (last && len(batch) > 0) {
			if err := p.add(ctx, no, batch); err != nil {
				return err
			}
			for _, c := range batch {
				c.identity.Forget()
			}
			batch = batch[:0]
			no++
		}
		if last {
			return nil
		}
	}
}

// add seals one chunk and stores it with the rows and findings it is made of.
func (p *parse) add(ctx context.Context, no int, batch []checked) error {
	call, err := uuid.NewRandom()
	if err != nil {
		return fmt.Errorf("make a call key: %w", err)
	}
	chunk := delivery.Chunk{
		No: no, FirstLine: batch[0].line, LastLine: batch[len(batch)-1].line, CallKey: call.String(),
		Rows: make([]delivery.Row, 0, len(batch)),
	}
	var people []identityRow
	exchange := []patient.InExchange{}
	for _, c := range batch {
		row := delivery.Row{Line: c.line, PatientNumber: c.display.Number, Outcome: patient.Pending}
		for _, f := range c.findings {
			chunk.Findings = append(chunk.Findings, delivery.Finding{
				Finding: f, Line: c.line, PatientNumber: c.display.Number, Stage: delivery.StageParse,
			})
		}
		switch {
		case c.rejected():
			row.Outcome = patient.Rejected
		case p.kind == delivery.Identities:
			people = append(people, identityRow{newRef(), c.line, c.display, c.identity.Reveal()})
		default:
			exchange = append(exchange, patient.InExchange{
				Ref: newRef(), Line: c.line, Display: c.display, Temporaries: c.temporaries,
			})
		}
		chunk.Rows = append(chunk.Rows, row)
	}
	chunk.Waiting, chunk.ExpiresAt = len(people)+len(exchange), p.firstEnd(exchange)
	var plain []byte
	if len(people) > 0 {
		chunk.Holds = delivery.HoldsIdentities
		plain, err = json.Marshal(people)
	} else {
		chunk.Holds = delivery.HoldsTemporaries
		plain, err = json.Marshal(exchange)
	}
	if err != nil {
		return errors.New("encode a chunk: failed") // an encoder's error may quote what it encodes
	}
	defer clear(plain)
	if chunk.Sealed, err = p.key.Seal(plain, delivery.Place(no, chunk.Holds)); err != nil {
		return err
	}
	return p.in.Store.AddChunk(ctx, p.claim, chunk)
}

// firstEnd is when the first temporary pseudonym of rows runs out. Of a row that
// does not say, the hospital fetched them when it delivered at the latest: they
// live no longer than the TTP lets them from then.
func (p *parse) firstEnd(rows []patient.InExchange) time.Time {
	first := firstEnd(rows)
	silent := slices.ContainsFunc(rows, func(r patient.InExchange) bool {
		return slices.ContainsFunc(r.Temporaries, func(t patient.Temporary) bool { return t.ExpiresAt.IsZero() })
	})
	if end := p.claim.Delivery.CreatedAt.Add(p.in.TemporaryLife); silent && (first.IsZero() || end.Before(first)) {
		return end
	}
	return first
}

// blockReader reads a sealed upload as a stream, one block in memory.
type blockReader struct {
	ctx  context.Context
	p    *parse
	no   int
	rest []byte
}

func (b *blockReader) Read(into []byte) (int, error) {
	for len(b.rest) == 0 {
		sealed, err := b.p.in.Store.Block(b.ctx, b.p.claim.Delivery.ID, b.no)
		if err != nil {
			return 0, fmt.Errorf("read upload block %d: %w", b.no, err)
		}
		if sealed == nil {
			return 0, io.EOF
		}
		if b.rest, err = b.p.key.Open(sealed, uploadPlace(b.no)); err != nil {
			return 0, err
		}
		b.no++
	}
	n := copy(into, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}
