package patient

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Severity is how bad a finding is. A fatal one rejects its row, a warning never does.
type Severity string

// The severities, as the API and the TTP spell them.
const (
	Fatal   Severity = "fatal"
	Warning Severity = "warning"
)

// Source is who says it.
type Source string

// The sources of findings.
const (
	TTP   Source = "ttp"
	Sluis Source = "sluis"
)

// Finding is what the TTP or Sluis says about one row. Message is the TTP's,
// word for word; Sluis's own sentences are looked up by Code in the catalogue.
// Neither ever holds a value of the row.
type Finding struct {
	Severity Severity
	Source   Source
	Code     string
	Field    string // wire name: birthDate, sex, surname, … or a pseudonym type
	Message  string
}

// AnyFatal reports whether one of the findings of a row is fatal, so that the row is
// rejected.
func AnyFatal(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity == Fatal })
}

// CodeUnusable marks a row to which the TTP gave an unusable answer, even when it was
// asked about this row only.
const CodeUnusable = "TTP_UNUSABLE"

// Resolvable is one row's temporary pseudonyms, ready to be exchanged.
type Resolvable struct {
	Ref         string // random per row, the same on a retry
	Temporaries []Temporary
	// Provider is the number of the centre that delivered them, so that the TTP refuses
	// those that another centre fetched.
	Provider string
}

// Resolved is the TTP's answer for one row: pseudonyms, or fatal findings.
type Resolved struct {
	Pseudonyms []Pseudonym
	Findings   []Finding
}

// Resolver exchanges temporary pseudonyms for definitive ones. It returns an answer for
// exactly the refs that were asked, or an error; then nothing may be stored. A TTP that
// cannot be used is an [*UnavailableError]. The key makes the call safe to repeat: the
// same key and rows get the same answer.
type Resolver interface {
	Resolve(ctx context.Context, key string, rows []Resolvable) (map[string]Resolved, error)
}

// UnavailableError says that the TTP gave no answer to any row. It rejects
// nothing: the work waits and is tried again.
type UnavailableError struct {
	Denied     bool          // it refuses our credentials, so that waiting does not help
	RetryAfter time.Duration // what it asked for, or 0
	Err        error         // for the log; holds no value of a row
}

func (e *UnavailableError) Error() string { return fmt.Sprintf("the TTP is not available: %v", e.Err) }

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// TemporaryRow is a row that has its temporary pseudonyms and waits for the definitive
// ones. A sealed chunk holds such rows until the TTP has answered.
type TemporaryRow struct {
	Ref         string      `json:"r"`
	Line        int         `json:"l"`
	Display     Display     `json:"d"`
	Temporaries []Temporary `json:"t"`
	OldRow      *OldRow     `json:"g,omitempty"`
}

// FirstExpiry returns when the first temporary pseudonym of rows expires. It is zero
// if no row says when.
func FirstExpiry(rows []TemporaryRow) (first time.Time) {
	for _, r := range rows {
		for _, t := range r.Temporaries {
			if !t.ExpiresAt.IsZero() && (first.IsZero() || t.ExpiresAt.Before(first)) {
				first = t.ExpiresAt
			}
		}
	}
	return first
}

// Prepared is the TTP's answer for one identity: temporary pseudonyms, or fatal
// findings.
type Prepared struct {
	Temporaries []Temporary
	Findings    []Finding
}
