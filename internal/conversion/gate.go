package conversion

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"sluis/internal/account"
	"sluis/internal/delivery"
)

// compact returns JSON without the white space that a person's editor may have put in.
// Documents are signed in this form.
func compact(raw json.RawMessage) ([]byte, error) {
	var b bytes.Buffer
	err := json.Compact(&b, raw)
	return b.Bytes(), err
}

// Way is how the identities in the old table are erased.
type Way string

// The ways.
const (
	NewDatabase Way = "new"     // its owner destroys the old database as a whole
	InPlace     Way = "inplace" // the columns are overwritten and dropped
)

// Valid reports whether w is one of the ways.
func (w Way) Valid() bool { return w == NewDatabase || w == InPlace }

// Approval is one person's consent to the erasure for one centre.
type Approval struct {
	Centre   string       `json:"centre"`
	Role     account.Role `json:"role"`
	UserID   int64        `json:"-"`
	UserName string       `json:"user"`
	Why      string       `json:"why"`
	At       time.Time    `json:"at"`
	// Lapsed reports whether the person was blocked since, or lost the role.
	Lapsed bool `json:"lapsed,omitempty"`
}

// Erasure is a request to erase the identities in the old table.
type Erasure struct {
	ID          int64
	PublicID    string
	RunID       int64
	Way         Way
	CheckID     int64
	ExceptionID int64 // 0 for none
	AskedBy     string
	AskedAt     time.Time
	StartedAt   time.Time
	ErasedAt    time.Time
	Approvals   []Approval
}

// ApprovingRoles are the two roles that must agree, each by another person.
var ApprovingRoles = []account.Role{account.DataManager, account.Admin}

// CheckLife is the greatest age of a verification at an erasure.
const CheckLife = 7 * 24 * time.Hour

// Refusal is one reason why nothing may be erased. The catalogue has a sentence for each code
// ("existing.refusal.<code>").
type Refusal struct {
	Code string
	Args map[string]string
}

// Gate is everything that decides whether an erasure is allowed.
type Gate struct {
	Now       time.Time
	Way       Way
	Mapping   Mapping
	Rows      int      // rows of the old table now; -1 if nobody counted them
	Triggers  []string // of the old table
	Run       *Run     // the last conversion
	CheckedAt time.Time
	CheckRun  int64
	Check     *Check     // the last verification
	Open      []Open     // rows that are no patient now
	Exception *Exception // nil if there is none
	Forged    bool       // the exception's signature is not this registry's
	Erasure   *Erasure   // nil as long as nobody asked for one
}

// Refusals returns every reason not to erase. If there are none, the erasure is allowed.
func (g Gate) Refusals() []Refusal {
	var out []Refusal
	refuse := func(code string, args ...string) {
		r := Refusal{Code: code}
		for i := 0; i+1 < len(args); i += 2 {
			if r.Args == nil {
				r.Args = map[string]string{}
			}
			r.Args[args[i]] = args[i+1]
		}
		out = append(out, r)
	}
	if g.Run == nil || g.Run.Mode != delivery.Save {
		refuse("NO_RUN")
		return out
	}
	if !g.Run.Whole() {
		refuse("RUN_OPEN")
	}
	g.refuseCheck(refuse)
	g.refuseOpen(refuse)
	if g.Way == InPlace {
		if g.Mapping.Table == "" {
			refuse("SOURCE_IS_QUERY")
		}
		if len(g.Triggers) > 0 {
			refuse("SOURCE_TRIGGERS", "count", strconv.Itoa(len(g.Triggers)))
		}
	}
	if g.Erasure != nil {
		g.refuseApprovals(refuse)
	}
	return out
}

func (g Gate) refuseCheck(refuse func(code string, args ...string)) {
	switch {
	case g.Check == nil || g.CheckRun != g.Run.ID:
		refuse("NOT_VERIFIED")
		return
	case !g.Check.Clean():
		refuse("CHECK_UNCLEAN")
	case g.Now.Sub(g.CheckedAt) > CheckLife:
		refuse("CHECK_OLD")
	}
	if g.Rows >= 0 && g.Rows != g.Check.Rows {
		refuse("SOURCE_CHANGED", "then", strconv.Itoa(g.Check.Rows), "now", strconv.Itoa(g.Rows))
	}
}

// refuseOpen refuses if a row is no patient and is not in the signed exception.
func (g Gate) refuseOpen(refuse func(code string, args ...string)) {
	exempt := map[string]bool{}
	switch {
	case g.Forged:
		refuse("EXCEPTION_FORGED")
	case g.Exception != nil && g.Exception.Run != g.Run.PublicID:
		refuse("EXCEPTION_OTHER")
	case g.Exception != nil:
		for _, r := range g.Exception.Rows {
			exempt[r.OldKey+"/"+string(r.Outcome)] = true
		}
	}
	counts := map[string]int{}
	for _, r := range g.Open {
		if !exempt[r.OldKey+"/"+string(r.Outcome)] {
			counts[string(r.Outcome)]++
		}
	}
	for _, outcome := range []string{"rejected", "review"} {
		if n := counts[outcome]; n > 0 {
			refuse("ROWS_"+map[string]string{"rejected": "REJECTED", "review": "REVIEW"}[outcome], "count", strconv.Itoa(n))
		}
	}
}

// refuseApprovals refuses unless two people, one of each role, approved every centre.
func (g Gate) refuseApprovals(refuse func(code string, args ...string)) {
	for _, c := range g.Run.Centres {
		by := map[account.Role]int64{}
		for _, role := range ApprovingRoles {
			i := slices.IndexFunc(g.Erasure.Approvals, func(a Approval) bool { return a.Centre == c.CentreNumber && a.Role == role })
			switch {
			case i < 0:
				refuse("APPROVAL_MISSING", "centre", c.CentreNumber, "role", string(role))
			case g.Erasure.Approvals[i].Lapsed:
				refuse("APPROVAL_LAPSED", "centre", c.CentreNumber, "role", string(role))
			default:
				by[role] = g.Erasure.Approvals[i].UserID
			}
		}
		if len(by) == 2 && by[account.DataManager] == by[account.Admin] {
			refuse("ONE_PERSON", "centre", c.CentreNumber)
		}
	}
}
