package tree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"sluis/internal/audit"
)

// Record is a record of the access log as the database holds it now.
type Record struct {
	Event audit.Event
	Seal  []byte
}

// Extent is how far the access log goes.
type Extent struct {
	Last   int64 // number of the last record
	Hashes int64 // how many hashes are stored
}

// Source is an access log to verify.
type Source interface {
	Extent(ctx context.Context) (Extent, error)
	// Records returns the records with numbers from first to last that are there.
	Records(ctx context.Context, first, last int64) ([]Record, error)
	// HashRange returns the stored hashes with indexes from first to last, each by its
	// index.
	HashRange(ctx context.Context, first, last int64) (map[int64]Hash, error)
}

// Bad is the first record that is not what it was. If nothing says which one of several it
// is, Last is the last that it can be; otherwise it is First.
type Bad struct {
	First, Last int64
	What        string // what is wrong, in words
}

func (b Bad) String() string {
	if b.Last > b.First {
		return fmt.Sprintf("the first bad record is one of %d to %d: %s", b.First, b.Last, b.What)
	}
	return fmt.Sprintf("the first bad record is %d: %s", b.First, b.What)
}

// Result is the outcome of a verification.
type Result struct {
	Records  int64 // verified, those that the retention deleted among them
	Expired  int64 // deleted by the retention: the first ones
	Unsealed int64 // from before there was a key: the first ones that are there
	Sealed   bool  // the seals were verified
	Heads    int   // heads that the log agrees with
	LastHead time.Time
	Bad      *Bad // nil if all is well
}

// page is how many records are in memory at once.
const page = 2000

// verifier goes through the log once, in order, with memory for one page.
type verifier struct {
	src    Source
	key    *Key
	heads  []*headsAt
	edge   Edge
	placed int64 // how many records the tree has
	found  bool  // a record was there: what is missing from here on was removed
	signed bool  // a record had a seal
	past   int64 // the last record that the retention says it deleted
	res    Result
	hashes []Hash // of one record
}

// headsAt is a file of heads, and the first head of it that is not passed yet.
type headsAt struct {
	file *Heads
	head Head
	done bool
}

// Verify compares the records of the log with its tree, with their seals, and with heads
// that left the database. It stops at the first record that is not what it was.
// With a public key, or none, the seals are not verified.
func Verify(ctx context.Context, src Source, key *Key, heads ...*Heads) (Result, error) {
	v := &verifier{src: src, key: key}
	v.res.Sealed = key.CanSeal()
	for _, file := range heads {
		h := &headsAt{file: file}
		if err := h.advance(); err != nil {
			return v.res, err
		}
		v.heads = append(v.heads, h)
	}
	extent, err := src.Extent(ctx)
	for err == nil {
		if err = v.to(ctx, extent); err != nil || v.res.Bad != nil {
			break
		}
		ahead := v.ahead()
		if ahead == nil {
			v.finish()
			break
		}
		// A head may have been written since the extent was read.
		before := extent
		if extent, err = src.Extent(ctx); err == nil && extent == before {
			v.bad(v.edge.size+1, "it is missing: the head of %s has %d records, the log has %d", moment(ahead.At), ahead.Size, v.edge.size)
			break
		}
	}
	return v.res, err
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

func (v *verifier) bad(number int64, format string, args ...any) {
	if v.res.Bad == nil {
		v.res.Bad = &Bad{First: number, Last: number, What: fmt.Sprintf(format, args...)}
	}
}

// to verifies records up to the extent.
func (v *verifier) to(ctx context.Context, extent Extent) error {
	placed, whole := Size(extent.Hashes)
	if !whole {
		// The last record that has all its hashes; the next one misses some.
		placed--
	}
	v.placed = placed
	last := max(extent.Last, placed)
	if !whole {
		last = max(last, placed+1)
	}
	for first := v.edge.size + 1; first <= last && v.res.Bad == nil; first += page {
		if err := v.page(ctx, first, min(first+page-1, last)); err != nil {
			return err
		}
	}
	return nil
}

// page verifies consecutive records.
func (v *verifier) page(ctx context.Context, first, last int64) error {
	records, err := v.src.Records(ctx, first, last)
	if err != nil {
		return err
	}
	stored, err := v.src.HashRange(ctx, Index(first), Index(last+1)-1)
	if err != nil {
		return err
	}
	for n := first; n <= last; n++ {
		var rec *Record
		if len(records) > 0 && records[0].Event.ID == n {
			rec, records = &records[0], records[1:]
		}
		leaf, ok := v.record(n, rec, stored)
		if !ok || !v.place(n, leaf, stored) {
			return nil
		}
		if err := v.meet(n, leaf); err != nil || v.res.Bad != nil {
			return err
		}
		v.res.Records++
	}
	return nil
}

// record verifies a record by itself and returns its leaf. rec is nil if it is not there.
func (v *verifier) record(n int64, rec *Record, stored map[int64]Hash) (Hash, bool) {
	known, placed := stored[Index(n)]
	if rec == nil {
		switch {
		case v.found:
			v.bad(n, "it is missing")
		case !placed:
			v.bad(n, "it is missing, and so is its hash")
		default:
			v.res.Expired++ // if the retention says so; see finish
			return known, true
		}
		return Hash{}, false
	}
	v.found = true
	data := Encode(rec.Event)
	leaf := Leaf(data, rec.Seal)
	if v.key.CanSeal() {
		switch {
		case len(rec.Seal) == 0 && v.signed:
			v.bad(n, "it has no seal, and records before it have")
			return leaf, false
		case len(rec.Seal) == 0:
			v.res.Unsealed++
		case !v.key.sealed(data, rec.Seal):
			v.bad(n, "it is not what was recorded: its seal does not fit")
			return leaf, false
		default:
			v.signed = true
		}
	}
	switch {
	case !placed:
		v.bad(n, "it is not in the hash tree")
	case leaf != known:
		v.bad(n, "it is not what was recorded: its hash does not fit")
	case rec.Event.SubjectCount != len(rec.Event.Subjects):
		v.bad(n, "it is not what was recorded: it was about %d patients, and %d are left", rec.Event.SubjectCount, len(rec.Event.Subjects))
	}
	if past := expiredTo(rec.Event); v.res.Bad == nil && past > v.past {
		v.past = past
	}
	return leaf, v.res.Bad == nil
}

// expiredTo returns the last record that the retention deleted, if that is what ev says.
func expiredTo(ev audit.Event) int64 {
	if ev.Type != audit.LogExpired {
		return 0
	}
	var n int64
	_, _ = fmt.Sscan(ev.ObjectID, &n)
	return n
}

// place adds the leaf to the tree and compares the stored hashes that it completes.
func (v *verifier) place(n int64, leaf Hash, stored map[int64]Hash) bool {
	v.hashes = v.edge.Add(leaf, v.hashes[:0])
	for i, h := range v.hashes {
		if got, ok := stored[Index(n)+int64(i)]; !ok || got != h {
			v.bad(n, "a hash of the tree that it completes was changed or removed")
			return false
		}
	}
	return true
}

// meet compares the log with the heads that are about record n.
func (v *verifier) meet(n int64, leaf Hash) error {
	for _, h := range v.heads {
		if h.done {
			continue
		}
		if h.head.differs(n, leaf) {
			v.bad(n, "it is another one than the head of %s says", moment(h.head.At))
			return nil
		}
		if n < h.head.Size {
			continue
		}
		if h.head.Root != v.edge.root() {
			v.res.Bad = &Bad{First: h.head.After + 1, Last: n, What: "the tree is not that of the head of " + moment(h.head.At)}
			return nil
		}
		v.res.Heads++
		if h.head.At.After(v.res.LastHead) {
			v.res.LastHead = h.head.At
		}
		if err := h.advance(); err != nil {
			return err
		}
	}
	return nil
}

// advance reads the next head of the file.
func (h *headsAt) advance() error {
	head, err := h.file.next()
	if errors.Is(err, io.EOF) {
		h.done = true
		return nil
	}
	h.head = head
	return err
}

// ahead returns a head with more records than were found, or nil.
func (v *verifier) ahead() *Head {
	for _, h := range v.heads {
		if !h.done && h.head.Size > v.edge.size {
			return &h.head
		}
	}
	return nil
}

// finish verifies what can be known at the end only.
func (v *verifier) finish() {
	switch {
	case v.res.Expired > v.past:
		v.bad(v.past+1, "it is missing, and no retention deleted it")
	case v.key.CanSeal() && !v.signed && v.res.Records > v.res.Expired:
		v.bad(v.res.Expired+1, "no record has a seal")
	}
}
