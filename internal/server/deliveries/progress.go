package deliveries

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"sluis/internal/apperr"
	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/server/page"
	"sluis/web/text"
)

const (
	progressEvery  = 500 * time.Millisecond // at most two events a second
	heartbeatEvery = 15 * time.Second
	// streamLife ends a stream. The browser then asks again, and its rights are
	// checked again.
	streamLife = 10 * time.Minute
	// stillEvery is how often a stream looks whether its reader is still signed in.
	stillEvery = 2 * time.Second
	// mostStreams is how many streams one user has open at once, in this process.
	mostStreams = 10
	// eventPatience is how long a client may take to accept one event.
	eventPatience = 10 * time.Second
)

// progressEvent is the progress of a delivery. Its numbers are absolute, so that a
// client that misses an event misses nothing.
type progressEvent struct {
	State   delivery.State  `json:"state"`
	Status  delivery.Status `json:"status"`
	Percent int             `json:"percent"`
	Counts  patient.Counts  `json:"counts"`
	Step    string          `json:"step"`
	Done    int             `json:"done"`
	Total   int             `json:"total"`
	Text    string          `json:"text"`
	// Pause is why it waits for the TTP, if so, and Next when that is asked again.
	Pause delivery.Pause `json:"pause,omitempty"`
	Next  string         `json:"next,omitempty"`
	// Left is the number of deliveries that go first, or about how long the work will
	// still take.
	Left string `json:"left"`
}

// Progress is GET /aanleveringen/{id}/voortgang: a stream of events `progress`,
// and `done` when the delivery comes to a rest.
func (h *Handlers) Progress(v *page.Visit) error {
	id, scope := v.ID(), v.Scope()
	d, err := h.o.Records.Delivery(v.Context(), scope, id)
	if err != nil {
		return err
	}
	if v.R.Method == http.MethodHead {
		v.W.Header().Set("Content-Type", eventStreamType)
		return nil
	}
	leave, err := h.streams.enter(v.Actor.UserID)
	if err != nil {
		return err
	}
	defer leave()
	stream := startStream(v.W)
	checked := time.Now()
	tick, beat, end := time.NewTicker(progressEvery), time.NewTicker(heartbeatEvery), time.NewTimer(streamLife)
	defer tick.Stop()
	defer beat.Stop()
	defer end.Stop()
	for last := ""; ; {
		ahead, err := h.ahead(v.Context(), d)
		if err != nil {
			return nil // the answer has begun: the browser asks again
		}
		event, err := json.Marshal(progressOf(v.T, d, ahead, h.o.Now()))
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		if string(event) != last && !stream.send("progress", string(event)) {
			return nil
		}
		if last = string(event); atRest(d) {
			stream.send("done", last)
			return nil
		}
		if !stream.wait(v.Context(), tick, beat, end) {
			return nil
		}
		if time.Since(checked) >= stillEvery {
			if !v.Still(v.Context()) {
				return nil // signed out, blocked, or without the role
			}
			checked = time.Now()
		}
		if d, err = h.o.Records.Delivery(v.Context(), scope, id); err != nil {
			return nil // the answer has begun: the browser asks again
		}
	}
}

const eventStreamType = "text/event-stream"

// streams counts the open streams of each user.
type streams struct {
	mu   sync.Mutex
	open map[int64]int
}

// enter counts one more until leave is called, or fails with apperr.TooMany.
func (s *streams) enter(userID int64) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[userID] >= mostStreams {
		return nil, apperr.New(apperr.TooMany, "too_many")
	}
	s.open[userID]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.open[userID]--; s.open[userID] == 0 {
			delete(s.open, userID)
		}
	}, nil
}

// eventStream writes server-sent events.
type eventStream struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

func startStream(w http.ResponseWriter) eventStream {
	e := eventStream{w, http.NewResponseController(w)}
	// A read deadline that passes would end the request.
	_ = e.rc.SetReadDeadline(time.Time{})
	w.Header().Set("Content-Type", eventStreamType)
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	return e
}

// send writes an event, and reports whether anybody still listens.
func (e eventStream) send(name, data string) bool {
	return e.write(fmt.Sprintf("event: %s\ndata: %s\n\n", name, data))
}

func (e eventStream) write(raw string) bool {
	_ = e.rc.SetWriteDeadline(time.Now().Add(eventPatience))
	if _, err := e.w.Write([]byte(raw)); err != nil {
		return false
	}
	return e.rc.Flush() == nil
}

// wait waits until it is time to look again, and reports whether the stream goes
// on.
func (e eventStream) wait(ctx context.Context, tick, beat *time.Ticker, end *time.Timer) bool {
	for {
		select {
		case <-tick.C:
			return true
		case <-beat.C:
			if !e.write(": \n\n") {
				return false
			}
		case <-end.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

func progressOf(t *text.Catalogue, d delivery.Delivery, ahead int, now time.Time) progressEvent {
	step, done, total := currentStep(d)
	e := progressEvent{
		State: d.State, Status: d.Status(), Percent: d.Percent(), Counts: d.Counts, Step: step, Done: done, Total: total,
		Text: t.T("status." + string(d.Status())), Left: left(t, d, now),
	}
	if ahead > 0 {
		e.Left = t.N("progress.ahead", ahead)
	}
	if d.Paused == delivery.PauseDenied {
		e.Text = t.T("status.paused_denied")
	}
	if e.Pause = d.Paused; e.Pause != delivery.NotPaused && !d.NextTryAt.IsZero() {
		e.Next = t.T("paused.next", "when", t.Moment(d.NextTryAt))
	}
	switch {
	case step == "" || d.Paused != delivery.NotPaused:
	case total > 0:
		e.Text = t.T("progress.text_count", "step", t.T("step."+step), "n", done, "total", total)
	default:
		e.Text = t.T("progress.text", "step", t.T("step."+step), "percent", e.Percent)
	}
	return e
}
