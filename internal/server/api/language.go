package api

import (
	"net/http"
	"strings"

	"sluis/web/text"
)

// Words returns the catalogue in the language that r prefers, English or Dutch.
func Words(r *http.Request) *text.Catalogue {
	return text.Preferred(strings.Join(r.Header.Values("Accept-Language"), ","))
}

// Speak says in the headers of an answer in which language it is, and that another
// Accept-Language may get another.
func Speak(w http.ResponseWriter, t *text.Catalogue) {
	w.Header().Set("Content-Language", t.Lang())
	w.Header().Set("Vary", "Accept-Language")
}
