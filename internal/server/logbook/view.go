package logbook

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/patient"
	"sluis/internal/server/page"
	"sluis/internal/value"
	"sluis/web/templates"
	"sluis/web/text"
)

const (
	logPath    = "/logboek"
	reviewPath = logPath + "/controle"
	alarmsPath = "/alarmen"
)

// recordPath is the page of one event.
func recordPath(id int64) string { return logPath + "/" + strconv.FormatInt(id, 10) }

// ViewLog is GET /logboek?groep=&soort=&gebruiker=&centrum=&resultaat=&van=&tot=&voor=.
func (h *Handlers) ViewLog(v *page.Visit) error {
	t, q := v.T, v.Query()
	query, faults, err := logQuery(v)
	if err != nil {
		return err
	}
	props := templates.Log{
		Page: v.Page(v.Home()), Groups: groupOptions(t, query.Group), Types: typeOptions(t, q.Get("soort")),
		Results: resultOptions(t, q.Get("resultaat")), User: q.Get("gebruiker"), From: q.Get("van"), To: q.Get("tot"),
	}
	if query.CentreNumber, props.Centres, err = v.CentreFilter(); err != nil {
		return err
	}
	filter := []string{
		"groep", string(query.Group), "soort", q.Get("soort"), "gebruiker", props.User, page.CentreParam, query.CentreNumber,
		"resultaat", q.Get("resultaat"), "van", props.From, "tot", props.To,
	}
	props.Filtered = page.Link("", filter...) != ""
	if props.Hospitals, err = v.CentreOptions(""); err != nil {
		return err
	}
	if props.Errors = faults; len(faults) > 0 {
		return v.Render(http.StatusUnprocessableEntity, templates.LogPage(props))
	}
	found, err := h.events(v, query, &props)
	if err != nil {
		return err
	}
	if err := h.duties(v, &props); err != nil {
		return err
	}
	if v.Actor.May(account.ExportLog) {
		props.CSVHref = page.Link(logPath+".csv", filter...)
	}
	if query.After > 0 {
		props.FirstHref = page.Link(logPath, filter...)
	}
	if found.Next > 0 {
		props.NextHref = page.Link(logPath, append(filter, "voor", strconv.FormatInt(found.Next, 10))...)
	}
	return v.Render(http.StatusOK, templates.LogPage(props))
}

// duties shows an auditor what there is to do.
func (h *Handlers) duties(v *page.Visit, props *templates.Log) error {
	if !v.Actor.May(account.ReviewLog) {
		return nil
	}
	duties, err := h.Duties(v)
	props.MayReview, props.Alarms, props.ReviewDue, props.Overdue = true, duties.Alarms, duties.ReviewDue, duties.Overdue
	return err
}

// WhoLooked is POST /logboek: what was done and seen of one patient. The number comes in a
// form, so that it is in no URL, no history and no log of a proxy.
func (h *Handlers) WhoLooked(v *page.Visit) error {
	t := v.T
	form, err := v.Form()
	if err != nil {
		return err
	}
	number := strings.TrimSpace(form.Get("nummer"))
	props := templates.Log{
		Page: v.Page(v.Home()), Groups: groupOptions(t, ""), Types: typeOptions(t, ""), Results: resultOptions(t, ""), Number: number,
		ForPatient: true,
	}
	if props.Centres, err = v.CentreOptions(""); err != nil {
		return err
	}
	props.Hospital = form.Get("zorgaanbieder")
	if props.Hospitals, err = v.CentreOptions(props.Hospital); err != nil {
		return err
	}
	if err := h.duties(v, &props); err != nil {
		return err
	}
	if props.Number == "" {
		props.Errors = []templates.FieldError{{Field: "nummer", Message: t.T("form.number_required")}}
		return v.Render(http.StatusUnprocessableEntity, templates.LogPage(props))
	}
	query := audit.Query{PatientNumber: props.Number, PatientCentre: props.Hospital, Limit: page.Size}
	if before, err := strconv.ParseInt(form.Get("voor"), 10, 64); err == nil && before > 0 {
		query.After = before
	}
	found, err := h.events(v, query, &props)
	if err != nil {
		return err
	}
	if found.Next > 0 {
		props.NextBefore = strconv.FormatInt(found.Next, 10)
	}
	return v.Render(http.StatusOK, templates.LogPage(props))
}

// events reads a page of the log into the rows of props.
func (h *Handlers) events(v *page.Visit, query audit.Query, props *templates.Log) (audit.Page, error) {
	found, err := h.o.Log.Events(v.Context(), v.Who, query)
	for _, ev := range found.Events {
		props.Rows = append(props.Rows, logRow(v.T, ev))
	}
	props.Found = v.T.T("log.found_many", "n", audit.MostCounted)
	if found.Total <= audit.MostCounted {
		props.Found = v.T.N("log.found", found.Total)
	}
	return found, err
}

// results are the answers to the filter on the result.
var results = map[string]audit.Result{"gelukt": audit.Success, "geweigerd": audit.MinorFailure, "mislukt": audit.SeriousFailure}

// logQuery reads the filter except for the centre. The last day of a period counts
// whole. What a person can type is a fault at its input if it cannot be read.
func logQuery(v *page.Visit) (query audit.Query, faults []templates.FieldError, err error) {
	t, q := v.T, v.Query()
	query = audit.Query{
		Type: audit.Type(q.Get("soort")), Group: audit.Group(q.Get("groep")),
		UserName: strings.ToLower(strings.TrimSpace(q.Get("gebruiker"))), Limit: page.Size,
	}
	if query.Type != "" && !slices.Contains(audit.Types, query.Type) {
		return query, nil, page.Unreadable("soort")
	}
	if query.Group != "" && !slices.Contains(audit.Groups, query.Group) {
		return query, nil, page.Unreadable("groep")
	}
	if typed := q.Get("resultaat"); typed != "" {
		result, ok := results[typed]
		if !ok {
			return query, nil, page.Unreadable("resultaat")
		}
		query.Result = &result
	}
	before, err := v.Number("voor", 0, math.MaxInt)
	if err != nil {
		return query, nil, err
	}
	query.After = int64(before)
	for _, bound := range []struct {
		input string
		days  int
		to    *time.Time
	}{{"van", 0, &query.From}, {"tot", 1, &query.To}} {
		b, ok := typedDate(q.Get(bound.input))
		if !ok {
			faults = append(faults, templates.FieldError{Field: bound.input, Message: t.T("form.date_unreadable")})
		} else if !b.IsZero() {
			*bound.to = time.Date(b.Year, time.Month(b.Month), b.Day+bound.days, 0, 0, 0, 0, text.Location())
		}
	}
	if len(faults) == 0 && !query.From.IsZero() && !query.To.IsZero() && !query.From.Before(query.To) {
		faults = append(faults, templates.FieldError{Field: "tot", Message: t.T("form.period_reversed")})
	}
	return query, faults, nil
}

// typedDate reads a date such as 31-1-2001 or 2001-01-31; empty is no date.
func typedDate(s string) (patient.Birth, bool) {
	parts := strings.Split(strings.TrimSpace(s), "-")
	if len(parts) == 1 && parts[0] == "" {
		return patient.Birth{}, true
	}
	if len(parts) != 3 {
		return patient.Birth{}, false
	}
	if len(parts[0]) == 4 {
		slices.Reverse(parts)
	}
	return value.TypedDate(strings.TrimSpace(parts[0]), strings.TrimSpace(parts[1]), strings.TrimSpace(parts[2]))
}

func typeOptions(t *text.Catalogue, chosen string) []templates.Option {
	out := []templates.Option{{Text: t.T("word.all"), Selected: chosen == ""}}
	for _, kind := range audit.Types {
		out = append(out, templates.Option{Value: string(kind), Text: t.T("audit." + string(kind)), Selected: chosen == string(kind)})
	}
	return out
}

func groupOptions(t *text.Catalogue, chosen audit.Group) []templates.Option {
	each := make([]page.Choice, len(audit.Groups))
	for i, g := range audit.Groups {
		each[i] = page.Choice{Value: string(g), Text: t.T("log.group." + string(g))}
	}
	return page.FilterOptions(t, string(chosen), each)
}

func resultOptions(t *text.Catalogue, chosen string) []templates.Option {
	return page.FilterOptions(t, chosen, []page.Choice{
		{Value: "gelukt", Text: t.T("log.result.success")}, {Value: "geweigerd", Text: t.T("log.result.minor")},
		{Value: "mislukt", Text: t.T("log.result.serious")},
	})
}

func logRow(t *text.Catalogue, ev audit.Event) templates.LogRow {
	row := templates.LogRow{
		Href: recordPath(ev.ID), When: t.Moment(ev.At), Who: ev.Name, Centre: ev.CentreNumber, What: t.T("audit." + string(ev.Type)),
		Result: "success", Code: codeWord(t, ev.Code), Address: ev.Address, Count: max(ev.SubjectCount, len(ev.Subjects)),
	}
	row.Roles = roleWords(t, ev.Role)
	if ev.Via != "" {
		row.Via = t.T("via." + string(ev.Via))
	}
	if ev.ObjectID != "" {
		row.Object, row.ObjectID = t.T("object."+ev.ObjectType), ev.ObjectID
	}
	if ev.ObjectType == "patient" {
		row.Count = 0 // the object says it
	}
	switch ev.Result {
	case audit.MinorFailure:
		row.Result = "minor"
	case audit.SeriousFailure:
		row.Result = "serious"
	}
	return row
}

// roleWords puts the roles of an event into words.
func roleWords(t *text.Catalogue, roles string) string {
	if roles == "" {
		return ""
	}
	var words []string
	for _, role := range strings.Split(roles, ",") {
		words = append(words, t.T("role."+role))
	}
	return strings.Join(words, ", ")
}

// codeWord puts a reason code into words, or returns the code if the catalogue
// does not have it.
func codeWord(t *text.Catalogue, code string) string {
	if key := "audit.code." + code; t.Has(key) {
		return t.T(key)
	}
	return code
}
