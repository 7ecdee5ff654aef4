package server_test

import (
	"database/sql"
	"net/http"
	"slices"
	"strings"
	"testing"

	"sluis/internal/audit"
	"sluis/internal/server"
	"sluis/internal/server/servertest"
)

// permittedTo returns an account that may use a route.
func permittedTo(route server.Route) string {
	who := routeTable[route.Method+" "+route.Pattern].who
	switch {
	case strings.Contains(who, "-"):
		return ""
	case who == "*":
		return "uploader"
	}
	for _, name := range []string{"auditor", "uploader", "clinician", "datamanager", "admin", "centreadmin"} {
		if strings.Contains(who, roleLetters[name]) {
			return name
		}
	}
	return ""
}

// refusedTo returns an account that may not use a route, or "" if everybody may.
func refusedTo(route server.Route) string {
	who := routeTable[route.Method+" "+route.Pattern].who
	if strings.ContainsAny(who, "-*") {
		return ""
	}
	for _, name := range []string{"auditor", "uploader", "clinician"} {
		if !strings.Contains(who, roleLetters[name]) {
			return name
		}
	}
	return ""
}

// left returns what a request left in the access log, in its order.
func left(s *servertest.Site, before int64, requestID string) string {
	var out []string
	for _, ev := range s.Events() {
		if ev.ID > before && ev.RequestID == requestID {
			word := string(ev.Type)
			if ev.Code != "" {
				word += "/" + ev.Code
			}
			out = append(out, word)
		}
	}
	slices.Reverse(out)
	return strings.Join(out, " ")
}

// TestEveryRouteLeavesItsRecords walks over all routes, and compares what each leaves in the
// access log with the table. A new route without a line fails.
func TestEveryRouteLeavesItsRecords(t *testing.T) {
	s := servertest.New(t)
	ids := s.OwnObjects()
	routes := s.Server.Routes()
	if len(recordTable) != len(routes) {
		t.Errorf("%d routes, %d in the table of this test", len(routes), len(recordTable))
	}
	records, refusals := 0, 0
	for _, route := range routes {
		key := route.Method + " " + route.Pattern
		want, ok := recordTable[key]
		v := &visitor{s: s, name: permittedTo(route)}
		v.browser = s.SignedIn(v.name)
		before := s.Events()[0].ID
		answer := v.request(t, route, ids)
		if got := left(s, before, answer.Header.Get("X-Request-Id")); !ok || got != want {
			t.Errorf("%q: %q, // want %q (%d)", key, got, want, answer.Status)
		} else if got != "" {
			records += 1 + strings.Count(got, " ")
		}
		name := refusedTo(route)
		if name == "" {
			continue
		}
		b := s.SignedIn(name)
		before = s.Events()[0].ID
		refused := request(t, s, b, name, route, ids)
		got, wanted := left(s, before, refused.Header.Get("X-Request-Id")), string(audit.AccessDenied)+"/"+string(route.Permission)
		if route.Door == server.API || route.Door == server.FHIR {
			wanted = string(audit.AccessDenied) + "/permission_missing"
		}
		if refused.Status != http.StatusForbidden || got != wanted {
			t.Errorf("%s as %s: %d, %q, want %q", key, name, refused.Status, got, wanted)
		}
		refusals++
	}
	t.Logf("%d routes, %d records, %d refusals with one record each", len(routes), records, refusals)
}

// TestNoRecordNoAnswer lets the access log refuse every event: whoever asks for what leaves a
// record gets 503 and nothing else.
func TestNoRecordNoAnswer(t *testing.T) {
	s := servertest.New(t)
	ids := s.OwnObjects()
	routes := s.Server.Routes()
	visitors := map[string]*visitor{}
	for _, name := range []string{"", "uploader", "clinician", "datamanager", "admin", "auditor", "centreadmin"} {
		visitors[name] = &visitor{s: s, name: name, browser: s.SignedIn(name)}
	}
	db := servertest.Must(sql.Open("sqlite", "file:"+s.Database+"?_pragma=busy_timeout(10000)"))(t)
	servertest.Must(db.ExecContext(t.Context(),
		"CREATE TRIGGER full BEFORE INSERT ON audit_events BEGIN SELECT RAISE(ABORT, 'full'); END"))(t)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, route := range routes {
		key := route.Method + " " + route.Pattern
		// Whoever leaves a shared computer must not stay signed in.
		if recordTable[key] == "" || key == "POST /uitloggen" {
			continue
		}
		name := permittedTo(route)
		answer := request(t, s, visitors[name].browser, name, route, ids)
		if answer.Status != http.StatusServiceUnavailable {
			t.Errorf("%s as %q: %d\n%.300s", key, name, answer.Status, answer.Body)
		}
		for _, data := range []string{ids.Patient, ids.Conflict, "523534", "pilot40", "other@example.nl"} {
			if strings.Contains(answer.Body, data) && !strings.Contains(pathOf(s, route, ids), data) {
				t.Errorf("%s as %q shows %s without a record", key, name, data)
			}
		}
		refused++
	}
	for _, a := range acts(ids) {
		if a.what == "unblock" { // there is nobody to let in again
			continue
		}
		if answer := a.do(s, visitors[a.name].browser); answer.Status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d\n%.300s", a.what, answer.Status, answer.Body)
		}
	}
	t.Logf("%d routes and %d acts answer 503", refused, len(acts(ids))-1)
}
