package importer

import (
	"context"
	"hash/maphash"
	"slices"

	"sluis/internal/chunk"
	"sluis/internal/delivery"
	"sluis/internal/sealing"
)

// Repeats keeps the marks of rows that may share a number or a linking pseudonym.
type Repeats interface {
	// Marks returns the marks of chunk no. known is false if they are not kept.
	Marks(ctx context.Context, deliveryID int64, no int) (list []chunk.Mark, known bool, err error)
	// AddMarks stores marks of rows that may share something with other rows.
	AddMarks(ctx context.Context, c delivery.Claim, list []chunk.Mark) error
	// Repeats returns the numbers and the linking pseudonyms on the lines first..last that
	// other rows of the delivery have too.
	Repeats(ctx context.Context, deliveryID int64, first, last int) (numbers map[string]delivery.Repeat, links map[int64]delivery.Repeat,
		err error)
}

// findRepeats finds the rows that share their number, or their linking pseudonym,
// with another row of the delivery, and stores their marks. The marks of all rows
// are read twice, a chunk at a time: first to see which keys come more than once,
// then for the rows that have one. The memory is that of two sieves, whatever the
// size of the delivery; what they let through by mistake is compared exactly later.
func (im *Importer) findRepeats(ctx context.Context, key sealing.Key, c delivery.Claim) error {
	seed := maphash.MakeSeed()
	keys := func(m chunk.Mark) []uint64 {
		k := [2]uint64{maphash.String(seed, m.Number), maphash.Comparable(seed, m.LinkHash)}
		if m.LinkHash == 0 { // it has none
			return k[:1]
		}
		return k[:]
	}
	once, twice := newSieve(c.Delivery.Counts.Read), newSieve(c.Delivery.Counts.Read)
	for no := range c.Delivery.Chunks {
		marks, err := im.marks(ctx, key, c, no)
		if err != nil {
			return err
		}
		for _, m := range marks {
			for _, k := range keys(m) {
				if once.add(k) {
					twice.add(k)
				}
			}
		}
	}
	if twice.empty {
		return nil
	}
	for no := range c.Delivery.Chunks {
		marks, err := im.marks(ctx, key, c, no)
		if err != nil {
			return err
		}
		var shared []chunk.Mark
		for _, m := range marks {
			if slices.ContainsFunc(keys(m), twice.has) {
				shared = append(shared, m)
			}
		}
		if len(shared) == 0 {
			continue
		}
		if err := im.ports.Repeats.AddMarks(ctx, c, shared); err != nil {
			return err
		}
	}
	return nil
}

// marks gives the marks of a chunk's rows, from the sealed answers where they are
// not kept beside them.
func (im *Importer) marks(ctx context.Context, key sealing.Key, c delivery.Claim, no int) ([]chunk.Mark, error) {
	list, known, err := im.ports.Repeats.Marks(ctx, c.Delivery.ID, no)
	if err != nil || known {
		return list, err
	}
	set, _, err := im.open(ctx, key, c, no)
	if err != nil {
		return nil, err
	}
	for _, cand := range set {
		list = append(list, im.mark(cand))
	}
	return list, nil
}

// sieve tells keys that were never put in from those that were; now and then it
// takes the one for the other (a Bloom filter).
type sieve struct {
	bits  []uint64
	empty bool
}

// The size of a sieve: bits for each row, of which there are two keys, but no more
// than sieveMost, 4 MiB. A million rows fit well: under one in a hundred is let
// through by mistake.
const (
	sieveBits  = 32
	sieveLeast = 1 << 12
	sieveMost  = 1 << 25
	sieveMarks = 3 // bits for each key
)

func newSieve(rows int) *sieve {
	bits := sieveLeast
	for bits < sieveMost && bits < rows*sieveBits {
		bits <<= 1
	}
	return &sieve{bits: make([]uint64, bits/64), empty: true}
}

// add puts a key in, and tells whether it was there already.
func (s *sieve) add(key uint64) bool {
	there := s.has(key)
	s.each(key, func(word, bit uint64) bool { s.bits[word] |= bit; return true })
	s.empty = false
	return there
}

// has tells whether a key may have been put in.
func (s *sieve) has(key uint64) bool {
	return s.each(key, func(word, bit uint64) bool { return s.bits[word]&bit != 0 })
}

// each visits the places of a key until visit says no.
func (s *sieve) each(key uint64, visit func(word, bit uint64) bool) bool {
	mask := uint64(len(s.bits))*64 - 1 // a power of two
	step := key>>32 | 1
	for i := range uint64(sieveMarks) {
		at := (key + i*step) & mask
		if !visit(at/64, 1<<(at%64)) {
			return false
		}
	}
	return true
}
