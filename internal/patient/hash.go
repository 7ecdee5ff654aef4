package patient

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
)

// Hash is a narrow index key of a pseudonym: its type, domain, key version and
// value, and the day of a postcode type, for one may live somewhere twice. It
// hides nothing, for pseudonyms are random already, and what it finds is compared
// whole where that matters.
func (p Pseudonym) Hash() int64 {
	b := make([]byte, 0, 256) // on the stack
	b = append(append(b, p.Type...), '|')
	b = append(append(b, p.Domain...), '|')
	b = append(strconv.AppendInt(b, int64(p.KeyVersion), 10), '|')
	b = append(b, p.Value...)
	if p.RecordedOn != "" {
		b = append(append(b, '|'), p.RecordedOn...)
	}
	return hash64(b)
}

// ContentHash tells whether two rows say the same: display set and pseudonyms,
// in whatever order, without the number, the line and the day, and of a row of
// the old table the date of death.
func (c Candidate) ContentHash() int64 {
	parts := make([]string, len(c.Pseudonyms))
	for i, p := range c.Pseudonyms {
		parts[i] = strconv.FormatInt(p.Hash(), 16)
	}
	slices.Sort(parts)
	if c.OldRow != nil && c.OldRow.DiedOn != "" {
		parts = append(parts, c.OldRow.DiedOn)
	}
	return hash64([]byte(c.Display.Birth.String() + "|" + string(c.Display.Sex) + "|" + strings.Join(parts, "|")))
}

func hash64(b []byte) int64 {
	sum := sha256.Sum256(b)
	return int64(binary.BigEndian.Uint64(sum[:8]))
}
