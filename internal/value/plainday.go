package value

// Nearly every cell of a file is written in the two ways that this file reads without
// regular expressions, which would otherwise be a good part of the work of parsing.

// plainDay splits a date such as 31-1-2001 or 2001-01-31: three numbers with one kind of
// separator, and nothing else. It returns false for every other cell, also for one that
// is a date in another way.
func plainDay(cell string) (parts [3]string, ok bool) {
	if len(cell) < len("1-1-2001") || len(cell) > len("2001-01-31") {
		return parts, false
	}
	var separator byte
	n, from := 0, 0
	for i := 0; i < len(cell); i++ {
		c := cell[i]
		if c >= '0' && c <= '9' {
			continue
		}
		if c != '-' && c != '/' && c != '.' || n > 0 && c != separator || n > 1 {
			return parts, false
		}
		separator, parts[n] = c, cell[from:i]
		n, from = n+1, i+1
	}
	parts[2] = cell[from:]
	short := func(s string) bool { return len(s) == 1 || len(s) == 2 }
	yearLast := short(parts[0]) && len(parts[2]) == 4
	yearFirst := len(parts[0]) == 4 && short(parts[2])
	return parts, n == 2 && short(parts[1]) && (yearLast || yearFirst)
}

// plain returns the date of the parts that plainDay found.
func (d Dates) plain(p [3]string) string {
	switch {
	case len(p[0]) == 4 && d.YearDayMonth:
		return isoDay(p[0], p[2], p[1])
	case len(p[0]) == 4:
		return isoDay(p[0], p[1], p[2])
	case d.MonthFirst:
		return isoDay(p[2], p[0], p[1])
	}
	return isoDay(p[2], p[1], p[0])
}

// noDate reports whether a cell is certainly no date, as most patient numbers are. It is
// not if it is one letter with no letter behind it, such as P000123, because the names of
// days and months are longer; or if it is a number that is no day number and has not the
// length of yyyymmdd.
func (d Dates) noDate(cell string) bool {
	if d.Epoch == NoEpoch && len(cell) != len("yyyymmdd") && onlyDigits(cell) {
		return true
	}
	letter := func(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
	return letter(cell[0]) && (len(cell) == 1 || cell[1] < 0x80 && !letter(cell[1]))
}
