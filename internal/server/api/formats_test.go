package api_test

import (
	"net/http"
	"strings"
	"testing"

	"sluis/internal/server/api"
	"sluis/internal/server/servertest"
)

// TestFormatsOverTheAPI sends files of several formats as the body of a request. The answer
// says if a person is needed.
func TestFormatsOverTheAPI(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	for _, c := range []struct{ kind, name, body, status string }{
		{"application/json", "a.json", `[{"patientnummer":"1","geboortedatum":"2-3-1970","geslacht":"m","achternaam":"Jansen","voorletters":"A"}]`, "done"},
		{"application/fhir+json", "b.json", `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","identifier":[{"value":"2"}],"gender":"male","birthDate":"1971-02-03","name":[{"family":"Smit","given":["B."]}]}}]}`, "done"},
		{"text/csv", "c.csv", servertest.OddFile, "needs_mapping"},
		{"application/octet-stream", "d.xlsx", "PK\x03\x04 no workbook", "refused"},
	} {
		sent := s.Call("uploader", "POST", api.Prefix+"/deliveries?filename="+c.name, c.kind, c.body)
		if sent.Status != http.StatusAccepted {
			t.Fatalf("%s: %d %s", c.name, sent.Status, sent.Body)
		}
		v := finished(t, s, d, "uploader", value[api.Accepted](t, sent).ID)
		got := s.Call("uploader", "GET", api.Prefix+"/deliveries/"+v.ID, "", "")
		if string(v.Status) != c.status {
			t.Errorf("%s: %s, want %s\n%s", c.name, v.Status, c.status, got.Body)
		}
		if c.status == "needs_mapping" && (!strings.HasSuffix(v.Links.Columns, "/kolommen") || v.ExpiresAt.IsZero() ||
			v.Links.Cancel == "") {
			t.Errorf("it is not told what to do: %s", got.Body)
		}
		if strings.Contains(got.Body, "Canary") {
			t.Errorf("a name is told: %s", got.Body)
		}
	}
}
