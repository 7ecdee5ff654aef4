// Package templates holds the pages: a props struct and a templ component for
// each, both named after the page (SignIn, SignInPage).
//
// Props are ready to display: strings, numbers and flags, no domain types. The
// package decides how things look and which words of the catalogue go where. It
// never decides who may see something, and fetches no data. Fixed texts of a page
// come from Page.T. For a text that depends on a code (an outcome, a status, a
// finding), a field holds that code or a finished sentence: each field says which.
package templates

import (
	"sluis/web/templates/ui"
	"sluis/web/text"
)

// Page is what every page has.
type Page struct {
	// T is the catalogue of the language of the page.
	T *text.Catalogue
	// Return is the path (with query) to come back to after a change of language,
	// which is POST /taal with the inputs taal (nl or en) and terug (this path). It
	// never holds a patient number, because searching is done by POST.
	Return string
	// User is nil if nobody is signed in: then there is no menu.
	User *User
	// Nav is the service navigation, in order.
	Nav []NavItem
	// Crumbs are the pages that lead here, without the page itself.
	Crumbs []Crumb
	// Demo shows the banner "Demonstratie".
	Demo bool
	// Version is the program's, for the foot of the page; empty for a stranger.
	Version string
	// FactorOptional says in the banner that nobody needs a second factor here.
	FactorOptional bool
	// Flash says what the previous request did.
	Flash *Flash
	// Posted says that the page answers a form, and has no address of its own. The script
	// then gives it that of Return, so that the browser does not keep what was sent.
	Posted bool
	// Session is when the visitor's session ends; nil if nobody is signed in.
	Session *Session
}

// Session is when a session ends. The script warns before that, and POST /account/sessie
// postpones it. Without script the page says the time.
type Session struct {
	Idle, Life int    // seconds until it ends unused, and until it ends in any case
	Ends       string // the clock time of the first of these, "14:32"
}

// User is the signed-in user in the header. Sign-out is POST /uitloggen.
type User struct {
	Name   string // e-mail address
	Roles  string // "Aanleveraar, Invoerder"
	Centre string // "Centrum 2809 Voorbeeldziekenhuis"; empty for none
}

// NavItem is one link of the service navigation.
type NavItem struct {
	Text, Href string
	Current    bool
}

// Crumb is one link of the breadcrumbs.
type Crumb struct{ Text, Href string }

// Flash is a message about what was just done.
type Flash struct {
	Text    string // a finished sentence
	Success bool
	// Passing says that the message is true only while a delivery goes on by itself.
	// The page of a delivery that rests leaves it out.
	Passing bool
}

// Option is a choice in a select or a filter.
type Option = ui.Option

// FieldError is a fault in a form. The error summary links to the input, whose
// id and name are Field; Field is empty for a fault of the form as a whole.
type FieldError = ui.FieldError

// Credentials is the Field of a fault of the e-mail address and the password
// together: which of the two is wrong must not show.
const Credentials = "credentials"

// SignIn is GET and POST /inloggen. Inputs: email, password, next.
type SignIn struct {
	Page
	Email  string
	Next   string // path to go to afterwards
	Errors []FieldError
	// Expired says that the session ended.
	Expired bool
	// Providers are the buttons of providers at which people can sign in too. If there are
	// too many, there are none, and FindProvider says that the page asks for an e-mail
	// address; FindEmail is what was typed there. Input: via-email.
	Providers    []ProviderButton
	FindProvider bool
	FindEmail    string
	// PasswordSet says that the user has just set a password.
	PasswordSet bool
	// Passkey offers to sign in with a passkey: POST /inloggen/passkey with antwoord and
	// next.
	Passkey bool
}

// ProviderButton leads to a provider at which people sign in.
type ProviderButton struct{ Name, Href string }

// SignedOut is the page after a sign-out of a session that began at a provider. It goes
// on to the provider by itself.
type SignedOut struct {
	Page
	Name string // of the provider
	Href string // where the session there ends
}

// Error is the page for a request that failed.
type Error struct {
	Page
	Status int
	// Code is an apperr code. The page shows error.<code>.title, .body and .next, or
	// those of "internal" if the catalogue does not have the code.
	Code string
	// Reference lets a helpdesk find the log line.
	Reference string
	// Query says that the query of the address is wrong. Parameter is then the name of
	// the wrong parameter, "" if it cannot be shown; Known are those that the page has,
	// and PlainHref is the page without any, or "".
	Query     bool
	Parameter string
	Known     []string
	PlainHref string
}

// Overview is GET /.
type Overview struct {
	Page
	MayEnter, MayDeliver         bool
	ShowPatients, ShowDeliveries bool
	// What an auditor has to do about the access log.
	ShowDuties                     bool
	Alarms                         int    // that nobody has closed
	LogReviewDue                   string // a finished sentence
	LogOverdue                     bool
	ShowLog                        bool
	Deliveries                     []DeliveryRow // the last few
	ShowCentre                     bool          // with a centre column
	ToMend                         int           // deliveries to mend
	ToJudge                        int           // conflicts that wait, for who may judge them
	TTP                            string        // a state of TTPStatus, for who may see it; else empty
	Expiring                       int           // records whose temporary pseudonyms run out soon
	ExpiresAt                      string
	Patients                       []PatientRow // the last few changed or entered
	BirthYear                      bool         // the registry keeps years
	DeliveriesFailed, PatientsFail bool         // this part could not be read
}

// DeliveryRow is a delivery in a list.
type DeliveryRow struct {
	Href      string
	Filename  string
	Centre    string // number and name, or number
	Created   string // text.Moment
	CreatedBy string
	Behalf    string // which processor delivered on whose behalf; empty if none did
	Status    string // a delivery.Status; "done" with Rejected or Review shows as partial
	Denied    bool   // paused: the TTP refuses our credentials
	Mode      string // "check" or "save"
	Read      int
	Stored    int
	Rejected  int
	Review    int
	Repaired  string // "3 van 4 hersteld", or empty
}

// Tab is one tab of the deliveries page or of the report: a link.
type Tab struct {
	Key     string // open, closed, to_mend; causes, records
	Href    string
	Current bool
	Count   int // shown if > 0
}

// Deliveries is GET /aanleveringen?groep=&centrum=&na=. The filter is a GET
// form with inputs groep (hidden, the current tab's key) and centrum.
type Deliveries struct {
	Page
	Tabs       []Tab
	Rows       []DeliveryRow
	ShowCentre bool     // with a centre column and filter
	Centres    []Option // first one: all
	MayDeliver bool
	NextHref   string // empty on the last page
	FirstHref  string // empty on the first page
}

// Upload is GET and POST /aanleveringen/nieuw (the form posts multipart to
// Action). Inputs, in this order in the body: mode ("check" or "save"), file.
type Upload struct {
	Page
	Action       string // "/aanleveringen"
	Centre       string // "2809 Voorbeeldziekenhuis"
	Mode         string // the one that was chosen; empty at first
	Errors       []FieldError
	Kinds        []FileKind // what this centre may deliver, the usual first
	MaxMegabytes int
	MaxRows      int
	MaxColumns   int
	MaxCell      int // characters of one cell
	MaxUploads   int // of the centre at once
	Kept         int // kinds of files whose columns are remembered
	Repair       *UploadRepair
	Notices      []Notice // of announced maintenance
}

// OnBehalf is GET /aanleveringen/nieuw for a processor with several mandates. The Value of
// a centre is the address of its upload form.
type OnBehalf struct {
	Page
	Centres []Option
}

// UploadRepair is the delivery that a file will repair. Its ID is the value of the
// checkbox "herstelt", which comes before the file.
type UploadRepair struct {
	ID, Href, Filename, Created string
	LeftOut                     string // finished: its rows that were not stored
	Chosen                      bool
}

// FileKind describes one kind of file.
type FileKind struct {
	Key      string // identities or temporary_pseudonyms
	Columns  []FileColumn
	Examples []Option // example files: path and format
}

// FileColumn is a column of a file.
type FileColumn struct {
	Header   string // as Sluis writes it
	Required string // a word
	Explain  string // text key column.<field>, finished
	Example  string
	Also     string // other headers that are recognised, comma-separated
}

// Counts are the outcomes of a delivery's rows; they add up to Read.
type Counts struct {
	Read, Created, Updated, Unchanged, Rejected, Review, Pending int
}

// Stored returns the number of rows that are (or would be) in the registry.
func (c Counts) Stored() int { return c.Created + c.Updated + c.Unchanged }

// Step is one step of a delivery that is under way. Key is one of upload,
// check, temporary, definitive, decide, store.
type Step struct {
	Key   string
	State string // done, current or todo
}

// Cause is one reason for rejection or warning, over all rows that share it.
type Cause struct {
	Severity string // fatal or warning; conflicts that wait for judgement: review
	Source   string // ttp or sluis
	Code     string
	Column   string // as in the user's file
	Message  string // finished; the TTP's word for word
	Explain  string // the meaning in the words of Sluis; may be empty
	Advice   string
	Right    string // an example of a right value; may be empty
	Count    int
	Lines    string // "7, 39", header is line 1
	More     int    // lines that Lines leaves out
	Href     string // the records of this cause in the report
}

// Delivery is GET /aanleveringen/{id} in every state.
type Delivery struct {
	Page
	Filename   string
	Centre     string
	ShowCentre bool
	Status     string // a delivery.Status
	Kind       string // identities, temporary_pseudonyms or empty
	Mode       string // check or save
	Created    string // text.Moment
	CreatedBy  string
	Finished   string // text.Moment; empty as long as it is not finished
	Duration   string // "10 seconden"; empty if unknown

	// Queued, processing and paused. The event stream at EventsHref sends
	// `progress` with JSON {percent, done, total, text, step} and `done`; step is
	// the Key of the current Step. The page reloads on `done`.
	Steps       []Step
	Percent     int
	Done, Total int // of the current step; rows or parts
	EventsHref  string
	RefreshHref string
	Left        string // about how long it will still take: a finished sentence, or empty
	Ahead       int    // deliveries of its centre that are processed before it
	Storing     bool   // its rows are being stored: those that are stored stay, even if it is cancelled
	NextTry     string // paused: text.Moment, or empty
	TTPDenied   bool   // paused: the TTP refuses our credentials
	Pause       string // paused: a delivery.Pause; else empty
	RetryAction string // POST; empty hides the button
	ColumnsHref string // needs_mapping: where the columns are assigned; empty if the user may not

	// Checked, needs_confirmation and done. In the first two, Counts says what would
	// happen to the rows; in the last, what happened.
	Counts       Counts
	Warnings     int // rows with a warning
	Causes       []Cause
	Expires      string // when an unanswered check is cancelled: text.Moment
	SaveAction   string // POST; empty hides the button
	CancelAction string // POST; empty hides the button
	ReportHref   string
	CSVHref      string
	JSONHref     string
	XLSXHref     string
	// ReportExpired is the moment at which its rows were deleted. If it is set, there
	// is no report.
	ReportExpired string
	Share         int // percentage that would be rejected, shown with the brake
	// LikelyCause is a finished sentence, shown with the brake; may be empty.
	LikelyCause string
	Notes       []string // what was ignored in the file: finished sentences
	// SameAs is set if exactly this file was delivered before.
	SameAs *SameFile
	Repair Repair

	Refusals []string // refused: finished sentences, all of them
	FailCode string   // failed: shown as reference
	NewHref  string   // to deliver a corrected file; empty if the user may not
	// JudgeHref leads to its conflicts that wait; empty where there are none, or
	// for who may not judge them.
	JudgeHref string
}

// SameFile is the earlier delivery of the very same file.
type SameFile struct{ Href, Filename, Created string }

// PatientRow is a patient in a list.
type PatientRow struct {
	Href    string
	Number  string
	Birth   string // d-m-jjjj or jjjj; empty if unknown
	Sex     string // finished: man, vrouw, onbekend
	Changed string // text.Moment
	Centre  string
}

// Patients is GET /patienten?na=&vanaf= and, for a search, POST /patienten with
// the input number.
type Patients struct {
	Page
	Searched   bool
	Number     string // the number that was searched
	Errors     []FieldError
	Rows       []PatientRow
	ShowCentre bool
	BirthYear  bool // the registry keeps years
	From, To   int  // position of the rows; 0 if unknown
	Total      int
	NextHref   string
	FirstHref  string
	MayEnter   bool
}

// Patient is GET /patienten/{id}.
type Patient struct {
	Page
	Number     string
	Birth      string
	BirthYear  bool
	Sex        string // finished
	Centre     string
	Version    int
	Created    string // text.Moment
	Changed    string // text.Moment
	Unnumbered bool   // it has no patient number yet, and Number says so
	OldKeys    string // keys in the registry's old table; empty for none, and for who may not see them
	Pseudonyms []PseudonymRow
	History    []HistoryRow // empty: the table is left out
}

// PseudonymRow says that a patient has a pseudonym, never its value.
type PseudonymRow struct {
	Type, Domain string
	KeyVersion   int
	Observed     string
}

// HistoryRow is one thing that happened to a patient.
type HistoryRow struct{ When, Who, What string }

// PatientForm is GET and POST /patienten/nieuw. Inputs: number, birth-day,
// birth-month, birth-year, sex (m, v), surname, prefix, initials. Errors name
// those, or birth-date for the date as a whole.
type PatientForm struct {
	Page
	Centre    string
	BirthYear bool // the registry keeps only the year
	Values    PatientValues
	Errors    []FieldError
	// NotSaved is set when the TTP gave no answer: a finished sentence.
	NotSaved string
}

// PatientValues are the values that a user filled in. They are shown again to that
// user, and never kept.
type PatientValues struct {
	Number, BirthDay, BirthMonth, BirthYear, Sex, Surname, Prefix, Initials string
}

// PatientResult is the result of a single entry: GET /patienten/{id}/klaar, or the
// answer itself if nothing was stored (review).
type PatientResult struct {
	Page
	Outcome   string // created, updated, unchanged or review
	Reason    string // with review: a finished sentence
	Number    string
	Birth     string
	BirthYear bool
	Sex       string
	Centre    string
	Href      string // the patient's page; empty if there is none
	NewHref   string
	Warnings  []FieldError
}
