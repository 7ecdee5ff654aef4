package templates

// Ways says how somebody may show who they are.
type Ways struct{ Passkey, Code, Recovery, Password bool }

// Kept is an input of a form that is kept while its sender shows who they are.
type Kept struct{ Name, Value string }

// Factor asks for the second factor: GET and POST /inloggen/factor, and the pages that ask
// once more before what cannot be undone. Inputs: bevestig-code, bevestig-herstelcode,
// bevestig-passkey, bevestig-wachtwoord, and the Kept ones.
type Factor struct {
	Page
	Ways
	Email   string
	Confirm bool // asks somebody who is signed in
	Action  string
	Options string // path of the options for a passkey
	Kept    []Kept
	Back    string // of a page that asks once more
	Errors  []FieldError
}

// SetUpFactor is GET /inloggen/instellen and GET /account/passkeys/nieuw. Inputs: naam and
// antwoord.
type SetUpFactor struct {
	Page
	Email         string
	Own           bool   // from one's own account, which has another page for the app
	PasskeyOnly   bool   // the role needs a passkey
	PasskeyAction string // empty if passkeys cannot be used at this address
	Options       string
	AppHref       string
	Name          string
	Errors        []FieldError
}

// SetUpApp is GET and POST of /inloggen/instellen/app and /account/app. Input: code.
type SetUpApp struct {
	Page
	Email    string
	Action   string
	Back     string
	Key      string // in groups of four
	QR       string // path of an SVG
	Size     int    // of the sides of the QR code
	Replaces bool   // the account has an app already
	Errors   []FieldError
}

// RecoveryCodes shows new recovery codes, this once.
type RecoveryCodes struct {
	Page
	Email string
	Codes []string
	Next  string
}

// Confirmed leads on to a download after a confirmation.
type Confirmed struct {
	Page
	Next string
}

// OwnFactors is the part of one's own account about the second factor.
type OwnFactors struct {
	Passkeys       []OwnPasskey
	PasskeysWork   bool
	NewPasskeyHref string

	AppMade, AppUsed string // text.Moment; AppMade is empty if there is no app
	AppHref          string
	AppRemoveAction  string

	RecoveryLeft   int
	RecoveryAction string

	Any      bool // there is a second factor
	Optional bool // none is required here
}

// OwnPasskey is one of the reader's own passkeys. Input of RenameAction: naam.
type OwnPasskey struct {
	ID, Name                   string
	Made, Used                 string // text.Moment; Used is empty for never
	RenameAction, RemoveAction string
}
