// Package fhirdoor takes patients in as a FHIR server does: a Bundle or a Patient in,
// OperationOutcomes out. Behind it is the same delivery as behind every other door.
//
// It decides nothing about a patient, and repeats no value of a resource.
package fhirdoor

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/server/api"
	"sluis/internal/server/report"
	"sluis/internal/server/request"
	"sluis/web/text"
)

// Prefix is the base address of the FHIR server.
const Prefix = "/fhir"

// mediaType is the content type of every answer.
const mediaType = "application/fhir+json"

// Records is what the door reads.
type Records interface {
	ViewDelivery(ctx context.Context, who audit.Who, scope account.Scope, publicID string) (delivery.Delivery, error)
	Delivery(ctx context.Context, scope account.Scope, publicID string) (delivery.Delivery, error)
	// RowOutcomes returns the outcomes of a delivery's rows, by line.
	RowOutcomes(ctx context.Context, d delivery.Delivery) (map[int]patient.Outcome, error)
	RecordReport(ctx context.Context, who audit.Who, d delivery.Delivery, format string) error
	report.Source
}

// Options is what the door needs.
type Options struct {
	Now     func() time.Time
	API     *api.API // authenticates, and takes files in
	Records Records
	// BusyWait is how long the answer waits for the outcome; less than 0 is no wait.
	BusyWait time.Duration
}

// Door is the FHIR server.
type Door struct{ o Options }

// New makes the door.
func New(o Options) *Door { return &Door{o} }

// Serve serves h; its errors become OperationOutcomes.
func (d *Door) Serve(h api.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		request.From(r.Context()).Via = audit.ViaAPI
		if err := h(w, r); err != nil {
			d.Fail(w, r, err)
		}
	}
}

// Fail answers r with the OperationOutcome that err is, and logs the cause.
func (d *Door) Fail(w http.ResponseWriter, r *http.Request, err error) {
	t := api.Words(r)
	writeProblem(w, t, d.o.API.Explain(w, r, t, err))
}

// FailStatus answers r with a failure that nobody has an error value of: an unknown
// path or method, a panic.
func (d *Door) FailStatus(w http.ResponseWriter, r *http.Request, status int, code string) {
	t := api.Words(r)
	writeProblem(w, t, api.InWords(t, status, code))
}

func writeProblem(w http.ResponseWriter, t *text.Catalogue, p *api.Problem) {
	code, known := issueCodes[p.Status]
	if !known {
		code = "exception"
	}
	diagnostics := p.Detail
	if p.Parameter != "" {
		diagnostics += " (" + p.Parameter + ")"
	}
	if p.Nearest != "" {
		diagnostics += " (" + p.Nearest + "?)"
	}
	_ = write(w, t, p.Status, outcomeOf(issue{
		Severity: "error", Code: code, Details: detail(problemSystem, p.Code, p.Title), Diagnostics: strings.TrimSpace(diagnostics),
	}))
}

// issueCodes are the codes of http://hl7.org/fhir/issue-type that statuses have.
var issueCodes = map[int]string{
	http.StatusBadRequest: "invalid", http.StatusUnauthorized: "login", http.StatusForbidden: "forbidden",
	http.StatusNotFound: "not-found", http.StatusMethodNotAllowed: "not-supported", http.StatusConflict: "conflict",
	http.StatusGone: "deleted", http.StatusRequestEntityTooLarge: "too-long", http.StatusUnsupportedMediaType: "not-supported",
	http.StatusRequestTimeout: "timeout", http.StatusTooManyRequests: "throttled", http.StatusServiceUnavailable: "transient",
}

func write(w http.ResponseWriter, t *text.Catalogue, status int, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", mediaType+"; charset=utf-8")
	api.Speak(w, t)
	w.WriteHeader(status)
	_, _ = w.Write(append(raw, '\n'))
	return nil
}
