package server

import (
	"context"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/server/request"
	"sluis/web/templates"
)

// decision is what a person can decide about a delivery: one of the Desk's.
type decision = func(ctx context.Context, who audit.Who, scope account.Scope, publicID string) error

// pollEvery is how often a small file's result is looked for while its uploader
// waits for the answer.
const pollEvery = 50 * time.Millisecond

// listDeliveries is GET /aanleveringen?groep=&centrum=&na=.
func (s *Server) listDeliveries(w http.ResponseWriter, r *http.Request) error {
	q, actor := r.URL.Query(), request.Actor(r)
	group := delivery.Group(q.Get("groep"))
	if group != delivery.Closed && group != delivery.ToMend {
		group = delivery.Open
	}
	page := templates.Deliveries{
		Page: s.base(r, s.home(r)), ShowCentre: actor.Scope().All(), MayDeliver: actor.May(account.Deliver),
	}
	query := delivery.Query{Group: group, After: q.Get("na"), Limit: pageSize}
	if page.ShowCentre {
		query.CentreNumber = q.Get("centrum")
		var err error
		if page.Centres, err = s.centreOptions(r, query.CentreNumber); err != nil {
			return err
		}
	}
	found, err := s.Records.Deliveries(r.Context(), request.Who(r), actor.Scope(), query)
	if err != nil {
		return err
	}
	if len(found.Deliveries) == 0 && q.Get("groep") == "" {
		// Nothing is under way: what is done is more use than an empty page.
		query.Group = delivery.Closed
		if found, err = s.Records.Deliveries(r.Context(), request.Who(r), actor.Scope(), query); err != nil {
			return err
		}
	}
	group = query.Group
	page.Rows, page.Tabs = s.deliveryRows(r, found.Deliveries), deliveryTabs(group, query.CentreNumber)
	if found.Next != "" {
		page.NextHref = link("/aanleveringen", "groep", string(group), "centrum", query.CentreNumber, "na", found.Next)
	}
	if query.After != "" {
		page.FirstHref = link("/aanleveringen", "groep", string(group), "centrum", query.CentreNumber)
	}
	return s.render(w, r, http.StatusOK, templates.DeliveriesPage(page))
}

func deliveryTabs(group delivery.Group, centre string) []templates.Tab {
	var tabs []templates.Tab
	for _, g := range []delivery.Group{delivery.Open, delivery.Closed, delivery.ToMend} {
		tabs = append(tabs, templates.Tab{Key: string(g), Href: link("/aanleveringen", "groep", string(g), "centrum", centre), Current: g == group})
	}
	return tabs
}

// viewDelivery is GET /aanleveringen/{id}.
func (s *Server) viewDelivery(w http.ResponseWriter, r *http.Request) error {
	d, err := s.Records.ViewDelivery(r.Context(), request.Who(r), request.Actor(r).Scope(), chi.URLParam(r, "id"))
	if err != nil {
		return err
	}
	causes, err := s.Records.Causes(r.Context(), d)
	if err != nil {
		return err
	}
	p := s.deliveryProps(r, d, causes)
	if p.Ahead, err = s.ahead(r.Context(), d); err != nil {
		return err
	}
	if p.Repair, err = s.repairProps(r, d); err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, templates.DeliveryPage(p))
}

// ahead is how many deliveries of its centre d waits for; 0 where it does not wait.
func (s *Server) ahead(ctx context.Context, d delivery.Delivery) (int, error) {
	if !waitsInLine(d) {
		return 0, nil
	}
	return s.Records.Ahead(ctx, d)
}

// saveDelivery is POST /aanleveringen/{id}/opslaan.
func (s *Server) saveDelivery(w http.ResponseWriter, r *http.Request) error {
	return s.act(w, r, s.Desk.Save, "flash.saved", true)
}

// storingParam says that whoever cancels knows that the delivery is being stored.
const storingParam = "opslaan"

// cancelDelivery is POST /aanleveringen/{id}/annuleren?opslaan=. A page that was
// shown before storing began promised that nothing would be stored: its button does
// not stop that, but shows the page anew.
func (s *Server) cancelDelivery(w http.ResponseWriter, r *http.Request) error {
	d, err := s.Records.Delivery(r.Context(), request.Actor(r).Scope(), chi.URLParam(r, "id"))
	if err != nil {
		return err
	}
	if d.State == delivery.Registering && r.URL.Query().Get(storingParam) == "" {
		if err := s.flash(r, s.text(r).T("delivery.storing_now"), false); err != nil {
			return err
		}
		return redirect(w, r, deliveryPath(d.PublicID))
	}
	return s.act(w, r, s.Desk.Cancel, "flash.cancelled", false)
}

// retryDelivery is POST /aanleveringen/{id}/nu-proberen.
func (s *Server) retryDelivery(w http.ResponseWriter, r *http.Request) error {
	return s.act(w, r, s.Desk.RetryNow, "flash.retried", true)
}

// act does what a person decided about a delivery and shows it again. What can
// no longer be done (somebody was first, or a button was pressed twice) is told
// there. passing marks words that are true only while the delivery still moves.
func (s *Server) act(w http.ResponseWriter, r *http.Request, do decision, told string, passing bool) error {
	id, scope := chi.URLParam(r, "id"), request.Actor(r).Scope()
	if err := s.mayAct(r, id, told); err != nil {
		return err
	}
	err := do(r.Context(), request.Who(r), scope, id)
	switch {
	case apperr.KindOf(err) == apperr.Conflict:
		request.LogFailure(s.Log, r, err)
		err = s.flash(r, s.text(r).T("error."+apperr.CodeOf(err)+".body"), false)
	case err == nil:
		s.awaitResult(r, scope, id)
		err = s.leave(r, flashKey, templates.Flash{Text: s.text(r).T(told), Success: true, Passing: passing})
	}
	if err != nil {
		return err
	}
	return redirect(w, r, deliveryPath(id))
}

// mayAct refuses who may not do this with a delivery. Whoever may see one that is
// paused may let it try again: that decides nothing.
func (s *Server) mayAct(r *http.Request, id, told string) error {
	if told == "flash.retried" {
		return nil
	}
	return s.mayDecide(r, id)
}

// awaitResult waits a moment for a delivery to come to a rest, so that a small
// one needs no refreshing.
func (s *Server) awaitResult(r *http.Request, scope account.Scope, id string) {
	if s.BusyWait <= 0 {
		return
	}
	deadline, tick := time.NewTimer(s.BusyWait), time.NewTicker(pollEvery)
	defer deadline.Stop()
	defer tick.Stop()
	for {
		d, err := s.Records.Delivery(r.Context(), scope, id)
		if err != nil || atRest(d) || d.Paused != delivery.Moving && d.NextTryAt.After(s.Now()) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// atRest tells whether nothing will happen to d by itself.
func atRest(d delivery.Delivery) bool {
	return d.State.Final() || d.State.Waiting() || d.State == delivery.Mapping
}

func deliveryPath(id string) string { return "/aanleveringen/" + id }

// home is the first crumb of every page.
func (s *Server) home(r *http.Request) templates.Crumb {
	return templates.Crumb{Text: s.text(r).T("crumb.overview"), Href: "/"}
}

// deliveriesCrumbs lead to a page about one delivery.
func (s *Server) deliveriesCrumbs(r *http.Request) []templates.Crumb {
	return []templates.Crumb{s.home(r), {Text: s.text(r).T("crumb.deliveries"), Href: "/aanleveringen"}}
}
