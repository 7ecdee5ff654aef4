package deliveries

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/server/page"
	"sluis/web/templates"
)

// decision is an act of the Desk on one delivery.
type decision = func(ctx context.Context, who audit.Who, scope account.Scope, publicID string) error

// pollEvery is the pause between two looks at a small delivery while its uploader
// waits for the answer.
const pollEvery = 50 * time.Millisecond

// List is GET /aanleveringen?groep=&centrum=&na=.
func (h *Handlers) List(v *page.Visit) error {
	actor := v.Actor
	asked, err := v.OneOf("groep", string(delivery.Open), string(delivery.Closed), string(delivery.ToMend))
	if err != nil {
		return err
	}
	group := cmp.Or(delivery.Group(asked), delivery.Open)
	props := templates.Deliveries{
		Page: v.Page(v.Home()), ShowCentre: seesCentres(actor), MayDeliver: actor.May(account.Deliver),
	}
	query := delivery.Query{Group: group, After: v.Query().Get(page.CursorParam), Limit: page.Size}
	if props.ShowCentre {
		if query.CentreNumber, props.Centres, err = centreFilter(v); err != nil {
			return err
		}
	} else if _, err := v.OneOf(page.CentreParam, ownCentre(actor)); err != nil {
		return err // to whoever sees one centre, no other exists
	}
	found, err := h.o.Records.Deliveries(v.Context(), v.Who, actor.Scope(), query)
	if err != nil {
		return v.CursorError(err)
	}
	if len(found.Deliveries) == 0 && asked == "" {
		// If nothing is under way, the finished ones are more use than an empty page.
		query.Group = delivery.Closed
		if found, err = h.o.Records.Deliveries(v.Context(), v.Who, actor.Scope(), query); err != nil {
			return err
		}
	}
	group = query.Group
	props.Rows, props.Tabs = Rows(v.T, found.Deliveries), deliveryTabs(group, query.CentreNumber)
	if found.Next != "" {
		props.NextHref = page.Link(page.DeliveriesPath, "groep", string(group), page.CentreParam, query.CentreNumber,
			page.CursorParam, found.Next)
	}
	if query.After != "" {
		props.FirstHref = page.Link(page.DeliveriesPath, "groep", string(group), page.CentreParam, query.CentreNumber)
	}
	return v.Render(http.StatusOK, templates.DeliveriesPage(props))
}

// ownCentre is the number of the actor's centre, or "".
func ownCentre(a account.Actor) string {
	if a.Centre == nil {
		return ""
	}
	return a.Centre.Number
}

func deliveryTabs(group delivery.Group, centre string) []templates.Tab {
	var tabs []templates.Tab
	for _, g := range []delivery.Group{delivery.Open, delivery.Closed, delivery.ToMend} {
		tabs = append(tabs, templates.Tab{
			Key: string(g), Href: page.Link(page.DeliveriesPath, "groep", string(g), page.CentreParam, centre), Current: g == group,
		})
	}
	return tabs
}

// View is GET /aanleveringen/{id}.
func (h *Handlers) View(v *page.Visit) error {
	d, err := h.o.Records.ViewDelivery(v.Context(), v.Who, v.Scope(), v.ID())
	if err != nil {
		return err
	}
	causes, err := h.o.Records.Causes(v.Context(), d)
	if err != nil {
		return err
	}
	p := h.deliveryProps(v, d, causes)
	if p.Ahead, err = h.ahead(v.Context(), d); err != nil {
		return err
	}
	if p.Repair, err = h.repairProps(v, d); err != nil {
		return err
	}
	return v.Render(http.StatusOK, templates.DeliveryPage(p))
}

// ahead counts the deliveries of the centre that go before d, or returns 0 if d
// does not wait.
func (h *Handlers) ahead(ctx context.Context, d delivery.Delivery) (int, error) {
	if !waitsInLine(d) {
		return 0, nil
	}
	return h.o.Records.Ahead(ctx, d)
}

// Save is POST /aanleveringen/{id}/opslaan.
func (h *Handlers) Save(v *page.Visit) error {
	return h.act(v, h.o.Desk.Save, "flash.saved", true)
}

// storingParam confirms that whoever cancels knows that the delivery is being
// stored.
const storingParam, storingYes = "opslaan", "ja"

// Cancel is POST /aanleveringen/{id}/annuleren?opslaan=. A page that was
// shown before storing began promised that nothing would be stored: its button does
// not stop that, but shows the page anew.
func (h *Handlers) Cancel(v *page.Visit) error {
	confirmed, err := v.OneOf(storingParam, storingYes)
	if err != nil {
		return err
	}
	d, err := h.o.Records.Delivery(v.Context(), v.Scope(), v.ID())
	if err != nil {
		return err
	}
	if d.State == delivery.Registering && confirmed == "" {
		if err := v.Flash(v.T.T("delivery.storing_now"), false); err != nil {
			return err
		}
		return v.Redirect(page.DeliveryPath(d.PublicID))
	}
	return h.act(v, h.o.Desk.Cancel, "flash.cancelled", false)
}

// Retry is POST /aanleveringen/{id}/nu-proberen.
func (h *Handlers) Retry(v *page.Visit) error {
	return h.act(v, h.o.Desk.RetryNow, "flash.retried", true)
}

// act does what a person decided about a delivery and shows it again. If that is
// no longer possible (somebody was first, or a button was pressed twice), the page
// says so. passing marks words that are true only while the delivery still moves.
func (h *Handlers) act(v *page.Visit, do decision, told string, passing bool) error {
	id, scope := v.ID(), v.Scope()
	if err := h.mayAct(v, id, told); err != nil {
		return err
	}
	err := do(v.Context(), v.Who, scope, id)
	switch {
	case apperr.KindOf(err) == apperr.Conflict:
		err = v.FlashConflict(err)
	case err == nil:
		h.awaitResult(v, scope, id)
		err = v.FlashPassing(v.T.T(told), passing)
	}
	if err != nil {
		return err
	}
	return v.Redirect(page.DeliveryPath(id))
}

// mayAct refuses an actor who may not do this. Whoever may see a paused delivery
// may let it try again: that decides nothing.
func (h *Handlers) mayAct(v *page.Visit, id, told string) error {
	if told == "flash.retried" {
		return nil
	}
	return h.mayDecide(v, id)
}

// awaitResult waits a short while until a delivery is at rest, so that the page of
// a small one has its result at once.
func (h *Handlers) awaitResult(v *page.Visit, scope account.Scope, id string) {
	if h.o.BusyWait <= 0 {
		return
	}
	deadline, tick := time.NewTimer(h.o.BusyWait), time.NewTicker(pollEvery)
	defer deadline.Stop()
	defer tick.Stop()
	for {
		d, err := h.o.Records.Delivery(v.Context(), scope, id)
		if err != nil || atRest(d) || d.Paused != delivery.NotPaused && d.NextTryAt.After(h.o.Now()) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return
		case <-v.Context().Done():
			return
		}
	}
}

// atRest reports whether nothing happens to d until a person acts.
func atRest(d delivery.Delivery) bool {
	return d.State.Final() || d.State.Waiting()
}

// crumbs lead to a page about one delivery.
func crumbs(v *page.Visit) []templates.Crumb {
	return []templates.Crumb{v.Home(), {Text: v.T.T("crumb.deliveries"), Href: page.DeliveriesPath}}
}
