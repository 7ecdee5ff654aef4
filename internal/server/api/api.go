// Package api is the JSON API under /api/v1, as openapi.json in this folder
// describes it: bearer tokens and no cookies, explicit DTOs, RFC 9457 problems.
//
// It decides nothing about patients or files, and it keeps nothing of a request.
package api

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake"
	"sluis/internal/maintenance"
	"sluis/internal/patient"
	"sluis/internal/server/entry"
	"sluis/internal/server/report"
	"sluis/internal/server/request"
	"sluis/internal/server/upload"
)

// Prefix is the path under which the API lives.
const Prefix = "/api/v1"

// Tokens looks up API tokens.
type Tokens interface {
	TokenByHash(ctx context.Context, hash [32]byte) (account.Token, error)
	// DeadToken returns a token that was revoked or has expired.
	DeadToken(ctx context.Context, hash [32]byte) (account.Token, error)
	NoteTokenUse(ctx context.Context, k account.Token) error
}

// Records reads patients and deliveries. Every read except Delivery is in the
// access log when it returns.
type Records interface {
	Patients(ctx context.Context, who audit.Who, scope account.Scope, q patient.Query) (patient.Page, error)
	Patient(ctx context.Context, who audit.Who, scope account.Scope, publicID string) (patient.Detail, error)
	Deliveries(ctx context.Context, who audit.Who, scope account.Scope, q delivery.Query) (delivery.Page, error)
	ViewDelivery(ctx context.Context, who audit.Who, scope account.Scope, publicID string) (delivery.Delivery, error)
	Delivery(ctx context.Context, scope account.Scope, publicID string) (delivery.Delivery, error)
	Causes(ctx context.Context, d delivery.Delivery) ([]delivery.Cause, error)
	report.Source
	RecordReport(ctx context.Context, who audit.Who, d delivery.Delivery, format string) error
}

// Receiver takes in a file.
type Receiver interface {
	Receive(ctx context.Context, up intake.Upload, r io.Reader) (publicID string, err error)
}

// Desk acts on a delivery.
type Desk interface {
	Save(ctx context.Context, who audit.Who, scope account.Scope, publicID string) error
	Cancel(ctx context.Context, who audit.Who, scope account.Scope, publicID string) error
	RetryNow(ctx context.Context, who audit.Who, scope account.Scope, publicID string) error
}

// Options is what the API needs.
type Options struct {
	Log           *slog.Logger
	Now           func() time.Time
	Tokens        Tokens
	Records       Records
	Receiver      Receiver
	Desk          Desk
	Entry         *entry.Service
	Audit         entry.Recorder
	Door          *upload.Door // of POST /deliveries
	MaxRows       int          // of a file
	BirthYearOnly bool
	// BadToken writes to the access log that r has a token that is none. It reports
	// whether its address sent so many of them that they are no longer written down one
	// by one, and how long it should wait.
	BadToken func(r *http.Request) (wait time.Duration, flooding bool, err error)
	// Plan returns announced maintenance; nil for none.
	Plan func(ctx context.Context) (maintenance.Plan, error)
}

// API is the JSON API.
type API struct{ o Options }

// New makes the API.
func New(o Options) *API { return &API{o} }

// Handler is a handler whose error becomes a problem.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Open serves h to everyone.
func (a *API) Open(h Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		request.From(r.Context()).Via = audit.ViaAPI
		Speak(w, Words(r))
		if err := h(w, r); err != nil {
			a.Fail(w, r, err)
		}
	}
}

// Require serves h to the bearer of a token whose role grants p; to every bearer if p is
// empty.
func (a *API) Require(p account.Permission, h Handler) http.HandlerFunc {
	return a.Open(a.Guard(p, h))
}

// Guard is h with the rights of [API.Require]. It is for a door that
// puts errors into words of its own.
func (a *API) Guard(p account.Permission, h Handler) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := a.authenticate(r); err != nil {
			return err
		}
		if p != "" && !request.Actor(r).May(p) {
			if err := a.denied(r, "permission_missing"); err != nil {
				return err
			}
			return apperr.New(apperr.Forbidden, "forbidden")
		}
		return h(w, r)
	}
}

// authenticate notes in the request who bears its token.
func (a *API) authenticate(r *http.Request) error {
	info := request.From(r.Context())
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return apperr.New(apperr.Unauthenticated, "token_missing")
	}
	hash := account.HashToken(token)
	t, err := a.o.Tokens.TokenByHash(r.Context(), hash)
	if apperr.KindOf(err) == apperr.NotFound {
		wait, flooding, err := a.o.BadToken(r)
		switch {
		case err != nil:
			return err
		case flooding:
			return &retryError{apperr.New(apperr.TooMany, "too_many_attempts"), wait}
		}
		if err := a.alarmDeadToken(r, hash); err != nil {
			return err
		}
		return apperr.New(apperr.Unauthenticated, "token_invalid")
	}
	if err != nil {
		return err
	}
	if code := t.Elsewhere(info.Address, info.Certificate); code != "" {
		if err := a.alarmToken(r, t, code, audit.SeriousFailure); err != nil {
			return err
		}
		a.o.Log.WarnContext(r.Context(), "a token was used elsewhere", "token", t.PublicID, "code", code, "request", info.ID)
		return apperr.New(apperr.Forbidden, code)
	}
	if err := a.o.Tokens.NoteTokenUse(r.Context(), t); err != nil {
		return err
	}
	info.Actor, info.Known, info.Token = account.ActorOfToken(t), true, t
	return nil
}

// alarmDeadToken writes to the access log that r brings a token that was revoked or has
// expired. A revoked one is an alarm: somebody has it who should not.
func (a *API) alarmDeadToken(r *http.Request, hash [32]byte) error {
	dead, err := a.o.Tokens.DeadToken(r.Context(), hash)
	switch {
	case apperr.KindOf(err) == apperr.NotFound:
		return nil
	case err != nil:
		return err
	}
	if dead.State(a.o.Now()) != account.Revoked {
		return a.alarmToken(r, dead, "token_expired", audit.MinorFailure)
	}
	a.o.Log.WarnContext(r.Context(), "a revoked token was used", "token", dead.PublicID, "request", request.From(r.Context()).ID)
	return a.alarmToken(r, dead, "token_revoked", audit.SeriousFailure)
}

// alarmToken writes to the access log that r brings a token that cannot be used so.
func (a *API) alarmToken(r *http.Request, t account.Token, code string, result audit.Result) error {
	ev := audit.Event{
		At: a.o.Now(), Type: audit.AccessDenied, Action: audit.Execute, Result: result, Who: account.ActorOfToken(t).Who(),
		ObjectType: "token", ObjectID: t.PublicID, Code: code,
	}
	from := request.Who(r)
	ev.Address, ev.RequestID, ev.Via = from.Address, from.RequestID, from.Via
	return a.o.Audit.Record(r.Context(), ev)
}

// denied writes to the access log that r was refused.
func (a *API) denied(r *http.Request, code string) error {
	return a.o.Audit.Record(r.Context(), audit.Event{
		At: a.o.Now(), Type: audit.AccessDenied, Action: audit.Execute, Result: audit.MinorFailure,
		Who: request.Who(r), ObjectType: "route", Code: code,
	})
}

// behalfParam names the centre for which a processor delivers.
const behalfParam = "onBehalfOf"

// centreFor returns the centre for which the bearer delivers. A processor with several
// mandates must name one.
func centreFor(r *http.Request, number string) (account.Centre, error) {
	c, code := request.Actor(r).DeliversFor(number)
	switch code {
	case "":
		return c, nil
	case account.CentreUnsaid:
		return c, invalid(code, behalfParam)
	}
	return c, apperr.New(apperr.Forbidden, code)
}

// centre returns the centre on behalf of which the bearer acts.
func centre(r *http.Request) (account.Centre, error) {
	if c := request.Actor(r).Centre; c != nil {
		return *c, nil
	}
	return account.Centre{}, apperr.New(apperr.Forbidden, "centre_missing")
}
