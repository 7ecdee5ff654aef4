package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sluis/internal/server"
	"sluis/internal/ttpclient/ttptest"
	"sluis/internal/ttphealth"
	"sluis/internal/ttpsandbox"
)

func contains(t *testing.T, what, page string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(page, w) {
			t.Errorf("%s lacks %q", what, w)
		}
	}
}

func (s *site) faults(text string) {
	s.t.Helper()
	f, err := ttpsandbox.ParseFaults(text)
	if err != nil {
		s.t.Fatal(err)
	}
	s.TTP.Sandbox.SetFaults(f)
}

func TestTTPStatus(t *testing.T) {
	ends := map[string]time.Duration{"client_certificate": 3 * 24 * time.Hour, "prepare_secret": 20 * 24 * time.Hour}
	s := newSite(t, func(o *server.Options) {
		o.Expiries = func() []server.Expiry {
			return []server.Expiry{
				{What: "client_certificate", At: time.Now().Add(ends["client_certificate"])},
				{What: "prepare_secret", At: time.Now().Add(ends["prepare_secret"])},
				{What: "resolve_secret"},
			}
		}
	})
	b := s.signedIn("datamanager")
	page := b.get("/status/ttp")
	contains(t, "an unused TTP", page.Body, "Nog niet gebruikt", "Na de eerste aanlevering staan hier de cijfers", "Onbekend: stel de einddatum in", "Dringend", "Binnenkort", "nog niet opgehaald")
	now := s.Clock.Now().UTC()
	bins := []ttphealth.Bin{
		{Call: ttphealth.Token, Start: now.Truncate(ttphealth.Interval), Class: 10, OK: 3, LastOK: now},
		{Call: ttphealth.Temporary, Start: now.Truncate(ttphealth.Interval), Class: 20, OK: 90, LastOK: now.Add(-time.Minute)},
		{Call: ttphealth.Temporary, Start: now.Add(-5 * time.Hour).Truncate(ttphealth.Interval), Class: 30, OK: 5, Bad: 5, LastOK: now.Add(-5 * time.Hour), LastBad: now.Add(-4 * time.Hour)},
		{Call: ttphealth.Definitive, Start: now.Add(-25 * time.Hour).Truncate(ttphealth.Interval), Class: 30, OK: 7, LastOK: now.Add(-25 * time.Hour)},
	}
	if err := s.Store.RecordTTP(t.Context(), bins); err != nil {
		t.Fatal(err)
	}
	page = b.get("/status/ttp")
	contains(t, "a good TTP", page.Body, "Bereikbaar", "Toegangstoken", "Tijdelijke pseudoniemen", "5,0%", "<polyline", "app-chart__bad", "87 ms", "temporary: 100 calls in 24 h, 5 failed")
	if strings.Contains(page.Body, "style=") {
		t.Error("inline style")
	}
	contains(t, "the overview", b.get("/").Body, "TTP-status", "Bereikbaar")
	if err := s.Store.RecordTTP(t.Context(), []ttphealth.Bin{{Call: ttphealth.Definitive, Start: now.Truncate(ttphealth.Interval), Class: 1, Bad: 1, LastBad: now}}); err != nil {
		t.Fatal(err)
	}
	contains(t, "a TTP that fails", b.get("/status/ttp").Body, "Gestoord")
	admin := s.signedIn("admin")
	admin.post("/taal", url.Values{"taal": {"en"}, "terug": {"/"}})
	contains(t, "in English", admin.get("/status/ttp").Body, "Impaired", "p95")
}

// TestPausedTellsWhy: a TTP that is down and one that refuses us are told apart,
// on every page and in the API; nothing is lost; it goes on when the TTP is back.
func TestPausedTellsWhy(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("uploader")
	s.faults("down")
	sent := b.upload("save", "pilot40.csv", pilot(t))
	page := b.get(sent.location())
	contains(t, "paused", page.Body, "Gepauzeerd, TTP niet bereikbaar", "Nu proberen", "Er is niets verloren", "De volgende poging is op")
	contains(t, "the list", b.get("/aanleveringen").Body, "Gepauzeerd, TTP niet bereikbaar")
	id := strings.TrimPrefix(sent.location(), "/aanleveringen/")
	if d := s.call("uploader", "GET", "/api/v1/deliveries/"+id, "", ""); !strings.Contains(d.Body, `"pauseReason":"down"`) {
		t.Errorf("the API says %s", d.Body)
	}
	s.faults("")
	if got := b.post(sent.location()+"/nu-proberen", nil); got.Status != http.StatusSeeOther {
		t.Errorf("now: %d", got.Status)
	}
	contains(t, "done", b.get(sent.location()).Body, "36 van 40 records opgeslagen")

	s.TTP.BreakCalls(func(_ int, _ http.Handler, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
	})
	sent = b.upload("save", "nog eens.csv", pilot(t))
	contains(t, "refused", b.get(sent.location()).Body, "Gepauzeerd, TTP weigert toegang", "De TTP weigert de toegang")
	contains(t, "the status", s.signedIn("admin").get("/status/ttp").Body, "Weigert toegang")
	if got := s.signedIn("datamanager").post(sent.location()+"/annuleren", nil); got.Status != http.StatusForbidden {
		t.Errorf("a data manager cancels a centre's delivery: %d", got.Status)
	}
}

// TestDatasets: from the list to the patients, by who may.
func TestDatasets(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("datamanager")
	contains(t, "nothing", b.get("/datasets").Body, "Er staat niets klaar bij de TTP")
	csv := pilot(t)
	id, rows, refused, err := s.TTP.Sandbox.AddDataset(t.Context(), "2809", strings.NewReader(csv), ttpsandbox.Order{Domain: ttptest.Domain})
	if err != nil || rows != 36 || refused != 4 {
		t.Fatal(rows, refused, err)
	}
	foreign, _, _, err := s.TTP.Sandbox.AddDataset(t.Context(), "4711", strings.NewReader(csv), ttpsandbox.Order{})
	if err != nil {
		t.Fatal(err)
	}
	list := b.get("/datasets").Body
	contains(t, "the list", list, id, "Nog niet geïmporteerd", "Dit centrum staat niet in de registratie", "/datasets/"+id+"/importeren")
	if strings.Contains(list, "/datasets/"+foreign+"/importeren") {
		t.Error("a dataset of an unknown centre can be imported")
	}
	checked := b.post("/datasets/"+id+"/importeren", url.Values{"modus": {"check"}})
	contains(t, "checked", b.get(checked.location()).Body, "Dataset "+id, "36 records opslaan")
	contains(t, "meanwhile", b.get("/datasets").Body, "Wordt geïmporteerd")
	again := b.post("/datasets/"+id+"/importeren", url.Values{"modus": {"save"}})
	if again.location() != "/datasets" {
		t.Errorf("twice at once goes to %s", again.location())
	}
	contains(t, "twice at once", b.get("/datasets").Body, "wordt al geïmporteerd")
	if got := b.post(checked.location()+"/opslaan", nil); got.Status != http.StatusSeeOther {
		t.Errorf("saving: %d", got.Status)
	}
	contains(t, "saved", b.get(checked.location()).Body, "Alle 36 records opgeslagen")
	contains(t, "afterwards", b.get("/datasets").Body, "Eerder geïmporteerd")
	contains(t, "the centre's own page", s.signedIn("uploader").get(checked.location()).Body, "Dataset van de TTP")
	if got := s.signedIn("other").get(checked.location()); got.Status != http.StatusNotFound {
		t.Errorf("another centre: %d", got.Status)
	}
	if got := b.post("/datasets/nothing/importeren", url.Values{"modus": {"save"}}); got.Status != http.StatusNotFound {
		t.Errorf("a dataset that is not there: %d", got.Status)
	} else {
		contains(t, "not there", got.Body, "Deze dataset staat niet meer klaar")
	}
	s.faults("down")
	if got := b.get("/datasets"); got.Status != http.StatusServiceUnavailable {
		t.Errorf("while the TTP is down: %d", got.Status)
	} else {
		contains(t, "down", got.Body, "De TTP is niet bereikbaar")
	}
}
