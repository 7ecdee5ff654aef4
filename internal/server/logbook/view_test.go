package logbook_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"sluis/internal/audit"
	"sluis/internal/server/servertest"
)

func TestLogPage(t *testing.T) {
	s := servertest.New(t)
	ids := s.OwnObjects()
	b := s.SignedIn("auditor")
	page := b.Get("/logboek")
	for _, want := range []string{"Inloggen", "uploader@example.nl",
		ids.Delivery[:28] + `</span><span class="app-id__end">` + ids.Delivery[28:], "Patiëntenlijst bekeken", "127.0.0.1", "Aanleveraar"} {
		if !strings.Contains(page.Body, want) {
			t.Errorf("not shown: %s", want)
		}
	}
	rows := func(query string) int { return strings.Count(b.Get("/logboek?"+query).Body, "<tr") }
	if all, some := rows(""), rows("soort=patients_listed"); some < 2 || some >= all {
		t.Errorf("a filter on type: %d of %d", some, all)
	}
	today := s.Clock.Now().UTC().Format("2006-01-02")
	if none, some := rows("tot=1-1-2001"), rows("van="+today[:4]+"-01-01"); none > 1 || some < 2 {
		t.Errorf("a filter on time: %d, %d", none, some)
	}
	for query, want := range map[string][2]string{
		"van=gisteren": {"van", "Vul een datum in"}, "tot=31-2-2025": {"tot", "Vul een datum in"},
		"van=2-1-2025&tot=1-1-2025": {"tot", "De einddatum ligt"},
	} {
		bad := b.Get("/logboek?" + query)
		if bad.Status != http.StatusUnprocessableEntity || !strings.Contains(bad.Body, want[1]) ||
			!strings.Contains(bad.Body, `id="`+want[0]+`-error"`) ||
			strings.Contains(bad.Body, "nog leeg") || strings.Contains(bad.Body, "<table") {
			t.Errorf("%s: %d\n%.1500s", query, bad.Status, bad.Body)
		}
	}
	if day := b.Get("/logboek?van=1-1-2025&tot=1-1-2025"); day.Status != http.StatusOK ||
		!strings.Contains(day.Body, "Geen gebeurtenissen met deze filters") {
		t.Errorf("a day without events: %d\n%.1500s", day.Status, day.Body)
	}
	if ev := s.Events()[0]; ev.Type != audit.LogViewed {
		t.Errorf("reading the log is not in it: %+v", ev)
	}
}

// Reasons are told in words.
func TestLogTellsReasonsInWords(t *testing.T) {
	s := servertest.New(t)
	s.SignedIn("datamanager").Get("/logboek")
	page := s.SignedIn("auditor").Get("/logboek")
	if !strings.Contains(page.Body, "geen recht: logboek") || strings.Contains(page.Body, "log.view") {
		t.Errorf("%s", page.Body)
	}
}

// TestWhoLookedAtAPatient asks for one patient: what is shown is about that patient only,
// the number is in no URL, and the question is an event about the patient too.
func TestWhoLookedAtAPatient(t *testing.T) {
	s := servertest.New(t)
	ids := s.OwnObjects()
	c := s.SignedIn("clinician")
	viewed := c.Get("/patienten/" + ids.Patient)
	if viewed.Status != http.StatusOK {
		t.Fatalf("%d", viewed.Status)
	}
	found := regexp.MustCompile(`href="/patienten/` + ids.Patient + `"[^>]*>\s*([^<\s]+)`).FindStringSubmatch(c.Get("/patienten").Body)
	if found == nil {
		t.Fatal("the patient is not in the list")
	}
	number := found[1]
	b := s.SignedIn("auditor")
	b.Get("/logboek") // about nobody
	page := b.Post("/logboek", url.Values{"nummer": {number}})
	if page.Status != http.StatusOK || !strings.Contains(page.Body, "clinician@example.nl") || strings.Contains(page.Body, "Inloggen</td>") {
		t.Errorf("%d\n%.3000s", page.Status, page.Body)
	}
	if ev := s.Events()[0]; ev.Type != audit.LogViewed || ev.Code != "log_patient" || ev.SubjectCount != 1 || strings.Contains(ev.ObjectID, number) {
		t.Errorf("the question: %+v", ev)
	}
	if again := b.Post("/logboek", url.Values{"nummer": {number}, "zorgaanbieder": {"2809"}}); !strings.Contains(again.Body, "van één patiënt") {
		t.Error("who asked before is not shown")
	}
	for name, form := range map[string]url.Values{
		"another number": {"nummer": {"bestaat-niet"}}, "another hospital": {"nummer": {number}, "zorgaanbieder": {"2810"}},
	} {
		none := b.Post("/logboek", form)
		if none.Status != http.StatusOK || !strings.Contains(none.Body, "geen gebeurtenissen over een patiënt") || strings.Contains(none.Body, "<table") {
			t.Errorf("%s: %d", name, none.Status)
		}
	}
}
