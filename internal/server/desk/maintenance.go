package desk

import (
	"context"
	"net/http"
	"strings"
	"time"

	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/maintenance"
	"sluis/internal/server/page"
	"sluis/web/templates"
)

// Planner keeps announced maintenance. Every change is in the access log when it returns.
type Planner interface {
	Maintenance(ctx context.Context) (maintenance.Plan, error)
	AnnounceMaintenance(ctx context.Context, who audit.Who, w maintenance.Window) (string, error)
	CancelMaintenance(ctx context.Context, who audit.Who, id string) error
}

const maintenancePath = "/onderhoud"

// Maintenance is GET /onderhoud.
func (h *Handlers) Maintenance(v *page.Visit) error {
	return h.showMaintenance(v, http.StatusOK, templates.Maintenance{}, maintenance.TTP)
}

func (h *Handlers) showMaintenance(v *page.Visit, status int, props templates.Maintenance, chosen maintenance.Of) error {
	plan, err := h.o.Planner.Maintenance(v.Context())
	if err != nil {
		return err
	}
	t, now := v.T, h.o.Now()
	props.Page = v.Page(v.Home())
	for _, w := range plan {
		props.Rows = append(props.Rows, templates.MaintenanceRow{
			What: t.T("maintenance.of." + string(w.Of)), From: t.Moment(w.From), Until: t.Moment(w.Until), Note: w.Note, By: w.By,
			Going: w.Going(now), CancelHref: maintenancePath + "/" + w.PublicID + "/intrekken",
		})
	}
	for _, of := range []maintenance.Of{maintenance.TTP, maintenance.Sluis} {
		props.Subjects = append(props.Subjects, templates.Option{
			Value: string(of), Text: t.T("maintenance.of." + string(of)), Selected: of == chosen,
		})
	}
	return v.Render(status, templates.MaintenancePage(props))
}

// localTime is how a browser sends a moment: without a zone, so it is the registry's own.
const localTime = "2006-01-02T15:04"

// readMoment returns the moment that was filled in; zero if it is none.
func readMoment(text string) time.Time {
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		return time.Time{}
	}
	at, err := time.ParseInLocation(localTime, strings.TrimSpace(text), zone)
	if err != nil {
		return time.Time{}
	}
	return at
}

// wrongField says at which input a fault of a window is shown.
var wrongField = map[string]string{
	"maintenance_of": "wat", "maintenance_time": "van", "maintenance_order": "tot", "maintenance_past": "tot", "maintenance_long": "tot",
	"maintenance_note": "toelichting",
}

// Announce is POST /onderhoud.
func (h *Handlers) Announce(v *page.Visit) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	w := maintenance.Window{
		Of: maintenance.Of(form.Get("wat")), From: readMoment(form.Get("van")), Until: readMoment(form.Get("tot")),
		Note: strings.TrimSpace(form.Get("toelichting")),
	}
	_, err = h.o.Planner.AnnounceMaintenance(v.Context(), v.Who, w)
	if field, ok := wrongField[apperr.CodeOf(err)]; ok && err != nil {
		return h.showMaintenance(v, http.StatusUnprocessableEntity, templates.Maintenance{
			From: form.Get("van"), Until: form.Get("tot"), Note: w.Note,
			Errors: []templates.FieldError{{Field: field, Message: v.T.T("error." + apperr.CodeOf(err) + ".body")}},
		}, w.Of)
	} else if err != nil {
		return err
	}
	if err := v.Flash(v.T.T("maintenance.announced"), true); err != nil {
		return err
	}
	return v.Redirect(maintenancePath)
}

// CancelMaintenance is POST /onderhoud/{id}/intrekken.
func (h *Handlers) CancelMaintenance(v *page.Visit) error {
	if err := h.o.Planner.CancelMaintenance(v.Context(), v.Who, v.ID()); err != nil {
		return err
	}
	if err := v.Flash(v.T.T("maintenance.cancelled"), true); err != nil {
		return err
	}
	return v.Redirect(maintenancePath)
}
