package logbook

import (
	"math"
	"net/http"
	"strconv"
	"strings"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit/alarm"
	"sluis/internal/server/page"
	"sluis/web/templates"
	"sluis/web/text"
)

// ListAlarms is GET /alarmen?staat=&na=: those that nobody has closed, or all.
func (h *Handlers) ListAlarms(v *page.Visit) error {
	t := v.T
	state, err := v.OneOf("staat", "alle")
	if err != nil {
		return err
	}
	after, err := v.Number(page.CursorParam, 0, math.MaxInt)
	if err != nil {
		return err
	}
	found, err := h.o.Log.Alarms(v.Context(), v.Who, alarm.Query{Open: state == "", After: int64(after), Limit: page.Size})
	if err != nil {
		return err
	}
	props := templates.Alarms{
		Page: v.Page(v.Home()), Filtered: state != "",
		States: []templates.Option{
			{Text: t.T("alarms.open"), Selected: state == ""}, {Value: "alle", Text: t.T("word.all"), Selected: state != ""},
		},
	}
	for _, a := range found.Alarms {
		props.Rows = append(props.Rows, alarmRow(t, a))
	}
	if after > 0 {
		props.FirstHref = page.Link(alarmsPath, "staat", state)
	}
	if found.Next > 0 {
		props.NextHref = page.Link(alarmsPath, "staat", state, page.CursorParam, strconv.FormatInt(found.Next, 10))
	}
	return v.Render(http.StatusOK, templates.AlarmsPage(props))
}

func alarmRow(t *text.Catalogue, a alarm.Alarm) templates.AlarmRow {
	row := templates.AlarmRow{
		Href: alarmsPath + "/" + strconv.FormatInt(a.ID, 10), What: t.T("alarm." + string(a.Kind)), Cause: a.Cause,
		When: t.Moment(a.LastAt), State: "closed",
	}
	if a.Open() {
		row.State = "open"
	}
	return row
}

// ViewAlarm is GET /alarmen/{id}.
func (h *Handlers) ViewAlarm(v *page.Visit) error { return h.showAlarm(v, http.StatusOK, "") }

func alarmID(v *page.Visit) (int64, error) {
	id, err := strconv.ParseInt(v.ID(), 10, 64)
	if err != nil || id <= 0 {
		return 0, apperr.New(apperr.NotFound, "not_found")
	}
	return id, nil
}

func (h *Handlers) showAlarm(v *page.Visit, status int, remark string, faults ...templates.FieldError) error {
	id, err := alarmID(v)
	if err != nil {
		return err
	}
	a, err := h.o.Log.Alarm(v.Context(), v.Who, id)
	if err != nil {
		return err
	}
	t := v.T
	props := templates.Alarm{
		Page: v.Page(v.Home(), templates.Crumb{Text: t.T("alarms.title"), Href: alarmsPath}), AlarmRow: alarmRow(t, a), Number: v.ID(),
		Explain: t.T("alarm." + string(a.Kind) + ".explain"), Count: t.Number(a.Count), Limit: t.Number(a.Limit),
		First: t.Moment(a.FirstAt), Last: t.Moment(a.LastAt), FirstHref: recordPath(a.FirstRecord), LastHref: recordPath(a.LastRecord),
		ClosedBy: a.ClosedBy, ClosedAt: t.Moment(a.ClosedAt), Found: a.Remark, Remark: remark, Errors: faults,
	}
	if a.CentreNumber != "" {
		props.Centre = v.CentreTitle(a.CentreNumber)
	}
	if a.Kind != alarm.SignIns {
		props.LogHref = page.Link(logPath, "gebruiker", a.Cause, "van", a.Day, "tot", a.Day)
	}
	if a.Open() && v.Actor.May(account.ReviewLog) {
		props.Action = props.Href
	}
	return v.Render(status, templates.AlarmPage(props))
}

// CloseAlarm is POST /alarmen/{id} with opmerking.
func (h *Handlers) CloseAlarm(v *page.Visit) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	id, err := alarmID(v)
	if err != nil {
		return err
	}
	remark := strings.TrimSpace(form.Get("opmerking"))
	if faults := page.CheckReason(v.T, "opmerking", remark); len(faults) > 0 {
		return h.showAlarm(v, http.StatusUnprocessableEntity, remark, faults...)
	}
	err = h.o.Log.CloseAlarm(v.Context(), v.Who, id, remark)
	switch {
	case apperr.KindOf(err) == apperr.Conflict:
		err = v.FlashConflict(err)
	case err == nil:
		err = v.Flash(v.T.T("alarm.is_closed"), true)
	}
	if err != nil {
		return err
	}
	return v.Redirect(alarmsPath)
}
