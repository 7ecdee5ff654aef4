package conversions

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/conversion"
	"sluis/internal/patient"
	"sluis/internal/server/page"
	"sluis/web/templates"
)

// Pause is POST /migratie/{id}/pauzeren.
func (h *Handlers) Pause(v *page.Visit) error {
	return h.showAgain(v, "existing.flash.paused", h.o.Conversion.PauseRun(v.Context(), v.Who, v.ID(), true))
}

// Resume is POST /migratie/{id}/hervatten.
func (h *Handlers) Resume(v *page.Visit) error {
	return h.showAgain(v, "existing.flash.resumed", h.o.Conversion.PauseRun(v.Context(), v.Who, v.ID(), false))
}

// Confirm is POST /migratie/{id}/doorgaan: it stores the rows of a centre although so many
// are rejected that the brake stopped them.
func (h *Handlers) Confirm(v *page.Visit) error {
	return h.showAgain(v, "existing.flash.confirmed", h.o.Conversion.ConfirmConversion(v.Context(), v.Who, v.ID()))
}

// showAgain shows the page again after an act. If the act was no longer possible,
// the page says so.
func (h *Handlers) showAgain(v *page.Visit, told string, err error) error {
	switch {
	case apperr.KindOf(err) == apperr.Conflict:
		err = v.FlashConflict(err)
	case err == nil:
		err = v.Flash(v.T.T(told), true)
	}
	if err != nil {
		return err
	}
	return v.Redirect(page.ConversionPath)
}

// ApproveErasure is POST /migratie/{id}/goedkeuren with rol, centra, reden and, if
// rows are lost with the old table, uitzonderingen.
func (h *Handlers) ApproveErasure(v *page.Visit) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	props, err := h.load(v)
	if err != nil {
		return err
	}
	// Another erasure may have been asked for since, or this one is done.
	action := page.ConversionPath + "/" + v.ID() + "/goedkeuren"
	if props.Erasure == nil || props.Erasure.Action != action {
		return h.showAgain(v, "", apperr.New(apperr.Conflict, "approval_closed"))
	}
	t, actor := v.T, v.Actor
	e := props.Erasure
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
		wrong("reden", "conflict.error.why_short")
	case n > patient.MaxWhy:
		wrong("reden", "conflict.error.why_long")
	}
	if e.Exceptions > 0 && form.Get("uitzonderingen") == "" {
		wrong("uitzonderingen", "existing.error.exceptions")
	}
	if len(e.Errors) == 0 {
		err := h.o.Conversion.ApproveErasure(v.Context(), v.Who, v.ID(), role, centres, e.Why)
		switch code := apperr.CodeOf(err); {
		case err == nil || code == "approval_closed":
			return h.showAgain(v, "existing.flash.approved", err)
		case code == "approval_centre" || apperr.KindOf(err) == apperr.Conflict:
			wrong("centra", "existing.error."+code)
		default:
			return err
		}
	}
	return v.Render(http.StatusUnprocessableEntity, templates.ConversionPage(props))
}

// typedCentres returns the numbers of centres that were typed, with commas,
// semicolons or blanks between them; each once.
func typedCentres(typed string) []string {
	var out []string
	for _, n := range strings.FieldsFunc(typed,
		func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\t' || r == '\n' || r == '\r' }) {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}
