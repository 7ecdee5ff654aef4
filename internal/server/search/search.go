// Package search finds patients by their number, in the same way for the page and for
// the API. The number comes in a body and never in a URL.
//
// It puts no number into an error.
package search

import (
	"context"
	"strings"
	"unicode/utf8"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/patient"
	"sluis/internal/value"
)

// Records reads patients, and writes to the access log who looked for them.
type Records interface {
	Patients(ctx context.Context, who audit.Who, scope account.Scope, q patient.Query) (patient.Page, error)
}

// ByNumber returns the patients with exactly the number q.Number, which is as it was
// typed. It looks for the form in which numbers are kept. If nobody has that, it looks
// for the number as typed: that may have been stored before numbers had one form.
func ByNumber(ctx context.Context, records Records, who audit.Who, scope account.Scope, q patient.Query) (patient.Page, error) {
	typed := strings.TrimSpace(q.Number)
	q.Number = value.PlainNumber(q.Number)
	found, err := records.Patients(ctx, who, scope, q)
	if err != nil || len(found.Patients) > 0 || typed == q.Number || utf8.RuneCountInString(typed) > patient.MaxNumberLength {
		return found, err
	}
	q.Number = typed
	return records.Patients(ctx, who, scope, q)
}
