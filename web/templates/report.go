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
	Advice       string // finished: what is wrong on the whole, and where to start
	LikelyCause  string // finished, or empty
	Expired      string // the moment at which its rows were deleted; empty if they are still there
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
	NewHref      string // empty if the user may not deliver
	JudgeHref    string // as Delivery's
	OwnFile      *OwnFile
	// Printed and Delivery are shown only on the printed view: the moment and the
	// delivery.
	Printed  string
	Delivery Delivery
}

// Sort is a link to the same rows in another order.
type Sort struct {
	Text, Href    string
	Current, Desc bool
}

// OwnFile has the data that the browser needs to put the findings into the user's own
// file, which stays on the user's machine.
type OwnFile struct {
	FindingsHref string
	Columns      string // JSON: the headers by which the file is recognised
	Number       string // the header of the patient number
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

// Repair has the delivery that a delivery repairs, and those that repair it. A delivery
// in a chain has both.
type Repair struct {
	Original *RepairSide
	Own      *RepairSide // the delivery itself, if Later has any
	Later    []RepairSide
	MendHref string // empty if nothing is left to repair, or if the user may not deliver
}

// RepairSide is one of the deliveries of a repair.
type RepairSide struct {
	Href, Filename, Created string
	Status                  string
	LeftOut                 int      // rows that are not stored, for the tag of Status
	Count                   string   // "3 van 4 hersteld"; empty while no repair is done
	What                    string   // finished: its rows that were not stored
	Open                    []string // finished: the rows that are still to be repaired
	More                    int      // rows that Open leaves out
	Expired, Mended         bool
}
