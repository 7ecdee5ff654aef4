// Package account says who may do what: users, roles, permissions, centres,
// passwords and API tokens.
//
// It knows no HTTP and no SQL, and never sees a patient.
package account

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"sluis/internal/audit"
)

// Centre is a hospital that delivers.
type Centre struct {
	ID     int64
	Number string // such as 2809
	Name   string
	// IdentitiesAllowed lets the centre deliver identities; off unless switched on.
	IdentitiesAllowed bool
	// BrakePercent is the centre's brake; 0 means that of the registry. If more than
	// this percentage of a delivery of ten rows or more would be rejected, nothing is
	// stored until the user confirms.
	BrakePercent int
	// NumberSystem is the system of the centre's patient numbers in FHIR
	// (Patient.identifier.system); empty if patients have no other identifiers.
	NumberSystem string
	// TemporaryRefused keeps the centre from delivering temporary pseudonyms.
	TemporaryRefused bool
	// MaxRows is the number of rows that one delivery of the centre may have; 0 means
	// the registry's. It is never more than that.
	MaxRows int
	// The person at the centre who is asked about its deliveries.
	ContactName, ContactEmail, ContactPhone string
}

// Role is one of product.md's roles.
type Role string

// The roles.
const (
	Clinician Role = "clinician"
	Uploader  Role = "uploader"
	// ProcessorStaff delivers on behalf of the centres that gave its processor a mandate.
	ProcessorStaff Role = "processor"
	CentreAdmin    Role = "centreadmin" // a hospital's own key user: the accounts of that hospital
	DataManager    Role = "datamanager"
	Admin          Role = "admin"
	Auditor        Role = "auditor"
)

// Roles lists every role.
var Roles = []Role{Clinician, Uploader, ProcessorStaff, CentreAdmin, DataManager, Admin, Auditor}

// NeedsCentre reports whether the role belongs to one centre. The others belong to
// none, or to a processor.
func (r Role) NeedsCentre() bool { return r == Clinician || r == Uploader || r == CentreAdmin }

// Valid reports whether r is a role.
func (r Role) Valid() bool { return slices.Contains(Roles, r) }

// Permission is what a route asks of its user.
type Permission string

// The permissions: the rows of product.md's table.
const (
	ViewPatients   Permission = "patients.view"
	EnterPatient   Permission = "patients.enter"
	ViewDeliveries Permission = "deliveries.view"
	Deliver        Permission = "deliveries.deliver"
	// DecideDelivery is to save, cancel and retry deliveries. It is not enough for
	// every kind: a data manager, for example, decides only about datasets.
	DecideDelivery Permission = "deliveries.decide"
	ImportDatasets Permission = "datasets.import" // and decide about what was imported
	JudgeConflicts Permission = "reviews.judge"
	ViewTTP        Permission = "ttp.view"
	// AnnounceMaintenance is to say when the TTP or Sluis will be out of use.
	AnnounceMaintenance Permission = "maintenance.announce"
	ViewLog             Permission = "log.view"
	ExportLog           Permission = "log.export"       // and answer a patient who asks who saw their data
	ReviewLog           Permission = "log.review"       // sign off the log, and close its alarms
	RunConversion       Permission = "existing.run"     // plan, run and verify the existing patients
	ApproveErasure      Permission = "existing.approve" // needs two people, one of each role
	ViewProofs          Permission = "proofs.view"
	ExportProofs        Permission = "proofs.export"
	ManageUsers         Permission = "users.manage" // of every centre, or of the actor's own
	ReviewAccess        Permission = "users.review" // sign off who has access
	ManageCentres       Permission = "centres.manage"
	ManageTokens        Permission = "tokens.manage"
	GrantMandates       Permission = "mandates.grant" // of every centre, or of the actor's own
	ForgetColumns       Permission = "columns.forget" // what the actor's centre said of its columns
	// ManageProviders is to say at which providers people sign in, and as what.
	ManageProviders Permission = "providers.manage"
)

// granted is the part of product.md's table that is built.
var granted = map[Role][]Permission{
	Clinician: {ViewPatients, EnterPatient, ViewDeliveries},
	Uploader:  {ViewPatients, ViewDeliveries, Deliver, DecideDelivery, ForgetColumns},
	// A processor sees its own deliveries only, and no page of a patient.
	ProcessorStaff: {ViewDeliveries, Deliver, DecideDelivery},
	DataManager: {
		ViewPatients, ViewDeliveries, DecideDelivery, ImportDatasets, JudgeConflicts, ViewTTP, AnnounceMaintenance,
		RunConversion, ApproveErasure,
	},
	CentreAdmin: {ManageUsers, ManageTokens, GrantMandates},
	Admin: {
		ViewLog, ViewTTP, AnnounceMaintenance, RunConversion, ApproveErasure, ViewProofs, ManageUsers, ReviewAccess, ManageCentres,
		ManageTokens,
		GrantMandates,
		ManageProviders,
	},
	Auditor: {ViewLog, ExportLog, ReviewLog, ViewProofs, ExportProofs},
}

// User is a person who can sign in.
type User struct {
	ID           int64
	PublicID     string
	Email        string
	Name         string // of the person; may be empty
	PasswordHash string // empty: was invited, and has not set a password yet
	ProviderID   int64  // of the provider at which the user signs in; 0: with a password
	Roles        []Role
	Centre       *Centre    // nil for roles without a centre
	Processor    *Processor // nil for all roles but ProcessorStaff
	Demo         bool
	CreatedAt    time.Time
	DisabledAt   time.Time // zero: the user may sign in
	LastSignInAt time.Time // zero: never
}

// ActiveAdmin reports whether the user can sign in as administrator.
func (u User) ActiveAdmin() bool { return u.DisabledAt.IsZero() && slices.Contains(u.Roles, Admin) }

// Token is an API token: a role in a centre, without a password.
type Token struct {
	ID       int64
	PublicID string
	Name     string
	Role     Role
	Centre   *Centre
	// Processor is that of a token with the role ProcessorStaff, which has no centre.
	Processor *Processor
	Demo      bool
	// Addresses are the networks from which it may be used; none for all. Certificate is
	// the SHA-256 in hex of the client certificate that must go with it; empty for none.
	Addresses   []netip.Prefix
	Certificate string

	CreatedBy  string
	CreatedAt  time.Time
	ExpiresAt  time.Time // zero: never
	LastUsedAt time.Time // zero: never; to the minute
	RevokedAt  time.Time // zero: the token is in use
}

// The states of a token, besides Active.
const (
	Expired State = "expired"
	Revoked State = "revoked"
)

// State returns whether the token can be used.
func (t Token) State(now time.Time) State {
	switch {
	case !t.RevokedAt.IsZero():
		return Revoked
	case !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt):
		return Expired
	}
	return Active
}

// Actor makes a request: it is a signed-in user or an API token.
type Actor struct {
	UserID int64 // 0 for a token
	Name   string
	Roles  []Role
	Centre *Centre
	// Processor has the centres for which the actor may deliver now; nil for all roles but
	// ProcessorStaff.
	Processor *Processor
}

// ActorOf returns the actor of a signed-in user.
func ActorOf(u User) Actor {
	return Actor{UserID: u.ID, Name: u.Email, Roles: u.Roles, Centre: u.Centre, Processor: u.Processor}
}

// ActorOfToken returns the actor of an API token.
func ActorOfToken(t Token) Actor {
	return Actor{Name: "token " + t.Name, Roles: []Role{t.Role}, Centre: t.Centre, Processor: t.Processor}
}

// May reports whether one of the actor's roles grants p.
func (a Actor) May(p Permission) bool {
	for _, r := range a.Roles {
		if slices.Contains(granted[r], p) {
			return true
		}
	}
	return false
}

// Is reports whether the actor has role r.
func (a Actor) Is(r Role) bool { return slices.Contains(a.Roles, r) }

// Scope returns what the actor may see: its own centre, its own deliveries for the
// centres that gave it a mandate, all centres, or nothing.
func (a Actor) Scope() Scope {
	if a.Processor != nil {
		s := Scope{processor: a.Processor.ID}
		for _, c := range a.Processor.Centres {
			s.mandates = append(s.mandates, c.ID)
		}
		return s
	}
	if a.Centre != nil {
		return Scope{centre: a.Centre.ID}
	}
	return Scope{all: a.Is(DataManager)}
}

// Who returns the actor as the access log names it.
func (a Actor) Who() audit.Who {
	names := make([]string, len(a.Roles))
	for i, r := range a.Roles {
		names[i] = string(r)
	}
	w := audit.Who{UserID: a.UserID, Name: a.Name, Role: strings.Join(names, ",")}
	if a.Centre != nil {
		w.CentreID = a.Centre.ID
	}
	return w
}

// Scope limits a query of the store to what an actor may see. Its zero value
// sees nothing, so that a forgotten scope shows an empty page and not a foreign
// one.
type Scope struct {
	centre    int64
	all       bool
	processor int64
	mandates  []int64 // the centres of which the processor has a mandate
}

// AllCentres returns the scope of the system itself: commands and workers.
func AllCentres() Scope { return Scope{all: true} }

// All reports whether every centre is in scope.
func (s Scope) All() bool { return s.all }

// CentreID returns the one centre in scope; 0 if there is none, or if all are.
func (s Scope) CentreID() int64 { return s.centre }

// Processor returns the processor whose own deliveries for some centres are in scope, and
// those centres; 0 if the scope is no processor's. Nothing else is in such a scope.
func (s Scope) Processor() (id int64, centres []int64) { return s.processor, s.mandates }
