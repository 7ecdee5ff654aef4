package api_test

import (
	"net/http"
	"strings"
	"testing"

	"sluis/internal/server"
	"sluis/internal/server/servertest"
)

// TestEveryRouteRefusesUnknownParameters calls each route of the table with a parameter
// that none of them has. It also sends a query that cannot be read.
func TestEveryRouteRefusesUnknownParameters(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	for _, route := range s.Server.Routes() {
		if route.Door != server.API {
			continue
		}
		who := "uploader"
		if route.Method == http.MethodPost && strings.HasSuffix(route.Pattern, "/patients") {
			who = "clinician"
		}
		path := "/api/v1" + strings.ReplaceAll(strings.TrimPrefix(route.Pattern, "/api/v1"), "{id}", "x")
		for query, code := range map[string]string{
			"unheard=" + servertest.Canary: "unknown_parameter", servertest.Canary + "=1;x": "invalid_parameter",
		} {
			got := s.Call(who, route.Method, path+"?"+query, "", "")
			d.problem(route.Method+" "+route.Pattern+"?"+query, got, http.StatusBadRequest, code)
			if strings.Contains(got.Body, servertest.Canary) {
				t.Errorf("%s repeats what was sent: %s", route.Pattern, got.Body)
			}
		}
	}
	if strings.Contains(s.Log.String(), servertest.Canary) {
		t.Error("what was sent is in the log")
	}
}

// TestAnUnreadableCheckDoesNotStore sends check in ways that are neither true nor false.
// None of them may be taken for a delivery that is to be stored.
func TestAnUnreadableCheckDoesNotStore(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	for _, check := range []string{"check=true;x", "check=%zz", "check=", "check", "check=True", "check=true&check=true"} {
		got := s.Call("uploader", "POST", "/api/v1/deliveries?filename=a.csv&"+check, "text/csv", "a;b\n1;2\n")
		d.problem(check, got, http.StatusBadRequest, "invalid_parameter")
	}
	if list := s.Call("uploader", "GET", "/api/v1/deliveries", "", ""); !strings.Contains(list.Body, `"deliveries":[]`) {
		t.Errorf("something was stored: %s", list.Body)
	}
}
