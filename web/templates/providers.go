package templates

import "sluis/web/templates/ui"

// Providers is GET /inlogdiensten.
type Providers struct {
	Page
	Rows []ProviderRow
}

// ProviderRow is one provider of the list.
type ProviderRow struct {
	Href, Name, Issuer string
	Owner              string // the centre, or the registry
	Roles              string // that it can assign, in words
	State              string // on or off
}

// ProviderForm is a provider, new or known. Inputs: naam, centrum (of a new one), uitgever,
// client, geheim, scopes, accounts, domeinen, amr, acr, claim-N, waarde-N, rol-N, aan,
// reden.
type ProviderForm struct {
	Page
	New                                bool
	Name, Issuer, ClientID, SecretFile string
	Scopes, Domains, Methods, Levels   string
	Owner                              string   // the centre, or the registry
	Centres                            []Option // of a new one; first one: the registry
	Making                             string
	Makings                            []ui.Radio
	States                             []ui.Checkbox
	Lines                              []RoleLine
	NoFolder                           bool // no folder of secrets is set
	Why                                string
	Action, CheckAction                string
	RedirectURL, LogoutURL, AfterURL   string // for whoever sets up the provider; empty for a new one
	// Found is the result of a check in which nothing was wrong, Wrong that of another.
	// Published is the issuer that the provider names, if it is not the one that was typed.
	Found     *ProviderFound
	Wrong     string
	Published string
	Errors    []FieldError
}

// RoleLine is one line of the mapping from claims to roles.
type RoleLine struct {
	Number, Claim, Value, Role string
	Roles                      []Option
}

// ProviderFound is what a check found, in words.
type ProviderFound struct{ Algorithms, Keys, ResponseIssuer, SignOut, BackChannel string }
