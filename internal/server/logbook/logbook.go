// Package logbook is the pages of the access log: the log itself, one event, its export, what
// a patient is told of it, its periodic review, and the alarms.
//
// It shows who did what. Of a patient it shows the number only, and only for an event.
package logbook

import (
	"context"
	"time"

	"sluis/internal/audit"
	"sluis/internal/audit/alarm"
	"sluis/internal/server/page"
)

// Log is the access log. Every reading of it is an event too, which is recorded before
// anything is returned.
type Log interface {
	Events(ctx context.Context, who audit.Who, q audit.Query) (audit.Page, error)
	Event(ctx context.Context, who audit.Who, id int64) (audit.Detail, error)
	// ExportEvents calls each with the newest events, at most so many, and reports whether
	// there were more.
	ExportEvents(ctx context.Context, who audit.Who, q audit.Query, most int, each func([]audit.Event) error) (more bool, err error)
	// DisclosePatient does that for the events about one patient. It returns false if there
	// is no such patient.
	DisclosePatient(
		ctx context.Context, who audit.Who, centre, number, code string, most int, each func([]audit.Event) error,
	) (found, more bool, err error)
	// LogSince returns what nobody has reviewed yet.
	LogSince(ctx context.Context, who audit.Who) (audit.Unreviewed, error)
	LogReviews(ctx context.Context) ([]audit.Review, error)
	SignLogReview(ctx context.Context, who audit.Who, to time.Time, remark string) error

	Alarms(ctx context.Context, who audit.Who, q alarm.Query) (alarm.Page, error)
	Alarm(ctx context.Context, who audit.Who, id int64) (alarm.Alarm, error)
	CloseAlarm(ctx context.Context, who audit.Who, id int64, remark string) error
	OpenAlarms(ctx context.Context) (map[alarm.Kind]int, error)
}

// DefaultReviewEvery is how often the log is reviewed if nothing is set: each month.
const DefaultReviewEvery = 31 * 24 * time.Hour

// Options is what the handlers need.
type Options struct {
	Now         func() time.Time
	Log         Log
	ReviewEvery time.Duration // DefaultReviewEvery if 0
}

// Handlers are those of the pages.
type Handlers struct{ o Options }

// New makes the handlers.
func New(o Options) *Handlers {
	if o.ReviewEvery == 0 {
		o.ReviewEvery = DefaultReviewEvery
	}
	return &Handlers{o}
}

// Duties is what an auditor has to do about the access log.
type Duties struct {
	Alarms    int    // that nobody has closed
	ReviewDue string // a finished sentence
	Overdue   bool
}

// Duties returns what there is to do. It counts only, so that it is no event.
func (h *Handlers) Duties(v *page.Visit) (d Duties, err error) {
	open, err := h.o.Log.OpenAlarms(v.Context())
	if err != nil {
		return d, err
	}
	for _, n := range open {
		d.Alarms += n
	}
	done, err := h.o.Log.LogReviews(v.Context())
	if err != nil {
		return d, err
	}
	if len(done) == 0 {
		d.ReviewDue, d.Overdue = v.T.T("logreview.never"), true
		return d, nil
	}
	due := done[0].At.Add(h.o.ReviewEvery)
	if d.Overdue = h.o.Now().After(due); d.Overdue {
		d.ReviewDue = v.T.T("logreview.overdue", "when", v.T.Moment(due))
	} else {
		d.ReviewDue = v.T.T("logreview.due", "when", v.T.Moment(due))
	}
	return d, nil
}
