package server_test

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/server"
	"sluis/internal/server/servertest"
)

// routeTable says, for every route, who may use it and what they then get on an
// object of their own. It is written by hand, against product.md's table; c is
// the clinician, u the uploader, p the staff of a processor, l the local administrator, d
// the data manager, a the admin, t the auditor (toezicht), * everyone who signed in, - nobody needs to.
var routeTable = map[string]struct {
	who    string
	status int
}{
	"GET /healthz":  {"-", 200},
	"GET /readyz":   {"-", 200},
	"GET /static/*": {"-", 200},
	"GET /inloggen": {"-", 200}, "POST /inloggen": {"-", 422}, "POST /taal": {"-", 303},
	"GET /inloggen/via/{id}": {"-", 303}, "GET /inloggen/via/{id}/terug": {"-", 400}, "POST /inloggen/via/{id}/afmelden": {"-", 400},
	"POST /inloggen/via":            {"-", 422},
	"POST /inloggen/passkey/opties": {"-", 404}, "POST /inloggen/passkey": {"-", 404},
	"GET /inloggen/factor": {"*", 303}, "POST /inloggen/factor": {"*", 303}, "POST /inloggen/factor/opties": {"*", 303},
	"GET /inloggen/instellen": {"*", 303}, "POST /inloggen/instellen/opties": {"*", 303}, "POST /inloggen/instellen/passkey": {"*", 303},
	"GET /inloggen/instellen/app": {"*", 303}, "POST /inloggen/instellen/app": {"*", 303}, "POST /inloggen/stoppen": {"*", 303},
	"GET /bevestigen": {"*", 200}, "POST /bevestigen": {"*", 422}, "POST /bevestigen/opties": {"*", 404},
	"GET /account/passkeys/nieuw": {"*", 200}, "POST /account/passkeys/opties": {"*", 404}, "POST /account/passkeys": {"*", 404},
	"POST /account/passkeys/{id}/naam": {"*", 404}, "POST /account/passkeys/{id}/verwijderen": {"*", 404},
	"GET /account/app": {"*", 200}, "POST /account/app": {"*", 422}, "POST /account/app/verwijderen": {"*", 404},
	"POST /account/herstelcodes": {"*", 303}, "POST /gebruikers/{id}/factoren": {"al", 422},
	"POST /uitloggen": {"*", 303}, "GET /": {"*", 200},
	"GET /patienten": {"cud", 200}, "POST /patienten": {"cud", 303},
	"GET /patienten/nieuw": {"c", 200}, "POST /patienten/nieuw": {"c", 422},
	"GET /patienten/{id}": {"cud", 200}, "GET /patienten/{id}/klaar": {"c", 200},
	"GET /aanleveringen": {"cupd", 200}, "GET /aanleveringen/nieuw": {"up", 200}, "POST /aanleveringen": {"up", 415},
	"GET /aanleveringen/{id}": {"cupd", 200}, "GET /aanleveringen/{id}/voortgang": {"cupd", 200},
	"POST /aanleveringen/{id}/opslaan": {"up", 303}, "POST /aanleveringen/{id}/annuleren": {"up", 303},
	"POST /aanleveringen/{id}/nu-proberen": {"upd", 303},
	"GET /aanleveringen/{id}/fouten":       {"cupd", 200}, "GET /aanleveringen/{id}/fouten.csv": {"cupd", 200},
	"GET /aanleveringen/{id}/fouten.json": {"cupd", 200},
	"GET /aanleveringen/{id}/fouten.xlsx": {"cupd", 200},
	"GET /aanleveringen/voorbeeld/{name}": {"up", 404}, "GET /aanleveringen/{id}/kolommen": {"up", 303},
	"POST /aanleveringen/{id}/kolommen": {"up", 303}, "POST /aanleveringen/kolommen/vergeten": {"u", 303},
	"GET /datasets": {"d", 200}, "POST /datasets/{id}/importeren": {"d", 400},
	"GET /beoordelen": {"d", 200}, "GET /beoordelen/{id}": {"d", 200}, "POST /beoordelen/{id}": {"d", 422},
	"GET /migratie": {"da", 200}, "GET /migratie/rijen": {"da", 200}, "POST /migratie/{id}/pauzeren": {"da", 303},
	"POST /migratie/{id}/hervatten": {"da", 303},
	"POST /migratie/{id}/doorgaan":  {"da", 303}, "POST /migratie/{id}/goedkeuren": {"da", 303},
	"GET /migratie/bewijzen": {"at", 200}, "GET /migratie/bewijzen/{id}": {"at", 200}, "GET /migratie/bewijzen/{id}/bewijs.json": {"t", 200},
	"GET /onderhoud": {"da", 200}, "POST /onderhoud": {"da", 422}, "POST /onderhoud/{id}/intrekken": {"da", 404},
	"GET /gebruikers": {"al", 200}, "GET /gebruikers/nieuw": {"al", 200}, "POST /gebruikers/nieuw": {"al", 422},
	"GET /gebruikers/{id}": {"al", 200}, "POST /gebruikers/{id}/rollen": {"al", 422}, "POST /gebruikers/{id}/blokkeren": {"al", 422},
	"POST /gebruikers/{id}/deblokkeren": {"al", 422}, "POST /gebruikers/{id}/link": {"al", 422},
	"GET /gebruikers/controle": {"a", 200}, "POST /gebruikers/controle": {"a", 422}, "GET /gebruikers/controle.csv": {"a", 200},
	"GET /centra": {"a", 200}, "GET /centra/nieuw": {"a", 200}, "POST /centra/nieuw": {"a", 422}, "GET /centra/{id}": {"a", 200},
	"POST /centra/{id}": {"a", 422}, "GET /tokens": {"al", 200}, "GET /tokens/nieuw": {"al", 200}, "POST /tokens/nieuw": {"al", 422},
	"GET /tokens/{id}": {"al", 200}, "POST /tokens/{id}/intrekken": {"al", 422},
	"GET /verwerkers": {"al", 200}, "GET /verwerkers/nieuw": {"a", 200}, "POST /verwerkers/nieuw": {"a", 422},
	"GET /mandaten/nieuw": {"al", 200}, "POST /mandaten/nieuw": {"al", 422}, "GET /mandaten/{id}": {"al", 200},
	"POST /mandaten/{id}/intrekken": {"al", 422},
	"GET /uitnodiging/{token}":      {"-", 200}, "POST /uitnodiging/{token}": {"-", 422},
	"GET /account/sessie": {"*", 200}, "POST /account/sessie": {"*", 200},
	"GET /uitnodiging/{token}/via/{id}": {"-", 303}, "POST /gebruikers/{id}/ontkoppelen": {"al", 422},
	"GET /inlogdiensten": {"a", 200}, "GET /inlogdiensten/nieuw": {"a", 200}, "POST /inlogdiensten/nieuw": {"a", 422},
	"GET /inlogdiensten/{id}": {"a", 200}, "POST /inlogdiensten/{id}": {"a", 422}, "POST /inlogdiensten/{id}/controleren": {"a", 200},
	"GET /account": {"*", 200}, "POST /account/wachtwoord": {"*", 422}, "POST /account/sessies/{id}/beeindigen": {"*", 303},
	"GET /status/ttp":     {"da", 200},
	"GET /logboek":        {"at", 200},
	"POST /logboek":       {"at", 422},
	"GET /logboek.csv":    {"t", 200},
	"GET /logboek/inzage": {"t", 200}, "POST /logboek/inzage": {"t", 422}, "POST /logboek/inzage.csv": {"t", 422},
	"GET /logboek/controle": {"t", 200}, "POST /logboek/controle": {"t", 422},
	"GET /logboek/{id}": {"at", 200},
	"GET /alarmen":      {"at", 200}, "GET /alarmen/{id}": {"at", 200}, "POST /alarmen/{id}": {"t", 422},
	"GET /api/v1/openapi.json": {"-", 200},
	"GET /api/v1/deliveries":   {"cupd", 200}, "POST /api/v1/deliveries": {"up", 415},
	"GET /api/v1/deliveries/{id}": {"cupd", 200}, "GET /api/v1/deliveries/{id}/report": {"cupd", 200},
	"POST /api/v1/deliveries/{id}/confirm": {"up", 409}, "POST /api/v1/deliveries/{id}/cancel": {"up", 409},
	"POST /api/v1/deliveries/{id}/retry": {"up", 202},
	"GET /fhir/metadata":                 {"-", 200}, "POST /fhir": {"up", 415}, "POST /fhir/": {"up", 415}, "POST /fhir/Patient": {"up", 415},
	"GET /api/v1/patients": {"cud", 200}, "POST /api/v1/patients": {"c", 415}, "GET /api/v1/patients/{id}": {"cud", 200},
	"GET /api/v1/me":               {"*", 200},
	"POST /api/v1/patients/search": {"cud", 415},
}

// absentStatus is what a route answers for an object that does not exist, unless that is
// 404. The buttons of the conversion lead back to its page, which says that it moved on.
var absentStatus = map[string]int{
	"POST /datasets/{id}/importeren": http.StatusBadRequest, "POST /migratie/{id}/pauzeren": http.StatusSeeOther,
	"POST /migratie/{id}/hervatten": http.StatusSeeOther, "POST /migratie/{id}/goedkeuren": http.StatusSeeOther,
}

// looksFirst lists the routes at which a data manager may decide about some deliveries: of
// one that does not exist they hear that before they hear of which.
var looksFirst = map[string]bool{"POST /aanleveringen/{id}/opslaan": true, "POST /aanleveringen/{id}/annuleren": true}

var roleLetters = map[string]string{"clinician": "c", "uploader": "u", "processor": "p", "centreadmin": "l", "datamanager": "d", "admin": "a", "auditor": "t"}

// foreignAccount is the account of another centre with the same role. The other roles
// belong to no centre: nothing is foreign to them.
var foreignAccount = map[string]string{"clinician": "othercl", "uploader": "other", "centreadmin": "otherca", "processor": "otherp"}

const unknownID = "01920000-0000-7000-8000-000000000000"

var noObjects = servertest.Objects{
	Patient: unknownID, Delivery: unknownID, Conflict: unknownID, Proof: unknownID, User: unknownID, Link: "sluis_nothing",
	Token: unknownID, Provider: unknownID, Centre: "0000", Mandate: unknownID, Event: "999999", Alarm: "999999",
}

// TestMatrix asks for every route as every role: of an object of the own centre, of one of
// another centre, and of one that does not exist. A route that is not in the table fails.
func TestMatrix(t *testing.T) {
	s := servertest.New(t)
	all := s.OwnObjects()
	routes := s.Server.Routes()
	if len(routes) != len(routeTable) {
		t.Errorf("%d routes, %d in the table of this test", len(routes), len(routeTable))
	}
	cells := map[string]int{}
	for _, name := range []string{"", "clinician", "uploader", "processor", "centreadmin", "datamanager", "admin", "auditor"} {
		own, foreign := &visitor{s: s, name: name}, &visitor{s: s, name: foreignAccount[name]}
		ids := all
		if name == "processor" {
			ids.Delivery = all.Delegated // it does not see what its centre delivers itself
		}
		for _, route := range routes {
			key := route.Method + " " + route.Pattern
			want, ok := routeTable[key]
			if !ok {
				t.Fatalf("%s is not in the table of this test", key)
			}
			check := func(what string, v *visitor, objects servertest.Objects, status int) {
				cells[string(route.Door)+" "+what]++
				if got := v.request(t, route, objects); got.Status != status {
					t.Errorf("%s as %q, %s: %d, want %d\n%.300s", key, name, what, got.Status, status, got.Body)
				}
			}
			status := expected(want.who, want.status, name, route)
			if name != "" && key == "GET /inloggen" {
				status = http.StatusSeeOther // whoever is signed in goes on
			}
			check("own", own, ids, status)
			if !strings.Contains(route.Pattern, "{id}") && !strings.Contains(route.Pattern, "{token}") {
				continue
			}
			permitted := strings.Contains(want.who, "-") ||
				name != "" && (want.who == "*" || strings.Contains(want.who, roleLetters[name]))
			absent, elsewhere := status, status
			if permitted {
				absent, elsewhere = cmp.Or(absentStatus[key], http.StatusNotFound), http.StatusNotFound
				if want.who == "-" {
					elsewhere = status // what is for everybody is foreign to nobody
				}
			} else if name == "datamanager" && looksFirst[key] {
				absent = http.StatusNotFound
			}
			check("absent", own, noObjects, absent)
			if foreign.name != "" && strings.Contains(route.Pattern, "{id}") {
				check("foreign", foreign, ids, elsewhere)
			}
		}
	}
	total := 0
	for _, n := range cells {
		total += n
	}
	t.Logf("%d routes, 8 kinds of visitor, %d cells: %v", len(routes), total, cells)
}

// visitor is an account in the matrix, signed in when it needs to be.
type visitor struct {
	s       *servertest.Site
	name    string
	browser *servertest.Browser
}

// request asks for a route with as little as it needs. After a route that ends the
// session, the visitor signs in anew.
func (v *visitor) request(t *testing.T, route server.Route, ids servertest.Objects) servertest.Answer {
	t.Helper()
	if v.browser == nil {
		v.browser = v.s.SignedIn(v.name)
	}
	if route.Pattern == "/account/sessies/{id}/beeindigen" {
		return v.endSession(t, route, ids)
	}
	if route.Pattern == "/uitloggen" {
		defer func() { v.browser = nil }()
	}
	return request(t, v.s, v.browser, v.name, route, ids)
}

// endSession ends a session of the visitor's own if there are objects; one of somebody
// else if the visitor is of another centre.
func (v *visitor) endSession(t *testing.T, route server.Route, ids servertest.Objects) servertest.Answer {
	t.Helper()
	id := unknownID
	if ids != noObjects && v.name != "" {
		owner := v.browser
		if strings.HasPrefix(v.name, "other") {
			owner = v.s.SignedIn("uploader")
		} else {
			defer func() { v.browser = nil }()
		}
		_, rest, _ := strings.Cut(owner.Get("/account").Body, "/account/sessies/")
		id, _, _ = strings.Cut(rest, "/")
	}
	return v.browser.Post(strings.ReplaceAll(route.Pattern, "{id}", id), nil)
}

// expected is what name gets at a route for an object of its own.
func expected(who string, allowed int, name string, route server.Route) int {
	if strings.Contains(who, "-") {
		return allowed
	}
	return refusedStatus(who, allowed, name, route)
}

// refusedStatus is what name gets at a route that needs to know who it is.
func refusedStatus(who string, allowed int, name string, route server.Route) int {
	switch {
	case name == "" && (route.Door == server.API || route.Door == server.FHIR):
		return http.StatusUnauthorized
	case name == "":
		return http.StatusSeeOther
	case who == "*" || strings.Contains(who, roleLetters[name]):
		return allowed
	}
	return http.StatusForbidden
}

// request asks for a route with as little as it needs.
func request(t *testing.T, s *servertest.Site, b *servertest.Browser, name string, route server.Route,
	ids servertest.Objects) servertest.Answer {
	t.Helper()
	path := pathOf(s, route, ids)
	if route.Door == server.API || route.Door == server.FHIR {
		return s.Call(name, route.Method, path, "application/pdf", "")
	}
	return ask(b, route, path)
}

// pathOf is the path of a route, for an object of our own if it needs one.
func pathOf(s *servertest.Site, route server.Route, ids servertest.Objects) string {
	id := ids.Delivery
	if strings.Contains(route.Pattern, "patient") {
		id = ids.Patient
	}
	if strings.Contains(route.Pattern, "beoordelen") {
		id = ids.Conflict
	}
	if strings.Contains(route.Pattern, "bewijzen") {
		id = ids.Proof
	}
	if strings.Contains(route.Pattern, "gebruikers") {
		id = ids.User
	}
	if strings.Contains(route.Pattern, "centra") {
		id = ids.Centre
	}
	if strings.Contains(route.Pattern, "tokens") {
		id = ids.Token
	}
	if strings.Contains(route.Pattern, "mandaten") {
		id = ids.Mandate
	}
	if strings.Contains(route.Pattern, "logboek") {
		id = ids.Event
	}
	if strings.Contains(route.Pattern, "alarmen") {
		id = ids.Alarm
	}
	if strings.Contains(route.Pattern, "inlogdiensten") || strings.Contains(route.Pattern, "/via/") {
		id = ids.Provider
	}
	path := strings.NewReplacer("{id}", id, "{token}", ids.Link).Replace(route.Pattern)
	if route.Pattern == "/static/*" {
		_, rest, _ := strings.Cut(s.Browser().Get("/inloggen").Body, `href="/static/`)
		file, _, _ := strings.Cut(rest, `"`)
		path = "/static/" + file
	}
	return path
}

// ask asks for a page with as little as its route needs.
func ask(b *servertest.Browser, route server.Route, path string) servertest.Answer {
	if route.Pattern == "/aanleveringen" && route.Method == "POST" {
		return b.Do("POST", path, "application/pdf", strings.NewReader("x"))
	}
	if route.Method == "POST" {
		return b.Post(path, nil)
	}
	return b.Do(route.Method, path, "", nil)
}

// Somebody of another centre gets the same servertest.Answer for an object of ours as for
// one that does not exist, on every route that takes an id.
func TestForeignObjectsDoNotExist(t *testing.T) {
	s := servertest.New(t)
	ids := s.OwnObjects()
	nothing := noObjects
	for _, name := range []string{"other", "othercl", "otherca", "otherp"} {
		b := s.SignedIn(name)
		for _, route := range s.Server.Routes() {
			letter := map[string]string{"other": "u", "othercl": "c", "otherca": "l", "otherp": "p"}[name]
			if !strings.Contains(route.Pattern, "{id}") || !strings.Contains(routeTable[route.Method+" "+route.Pattern].who, letter) {
				continue
			}
			foreign, missing := request(t, s, b, name, route, ids), request(t, s, b, name, route, nothing)
			if foreign.Status != http.StatusNotFound || missing.Status != http.StatusNotFound {
				t.Errorf("%s %s as %s: foreign %d, missing %d", route.Method, route.Pattern, name, foreign.Status, missing.Status)
			}
			if plain(foreign, ids) != plain(missing, nothing) {
				t.Errorf("%s %s as %s tells a foreign object from a missing one:\n%s\n%s", route.Method, route.Pattern, name, foreign.Body,
					missing.Body)
			}
		}
	}
	for _, path := range []string{"/patienten", "/aanleveringen?groep=closed", "/aanleveringen?centrum=2809"} {
		if page := s.SignedIn("other").Get(path); strings.Contains(page.Body, ids.Patient) || strings.Contains(page.Body, ids.Delivery) {
			t.Errorf("%s shows another centre's object", path)
		}
	}
}

// plain is a body without the request's id and the object's.
func plain(a servertest.Answer, ids servertest.Objects) string {
	return strings.NewReplacer(a.Header.Get("X-Request-Id"), "REQUEST", ids.Delivery, "ID", ids.Patient, "ID", ids.User, "ID", ids.Token, "ID", ids.Mandate, "ID").Replace(a.Body)
}

func TestSecurityHeadersEverywhere(t *testing.T) {
	s := servertest.New(t)
	ids := s.OwnObjects()
	check := func(what string, a servertest.Answer) {
		t.Helper()
		for header, want := range map[string]string{
			"Content-Security-Policy": "trusted-types 'none'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "X-Request-Id": "",
		} {
			if got := a.Header.Get(header); got == "" || !strings.Contains(got, want) {
				t.Errorf("%s: %s is %q", what, header, got)
			}
		}
		if got := a.Header.Get("Cache-Control"); got != "no-store" && !strings.Contains(what, "/static/") {
			t.Errorf("%s may be kept: %q", what, got)
		}
		if strings.Contains(a.Body, "style=\"") || strings.Contains(a.Body, "onclick=") {
			t.Errorf("%s has inline style or script", what)
		}
	}
	for _, name := range []string{"", "uploader"} {
		b := s.SignedIn(name)
		for _, route := range s.Server.Routes() {
			if route.Pattern != "/uitloggen" {
				check(route.Method+" "+route.Pattern+" as "+name, request(t, s, b, name, route, ids))
			}
		}
	}
	b := s.Browser()
	check("no such page", b.Get("/nergens"))
	check("no such method", b.Do("DELETE", "/patienten", "", nil))
	check("no such call", b.Get("/api/v1/nergens"))
}

func TestMissingPermissionIsLogged(t *testing.T) {
	s := servertest.New(t)
	if page := s.SignedIn("auditor").Get("/patienten"); page.Status != http.StatusForbidden || !strings.Contains(page.Body, "Geen toegang") {
		t.Fatalf("%d", page.Status)
	}
	ev := s.Events()[0]
	if ev.Type != audit.AccessDenied || ev.Name != "auditor@example.nl" || ev.Code != string(account.ViewPatients) ||
		ev.Address != "127.0.0.1" || ev.RequestID == "" {
		t.Errorf("%+v", ev)
	}
}

func TestUnknownPathAndMethod(t *testing.T) {
	s := servertest.New(t)
	b := s.Browser()
	if a := b.Get("/nergens"); a.Status != 404 || !strings.Contains(a.Body, "Pagina niet gevonden") {
		t.Errorf("%d", a.Status)
	}
	if a := b.Do("PUT", "/patienten", "", nil); a.Status != 405 || a.Header.Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("%d, Allow %q", a.Status, a.Header.Get("Allow"))
	}
	if a := b.Get("/api/v1/nergens"); a.Status != 404 || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %s", a.Status, a.Header)
	}
}

// TestMissesAreLogged: the log shows who tries ids of others, and does not repeat
// text that is no id.
func TestMissesAreLogged(t *testing.T) {
	s := servertest.New(t)
	ids := s.OwnObjects()
	for path, want := range map[string]string{"/patienten/" + ids.Patient: ids.Patient, "/patienten/Qzwxecrvtb": ""} {
		if page := s.SignedIn("other").Get(path); page.Status != http.StatusNotFound {
			t.Fatalf("%s: %d", path, page.Status)
		}
		ev := s.Events()[0]
		if ev.Type != audit.AccessDenied || ev.Code != "not_found" || ev.ObjectID != want {
			t.Errorf("%s: %+v", path, ev)
		}
	}
}

// TestEveryViewIsLogged: a page that shows patients or deliveries leaves an event.
// What is not in the access log did not happen.
func TestEveryViewIsLogged(t *testing.T) {
	s := servertest.New(t)
	ids := s.OwnObjects()
	b := s.SignedIn("uploader")
	for path, want := range map[string]audit.Type{
		"/patienten": audit.PatientsListed, "/patienten/" + ids.Patient: audit.PatientViewed, "/aanleveringen": audit.DeliveriesListed,
		"/aanleveringen/" + ids.Delivery: audit.DeliveryViewed, "/aanleveringen/" + ids.Delivery + "/fouten": audit.ReportViewed,
		"/aanleveringen/" + ids.Delivery + "/fouten.csv":  audit.ReportViewed,
		"/aanleveringen/" + ids.Delivery + "/fouten.json": audit.ReportViewed,
		"/": audit.DeliveriesListed,
	} {
		before := s.Events()[0].ID
		got := b.Get(path)
		if !loggedSince(t, s, before, want, got.Header.Get("X-Request-Id")) {
			t.Errorf("%s leaves no %s", path, want)
		}
	}
	manager := s.SignedIn("datamanager")
	for path, want := range map[string]audit.Type{"/beoordelen": audit.ConflictsListed, "/beoordelen/" + ids.Conflict: audit.ConflictViewed} {
		before := s.Events()[0].ID
		if got := manager.Get(path); !loggedSince(t, s, before, want, got.Header.Get("X-Request-Id")) {
			t.Errorf("%s leaves no %s", path, want)
		}
	}
	before := s.Events()[0].ID
	got := b.Post("/patienten", url.Values{"number": {"523534"}})
	if !loggedSince(t, s, before, audit.PatientsSearched, got.Header.Get("X-Request-Id")) {
		t.Error("a search leaves nothing")
	}
	before = s.Events()[0].ID
	got = s.Call("uploader", "POST", "/api/v1/patients/search", "application/json", `{"patientNumber":"523534"}`)
	if !loggedSince(t, s, before, audit.PatientsSearched, got.Header.Get("X-Request-Id")) {
		t.Error("a search by the API leaves nothing")
	}
	for path, want := range map[string]audit.Type{
		"/api/v1/patients": audit.PatientsListed, "/api/v1/patients/" + ids.Patient: audit.PatientViewed,
		"/api/v1/deliveries":                 audit.DeliveriesListed,
		"/api/v1/deliveries/" + ids.Delivery: audit.DeliveryViewed, "/api/v1/deliveries/" + ids.Delivery + "/report": audit.ReportViewed,
	} {
		before := s.Events()[0].ID
		got := s.Call("uploader", "GET", path, "", "")
		if !loggedSince(t, s, before, want, got.Header.Get("X-Request-Id")) {
			t.Errorf("%s leaves no %s", path, want)
		}
	}
}

// loggedSince looks for an event of this type and request.
func loggedSince(t *testing.T, s *servertest.Site, id int64, kind audit.Type, requestID string) bool {
	t.Helper()
	return slices.ContainsFunc(s.Events(), func(ev audit.Event) bool { return ev.ID > id && ev.Type == kind && ev.RequestID == requestID })
}

func TestPanicsShowNothing(t *testing.T) {
	s := servertest.New(t, func(o *server.Options) { o.Desk = panicking{} })
	id := s.OwnObjects().Delivery
	got := s.SignedIn("uploader").Post("/aanleveringen/"+id+"/opslaan", nil)
	if got.Status != http.StatusInternalServerError || !strings.Contains(got.Body, got.Header.Get("X-Request-Id")) ||
		got.Header.Get("Content-Security-Policy") == "" {
		t.Errorf("%d\n%s", got.Status, got.Body)
	}
	if api := s.Call("uploader", "POST", "/api/v1/deliveries/"+id+"/confirm", "", ""); api.Status != http.StatusInternalServerError ||
		!strings.Contains(api.Body, `"code":"internal"`) {
		t.Errorf("%d %s", api.Status, api.Body)
	}
	if log := s.Log.String(); strings.Contains(got.Body+log, servertest.Canary) || !strings.Contains(log, "deliveries.(*Handlers).Save") {
		t.Error("the log has the value of the panic, or not its place")
	}
}

// panicking is a desk that falls over with a name in its hands.
type panicking struct{ server.Desk }

func (panicking) Save(context.Context, audit.Who, account.Scope, string) error {
	panic(servertest.Canary)
}
