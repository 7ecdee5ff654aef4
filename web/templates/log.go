package templates

// Log is GET /logboek?soort=&gebruiker=&centrum=&van=&tot=&voor=. The filter is
// a GET form with those inputs; van and tot are dates d-m-jjjj or jjjj-mm-dd.
type Log struct {
	Page
	Types     []Option // first one: all
	Centres   []Option // first one: all
	User      string
	From, To  string
	Errors    []FieldError
	Rows      []LogRow
	Filtered  bool
	NextHref  string
	FirstHref string

	// The question who looked at a patient.
	Hospitals  []Option // of the patient; first one: all
	Hospital   string   // the chosen one
	Number     string   // of the patient
	ForPatient bool     // the rows are the answer to it
	NextBefore string   // of the answer's next page; empty if there is none
}

// LogRow is one event of the access log.
type LogRow struct {
	When     string // text.Moment
	Who      string
	Roles    string
	Centre   string
	What     string // audit.<type>, finished
	Object   string // "aanlevering", finished; may be empty
	ObjectID string
	Result   string // success, minor or serious
	Code     string // a reason, finished; may be empty
	Address  string
	Via      string
	Count    int // patients concerned
}
