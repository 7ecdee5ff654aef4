package fhirdoor_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluis/internal/audit"
	"sluis/internal/importer/intake/fhir"
	"sluis/internal/server"
	"sluis/internal/server/servertest"
)

const fhirJSON = "application/fhir+json"

type outcome struct {
	ResourceType string
	Issue        []struct {
		Severity, Code, Diagnostics string
		Details                     struct {
			Text   string
			Coding []struct{ Code string }
		}
		Expression []string
	}
}

type bundle struct {
	ResourceType, Type string
	Entry              []struct {
		Response struct {
			Status  string
			Outcome outcome
		}
	}
}

func parse[T any](t *testing.T, a servertest.Answer) T {
	t.Helper()
	var out T
	if kind := a.Header.Get("Content-Type"); !strings.HasPrefix(kind, fhirJSON) {
		t.Errorf("Content-Type %q", kind)
	}
	if err := json.Unmarshal([]byte(a.Body), &out); err != nil {
		t.Fatalf("%v: %.300s", err, a.Body)
	}
	return out
}

// person is a Patient resource.
func person(number, surname, birth, gender string) string {
	return fmt.Sprintf(`{"resourceType":"Patient","identifier":[{"system":"urn:hospital","value":%q}],"name":[{"use":"official","family":%q,`+
		`"given":["Q."]}],"birthDate":%q,"gender":%q}`, number, surname, birth, gender)
}

func bundleOf(kind string, resources ...string) string {
	var entries []string
	for _, r := range resources {
		entries = append(entries, `{"resource":`+r+`,"request":{"method":"POST","url":"Patient"}}`)
	}
	return `{"resourceType":"Bundle","type":"` + kind + `","entry":[` + strings.Join(entries, ",") + `]}`
}

// pilot is the pilot's file as resources.
func pilot(t *testing.T) []string {
	t.Helper()
	raw := servertest.Must(os.ReadFile(filepath.Join(servertest.Root(t), "testdata", "pilot40.csv")))(t)
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(raw), "\ufeff")))
	r.Comma = ';'
	rows := servertest.Must(r.ReadAll())(t)
	var out []string
	for _, row := range rows[1:] { // centre, birth, sex, number, surname, prefix, initials
		birth := row[1]
		if at, err := time.Parse("2-1-2006", birth); err == nil {
			birth = at.Format(time.DateOnly)
		}
		gender := map[string]string{"m": "male", "M": "male", "v": "female", "V": "female"}[row[2]]
		if gender == "" {
			gender = row[2]
		}
		resource := map[string]any{
			"resourceType": "Patient", "identifier": []any{map[string]any{"system": "urn:hospital", "value": row[3]}},
			"name": []any{map[string]any{
				"use": "official", "family": strings.TrimSpace(row[5] + " " + row[4]), "given": []string{row[6]},
				"_family": map[string]any{"extension": []any{
					map[string]any{"url": "http://hl7.org/fhir/StructureDefinition/humanname-own-name", "valueString": row[4]},
					map[string]any{"url": "http://hl7.org/fhir/StructureDefinition/humanname-own-prefix", "valueString": row[5]},
				}},
			}},
			"gender": gender,
		}
		if birth != "" {
			resource["birthDate"] = birth
		}
		out = append(out, string(servertest.Must(json.Marshal(resource))(t)))
	}
	return out
}

func TestPilotAsBundle(t *testing.T) {
	for kind, want := range map[string]string{
		"batch": "batch-response", "transaction": "transaction-response", "collection": "batch-response",
	} {
		t.Run(kind, func(t *testing.T) {
			s := servertest.New(t)
			a := s.Call("uploader", "POST", "/fhir", fhirJSON, bundleOf(kind, pilot(t)...))
			if a.Status != http.StatusOK {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			got := parse[bundle](t, a)
			if got.Type != want || len(got.Entry) != 40 {
				t.Fatalf("%s with %d entries", got.Type, len(got.Entry))
			}
			var refused []string
			for i, e := range got.Entry {
				if e.Response.Status == "201 Created" {
					continue
				}
				is := e.Response.Outcome.Issue[0]
				refused = append(refused, fmt.Sprintf("%d %s %s %s %s", i, e.Response.Status, is.Severity, is.Details.Text, is.Expression))
			}
			if !slices.Equal(refused, []string{
				"5 422 Unprocessable Entity error De geboortedatum is leeg [Bundle.entry[5].resource.birthDate]",
				"25 422 Unprocessable Entity error De geboortedatum ligt in de toekomst [Bundle.entry[25].resource.birthDate]",
				"28 422 Unprocessable Entity error Het geslacht bevat een ongeldige waarde [Bundle.entry[28].resource.gender]",
				"37 422 Unprocessable Entity error De geboortedatum is leeg [Bundle.entry[37].resource.birthDate]",
			}) {
				t.Errorf("refused:\n%s", strings.Join(refused, "\n"))
			}
			if !strings.HasPrefix(a.Header.Get("Location"), "/api/v1/deliveries/") {
				t.Errorf("Location %q", a.Header.Get("Location"))
			}
			for _, want := range []audit.Type{audit.DeliveryViewed, audit.ReportViewed} {
				if !slices.ContainsFunc(s.Events(), func(e audit.Event) bool {
					return e.Type == want && e.RequestID == a.Header.Get("X-Request-Id") && e.Via == audit.ViaAPI
				}) {
					t.Errorf("the access log has no %s", want)
				}
			}
		})
	}
}

// Places count every resource of an entry, so that the expression is right behind one
// with several, or with none.
func TestEntriesOfEveryKind(t *testing.T) {
	s := servertest.New(t)
	good := func(n string) string { return person(n, "Naam", "196"+n[:1]+"-02-03", "male") }
	bad := person("99", "Fout", "1960-02-03", "zomaar")
	body := `{"resourceType":"Bundle","type":"batch","entry":[
		{"resource":` + good("1") + `},
		{"resource":{"resourceType":"Observation"}},
		{"request":{"method":"DELETE","url":"Patient/1"}},
		{"resource":` + good("66") + `,"request":{"method":"DELETE","url":"Patient/66"}},
		{"resource":` + bundleOf("collection", good("2"), bad) + `},
		{"resource":{"resourceType":"Bundle","entry":[]}},
		{"resource":7},
		{"resource":` + bad + `},
		{"resource":` + good("3") + `,"request":{"method":"PUT","url":"Patient/3"}}]}`
	a := s.Call("uploader", "POST", "/fhir?confirm=true", fhirJSON, body)
	if a.Status != http.StatusOK {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	var got []string
	for _, e := range parse[bundle](t, a).Entry {
		line := e.Response.Status[:3]
		for _, is := range e.Response.Outcome.Issue {
			line += " " + is.Severity + strings.Join(is.Expression, "")
		}
		got = append(got, line)
	}
	want := []string{
		"201 informationBundle.entry[0].resource",
		"404 warningBundle.entry[1].resource",
		"405 errorBundle.entry[2].resource",
		"405 errorBundle.entry[3].resource",
		"422 informationBundle.entry[4].resource.entry[0].resource errorBundle.entry[4].resource.entry[1].resource.gender",
		"404 warning",
		"422 errorBundle.entry[6].resource",
		"422 errorBundle.entry[7].resource.gender",
		"201 informationBundle.entry[8].resource",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if page := s.Call("uploader", "GET", "/api/v1/patients", "", ""); strings.Contains(page.Body, `"66"`) {
		t.Error("an entry with DELETE was stored")
	}
}

func TestOnePatient(t *testing.T) {
	s := servertest.New(t)
	for _, c := range []struct {
		path, body, language string
		status               int
		text                 string
	}{
		{"/fhir/Patient", "\n\n" + person("1", "Jansen", "1960-02-03", "male"), "nl", 201, "Opgeslagen als nieuwe patiënt"},
		{"/fhir/Patient", person("1", "Jansen", "1960-02-03", "male"), "en", 200, "Unchanged: this was stored already"},
		{"/fhir", person("1", "Jansen", "1961-02-03", "male"), "en", 202, "In the registry this patient number belongs to another person"},
		{"/fhir/", person("2", "Pietersen", "1960-02-03", "zomaar"), "", 422, "Het geslacht bevat een ongeldige waarde"},
	} {
		a := s.Call("uploader", "POST", c.path, "application/fhir+json; charset=utf-8", c.body, "Accept-Language", c.language)
		got := parse[outcome](t, a)
		if a.Status != c.status || got.ResourceType != "OperationOutcome" || len(got.Issue) == 0 || got.Issue[0].Details.Text != c.text ||
			!strings.HasPrefix(strings.Join(got.Issue[0].Expression, ""), "Patient") {
			t.Errorf("%s: %d %s", c.path, a.Status, a.Body)
		}
	}
}

func TestNotYetDone(t *testing.T) {
	s := servertest.New(t)
	t.Run("asked not to wait", func(t *testing.T) {
		a := s.Call("uploader", "POST", "/fhir", fhirJSON, bundleOf("batch", person("1", "Jansen", "1960-02-03", "male")), "Prefer",
			"return=minimal, respond-async")
		if a.Status != http.StatusAccepted || !strings.HasPrefix(a.Header.Get("Content-Location"), "/api/v1/deliveries/") ||
			!strings.Contains(parse[outcome](t, a).Issue[0].Diagnostics, a.Header.Get("Content-Location")) {
			t.Errorf("%d %s %s", a.Status, a.Header, a.Body)
		}
	})
	t.Run("the brake", func(t *testing.T) {
		var bad []string
		for i := range 12 {
			bad = append(bad, person(fmt.Sprint("z", i), "Fout", "1960-02-03", "zomaar"))
		}
		a := s.Call("uploader", "POST", "/fhir", fhirJSON, bundleOf("batch", bad...))
		if got := parse[outcome](t, a); a.Status != http.StatusAccepted || got.Issue[0].Details.Coding[0].Code != "needs_confirmation" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	})
	t.Run("a refused file", func(t *testing.T) {
		a := s.Call("uploader", "POST", "/fhir", fhirJSON, bundleOf("batch", `{"resourceType":"Observation"}`))
		if got := parse[outcome](t, a); a.Status != http.StatusUnprocessableEntity || got.Issue[0].Severity != "error" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	})
}

// TestManyEntries: a Bundle with more entries than are answered one by one gets 202 and
// the place to look, at once and when it is done.
func TestManyEntries(t *testing.T) {
	s := servertest.New(t)
	var all []string
	for i := range fhir.MaxSpots + 1 {
		const short = `{"resourceType":"Patient","identifier":[{"value":"m%d"}],"name":[{"family":"B%d","given":["A"]}],"gender":"male","birthDate":"1960-02-03"}`
		all = append(all, fmt.Sprintf(short, i, i))
	}
	send := func() servertest.Answer {
		return s.Call("uploader", "POST", "/fhir", fhirJSON, bundleOf("batch", all...), "Idempotency-Key", "many")
	}
	first := send()
	where := first.Header.Get("Location")
	if first.Status != http.StatusAccepted || where == "" {
		t.Fatalf("%d %s", first.Status, first.Body)
	}
	for deadline := time.Now().Add(time.Minute); !strings.Contains(s.Call("uploader", "GET", where, "", "").Body, `"status":"done"`); {
		if time.Now().After(deadline) {
			t.Fatal("the delivery does not end")
		}
		<-time.After(50 * time.Millisecond)
	}
	again := send()
	got := parse[outcome](t, again)
	if again.Status != http.StatusAccepted || again.Header.Get("Location") != where || len(got.Issue) != 1 ||
		!strings.Contains(got.Issue[0].Diagnostics, where) || len(again.Body) > 2000 {
		t.Errorf("%d %d bytes %.300s", again.Status, len(again.Body), again.Body)
	}
}

func TestErrorsAreOutcomes(t *testing.T) {
	s := servertest.New(t, func(o *server.Options) { o.MaxFileBytes = 64 << 10 })
	good := bundleOf("batch", person("1", servertest.Canary, "1960-02-03", "male"))
	for name, c := range map[string]struct {
		who, method, path, kind, body string
		status                        int
		code                          string
	}{
		"no token":         {"", "POST", "/fhir", fhirJSON, good, 401, "token_missing"},
		"another role":     {"clinician", "POST", "/fhir", fhirJSON, good, 403, "forbidden"},
		"no such resource": {"uploader", "POST", "/fhir/Observation", fhirJSON, good, 404, "not_found"},
		"no such method":   {"uploader", "PUT", "/fhir/Patient", fhirJSON, good, 405, "method_not_allowed"},
		"too large":        {"uploader", "POST", "/fhir", fhirJSON, good + strings.Repeat(" ", 70<<10), 413, "file_too_large"},
		"XML":              {"uploader", "POST", "/fhir", "application/fhir+xml", good, 415, "content_type_fhir"},
		"an answer in XML": {"uploader", "POST", "/fhir?_format=xml", fhirJSON, good, 415, "fhir_format"},
		"an unknown word":  {"uploader", "POST", "/fhir?" + servertest.Canary + "=1", fhirJSON, good, 400, "unknown_parameter"},
		"broken off":       {"uploader", "POST", "/fhir", fhirJSON, good[:len(good)-2], 400, "fhir_malformed"},
		"two resources":    {"uploader", "POST", "/fhir", fhirJSON, good + good, 400, "fhir_malformed"},
		"an array":         {"uploader", "POST", "/fhir", fhirJSON, "[" + good + "]", 400, "fhir_malformed"},
		"nothing":          {"uploader", "POST", "/fhir", fhirJSON, "", 400, "fhir_malformed"},
		"another resource": {"uploader", "POST", "/fhir", fhirJSON, `{"resourceType":"` + servertest.Canary + `"}`, 400,
			"fhir_resource_type"},
		"a message": {"uploader", "POST", "/fhir", fhirJSON, strings.Replace(good, "batch", "message", 1), 400,
			"fhir_bundle_type"},
		"a Bundle as Patient": {"uploader", "POST", "/fhir/Patient", fhirJSON, good, 400, "fhir_resource_type"},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.Call(c.who, c.method, c.path, c.kind, c.body)
			got := parse[outcome](t, a)
			if a.Status != c.status || got.ResourceType != "OperationOutcome" || len(got.Issue) != 1 ||
				got.Issue[0].Details.Coding[0].Code != c.code || strings.Contains(a.Body, servertest.Canary) {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		})
	}
	if page := s.Call("uploader", "GET", "/api/v1/deliveries", "", ""); strings.Contains(page.Body, "fhir.json") {
		t.Errorf("a body that was not taken made a delivery: %s", page.Body)
	}
	if strings.Contains(s.Log.String(), servertest.Canary) {
		t.Error("the log repeats a value")
	}
}

func TestMetadata(t *testing.T) {
	s := servertest.New(t)
	got := parse[struct {
		ResourceType, FHIRVersion, Kind, Status, Date string
		Rest                                          []struct {
			Mode     string
			Resource []struct{ Type string }
		}
	}](t, s.Call("", "GET", "/fhir/metadata", "", ""))
	if got.ResourceType != "CapabilityStatement" || got.FHIRVersion != "4.0.1" || len(got.Rest) != 1 ||
		got.Rest[0].Resource[0].Type != "Patient" {
		t.Errorf("%+v", got)
	}
}
