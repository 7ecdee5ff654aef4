package templates

import "sluis/web/templates/ui"

// Centres is GET /centra.
type Centres struct {
	Page
	Rows []CentreRow
}

// CentreRow is one hospital of the list.
type CentreRow struct {
	Href, Number, Name string
	Kinds              string // what it may deliver, in words
	Brake, MaxRows     string
	Contact            string
}

// CentreForm is a hospital, new or known. Inputs: nummer (of a new one), naam, soort
// (several), limiet, rem, nummersysteem, contact, contact-email, contact-telefoon, reden (not of a
// new one).
type CentreForm struct {
	Page
	New                                     bool
	Number, Name                            string
	Identities, Temporary                   bool
	Kinds                                   []ui.Checkbox
	MaxRows, Brake, System                  string
	ContactName, ContactEmail, ContactPhone string
	RegistryRows, RegistryBrake             string // what counts if the input is empty
	Action                                  string
	TokensHref                              string // empty for a new one
	Why                                     string
	Errors                                  []FieldError
}

// Tokens is GET /tokens?centrum=&na=.
type Tokens struct {
	Page
	Centres             []Option // first one: all; empty for somebody of one centre
	Filtered            bool
	Rows                []TokenRow
	FirstHref, NextHref string
}

// TokenRow is one API token of the list.
type TokenRow struct {
	Href               string
	Name, Role, Centre string
	Made, By           string
	Ends, Used         string // text.Moment; empty for never
	State              string // active, expired or revoked
	Soon               bool   // it ends soon
	Bound              bool   // to addresses or a certificate
}

// Token is GET /tokens/{id}. Input: reden.
type Token struct {
	Page
	Row                    TokenRow
	Addresses, Certificate string // empty for all, and for none
	Revoked                string // text.Moment; empty if it was not
	RevokeAction           string // empty if it cannot be used anyway
	Why                    string
	Errors                 []FieldError
}

// TokenForm is GET and POST /tokens/nieuw. Inputs: naam, rol, centrum, geldig, adressen,
// vingerafdruk, reden.
type TokenForm struct {
	Page
	Name, Role                  string
	Roles                       []ui.Radio
	Centres                     []Option // empty if there is no choice
	Lives                       []Option
	Addresses, Certificate, Why string
	AskCertificate              bool // Sluis knows the certificates of scripts
	Errors                      []FieldError
}

// TokenMade is the answer to a new token: the only page that ever shows it.
type TokenMade struct {
	Page
	Name, Token, Ends, Back string
}

// AccessReview is GET and POST /gebruikers/controle. Inputs: gezien, opmerking.
type AccessReview struct {
	Page
	Due                       string // a finished sentence
	Overdue                   bool
	Accounts, Blocked, Tokens int
	Roles                     []RoleCount
	Unused                    []UserRow // accounts that nobody signed in to for long
	Remark                    string
	Done                      []ReviewRow
	CSVHref                   string
	Errors                    []FieldError
}

// RoleCount is how many accounts have a role.
type RoleCount struct {
	Role  string
	Count int
}

// ReviewRow is a review that was signed off.
type ReviewRow struct{ When, By, What, Remark string }
