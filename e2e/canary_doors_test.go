package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
)

// refusedFiles delivers files of which no row is accepted.
func (s *sieve) refusedFiles() {
	name := s.name
	for _, c := range []struct {
		what string
		file []byte
	}{
		{"BSN column", file(header+";BSN", s.plainRow("next to BSN")+";"+name("as BSN"))},
		{"mixed kinds", file(header+";Pseudoniem NGGV", s.plainRow("mixed")+";"+name("mixed pseudonym"))},
		{"unknown columns", file("Patiëntnummer;"+name("as header")+";Geslacht", s.newNumber()+";"+name("under it")+";m")},
		{"only a header", file(header + ";" + name("lonely header"))},
		{
			"quote never closed",
			file(header, strings.Replace(s.plainRow("quoted"), name("quoted"), `"`+name("quoted"), 1), s.plainRow("swallowed"), s.plainRow("swallowed")),
		},
		{"header with an open quote", file(`"`+name("quoted header")+";"+header, s.plainRow("below"))},
		{"NUL bytes", file(header, s.plainRow("NUL")+"\x00\x00\x01", s.plainRow("NUL"))},
		{"JSON", []byte(`[{"patient":"1","achternaam":"` + name("JSON") + `"}]`)},
		{"zip", append([]byte("PK\x03\x04"), name("zip")...)},
		{"one long line", []byte(strings.Repeat(name("long line")+" ", 200_000))},
		{"one long cell", file(header, s.plainRow("long cell")+strings.Repeat(name("long cell"), 150_000))},
		{"many columns", file(header, strings.Repeat(name("many columns")+";", 100_000))},
		{"only CR", []byte(strings.ReplaceAll(string(file(header, s.plainRow("CR"), s.plainRow("CR"))), "\r\n", "\r"))},
	} {
		want := "refused"
		if c.what == "only CR" { // may be accepted or refused
			a := s.post("/api/v1/deliveries?filename=bestand.csv", "text/csv", bytes.NewReader(c.file))
			var d delivery
			if err := json.Unmarshal(a.body, &d); err != nil {
				s.t.Fatal(err)
			}
			s.ids = append(s.ids, d.ID)
			s.await(d.ID)
			continue
		}
		s.deliver(c.what, "", c.file, want)
	}
}

// oddRequests puts names where a program might log or repeat them.
func (s *sieve) oddRequests() {
	name := s.name
	in := func(place string) string { return url.PathEscape(name(place)) }
	for _, path := range []string{
		"/" + in("path"), "/patienten/" + in("patient id"), "/aanleveringen/" + in("delivery id"), "/aanleveringen/" + in("delivery id") + "/fouten",
		"/patienten?naam=" + in("query"), "/aanleveringen?centrum=" + in("centre") + "&na=" + in("cursor") + "&groep=" + in("group"),
	} {
		// A page contains its own address, in the links that change the language.
		s.web.do(outgoing{method: http.MethodGet, path: path, reshown: true})
	}
	for _, path := range []string{"/static/" + in("static"), "/api/v1/" + in("API path")} {
		s.web.do(outgoing{method: http.MethodGet, path: path})
	}
	// The page to sign in contains the address to return to.
	s.visitor().do(outgoing{method: http.MethodGet, path: "/patienten?naam=" + in("signed out query"), reshown: true})
	for _, path := range []string{
		"/api/v1/patients/" + in("API id"), "/api/v1/patients?limit=" + in("limit"), "/api/v1/patients?after=" + in("after"),
		"/api/v1/patients?" + in("parameter") + "=1", "/api/v1/deliveries?centre=" + in("API centre"),
		"/api/v1/deliveries?status=" + in("API status"), "/api/v1/deliveries?since=" + in("API since"), "/api/v1/deliveries/" + in("API delivery"),
	} {
		s.send("uploader", outgoing{method: http.MethodGet, path: path})
	}
	for _, body := range []string{
		`{"patientNumber":"` + name("API searched") + `"}`, `{"` + name("search field") + `":"1"}`, `{"patientNumber":["` + name("search list") + `"]}`,
	} {
		s.send("uploader", outgoing{
			method: http.MethodPost, path: "/api/v1/patients/search", kind: "application/json", body: strings.NewReader(body),
		})
	}
	s.send("uploader",
		outgoing{method: http.MethodGet, path: "/api/v1/patients", header: map[string]string{"Authorization": "Bearer " + name("token")}})
	s.send("uploader", outgoing{method: http.MethodGet, path: "/api/v1/patients", header: map[string]string{
		"User-Agent": name("user agent"), "Referer": "http://x.example/" + name("referer"), "X-Request-Id": name("request id"),
		"X-Forwarded-For": name(
			"forwarded",
		), "Cookie": "sluis=" + name("cookie"), "Accept-Language": name("language"), "Traceparent": name("trace"),
	}})
	s.web.do(
		outgoing{
			method: http.MethodPost,
			path:   "/uitloggen",
			header: map[string]string{"Origin": "https://" + name("origin") + ".example", "Sec-Fetch-Site": "cross-site"},
		},
	)
	s.web.do(outgoing{method: strings.ToUpper(name("method")), path: "/"})
	s.post("/api/v1/deliveries?filename=x.csv", "text/"+name("content type"), strings.NewReader(name("wrong type body")))
	s.post(
		"/api/v1/deliveries",
		"multipart/form-data; boundary=x",
		strings.NewReader("--x\r\nContent-Disposition: form-data; name=\""+name("field name")+
			"\"\r\n\r\n"+name("field")+"\r\n--x\r\nContent-Dis"+name("part header")+"\r\n\r\n"),
	)
	s.post("/api/v1/deliveries", "multipart/form-data; boundary="+name("boundary"), strings.NewReader(name("no parts")))
	s.web.do(outgoing{method: http.MethodPost, path: "/aanleveringen", kind: "multipart/form-data; boundary=x", body: strings.NewReader(
		"--x\r\nContent-Disposition: form-data; name=\"mode\"\r\n\r\n" + name("mode") + "\r\n--x\r\n" + name("page part") + "\r\n\r\n")})
	s.web.form("/patienten", url.Values{"number": {name("searched")}, "nummer": {name("searched")}}, true)
	s.web.form("/patienten/nieuw", url.Values{"surname": {name("forbidden form")}}, false) // an uploader may not
}

// entriesOnPage fills in the form of one patient.
func (s *sieve) entriesOnPage() {
	v := s.visitor().signIn(s.p.account("clinician", "2809"))
	fields := func(place, number, day, sex string) url.Values {
		n := s.name(place)
		return url.Values{
			"number": {number}, "birth-day": {day}, "birth-month": {"4"}, "birth-year": {"1966"}, "sex": {sex},
			"surname": {n}, "prefix": {s.name(place + " prefix")}, "initials": {"Q" + n}, "email": {n + "@mail.example"}, n: {n},
		}
	}
	number := s.newNumber()
	v.form("/patienten/nieuw", fields("entered", number, "1", "m"), false)
	v.form("/patienten/nieuw", fields("entered", number, "1", "m"), false)                       // unchanged
	v.form("/patienten/nieuw", fields("conflict", number, "1", "m"), false)                      // the number of another person
	v.form("/patienten/nieuw", fields("entered", s.newNumber(), "1", "m"), false)                // the person of another number
	v.form("/patienten/nieuw", fields("refused by the TTP", s.newNumber(), "1", "zomaar"), true) // shown again
	v.form("/patienten/nieuw", fields("impossible", s.newNumber(), "31", "m"), true)
	v.form("/patienten/nieuw", fields("name as day", s.newNumber(), s.name("as day"), "m"), true)
	v.form("/patienten/nieuw", fields("without number", "", "1", "m"), true)
	v.do(outgoing{
		method: http.MethodPost, path: "/patienten/nieuw", kind: "application/x-www-form-urlencoded",
		body: strings.NewReader("surname=%zz" + s.name("bad form")),
	})
	v.do(outgoing{method: http.MethodPost, path: "/patienten/nieuw", kind: "application/x-www-form-urlencoded",
		body: strings.NewReader("surname=" + strings.Repeat(s.name("too much"), 10_000))})
	v.get("/patienten")
}

// entriesByAPI sends one patient in good and bad JSON.
func (s *sieve) entriesByAPI() {
	good := func(place string) string {
		n := s.name(place)
		return `"patientNumber":"` + s.newNumber() + `","birthDate":"1966-04-01","sex":"m","surname":"` + n + `","surnamePrefix":"van","initials":"Q.` + n + `"`
	}
	for _, c := range []struct {
		status     int
		kind, body string
	}{
		{201, "application/json", "{" + good("JSON good") + "}"},
		{400, "application/json", "{" + good("JSON cut") + `,"` + s.name("JSON cut")},
		{400, "application/json", "{" + good("JSON unknown") + `,"` + s.name("JSON field") + `":"` + s.name("JSON field") + `"}`},
		{400, "application/json", "{" + good("JSON twice") + `,"surname":"` + s.name("JSON twice") + `"}`},
		{400, "application/json", "{" + good("JSON list") + `,"sex":["` + s.name("JSON list") + `"]}`},
		{400, "application/json", "{" + good("JSON bytes") + ",\"sex\":\"\xff" + s.name("JSON bytes") + `"}`},
		{400, "application/json", `"` + s.name("JSON text") + `"`},
		{415, "text/" + s.name("JSON type"), "{" + good("JSON typed") + "}"},
		{422, "application/json", strings.Replace("{"+good("JSON date")+"}", "1966-04-01", s.name("as JSON date"), 1)},
		{422, "application/json", strings.Replace("{"+good("JSON sex")+"}", `"m"`, `"`+s.name("as JSON sex")+`"`, 1)},
		{422, "application/json", strings.Replace("{"+good("JSON long")+"}", "van", strings.Repeat(s.name("JSON long"), 30), 1)},
		{413, "application/json", "{" + good("JSON huge") + `,"x":"` + strings.Repeat(s.name("JSON huge"), 10_000) + `"}`},
	} {
		a := s.send("clinician", outgoing{method: http.MethodPost, path: "/api/v1/patients", kind: c.kind, body: strings.NewReader(c.body)})
		if a.status != c.status {
			s.t.Errorf("POST /patients %s %.60s…: %d %s, want %d", c.kind, c.body, a.status, a.body, c.status)
		}
	}
}

// fhirDoor posts good and bad resources to the FHIR server.
func (s *sieve) fhirDoor() {
	person := func(place, gender string) string {
		n := s.name(place)
		return `{"resourceType":"Patient","id":"` + n + `","identifier":[{"system":"urn:` + n + `","value":"` + s.newNumber() +
			`"}],"name":[{"family":"` + n + `","given":["Q."]}],"birthDate":"1966-04-01","gender":"` + gender + `"}`
	}
	bundle := func(kind, resource string) string {
		return `{"resourceType":"Bundle","type":"` + kind + `","entry":[{"fullUrl":"urn:` + s.name("FHIR full URL") +
			`","resource":` + resource + `}]}`
	}
	for _, c := range []struct {
		status           int
		path, kind, body string
	}{
		{200, "/fhir", "application/fhir+json", bundle("batch", person("FHIR good", "male"))},
		{201, "/fhir/Patient", "application/fhir+json", person("FHIR Patient", "female")},
		{422, "/fhir/Patient", "application/fhir+json", person("FHIR rejected", s.name("as FHIR gender"))},
		{422, "/fhir", "application/fhir+json", bundle("batch", `{"resourceType":"`+s.name("as FHIR type")+`"}`)},
		{400, "/fhir", "application/fhir+json", bundle(s.name("as FHIR Bundle type"), person("FHIR odd type", "male"))},
		{400, "/fhir", "application/fhir+json", `{"resourceType":"` + s.name("as FHIR resource") + `"}`},
		{400, "/fhir", "application/fhir+json", bundle("batch", person("FHIR cut", "male"))[:200]},
		{400, "/fhir?" + url.QueryEscape(s.name("FHIR parameter")) + "=1", "application/fhir+json", "{}"},
		{404, "/fhir/" + url.PathEscape(s.name("FHIR path")), "application/fhir+json", "{}"},
		{415, "/fhir", "text/" + s.name("FHIR media type"), "{}"},
	} {
		a := s.post(c.path, c.kind, strings.NewReader(c.body))
		if a.status != c.status {
			s.t.Errorf("POST %.20s %.60s…: %d %s, want %d", c.path, c.body, a.status, a.body, c.status)
		}
	}
}

// datasetsAndPostcodes sends a file to the TTP that comes back as a dataset, and
// delivers a file with addresses, which the registry did not ask for.
func (s *sieve) datasetsAndPostcodes() {
	s.t.Helper()
	at := filepath.Join(s.t.TempDir(), "naar-de-ttp.csv")
	writeRows(s.t, at, []string{fmt.Sprintf("2809;1-2-1961;v;%s;%s;van;Q", s.newNumber(), s.name("dataset"))})
	out := command(s.t, "sandbox", "dataset", "--data", s.data, "--centre", "2809", at)
	_, rest, _ := strings.Cut(out, "Dataset ")
	id, _, _ := strings.Cut(rest, " ")
	s.logs.WriteString(out)
	datamanager := s.visitor().signIn(s.p.account("datamanager", ""))
	datamanager.get("/datasets")
	datamanager.form("/datasets/"+id+"/importeren", url.Values{"modus": {"save"}}, false)
	row := fmt.Sprintf("1-2-1961;v;%s;%s;Q;%s;%s;1-1-2020;%s;12;2020-02-30",
		s.newNumber(), s.name("with addresses"), s.name("postcode"), s.name("house number"), s.name("second postcode"))
	s.deliver(
		"addresses",
		"",
		[]byte(
			"Geboortedatum;Geslacht;Patiëntnummer;Achternaam;Voorletters;Postcode 1;Huisnummer 1;Peildatum postcode 1;Postcode 2;Huisnummer 2;Peildatum postcode 2\n"+row+"\n",
		),
		"done",
	)
}

// judging opens every conflict as a data manager and judges the first two, after
// forms with names where no name belongs.
func (s *sieve) judging() {
	s.t.Helper()
	v := s.visitor().signIn(s.p.account("datamanager", ""))
	in := func(place string) string { return url.QueryEscape(s.name(place)) }
	v.do(outgoing{method: http.MethodGet, path: "/beoordelen/" + in("review id"), reshown: true})
	v.do(outgoing{
		method:  http.MethodGet,
		path:    "/beoordelen?reden=" + in("review reason") + "&centrum=" + in("review centre") + "&aanlevering=" + in("review delivery"),
		reshown: true,
	})
	v.do(outgoing{method: http.MethodGet, path: "/beoordelen?na=" + in("review cursor"), reshown: true})
	paths := strings.Split(string(v.get("/beoordelen").body), `href="/beoordelen/`)[1:]
	if len(paths) < 2 {
		s.t.Fatalf("%d conflicts to judge: the doors before this one should leave some", len(paths))
	}
	for i, p := range paths {
		id, _, _ := strings.Cut(p, `"`)
		path := "/beoordelen/" + id
		_, rest, _ := strings.Cut(string(v.get(path).body), `name="gezien" value="`)
		seen, _, _ := strings.Cut(rest, `"`)
		if i > 1 {
			continue
		}
		v.form(path, url.Values{"gezien": {seen}, "besluit": {s.name("decision")}, "reden": {"Nagevraagd."}}, false)
		v.form(path, url.Values{"gezien": {s.name("seen")}, "besluit": {"return"}, "reden": {"Nagevraagd."}}, false)
		v.form(
			path,
			url.Values{"gezien": {seen}, "besluit": {"return"}, "reden": {strings.Repeat(s.name("why"), 60)}, s.name("review field"): {"x"}},
			true,
		)
		decision := []string{"return", "use_delivered"}[i]
		if a := v.form(path, url.Values{"gezien": {seen}, "besluit": {decision}, "reden": {"Nagevraagd."}}, false); a.status != http.StatusOK { // at the next one
			s.t.Errorf("judged %s: %d", decision, a.status)
		}
		v.get(path)
	}
	v.get("/beoordelen")
}
