package logbook

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"sluis/internal/audit"
	"sluis/internal/audit/alarm"
	"sluis/internal/server/page"
	"sluis/web/templates"
	"sluis/web/text"
)

// ViewReview is GET /logboek/controle: what nobody has reviewed yet.
func (h *Handlers) ViewReview(v *page.Visit) error { return h.showReview(v, http.StatusOK, "") }

func (h *Handlers) showReview(v *page.Visit, status int, remark string, faults ...templates.FieldError) error {
	t := v.T
	duties, err := h.Duties(v)
	if err != nil {
		return err
	}
	left, err := h.o.Log.LogSince(v.Context(), v.Who)
	if err != nil {
		return err
	}
	alarms, err := h.o.Log.Alarms(v.Context(), v.Who, alarm.Query{Open: true, Limit: page.Size})
	if err != nil {
		return err
	}
	done, err := h.o.Log.LogReviews(v.Context())
	if err != nil {
		return err
	}
	props := templates.LogReview{
		Page: v.Page(v.Home(), templates.Crumb{Text: t.T("log.title"), Href: logPath}), Due: duties.ReviewDue, Overdue: duties.Overdue,
		Period: t.T("logreview.period", "from", t.Moment(left.From), "to", t.Moment(left.To)), To: left.To.Format(time.RFC3339Nano),
		Remark: remark, Errors: faults,
	}
	since := left.From.In(text.Location()).Format(time.DateOnly)
	for _, g := range audit.Groups {
		count := t.T("log.many", "n", audit.MostCounted)
		if n := left.Counts[g]; n <= audit.MostCounted {
			count = t.Number(n)
		}
		props.Groups = append(props.Groups, templates.LogGroup{
			Name: t.T("log.group." + string(g)), Count: count, Href: page.Link(logPath, "groep", string(g), "van", since),
		})
	}
	for _, a := range alarms.Alarms {
		props.Alarms = append(props.Alarms, alarmRow(t, a))
	}
	for _, ev := range left.Samples {
		props.Samples = append(props.Samples, logRow(t, ev))
	}
	for _, r := range done {
		props.Done = append(props.Done, templates.ReviewRow{
			When: t.Moment(r.At), By: r.By, Remark: r.Remark,
			What: t.T("logreview.what", "from", t.Moment(r.From), "to", t.Moment(r.To)),
		})
	}
	return v.Render(status, templates.LogReviewPage(props))
}

// SignReview is POST /logboek/controle with tot, gezien and opmerking.
func (h *Handlers) SignReview(v *page.Visit) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	remark := strings.TrimSpace(form.Get("opmerking"))
	faults := page.CheckReason(v.T, "opmerking", remark)
	to, err := time.Parse(time.RFC3339Nano, form.Get("tot"))
	if form.Get("gezien") == "" || err != nil {
		faults = slices.Insert(faults, 0, templates.FieldError{Field: "gezien", Message: v.T.T("logreview.error.seen")})
	}
	if len(faults) > 0 {
		return h.showReview(v, http.StatusUnprocessableEntity, remark, faults...)
	}
	if err := h.o.Log.SignLogReview(v.Context(), v.Who, to, remark); err != nil {
		return err
	}
	if err := v.Flash(v.T.T("review.signed"), true); err != nil {
		return err
	}
	return v.Redirect(reviewPath)
}
