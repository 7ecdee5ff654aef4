package server_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"sluis/internal/server"
	"sluis/internal/server/servertest"
)

// takesAny lists the pages that pass over parameters that they do not know, and why.
var takesAny = map[string]string{
	"/healthz":                 "a monitor may add a parameter of its own; there is no list",
	"/readyz":                  "the same",
	"/static/*":                "a cache may add a parameter of its own; the name of the file has its hash",
	"/inloggen/via/{id}/terug": "a provider may add parameters of its own, such as session_state; there is no list",
}

// anyoneWho is an account that may use a route; "" if nobody needs to sign in.
func anyoneWho(t *testing.T, route server.Route) string {
	t.Helper()
	who := routeTable[route.Method+" "+route.Pattern].who
	for _, name := range []string{"uploader", "clinician", "centreadmin", "datamanager", "admin", "auditor"} {
		if who == "*" || strings.Contains(who, roleLetters[name]) {
			return name
		}
	}
	if who != "-" {
		t.Fatalf("nobody may use %s %s", route.Method, route.Pattern)
	}
	return ""
}

// TestEveryPageRefusesUnknownParameters calls each page of the table with a parameter
// that no page has, and with a query that cannot be parsed.
func TestEveryPageRefusesUnknownParameters(t *testing.T) {
	s := servertest.New(t)
	ids := s.OwnObjects()
	browsers := map[string]*servertest.Browser{}
	for _, route := range s.Server.Routes() {
		if route.Door != server.Page && route.Door != server.Quiet {
			continue
		}
		name := anyoneWho(t, route)
		if browsers[name] == nil {
			browsers[name] = s.SignedIn(name)
		}
		path := pathOf(s, route, ids)
		for query, want := range map[string][]string{
			"unheard=" + servertest.Canary:                {"Deze pagina kent een van de filters niet", "“unheard”"},
			url.QueryEscape(servertest.Canary+" x") + "=": {"Deze pagina kent een van de filters niet", "een onderdeel"},
			servertest.Canary + "=1;x":                    {"Het adres is niet te lezen"},
			"soort=%zz" + servertest.Canary:               {"Het adres is niet te lezen"},
		} {
			what, got := route.Method+" "+route.Pattern+"?"+query, ask(browsers[name], route, path+"?"+query)
			if takesAny[route.Pattern] != "" {
				if want := routeTable[route.Method+" "+route.Pattern].status; got.Status != want {
					t.Errorf("%s takes any parameter, but answers %d, want %d", what, got.Status, want)
				}
				continue
			}
			if got.Status != http.StatusBadRequest {
				t.Errorf("%s: %d", what, got.Status)
				continue
			}
			servertest.Contains(t, what, got.Body, append(want, "Deze pagina kent")...)
			escaped := (&url.URL{Path: path}).EscapedPath()
			if link := `href="` + escaped + `">Deze pagina zonder filters`; route.Method == http.MethodGet && !strings.Contains(got.Body, link) {
				t.Errorf("%s has no link to the page without filters", what)
			}
			if strings.Contains(got.Body, servertest.Canary) {
				t.Errorf("%s repeats what was sent:\n%s", what, got.Body)
			}
		}
	}
	if strings.Contains(s.Log.String(), servertest.Canary) {
		t.Error("what was sent is in the log")
	}
}

// TestUnreadableFilters: a filter with a value that the page does not know shows
// nothing, and above all not everything.
func TestUnreadableFilters(t *testing.T) {
	s := servertest.New(t)
	ids := s.OwnObjects()
	deliver, conflict := "/aanleveringen/"+ids.Delivery, "/beoordelen/"+ids.Conflict
	const bad = servertest.Canary
	browsers := map[string]*servertest.Browser{}
	for _, name := range []string{"", "uploader", "clinician", "centreadmin", "datamanager", "admin", "auditor"} {
		browsers[name] = s.SignedIn(name)
	}
	for _, c := range []struct{ who, path, query string }{
		{"auditor", "/logboek", "soort=" + bad}, {"auditor", "/logboek", "centrum=" + bad}, {"auditor", "/logboek", "voor=" + bad},
		{"auditor", "/logboek", "voor=-1"}, {"auditor", "/logboek", "van=1-1-2025&van=2-1-2025"}, {"auditor", "/logboek", "gebruiker=%ff"},
		{"uploader", "/patienten", "vanaf=" + bad}, {"uploader", "/patienten", "vanaf=0"}, {"uploader", "/patienten", "na=" + bad},
		{"uploader", "/aanleveringen", "groep=" + bad}, {"uploader", "/aanleveringen", "na=" + bad},
		{"uploader", "/aanleveringen", "centrum=2810"}, {"datamanager", "/aanleveringen", "centrum=" + bad},
		{"uploader", deliver + "/fouten", "weergave=" + bad}, {"uploader", deliver + "/fouten", "ernst=" + bad},
		{"uploader", deliver + "/fouten", "kolom=" + bad}, {"uploader", deliver + "/fouten", "code=" + bad},
		{"uploader", deliver + "/fouten", "bron=" + bad}, {"uploader", deliver + "/fouten", "sorteer=" + bad},
		{"uploader", deliver + "/fouten", "richting=" + bad}, {"uploader", deliver + "/fouten", "vanaf=" + bad},
		{"uploader", deliver + "/fouten", "vanaf=100000001"},
		{"uploader", deliver + "/kolommen", "kop=" + bad}, {"uploader", deliver + "/kolommen", "blad=-1"},
		{"clinician", "/patienten/" + ids.Patient + "/klaar", "uitkomst=" + bad},
		{"datamanager", "/beoordelen", "reden=" + bad}, {"datamanager", "/beoordelen", "centrum=" + bad},
		{"datamanager", "/beoordelen", "aanlevering=" + bad}, {"datamanager", "/beoordelen", "na=" + bad},
		{"datamanager", conflict, "reden=" + bad}, {"datamanager", conflict, "centrum=" + bad}, {"datamanager", conflict, "aanlevering=" + bad},
		{"admin", "/migratie/rijen", "van=" + bad}, {"admin", "/migratie/rijen", "soort=" + bad}, {"admin", "/migratie/rijen", "centrum=" + bad},
		{"", "/inloggen", "verlopen=" + bad}, {"", "/inloggen", "klaar=" + bad},
		{"admin", "/gebruikers", "rol=" + bad}, {"admin", "/gebruikers", "staat=" + bad}, {"admin", "/gebruikers", "centrum=" + bad},
	} {
		what, before := c.path+"?"+c.query, s.Events()[0].ID
		got := browsers[c.who].Get(what)
		name, _, _ := strings.Cut(c.query, "=")
		if got.Status != http.StatusBadRequest {
			t.Errorf("%s: %d", what, got.Status)
			continue
		}
		servertest.Contains(t, what, got.Body, "Een van de filters is niet te lezen", "“"+name+"”", `href="`+c.path+`">`)
		if strings.Contains(got.Body, bad) {
			t.Errorf("%s repeats what was sent", what)
		}
		for _, ev := range s.Events() {
			if ev.ID > before && ev.RequestID == got.Header.Get("X-Request-Id") {
				t.Errorf("%s showed nothing, but the access log has %s", what, ev.Type)
			}
		}
	}
	if english := browsers["auditor"].Get("/logboek?format=csv", "Cookie", "taal=en"); english.Status == http.StatusBadRequest {
		servertest.Contains(t, "in English", english.Body, "“format”, which this page does not know",
			"This page knows: groep, soort, gebruiker, centrum, resultaat, van, tot, voor.")
	} else {
		t.Errorf("in English: %d", english.Status)
	}
}

// TestOwnLinksAndFiltersAreKnown follows the links and sends the filters of every page
// that an account reaches: no page may ask for what another page refuses.
func TestOwnLinksAndFiltersAreKnown(t *testing.T) {
	s := servertest.New(t)
	s.OwnObjects()
	for _, name := range []string{"", "uploader", "clinician", "centreadmin", "datamanager", "admin", "auditor"} {
		b, todo, met, queries := s.SignedIn(name), []string{"/", "/inloggen"}, map[string]bool{}, 0
		for len(todo) > 0 && len(met) < 80 {
			path := todo[0]
			todo = todo[1:]
			if met[path] || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "/static/") {
				continue
			}
			met[path] = true
			if strings.Contains(path, "?") {
				queries++
			}
			got := b.Get(path)
			if got.Status == http.StatusBadRequest {
				t.Errorf("%s as %q: %d\n%s", path, name, got.Status, got.Body)
			}
			if strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
				todo = append(todo, leadsTo(t, got.Body)...)
			}
		}
		t.Logf("%q: %d addresses, %d with a query", name, len(met), queries)
		if name != "" && name != "clinician" && queries < 5 {
			t.Errorf("as %q only %d addresses with a query were met", name, queries)
		}
	}
}

// leadsTo returns the addresses of the links of a page, and those of its forms that
// filter: as they are, and with each choice of each list.
func leadsTo(t *testing.T, body string) []string {
	t.Helper()
	page := servertest.Must(goquery.NewDocumentFromReader(strings.NewReader(body)))(t)
	var out []string
	page.Find("a[href]").Each(func(_ int, a *goquery.Selection) { out = append(out, a.AttrOr("href", "")) })
	page.Find(`form[method="get"]`).Each(func(_ int, form *goquery.Selection) {
		fields := url.Values{}
		form.Find("input[name], select[name]").Each(func(_ int, field *goquery.Selection) {
			value := field.AttrOr("value", "")
			if field.Is("select") {
				value = field.Find("option[selected]").AttrOr("value", "")
			}
			fields.Add(field.AttrOr("name", ""), value)
		})
		action := form.AttrOr("action", "")
		out = append(out, action+"?"+fields.Encode())
		form.Find("select[name] option").Each(func(_ int, option *goquery.Selection) {
			chosen := url.Values{}
			for name, values := range fields {
				chosen[name] = slices.Clone(values)
			}
			chosen.Set(option.Closest("select").AttrOr("name", ""), option.AttrOr("value", ""))
			out = append(out, action+"?"+chosen.Encode())
		})
	})
	return out
}
