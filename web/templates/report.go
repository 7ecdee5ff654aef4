package templates

// Report is GET /aanleveringen/{id}/fouten?weergave=&ernst=&kolom=&code=&bron=&sorteer=&richting=&vanaf=.
// Filters is a GET form with the inputs ernst, kolom, code, bron and (hidden)
// weergave, sorteer and richting.
type Report struct {
	Page
	Filename     string
	Centre       string
	Created      string
	DeliveryHref string
	Tabs         []Tab // causes, records
	View         string
	Counts       Counts
	Warnings     int
	Advice       string // finished: what is wrong as a whole, and how to go about it
	LikelyCause  string // finished, or empty
	Expired      string // since when its rows are deleted; empty while they are there
	Causes       []Cause
	Rows         []ReportRow
	Severities   []Option // each with how many findings it would leave
	Columns      []Option
	Codes        []Option
	Sources      []Option
	Filtered     bool
	Total        int // of all pages, with the filter
	From, To     int // position of the rows
	Sorts        []Sort
	Sort         string // as Sorts' current one is named in the address
	Desc         bool
	CSVHref      string
	JSONHref     string
	XLSXHref     string
	PrintHref    string
	NextHref     string
	FirstHref    string
	NewHref      string // empty for who may not deliver
	JudgeHref    string // as Delivery's
	OwnFile      *OwnFile
	// Printed and Delivery are of the view that is printed: when, and of what.
	Printed  string
	Delivery Delivery
}

// Sort is a link to the same rows in another order.
type Sort struct {
	Text, Href    string
	Current, Desc bool
}

// OwnFile is what the browser needs to put the findings into the user's own file,
// which stays on the user's machine.
type OwnFile struct {
	FindingsHref string
	Columns      string // JSON: the headers by which the file is known
	Number       string // that of the patient number
	Records      int
	Reviews      string // JSON: the codes of findings that wait for a data manager
	Texts        string // JSON: the words that the script needs
}

// ReportRow is one finding in the report.
type ReportRow struct {
	Line          int
	PatientNumber string
	Column        string // as in the user's file
	Code          string
	Message       string // finished; the TTP's word for word
	Source        string // ttp or sluis
	Severity      string // fatal, warning or review
	Advice        string
}

// Repair is how a delivery stands to others: the one that it repairs, and those
// that repair it. Both may be there, in a chain.
type Repair struct {
	Original *RepairSide
	Own      *RepairSide // the delivery itself, where Later has any
	Later    []RepairSide
	MendHref string // empty where nothing is left to mend, or for who may not deliver
}

// RepairSide is one of the deliveries of a repair.
type RepairSide struct {
	Href, Filename, Created string
	Status                  string
	LeftOut                 int      // rows that are not stored, for the tag of Status
	Count                   string   // "3 van 4 hersteld"; empty while no repair is done
	What                    string   // finished: what of it was not stored
	Open                    []string // finished: the rows that are still to be repaired
	More                    int      // that Open leaves out
	Expired, Mended         bool
}
