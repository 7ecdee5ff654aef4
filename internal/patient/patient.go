// Package patient is what the registry keeps of a person: the display set and
// the definitive pseudonyms, and the one call through which every door ends,
// [Registrar.Register].
//
// It knows no HTTP, no SQL and no identity: a name cannot be expressed here.
package patient

import (
	"fmt"
	"time"
)

// MaxNumberLength is the longest patient number, in characters.
const MaxNumberLength = 64

// MaxPseudonymLength is the longest pseudonym, in characters; a value is opaque
// text (product.md, "The rules").
const MaxPseudonymLength = 512

// Sex is the administrative sex in the display set.
type Sex string

// The sexes that the display set knows.
const (
	SexUnknown Sex = ""
	Male       Sex = "m"
	Female     Sex = "v"
)

// Birth is a birth date, or only a year if the registry keeps years. Month and Day are
// zero then.
type Birth struct{ Year, Month, Day int }

// YearOnly returns the birth without month and day.
func (b Birth) YearOnly() Birth { return Birth{Year: b.Year} }

// IsZero reports whether nothing is known.
func (b Birth) IsZero() bool { return b == Birth{} }

// HasDay reports whether the whole date is known.
func (b Birth) HasDay() bool { return b.Day != 0 }

// String returns the ISO date, only the year, or nothing.
func (b Birth) String() string {
	switch {
	case b.IsZero():
		return ""
	case !b.HasDay():
		return fmt.Sprintf("%04d", b.Year)
	}
	return fmt.Sprintf("%04d-%02d-%02d", b.Year, b.Month, b.Day)
}

// ParseBirth reads what [Birth.String] writes.
func ParseBirth(s string) (Birth, bool) {
	switch len(s) {
	case 0:
		return Birth{}, true
	case 4:
		t, err := time.Parse("2006", s)
		return Birth{Year: t.Year()}, err == nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Birth{}, false
	}
	return Birth{t.Year(), int(t.Month()), t.Day()}, true
}

// Display is the display set: all of a person that a screen may show.
type Display struct {
	Number string `json:"n"`
	Birth  Birth  `json:"b,omitzero"`
	Sex    Sex    `json:"s,omitempty"`
}

// Temporary is a temporary pseudonym: random-looking, expiring, bound to one
// recipient. RecordedOn is set only for postcode types.
type Temporary struct {
	Type       string    `json:"t"`
	Value      string    `json:"v"`
	ExpiresAt  time.Time `json:"x,omitzero"` // zero if the file did not say
	RecordedOn string    `json:"r,omitempty"`
}

// Pseudonym is a definitive pseudonym: stable, bound to one domain.
type Pseudonym struct {
	Type       string `json:"t"`
	Domain     string `json:"d"`
	KeyVersion int    `json:"k"`
	Value      string `json:"v"`
	// RecordedOn is the day (ISO date) on which the patient had the postcode that the
	// value was made of. It is empty for other types. A patient has one value a day.
	RecordedOn string `json:"r,omitempty"`
	// ObservedOn is RecordedOn, or else the day on which the value was first seen.
	ObservedOn string `json:"o,omitempty"`
}

// SameSpace reports whether p and q may be compared: they have the same type, domain and
// key version, and for a postcode type the same day.
func (p Pseudonym) SameSpace(q Pseudonym) bool { return p.Space() == q.Space() }

// Space identifies a kind of pseudonym: type, domain, key version and day. A patient has
// at most one value per Space.
func (p Pseudonym) Space() Pseudonym {
	return Pseudonym{Type: p.Type, Domain: p.Domain, KeyVersion: p.KeyVersion, RecordedOn: p.RecordedOn}
}

// Candidate is one row that wants to become, or to update, a patient.
type Candidate struct {
	Line       int     `json:"l"` // line in the user's file; 0 for a single entry
	Display    Display // without a number only if OldRow is set
	Pseudonyms []Pseudonym
	OldRow     *OldRow `json:"g,omitempty"` // of a row of the old patient table
	// Within is how the row relates to the other rows of the same file.
	Within Within `json:"-"`
}

// Within is how a row relates to the other rows of its file.
type Within struct {
	Repeats  bool   // an identical row comes earlier
	Clash    Reason // NumberTwice or PseudonymTwice: another row contradicts this one
	Partners []int  // the lines concerned
}

// Patient is a stored patient.
type Patient struct {
	ID         int64  // inside
	PublicID   string // outside, UUIDv7
	CentreID   int64
	Display    // without a number until the first delivery of the person brings it
	Pseudonyms []Pseudonym
	DiedOn     string // an ISO date, a year, or nothing; on no screen
	Version    int
	CreatedAt  time.Time
	UpdatedAt  time.Time
}
