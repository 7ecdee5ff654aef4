package desk_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"sluis/internal/server"
	"sluis/internal/server/servertest"
	"sluis/internal/ttphealth"
)

func TestTTPStatus(t *testing.T) {
	ends := map[string]time.Duration{"client_certificate": 3 * 24 * time.Hour, "prepare_secret": 20 * 24 * time.Hour}
	s := servertest.New(t, func(o *server.Options) {
		o.Expiries = func() []server.Expiry {
			return []server.Expiry{
				{What: "client_certificate", At: time.Now().Add(ends["client_certificate"])},
				{What: "prepare_secret", At: time.Now().Add(ends["prepare_secret"])},
				{What: "resolve_secret"},
			}
		}
	})
	b := s.SignedIn("datamanager")
	page := b.Get("/status/ttp")
	servertest.Contains(t, "an unused TTP", page.Body, "Nog niet gebruikt", "Na de eerste aanlevering staan hier de cijfers",
		"Onbekend: stel de einddatum in", "Dringend", "Binnenkort", "nog niet opgehaald")
	now := s.Clock.Now().UTC()
	bins := []ttphealth.Bin{
		{Call: ttphealth.Token, Start: now.Truncate(ttphealth.Interval), Class: 10, OK: 3, LastOK: now},
		{Call: ttphealth.Temporary, Start: now.Truncate(ttphealth.Interval), Class: 20, OK: 90, LastOK: now.Add(-time.Minute)},
		{Call: ttphealth.Temporary, Start: now.Add(-5 * time.Hour).Truncate(ttphealth.Interval), Class: 30, OK: 5, Bad: 5,
			LastOK: now.Add(-5 * time.Hour), LastBad: now.Add(-4 * time.Hour)},
		{Call: ttphealth.Definitive, Start: now.Add(-25 * time.Hour).Truncate(ttphealth.Interval), Class: 30, OK: 7,
			LastOK: now.Add(-25 * time.Hour)},
	}
	if err := s.Store.RecordTTP(t.Context(), bins); err != nil {
		t.Fatal(err)
	}
	page = b.Get("/status/ttp")
	servertest.Contains(t, "a good TTP", page.Body, "Bereikbaar", "Toegangstoken", "Tijdelijke pseudoniemen", "5,0%", "<polyline",
		"app-chart__bad", "87 ms", "temporary: 100 calls in 24 h, 5 failed")
	if strings.Contains(page.Body, "style=") {
		t.Error("inline style")
	}
	servertest.Contains(t, "the overview", b.Get("/").Body, "TTP-status", "Bereikbaar")
	if err := s.Store.RecordTTP(t.Context(),
		[]ttphealth.Bin{{Call: ttphealth.Definitive, Start: now.Truncate(ttphealth.Interval), Class: 1, Bad: 1,
			LastBad: now}}); err != nil {
		t.Fatal(err)
	}
	servertest.Contains(t, "a TTP that fails", b.Get("/status/ttp").Body, "Gestoord")
	admin := s.SignedIn("admin")
	admin.Post("/taal", url.Values{"taal": {"en"}, "terug": {"/"}})
	servertest.Contains(t, "in English", admin.Get("/status/ttp").Body, "Impaired", "p95")
}
