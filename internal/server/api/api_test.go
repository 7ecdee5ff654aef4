package api_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/server"
	"sluis/internal/server/api"
	"sluis/internal/server/servertest"
)

// described is the API's OpenAPI document, with its schemas compiled.
type described struct {
	t        *testing.T
	doc      map[string]any
	compiler *jsonschema.Compiler
}

func describe(t *testing.T) *described {
	t.Helper()
	doc := servertest.Must(jsonschema.UnmarshalJSON(bytes.NewReader(api.Description)))(t)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	return &described{t, doc.(map[string]any), c}
}

// fits fails the test if a body does not match the schema.
func (d *described) fits(schema string, a servertest.Answer) {
	d.t.Helper()
	compiled := servertest.Must(d.compiler.Compile("openapi.json#/components/schemas/" + schema))(d.t)
	body, err := jsonschema.UnmarshalJSON(strings.NewReader(a.Body))
	if err == nil {
		err = compiled.Validate(body)
	}
	if err != nil {
		d.t.Errorf("not a %s: %v\n%s", schema, err, a.Body)
	}
}

// problem fails the test if an answer is not this problem.
func (d *described) problem(what string, a servertest.Answer, status int, code string) {
	d.t.Helper()
	var p api.Problem
	_ = json.Unmarshal([]byte(a.Body), &p)
	if a.Status != status || p.Code != code || p.Status != status || a.Header.Get("Content-Type") != "application/problem+json" {
		d.t.Errorf("%s: %d %s, want %d %s\n%s", what, a.Status, p.Code, status, code, a.Body)
		return
	}
	if p.Detail == "" || p.RequestID != a.Header.Get("X-Request-Id") {
		d.t.Errorf("%s: no words or no reference: %s", what, a.Body)
	}
	d.fits("Problem", a)
}

// value reads a field of an answer.
func value[T any](t *testing.T, a servertest.Answer) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(a.Body), &v); err != nil {
		t.Fatalf("%v\n%d %s", err, a.Status, a.Body)
	}
	return v
}

func TestTheDescriptionHasEveryRoute(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	var served, told []string
	for _, route := range s.Server.Routes() {
		if route.Door == server.API {
			served = append(served, strings.ToLower(route.Method)+" "+strings.TrimPrefix(route.Pattern, api.Prefix))
		}
	}
	for path, methods := range d.doc["paths"].(map[string]any) {
		for method, op := range methods.(map[string]any) {
			told = append(told, method+" "+path)
			responses := op.(map[string]any)["responses"].(map[string]any)
			if len(responses) < 1 || path != "/openapi.json" && (responses["401"] == nil || responses["403"] == nil) {
				t.Errorf("%s %s does not tell what it answers to strangers", method, path)
			}
		}
	}
	slices.Sort(served)
	slices.Sort(told)
	if !slices.Equal(served, told) {
		t.Errorf("served %q\ntold %q", served, told)
	}
	for name := range d.doc["components"].(map[string]any)["schemas"].(map[string]any) {
		servertest.Must(d.compiler.Compile("openapi.json#/components/schemas/" + name))(t)
	}
	if got := s.Call("", "GET", "/api/v1/openapi.json", "", ""); got.Body != string(api.Description) {
		t.Error("another description is served")
	}
}

// TestTheDescriptionHasEveryParameter compares what each route declares with what the
// document says of it: the parameters of the query, the fields and the media types.
func TestTheDescriptionHasEveryParameter(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	n := 0
	for _, route := range s.Server.Routes() {
		if route.Door != server.API {
			continue
		}
		path := strings.TrimPrefix(route.Pattern, api.Prefix)
		op := d.doc["paths"].(map[string]any)[path].(map[string]any)[strings.ToLower(route.Method)].(map[string]any)
		var once, lists, fields, media []string
		parameters, _ := op["parameters"].([]any)
		for _, p := range parameters {
			p := p.(map[string]any)
			switch name, _ := p["name"].(string); {
			case p["in"] == "path":
				if !strings.Contains(route.Pattern, "{"+name+"}") {
					t.Errorf("%s has no {%s}", route.Pattern, name)
				}
			case p["in"] == "query" && p["schema"].(map[string]any)["type"] == "array":
				lists = append(lists, name)
			case p["in"] == "query":
				once = append(once, name)
			}
		}
		body, _ := op["requestBody"].(map[string]any)
		content, _ := body["content"].(map[string]any)
		for kind, of := range content {
			media = append(media, kind)
			schema, _ := of.(map[string]any)["schema"].(map[string]any)
			if ref, _ := schema["$ref"].(string); kind == "application/json" && ref != "" {
				_, name, _ := strings.Cut(ref, "#/components/schemas/")
				schema := d.doc["components"].(map[string]any)["schemas"].(map[string]any)[name].(map[string]any)
				fields = slices.Collect(maps.Keys(schema["properties"].(map[string]any)))
			}
		}
		for what, pair := range map[string][2][]string{
			"parameters": {route.Call.Query, once}, "lists": {route.Call.Lists, lists}, "fields": {route.Call.Fields, fields},
			"media types": {route.Call.BodyTypes(), media},
		} {
			declared, told := slices.Sorted(slices.Values(pair[0])), slices.Sorted(slices.Values(pair[1]))
			if n += len(declared); !slices.Equal(declared, told) {
				t.Errorf("%s %s: %s declared %q, told %q", route.Method, route.Pattern, what, declared, told)
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d declarations were compared", n)
	}
}

// finished asks for a delivery until it is at rest; each servertest.Answer must fit.
func finished(t *testing.T, s *servertest.Site, d *described, name, id string) api.Delivery {
	t.Helper()
	for {
		got := s.Call(name, "GET", "/api/v1/deliveries/"+id, "", "")
		d.fits("Delivery", got)
		v := value[api.Delivery](t, got)
		if v.Status != "queued" && v.Status != "processing" {
			return v
		}
		if t.Context().Err() != nil || t.Failed() {
			t.FailNow()
		}
	}
}

func TestPilotThroughTheAPI(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	sent := s.Call("uploader", "POST", "/api/v1/deliveries?filename=pilot40.csv", "application/octet-stream", servertest.Pilot(t))
	d.fits("Accepted", sent)
	accepted := value[api.Accepted](t, sent)
	if sent.Status != http.StatusAccepted || sent.Header.Get("Location") != "/api/v1/deliveries/"+accepted.ID {
		t.Fatalf("%d %s", sent.Status, sent.Body)
	}
	done := finished(t, s, d, "uploader", accepted.ID)
	if c := done.Counts; done.Status != "done" || c.Read != 40 || c.Created != 36 || c.Rejected != 4 || !c.Balanced() ||
		*done.Kind != "identities" {
		t.Fatalf("%+v", done)
	}
	var reasons []string
	for _, r := range done.Reasons {
		if r.Severity == "fatal" {
			reasons = append(reasons, r.Message)
		}
	}
	if len(reasons) != 3 {
		t.Errorf("reasons: %q", reasons)
	}
	asJSON := s.Call("uploader", "GET", done.Links.Report, "", "", "Accept", "application/json")
	d.fits("Report", asJSON)
	servertest.CheckPilotJSON(t, asJSON.Body)
	servertest.CheckPilotCSV(t, s.Call("uploader", "GET", done.Links.Report, "", "", "Accept", "text/csv").Body)
	servertest.CheckPilotCSV(t, s.Call("uploader", "GET", done.Links.Report+"?format=csv", "", "", "Accept", "application/json").Body)

	kind, body := servertest.Multipart(servertest.Field("comment", "x"), servertest.File("file", "nog eens.csv", servertest.Pilot(t)))
	again := finished(t, s, d, "uploader", value[api.Accepted](t, s.Call("uploader", "POST", "/api/v1/deliveries", kind, body.String())).ID)
	if again.Counts.Unchanged != 36 || again.SameAs != accepted.ID || again.Filename != "nog eens.csv" {
		t.Errorf("%+v", again)
	}
	list := s.Call("uploader", "GET", "/api/v1/deliveries?limit=1", "", "")
	d.fits("Deliveries", list)
	first := value[api.Deliveries](t, list)
	if len(first.Deliveries) != 1 || first.Deliveries[0].ID != again.ID || first.Next == nil {
		t.Fatalf("%s", list.Body)
	}
	second := value[api.Deliveries](t, s.Call("uploader", "GET", "/api/v1/deliveries?limit=1&after="+*first.Next, "", ""))
	if len(second.Deliveries) != 1 || second.Deliveries[0].ID != accepted.ID || second.Next != nil {
		t.Errorf("%+v", second)
	}
	checkPatientPages(t, s, d)
	if foreign := s.Call("other", "GET", "/api/v1/deliveries/"+accepted.ID, "", ""); foreign.Status != http.StatusNotFound {
		t.Errorf("another centre: %d", foreign.Status)
	}
}

func checkPatientPages(t *testing.T, s *servertest.Site, d *described) {
	t.Helper()
	seen, after := map[string]bool{}, ""
	for range 10 {
		got := s.Call("uploader", "GET", "/api/v1/patients?limit=10&after="+after, "", "")
		d.fits("Patients", got)
		page := value[api.Patients](t, got)
		for _, p := range page.Patients {
			if seen[p.ID] || p.BirthDate == nil || p.Centre != "" {
				t.Errorf("%+v", p)
			}
			seen[p.ID] = true
		}
		if page.Next == nil {
			break
		}
		after = *page.Next
	}
	if len(seen) != 36 {
		t.Errorf("%d patients", len(seen))
	}
	for id := range seen {
		d.fits("Patient", s.Call("clinician", "GET", "/api/v1/patients/"+id, "", ""))
		if all := s.Call("datamanager", "GET", "/api/v1/patients/"+id, "", ""); !strings.Contains(all.Body, `"centre":"2809"`) {
			t.Errorf("the data manager is not told the centre: %s", all.Body)
		}
		break
	}
}

func TestCheckConfirmAndCancelThroughTheAPI(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	check := func() api.Delivery {
		sent := s.Call("uploader", "POST", "/api/v1/deliveries?check=true&filename=pilot40.csv", "text/csv; charset=utf-8",
			servertest.Pilot(t))
		v := finished(t, s, d, "uploader", value[api.Accepted](t, sent).ID)
		if v.Status != "checked" || v.Planned == nil || v.Planned.Created != 36 || v.Links.Confirm == "" || v.Links.Cancel == "" {
			t.Fatalf("%+v", v)
		}
		return v
	}
	first := check()
	got := s.Call("uploader", "POST", first.Links.Cancel, "", "")
	d.fits("Accepted", got)
	if got.Status != http.StatusAccepted || finished(t, s, d, "uploader", first.ID).Status != "cancelled" {
		t.Errorf("cancel: %d %s", got.Status, got.Body)
	}
	d.problem("cancel twice", s.Call("uploader", "POST", first.Links.Cancel, "", ""), 409, "delivery_not_cancellable")
	d.problem("confirm a cancelled one", s.Call("uploader", "POST", first.Links.Confirm, "", ""), 409, "delivery_not_waiting")

	second := check()
	if got := s.Call("uploader", "POST", second.Links.Confirm, "", ""); got.Status != http.StatusAccepted {
		t.Fatalf("confirm: %d %s", got.Status, got.Body)
	}
	if v := finished(t, s, d, "uploader", second.ID); v.Status != "done" || v.Counts.Created != 36 || v.Links.Confirm != "" {
		t.Errorf("%+v", v)
	}
}

func TestARefusedFileIsADelivery(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	for _, c := range []struct{ name, content string }{
		{"other", servertest.Pilot(t)}, {"uploader", "BSN;Patiëntnummer\n1;2\n"}, {"uploader", "\x89PNG\r\n\x1a\n\x00\x00"},
	} {
		sent := s.Call(c.name, "POST", "/api/v1/deliveries?filename=x.csv", "text/csv", c.content)
		if sent.Status != http.StatusAccepted {
			t.Fatalf("%d %s", sent.Status, sent.Body)
		}
		v := finished(t, s, d, c.name, value[api.Accepted](t, sent).ID)
		if v.Status != "refused" || len(v.Reasons) == 0 || v.Reasons[0].Message == "" || v.Reasons[0].Message == v.Reasons[0].Code {
			t.Errorf("%+v", v)
		}
	}
}

func TestAPIProblems(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	const csv = "text/csv"
	kind, noFile := servertest.Multipart(servertest.Field("mode", "save"))
	for _, c := range []struct {
		what, name, method, path, kind, body string
		status                               int
		code                                 string
	}{
		{"no token", "", "GET", "/deliveries", "", "", 401, "token_missing"},
		{"no right", "clinician", "POST", "/deliveries?filename=a.csv", csv, "a", 403, "forbidden"},
		{"no such path", "uploader", "GET", "/nothing", "", "", 404, "not_found"},
		{"no such delivery", "uploader", "GET", "/deliveries/x", "", "", 404, "not_found"},
		{"no such method", "uploader", "DELETE", "/deliveries", "", "", 405, "method_not_allowed"},
		{"limit 0", "uploader", "GET", "/deliveries?limit=0", "", "", 400, "invalid_parameter"},
		{"misspelt check", "uploader", "POST", "/deliveries?chek=true&filename=a.csv", csv, "a", 400, "unknown_parameter"},
		{"patients by number", "uploader", "GET", "/patients?number=" + servertest.Canary, "", "", 400, "unknown_parameter"},
		{"parameter of another route", "uploader", "GET", "/deliveries?check=true", "", "", 400, "unknown_parameter"},
		{"parameter of a route without", "uploader", "POST", "/deliveries/x/confirm?check=true", "", "", 400, "unknown_parameter"},
		{"limit text", "uploader", "GET", "/patients?limit=ten", "", "", 400, "invalid_parameter"},
		{"limit twice", "uploader", "GET", "/patients?limit=1&limit=2", "", "", 400, "invalid_parameter"},
		{"check perhaps", "uploader", "POST", "/deliveries?check=perhaps&filename=a.csv", csv, "a", 400, "invalid_parameter"},
		{"no filename", "uploader", "POST", "/deliveries", csv, "a", 400, "filename_missing"},
		{"empty", "uploader", "POST", "/deliveries?filename=a.csv", csv, "", 400, "file_empty"},
		{"too large", "uploader", "POST", "/deliveries?filename=a.csv", csv, strings.Repeat("a", 1<<20+1), 413, "file_too_large"},
		{"image", "uploader", "POST", "/deliveries?filename=a.png", "image/png", "a", 415, "content_type"},
		{"XML", "uploader", "POST", "/deliveries?filename=a.xml", "application/fhir+xml", "<Bundle/>", 415, "content_type"},
		{"no file part", "uploader", "POST", "/deliveries", kind, noFile.String(), 400, "file_missing"},
		{"half a multipart", "uploader", "POST", "/deliveries", kind, noFile.String()[:20], 400, "multipart_malformed"},
		{"report as image", "uploader", "GET", "/deliveries/x/report?format=png", "", "", 400, "invalid_parameter"},
		{"patient as text", "clinician", "POST", "/patients", csv, "a", 415, "content_type_json"},
		{"patient not JSON", "clinician", "POST", "/patients", "application/json", "{", 400, "json_malformed"},
		{"patient a list", "clinician", "POST", "/patients", "application/json", "[]", 400, "json_malformed"},
		{"patient and more", "clinician", "POST", "/patients", "application/json", "{} {}", 400, "json_malformed"},
		{"patient unknown field", "clinician", "POST", "/patients", "application/json",
			`{"patientNumber":"1","bsn":"` + servertest.Canary + `"}`, 400, "unknown_parameter"},
		{"patient other case", "clinician", "POST", "/patients", "application/json", `{"PatientNumber":"1"}`, 400, "unknown_parameter"},
		{"patient field twice", "clinician", "POST", "/patients", "application/json", `{"patientNumber":"1","patientNumber":"2"}`, 400,
			"json_duplicate_field"},
		{"patient number", "clinician", "POST", "/patients", "application/json", `{"patientNumber":1}`, 400, "json_not_text"},
		{"patient object", "clinician", "POST", "/patients", "application/json", `{"surname":{"x":"` + servertest.Canary + `"}}`, 400,
			"json_not_text"},
		{"patient not UTF-8", "clinician", "POST", "/patients", "application/json", "{\"surname\":\"\xff\"}", 400, "json_malformed"},
		{"patient too large", "clinician", "POST", "/patients", "application/json", strings.Repeat(" ", 70_000), 413, "body_too_large"},
	} {
		got := s.Call(c.name, c.method, "/api/v1"+c.path, c.kind, c.body)
		d.problem(c.what, got, c.status, c.code)
		if strings.Contains(got.Body, servertest.Canary) {
			t.Errorf("%s repeats what was sent: %s", c.what, got.Body)
		}
	}
	if strings.Contains(s.Log.String(), servertest.Canary) {
		t.Error("what was sent is in the log")
	}
}

func TestBadTokens(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	token, _ := account.NewToken()
	for _, header := range []string{"Bearer " + token, "Bearer " + s.Tokens["uploader"] + "x", "Bearer " + s.Tokens["uploader"][:20]} {
		d.problem(header[:12], s.Browser().Get("/api/v1/deliveries", "Authorization", header), 401, "token_invalid")
	}
	for _, header := range []string{"Basic dTpw", "Bearer ", s.Tokens["uploader"]} {
		d.problem("no bearer", s.Browser().Get("/api/v1/deliveries", "Authorization", header), 401, "token_missing")
	}
	if ev := s.Events()[0]; ev.Type != audit.AccessDenied || ev.Code != "token_invalid" || ev.Via != "api" ||
		strings.Contains(s.Log.String(), token) {
		t.Errorf("%+v", ev)
	}
	if a := s.SignedIn("uploader").Get("/api/v1/deliveries"); a.Status != http.StatusUnauthorized {
		t.Errorf("a session opens the API: %d", a.Status)
	}
	if a := s.Browser().Get("/patienten", "Authorization", "Bearer "+s.Tokens["uploader"]); a.Status != http.StatusSeeOther {
		t.Errorf("a token opens a page: %d", a.Status)
	}
	// A flood is answered, but no longer logged one by one; a good token still works.
	var last servertest.Answer
	for range 40 {
		last = s.Browser().Get("/api/v1/deliveries", "Authorization", "Bearer x")
	}
	d.problem("flood", last, 429, "too_many_attempts")
	if n := len(s.Events()); last.Header.Get("Retry-After") == "" || n > 100 {
		t.Errorf("%d events, Retry-After %q", n, last.Header.Get("Retry-After"))
	}
	if a := s.Call("uploader", "GET", "/api/v1/deliveries", "", ""); a.Status != http.StatusOK {
		t.Errorf("a good token waits for others' bad ones: %d", a.Status)
	}
}

func TestEnterOnePatientThroughTheAPI(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	enter := func(body string) servertest.Answer {
		return s.Call("clinician", "POST", "/api/v1/patients", "application/json", body)
	}
	const good = `{"patientNumber":"0012","birthDate":"1961-01-31","sex":"v","surname":"` + servertest.Canary +
		`","surnamePrefix":"van","initials":"Q"}`
	for _, want := range []struct {
		status  int
		outcome string
	}{{201, "created"}, {200, "unchanged"}} {
		got := enter(good)
		d.fits("Entered", got)
		v := value[api.Entered](t, got)
		if got.Status != want.status || string(v.Outcome) != want.outcome || v.ID == "" {
			t.Errorf("%d %s", got.Status, got.Body)
		}
	}
	review := enter(strings.Replace(good, servertest.Canary, "Anderskamp", 1))
	d.fits("Entered", review)
	if v := value[api.Entered](t, review); review.Status != 200 || v.Outcome != "review" || v.ID != "" || v.Reason != "CONFLICT_NUMBER" {
		t.Errorf("%d %s", review.Status, review.Body)
	}
	for body, code := range map[string]string{
		strings.Replace(good, "1961", "2899", 1):       "2102",
		strings.Replace(good, "1961-01-31", "", 1):     "2101",
		strings.Replace(good, "01-31", "02-31", 1):     "birth_impossible",
		strings.Replace(good, "1961-01-31", "31-1", 1): "birth_format",
		strings.Replace(good, "0012", " ", 1):          "number_missing",
	} {
		got := enter(body)
		d.problem(code, got, 422, "patient_rejected")
		if p := value[api.Problem](t, got); len(p.Findings) != 1 || p.Findings[0].Code != code || p.Findings[0].Message == code {
			t.Errorf("%s: %s", code, got.Body)
		}
		if strings.Contains(got.Body, servertest.Canary) {
			t.Error("the surname came back")
		}
	}
	s.TTP.Break(func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	})
	d.problem("TTP down", enter(good), 503, "ttp_unavailable")
	if strings.Contains(s.Log.String(), servertest.Canary) {
		t.Error("the surname is in the log")
	}
}

// TestNearestParameter: a misspelt parameter or field is answered with the known one that
// it is most like, and one that is like none with nothing.
func TestNearestParameter(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	for path, want := range map[string]string{
		"/deliveries?limt=5": "limit", "/deliveries?Centre=1": "centre", "/deliveries?afte=x": "after", "/deliveries?colour=red": "",
	} {
		a := s.Call("uploader", "GET", "/api/v1"+path, "", "")
		d.problem(path, a, 400, "unknown_parameter")
		got := value[api.Problem](t, a)
		if got.Nearest != want || !slices.Contains(got.Allowed, "limit") {
			t.Errorf("%s: nearest %q, want %q, of %q", path, got.Nearest, want, got.Allowed)
		}
	}
	for field, want := range map[string]string{
		"patientNumbr": "patientNumber", "PatientNumber": "patientNumber", "patient_number": "patientNumber", "birthdate": "birthDate",
		"sexe": "sex", "surName": "surname",
		"number": "patientNumber", "date": "birthDate", "pre": "", "bsn": "", servertest.Canary: "",
	} {
		a := s.Call("clinician", "POST", "/api/v1/patients", "application/json", `{"`+field+`":"`+servertest.Canary+`"}`)
		d.problem(field, a, 400, "unknown_parameter")
		got := value[api.Problem](t, a)
		if got.Nearest != want || len(got.Allowed) != 6 {
			t.Errorf("%s: nearest %q, want %q, of %q", field, got.Nearest, want, got.Allowed)
		}
		if strings.Contains(a.Body+s.Log.String(), servertest.Canary) {
			t.Errorf("%s: what was sent is repeated", field)
		}
	}
}

// TestAWrongMediaTypeIsToldTheRight: the text of a 415 lists what the route accepts, and so
// do allowed and the header Accept. A report in a type that it does not come in lists those.
func TestAWrongMediaTypeIsToldTheRight(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	for _, c := range []struct {
		name, path, code string
		accepts          []string
	}{
		{"uploader", "/deliveries?filename=a.png", "content_type", api.FileTypes},
		{"clinician", "/patients", "content_type_json", []string{"application/json"}},
	} {
		for _, sent := range []string{"image/png", servertest.Canary, ";", "application/json/" + servertest.Canary} {
			a := s.Call(c.name, "POST", "/api/v1"+c.path, sent, "x")
			d.problem(c.path+" as "+sent, a, 415, c.code)
			got := value[api.Problem](t, a)
			list := strings.Join(c.accepts, ", ")
			if !strings.Contains(got.Detail, list) || !slices.Equal(got.Allowed, c.accepts) || a.Header.Get("Accept") != list {
				t.Errorf("%s: %q is not told\n%s", c.path, list, a.Body)
			}
			if strings.Contains(a.Body+s.Log.String(), servertest.Canary) {
				t.Errorf("%s: what was sent is repeated", c.path)
			}
		}
	}
	a := s.Call("uploader", "GET", "/api/v1/deliveries/x/report", "", "", "Accept", "image/png")
	d.problem("report as image", a, 415, "not_acceptable")
	if got := value[api.Problem](t, a); !strings.Contains(got.Detail, "text/csv, application/vnd.openxml") || a.Header.Get("Accept") != "" {
		t.Errorf("%v\n%s", a.Header, a.Body)
	}
}

// TestAWrongValueIsToldTheRight: the text says what a parameter may be.
func TestAWrongValueIsToldTheRight(t *testing.T) {
	s := servertest.New(t)
	for path, want := range map[string]string{
		"GET /deliveries?limit=0": "van 1 tot en met 500", "GET /patients?limit=1&limit=2": "limit kan één keer",
		"POST /deliveries?check=yes&filename=a.csv": "check kan één keer voorkomen, en is dan een van: true, false.",
		"GET /deliveries/x/report?format=pdf":       "format kan één keer voorkomen, en is dan een van: json, csv, xlsx.",
		"GET /deliveries?after=a&after=b":           "of komt vaker voor dan mag",
	} {
		method, path, _ := strings.Cut(path, " ")
		a := s.Call("uploader", method, "/api/v1"+path, "text/csv", "a")
		if got := value[api.Problem](t, a); got.Code != "invalid_parameter" || !strings.Contains(got.Detail, want) || got.Parameter == "" {
			t.Errorf("%s: %s", path, a.Body)
		}
	}
}
