package page

import (
	"net/http"

	"sluis/web/text"
)

// LanguageCookie holds the language that was chosen: nothing about a person.
const LanguageCookie = "taal"

// language is the catalogue in the language of r.
func language(r *http.Request) *text.Catalogue {
	if c, err := r.Cookie(LanguageCookie); err == nil {
		return text.For(c.Value)
	}
	return text.For(text.Dutch)
}
