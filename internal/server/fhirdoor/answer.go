package fhirdoor

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"sluis/internal/delivery"
	"sluis/internal/importer/intake/fhir"
	"sluis/internal/patient"
	"sluis/internal/server/api"
	"sluis/internal/server/report"
	"sluis/internal/server/request"
	"sluis/web/text"
)

// answer writes the answer about a delivery: its result, or that it is not done yet.
func (d *Door) answer(w http.ResponseWriter, r *http.Request, seen delivery.Delivery, o fhir.Outline) error {
	t, self := api.Words(r), api.Prefix+"/deliveries/"+seen.PublicID
	w.Header().Set("Location", self)
	switch {
	case seen.State == delivery.Done && !o.Many:
		return d.answerRows(w, r, t, seen, o)
	case seen.State == delivery.Refused:
		var issues []issue
		for _, remark := range seen.Refusals {
			text := report.Refusal(t, remark)
			issues = append(issues, issue{
				Severity: "error", Code: "invalid", Details: detail(findingSystem, remark.Code, text), Diagnostics: text,
			})
		}
		return write(w, t, http.StatusUnprocessableEntity, outcomeOf(issues...))
	case seen.State == delivery.Failed:
		text := t.T("failed.counts", "code", seen.FailCode)
		return write(w, t, http.StatusInternalServerError, outcomeOf(issue{
			Severity: "fatal", Code: "exception", Details: detail(findingSystem, seen.FailCode, text), Diagnostics: text,
		}))
	case seen.State == delivery.Cancelled:
		return write(w, t, http.StatusConflict, outcomeOf(issue{
			Severity: "error", Code: "conflict", Details: detail(statusSystem, string(seen.Status()), t.T("fhir.cancelled")),
		}))
	}
	w.Header().Set("Content-Location", self)
	if wait := api.PollAfter(seen, d.o.Now()); wait > 0 {
		w.Header().Set("Retry-After", seconds(wait))
	}
	return write(w, t, http.StatusAccepted, outcomeOf(issue{
		Severity: "information", Code: "informational",
		Details:     detail(statusSystem, string(seen.Status()), t.T("status."+string(seen.Status()))),
		Diagnostics: t.T(waitingText(seen), "where", self),
	}))
}

// waitingText is the key of the text that says what a delivery waits for.
func waitingText(d delivery.Delivery) string {
	switch {
	case d.State.Savable():
		return "fhir.needs_confirmation"
	case d.State == delivery.Mapping:
		return "fhir.needs_mapping"
	case d.Paused != delivery.NotPaused:
		return "fhir.paused"
	case d.State == delivery.Done:
		return "fhir.many"
	}
	return "fhir.accepted"
}

// answerRows writes the outcome of each entry in a Bundle. For a single Patient, the status
// of the answer itself is the outcome.
func (d *Door) answerRows(w http.ResponseWriter, r *http.Request, t *text.Catalogue, seen delivery.Delivery, o fhir.Outline) error {
	entries, err := d.entries(r.Context(), t, seen, o)
	if err != nil {
		return err
	}
	if err := d.o.Records.RecordReport(r.Context(), request.Who(r), seen, report.FormatJSON); err != nil {
		return err
	}
	if !o.Bundle {
		return write(w, t, entries[0].status, entries[0].outcome())
	}
	out := bundle{ResourceType: "Bundle", Type: bundleTypes[o.Type], Entry: make([]entry, len(entries))}
	for i, e := range entries {
		out.Entry[i].Response = response{Status: statusLine(e.status), Outcome: e.outcome()}
	}
	return write(w, t, http.StatusOK, out)
}

// told is what is told of an entry.
type told struct {
	status int
	issues []issue
}

func (e told) outcome() *operationOutcome { return outcomeOf(e.issues...) }

// add joins what is told of one spot. The status of an entry with several is the worst.
func (e *told) add(status int, issues ...issue) {
	if e.status == 0 || slices.Index(worst, status) < slices.Index(worst, e.status) {
		e.status = status
	}
	e.issues = append(e.issues, issues...)
}

// worst are the statuses of an entry, the worst first.
var worst = []int{
	http.StatusUnprocessableEntity, http.StatusMethodNotAllowed, http.StatusNotFound, http.StatusAccepted, http.StatusCreated,
	http.StatusOK,
}

func statusLine(status int) string {
	return strconv.Itoa(status) + " " + http.StatusText(status)
}

func (d *Door) entries(ctx context.Context, t *text.Catalogue, seen delivery.Delivery, o fhir.Outline) ([]told, error) {
	rows, err := d.o.Records.RowOutcomes(ctx, seen)
	if err != nil {
		return nil, err
	}
	findings := map[int][]delivery.Finding{}
	for q := (delivery.FindingQuery{Limit: 1000}); ; {
		page, err := d.o.Records.Findings(ctx, seen, q)
		if err != nil {
			return nil, err
		}
		for _, f := range page.Findings {
			findings[f.Line] = append(findings[f.Line], f)
		}
		if q.After = page.Next; q.After == 0 {
			break
		}
	}
	out := make([]told, o.Entries)
	for i, spot := range o.Spots {
		line := i + 1
		if !o.Bundle {
			line = onlyLine(rows)
		}
		e := &out[spot.Entry]
		switch spot.Holds {
		case fhir.HoldsRequest:
			e.add(http.StatusMethodNotAllowed, issue{
				Severity: "error", Code: "not-supported", Details: &concept{Text: t.T("fhir.method")},
				Expression: []string{spot.Expression},
			})
		case fhir.HoldsOther:
			e.add(http.StatusNotFound, issue{
				Severity: "warning", Code: "not-supported", Details: &concept{Text: t.T("fhir.passed_over")},
				Expression: []string{spot.Expression},
			})
		case fhir.HoldsPatient:
			status, issues := ofRow(t, seen, spot.Expression, rows[line], findings[line])
			e.add(status, issues...)
		}
	}
	for i := range out {
		if out[i].status == 0 { // an empty Bundle
			out[i].add(http.StatusNotFound, issue{
				Severity: "warning", Code: "not-supported", Details: &concept{Text: t.T("fhir.passed_over")},
			})
		}
	}
	return out, nil
}

// onlyLine is the line of the one row of a delivery: a Patient that is no entry has the
// line on which its text begins.
func onlyLine(rows map[int]patient.Outcome) int {
	for line := range rows {
		return line
	}
	return 0
}

// ofRow returns the outcome of one Patient as a status and issues.
func ofRow(t *text.Catalogue, seen delivery.Delivery, resource string, outcome patient.Outcome,
	findings []delivery.Finding) (status int, issues []issue) {
	var key string
	switch outcome {
	case patient.Created:
		status, key = http.StatusCreated, "fhir.created"
	case patient.Updated:
		status, key = http.StatusOK, "fhir.updated"
	case patient.Unchanged:
		status, key = http.StatusOK, "fhir.unchanged"
	case patient.Rejected:
		status, key = http.StatusUnprocessableEntity, "fhir.rejected"
	case patient.Review:
		status, key = http.StatusAccepted, "fhir.review"
	default:
		status, key = http.StatusAccepted, "fhir.pending"
	}
	for _, f := range findings {
		row := report.RowOf(t, seen, f)
		text := row.Message
		if row.Advice != "" {
			text += ". " + row.Advice
		}
		issues = append(issues, issue{
			Severity: severity(f.Finding), Code: issueCode(f.Finding), Details: detail(findingSystem, f.Code, row.Message),
			Diagnostics: t.T("fhir.at", "line", f.Line, "text", text), Expression: []string{expression(resource, f.Field)},
		})
	}
	if len(issues) == 0 || outcome != patient.Rejected {
		issues = append(issues, issue{
			Severity: "information", Code: "informational", Details: detail(statusSystem, string(outcome), t.T(key)),
			Expression: []string{resource},
		})
	}
	return status, issues
}

func severity(f patient.Finding) string {
	switch {
	case report.SeverityOnPage(f) == report.Review:
		return "warning"
	case f.Severity == patient.Fatal:
		return "error"
	}
	return "warning"
}

// issueCode is the nearest code of http://hl7.org/fhir/issue-type.
func issueCode(f patient.Finding) string {
	switch {
	case report.SeverityOnPage(f) == report.Review:
		return "conflict"
	case f.Source == patient.TTP:
		return "invalid"
	case f.Code == "PATIENT_NUMBER_EMPTY" || f.Code == "LINK_PSEUDONYM_MISSING" || f.Code == "POSTCODE_EMPTY":
		return "required"
	case f.Code == "FIELD_TOO_LONG" || f.Code == "PATIENT_NUMBER_TOO_LONG":
		return "too-long"
	case f.Code == "ROW_REPEATED":
		return "duplicate"
	}
	return "value"
}
