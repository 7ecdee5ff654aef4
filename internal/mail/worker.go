package mail

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"sluis/internal/retry"
)

const (
	// lease is how long one process has to send a message, before another may.
	lease = 2 * time.Minute
	// sendTimeout is how long the mail server may take over one message.
	sendTimeout = time.Minute
	// poll is the pause between two looks at the queue, if nothing wakes the worker.
	poll = 15 * time.Second
	// maxTries is after how many failed tries a message is given up: after about a day.
	maxTries = 30
)

// backoff is the pause between tries.
var backoff = retry.Backoff{First: time.Minute, Longest: time.Hour}

// Sender sends one message.
type Sender interface {
	// Send returns a *[Failure] if the mail server did not take the message.
	Send(ctx context.Context, id string, m Message) error
}

// Worker sends what is in the queue.
type Worker struct {
	Post   *Post
	Sender Sender
	Now    func() time.Time
	Log    *slog.Logger
	// Remind puts messages in the queue that are due by themselves. It is called now and
	// then; nil if there are none.
	Remind func(ctx context.Context) error
}

// remindEvery is the pause between two calls of Remind.
const remindEvery = time.Hour

// Run sends messages until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	reminded := time.Time{}
	for ctx.Err() == nil {
		if w.Remind != nil && w.Now().Sub(reminded) >= remindEvery {
			reminded = w.Now()
			if err := w.Remind(ctx); err != nil && ctx.Err() == nil {
				w.Log.ErrorContext(ctx, "reminders not put in the queue", "err", err)
			}
		}
		busy, err := w.Step(ctx)
		if err != nil && ctx.Err() == nil {
			w.Log.ErrorContext(ctx, "mail not sent", "err", err)
		}
		if busy && err == nil {
			continue
		}
		pause := time.NewTimer(poll/2 + rand.N(poll))
		select {
		case <-ctx.Done():
		case <-w.Post.wake:
		case <-pause.C:
		}
		pause.Stop()
	}
}

// Step sends one message. busy is false if there was none.
func (w *Worker) Step(ctx context.Context) (busy bool, err error) {
	c, ok, err := w.Post.queue.ClaimMail(ctx, w.Now(), lease)
	if err != nil || !ok {
		return false, err
	}
	m, err := w.Post.sealer.open(c.Sealed)
	if err != nil { // nobody will ever be able to read it
		w.Log.ErrorContext(ctx, "mail given up: it cannot be opened", "mail", c.PublicID, "kind", c.Kind, "err", err)
		return true, w.Post.queue.MailFailed(ctx, c, time.Time{})
	}
	sending, stop := context.WithTimeout(ctx, sendTimeout)
	defer stop()
	failure := failureOf(w.Sender.Send(sending, c.PublicID, m))
	if failure == nil {
		w.Log.InfoContext(ctx, "mail sent", "mail", c.PublicID, "kind", c.Kind)
		return true, w.Post.queue.MailSent(context.WithoutCancel(ctx), c)
	}
	next := w.Now().Add(backoff.Spread(c.Attempts, 0))
	if failure.Permanent || c.Attempts+1 >= maxTries {
		next = time.Time{}
	}
	w.Log.WarnContext(ctx, "mail not sent", "mail", c.PublicID, "kind", c.Kind, "attempts", c.Attempts+1, "code", failure.Code,
		"stage", failure.Stage, "given_up", next.IsZero())
	return true, w.Post.queue.MailFailed(context.WithoutCancel(ctx), c, next)
}
