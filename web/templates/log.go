package templates

// Log is GET /logboek. The filter is a GET form; van and tot are dates d-m-jjjj or
// jjjj-mm-dd.
type Log struct {
	Page
	Groups    []Option // first one: all
	Types     []Option // first one: all
	Results   []Option // first one: all
	Centres   []Option // first one: all
	User      string
	From, To  string
	Errors    []FieldError
	Rows      []LogRow
	Found     string // how many there are, a finished sentence
	Filtered  bool
	NextHref  string
	FirstHref string
	CSVHref   string // empty for whoever may not export
	MayReview bool   // and answer patients
	ReviewDue string // a finished sentence
	Overdue   bool
	Alarms    int // that nobody has closed

	// The question who looked at a patient.
	Hospitals  []Option // of the patient; first one: all
	Hospital   string   // the chosen one
	Number     string   // of the patient
	ForPatient bool     // the rows are the answer to it
	NextBefore string   // of the answer's next page; empty if there is none
}

// LogRow is one event of the access log.
type LogRow struct {
	Href     string // of its own page
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

// LogRecord is one event of the access log with all that it says.
type LogRecord struct {
	Page
	LogRow
	Number    string
	Action    string // finished
	Type      string // as it is stored
	RawCode   string // as it is stored; may be empty
	Reason    string
	UserID    string // 0 for the system
	Source    string // the machine that recorded it
	RequestID string
	Proof     string // whole, unsealed or changed
	Patients  []LogPatient
	More      int // patients that are not shown
	UserHref  string
}

// LogPatient is a patient whom an event is about.
type LogPatient struct{ Number, Centre, Action string }

// LogReview is where an auditor signs off the access log.
type LogReview struct {
	Page
	Due     string // a finished sentence
	Overdue bool
	Period  string // a finished sentence
	To      string // the end of the period, for the form
	Groups  []LogGroup
	Alarms  []AlarmRow // that nobody has closed
	Samples []LogRow
	Remark  string
	Done    []ReviewRow
	Errors  []FieldError
}

// LogGroup is how many events of a group there are.
type LogGroup struct{ Name, Count, Href string }

// Disclosure is what a patient is told of who saw their data.
type Disclosure struct {
	Page
	Centres []Option
	Centre  string // chosen, for the form of the file
	Number  string
	Errors  []FieldError
	Asked   bool   // the rows are an answer
	Found   bool   // there is such a patient
	Of      string // the hospital, by its name
	Made    string // the moment
	Rows    []DisclosedRow
	More    bool // there are older ones that are left out
}

// DisclosedRow is one act, as a patient is told it.
type DisclosedRow struct{ When, Who, Role, Organisation, What string }

// Alarms lists alarms.
type Alarms struct {
	Page
	States    []Option
	Filtered  bool
	Rows      []AlarmRow
	FirstHref string
	NextHref  string
}

// AlarmRow is one alarm.
type AlarmRow struct {
	Href  string
	What  string // finished
	Cause string
	When  string
	State string // open or closed
}

// Alarm is one alarm, and what was found about it.
type Alarm struct {
	Page
	AlarmRow
	Number                    string
	Explain                   string // what such an alarm means, finished
	Count, Limit              string
	Centre                    string // the unusual one; may be empty
	First, Last               string
	FirstHref, LastHref       string // of the first and the last event
	LogHref                   string // of the events of its cause on that day; empty if it is no account
	ClosedBy, ClosedAt, Found string
	Action                    string // of the form; empty for whoever may not close it
	Remark                    string // typed
	Errors                    []FieldError
}
