package server

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"

	"sluis/internal/apperr"
	"sluis/internal/server/request"
	"sluis/web/templates"
)

// handler is a page's: its error becomes a page too.
type handler = func(w http.ResponseWriter, r *http.Request) error

// page serves h.
func (s *Server) page(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	}
}

// fail answers r with the page or the problem that err is, and logs its cause.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if isAPI(r) {
		s.api.Fail(w, r, err)
		return
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		err = apperr.Wrap(apperr.TooLarge, "body_too_large", err)
	}
	request.LogFailure(s.Log, r, err)
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		// The client went away. Returning would say 200 to whoever may still listen.
		panic(http.ErrAbortHandler)
	}
	s.errorPage(w, r, apperr.Status(err), apperr.CodeOf(err))
}

// failStatus answers r with a failure of which the status is all there is to tell.
func (s *Server) failStatus(w http.ResponseWriter, r *http.Request, status int, code string) {
	if isAPI(r) {
		s.api.FailStatus(w, r, status, code)
		return
	}
	s.errorPage(w, r, status, code)
}

func (s *Server) errorPage(w http.ResponseWriter, r *http.Request, status int, code string) {
	page := templates.Error{Page: s.base(r), Status: status, Code: code, Reference: request.From(r.Context()).ID}
	if err := s.render(w, r, status, templates.ErrorPage(page)); err != nil {
		request.LogFailure(s.Log, r, err)
		http.Error(w, "Er ging iets mis bij ons. Probeer het later opnieuw.", http.StatusInternalServerError)
	}
}

// render writes a page as a whole or, when it fails, not at all.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, page templ.Component) error {
	var b bytes.Buffer
	if err := page.Render(r.Context(), &b); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // an error here means that the client went away
	return nil
}

func isAPI(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/") }

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	s.failStatus(w, r, http.StatusNotFound, "not_found")
}

func (s *Server) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, m := range []string{http.MethodGet, http.MethodPost} {
		if s.router.Match(chi.NewRouteContext(), m, r.URL.Path) && !slices.Contains(allowed, m) {
			allowed = append(allowed, m)
		}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	s.failStatus(w, r, http.StatusMethodNotAllowed, "method_not_allowed")
}

// redirect sends the browser to another page of ours, by GET.
func redirect(w http.ResponseWriter, r *http.Request, path string) error {
	http.Redirect(w, r, path, http.StatusSeeOther) //nolint:gosec // G710: a path of ours, or one that localPath made so
	return nil
}
