package server_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/server"
)

func TestLogPage(t *testing.T) {
	s := newSite(t)
	ids := s.ownObjects()
	b := s.signedIn("auditor")
	page := b.get("/logboek")
	for _, want := range []string{"Inloggen", "uploader@example.nl", ids.delivery[:28] + `</span><span class="app-id__end">` + ids.delivery[28:], "Patiëntenlijst bekeken", "127.0.0.1", "Aanleveraar"} {
		if !strings.Contains(page.Body, want) {
			t.Errorf("not shown: %s", want)
		}
	}
	rows := func(query string) int { return strings.Count(b.get("/logboek?"+query).Body, "<tr") }
	if all, some := rows(""), rows("soort=patients_listed"); some < 2 || some >= all {
		t.Errorf("a filter on type: %d of %d", some, all)
	}
	today := s.Clock.Now().UTC().Format("2006-01-02")
	if none, some := rows("tot=1-1-2001"), rows("van="+today[:4]+"-01-01"); none > 1 || some < 2 {
		t.Errorf("a filter on time: %d, %d", none, some)
	}
	for query, want := range map[string][2]string{
		"van=gisteren": {"van", "Vul een datum in"}, "tot=31-2-2025": {"tot", "Vul een datum in"}, "van=2-1-2025&tot=1-1-2025": {"tot", "De einddatum ligt"},
	} {
		bad := b.get("/logboek?" + query)
		if bad.Status != http.StatusUnprocessableEntity || !strings.Contains(bad.Body, want[1]) || !strings.Contains(bad.Body, `id="`+want[0]+`-error"`) ||
			strings.Contains(bad.Body, "nog leeg") || strings.Contains(bad.Body, "<table") {
			t.Errorf("%s: %d\n%.1500s", query, bad.Status, bad.Body)
		}
	}
	if day := b.get("/logboek?van=1-1-2025&tot=1-1-2025"); day.Status != http.StatusOK || !strings.Contains(day.Body, "Geen gebeurtenissen met deze filters") {
		t.Errorf("a day without events: %d\n%.1500s", day.Status, day.Body)
	}
	if ev := s.events()[0]; ev.Type != audit.LogViewed {
		t.Errorf("reading the log is not in it: %+v", ev)
	}
}

// What is not in the access log did not happen: each page that shows patients or
// deliveries leaves its event.
func TestEveryViewIsLogged(t *testing.T) {
	s := newSite(t)
	ids := s.ownObjects()
	b := s.signedIn("uploader")
	for path, want := range map[string]audit.Type{
		"/patienten": audit.PatientsListed, "/patienten/" + ids.patient: audit.PatientViewed, "/aanleveringen": audit.DeliveriesListed,
		"/aanleveringen/" + ids.delivery: audit.DeliveryViewed, "/aanleveringen/" + ids.delivery + "/fouten": audit.ReportViewed,
		"/aanleveringen/" + ids.delivery + "/fouten.csv": audit.ReportViewed, "/aanleveringen/" + ids.delivery + "/fouten.json": audit.ReportViewed,
		"/": audit.DeliveriesListed,
	} {
		before := s.events()[0].ID
		got := b.get(path)
		if !s.loggedSince(before, want, got.Header.Get("X-Request-Id")) {
			t.Errorf("%s leaves no %s", path, want)
		}
	}
	manager := s.signedIn("datamanager")
	for path, want := range map[string]audit.Type{"/beoordelen": audit.ReviewsListed, "/beoordelen/" + ids.review: audit.ReviewViewed} {
		before := s.events()[0].ID
		if got := manager.get(path); !s.loggedSince(before, want, got.Header.Get("X-Request-Id")) {
			t.Errorf("%s leaves no %s", path, want)
		}
	}
	before := s.events()[0].ID
	got := b.post("/patienten", url.Values{"number": {"523534"}})
	if !s.loggedSince(before, audit.PatientsSearched, got.Header.Get("X-Request-Id")) {
		t.Error("a search leaves nothing")
	}
	for path, want := range map[string]audit.Type{
		"/api/v1/patients": audit.PatientsListed, "/api/v1/patients/" + ids.patient: audit.PatientViewed, "/api/v1/deliveries": audit.DeliveriesListed,
		"/api/v1/deliveries/" + ids.delivery: audit.DeliveryViewed, "/api/v1/deliveries/" + ids.delivery + "/report": audit.ReportViewed,
	} {
		before := s.events()[0].ID
		got := s.call("uploader", "GET", path, "", "")
		if !s.loggedSince(before, want, got.Header.Get("X-Request-Id")) {
			t.Errorf("%s leaves no %s", path, want)
		}
	}
}

// loggedSince looks for an event of this type and request.
func (s *site) loggedSince(id int64, kind audit.Type, requestID string) bool {
	s.t.Helper()
	return slices.ContainsFunc(s.events(), func(ev audit.Event) bool { return ev.ID > id && ev.Type == kind && ev.RequestID == requestID })
}

func TestPanicsShowNothing(t *testing.T) {
	s := newSite(t, func(o *server.Options) { o.Desk = panicking{} })
	id := s.ownObjects().delivery
	got := s.signedIn("uploader").post("/aanleveringen/"+id+"/opslaan", nil)
	if got.Status != http.StatusInternalServerError || !strings.Contains(got.Body, got.Header.Get("X-Request-Id")) || got.Header.Get("Content-Security-Policy") == "" {
		t.Errorf("%d\n%s", got.Status, got.Body)
	}
	if api := s.call("uploader", "POST", "/api/v1/deliveries/"+id+"/confirm", "", ""); api.Status != http.StatusInternalServerError || !strings.Contains(api.Body, `"code":"internal"`) {
		t.Errorf("%d %s", api.Status, api.Body)
	}
	if log := s.Log.String(); strings.Contains(got.Body+log, canary) || !strings.Contains(log, "deliveries.(*Handlers).Save") {
		t.Error("the log has the value of the panic, or not its place")
	}
}

// panicking is a desk that falls over with a name in its hands.
type panicking struct{ server.Desk }

func (panicking) Save(context.Context, audit.Who, account.Scope, string) error { panic(canary) }

func TestDataManagerSeesAllCentres(t *testing.T) {
	s := newSite(t)
	ids := s.ownObjects()
	other := s.signedIn("other").upload("save", "ander.csv", pilot(t)).location()
	b := s.signedIn("datamanager")
	for query, want := range map[string][2]bool{"": {true, true}, "&centrum=2809": {true, false}, "&centrum=2810": {false, true}} {
		page := b.get("/aanleveringen?groep=closed" + query)
		if strings.Contains(page.Body, ids.delivery) != want[0] || strings.Contains(page.Body, other) != want[1] {
			t.Errorf("%q shows others than %v", query, want)
		}
		if !strings.Contains(page.Body, `name="centrum"`) {
			t.Error("no filter on centre")
		}
	}
	if page := b.get(other); page.Status != http.StatusOK || !strings.Contains(page.Body, "2810") || strings.Contains(page.Body, "/annuleren") {
		t.Errorf("%d\n%s", page.Status, page.Body)
	}
	if list := s.call("datamanager", "GET", "/api/v1/deliveries?centre=2810", "", ""); !strings.Contains(list.Body, `"centre":"2810"`) || strings.Contains(list.Body, "2809") {
		t.Errorf("%s", list.Body)
	}
	if mine := s.signedIn("uploader").get("/aanleveringen?groep=closed"); strings.Contains(mine.Body, `name="centrum"`) {
		t.Error("an uploader can choose a centre")
	}
}

// Reasons are told in words.
func TestLogTellsReasonsInWords(t *testing.T) {
	s := newSite(t)
	s.signedIn("datamanager").get("/logboek")
	page := s.signedIn("auditor").get("/logboek")
	if !strings.Contains(page.Body, "geen recht: logboek") || strings.Contains(page.Body, "log.view") {
		t.Errorf("%s", page.Body)
	}
}
