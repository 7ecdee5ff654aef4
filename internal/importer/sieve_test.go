package importer

import (
	"math/rand/v2"
	"testing"
)

// TestSieveForgetsNothing: a key that was put in is always found, and few others
// are, up to the size for which it is made.
func TestSieveForgetsNothing(t *testing.T) {
	for _, rows := range []int{0, 1, 40, 100_000, 1_000_000} {
		r := rand.New(rand.NewPCG(1, uint64(rows)))
		s := newSieve(rows)
		if len(s.bits)*64 > sieveMost {
			t.Errorf("%d rows take %d bits", rows, len(s.bits)*64)
		}
		keys := make([]uint64, 2*rows)
		mistaken := 0
		for i := range keys {
			keys[i] = r.Uint64()
			if s.add(keys[i]) {
				mistaken++
			}
		}
		for _, k := range keys {
			if !s.has(k) || !s.add(k) {
				t.Fatalf("a key of %d is lost", len(keys))
			}
		}
		if mistaken*100 > len(keys) {
			t.Errorf("%d of %d new keys were taken for old ones", mistaken, len(keys))
		}
	}
}
