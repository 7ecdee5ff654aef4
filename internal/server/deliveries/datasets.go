package deliveries

import (
	"net/http"
	"strings"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/delivery"
	"sluis/internal/server/page"
	"sluis/web/templates"
)

// ListDatasets is GET /datasets: the datasets that are ready at the TTP.
func (h *Handlers) ListDatasets(v *page.Visit) error {
	sets, err := h.o.Desk.Datasets(v.Context(), v.Who)
	if err != nil {
		return err
	}
	names, err := v.CentreNames()
	if err != nil {
		return err
	}
	t := v.T
	props := templates.Datasets{Page: v.Page(v.Home())}
	for _, set := range sets {
		row := templates.DatasetRow{
			ID: set.ID, Centre: set.Centre, Known: set.KnownCentre, Ready: set.Ready, Created: t.Moment(set.CreatedAt), Rows: set.Rows,
			Types: strings.Join(set.Types, ", "), Under: set.Under,
		}
		if name := names[set.Centre]; name != "" {
			row.Centre = name
		}
		if set.DeliveryID != "" {
			row.Href = page.DeliveryPath(set.DeliveryID)
		}
		if set.Ready && set.KnownCentre && !set.Under {
			row.Action = "/datasets/" + set.ID + "/importeren"
		}
		props.Rows = append(props.Rows, row)
	}
	return v.Render(http.StatusOK, templates.DatasetsPage(props))
}

// ImportDataset is POST /datasets/{id}/importeren with modus=check|save.
func (h *Handlers) ImportDataset(v *page.Visit) error {
	mode := delivery.Mode(v.R.PostFormValue("modus"))
	if mode != delivery.Check && mode != delivery.Save {
		return apperr.New(apperr.Invalid, "mode_missing")
	}
	id, err := h.o.Desk.ImportDataset(v.Context(), v.Who, v.ID(), mode)
	if apperr.KindOf(err) == apperr.Conflict {
		if err := v.FlashConflict(err); err != nil {
			return err
		}
		return v.Redirect("/datasets")
	} else if err != nil {
		return err
	}
	h.awaitResult(v, v.Scope(), id)
	return v.Redirect(page.DeliveryPath(id))
}

// mayDecide refuses an actor who may not decide about this delivery. A data
// manager decides about a dataset of the TTP, a centre about its own deliveries.
func (h *Handlers) mayDecide(v *page.Visit, id string) error {
	actor := v.Actor
	if actor.May(account.Deliver) {
		return nil
	}
	d, err := h.o.Records.Delivery(v.Context(), actor.Scope(), id)
	if err != nil {
		return err
	}
	if !decides(actor, d) {
		return apperr.New(apperr.Forbidden, "permission_missing")
	}
	return nil
}

// decides reports whether the actor may save or cancel d.
func decides(a account.Actor, d delivery.Delivery) bool {
	if d.Kind == delivery.Conversion { // decided about on the page of the conversion
		return false
	}
	return a.May(account.Deliver) || d.Kind == delivery.Dataset && a.May(account.ImportDatasets)
}
