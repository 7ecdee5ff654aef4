package templates

// Reviews is GET /beoordelen?reden=&centrum=&aanlevering=&na=. The filter is a GET
// form with the inputs reden, centrum and (hidden, where set) aanlevering.
type Reviews struct {
	Page
	Total      int // with the filter, over all pages
	Reasons    []Option
	Centres    []Option
	DeliveryID string // only what rows of this delivery wait for; empty for all
	Filtered   bool
	Rows       []ReviewRow
	NextHref   string
	FirstHref  string
}

// ReviewRow is a conflict in the queue.
type ReviewRow struct {
	Href    string
	Opened  string // text.Moment
	Centre  string // number and name, or number
	Reason  string // a finished sentence
	Number  string // the delivered patient number
	Origin  *ReviewOrigin
	Further int // rows beside the first one that say the same
}

// ReviewOrigin is a row that waits for a conflict.
type ReviewOrigin struct {
	Href, Filename string
	Line           int
}

// Review is GET and POST /beoordelen/{id}. Inputs: besluit, reden, gezien (hidden).
type Review struct {
	Page
	Number  string // the delivered patient number
	Centre  string
	Opened  string // text.Moment
	Reason  string // a finished sentence
	Notice  string // why what was sent was not stored; a finished sentence or empty
	Origins []ReviewOrigin
	// Rows and Deliveries count all that wait for it; Entered tells that a single
	// entry opened it.
	Rows, Deliveries int
	Entered          bool
	Partners         string // lines of the same file; empty for none
	// Closed is set where it was decided; then there is no form.
	Closed *ReviewClosed

	Sides        []ReviewSide
	ExistingHref string   // the registered patient's page; empty where there is none
	Remarks      []string // finished sentences

	Action   string
	Seen     string
	Choices  []ReviewChoice
	Withheld []string // finished sentences: what cannot be chosen, and why
	Chosen   string
	Why      string
	Errors   []FieldError
}

// ReviewSide is one line of the comparison. Verdict is part of a catalogue key:
// same, differs, unknown or empty.
type ReviewSide struct{ Label, Delivered, Existing, Verdict string }

// ReviewChoice is a decision that is offered.
type ReviewChoice struct{ Value, Text, Hint string }

// ReviewClosed is what was decided.
type ReviewClosed struct {
	Decision string // part of a catalogue key
	By, At   string
	Why      string
}
