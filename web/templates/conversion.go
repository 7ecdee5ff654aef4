package templates

// Conversion is GET /migratie: the conversion of the existing patients.
type Conversion struct {
	Page
	Tasks       []ConversionTask
	Runs        []ConversionRun // the rehearsal and the conversion, as far as there are any
	Erasure     *ConversionErasure
	ProofsHref  string // empty for who may not see them
	RefreshHref string
	Working     bool // a command is at work, so that the page will change
}

// ConversionTask is a step of the list. State is part of a catalogue key: todo,
// busy, done, attention or blocked.
type ConversionTask struct {
	Key     string // part of a catalogue key
	State   string
	Lines   []string // finished sentences
	Command string   // what the operator does next; empty for nothing
	Links   []Link
}

// Link is a link with its text.
type Link struct{ Text, Href string }

// ConversionRun is a rehearsal or the conversion.
type ConversionRun struct {
	Key          string // rehearsal or conversion: part of a catalogue key
	Table        string
	Started, By  string
	Finished     string
	Percent      int
	Fed, Total   int
	Counts       Counts
	Strays       int
	Paused       string   // since when and by whom: a finished sentence; empty if it is not paused
	Notices      []string // finished sentences: what it waits for
	PauseAction  string
	ResumeAction string
	Centres      []ConversionCentre
	RejectedHref string
	ReviewHref   string
}

// ConversionCentre is a run in one centre. State is a status of a delivery, or
// waiting.
type ConversionCentre struct {
	Centre     string
	State      string
	Fed, Total int
	Counts     Counts
	Confirm    string // action: store it although so many are rejected; empty if nobody needs to confirm
}

// ConversionErasure is what is asked, or done, for the old table. Inputs of the form:
// rol (hidden, or a choice), centra, reden, uitzonderingen (a checkbox).
type ConversionErasure struct {
	Way        string // part of a catalogue key
	Asked      string // a finished sentence
	Done       string // a finished sentence; empty while it is not
	Begun      bool
	Refusals   []string // finished sentences: what else prevents the erasure
	Approvals  []ConversionApproval
	Exceptions int // rows that are lost with the old table
	Action     string
	Given      string   // a finished sentence: the user has approved every centre; then there is no form
	Roles      []Option // to choose from, if the user has both
	Role       string   // of the user, if it is only one
	Centres    string   // as typed
	Why        string
	Errors     []FieldError
}

// ConversionApproval says who approved a centre. Its fields are empty if nobody did.
type ConversionApproval struct{ Centre, DataManager, Admin string }

// ConversionRows is GET /migratie/rijen?van=&soort=&centrum=&na=.
type ConversionRows struct {
	Page
	Run       string // rehearsal or conversion: part of a catalogue key
	Kind      string // rejected or review
	Tabs      []Tab  // Key is rejected or review
	Centres   []Option
	Total     int
	Rows      []ConversionRow
	NextHref  string
	FirstHref string
	Filtered  bool
	JudgeHref string // empty for who may not judge
}

// ConversionRow is a row of the old table that is no patient.
type ConversionRow struct {
	Key     string // patid
	Centre  string
	Number  string
	Column  string
	Message string
	TTP     bool // the message is the TTP's own
	Code    string
	Advice  string
}

// Proofs is GET /migratie/bewijzen.
type Proofs struct {
	Page
	Rows []ProofRow
}

// ProofRow is a proof in the list.
type ProofRow struct {
	Href, When, By string
	Clean          bool
}

// Proof is GET /migratie/bewijzen/{id}, and the file to print.
type Proof struct {
	Page
	Clean      bool
	Facts      []Fact
	Verdict    string // a finished sentence
	Before     string // what the control found: a finished sentence
	Files      []ProofFile
	Hits       []ProofHit
	MoreHits   int
	Unreached  []string
	Approvals  []ProofApproval
	PublicKey  string
	Signature  string
	ExportHref string // empty for who may not
}

// Fact is a word and its value.
type Fact struct{ Label, Value string }

// ProofFile is a file, or a table, that was looked into.
type ProofFile struct {
	Name         string
	Bytes        string
	Hits, Chance int
	Error        string
}

// ProofHit is a place in which a name may be.
type ProofHit struct{ File, Offset, Kind, Coding string }

// ProofApproval is one person's word.
type ProofApproval struct{ Centre, Role, User, When, Why string }

// taskColour is the colour of a task's tag.
func taskColour(state string) string {
	colours := map[string]string{"done": "green", "busy": "teal", "attention": "yellow", "todo": "grey", "blocked": "grey"}
	return "govuk-tag govuk-tag--" + colours[state]
}

// centreState is the key of a centre's status: one that waits has none of a
// delivery.
func centreState(c ConversionCentre) string {
	if c.State == "waiting" {
		return "existing.centre.waiting"
	}
	return "status." + c.State
}
