package patient

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
)

// Hash returns a narrow index key of a pseudonym. It covers type, domain, key version and
// value, and for a postcode type the day, because a person may live in one place twice.
// It hides nothing: pseudonyms are random already. What an index finds by it is compared
// in full if that matters.
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

// ContentHash returns equal hashes for two rows that say the same: display set and
// pseudonyms in any order, and for a row of the old table the date of death. The number,
// the line and the day do not count.
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
