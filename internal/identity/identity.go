// Package identity holds the directly identifying data of one person on its way
// to the Trusted Third Party: name, initials, postcode, and the birth date and
// sex that go with them.
//
// It never lets such a value out by accident: an Identity cannot be printed,
// logged, marshalled or stored. The only way to the values is [Identity.Reveal],
// and a test in internal/architecture lists the packages that may call it. The
// package imports nothing else of Sluis, and never sees a pseudonym.
package identity

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"unicode"
)

// hidden is printed in place of an identity.
const hidden = "[identity]"

// errHidden is the error of every attempt to encode an identity.
var errHidden = errors.New("identity: an identity cannot be marshalled or stored")

// Fields are the values of an identity in plain text (product.md, "identity").
// They exist only between [Identity.Reveal] and the TTP call or the sealing.
type Fields struct {
	Surname, Prefix, Initials string
	// BirthDate is an ISO date (2001-01-31), or empty if the file had none.
	BirthDate string
	// Sex is "m" or "v", as the TTP wants it. Anything else is sent as it came, for
	// the TTP decides whether it is valid.
	Sex       string
	Postcodes []Postcode
}

// Postcode is an address and the day on which it was true (seed 000 q12).
type Postcode struct {
	Postcode, HouseNumber, Suffix string
	RecordedOn                    string // ISO date, or empty
}

// Identity is one person's identifying data. The values are kept in a closure,
// because fmt reads unexported fields without asking their methods, and follows
// pointers if a verb does not fit ("%!s(*Fields=&{…})"); no printer looks into
// a function. The zero Identity is empty.
type Identity struct{ fields func() *Fields }

// New wraps f.
func New(f Fields) Identity { return Identity{fields: func() *Fields { return &f }} }

// Reveal returns the values. Call it only to send them to the TTP or to seal them.
func (id Identity) Reveal() Fields {
	if id.fields == nil {
		return Fields{}
	}
	return *id.fields()
}

// Parts reports which parts of an identity are there, without their values.
type Parts struct{ Surname, Initials, BirthDate, Sex bool }

// Parts returns which of the fields have a value. Initials need a letter.
func (f Fields) Parts() Parts {
	return Parts{f.Surname != "", strings.ContainsFunc(f.Initials, unicode.IsLetter), f.BirthDate != "", f.Sex != ""}
}

// Parts returns which parts of the identity are there. It reveals no value.
func (id Identity) Parts() Parts { return id.Reveal().Parts() }

// Forget empties the identity and every copy of it. Go strings cannot be wiped,
// but Sluis has no reference to them any more.
func (id Identity) Forget() {
	if id.fields != nil {
		*id.fields() = Fields{}
	}
}

// String hides the identity from fmt.
func (Identity) String() string { return hidden }

// GoString hides the identity from %#v.
func (Identity) GoString() string { return hidden }

// Format hides the identity from every verb of fmt.
func (Identity) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(hidden)) }

// LogValue hides the identity from slog.
func (Identity) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON returns an error.
func (Identity) MarshalJSON() ([]byte, error) { return nil, errHidden }

// MarshalText returns an error.
func (Identity) MarshalText() ([]byte, error) { return nil, errHidden }

// GobEncode returns an error.
func (Identity) GobEncode() ([]byte, error) { return nil, errHidden }

// Value returns an error, so that a database cannot store an identity.
func (Identity) Value() (driver.Value, error) { return nil, errHidden }

// Item is an identity on its way to the TTP, under a reference that says nothing
// about it.
type Item struct {
	Ref      string // random for each row, and the same on a retry
	Identity Identity
}
