package server

import (
	"errors"
	"net/http"
	"slices"

	"sluis/web/text"
)

// languageCookie holds the language that was chosen: nothing about a person.
const languageCookie = "taal"

// text is the catalogue in the language of r.
func (s *Server) text(r *http.Request) *text.Catalogue {
	if c, err := r.Cookie(languageCookie); err == nil {
		return text.For(c.Value)
	}
	return text.For(text.Dutch)
}

// setLanguage is POST /taal.
func (s *Server) setLanguage(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	if chosen := r.PostForm.Get("taal"); slices.Contains(text.Languages, chosen) {
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // G124: Secure wherever we are reached over TLS
			Name: languageCookie, Value: chosen, Path: "/", MaxAge: 365 * 24 * 60 * 60,
			Secure: s.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
	}
	return redirect(w, r, localPath(r.PostForm.Get("terug")))
}

// tooLarge tells whether a body was larger than its route allows.
func tooLarge(err error) bool {
	_, ok := errors.AsType[*http.MaxBytesError](err)
	return ok
}
