// Package ui has the small parts of the pages: form fields, tags, tables, the outcome bar.
//
// It knows how a part looks and reads, and not which page it is on. No part has
// inline style or script: the pages are served under a strict content security
// policy.
package ui

import (
	"strconv"

	"github.com/a-h/templ"

	"sluis/web/text"
)

// FieldError is a fault in a form.
type FieldError struct {
	Field   string // name of the input; empty for a fault of the form as a whole
	Message string // a finished sentence
	// TTP marks a message as the TTP's own words.
	TTP    bool
	Advice string // shown with a message of the TTP; may be empty
}

// Option is a choice in a select.
type Option struct {
	Value, Text string
	Selected    bool
}

// Of returns the errors of one field.
func Of(errs []FieldError, field string) []FieldError {
	var of []FieldError
	for _, e := range errs {
		if e.Field == field {
			of = append(of, e)
		}
	}
	return of
}

// statusColour is the tag colour of each delivery status (the word is always
// there as well).
var statusColour = map[string]string{
	"queued":             "grey",
	"processing":         "teal",
	"paused":             "orange",
	"paused_denied":      "red",
	"needs_mapping":      "yellow",
	"needs_confirmation": "yellow",
	"checked":            "yellow",
	"done":               "green",
	"partial":            "green",
	"refused":            "red",
	"failed":             "red",
	"cancelled":          "grey",
}

// outcomeColour is the tag colour of each outcome of a row.
var outcomeColour = map[string]string{
	"created":   "green",
	"updated":   "blue",
	"unchanged": "grey",
	"review":    "yellow",
	"rejected":  "red",
	"pending":   "grey",
}

// ttpColour is the tag colour of each state of the TTP.
var ttpColour = map[string]string{"up": "green", "impaired": "orange", "denied": "red", "unused": "grey"}

// accountColour is the tag colour of each state of an account, a token or a mandate.
var accountColour = map[string]string{
	"active": "green", "invited": "yellow", "blocked": "red", "expired": "grey", "revoked": "red",
	"planned": "yellow", "withdrawn": "red",
}

// alarmColour is the tag colour of each state of an alarm.
var alarmColour = map[string]string{"open": "red", "closed": "grey"}

// providerColour is the tag colour of each state of a provider.
var providerColour = map[string]string{"on": "green", "off": "grey"}

var levelColour = map[string]string{"warning": "yellow", "error": "red"}

// severityColour is the tag colour of each severity.
var severityColour = map[string]string{"fatal": "red", "warning": "yellow", "review": "yellow"}

func colour(of map[string]string, key string) string {
	if c, ok := of[key]; ok {
		return "govuk-tag govuk-tag--" + c
	}
	return "govuk-tag govuk-tag--grey"
}

// StatusKey is the status as a person should read it: a delivery that is done
// with rows left out is only partly so.
func StatusKey(status string, leftOut int) string {
	if status == "done" && leftOut > 0 {
		return "partial"
	}
	return status
}

// ErrorsID is the id of the errors of a field.
func ErrorsID(field string) string { return field + "-error" }

// describedBy names what explains an input: its hint and its errors.
func describedBy(id string, hint bool, errs int) string {
	s := ""
	if hint {
		s = id + "-hint"
	}
	if errs > 0 {
		if s != "" {
			s += " "
		}
		s += ErrorsID(id)
	}
	return s
}

func groupClass(errs int) string {
	if errs > 0 {
		return "govuk-form-group govuk-form-group--error"
	}
	return "govuk-form-group"
}

// Cell are the attributes of a cell in a table that a narrow screen shows as
// cards (class app-stack): its label there is the heading of its column. A table
// whose parts are no longer laid out as one loses its meaning for some screen
// readers, so that all parts say by a role what they are.
func Cell(label string) templ.Attributes {
	return templ.Attributes{"role": "cell", "data-label": label}
}

// Part is one stretch of the outcome bar.
type Part struct {
	Key   string // an outcome; names the class and the word
	Count int
}

// stretch is a part with its place on the bar.
type stretch struct {
	Part
	X, Width string // percentages
}

// stretches lays the parts out over the bar. A part that is there at all gets
// one percent at least, so that one rejected row in a thousand can be seen.
func stretches(parts []Part) []stretch {
	total := 0
	for _, p := range parts {
		total += p.Count
	}
	widths := make([]float64, len(parts))
	sum := 0.0
	for i, p := range parts {
		if p.Count > 0 {
			widths[i] = max(1, 100*float64(p.Count)/float64(total))
			sum += widths[i]
		}
	}
	var laid []stretch
	x := 0.0
	for i, p := range parts {
		if p.Count == 0 {
			continue
		}
		w := 100 * widths[i] / sum
		laid = append(laid, stretch{Part: p, X: percent(x), Width: percent(w)})
		x += w
	}
	return laid
}

func percent(f float64) string { return strconv.FormatFloat(f, 'f', 2, 64) + "%" }

// barText says in words what the bar shows.
func barText(t *text.Catalogue, parts []Part) string {
	s := ""
	for _, p := range parts {
		if p.Count == 0 {
			continue
		}
		if s != "" {
			s += ", "
		}
		s += t.Number(p.Count) + " " + t.T("outcome.lower."+p.Key)
	}
	return s
}

// partFill returns the pattern of a part that means trouble, so that it can be recognised
// without its colour. A pattern can be named only in the page itself: in a style sheet the
// reference would point into the style sheet. The other parts get their colour there.
func partFill(id, key string) string {
	switch key {
	case "rejected":
		return "url(#" + id + "-hatch)"
	case "review":
		return "url(#" + id + "-dots)"
	}
	return "currentColor"
}
