// Package page is what the rooms of the server (deliveries, patients, conflicts
// and so on) share: one request of a page, the frame around its content, the
// page of an error, and the words that several pages have.
//
// It knows no noun of the registry but its centres, and it stores nothing.
package page

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/a-h/templ"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/server/request"
	"sluis/web/templates"
)

// Size is how many things a page of a list shows.
const Size = 50

// Centres lists the hospitals, for their names and for the filters on a centre.
type Centres interface {
	Centres(ctx context.Context) ([]account.Centre, error)
}

// Notes are what a page leaves for the next page of the same person: the flash,
// the warnings of an entry. They are never about what a patient is called.
type Notes interface {
	Leave(r *http.Request, key string, value any) error
	// Find takes a note out; it returns false if there is none.
	Find(r *http.Request, key string, value any) bool
}

// Options is what a Frame needs.
type Options struct {
	Log     *slog.Logger
	Centres Centres
	Notes   Notes
	Demo    bool   // a banner on every page
	Version string // of the program
	// FactorOptional says in the banner that nobody needs a second factor here.
	FactorOptional bool
	// BirthYearOnly says that the registry keeps the year of birth only.
	BirthYearOnly bool
}

// Frame shows pages: it makes a [Visit] of a request, and a page of an error.
type Frame struct{ o Options }

// New makes a frame.
func New(o Options) *Frame { return &Frame{o} }

// Handler answers a visit. Its error becomes a page too.
type Handler func(v *Visit) error

// Serve answers requests with h.
func (f *Frame) Serve(h Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := f.visit(w, r)
		if err := h(v); err != nil {
			v.fail(err)
		}
	}
}

// Fail answers r with the page that err is, and logs its cause.
func (f *Frame) Fail(w http.ResponseWriter, r *http.Request, err error) { f.visit(w, r).fail(err) }

// FailStatus answers r with a failure that nobody has an error value of: an
// unknown path, a panic.
func (f *Frame) FailStatus(w http.ResponseWriter, r *http.Request, status int, code string) {
	v := f.visit(w, r)
	v.errorPage(templates.Error{Page: v.Page(), Status: status, Code: code})
}

func (v *Visit) fail(err error) {
	err = request.Failed(v.frame.o.Log, v.W, v.R, err)
	if errors.Is(err, context.Canceled) && v.Context().Err() != nil {
		// The client went away. Returning would say 200 to whoever may still listen.
		panic(http.ErrAbortHandler)
	}
	props := templates.Error{Page: v.Page(), Status: apperr.Status(err), Code: apperr.CodeOf(err)}
	v.explainQuery(&props, err)
	v.errorPage(props)
}

func (v *Visit) errorPage(props templates.Error) {
	props.Reference = request.From(v.Context()).ID
	if err := v.Render(props.Status, templates.ErrorPage(props)); err != nil {
		v.LogFailure(err)
		http.Error(v.W, v.T.T("error.internal.plain"), http.StatusInternalServerError)
	}
}

// Render writes a page as a whole or, if it fails, not at all.
func (v *Visit) Render(status int, page templ.Component) error {
	var b bytes.Buffer
	// A client that stalls has ended the context, and is still told so.
	if err := page.Render(context.WithoutCancel(v.Context()), &b); err != nil {
		return err
	}
	v.W.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.W.WriteHeader(status)
	_, _ = v.W.Write(b.Bytes()) // an error here means that the client went away
	return nil
}
