package templates

import (
	"strings"

	"sluis/web/templates/ui"
)

// sentence returns one line that says what happened, or would happen, to the rows.
// tense is "done" or "checked".
func sentence(p Delivery, tense string) string {
	c := p.Counts
	var s string
	switch {
	case c.Read == 0:
		return p.T.T("sentence.empty")
	case c.Stored() == c.Read:
		s = p.T.N("sentence."+tense+".all", c.Read)
	case c.Stored() == 0 && c.Rejected == c.Read:
		s = p.T.N("sentence."+tense+".none", c.Read)
	default:
		s = p.T.T("sentence."+tense+".some", "n", c.Stored(), "total", c.Read, "rejected", p.T.N("sentence."+tense+".rejected", c.Rejected))
	}
	if c.Review > 0 {
		s += p.T.N("sentence.review", c.Review)
	}
	return s
}

// deliveryTitle returns the text of the browser's tab. It is never the file's name,
// which could name a patient although the upload page asks for one that does not.
func deliveryTitle(p Delivery) string {
	return p.T.T("delivery.word") + " – " + p.T.T("status."+ui.StatusKey(p.Status, p.Counts.Rejected+p.Counts.Review))
}

// deliveryMeta returns the line under the heading.
func deliveryMeta(p Delivery) string {
	parts := []string{p.T.T("delivery.by", "when", p.Created, "who", p.CreatedBy)}
	if p.Mode != "" {
		parts = append(parts, p.T.T("mode."+p.Mode+"_short"))
	}
	if p.Kind != "" {
		parts = append(parts, p.T.T("kind."+p.Kind))
	}
	if p.Duration != "" {
		parts = append(parts, p.Duration)
	}
	return strings.Join(parts, " · ")
}

// waits returns a sentence that says for whom a delivery waits, or else how long it
// will still take.
func waits(p Delivery) string {
	if p.Ahead > 0 {
		return p.T.N("progress.ahead", p.Ahead)
	}
	return p.Left
}

// barParts returns the outcomes in the order of the bar.
func barParts(c Counts) []ui.Part {
	return []ui.Part{
		{Key: "created", Count: c.Created},
		{Key: "updated", Count: c.Updated},
		{Key: "unchanged", Count: c.Unchanged},
		{Key: "review", Count: c.Review},
		{Key: "rejected", Count: c.Rejected},
		{Key: "pending", Count: c.Pending},
	}
}

// causesOf returns the causes of one severity.
func causesOf(all []Cause, severity string) []Cause {
	var of []Cause
	for _, c := range all {
		if c.Severity == severity {
			of = append(of, c)
		}
	}
	return of
}

// severities is the order in which causes are shown.
var severities = []string{"fatal", "review", "warning"}

// lines returns the lines of a cause, such as "7, 39 en nog 12".
func lines(p Page, c Cause) string {
	if c.More > 0 {
		return p.T.T("report.more_lines", "lines", c.Lines, "more", c.More)
	}
	return orDash(c.Lines)
}

// pausedStatus returns the status to show. A pause because the TTP refuses our
// credentials has another one than a pause because it does not answer.
func pausedStatus(status string, denied bool) string {
	if status == "paused" && denied {
		return "paused_denied"
	}
	return status
}
