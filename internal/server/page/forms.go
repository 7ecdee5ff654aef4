package page

import (
	"net/mail"
	"time"
	"unicode/utf8"

	"sluis/internal/account"
	"sluis/web/templates"
	"sluis/web/text"
)

// Choice is one answer to a question: its value in the form, and its words.
type Choice struct{ Value, Text string }

// FilterOptions are the choices of a filter, all of them first.
func FilterOptions(t *text.Catalogue, chosen string, each []Choice) []templates.Option {
	out := []templates.Option{{Text: t.T("word.all"), Selected: chosen == ""}}
	for _, o := range each {
		out = append(out, templates.Option{Value: o.Value, Text: o.Text, Selected: o.Value == chosen})
	}
	return out
}

// MomentOrNone writes a time, or nothing for the zero time.
func MomentOrNone(t *text.Catalogue, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return t.Moment(at)
}

// CheckReason says what is wrong with a reason.
func CheckReason(t *text.Catalogue, field, reason string) []templates.FieldError {
	switch n := utf8.RuneCountInString(reason); {
	case n < account.MinReason:
		return []templates.FieldError{{Field: field, Message: t.T("users.error.reason_short")}}
	case n > account.MaxReason:
		return []templates.FieldError{{Field: field, Message: t.T("users.error.reason_long")}}
	}
	return nil
}

// maxEmail is the longest e-mail address, in bytes (RFC 5321).
const maxEmail = 254

// IsEmail reports whether s is an e-mail address and nothing else.
func IsEmail(s string) bool {
	addr, err := mail.ParseAddress(s)
	return err == nil && addr.Address == s && len(s) <= maxEmail
}
