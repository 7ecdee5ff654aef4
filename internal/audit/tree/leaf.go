// Package tree is the hash tree over the access log (RFC 6962, as in
// golang.org/x/mod/sumdb/tlog): the leaf of each record, the seal that only a holder of
// the program's key can make, the signed heads that leave the database, and the
// verification that names the first bad record.
//
// It knows no database, and a head says nothing of what is in a record.
package tree

import (
	"encoding/binary"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog" // the hash tree of Go's checksum database

	"sluis/internal/audit"
)

// Hash is a SHA-256 hash of the tree.
type Hash = tlog.Hash

// form is the first field of an encoded record. It changes with every change of Encode.
const form = "sluis access log record 1"

// Encode returns the bytes of an event that are hashed: every field that is stored, each
// with its length, so that no two events have the same bytes.
// The order of the subjects does not matter.
func Encode(ev audit.Event) []byte {
	subjects := slices.Clone(ev.Subjects)
	slices.SortFunc(subjects, func(a, b audit.Subject) int {
		if a.PatientID != b.PatientID {
			return int(min(max(a.PatientID-b.PatientID, -1), 1))
		}
		return strings.Compare(string(a.Action), string(b.Action))
	})
	b := make([]byte, 0, 256+6*len(subjects))
	number := func(n int64) { b = binary.AppendVarint(b, n) }
	text := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	text(form)
	number(ev.ID)
	number(ev.At.UnixMilli())
	text(string(ev.Type))
	text(string(ev.Action))
	number(int64(ev.Result))
	number(ev.UserID)
	text(ev.Name)
	text(ev.Role)
	number(ev.CentreID)
	text(ev.Address)
	text(ev.RequestID)
	text(string(ev.Via))
	text(ev.ObjectType)
	text(ev.ObjectID)
	text(ev.Code)
	text(ev.Reason)
	text(ev.Source)
	number(int64(len(subjects)))
	for _, s := range subjects {
		number(s.PatientID)
		text(string(s.Action))
	}
	return b
}

// Leaf returns the hash of an encoded record with its seal.
func Leaf(record, seal []byte) Hash {
	return tlog.RecordHash(append(binary.AppendUvarint(record[:len(record):len(record)], uint64(len(seal))), seal...))
}

// Reader reads stored hashes by their index.
type Reader = tlog.HashReaderFunc

// Index returns the index under which the leaf of record number is stored. Numbers start
// at 1, indexes at 0.
func Index(number int64) int64 { return tlog.StoredHashIndex(0, number-1) }

// Root returns the hash over the first size records.
func Root(size int64, stored Reader) (Hash, error) { return tlog.TreeHash(size, stored) }

// Size returns how many records a tree has of which count hashes are stored, and false
// if no tree has that many.
func Size(count int64) (int64, bool) {
	// A tree of n records has fewer than 2n hashes, and at least n.
	low, high := count/2, count
	for low < high {
		if mid := (low + high) / 2; tlog.StoredHashCount(mid) < count {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low, tlog.StoredHashCount(low) == count
}

// Edge is the right-hand edge of a tree that grows record by record: the roots of its
// complete subtrees, the largest first. Whoever keeps it needs no stored hashes to grow
// the tree. Its zero value is the edge of an empty tree.
type Edge struct {
	size  int64
	roots []Hash
}

// ReadEdge returns the edge of the tree of the first size records. It reads all its hashes
// at once, and they are few: 24 for ten million records.
func ReadEdge(size int64, stored Reader) (Edge, error) {
	var indexes []int64
	for level, start := 62, int64(0); level >= 0; level-- {
		if size&(1<<level) != 0 {
			indexes = append(indexes, tlog.StoredHashIndex(level, start>>level))
			start += 1 << level
		}
	}
	roots, err := stored(indexes)
	return Edge{size: size, roots: roots}, err
}

// Size returns how many records the tree has.
func (e Edge) Size() int64 { return e.size }

// Clone returns an edge that grows apart from e.
func (e Edge) Clone() Edge { return Edge{size: e.size, roots: slices.Clone(e.roots)} }

// Add adds the leaf of the next record. It appends the hashes to store to out: the leaf,
// and one for each subtree that the record completes; two on average. They are stored under
// consecutive indexes from [Index].
func (e *Edge) Add(leaf Hash, out []Hash) []Hash {
	out = append(out, leaf)
	for n := e.size; n&1 == 1; n >>= 1 {
		last := len(e.roots) - 1
		leaf = tlog.NodeHash(e.roots[last], leaf)
		e.roots = e.roots[:last]
		out = append(out, leaf)
	}
	e.roots = append(e.roots, leaf)
	e.size++
	return out
}

// root returns the hash over all records so far.
func (e *Edge) root() Hash {
	if e.size == 0 {
		h, _ := tlog.TreeHash(0, nil) // of nothing; it reads nothing and cannot fail
		return h
	}
	h := e.roots[len(e.roots)-1]
	for i := len(e.roots) - 2; i >= 0; i-- {
		h = tlog.NodeHash(e.roots[i], h)
	}
	return h
}
