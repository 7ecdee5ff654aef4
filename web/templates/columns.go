package templates

// Columns is GET and POST /aanleveringen/{id}/kolommen. The GET form has the
// inputs blad (a sheet) and kop (a header line). The POST form has these two as hidden
// inputs, and "veld-<field>" for each field (a column's index, or empty), volgorde
// (dmy or mdy) and onthouden.
type Columns struct {
	Page
	Filename string
	Centre   string // "centrum 2809 …"
	Until    string // until when the file is kept
	Href     string // of this page
	Back     string // of the delivery
	Sheets   []Option
	Lines    []Option // rows that may be the header
	Sheet    string   // the chosen one
	Line     string   // the chosen one
	Fields   []ColumnField
	Columns  []FileColumnShown
	AskDates bool
	// OnlyDates is true if the order of the dates is all that is asked: the columns are
	// known, and go back as hidden inputs.
	OnlyDates bool
	Dates     string
	CanKeep   bool
	Keep      bool
	Cancel    string // action
	Errors    []FieldError
}

// ColumnField is a field that a column can be assigned to.
type ColumnField struct {
	ID       string // of the input
	Name     string
	Explain  string
	Required string // a word; empty if it is not required
	State    string // "sure", "guess" or "choose"
	Options  []Option
	Examples []string // of the chosen column
}

// FileColumnShown is a column of the user's file.
type FileColumnShown struct {
	Index    string
	Place    string
	Header   string
	Examples []string
}
