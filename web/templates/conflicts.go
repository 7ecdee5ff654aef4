package templates

// Conflicts is GET /beoordelen?reden=&centrum=&aanlevering=&na=. The filter is a GET
// form with the inputs reden, centrum and (hidden, if set) aanlevering.
type Conflicts struct {
	Page
	Total      int // with the filter, over all pages
	Reasons    []Option
	Centres    []Option
	DeliveryID string // only what rows of this delivery wait for; empty for all
	Filtered   bool
	Rows       []ConflictRow
	NextHref   string
	FirstHref  string
}

// ConflictRow is a conflict in the queue.
type ConflictRow struct {
	Href    string
	Opened  string // text.Moment
	Centre  string // number and name, or number
	Reason  string // a finished sentence
	Number  string // the delivered patient number
	Origin  *ConflictOrigin
	Further int // rows besides the first one that say the same
}

// ConflictOrigin is a row that waits for a conflict.
type ConflictOrigin struct {
	Href, Filename string
	Line           int
}

// Conflict is GET and POST /beoordelen/{id}. Inputs: besluit, reden, gezien (hidden).
type Conflict struct {
	Page
	Number  string // the delivered patient number
	Centre  string
	Opened  string // text.Moment
	Reason  string // a finished sentence
	Notice  string // why what was sent was not stored; a finished sentence or empty
	Origins []ConflictOrigin
	// Rows and Deliveries count all that wait for it; Entered says that it
	// came from the entry of a single patient.
	Rows, Deliveries int
	Entered          bool
	Partners         string // lines of the same file; empty for none
	// Closed is set if it was decided; then there is no form.
	Closed *ConflictClosed

	Sides        []ConflictSide
	ExistingHref string   // the registered patient's page; empty if there is none
	Remarks      []string // finished sentences

	Action   string
	Seen     string
	Choices  []ConflictChoice
	Withheld []string // finished sentences: what cannot be chosen, and why
	Chosen   string
	Why      string
	Errors   []FieldError
}

// ConflictSide is one line of the comparison. Verdict is part of a catalogue key:
// same, differs, unknown or empty.
type ConflictSide struct{ Label, Delivered, Existing, Verdict string }

// ConflictChoice is a decision that is offered.
type ConflictChoice struct{ Value, Text, Hint string }

// ConflictClosed is the judgement.
type ConflictClosed struct {
	Decision string // part of a catalogue key
	By, At   string
	Why      string
}
