package intake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/chunk"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake/columns"
	"sluis/internal/importer/intake/tabular"
	"sluis/internal/patient"
	"sluis/internal/sealing"
)

// Parses stores what a file turns out to be, and its rows.
type Parses interface {
	CentreByID(ctx context.Context, id int64) (account.Centre, error)
	// AwaitColumns lets a delivery wait for a user to say what its columns are, until
	// expires; the upload stays.
	AwaitColumns(ctx context.Context, c delivery.Claim, expires time.Time) error
	// BeginParse removes what an interrupted parse left behind.
	BeginParse(ctx context.Context, c delivery.Claim) error
	AddChunk(ctx context.Context, c delivery.Claim, chunk delivery.Chunk) error
	// FinishParse removes the upload and lets the chunks go to the TTP.
	FinishParse(ctx context.Context, c delivery.Claim, p delivery.Parsed) error
	// Refuse ends the delivery, removes its upload and destroys its key.
	Refuse(ctx context.Context, c delivery.Claim, p delivery.Parsed, why []delivery.Remark) error
}

// Parse reads a received upload. A file that must be refused is refused before
// a row of it is written; one whose columns are not known waits for a user to
// assign them; otherwise its rows go into sealed chunks, and the upload is gone
// when Parse returns. An interrupted Parse is done again from the start.
func (in *Intake) Parse(ctx context.Context, c delivery.Claim) error {
	p, err := in.begin(ctx, c)
	if err != nil {
		return err
	}
	defer p.file.forget()
	refusals, err := p.survey(ctx)
	if err != nil {
		return err
	}
	parsed := delivery.Parsed{Kind: p.Kind, Columns: p.Columns, Notes: p.notes()}
	switch {
	case len(refusals) > 0 && p.Assignable() && p.askable():
		return in.ports.Parses.AwaitColumns(ctx, c, c.Delivery.CreatedAt.Add(delivery.UploadLife))
	case len(refusals) > 0:
		p.nameParameter(refusals)
		return in.ports.Parses.Refuse(ctx, c, parsed, refusals)
	}
	if err := in.ports.Parses.BeginParse(ctx, c); err != nil {
		return err
	}
	if err := p.cut(ctx); err != nil {
		return err
	}
	return in.ports.Parses.FinishParse(ctx, c, parsed)
}

// askable reports whether somebody is there to answer the questions about a file. Which
// column is what can be asked of anybody; in which order a script writes its dates is
// for its maker to say (the parameter "dates"), unless a person has looked at this file.
func (p *parse) askable() bool {
	open := slices.ContainsFunc(p.Refusals, func(r delivery.Remark) bool { return r.Code == columns.DatesOpen })
	assigned := p.claim.Assignment != nil && !p.claim.Assignment.OnlyDates()
	return !open || p.claim.Delivery.Via != audit.ViaAPI || assigned
}

// parse is the work on one file.
type parse struct {
	in     *Intake
	claim  delivery.Claim
	key    sealing.Key
	centre account.Centre
	file   *sealedFile
	source tabular.Source
	isFHIR bool
	columns.Found
	counts
	skippedSheets int
}

// begin opens what is needed to read an upload.
func (in *Intake) begin(ctx context.Context, c delivery.Claim) (*parse, error) {
	key, err := in.keys.OpenKey(c.WrappedKey, c.Delivery.PublicID)
	if err != nil {
		return nil, err
	}
	centre, err := in.ports.Parses.CentreByID(ctx, c.Delivery.CentreID)
	if err != nil {
		return nil, fmt.Errorf("find the centre: %w", err)
	}
	file := &sealedFile{ctx: ctx, blocks: in.ports.Blocks, key: key, id: c.Delivery.ID, size: c.FileBytes}
	return &parse{in: in, claim: c, key: key, centre: centre, file: file}, nil
}

// survey reads the whole file once without writing anything, and returns every
// reason to refuse it.
func (p *parse) survey(ctx context.Context) ([]delivery.Remark, error) {
	refusals, err := p.look(ctx)
	refusals = p.inWordsOfFHIR(refusals)
	if e, ok := errors.AsType[*tabular.Error](err); ok {
		p.Refusals = append(slices.Clone(refusals), p.inWordsOfFHIR([]delivery.Remark{p.unreadable(e)})...)
		return p.Refusals, nil
	}
	return refusals, err
}

func (p *parse) look(ctx context.Context) ([]delivery.Remark, error) {
	source, err := p.open()
	if err != nil {
		return nil, err
	}
	p.source = source
	all, err := columns.ReadTops(p.source)
	if err != nil {
		return nil, err
	}
	if p.Found, err = p.in.finder(p.centre).Find(ctx, all, p.claim.Assignment); err != nil {
		return nil, err
	}
	p.skippedSheets = len(columns.Visible(all)) - 1
	if !p.Complete() && p.Assignable() {
		return p.Refusals, nil
	}
	if len(p.At) > 0 {
		if err := p.count(); err != nil {
			return p.Refusals, err
		}
		p.Refusals = append(p.Refusals, p.forbidden(p.maxRows())...)
		p.Refusals = append(p.Refusals, p.Doubts(p.Columns, p.Dates)...)
	}
	return p.Refusals, nil
}

// maxRows is the number of rows that this centre may deliver at once.
func (p *parse) maxRows() int {
	if p.centre.MaxRows > 0 {
		return min(p.centre.MaxRows, p.in.maxRows)
	}
	return p.in.maxRows
}

// rows starts at the first row below the header.
func (p *parse) rows() (tabular.Rows, error) {
	rows, err := p.source.Rows(p.Table)
	for err == nil && p.Header > 0 {
		var row tabular.Row
		if row, err = tabular.NextFilled(rows); err == nil && row.Line >= p.Header {
			break
		}
	}
	if errors.Is(err, io.EOF) {
		return nil, errors.New("intake: the header is gone") // the file cannot have changed
	}
	return &body{Rows: rows, p: p}, err
}

// body is the rows below the header. It skips the example row of our own template,
// the header if it occurs again, a line of dashes below the header, and at the end
// what a database program prints there.
type body struct {
	tabular.Rows
	p    *parse
	held []tabular.Row // read already, and not yet returned
}

// maxTrailing is the number of lines at the end that may be a database program's.
const maxTrailing = 5

// Next returns the next row. A line such as "(6 rows affected)" is held back until it
// is known whether a row of a patient follows: it is passed over only at the end.
func (b *body) Next() (tabular.Row, error) {
	if len(b.held) > 0 {
		row := b.held[0]
		b.held = b.held[1:]
		return row, nil
	}
	for {
		row, err := b.next()
		switch {
		case errors.Is(err, io.EOF):
			b.p.trailing = len(b.held)
			b.held = nil
			return row, err
		case err != nil:
			return row, err
		case len(b.held) == 0 && !trailing(row):
			return row, nil
		case row.Blank() && len(row.Faults) == 0:
			continue
		}
		row.Cells, row.Numeric, row.Faults = slices.Clone(row.Cells), slices.Clone(row.Numeric), slices.Clone(row.Faults)
		b.held = append(b.held, row)
		if !trailing(row) || len(b.held) > maxTrailing {
			return b.Next()
		}
	}
}

// printed matches what sqlcmd, Management Studio, psql, SQL*Plus, mysql and db2 print
// below their rows, in English and in Dutch.
var printed = regexp.MustCompile(`(?i)^(?:` +
	`\([\d.,]+ (?:rows?|rij(?:en|\(en\))?)(?: (?:affected|beïnvloed|betrokken|verwerkt))?\)` +
	`|(?:[\d.,]+|no|geen) (?:rows?|rij(?:en)?|record\(s\)) (?:selected|geselecteerd|affected|beïnvloed|betrokken)\.?` +
	`|[\d.,]+ rows? in set(?: \([\d.,]+ sec\))?` +
	`|(?:completion time|voltooiingstijd): [\dT:.,+Z -]+` +
	`)$`)

// trailing reports whether a row is only a line that a database program prints.
func trailing(row tabular.Row) bool {
	if len(row.Faults) > 0 || len(row.Cells) == 0 || !printed.MatchString(row.Cells[0]) {
		return false
	}
	return !slices.ContainsFunc(row.Cells[1:], func(c string) bool { return c != "" })
}

func (b *body) next() (tabular.Row, error) {
	for {
		row, err := b.Rows.Next()
		if err != nil || len(row.Faults) > 0 ||
			b.p.Cell(row.Cells, delivery.FieldPatientNumber) != columns.ExampleNumber && !b.p.repeatsHeader(row) && !ruled(row) {
			return row, err
		}
	}
}

// ruled reports whether a row has only dashes, as database programs print below a
// header.
func ruled(row tabular.Row) bool {
	dashes := 0
	for _, c := range row.Cells {
		if c != "" && (len(c) < 2 || strings.Trim(c, "-") != "") {
			return false
		}
		dashes += len(c)
	}
	return dashes > 2
}

// repeatsHeader reports whether a row is the header again. That happens if exports
// were pasted under each other, or a header is merged over two rows.
func (p *parse) repeatsHeader(row tabular.Row) bool {
	if p.Header == 0 {
		return false
	}
	same := 0
	for i, c := range row.Cells {
		switch {
		case c == "":
		case i >= len(p.Names) || c != p.Names[i]:
			return false
		default:
			same++
		}
	}
	return same > 1
}

// checker returns the checker of the file's rows.
func (p *parse) checker() checker {
	return checker{
		Layout: p.Layout, dates: p.Census.Dates(p.Dates), centre: p.centre, linkType: p.in.types.Link,
		yearOnly: p.in.yearOnly, today: p.in.now(), habits: p.Habits(), details: p.details,
	}
}

// notes returns what was ignored or assumed in the file.
func (p *parse) notes() []delivery.Remark {
	var notes []delivery.Remark
	if p.Remembered {
		notes = append(notes, delivery.NewRemark("COLUMNS_REMEMBERED"))
	}
	if ignored := p.Ignored(); len(ignored) > 0 {
		notes = append(notes, delivery.NewRemark("UNKNOWN_COLUMN_IGNORED", "columns", strings.Join(ignored, ", ")))
	}
	if p.skippedSheets > 0 {
		notes = append(notes,
			delivery.NewRemark("SHEETS_IGNORED", "count", strconv.Itoa(p.skippedSheets), "sheet", strconv.Itoa(p.Table+1)))
	}
	if p.source != nil {
		if n := total(p.source.Tables()[p.Table].Skipped); n > 0 {
			notes = append(notes,
				delivery.NewRemark("RESOURCES_SKIPPED", "count", strconv.Itoa(n), "types", typesOf(p.source.Tables()[p.Table].Skipped)))
		}
	}
	notes = append(notes, p.records()...)
	if p.trailing > 0 {
		notes = append(notes, delivery.NewRemark("TRAILING_LINES", "count", strconv.Itoa(p.trailing)))
	}
	notes = append(append(notes, p.Notes(p.Columns, p.Dates)...), p.unreadBSNs()...)
	return append(notes, p.empties(p.Layout, p.in.types.Link)...)
}

// total counts what was skipped. typesOf names it, the commonest first.
func total(skipped map[string]int) (n int) {
	for _, c := range skipped {
		n += c
	}
	return n
}

func typesOf(skipped map[string]int) string {
	names := slices.Sorted(maps.Keys(skipped))
	slices.SortStableFunc(names, func(a, b string) int { return skipped[b] - skipped[a] })
	var parts []string
	for _, n := range names {
		if n != "" && len(parts) < 5 {
			parts = append(parts, fmt.Sprintf("%s (%d)", n, skipped[n]))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "?")
}

func (p *parse) unreadable(e *tabular.Error) delivery.Remark {
	limits := p.in.limits.OrDefault()
	switch e.Code {
	case tabular.TooManyColumns:
		return delivery.NewRemark(string(e.Code), "max", strconv.Itoa(limits.Columns), "line", strconv.Itoa(e.Line))
	case tabular.BrokenWorkbook, tabular.BrokenJSON:
		if e.After > 0 {
			return delivery.NewRemark(string(e.Code)+"_AFTER", "line", strconv.Itoa(e.Line), "record", strconv.Itoa(e.After))
		}
		if e.Line > 0 {
			return delivery.NewRemark(string(e.Code)+"_AT", "line", strconv.Itoa(e.Line))
		}
	case tabular.RecordTooLong, tabular.UnclosedQuote:
		return delivery.NewRemark(string(e.Code), "line", strconv.Itoa(e.Line))
	}
	return delivery.NewRemark(string(e.Code))
}

// cut reads the file once more and cuts it into sealed chunks. While one is being
// stored, the next is read.
func (p *parse) cut(ctx context.Context) error {
	ready, stored := make(chan delivery.Chunk), make(chan error, 1)
	go func() {
		for chunk := range ready {
			if err := p.in.ports.Parses.AddChunk(ctx, p.claim, chunk); err != nil {
				stored <- err
				return
			}
		}
		stored <- nil
	}()
	err := func() error {
		defer close(ready) // a panic, too, ends the other one
		return p.chunks(func(chunk delivery.Chunk) error {
			select {
			case ready <- chunk:
				return nil
			case err := <-stored:
				stored <- err // for the wait below
				return err
			}
		})
	}()
	return cmp.Or(err, <-stored)
}

// chunks reads the rows and hands them out in sealed chunks.
func (p *parse) chunks(out func(delivery.Chunk) error) error {
	r, err := p.rows()
	if err != nil {
		return err
	}
	check := p.checker()
	batch := make([]checked, 0, p.in.chunkRows)
	for no := 0; ; {
		row, err := tabular.NextFilled(r)
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return err
		}
		if !last {
			batch = append(batch, check.row(row))
		}
		if len(batch) == p.in.chunkRows || (last && len(batch) > 0) {
			chunk, err := p.chunk(no, batch)
			for _, c := range batch {
				c.identity.Forget()
			}
			if err == nil {
				err = out(chunk)
			}
			if err != nil {
				return err
			}
			batch = batch[:0]
			no++
		}
		if last {
			return nil
		}
	}
}

// chunk seals one chunk, with the rows and findings it is made of.
func (p *parse) chunk(no int, batch []checked) (delivery.Chunk, error) {
	call, err := uuid.NewRandom()
	if err != nil {
		return delivery.Chunk{}, fmt.Errorf("make a call key: %w", err)
	}
	out := delivery.Chunk{
		No: no, FirstLine: batch[0].line, LastLine: batch[len(batch)-1].line, CallKey: call.String(),
		Rows: make([]delivery.Row, 0, len(batch)),
	}
	var people []identityRow
	exchange := []patient.TemporaryRow{}
	for _, c := range batch {
		row := delivery.Row{Line: c.line, PatientNumber: c.display.Number, Outcome: patient.Pending}
		out.Findings = delivery.AppendFindings(out.Findings, delivery.StageParse, c.line, c.display.Number, c.findings)
		if c.details > 0 {
			out.Findings[len(out.Findings)-1].Partners = []int{c.details}
		}
		switch {
		case c.rejected():
			row.Outcome = patient.Rejected
		case p.Kind == delivery.Identities:
			people = append(people, identityRow{newRef(), c.line, c.display, c.identity.Reveal()})
		default:
			exchange = append(exchange, patient.TemporaryRow{
				Ref: newRef(), Line: c.line, Display: c.display, Temporaries: c.temporaries,
			})
		}
		out.Rows = append(out.Rows, row)
	}
	out.Waiting, out.ExpiresAt = len(people)+len(exchange), p.firstEnd(exchange)
	if len(people) > 0 {
		out.Holds = chunk.Identities
		out.Sealed, err = chunk.Seal(p.key, no, identityRows, people)
	} else {
		out.Holds = chunk.Temporaries
		out.Sealed, err = chunk.Seal(p.key, no, chunk.TemporaryRows, exchange)
	}
	return out, err
}

// firstEnd is when the first temporary pseudonym of rows runs out. Of a row that
// does not say, the hospital fetched them when it delivered at the latest: they
// live no longer than the TTP lets them from then.
func (p *parse) firstEnd(rows []patient.TemporaryRow) time.Time {
	first := patient.FirstExpiry(rows)
	silent := slices.ContainsFunc(rows, func(r patient.TemporaryRow) bool {
		return slices.ContainsFunc(r.Temporaries, func(t patient.Temporary) bool { return t.ExpiresAt.IsZero() })
	})
	if end := p.claim.Delivery.CreatedAt.Add(p.in.temporaryLife); silent && (first.IsZero() || end.Before(first)) {
		return end
	}
	return first
}
