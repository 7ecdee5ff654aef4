package desk

import (
	"fmt"
	"net/http"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/server/page"
	"sluis/internal/ttphealth"
	"sluis/web/templates"
	"sluis/web/text"
)

// The states of the TTP, as the catalogue names them.
const (
	ttpUp       = "up"
	ttpImpaired = "impaired"
	ttpDenied   = "denied"
	ttpUnused   = "unused"
)

// How long before its end something is worth a warning, and an alarm.
const (
	warnDays  = 30
	alarmDays = 7
)

// Expiry is something of ours at the TTP that runs out.
type Expiry struct {
	What string    // "client_certificate", "prepare_secret", "resolve_secret": part of a catalogue key
	At   time.Time // zero if nobody told when it ends
}

// TTPStatus is GET /status/ttp.
func (h *Handlers) TTPStatus(v *page.Visit) error {
	t, now := v.T, h.o.Now()
	bins, err := h.o.Watch.TTPHealth(v.Context(), now.Add(-ttphealth.Window))
	if err != nil {
		return err
	}
	// Only counts, and of all centres: whoever may see this page must know what waits.
	waiting, err := h.o.Watch.Backlog(v.Context(), account.AllCentres())
	if err != nil {
		return err
	}
	renewed, started, err := h.o.Watch.Renewal(v.Context())
	if err != nil {
		return err
	}
	err = h.o.Audit.Record(v.Context(), audit.Event{At: now, Type: audit.TTPViewed, Action: audit.Read, Who: v.Who, ObjectType: "ttp"})
	if err != nil {
		return err
	}
	props := templates.TTPStatus{
		Page: v.Page(v.Home()), State: ttpState(bins, waiting), At: t.Moment(now), RefreshHref: v.R.URL.Path,
		Calls: ttpCalls(t, bins, now), Prepare: waiting.Prepare, Resolve: waiting.Resolve, Paused: waiting.Paused, Denied: waiting.Denied,
		NextTry: t.Moment(
			waiting.NextTryAt,
		), Expiring: waiting.Expiring, ExpiresAt: t.Moment(waiting.ExpiresAt), Expiries: h.ttpExpiries(t, now),
	}
	if started {
		props.Renewal = &templates.TTPRenewal{
			State: "running", When: t.Moment(renewed.StartedAt), Total: renewed.Total, Looked: renewed.Looked, Added: renewed.Added,
			Refused: renewed.Refused, Conflicts: renewed.Conflicts,
		}
		switch {
		case !renewed.FinishedAt.IsZero():
			props.Renewal.State, props.Renewal.When = "done", t.Moment(renewed.FinishedAt)
		case !renewed.NextTryAt.IsZero():
			props.Renewal.State, props.Renewal.When = "paused", t.Moment(renewed.NextTryAt)
		}
	}
	props.Helpdesk = helpdesk(bins, waiting, now)
	return v.Render(http.StatusOK, templates.TTPStatusPage(props))
}

func ofCall(bins []ttphealth.Bin, c ttphealth.Call) (of []ttphealth.Bin) {
	for _, b := range bins {
		if b.Call == c {
			of = append(of, b)
		}
	}
	return of
}

// ttpState returns the state of the TTP. Deliveries that wait because of it count
// first, then how the last call of each important kind ended.
func ttpState(bins []ttphealth.Bin, waiting delivery.Backlog) string {
	switch {
	case waiting.Denied > 0:
		return ttpDenied
	case waiting.Paused > 0:
		return ttpImpaired
	case len(bins) == 0:
		return ttpUnused
	}
	for _, c := range []ttphealth.Call{ttphealth.Token, ttphealth.Temporary, ttphealth.Definitive} {
		if sum := ttphealth.Summarise(ofCall(bins, c)); sum.LastBad.After(sum.LastOK) {
			return ttpImpaired
		}
	}
	return ttpUp
}

// always are the kinds of call that every registry makes. The others are shown
// once they were made.
var always = map[ttphealth.Call]bool{ttphealth.Token: true, ttphealth.Temporary: true, ttphealth.Definitive: true}

func ttpCalls(t *text.Catalogue, bins []ttphealth.Bin, now time.Time) []templates.TTPCall {
	if len(bins) == 0 {
		return nil
	}
	var out []templates.TTPCall
	for _, c := range ttphealth.Calls {
		of := ofCall(bins, c)
		if len(of) == 0 && !always[c] {
			continue
		}
		sum := ttphealth.Summarise(of)
		out = append(out, templates.TTPCall{
			Key: string(c), LastOK: t.Moment(sum.LastOK), LastBad: t.Moment(sum.LastBad), Count: sum.OK + sum.Bad, Bad: sum.Bad,
			Share: percent(t, sum.ErrorShare()), P50: millis(t, sum.P50), P95: millis(t, sum.P95), Chart: chart(t, of, now),
			Hours: hours(t, of, now),
		})
	}
	return out
}

func percent(t *text.Catalogue, share float64) string {
	n := fmt.Sprintf("%.1f", share*100)
	if share > 0 && share < 0.0005 {
		n = "< 0.1"
	}
	return t.T("word.percent", "n", t.Decimal(n))
}

// millis shows a duration in the table, or nothing if there is none.
func millis(t *text.Catalogue, d time.Duration) string {
	switch {
	case d <= 0:
		return ""
	case d < 10*time.Second:
		return t.T("word.ms", "n", t.Number(int(d.Round(time.Millisecond)/time.Millisecond)))
	}
	return t.T("word.seconds", "n", t.Number(int(d.Round(time.Second)/time.Second)))
}

// chart divides the last day into quarters of an hour.
func chart(t *text.Catalogue, bins []ttphealth.Bin, now time.Time) templates.TTPChart {
	last := now.UTC().Truncate(ttphealth.Interval)
	quarters := int(ttphealth.Window / ttphealth.Interval)
	first := last.Add(-time.Duration(quarters-1) * ttphealth.Interval)
	c := templates.TTPChart{Points: make([]templates.TTPPoint, quarters), From: t.Moment(first), To: t.Moment(now)}
	for i := range c.Points {
		sum := ttphealth.Summarise(within(bins, first.Add(time.Duration(i)*ttphealth.Interval), ttphealth.Interval))
		c.Points[i] = templates.TTPPoint{P50: inMillis(sum.P50), P95: inMillis(sum.P95), Bad: sum.ErrorShare()}
	}
	return c
}

func inMillis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func within(bins []ttphealth.Bin, from time.Time, d time.Duration) (in []ttphealth.Bin) {
	for _, b := range bins {
		if !b.Start.Before(from) && b.Start.Before(from.Add(d)) {
			in = append(in, b)
		}
	}
	return in
}

// hours returns the hours of the last day that had calls, newest first.
func hours(t *text.Catalogue, bins []ttphealth.Bin, now time.Time) []templates.TTPHour {
	var out []templates.TTPHour
	for from := now.UTC().Truncate(time.Hour); from.After(now.Add(-ttphealth.Window - time.Hour)); from = from.Add(-time.Hour) {
		sum := ttphealth.Summarise(within(bins, from, time.Hour))
		if sum.OK+sum.Bad > 0 {
			out = append(out, templates.TTPHour{When: t.Moment(from), Count: sum.OK + sum.Bad, Bad: sum.Bad, P50: millis(t, sum.P50),
				P95: millis(t, sum.P95)})
		}
	}
	return out
}

func (h *Handlers) ttpExpiries(t *text.Catalogue, now time.Time) []templates.TTPExpiry {
	if h.o.Expiries == nil {
		return nil
	}
	var out []templates.TTPExpiry
	for _, e := range h.o.Expiries() {
		x := templates.TTPExpiry{What: e.What}
		if !e.At.IsZero() {
			left := e.At.Sub(now)
			x.At, x.Days = t.Moment(e.At), int(left.Hours()/24)
			switch {
			case left < 0:
				x.Days, x.Level = -1, "error"
			case x.Days < alarmDays:
				x.Level = "error"
			case x.Days < warnDays:
				x.Level = "warning"
			}
		}
		out = append(out, x)
	}
	return out
}

// helpdesk returns what the TTP's helpdesk will ask for: counts and moments, in
// English and UTC, nothing of a patient.
func helpdesk(bins []ttphealth.Bin, waiting delivery.Backlog, now time.Time) []string {
	moment := func(at time.Time) string {
		if at.IsZero() {
			return "never"
		}
		return at.UTC().Format(time.RFC3339)
	}
	lines := []string{"Sluis, TTP status at " + moment(now)}
	for _, c := range ttphealth.Calls {
		sum := ttphealth.Summarise(ofCall(bins, c))
		if sum.OK+sum.Bad > 0 {
			lines = append(lines, fmt.Sprintf(
				"%s: %d calls in 24 h, %d failed, last success %s, last failure %s, p50 %v, p95 %v",
				c,
				sum.OK+sum.Bad,
				sum.Bad,
				moment(sum.LastOK),
				moment(sum.LastBad),
				sum.P50.Round(time.Millisecond),
				sum.P95.Round(time.Millisecond),
			))
		}
	}
	return append(
		lines,
		fmt.Sprintf("waiting: %d rows for temporary, %d for definitive pseudonyms; %d deliveries paused, %d of them refused",
			waiting.Prepare, waiting.Resolve, waiting.Paused, waiting.Denied),
	)
}
