// Package identity holds the directly identifying data of one person on its way
// to the Trusted Third Party: name, initials, postcode, and the birth date and
// sex that stand beside them.
//
// It never lets such a value out by accident: an Identity cannot be printed,
// logged, marshalled or stored. The one way to the values is [Identity.Reveal],
// and a test in internal/architecture lists the packages that may call it. The
// package knows nobody of ours, and never a pseudonym.
package identity

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
)

// hidden is what every printer shows in place of an identity.
const hidden = "[identity]"

// errHidden is the answer of every encoder that comes by without being asked.
var errHidden = errors.New("identity: an identity cannot be marshalled or stored")

// Fields are the values of an identity in plain text (product.md, "identity").
// They exist only between [Identity.Reveal] and the TTP call or the sealing.
type Fields struct {
	Surname, Prefix, Initials string
	// BirthDate is an ISO date (2001-01-31), or empty where the source had none.
	BirthDate string
	// Sex is as the TTP wants it: "m" or "v"; anything else is passed on as it
	// came, for the TTP is the judge of it.
	Sex       string
	Postcodes []Postcode
}

// Postcode is an address fact and the day on which it was true (seed 000 q12).
type Postcode struct {
	Postcode, HouseNumber, Suffix string
	RecordedOn                    string // ISO date, or empty
}

// Identity is one person's identifying data. The values are kept in a closure,
// because fmt reads unexported fields without asking their methods, and follows
// pointers where a verb does not fit ("%!s(*Fields=&{…})"); no printer looks into
// a function. The zero Identity is empty.
type Identity struct{ fields func() *Fields }

// New wraps f.
func New(f Fields) Identity { return Identity{fields: func() *Fields { return &f }} }

// Reveal gives the values. Call it only to send them to the TTP or to seal them.
func (id Identity) Reveal() Fields {
	if id.fields == nil {
		return Fields{}
	}
	return *id.fields()
}

// Forget empties the identity and every copy of it. Go strings cannot be wiped,
// but nothing of ours refers to them any more.
func (id Identity) Forget() {
	if id.fields != nil {
		*id.fields() = Fields{}
	}
}

// String hides the identity from fmt.
func (Identity) String() string { return hidden }

// GoString hides the identity from %#v.
func (Identity) GoString() string { return hidden }

// Format hides the identity from every verb.
func (Identity) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(hidden)) }

// LogValue hides the identity from slog.
func (Identity) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON refuses.
func (Identity) MarshalJSON() ([]byte, error) { return nil, errHidden }

// MarshalText refuses.
func (Identity) MarshalText() ([]byte, error) { return nil, errHidden }

// GobEncode refuses.
func (Identity) GobEncode() ([]byte, error) { return nil, errHidden }

// Value refuses to be stored in a database.
func (Identity) Value() (driver.Value, error) { return nil, errHidden }

// Item is an identity on its way to the TTP under a reference that says nothing
// of it.
type Item struct {
	Ref      string // random per row, the same on a retry
	Identity Identity
}
