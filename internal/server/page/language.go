package page

import (
	"net/http"

	"sluis/web/text"
)

const languageCookie = "taal"

// LanguageCookie is the name of the cookie that holds the language that was chosen:
// nothing about a person. Over TLS its prefix makes a browser refuse it from a subdomain.
func LanguageCookie(secure bool) string {
	if secure {
		return "__Host-" + languageCookie
	}
	return languageCookie
}

// language is the catalogue in the language of r.
func language(r *http.Request) *text.Catalogue {
	for _, secure := range []bool{true, false} {
		if c, err := r.Cookie(LanguageCookie(secure)); err == nil {
			return text.For(c.Value)
		}
	}
	return text.For(text.Dutch)
}
