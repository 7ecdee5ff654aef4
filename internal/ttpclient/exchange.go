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
	Ref         string // random, and the same on a retry; it says nothing about the row
	Person      Person
	Temporaries []Value
	Provider    string // the centre that delivered Temporaries; empty if nobody did
	Definitive  Value
}

// Format hides the row from fmt: it may hold an identity or a pseudonym.
func (Row) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte("[row]")) }

// LogValue hides the row from slog.
func (Row) LogValue() slog.Value { return slog.StringValue("[row]") }

// Call is the question that is asked about each row. Temporary, Definitive and
// Convert make one.
type Call struct {
	// PerTry shortens the time of one try if a person waits; 0: as the client.
	PerTry time.Duration

	kind         ttphealth.Call
	path, domain string
	types        []string
	flat         bool // the item itself is the one pseudonym of a row
	body         func([]Row) ([]byte, error)
	fits         func(c Call, r Row, vs []Value, sent *seen) bool
}

// Answer is the TTP's answer to one row. It has either pseudonyms, perhaps with
// warnings, or findings of which one is fatal.
type Answer struct {
	Pseudonyms []Value
	Findings   []patient.Finding
}

// unusableInARow is the number of rows, asked one by one, to which the TTP may give
// an unusable answer before the fault is blamed on the TTP instead of on the rows.
// Without it a TTP that answers nonsense would get every row of a delivery rejected.
const unusableInARow = 20

// Exchange asks call about rows and returns their answers by ref: one for every
// row, or an error and no answer at all. The error is a [*patient.UnavailableError]
// if the TTP cannot be used now. More rows than the TTP takes in one call are split.
// The same key and rows make the same calls, so that a caller that lost the answer
// gets it again.
func (c *Client) Exchange(ctx context.Context, key string, call Call, rows []Row) (map[string]Answer, error) {
	refs := make(map[string]bool, len(rows))
	for _, r := range rows {
		if r.Ref == "" || refs[r.Ref] {
			return nil, errors.New("ttpclient: a row without a ref of its own")
		}
		refs[r.Ref] = true
	}
	x := &exchange{client: c, call: call, key: key, seen: newSeen(rows), rows: rows, out: make(map[string]Answer, len(rows))}
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
	rows    []Row // of all calls of the exchange
	mask    *mask // of rows; made when it is needed
	alone   bool  // the present call has one row
	usable  bool  // some row got a usable answer
	spoiled int   // rows that, asked one by one, got an unusable answer
}

// ask gets an answer for every row: in one call if that works, else in parts.
func (x *exchange) ask(ctx context.Context, rows []Row) error {
	for limit := int(x.client.maxItems.Load()); len(rows) > limit; rows = rows[limit:] {
		if err := x.ask(ctx, rows[:limit]); err != nil {
			return err
		}
	}
	if len(rows) == 0 {
		return nil
	}
	// If an answer does not fit, ask once more under another key. Under the same
	// key the TTP might repeat its answer.
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

// once makes one call and accepts its answer, whole or not at all.
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

// apart asks about each half of rows, and so on down to the one row that is at
// fault. That row gets a finding of Sluis.
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

// idempotencyKey returns the key of one call. It is derived from the caller's key,
// the question and the refs, so that the same part of the rows has the same key
// however the rows were split. It uses no value of a row: a short value can be
// found by hashing guesses.
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

// shrink remembers that the TTP takes fewer rows in a call: as many as it said, or
// half of what was sent if it said nothing. Halving stops at a sixteenth of the
// configured number, so that one oversized row does not slow down all later ones.
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
