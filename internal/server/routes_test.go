package server_test

import (
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/conversion"
	"sluis/internal/patient"
	"sluis/internal/server"
)

// routeTable says, for every route, who may use it and what they then get on an
// object of their own. It is written by hand, against product.md's table; c is
// the clinician, u the uploader, d the data manager, a the admin, t the auditor
// (toezicht), * everyone who signed in, - nobody needs to.
var routeTable = map[string]struct {
	who    string
	status int
}{
	"GET /healthz":  {"-", 200},
	"GET /static/*": {"-", 200},
	"GET /inloggen": {"-", 200}, "POST /inloggen": {"-", 422}, "POST /taal": {"-", 303},
	"POST /uitloggen": {"*", 303}, "GET /": {"*", 200},
	"GET /patienten": {"cud", 200}, "POST /patienten": {"cud", 303},
	"GET /patienten/nieuw": {"c", 200}, "POST /patienten/nieuw": {"c", 422},
	"GET /patienten/{id}": {"cud", 200}, "GET /patienten/{id}/klaar": {"c", 200},
	"GET /aanleveringen": {"cud", 200}, "GET /aanleveringen/nieuw": {"u", 200}, "POST /aanleveringen": {"u", 415},
	"GET /aanleveringen/{id}": {"cud", 200}, "GET /aanleveringen/{id}/voortgang": {"cud", 200},
	"POST /aanleveringen/{id}/opslaan": {"u", 303}, "POST /aanleveringen/{id}/annuleren": {"u", 303}, "POST /aanleveringen/{id}/nu-proberen": {"ud", 303},
	"GET /aanleveringen/{id}/fouten": {"cud", 200}, "GET /aanleveringen/{id}/fouten.csv": {"cud", 200}, "GET /aanleveringen/{id}/fouten.json": {"cud", 200},
	"GET /aanleveringen/{id}/fouten.xlsx": {"cud", 200},
	"GET /aanleveringen/voorbeeld/{name}": {"u", 404}, "GET /aanleveringen/{id}/kolommen": {"u", 303}, "POST /aanleveringen/{id}/kolommen": {"u", 303}, "POST /aanleveringen/kolommen/vergeten": {"u", 303},
	"GET /datasets": {"d", 200}, "POST /datasets/{id}/importeren": {"d", 400},
	"GET /beoordelen": {"d", 200}, "GET /beoordelen/{id}": {"d", 200}, "POST /beoordelen/{id}": {"d", 422},
	"GET /migratie": {"da", 200}, "GET /migratie/rijen": {"da", 200}, "POST /migratie/{id}/pauzeren": {"da", 303}, "POST /migratie/{id}/hervatten": {"da", 303},
	"POST /migratie/{id}/doorgaan": {"da", 303}, "POST /migratie/{id}/goedkeuren": {"da", 303},
	"GET /migratie/bewijzen": {"at", 200}, "GET /migratie/bewijzen/{id}": {"at", 200}, "GET /migratie/bewijzen/{id}/bewijs.json": {"t", 200},
	"GET /status/ttp":          {"da", 200},
	"GET /logboek":             {"at", 200},
	"GET /api/v1/openapi.json": {"-", 200},
	"GET /api/v1/deliveries":   {"cud", 200}, "POST /api/v1/deliveries": {"u", 415},
	"GET /api/v1/deliveries/{id}": {"cud", 200}, "GET /api/v1/deliveries/{id}/report": {"cud", 200},
	"POST /api/v1/deliveries/{id}/confirm": {"u", 409}, "POST /api/v1/deliveries/{id}/cancel": {"u", 409}, "POST /api/v1/deliveries/{id}/retry": {"u", 202},
	"GET /api/v1/patients": {"cud", 200}, "POST /api/v1/patients": {"c", 415}, "GET /api/v1/patients/{id}": {"cud", 200},
}

var roleLetters = map[string]string{"clinician": "c", "uploader": "u", "datamanager": "d", "admin": "a", "auditor": "t"}

func TestEveryRole(t *testing.T) {
	s := newSite(t)
	ids := s.ownObjects()
	routes := s.Server.Routes()
	if len(routes) != len(routeTable) {
		t.Errorf("%d routes, %d in the table of this test", len(routes), len(routeTable))
	}
	for _, name := range []string{"", "clinician", "uploader", "datamanager", "admin", "auditor"} {
		b := s.signedIn(name)
		for _, route := range routes {
			want, ok := routeTable[route.Method+" "+route.Pattern]
			if !ok {
				t.Fatalf("%s %s is not in the table of this test", route.Method, route.Pattern)
			}
			user := b
			if route.Pattern == "/uitloggen" {
				user = s.signedIn(name) // signing out ends every session of the user
			}
			got := s.request(user, name, route, ids)
			status := want.status
			if !strings.Contains(want.who, "-") {
				status = refusedStatus(want.who, want.status, name, route)
			}
			if name != "" && route.Pattern == "/inloggen" && route.Method == "GET" {
				status = 303 // whoever is signed in goes on
			}
			if got.Status != status {
				t.Errorf("%s %s as %q: %d, want %d\n%.300s", route.Method, route.Pattern, name, got.Status, status, got.Body)
			}
			if route.Pattern == "/uitloggen" {
				b = s.signedIn(name)
			}
		}
	}
}

// refusedStatus is what name gets at a route that needs to know who it is.
func refusedStatus(who string, allowed int, name string, route server.Route) int {
	switch {
	case name == "" && route.Door == server.API:
		return http.StatusUnauthorized
	case name == "":
		return http.StatusSeeOther
	case who == "*" || strings.Contains(who, roleLetters[name]):
		return allowed
	}
	return http.StatusForbidden
}

// objects are the ids of a patient, a delivery, a conflict and a proof.
type objects struct{ patient, delivery, review, proof string }

// ownObjects makes a delivery of 2809 that is done, with its patients.
func (s *site) ownObjects() objects {
	s.t.Helper()
	b := s.signedIn("uploader")
	sent := b.upload("save", "pilot40.csv", pilot(s.t))
	_, rest, ok := strings.Cut(b.get("/patienten").Body, `href="/patienten/`)
	if !ok || sent.Status != http.StatusSeeOther {
		s.t.Fatal("nothing was delivered")
	}
	id, _, _ := strings.Cut(rest, `"`)
	b.upload("save", "weer.csv", entryHeader+"2809;1-1-1955;v;523534;Anders;;q\n")
	conflicts := must(s.Store.Conflicts(s.t.Context(), audit.Who{Name: "test"}, account.AllCentres(), patient.ConflictQuery{}))(s.t).Conflicts
	if len(conflicts) != 1 {
		s.t.Fatalf("%d conflicts, want 1", len(conflicts))
	}
	signed := must(conversion.Sign(ed25519.NewKeyFromSeed(make([]byte, 32)), conversion.Proof{}))(s.t)
	proof := must(s.Store.AddReport(s.t.Context(), audit.Who{Name: "test"}, conversion.Report{Kind: conversion.KindProof, Document: string(must(json.Marshal(signed))(s.t))}))(s.t)
	return objects{id, strings.TrimPrefix(sent.location(), "/aanleveringen/"), conflicts[0].PublicID, proof.PublicID}
}

// request asks a route with nothing but what makes it that route.
func (s *site) request(b *browser, name string, route server.Route, ids objects) answer {
	s.t.Helper()
	id := ids.delivery
	if strings.Contains(route.Pattern, "patient") {
		id = ids.patient
	}
	if strings.Contains(route.Pattern, "beoordelen") {
		id = ids.review
	}
	if strings.Contains(route.Pattern, "bewijzen") {
		id = ids.proof
	}
	path := strings.ReplaceAll(route.Pattern, "{id}", id)
	if route.Pattern == "/static/*" {
		_, rest, _ := strings.Cut(s.browser().get("/inloggen").Body, `href="/static/`)
		file, _, _ := strings.Cut(rest, `"`)
		path = "/static/" + file
	}
	if route.Door == server.API {
		return s.call(name, route.Method, path, "application/pdf", "")
	}
	if route.Pattern == "/aanleveringen" && route.Method == "POST" {
		return b.do("POST", path, "application/pdf", strings.NewReader("x"))
	}
	if route.Method == "POST" {
		return b.post(path, nil)
	}
	return b.get(path)
}

// Somebody of another centre gets the same answer for an object of ours as for
// one that does not exist, on every route that takes an id.
func TestForeignObjectsDoNotExist(t *testing.T) {
	s := newSite(t)
	ids := s.ownObjects()
	const unknown = "01920000-0000-7000-8000-000000000000"
	nothing := objects{unknown, unknown, unknown, unknown}
	for _, name := range []string{"other", "othercl"} {
		b := s.signedIn(name)
		for _, route := range s.Server.Routes() {
			letter := map[string]string{"other": "u", "othercl": "c"}[name]
			if !strings.Contains(route.Pattern, "{id}") || !strings.Contains(routeTable[route.Method+" "+route.Pattern].who, letter) {
				continue
			}
			foreign, missing := s.request(b, name, route, ids), s.request(b, name, route, nothing)
			if foreign.Status != http.StatusNotFound || missing.Status != http.StatusNotFound {
				t.Errorf("%s %s as %s: foreign %d, missing %d", route.Method, route.Pattern, name, foreign.Status, missing.Status)
			}
			if plain(foreign, ids) != plain(missing, nothing) {
				t.Errorf("%s %s as %s tells a foreign object from a missing one:\n%s\n%s", route.Method, route.Pattern, name, foreign.Body, missing.Body)
			}
		}
	}
	for _, path := range []string{"/patienten", "/aanleveringen?groep=closed", "/aanleveringen?centrum=2809"} {
		if page := s.signedIn("other").get(path); strings.Contains(page.Body, ids.patient) || strings.Contains(page.Body, ids.delivery) {
			t.Errorf("%s shows another centre's object", path)
		}
	}
}

// plain is a body without the request's id and the object's.
func plain(a answer, ids objects) string {
	return strings.NewReplacer(a.Header.Get("X-Request-Id"), "REQUEST", ids.delivery, "ID", ids.patient, "ID").Replace(a.Body)
}

func TestSecurityHeadersEverywhere(t *testing.T) {
	s := newSite(t)
	ids := s.ownObjects()
	check := func(what string, a answer) {
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
		b := s.signedIn(name)
		for _, route := range s.Server.Routes() {
			if route.Pattern != "/uitloggen" {
				check(route.Method+" "+route.Pattern+" as "+name, s.request(b, name, route, ids))
			}
		}
	}
	b := s.browser()
	check("no such page", b.get("/nergens"))
	check("no such method", b.do("DELETE", "/patienten", "", nil))
	check("no such call", b.get("/api/v1/nergens"))
}

func TestMissingPermissionIsLogged(t *testing.T) {
	s := newSite(t)
	if page := s.signedIn("auditor").get("/patienten"); page.Status != http.StatusForbidden || !strings.Contains(page.Body, "Geen toegang") {
		t.Fatalf("%d", page.Status)
	}
	ev := s.events()[0]
	if ev.Type != audit.AccessDenied || ev.Name != "auditor@example.nl" || ev.Code != string(account.ViewPatients) || ev.Address != "127.0.0.1" || ev.RequestID == "" {
		t.Errorf("%+v", ev)
	}
}

func TestUnknownPathAndMethod(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	if a := b.get("/nergens"); a.Status != 404 || !strings.Contains(a.Body, "Pagina niet gevonden") {
		t.Errorf("%d", a.Status)
	}
	if a := b.do("PUT", "/patienten", "", nil); a.Status != 405 || a.Header.Get("Allow") != "GET, POST" {
		t.Errorf("%d, Allow %q", a.Status, a.Header.Get("Allow"))
	}
	if a := b.get("/api/v1/nergens"); a.Status != 404 || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %s", a.Status, a.Header)
	}
}

// Who tries the ids of others must be seen, and what is no id is not written down.
func TestMissesAreLogged(t *testing.T) {
	s := newSite(t)
	ids := s.ownObjects()
	for path, want := range map[string]string{"/patienten/" + ids.patient: ids.patient, "/patienten/Qzwxecrvtb": ""} {
		if page := s.signedIn("other").get(path); page.Status != http.StatusNotFound {
			t.Fatalf("%s: %d", path, page.Status)
		}
		ev := s.events()[0]
		if ev.Type != audit.AccessDenied || ev.Code != "not_found" || ev.ObjectID != want {
			t.Errorf("%s: %+v", path, ev)
		}
	}
}
