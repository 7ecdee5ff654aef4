package server_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"sluis/internal/server"
	"sluis/internal/server/servertest"
	"sluis/web/static"
)

// everyone is every kind of visitor, nobody among them.
var everyone = []string{"", "clinician", "uploader", "centreadmin", "datamanager", "admin", "auditor"}

// given is an answer, and what it was given to.
type given struct {
	what  string
	route server.Route
	servertest.Answer
}

var allGiven []given

// everyAnswer returns the answers to every route for everyone, of objects that are there
// and of objects that are not, and to paths that do not exist. They are asked for once.
func everyAnswer(t *testing.T) []given {
	t.Helper()
	if allGiven != nil {
		return allGiven
	}
	s := servertest.New(t)
	ids := s.OwnObjects()
	for _, name := range everyone {
		v := &visitor{s: s, name: name}
		for _, route := range s.Server.Routes() {
			for what, objects := range map[string]servertest.Objects{"own": ids, "absent": noObjects} {
				if what == "absent" && !strings.Contains(route.Pattern, "{") {
					continue
				}
				allGiven = append(allGiven, given{route.Method + " " + route.Pattern + " as " + name + ", " + what, route, v.request(t, route, objects)})
			}
		}
	}
	b := s.SignedIn("uploader")
	for _, path := range []string{"/nergens", "/api/v1/nergens", "/fhir/nergens", "/patienten/%00", "/%2e%2e/%2e%2e/etc/passwd", "/patienten?x=1"} {
		allGiven = append(allGiven, given{"GET " + path, server.Route{Method: "GET"}, b.Get(path)})
	}
	t.Logf("%d answers", len(allGiven))
	return allGiven
}

// secure makes a site that browsers reach over TLS.
func secure(o *server.Options) { o.Secure = true }

// TestNoOtherOriginMayRead: no answer has a header of CORS, whatever the Origin, and a
// preflight is refused.
func TestNoOtherOriginMayRead(t *testing.T) {
	s := servertest.New(t)
	ids := s.OwnObjects()
	b := s.SignedIn("uploader")
	for _, route := range s.Server.Routes() {
		path := pathOf(s, route, ids)
		headers := []string{"Origin", "https://evil.example", "Authorization", "Bearer " + s.Tokens["uploader"]}
		asked := b.Do("GET", path, "", nil, headers...)
		preflight := b.Do("OPTIONS", path, "", nil, append(headers, "Access-Control-Request-Method", "POST",
			"Access-Control-Request-Headers", "authorization")...)
		for _, a := range []servertest.Answer{asked, preflight} {
			for name := range a.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s %s has %s", route.Method, route.Pattern, name)
				}
			}
		}
		if preflight.Status != http.StatusMethodNotAllowed {
			t.Errorf("a preflight of %s: %d", route.Pattern, preflight.Status)
		}
	}
}

// TestEveryCookieIsGuarded: over TLS each cookie that any answer sets is Secure, HttpOnly,
// SameSite and named so that a browser holds the server to it. None has a Domain.
func TestEveryCookieIsGuarded(t *testing.T) {
	s := servertest.New(t, secure)
	names := map[string]bool{}
	check := func(what string, a servertest.Answer) {
		res := http.Response{Header: a.Header}
		for _, c := range res.Cookies() {
			names[c.Name] = true
			host, named := strings.HasPrefix(c.Name, "__Host-"), strings.HasPrefix(c.Name, "__Secure-")
			if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode && c.SameSite != http.SameSiteStrictMode || c.Domain != "" {
				t.Errorf("%s sets %s", what, c)
			}
			if !host && !named || host && c.Path != "/" {
				t.Errorf("%s sets a cookie named %s with path %s", what, c.Name, c.Path)
			}
		}
	}
	b := s.Browser()
	in := b.SignIn("uploader@example.nl", servertest.Password)
	check("signing in", in)
	check("the language", b.Post("/taal", url.Values{"taal": {"en"}}))
	cookie := in.Header.Get("Set-Cookie")
	session, _, _ := strings.Cut(cookie, ";") // the jar does not send a Secure cookie over plain HTTP
	check("signing out", s.Browser().Post("/uitloggen", nil, "Cookie", session))
	check("a forged session", s.Browser().Get("/", "Cookie", "__Host-sluis=x"))
	if len(names) < 3 {
		t.Errorf("saw only %v", names)
	}
}

// TestRedirectsStayHere: no answer leads to another host, whatever it was asked.
func TestRedirectsStayHere(t *testing.T) {
	s := servertest.New(t)
	seen := 0
	local := func(what string, a servertest.Answer) {
		t.Helper()
		to := a.Location()
		if to == "" {
			return
		}
		seen++
		u, err := url.Parse(to)
		if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") ||
			strings.ContainsAny(to, "\\\r\n\t") {
			t.Errorf("%s leads to %q", what, to)
		}
	}
	for _, g := range everyAnswer(t) {
		if strings.Contains(g.route.Pattern, "/via/{id}") && strings.Contains(g.Location(), "/authorize?client_id=sluis&") {
			continue // to the provider that an administrator set, and to no other address: signon.TestSignIn
		}
		local(g.what, g.Answer)
	}
	for _, evil := range []string{
		"//evil.example", "https://evil.example", `/\evil.example`, `\\evil.example`, "/\t/evil.example", "/%2f%2fevil.example", "javascript:alert(1)",
		"/..//evil.example", "/%5cevil.example", "https:evil.example", "/\r\nLocation: https://evil.example", "http:///evil.example", "///evil.example",
		"/@evil.example", "data:text/html,x", " //evil.example", "/%0d%0aSet-Cookie:x=y", "//evil.example/%2f..",
	} {
		local("signing in with next "+evil, s.Browser().Post("/inloggen",
			url.Values{"email": {"uploader@example.nl"}, "password": {servertest.Password}, "next": {evil}}))
		local("the language with terug "+evil, s.Browser().Post("/taal", url.Values{"taal": {"nl"}, "terug": {evil}}))
		b := s.SignedIn("uploader")
		local("the sign-in page with terug "+evil, b.Get("/inloggen?terug="+url.QueryEscape(evil)))
	}
	if seen < 100 {
		t.Errorf("saw only %d redirects", seen)
	}
}

// inner are words that only the inside of the program would say.
var inner = regexp.MustCompile(`\bSELECT [a-zA-Z*]|\bINSERT INTO|(?i)goroutine |\.go:\d|panic:|runtime\.|sqlite|sqlserver|postgres|gorm|go-chi|sluis/internal|` +
	`/tmp/|/home/|\bnil pointer|stack trace|golang|Go-http|net/http`)

// TestAnswersTellNothingOfTheInside: no answer names a package, a statement, a path of the
// machine or a version.
func TestAnswersTellNothingOfTheInside(t *testing.T) {
	refused := 0
	for _, a := range everyAnswer(t) {
		what := a.what
		if strings.HasPrefix(a.route.Pattern, "/static/") {
			continue // scripts and styles of others
		}
		if a.Status >= 400 {
			refused++
		}
		if found := inner.FindString(a.Body); found != "" {
			t.Errorf("%s says %q", what, found)
		}
		for _, name := range []string{"Server", "X-Powered-By", "X-AspNet-Version", "Via"} {
			if a.Header.Get(name) != "" {
				t.Errorf("%s has the header %s: %s", what, name, a.Header.Get(name))
			}
		}
	}
	if refused < 300 {
		t.Errorf("saw only %d refusals", refused)
	}
}

// TestContentTypes: what has a body says what it is, with a charset if it is text, and is
// what it says.
func TestContentTypes(t *testing.T) {
	kinds := map[string]int{}
	for _, a := range everyAnswer(t) {
		what, kind := a.what, a.Header.Get("Content-Type")
		kinds[kind]++
		if a.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s may be sniffed", what)
		}
		if a.Body == "" || kind == "text/event-stream" { // which is always UTF-8
			continue
		}
		if kind == "" || strings.HasPrefix(kind, "text/") && !strings.Contains(kind, "charset=utf-8") {
			t.Errorf("%s is of type %q", what, kind)
		}
		isHTML := strings.HasPrefix(a.Body, "<!doctype html>") || strings.HasPrefix(a.Body, "<a href=") // net/http's redirects
		isText := strings.HasPrefix(kind, "text/") || strings.Contains(kind, "json")
		if isText && !utf8.ValidString(a.Body) || strings.HasPrefix(kind, "text/html") != isHTML {
			t.Errorf("%s is not what its type %q says", what, kind)
		}
		if strings.Contains(kind, "json") && !strings.HasPrefix(a.Body, "{") && !strings.HasPrefix(a.Body, "[") {
			t.Errorf("%s is no JSON", what)
		}
	}
	t.Log(kinds)
}

// TestHSTSEverywhere checks that over TLS every answer makes the browser come back over TLS for two
// years, refusals and files too.
func TestHSTSEverywhere(t *testing.T) {
	s := servertest.New(t, secure)
	b := s.Browser()
	check := func(what string, a servertest.Answer) {
		if got := a.Header.Get("Strict-Transport-Security"); got != "max-age=63072000; includeSubDomains" {
			t.Errorf("%s: %q", what, got)
		}
	}
	for _, route := range s.Server.Routes() {
		check(route.Method+" "+route.Pattern, request(t, s, b, "", route, noObjects))
	}
	check("no such page", b.Get("/nergens"))
	check("no such method", b.Do("DELETE", "/", "", nil))
	check("another website", b.Post("/taal", nil, "Sec-Fetch-Site", "cross-site"))
}

// TestOnlyKnownMethods: a route answers the methods of the table and HEAD of a GET, and
// 405 with these names to every other.
func TestOnlyKnownMethods(t *testing.T) {
	s := servertest.New(t)
	ids := s.OwnObjects()
	b := s.SignedIn("uploader")
	methods := map[string]map[string]bool{}
	for _, route := range s.Server.Routes() { // /patients/search is also a /patients/{id}
		methods[route.Pattern] = map[string]bool{}
		for _, other := range s.Server.Routes() {
			shape := regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(regexp.QuoteMeta(other.Pattern), "[^/]+")
			if other.Pattern == route.Pattern || regexp.MustCompile("^"+shape+"$").MatchString(route.Pattern) {
				methods[route.Pattern][other.Method] = true
			}
		}
	}
	cells := 0
	for _, route := range s.Server.Routes() {
		path := pathOf(s, route, ids)
		for _, method := range []string{"PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "PROPFIND", "get", "POST", "GET"} {
			if methods[route.Pattern][method] {
				continue
			}
			cells++
			a := b.Do(method, path, "", nil, "Authorization", "Bearer "+s.Tokens["uploader"])
			if a.Status != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: %d", method, route.Pattern, a.Status)
			}
			allowed := a.Header.Get("Allow")
			for _, known := range []string{"GET", "POST"} {
				if strings.Contains(allowed, known) != methods[route.Pattern][known] {
					t.Errorf("%s %s: Allow is %q", method, route.Pattern, allowed)
				}
			}
		}
	}
	t.Logf("%d cells", cells)
}

// TestNoDebugEndpoint: what a debugger, a monitor or a careless deployment would offer is
// not there.
func TestNoDebugEndpoint(t *testing.T) {
	s := servertest.New(t)
	admin := s.SignedIn("admin")
	for _, path := range []string{
		"/debug/pprof/", "/debug/pprof/heap", "/debug/vars", "/debug/requests", "/metrics", "/admin", "/.git/config", "/.env", "/.well-known/",
		"/server-status", "/actuator", "/api/", "/api/v1/", "/swagger", "/static/", "/static/dist/", "/static/meta.json", "/go.mod", "/sluis.db",
		"/data/sluis.db", "/robots.txt/..", "/fhir/", "/api/v2/patients",
	} {
		for _, b := range []*servertest.Browser{s.Browser(), admin} {
			if a := b.Get(path); a.Status != http.StatusNotFound && a.Status != http.StatusMethodNotAllowed {
				t.Errorf("%s: %d", path, a.Status)
			}
		}
	}
}

// TestPostedPagesForgetTheForm checks that the page that answers a form begins with the
// script that takes what was sent out of the browser's history, and that no other page has
// it.
func TestPostedPagesForgetTheForm(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("clinician")
	script := `<script src="` + static.Path(static.Posted) + `" data-address="/patienten/nieuw"></script>`
	answer := b.Post("/patienten/nieuw", url.Values{"number": {"1"}}).Body
	if at := strings.Index(answer, script); at < 0 || at > strings.Index(answer, static.Path(static.Style)) {
		t.Errorf("the answer to the form does not begin with the script: %d", at)
	}
	if strings.Contains(b.Get("/patienten/nieuw").Body, static.Path(static.Posted)) {
		t.Error("a page with an address has the script")
	}
}
