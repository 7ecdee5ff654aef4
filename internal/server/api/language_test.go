package api_test

import (
	"context"
	"strings"
	"testing"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/server"
	"sluis/internal/server/api"
	"sluis/internal/server/servertest"
)

// speaks fails the test if an answer is not in this language, or does not say that
// another language may get another.
func speaks(t *testing.T, what string, a servertest.Answer, lang string) {
	t.Helper()
	if a.Header.Get("Content-Language") != lang || a.Header.Get("Vary") != "Accept-Language" {
		t.Errorf("%s: Content-Language %q, want %q; Vary %q", what, a.Header.Get("Content-Language"), lang, a.Header.Get("Vary"))
	}
}

// TestProblemsInEnglish: each problem is in the language that the script prefers, whoever
// finds it: the router, the middleware, a handler.
func TestProblemsInEnglish(t *testing.T) {
	s := servertest.New(t)
	for _, c := range []struct{ name, method, path, kind, body, nl, en string }{
		{"", "GET", "/deliveries", "", "", "Geen token", "No token"},
		{"uploader", "GET", "/nothing", "", "", "Niet gevonden", "Not found"},
		{"uploader", "GET", "/deliveries/x", "", "", "Niet gevonden", "Not found"},
		{"uploader", "PUT", "/deliveries", "", "", "Methode niet toegestaan", "Method not allowed"},
		{"clinician", "POST", "/deliveries", "text/csv", "a", "Geen toegang", "No access"},
		{"uploader", "GET", "/deliveries?limit=0", "", "", "Parameter ongeldig", "Parameter not valid"},
		{"uploader", "GET", "/deliveries?limt=1", "", "", "Parameter of veld onbekend", "Unknown parameter or field"},
		{"uploader", "POST", "/deliveries?filename=a.csv", "image/png", "a", "Soort inhoud niet ondersteund", "Content type not supported"},
		{"clinician", "POST", "/patients", "application/json", "{", "JSON onleesbaar", "JSON unreadable"},
		{"clinician", "POST", "/patients", "application/json", "{}", "Patiënt niet opgeslagen", "Patient not stored"},
	} {
		for header, lang := range map[string]string{
			"": "nl", "nl-NL,nl;q=0.9,en;q=0.8": "nl", "fr": "nl", "en": "en", "en-GB, nl;q=0.5": "en", "fr, en;q=0.7": "en",
		} {
			a := s.Call(c.name, c.method, "/api/v1"+c.path, c.kind, c.body, "Accept-Language", header)
			want := map[string]string{"nl": c.nl, "en": c.en}[lang]
			if got := value[api.Problem](t, a); got.Title != want || got.Detail == "" {
				t.Errorf("%s %s in %q: %q, want %q", c.method, c.path, header, got.Title, want)
			}
			speaks(t, c.path+" in "+header, a, lang)
		}
	}
	a := s.Browser().Do("POST", "/api/v1/deliveries", "text/csv", strings.NewReader("a"), "Origin", "https://elsewhere.example",
		"Sec-Fetch-Site", "cross-site", "Accept-Language", "en")
	if got := value[api.Problem](t, a); got.Title != "Request from another website" {
		t.Errorf("%s", a.Body)
	}
	speaks(t, "from another site", a, "en")
}

// TestPanicsInEnglish: a panic is answered in the script's language too.
func TestPanicsInEnglish(t *testing.T) {
	s := servertest.New(t, func(o *server.Options) { o.Records = falling{o.Records} })
	a := s.Call("uploader", "GET", "/api/v1/deliveries", "", "", "Accept-Language", "en")
	if got := value[api.Problem](t, a); got.Title != "Unexpected error" {
		t.Errorf("%s", a.Body)
	}
	speaks(t, "panic", a, "en")
}

// TestMessagesInEnglish: reasons, notes, advice, the report and the findings of an entry
// are in the script's language. The TTP's words stay as they came.
func TestMessagesInEnglish(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	content := strings.Replace(servertest.Pilot(t), "\n", ";x\n", 1)
	id := value[api.Accepted](t, s.Call("uploader", "POST", "/api/v1/deliveries?filename=p.csv", "text/csv", content)).ID
	finished(t, s, d, "uploader", id)
	refused := value[api.Accepted](t, s.Call("uploader", "POST", "/api/v1/deliveries?filename=b.csv", "text/csv",
		"BSN;Patiëntnummer\n1;2\n")).ID
	finished(t, s, d, "uploader", refused)
	path := "/api/v1/deliveries/"
	for _, c := range []struct{ name, method, path, body, nl, en string }{
		{"uploader", "GET", path + id, "", "Vul", "Fill in"},
		{"uploader", "GET", path + id, "", "De geboortedatum is leeg", "De geboortedatum is leeg"},
		{"uploader", "GET", path + id + "/report", "", "Vul", "Fill in"},
		{"uploader", "GET", path + id + "/report?format=csv", "", "Regel;Patiëntnummer;Kolom", "Regel;Patiëntnummer;Kolom"},
		{"uploader", "GET", path + refused, "", "BSN", "BSN"},
		{"clinician", "POST", "/api/v1/patients", `{"patientNumber":" "}`, "Vul het patiëntnummer in", "Enter the patient number"},
	} {
		nl := s.Call(c.name, c.method, c.path, "application/json", c.body, "Accept-Language", "nl")
		en := s.Call(c.name, c.method, c.path, "application/json", c.body, "Accept-Language", "en")
		servertest.Contains(t, c.path+" in Dutch", nl.Body, c.nl)
		servertest.Contains(t, c.path+" in English", en.Body, c.en)
		if nl.Body == en.Body {
			t.Errorf("%s is the same in both languages", c.path)
		}
		speaks(t, c.path, nl, "nl")
		speaks(t, c.path, en, "en")
	}
	for _, c := range []string{"/deliveries", "/patients"} {
		speaks(t, c, s.Call("uploader", "GET", "/api/v1"+c, "", "", "Accept-Language", "en"), "en")
	}
	speaks(t, "the description", s.Call("", "GET", "/api/v1/openapi.json", "", "", "Accept-Language", "en"), "nl")
}

// falling reads deliveries no more.
type falling struct{ server.Records }

func (falling) Deliveries(context.Context, audit.Who, account.Scope, delivery.Query) (delivery.Page, error) {
	panic(servertest.Canary)
}
