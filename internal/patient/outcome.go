package patient

// Outcome is what became of a row (product.md, "The rules"). The values are
// those of the API and of the database.
type Outcome string

// The outcomes.
const (
	Pending   Outcome = "pending"
	Created   Outcome = "created"
	Updated   Outcome = "updated"
	Unchanged Outcome = "unchanged"
	Rejected  Outcome = "rejected"
	Review    Outcome = "review"
)

// Counts are the outcomes of a delivery's rows. Read is all of them.
type Counts struct {
	Read      int `json:"read"`
	Created   int `json:"created"`
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
	Rejected  int `json:"rejected"`
	Review    int `json:"review"`
	Pending   int `json:"pending"`
}

// Add counts n rows with outcome o. It does not change Read.
func (c *Counts) Add(o Outcome, n int) {
	switch o {
	case Created:
		c.Created += n
	case Updated:
		c.Updated += n
	case Unchanged:
		c.Unchanged += n
	case Rejected:
		c.Rejected += n
	case Review:
		c.Review += n
	case Pending:
		c.Pending += n
	}
}

// Stored returns the number of rows whose patient is in the registry as delivered.
func (c Counts) Stored() int { return c.Created + c.Updated + c.Unchanged }

// Balanced reports whether the outcomes add up to the rows read.
func (c Counts) Balanced() bool {
	return c.Read == c.Stored()+c.Rejected+c.Review+c.Pending
}

// Reason is why a row needs a data manager's judgement.
type Reason string

// The reasons for [Review]. They are finding codes too.
const (
	// NumberTaken means that the same patient number is stored with another linking pseudonym.
	NumberTaken Reason = "CONFLICT_NUMBER"
	// PseudonymTaken means that the same linking pseudonym is stored under another number.
	PseudonymTaken Reason = "CONFLICT_PSEUDONYM"
	// NumberTwice means that the file has this number more than once, with different content.
	NumberTwice Reason = "DUPLICATE_NUMBER"
	// PseudonymTwice means that the file has this person under more than one number.
	PseudonymTwice Reason = "DUPLICATE_PSEUDONYM"
)

// Verdict is the outcome of one candidate, in the order of the set.
type Verdict struct {
	Outcome   Outcome
	Reason    Reason // with Review
	PatientID int64  // the patient stored or met; 0 if there is none
	Partners  []int  // lines in the same file that this row collides or agrees with
}
