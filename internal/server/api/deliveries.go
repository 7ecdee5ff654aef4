package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluis/internal/apperr"
	"sluis/internal/delivery"
	"sluis/internal/server/report"
	"sluis/internal/server/request"
)

// How many things one page of a list has.
const (
	defaultLimit = 50
	maxLimit     = 500
)

// ListDeliveries is GET /deliveries.
func (a *API) ListDeliveries(w http.ResponseWriter, r *http.Request) error {
	q, only, err := deliveryQuery(queryOf(r))
	if err != nil {
		return err
	}
	page, err := a.o.Records.Deliveries(r.Context(), request.Who(r), request.Actor(r).Scope(), q)
	if err != nil {
		return cursorError(err, q.After)
	}
	t, out := Words(r), Deliveries{Deliveries: []Delivery{}, Next: only.next(page.Next)}
	for _, d := range page.Deliveries {
		out.Deliveries = append(out.Deliveries, deliveryOf(t, d))
	}
	return writeJSON(w, http.StatusOK, out)
}

// deliveryQuery reads which deliveries are asked for, and the filter that its cursors
// belong to.
func deliveryQuery(v Values) (q delivery.Query, only filter, err error) {
	q.CentreNumber = v["centre"]
	if q.Limit, err = v.limit(); err != nil {
		return q, "", err
	}
	if q.Statuses, err = v.statuses(); err != nil {
		return q, "", err
	}
	if q.Since, err = v.since(); err != nil {
		return q, "", err
	}
	var names []string
	for _, s := range q.Statuses {
		names = append(names, string(s))
	}
	since := ""
	if !q.Since.IsZero() {
		since = q.Since.Format(time.RFC3339Nano)
	}
	only = filterOf("centre", q.CentreNumber, "status", strings.Join(names, ","), "since", since)
	q.After, err = only.after(v["after"])
	return q, only, err
}

// GetDelivery is GET /deliveries/{id}.
func (a *API) GetDelivery(w http.ResponseWriter, r *http.Request) error {
	d, err := a.o.Records.ViewDelivery(r.Context(), request.Who(r), request.Actor(r).Scope(), r.PathValue("id"))
	if err != nil {
		return err
	}
	// Scripts ask again and again while a delivery is worked on. The reasons are
	// counted row by row; counting them each time would cost more than the work.
	var causes []delivery.Cause
	if !d.State.Working() {
		if causes, err = a.o.Records.Causes(r.Context(), d); err != nil {
			return err
		}
	}
	t := Words(r)
	out := deliveryOf(t, d)
	out.Reasons = reasonsOf(t, d, causes)
	a.askAgain(w, d)
	return writeJSON(w, http.StatusOK, out)
}

// ConfirmDelivery is POST /deliveries/{id}/confirm.
func (a *API) ConfirmDelivery(w http.ResponseWriter, r *http.Request) error {
	if err := a.o.Desk.Save(r.Context(), request.Who(r), request.Actor(r).Scope(), r.PathValue("id")); err != nil {
		return err
	}
	return a.accepted(w, r, r.PathValue("id"))
}

// CancelDelivery is POST /deliveries/{id}/cancel.
func (a *API) CancelDelivery(w http.ResponseWriter, r *http.Request) error {
	if err := a.o.Desk.Cancel(r.Context(), request.Who(r), request.Actor(r).Scope(), r.PathValue("id")); err != nil {
		return err
	}
	return a.accepted(w, r, r.PathValue("id"))
}

// RetryDelivery is POST /deliveries/{id}/retry: one that is paused asks the TTP at
// once.
func (a *API) RetryDelivery(w http.ResponseWriter, r *http.Request) error {
	if err := a.o.Desk.RetryNow(r.Context(), request.Who(r), request.Actor(r).Scope(), r.PathValue("id")); err != nil {
		return err
	}
	return a.accepted(w, r, r.PathValue("id"))
}

// askAgain sets Retry-After: when a script should look again at a delivery that is
// under way.
func (a *API) askAgain(w http.ResponseWriter, d delivery.Delivery) {
	if wait := PollAfter(d, a.o.Now()); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)))
	}
}

// PollAfter returns how long to wait before looking again: short at first, then
// longer, and not before the TTP is asked again. It returns 0 if nothing will
// happen by itself.
func PollAfter(d delivery.Delivery, now time.Time) time.Duration {
	switch {
	case d.State.Final() || d.State.Waiting():
		return 0
	case d.Paused != delivery.NotPaused:
		return min(max(d.NextTryAt.Sub(now), 5*time.Second), time.Minute).Round(time.Second)
	case now.Sub(d.CreatedAt) < 10*time.Second:
		return time.Second
	}
	return 5 * time.Second
}

// accepted answers with the present state of a delivery.
func (a *API) accepted(w http.ResponseWriter, r *http.Request, id string) error {
	d, err := a.o.Records.Delivery(r.Context(), request.Actor(r).Scope(), id)
	if err != nil {
		return err
	}
	out := acceptedOf(d)
	w.Header().Set("Location", out.Links.Self)
	a.askAgain(w, d)
	return writeJSON(w, http.StatusAccepted, out)
}

// GetReport is GET /deliveries/{id}/report.
func (a *API) GetReport(w http.ResponseWriter, r *http.Request) error {
	format, err := reportFormat(queryOf(r)["format"], r.Header.Get("Accept"))
	if err != nil {
		return err
	}
	d, err := a.o.Records.Delivery(r.Context(), request.Actor(r).Scope(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := a.o.Records.RecordReport(r.Context(), request.Who(r), d, format); err != nil {
		return err
	}
	return report.Send(r.Context(), w, a.o.Records, Words(r), d, format)
}

// reportFormat returns the format that ?format= names, or else the Accept header;
// JSON if neither does.
func reportFormat(parameter, accept string) (string, error) {
	switch {
	case slices.Contains(report.Formats, parameter):
		return parameter, nil
	case parameter != "":
		return "", invalid("invalid_parameter", "format", report.Formats...)
	}
	if strings.TrimSpace(accept) == "" {
		return report.FormatJSON, nil
	}
	best, format := 0.0, ""
	for _, choice := range strings.Split(accept, ",") {
		kind, weight, ok := acceptable(choice)
		if ok && weight > best {
			best, format = weight, kind
		}
	}
	if format == "" {
		return "", &mediaError{error: apperr.New(apperr.UnsupportedType, "not_acceptable"), types: reportTypes, answer: true}
	}
	return format, nil
}

// reportTypes are the media types in which a report can be sent.
var reportTypes = []string{"application/json", "text/csv", report.XLSXType}

// acceptable reads one choice of an Accept header.
func acceptable(choice string) (format string, weight float64, ok bool) {
	kind, parameters, _ := strings.Cut(choice, ";")
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "application/json", "application/*", "*/*":
		format = report.FormatJSON
	case "text/csv", "text/*":
		format = report.FormatCSV
	case report.XLSXType:
		format = report.FormatXLSX
	default:
		return "", 0, false
	}
	weight = 1
	for _, p := range strings.Split(parameters, ";") {
		if value, found := strings.CutPrefix(strings.TrimSpace(p), "q="); found {
			q, err := strconv.ParseFloat(value, 64)
			if err != nil || q < 0 || q > 1 {
				return "", 0, false
			}
			weight = q
		}
	}
	return format, weight, weight > 0
}

func writeJSON(w http.ResponseWriter, status int, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(raw, '\n'))
	return nil
}
