package api

import (
	"net/http"
	"time"

	"sluis/internal/account"
	"sluis/internal/server/request"
)

// Version is the version of this API, as openapi.json has it. The first number is that of
// [Prefix]; the second rises when something is added.
const Version = "1.2"

// Me is the bearer of a token, and the limits that the bearer meets.
type Me struct {
	Name        string               `json:"name"` // of the token
	Role        account.Role         `json:"role"`
	Permissions []account.Permission `json:"permissions"` // those that calls of this API need
	Centre      *Centre              `json:"centre"`      // null: the role belongs to no centre
	Processor   string               `json:"processor,omitempty"`
	// OnBehalfOf are the centres for which a processor may deliver now.
	OnBehalfOf []Centre   `json:"onBehalfOf,omitempty"`
	CreatedAt  time.Time  `json:"createdAt"`
	ExpiresAt  *time.Time `json:"expiresAt"` // null: never
	Limits     Limits     `json:"limits"`
	API        About      `json:"api"`
	// Maintenance is what is announced: deliveries wait for its end.
	Maintenance []Maintenance `json:"maintenance"`
}

// Centre is a hospital by its number and name.
type Centre struct {
	Number string `json:"number"`
	Name   string `json:"name"`
}

// Limits are the greatest numbers of what a script sends or asks for.
type Limits struct {
	FileMB  int64 `json:"fileMB"`  // of 1,048,576 bytes
	Rows    int   `json:"rows"`    // of one file
	Uploads int   `json:"uploads"` // of the centre at once
	Page    int   `json:"page"`    // things on a page of a list
}

// Maintenance is a time at which the TTP or Sluis is out of use by plan.
type Maintenance struct {
	Of    string    `json:"of"` // ttp or sluis
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	Note  string    `json:"note"`
}

// announced returns the maintenance that is announced.
func (a *API) announced(r *http.Request) ([]Maintenance, error) {
	out := []Maintenance{}
	if a.o.Plan == nil {
		return out, nil
	}
	plan, err := a.o.Plan(r.Context())
	for _, w := range plan.Shown(a.o.Now()) {
		out = append(out, Maintenance{string(w.Of), w.From, w.Until, w.Note})
	}
	return out, err
}

// About says which API it is.
type About struct {
	Version string `json:"version"`
}

// permissions are those that calls of this API need.
var permissions = []account.Permission{account.ViewPatients, account.EnterPatient, account.ViewDeliveries, account.Deliver}

// GetMe is GET /me.
func (a *API) GetMe(w http.ResponseWriter, r *http.Request) error {
	token, actor := request.From(r.Context()).Token, request.Actor(r)
	out := Me{
		Name: token.Name, Role: token.Role, Permissions: []account.Permission{}, CreatedAt: token.CreatedAt,
		Limits: Limits{
			FileMB: a.o.Door.MaxBytes() >> 20, Rows: a.o.MaxRows, Uploads: a.o.Door.Most(), Page: maxLimit,
		},
		API: About{Version},
	}
	for _, p := range permissions {
		if actor.May(p) {
			out.Permissions = append(out.Permissions, p)
		}
	}
	if c := token.Centre; c != nil {
		out.Centre = &Centre{c.Number, c.Name}
	}
	if p := token.Processor; p != nil {
		out.Processor = p.Name
		for _, c := range p.Centres {
			out.OnBehalfOf = append(out.OnBehalfOf, Centre{c.Number, c.Name})
		}
	}
	if !token.ExpiresAt.IsZero() {
		out.ExpiresAt = &token.ExpiresAt
	}
	var err error
	if out.Maintenance, err = a.announced(r); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, out)
}
