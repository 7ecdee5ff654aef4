package intake

import (
	"time"

	"sluis/internal/delivery"
	"sluis/internal/value"
)

// expiry reads when the temporary pseudonyms of a row expire; zero if the row does
// not say. A moment in the past is accepted: the TTP rejects what has expired.
func (k checker) expiry(c *checked, cells []string, f delivery.Field) time.Time {
	cell := k.Cell(cells, f)
	if cell == "" {
		return time.Time{}
	}
	at, ok := value.Moment(cell)
	if !ok {
		c.warn("EXPIRY_UNREADABLE", f)
		return time.Time{}
	}
	return at
}
