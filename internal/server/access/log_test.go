package access_test

import (
	"net/http"
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
