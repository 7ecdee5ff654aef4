package api

import (
	_ "embed"
	"net/http"

	"sluis/web/text"
)

// Description is the OpenAPI 3.1 document of this API.
//
//go:embed openapi.json
var Description []byte

// Describe is GET /openapi.json.
func Describe(w http.ResponseWriter, _ *http.Request) error {
	Speak(w, text.For(text.Dutch)) // it is in no other language
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write(Description)
	return err
}
