// Package desk is the pages that show what needs somebody: the overview, which is
// everyone's first page, and the status of the TTP.
//
// It shows counts and moments, never a patient.
package desk

import (
	"context"
	"net/http"
	"time"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/server/deliveries"
	"sluis/internal/server/logbook"
	"sluis/internal/server/page"
	"sluis/internal/ttphealth"
	"sluis/web/templates"
)

// Records reads the deliveries of the overview; every read is in the access log
// when it returns.
type Records interface {
	Deliveries(ctx context.Context, who audit.Who, scope account.Scope, q delivery.Query) (delivery.Page, error)
}

// Conflicts counts the rows that wait for a data manager.
type Conflicts interface {
	CountConflicts(ctx context.Context, scope account.Scope) (int, error)
}

// Watch knows how the TTP is doing.
type Watch interface {
	// TTPHealth returns the bins that start at since or later, in order of time.
	TTPHealth(ctx context.Context, since time.Time) ([]ttphealth.Bin, error)
	Backlog(ctx context.Context, scope account.Scope) (delivery.Backlog, error)
	// Renewal returns the latest fetching of new values after a rise of the TTP's
	// key version; ok is false if there was none yet.
	Renewal(ctx context.Context) (r patient.Renewal, ok bool, err error)
}

// Log writes the access log.
type Log interface {
	Record(ctx context.Context, ev audit.Event) error
}

// Logbook knows what an auditor has to do about the access log.
type Logbook interface {
	Duties(v *page.Visit) (logbook.Duties, error)
}

// Options is what the handlers need.
type Options struct {
	Now           func() time.Time
	Records       Records
	Conflicts     Conflicts
	Watch         Watch
	Planner       Planner
	Audit         Log
	Logbook       Logbook
	Expiries      func() []Expiry // what of ours at the TTP runs out; may be nil
	BirthYearOnly bool
}

// Handlers are those of the desk's pages.
type Handlers struct{ o Options }

// New makes the handlers.
func New(o Options) *Handlers { return &Handlers{o} }

// The overview shows so many deliveries, and counts at most so many that wait to
// be mended.
const (
	overviewRows = 5
	overviewMend = 20
)

// Overview is GET /: what needs the user.
func (h *Handlers) Overview(v *page.Visit) error {
	actor := v.Actor
	props := templates.Overview{
		Page:           v.Page(),
		MayEnter:       actor.May(account.EnterPatient),
		MayDeliver:     actor.May(account.Deliver),
		ShowDeliveries: actor.May(account.ViewDeliveries),
		ShowLog:        actor.May(account.ViewLog),
		ShowCentre:     actor.Scope().All() || actor.Processor != nil,
		BirthYear:      h.o.BirthYearOnly,
	}
	if actor.May(account.ViewTTP) {
		if err := h.overviewTTP(v, &props); err != nil {
			v.LogFailure(err) // the rest of the page is shown without it
		}
	}
	if actor.May(account.JudgeConflicts) {
		var err error
		if props.ToJudge, err = h.o.Conflicts.CountConflicts(v.Context(), actor.Scope()); err != nil {
			v.LogFailure(err)
		}
	}
	if actor.May(account.ReviewLog) {
		duties, err := h.o.Logbook.Duties(v)
		if err != nil {
			v.LogFailure(err)
		} else {
			props.ShowDuties, props.Alarms, props.LogReviewDue, props.LogOverdue = true, duties.Alarms, duties.ReviewDue, duties.Overdue
		}
	}
	if props.ShowDeliveries {
		if err := h.overviewDeliveries(v, &props); apperr.IsStorage(err) {
			return err // nor would anything else be recorded
		} else if err != nil {
			// The rest of the page is shown without it.
			v.LogFailure(err)
			props.DeliveriesFailed = true
		}
	}
	return v.Render(http.StatusOK, templates.OverviewPage(props))
}

// overviewTTP shows how the TTP is doing, and what will be lost if nobody acts.
func (h *Handlers) overviewTTP(v *page.Visit, props *templates.Overview) error {
	bins, err := h.o.Watch.TTPHealth(v.Context(), h.o.Now().Add(-ttphealth.Window))
	if err != nil {
		return err
	}
	waiting, err := h.o.Watch.Backlog(v.Context(), account.AllCentres())
	props.TTP, props.Expiring, props.ExpiresAt = ttpState(bins, waiting), waiting.Expiring, v.T.Moment(waiting.ExpiresAt)
	return err
}

func (h *Handlers) overviewDeliveries(v *page.Visit, props *templates.Overview) error {
	who, scope := v.Who, v.Scope()
	latest, err := h.o.Records.Deliveries(v.Context(), who, scope, delivery.Query{Limit: overviewRows})
	if err != nil {
		return err
	}
	props.Deliveries = deliveries.Rows(v.T, latest.Deliveries)
	if !props.MayDeliver {
		return nil
	}
	mend, err := h.o.Records.Deliveries(v.Context(), who, scope, delivery.Query{Group: delivery.ToMend, Limit: overviewMend})
	props.ToMend = len(mend.Deliveries)
	return err
}
