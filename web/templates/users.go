package templates

import "sluis/web/templates/ui"

// Users is GET /gebruikers?zoek=&rol=&staat=&centrum=&na=. The filter is a GET form with
// those inputs.
type Users struct {
	Page
	Search    string
	Roles     []Option // first one: all
	States    []Option // first one: all
	Centres   []Option // first one: all; empty for somebody who manages one centre
	Rows      []UserRow
	Total     int
	Filtered  bool
	ReviewDue string // a finished sentence; empty if there is nothing to say
	MayReview bool
	FirstHref string
	NextHref  string
}

// UserRow is one account of the list.
type UserRow struct {
	Href    string
	Name    string // of the person, or the address if it is not known
	Email   string
	Roles   string // in words
	Centre  string
	SignIn  string // text.Moment; empty for never
	State   string // active, invited or blocked
	IsOwner bool   // the reader's own account
}

// RoleChoice is the part of a form that gives roles. Inputs: rol (several) and centrum.
type RoleChoice struct {
	Roles   []ui.Checkbox
	Centres []Option // empty if the centre is not to be chosen
}

// Invitation is GET and POST /gebruikers/nieuw. Inputs: email, naam, rol, centrum, reden.
type Invitation struct {
	Page
	Email, Name, Why string
	Choice           RoleChoice
	Errors           []FieldError
}

// Account is GET /gebruikers/{id}, and the answer to a form on it that has faults.
type Account struct {
	Page
	Email, Name, Roles, Centre string
	State                      string // active, invited or blocked
	Created, SignIn            string // text.Moment; SignIn is empty for never
	Sessions                   int
	Provider                   string // at which its owner signs in; empty: with a password
	Factors                    string // in words
	HasFactors                 bool   // there is something to reset
	LinkEnds                   string // text.Moment; empty if there is no open link
	Remark                     string // why nothing can be changed here; empty if something can
	Path                       string // of the account; the forms post below it
	Choice                     RoleChoice
	Changes                    []AccountChange
	// Why has what was typed in the form that had faults, by the name of its input.
	Why    map[string]string
	Errors []FieldError
}

// AccountChange is one line of the history.
type AccountChange struct {
	When, By string
	What     string // finished
	Reason   string
	Was, Now string // roles and centre in words; empty if they stayed
}

// OneTimeLink is the answer to an invitation or a request for a new link: the only page
// that ever shows it.
type OneTimeLink struct {
	Page
	Email   string
	Purpose string // invite or reset
	Link    string
	Ends    string // text.Moment
	Back    string // path of the account
}

// SetPassword is GET and POST /uitnodiging/{token}. Inputs: wachtwoord, and for the first
// administrator email and naam.
type SetPassword struct {
	Page
	Purpose     string // invite, reset or first
	Email, Name string
	Action      string
	Providers   []ProviderButton // at which the person can sign in in place of setting a password
	Errors      []FieldError
}

// OwnAccount is GET /account, and the answer to a form on it that has faults. Inputs:
// huidig and nieuw.
type OwnAccount struct {
	Page
	Email, Name, Roles, Centre string
	Provider                   string // at which the reader signs in; empty: with a password
	SignIn                     string
	Factors                    OwnFactors
	Sessions                   []OwnSession
	Errors                     []FieldError
}

// OwnSession is one of the reader's own sessions.
type OwnSession struct {
	Started, Seen, Address, Browser string
	Current                         bool
	EndAction                       string // empty for a session that cannot be ended by itself
}
