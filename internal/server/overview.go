package server

import (
	"net/http"

	"sluis/internal/account"
	"sluis/internal/delivery"
	"sluis/internal/server/request"
	"sluis/internal/ttphealth"
	"sluis/web/templates"
)

// How many deliveries the overview shows, and of how many it says that they
// wait to be mended.
const (
	overviewRows = 5
	overviewMend = 20
)

// overview is GET /: what needs the user.
func (s *Server) overview(w http.ResponseWriter, r *http.Request) error {
	actor := request.Actor(r)
	page := templates.Overview{
		Page:           s.base(r),
		MayEnter:       actor.May(account.EnterPatient),
		MayDeliver:     actor.May(account.Deliver),
		ShowDeliveries: actor.May(account.ViewDeliveries),
		ShowLog:        actor.May(account.ViewLog),
		ShowCentre:     actor.Scope().All(),
		BirthYear:      s.BirthYearOnly,
	}
	if actor.May(account.ViewTTP) {
		if err := s.overviewTTP(r, &page); err != nil {
			request.LogFailure(s.Log, r, err) // the rest of the page stands without it
		}
	}
	if actor.May(account.JudgeReviews) {
		var err error
		if page.ToJudge, err = s.Desk.CountConflicts(r.Context(), actor.Scope()); err != nil {
			request.LogFailure(s.Log, r, err)
		}
	}
	if page.ShowDeliveries {
		if err := s.overviewDeliveries(r, &page); err != nil {
			// The rest of the page stands without it.
			request.LogFailure(s.Log, r, err)
			page.DeliveriesFailed = true
		}
	}
	return s.render(w, r, http.StatusOK, templates.OverviewPage(page))
}

// overviewTTP tells how the TTP is doing, and what is about to be lost if nobody
// acts.
func (s *Server) overviewTTP(r *http.Request, page *templates.Overview) error {
	bins, err := s.Watch.TTPHealth(r.Context(), s.Now().Add(-ttphealth.Window))
	if err != nil {
		return err
	}
	waiting, err := s.Watch.Backlog(r.Context(), account.AllCentres())
	page.TTP, page.Expiring, page.ExpiresAt = ttpState(bins, waiting), waiting.Expiring, s.text(r).Moment(waiting.ExpiresAt)
	return err
}

func (s *Server) overviewDeliveries(r *http.Request, page *templates.Overview) error {
	who, scope := request.Who(r), request.Actor(r).Scope()
	latest, err := s.Records.Deliveries(r.Context(), who, scope, delivery.Query{Limit: overviewRows})
	if err != nil {
		return err
	}
	page.Deliveries = s.deliveryRows(r, latest.Deliveries)
	if !page.MayDeliver {
		return nil
	}
	mend, err := s.Records.Deliveries(r.Context(), who, scope, delivery.Query{Group: delivery.ToMend, Limit: overviewMend})
	page.ToMend = len(mend.Deliveries)
	return err
}
