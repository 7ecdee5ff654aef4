package delivery

// Assignment says which column of a file is what, as a user assigned them. It has only
// positions, never a header or a value, so that it can be kept.
type Assignment struct {
	Table int `json:"table"`
	// Header is the line of the header row; 0 if the file has none, or if its format
	// names the columns, as JSON does.
	Header  int           `json:"header"`
	Columns map[Field]int `json:"columns"`         // from 0
	Dates   DateOrder     `json:"dates,omitempty"` // empty: as the data proves
	// Remembered says that the user made the assignment for an earlier file with the
	// same header.
	Remembered bool `json:"remembered,omitempty"`
}

// OnlyDates reports whether no column is assigned: the order of the dates is all that is
// known. A script may say it with its file.
func (a Assignment) OnlyDates() bool { return len(a.Columns) == 0 }

// DateOrder is the order of day and month in the dates of a file that has the year last.
type DateOrder string

// The orders.
const (
	DayFirst   DateOrder = "dmy" // 31-1-2001, as in the Netherlands
	MonthFirst DateOrder = "mdy" // 1/31/2001
)
