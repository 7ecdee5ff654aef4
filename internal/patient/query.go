package patient

// Query selects patients in the order of centre and patient number.
type Query struct {
	Number       string // exactly this number; empty for all
	CentreNumber string // only this centre's; empty for all in scope
	After        string // public id of the last one seen; empty for the first page
	Limit        int
}

// Listed is a patient as a list shows it: the display set, and whose it is.
type Listed struct {
	PublicID     string
	CentreNumber string
	Display
	Version   int
	UpdatedAt string // RFC 3339, UTC
}

// Page is one page of patients. Next is the After of the following page; empty
// on the last one.
type Page struct {
	Patients []Listed
	Next     string
	Total    int // in scope and matching, over all pages
}

// Detail is one patient as its page shows it. Of a pseudonym it says only that it is
// there, never its value.
type Detail struct {
	Listed
	CreatedAt  string // RFC 3339, UTC
	Pseudonyms []Presence
	OldKeys    []string // its keys in the registry's old table
}

// Presence says that a patient has a pseudonym of this kind.
type Presence struct {
	Type, Domain string
	KeyVersion   int
	ObservedOn   string
}
