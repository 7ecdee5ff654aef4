package value

// SexColumn counts the codes of a column of sexes. Its zero value has seen none.
type SexColumn struct{ zeros, ones, others int }

// Count adds the text of a cell.
func (c *SexColumn) Count(cell string) {
	switch cell {
	case "", "9": // 9 is not applicable in ISO 5218, and says nothing of the rest
	case "0":
		c.zeros++
	case "1":
		c.ones++
	default:
		c.others++
	}
}

// ZeroOrOne reports whether the sexes are written as 0 and 1 only. Then 0 is a sex,
// and nobody knows which. ISO 5218, in which 1 is a man and 0 unknown, has a 2 for
// women.
func (c SexColumn) ZeroOrOne() bool { return c.zeros > 0 && c.ones > 0 && c.others == 0 }
