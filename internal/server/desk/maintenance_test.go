package desk_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sluis/internal/audit"
	"sluis/internal/maintenance"
	"sluis/internal/server/servertest"
)

// TestMaintenance announces silence on the page, and looks who is told of it.
func TestMaintenance(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("datamanager")
	servertest.Contains(t, "nothing announced", b.Get("/onderhoud").Body, "Er is geen onderhoud aangekondigd", "Aankondigen")
	zone := servertest.Must(time.LoadLocation("Europe/Amsterdam"))(t)
	at := func(hours int) string {
		return s.Clock.Now().In(zone).Add(time.Duration(hours) * time.Hour).Format("2006-01-02T15:04")
	}
	for name, tc := range map[string]struct {
		form url.Values
		says string
	}{
		"nothing":         {url.Values{}, "Kies wat buiten gebruik is"},
		"no times":        {url.Values{"wat": {"ttp"}, "van": {"morgen"}}, "Vul begin en einde in"},
		"the wrong order": {url.Values{"wat": {"ttp"}, "van": {at(3)}, "tot": {at(2)}}, "Het einde moet na het begin liggen"},
		"a long note": {url.Values{"wat": {"ttp"}, "van": {at(1)}, "tot": {at(2)}, "toelichting": {strings.Repeat("x", 301)}},
			"hoogstens 300 tekens"},
	} {
		if page := b.Post("/onderhoud", tc.form); page.Status != http.StatusUnprocessableEntity || !strings.Contains(page.Body, tc.says) {
			t.Errorf("%s: %d, want 422 and %q", name, page.Status, tc.says)
		}
	}
	b.Post("/onderhoud", url.Values{"wat": {"ttp"}, "van": {at(30)}, "tot": {at(33)}, "toelichting": {"verhuizing"}})
	servertest.Contains(t, "announced", b.Get("/onderhoud").Body, "De TTP", "verhuizing", "Intrekken", "datamanager")
	uploader := s.SignedIn("uploader")
	servertest.Contains(t, "the upload page", uploader.Get("/aanleveringen/nieuw").Body, "Gepland onderhoud", "De TTP is buiten gebruik van",
		"verhuizing")
	plan, err := s.Store.Maintenance(t.Context())
	if err != nil || len(plan) != 1 || plan[0].Of != maintenance.TTP || plan[0].Until.Sub(plan[0].From) != 3*time.Hour {
		t.Fatalf("%+v %v", plan, err)
	}
	s.Clock.Advance(31 * time.Hour)
	servertest.Contains(t, "during", s.SignedIn("uploader").Get("/aanleveringen/nieuw").Body, "Onderhoud is nu bezig")
	b = s.SignedIn("datamanager")
	b.Post("/onderhoud/"+plan[0].PublicID+"/intrekken", nil)
	servertest.Contains(t, "cancelled", b.Get("/onderhoud").Body, "Er is geen onderhoud aangekondigd")
	if body := s.SignedIn("uploader").Get("/aanleveringen/nieuw").Body; strings.Contains(body, "buiten gebruik") {
		t.Error("cancelled maintenance is still shown")
	}
	var seen []audit.Type
	for _, ev := range s.Events() {
		if ev.Type == audit.MaintenanceAnnounced || ev.Type == audit.MaintenanceCancelled {
			seen = append(seen, ev.Type)
		}
	}
	if len(seen) != 2 {
		t.Errorf("the access log has %v", seen)
	}
}
