package ttptest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Echoes are faults in which a TTP repeats what it was sent, one for every place
// that a client might quote from.
var Echoes = map[string]func(next http.Handler) http.Handler{
	"problem document": echo(func(w http.ResponseWriter, body string) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, `{"code":%q,"title":%q,"detail":%q}`, body, body, body)
	}),
	"error page": echo(func(w http.ResponseWriter, body string) {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, body)
	}),
	"page instead of JSON": echo(func(w http.ResponseWriter, body string) { _, _ = io.WriteString(w, body) }),
	"broken JSON": echo(func(w http.ResponseWriter, body string) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"items":`+body+`,`+body)
	}),
	"JSON of the wrong types": echo(func(w http.ResponseWriter, body string) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"items":%q}`, body)
	}),
	"no HTTP": echo(func(w http.ResponseWriter, body string) {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_, _ = io.WriteString(conn, body+"\r\n\r\n")
			_ = conn.Close()
		}
	}),
	"redirect": echo(func(w http.ResponseWriter, body string) {
		w.Header().Set("Location", "http://127.0.0.1:1/"+body[:min(len(body), 900)])
		w.WriteHeader(http.StatusTemporaryRedirect)
	}),
}

func echo(say func(w http.ResponseWriter, body string)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/oauth2/") {
				next.ServeHTTP(w, r)
				return
			}
			body, _ := io.ReadAll(r.Body)
			say(w, string(body))
		})
	}
}
