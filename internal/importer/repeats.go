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

// findRepeats finds the rows that share their number, or their linking pseudonym, with
// another row of the delivery, and stores their marks. It reads the marks of all rows
// twice, a chunk at a time: first to find the keys that occur more than once, then the
// rows that have such a key. It needs the memory of two sieves, whatever the size of the
// delivery. A row that they let through by mistake does no harm: Repeats compares exactly.
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

// marks returns the marks of a chunk's rows. If they are not stored, it makes them from
// the sealed answers.
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

// sieve is a Bloom filter. It recognises every key that was added. Now and then it takes
// another key for one of these.
type sieve struct {
	bits  []uint64
	empty bool
}

// A sieve has sieveBits bits for each row, which has two keys, but at most sieveMost bits
// (4 MiB). With a million rows, fewer than one key in a hundred is let through by mistake.
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

// add adds a key. It reports whether the key seemed to be there already.
func (s *sieve) add(key uint64) bool {
	there := s.has(key)
	s.each(key, func(word, bit uint64) bool { s.bits[word] |= bit; return true })
	s.empty = false
	return there
}

// has reports whether a key may have been added.
func (s *sieve) has(key uint64) bool {
	return s.each(key, func(word, bit uint64) bool { return s.bits[word]&bit != 0 })
}

// each visits the bits of a key until visit returns false. It reports whether none did.
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
