package ttpclient

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"sluis/internal/patient"
	"sluis/internal/ttphealth"
)

// Row is one row of a call: a Person for Temporary, Temporaries for Definitive,
// one Definitive for Convert.
type Row struct {
	Ref         string // random, the same on a retry, and saying nothing of the row
	Person      Person
	Temporaries []Value
	Definitive  Value
}

// Format hides the row from fmt: it may hold an identity or a pseudonym.
func (Row) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte("[row]")) }

// LogValue hides the row from slog.
func (Row) LogValue() slog.Value { return slog.StringValue("[row]") }

// Call is which question is asked; Temporary and Definitive make one.
type Call struct {
	// PerTry shortens the time of one try, where a person waits; 0: as the client.
	PerTry time.Duration

	kind         ttphealth.Call
	path, domain string
	types        []string
	flat         bool // the one pseudonym of a row stands in the item itself
	body         func([]Row) ([]byte, error)
	fits         func(c Call, r Row, vs []Value, sent *seen) bool
}

// Answer is the TTP's word on one row: pseudonyms, perhaps with warnings, or
// findings of which one is fatal.
type Answer struct {
	Pseudonyms []Value
	Findings   []patient.Finding
}

// unusableInARow is how many rows the TTP may answer badly, alone and one after
// the other, before it is held to be out of order rather than the rows. Without
// it a TTP that answers nonsense would get every row of a delivery rejected.
const unusableInARow = 20

// Exchange asks call about rows. The answer has exactly their refs, or there is
// an error: [*patient.UnavailableError] where the TTP cannot be used now. More
// rows than the TTP takes are split. The same key and rows make the same calls,
// so that a caller that lost the answer gets it again.
func (c *Client) Exchange(ctx context.Context, key string, call Call, rows []Row) (map[string]Answer, error) {
	refs := make(map[string]bool, len(rows))
	for _, r := range rows {
		if r.Ref == "" || refs[r.Ref] {
			return nil, errors.New("ttpclient: a row without a ref of its own")
		}
		refs[r.Ref] = true
	}
	x := &exchange{client: c, call: call, key: key, seen: newSeen(rows), out: make(map[string]Answer, len(rows))}
	if err := x.ask(ctx, rows); err != nil {
		return nil, err
	}
	return x.out, nil
}

type exchange struct {
	client  *Client
	call    Call
	key     string
	out     map[string]Answer
	seen    *seen
	usable  bool // some row got an answer that fits
	spoiled int  // rows that got none, as long as that is so
}

// ask gets every row its answer: in one call where that works, else in parts.
func (x *exchange) ask(ctx context.Context, rows []Row) error {
	for limit := int(x.client.maxItems.Load()); len(rows) > limit; rows = rows[limit:] {
		if err := x.ask(ctx, rows[:limit]); err != nil {
			return err
		}
	}
	if len(rows) == 0 {
		return nil
	}
	// An answer that does not fit is asked for once more, under another key: the
	// TTP might repeat what it answered to the first.
	for try := range 2 {
		err := x.once(ctx, rows, try)
		f, _ := errors.AsType[*fault](err)
		switch {
		case err == nil:
			x.usable = true
			return nil
		case errors.Is(err, errUnusable), f != nil && f.verdict == otherKey && try == 0:
			continue
		case f != nil && (f.verdict == takeApart || f.verdict == gone):
		case f != nil && f.verdict == tooLarge:
			x.client.shrink(len(rows), f.maxItems)
		default:
			return unavailable(ctx, err)
		}
		break
	}
	return x.apart(ctx, rows)
}

// once makes one call and takes its answer over, whole or not at all.
func (x *exchange) once(ctx context.Context, rows []Row, try int) error {
	body, err := x.call.body(rows)
	if err != nil {
		return &fault{verdict: giveUp, what: "the request cannot be written"}
	}
	a, err := x.client.post(ctx, x.call, x.idempotencyKey(rows, try), body)
	if err == nil {
		err = x.pair(rows, a.Items)
	}
	if errors.Is(err, errUnusable) {
		x.client.log.Warn("ttp answer unusable", "call", x.call.path, "rows", len(rows), "try", try+1)
	}
	return err
}

// apart halves rows down to the one that is at fault, which gets a finding of
// ours.
func (x *exchange) apart(ctx context.Context, rows []Row) error {
	if len(rows) > 1 {
		half := len(rows) / 2
		if err := x.ask(ctx, rows[:half]); err != nil {
			return err
		}
		return x.ask(ctx, rows[half:])
	}
	if x.spoiled++; !x.usable && x.spoiled >= unusableInARow {
		return unavailable(ctx, &fault{verdict: giveUp, what: fmt.Sprintf("no usable answer to %d rows one by one", x.spoiled)})
	}
	x.out[rows[0].Ref] = Answer{Findings: []patient.Finding{{
		Severity: patient.Fatal, Source: patient.Sluis, Code: patient.CodeUnusable,
	}}}
	return nil
}

// idempotencyKey derives the key of one call from the caller's, the question and
// the refs, so that however the rows are split, the same part has the same key.
// It takes no value of a row: a hash of one could be guessed.
func (x *exchange) idempotencyKey(rows []Row, try int) string {
	h := sha256.New()
	part := func(s string) { _, _ = fmt.Fprintf(h, "%d:%s", len(s), s) } // hashes never fail
	part(x.key)
	part(x.call.path)
	part(x.call.domain)
	part(fmt.Sprint(try))
	for _, t := range x.call.types {
		part(t)
	}
	for _, r := range rows {
		part(r.Ref)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// shrink remembers that the TTP takes fewer rows: as many as it says, else half
// of what was sent. One oversized row shall not slow down all later ones, so
// halving alone never goes below a sixteenth of what was configured.
func (c *Client) shrink(sent, said int) {
	if sent < 2 {
		return
	}
	fewer := max(sent/2, c.opt.MaxItems/16, 1)
	if said > 0 && said < sent {
		fewer = said
	}
	for {
		now := c.maxItems.Load()
		if int64(fewer) >= now || c.maxItems.CompareAndSwap(now, int64(fewer)) {
			return
		}
	}
}
