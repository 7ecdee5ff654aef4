package api

import (
	_ "embed"
	"net/http"
)

// Description is the OpenAPI 3.1 document of this API.
//
//go:embed openapi.json
var Description []byte

// Describe is GET /openapi.json.
func Describe(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write(Description)
	return err
}
