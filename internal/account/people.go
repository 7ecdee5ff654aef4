package account

import (
	"slices"
	"time"
)

// LinkLife is how long a one-time link can be used.
const LinkLife = 7 * 24 * time.Hour

// The length of a reason for a change of an account, in characters.
const (
	MinReason = 5
	MaxReason = 500
)

// State is what an account can be used for.
type State string

// The states.
const (
	Invited State = "invited" // has no password yet, and no provider
	Active  State = "active"
	Blocked State = "blocked"
)

// States lists every state.
var States = []State{Invited, Active, Blocked}

// State returns what the account can be used for.
func (u User) State() State {
	switch {
	case !u.DisabledAt.IsZero():
		return Blocked
	case u.PasswordHash == "" && u.ProviderID == 0:
		return Invited
	}
	return Active
}

// Purpose is what a one-time link is for.
type Purpose string

// The purposes.
const (
	InviteLink Purpose = "invite" // the first password of an account
	ResetLink  Purpose = "reset"  // a new one
	FirstLink  Purpose = "first"  // makes the first administrator
)

// Link is a one-time link that can be used now.
type Link struct {
	Purpose   Purpose
	User      User // the zero User for FirstLink
	ExpiresAt time.Time
}

// The codes of [CheckRoles].
const (
	RolesMissing  = "roles_missing"   // none, or one that does not exist
	RolesMixed    = "roles_mixed"     // roles of a centre together with others
	RolesSeparate = "roles_separate"  // the auditor also has another role
	CentreMissing = "centre_needed"   // the roles belong to a centre
	CentreUnasked = "centre_unwanted" // the roles belong to none

	ProcessorMissing = "processor_needed"   // the role belongs to a processor
	ProcessorUnasked = "processor_unwanted" // the roles belong to none
)

// CheckRoles returns a code of what is wrong with roles that one account would have
// together; "" if nothing is. An auditor has no other role: whoever reads the access log
// must not be one whose acts are in it. The staff of a processor has no other role either.
func CheckRoles(roles []Role, centre *Centre, processor *Processor) string {
	needs, delegated := 0, slices.Contains(roles, ProcessorStaff)
	for _, r := range roles {
		if !r.Valid() {
			return RolesMissing
		}
		if r.NeedsCentre() {
			needs++
		}
	}
	switch {
	case len(roles) == 0:
		return RolesMissing
	case needs > 0 && needs < len(roles), delegated && len(roles) > 1:
		return RolesMixed
	case slices.Contains(roles, Auditor) && len(roles) > 1:
		return RolesSeparate
	case delegated && processor == nil:
		return ProcessorMissing
	case !delegated && processor != nil:
		return ProcessorUnasked
	case needs > 0 && centre == nil:
		return CentreMissing
	case needs == 0 && centre != nil:
		return CentreUnasked
	}
	return ""
}

// PeopleScope returns the accounts that the actor may manage: all of them, those of one
// centre, or none.
func (a Actor) PeopleScope() Scope {
	switch {
	case a.Is(Admin):
		return Scope{all: true}
	case a.Is(CentreAdmin) && a.Centre != nil:
		return Scope{centre: a.Centre.ID}
	}
	return Scope{}
}

// Gives lists the roles that the actor may give to others. A hospital's own
// administrator gives those that enter and deliver.
func (a Actor) Gives() []Role {
	switch {
	case a.Is(Admin):
		return Roles
	case a.Is(CentreAdmin):
		return []Role{Clinician, Uploader}
	}
	return nil
}

// MayChange reports whether the actor may change the account of u: nobody changes their
// own, and nobody one with a role that they could not have given.
func (a Actor) MayChange(u User) bool {
	if u.ID == a.UserID {
		return false
	}
	for _, r := range u.Roles {
		if !slices.Contains(a.Gives(), r) {
			return false
		}
	}
	return true
}

// PeopleQuery selects accounts, ordered by e-mail address. A zero field does not filter.
type PeopleQuery struct {
	Search       string // in the name or the e-mail address
	Role         Role
	State        State
	CentreNumber string
	After        string // PublicID of the last account of the page before
	Limit        int
}

// PeoplePage is one page of accounts. Next is the After of the following page; "" on the
// last one.
type PeoplePage struct {
	Users []User
	Total int // that the filter finds
	Next  string
}

// Act is why an account is changed, and what is done.
type Act struct {
	Code   string // in the access log: "roles", "disabled", …
	Reason string
}

// Change is one line of the history of an account.
type Change struct {
	At     time.Time
	By     string
	Code   string
	Reason string
	// Was and Became are roles and centre before and after; both are empty if they stayed.
	Was, Became string
}

// Person is an account with its history, the newest change first.
type Person struct {
	User
	Changes  []Change
	Sessions int // that are live
	Factors  Factors
	// LinkExpiresAt is when the one-time link ends that can be used now; zero for none.
	LinkExpiresAt time.Time
}

// ReviewEvery is how long after a review of who has access the next one is due.
const ReviewEvery = 90 * 24 * time.Hour

// Review is a review of who has access, signed off.
type Review struct {
	By       string
	At       time.Time
	Accounts int // that could sign in at that moment
	Blocked  int
	Tokens   int // in use
	Remark   string
	DueAt    time.Time // of the next one
}
