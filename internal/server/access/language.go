package access

import (
	"net/http"
	"slices"

	"sluis/internal/server/page"
	"sluis/web/text"
)

// SetLanguage is POST /taal.
func (h *Handlers) SetLanguage(v *page.Visit) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	if chosen := form.Get("taal"); slices.Contains(text.Languages, chosen) {
		http.SetCookie(v.W, &http.Cookie{ //nolint:gosec // G124: Secure wherever we are reached over TLS
			Name: page.LanguageCookie(h.o.Secure), Value: chosen, Path: "/", MaxAge: 365 * 24 * 60 * 60,
			Secure: h.o.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
	}
	return v.Redirect(page.LocalPath(form.Get("terug")))
}
