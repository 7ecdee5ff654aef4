package templates

// Processors is GET /verwerkers.
type Processors struct {
	Page
	MayAdd   bool // a processor; a mandate may be granted by everyone who sees the page
	Mandates []MandateRow
	Rows     []ProcessorRow
}

// ProcessorRow is one processor of the list.
type ProcessorRow struct{ Name, Contact, Email, Phone, Made string }

// MandateRow is one mandate of the list. Until is the last day; empty for none.
type MandateRow struct {
	Href, Processor, Centre, From, Until, By string
	State                                    string // active, planned, expired or withdrawn
}

// ProcessorForm is GET and POST /verwerkers/nieuw. Inputs: naam, contact, contact-email,
// contact-telefoon, reden.
type ProcessorForm struct {
	Page
	Name, ContactName, ContactEmail, ContactPhone, Why string
	Errors                                             []FieldError
}

// MandateForm is GET and POST /mandaten/nieuw. Inputs: verwerker, centrum, van, tot, reden.
type MandateForm struct {
	Page
	Processors       []Option
	Centres          []Option // empty if there is no choice
	Centre           string   // the one, if there is no choice
	From, Until, Why string
	Errors           []FieldError
}

// Mandate is GET /mandaten/{id}. Input: reden.
type Mandate struct {
	Page
	Row                                     MandateRow
	Reason, Granted                         string
	Withdrawn, WithdrawnBy, WithdrawnReason string // empty if it was not
	WithdrawAction                          string // empty if it has ended
	Why                                     string
	Errors                                  []FieldError
}
