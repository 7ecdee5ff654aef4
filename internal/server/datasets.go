package server

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/delivery"
	"sluis/internal/server/request"
	"sluis/web/templates"
)

// listDatasets is GET /datasets: what stands ready at the TTP.
func (s *Server) listDatasets(w http.ResponseWriter, r *http.Request) error {
	sets, err := s.Desk.Datasets(r.Context(), request.Who(r))
	if err != nil {
		return err
	}
	centres, err := s.Accounts.Centres(r.Context())
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, c := range centres {
		names[c.Number] = centreName(c)
	}
	t := s.text(r)
	page := templates.Datasets{Page: s.base(r, s.home(r))}
	for _, set := range sets {
		row := templates.DatasetRow{
			ID: set.ID, Centre: set.Centre, Known: set.KnownCentre, Ready: set.Ready, Created: t.Moment(set.CreatedAt), Rows: set.Rows,
			Types: strings.Join(set.Types, ", "), Under: set.Under,
		}
		if name := names[set.Centre]; name != "" {
			row.Centre = name
		}
		if set.DeliveryID != "" {
			row.Href = deliveryPath(set.DeliveryID)
		}
		if set.Ready && set.KnownCentre && !set.Under {
			row.Action = "/datasets/" + set.ID + "/importeren"
		}
		page.Rows = append(page.Rows, row)
	}
	return s.render(w, r, http.StatusOK, templates.DatasetsPage(page))
}

// importDataset is POST /datasets/{id}/importeren with modus=check|save.
func (s *Server) importDataset(w http.ResponseWriter, r *http.Request) error {
	mode := delivery.Mode(r.PostFormValue("modus"))
	if mode != delivery.Check && mode != delivery.Save {
		return apperr.New(apperr.Invalid, "mode_missing")
	}
	id, err := s.Desk.ImportDataset(r.Context(), request.Who(r), chi.URLParam(r, "id"), mode)
	if apperr.KindOf(err) == apperr.Conflict {
		request.LogFailure(s.Log, r, err)
		if err := s.flash(r, s.text(r).T("error."+apperr.CodeOf(err)+".body"), false); err != nil {
			return err
		}
		return redirect(w, r, "/datasets")
	} else if err != nil {
		return err
	}
	s.awaitResult(r, request.Actor(r).Scope(), id)
	return redirect(w, r, deliveryPath(id))
}

// mayDecide refuses who may not decide about this delivery: a data manager
// decides about what was fetched from the TTP, the centre about what is its own.
func (s *Server) mayDecide(r *http.Request, id string) error {
	actor := request.Actor(r)
	if actor.May(account.Deliver) {
		return nil
	}
	d, err := s.Records.Delivery(r.Context(), actor.Scope(), id)
	if err != nil {
		return err
	}
	if !decides(actor, d) {
		return apperr.New(apperr.Forbidden, "permission_missing")
	}
	return nil
}

// decides tells whether the actor may save or cancel d.
func decides(a account.Actor, d delivery.Delivery) bool {
	if d.Kind == delivery.Conversion { // decided about on the page of the conversion
		return false
	}
	return a.May(account.Deliver) || d.Kind == delivery.Dataset && a.May(account.ImportDatasets)
}
