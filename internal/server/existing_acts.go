package server

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/conversion"
	"sluis/internal/patient"
	"sluis/internal/server/request"
	"sluis/web/templates"
)

// pauseExisting is POST /migratie/{id}/pauzeren.
func (s *Server) pauseExisting(w http.ResponseWriter, r *http.Request) error {
	return s.actExisting(w, r, "existing.flash.paused", s.Existing.PauseRun(r.Context(), request.Who(r), chi.URLParam(r, "id"), true))
}

// resumeExisting is POST /migratie/{id}/hervatten.
func (s *Server) resumeExisting(w http.ResponseWriter, r *http.Request) error {
	return s.actExisting(w, r, "existing.flash.resumed", s.Existing.PauseRun(r.Context(), request.Who(r), chi.URLParam(r, "id"), false))
}

// confirmExisting is POST /migratie/{id}/doorgaan: a centre's rows are stored
// though so many of them are rejected.
func (s *Server) confirmExisting(w http.ResponseWriter, r *http.Request) error {
	return s.actExisting(w, r, "existing.flash.confirmed", s.Existing.ConfirmConversion(r.Context(), request.Who(r), chi.URLParam(r, "id")))
}

// actExisting shows the page again after something was done. What could no longer
// be done is told there.
func (s *Server) actExisting(w http.ResponseWriter, r *http.Request, told string, err error) error {
	switch {
	case apperr.KindOf(err) == apperr.Conflict:
		request.LogFailure(s.Log, r, err)
		err = s.flash(r, s.text(r).T("error."+apperr.CodeOf(err)+".body"), false)
	case err == nil:
		err = s.flash(r, s.text(r).T(told), true)
	}
	if err != nil {
		return err
	}
	return redirect(w, r, existingPath)
}

// approveErasure is POST /migratie/{id}/goedkeuren with rol, centra, reden and,
// where rows are lost with the source, uitzonderingen.
func (s *Server) approveErasure(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	page, err := s.existingProps(r)
	if err != nil {
		return err
	}
	// Another one may have been asked for since, or it is done.
	action := existingPath + "/" + chi.URLParam(r, "id") + "/goedkeuren"
	if page.Erasure == nil || page.Erasure.Action != action {
		return s.actExisting(w, r, "", apperr.New(apperr.Conflict, "approval_closed"))
	}
	t, form, actor := s.text(r), r.PostForm, request.Actor(r)
	e := page.Erasure
	e.Centres, e.Why = form.Get("centra"), strings.TrimSpace(form.Get("reden"))
	role := account.Role(form.Get("rol"))
	if !slices.Contains(conversion.ApprovingRoles, role) || !actor.Is(role) {
		return apperr.New(apperr.Forbidden, "forbidden")
	}
	centres := typedCentres(e.Centres)
	wrong := func(field, key string) {
		e.Errors = append(e.Errors, templates.FieldError{Field: field, Message: t.T(key)})
	}
	if len(centres) == 0 {
		wrong("centra", "existing.error.centres")
	}
	switch n := utf8.RuneCountInString(e.Why); {
	case n < patient.MinWhy:
		wrong("reden", "review.error.why_short")
	case n > patient.MaxWhy:
		wrong("reden", "review.error.why_long")
	}
	if e.Exceptions > 0 && form.Get("uitzonderingen") == "" {
		wrong("uitzonderingen", "existing.error.exceptions")
	}
	if len(e.Errors) == 0 {
		err := s.Existing.ApproveErasure(r.Context(), request.Who(r), chi.URLParam(r, "id"), role, centres, e.Why)
		switch code := apperr.CodeOf(err); {
		case err == nil || code == "approval_closed":
			return s.actExisting(w, r, "existing.flash.approved", err)
		case code == "approval_centre" || apperr.KindOf(err) == apperr.Conflict:
			wrong("centra", "existing.error."+code)
		default:
			return err
		}
	}
	return s.render(w, r, http.StatusUnprocessableEntity, templates.ConversionPage(page))
}

// typedCentres reads numbers of centres, with anything but letters and digits
// between them; each once.
func typedCentres(typed string) []string {
	var out []string
	for _, n := range strings.FieldsFunc(typed, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\t' || r == '\n' || r == '\r' }) {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}
