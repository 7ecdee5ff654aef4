package logbook

import (
	"net/http"
	"strconv"

	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/server/page"
	"sluis/web/templates"
	"sluis/web/text"
)

// ViewRecord is GET /logboek/{id}: one event with all that it says.
func (h *Handlers) ViewRecord(v *page.Visit) error {
	id, err := strconv.ParseInt(v.ID(), 10, 64)
	if err != nil || id <= 0 {
		return apperr.New(apperr.NotFound, "not_found")
	}
	ev, err := h.o.Log.Event(v.Context(), v.Who, id)
	if err != nil {
		return err
	}
	t := v.T
	props := templates.LogRecord{
		Page: v.Page(v.Home(), templates.Crumb{Text: t.T("log.title"), Href: logPath}), LogRow: logRow(t, ev.Event), Number: v.ID(),
		Action: actionWord(t, ev.Action), Type: string(ev.Type), RawCode: ev.Code, Reason: ev.Reason, Source: ev.Source,
		RequestID: ev.RequestID, Proof: string(ev.Proof), More: ev.SubjectCount - len(ev.Patients),
	}
	if ev.UserID != 0 {
		props.UserID = strconv.FormatInt(ev.UserID, 10)
	}
	if ev.Name != "" {
		props.UserHref = page.Link(logPath, "gebruiker", ev.Name)
	}
	for _, p := range ev.Patients {
		row := templates.LogPatient{Number: page.NumberWord(t, p.Number), Centre: p.CentreNumber, Action: actionWord(t, p.Action)}
		if p.CentreNumber == "" {
			row.Number = t.T("logrecord.gone")
		}
		props.Patients = append(props.Patients, row)
	}
	return v.Render(http.StatusOK, templates.LogRecordPage(props))
}

func actionWord(t *text.Catalogue, a audit.Action) string { return t.T("audit.action." + string(a)) }
