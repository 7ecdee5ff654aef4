package delivery

// Assignment says which column of a file holds what, as a user assigned them. It
// holds places alone, never a header or a value, so that it can be kept.
type Assignment struct {
	Table int `json:"table"`
	// Header is the line of the header row; 0 where the file has none, or names its
	// columns itself.
	Header  int           `json:"header"`
	Columns map[Field]int `json:"columns"`         // from 0
	Dates   DateOrder     `json:"dates,omitempty"` // empty: as the data proves
	// Remembered tells that it was not made for this file, but for an earlier one
	// with the same header.
	Remembered bool `json:"remembered,omitempty"`
}

// DateOrder is the order in which a file writes its dates, where it writes them
// with the year last.
type DateOrder string

// The orders.
const (
	DayFirst   DateOrder = "dmy" // 31-1-2001, as in the Netherlands
	MonthFirst DateOrder = "mdy" // 1/31/2001
)
