package deliveries_test

import (
	"net/http"
	"strings"
	"testing"

	"sluis/internal/server/servertest"
)

func TestPilotInTheBrowser(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("uploader")
	sent := b.Upload("save", "pilot40.csv", servertest.Pilot(t))
	page := b.Follow(sent)
	if page.Status != http.StatusOK || !strings.Contains(page.Body, "36 van 40 records opgeslagen, 4 afgewezen") {
		t.Fatalf("%d\n%s", page.Status, page.Body)
	}
	report := b.Get(sent.Location() + "/fouten?weergave=records")
	for _, message := range []string{"De geboortedatum is leeg", "De geboortedatum ligt in de toekomst",
		"Het geslacht bevat een ongeldige waarde"} {
		if !strings.Contains(page.Body, message) || !strings.Contains(report.Body, message) {
			t.Errorf("not told: %s", message)
		}
	}
	for bron, want := range map[string]string{"": "21 meldingen", "ttp": "6 meldingen", "sluis": "15 meldingen"} {
		if page := b.Get(sent.Location() + "/fouten?weergave=records&bron=" + bron); !strings.Contains(page.Body, want) ||
			!strings.Contains(page.Body, "4 records afgewezen, met 3 soorten fouten") || !strings.Contains(page.Body, `<option value="sluis"`) {
			t.Errorf("bron=%s is not %q", bron, want)
		}
	}
	servertest.CheckPilotCSV(t, b.Get(sent.Location()+"/fouten.csv").Body)
	servertest.CheckPilotJSON(t, b.Get(sent.Location()+"/fouten.json").Body)

	again := b.Upload("save", "pilot40.csv", servertest.Pilot(t))
	if page := b.Follow(again); !strings.Contains(page.Body, sent.Location()) {
		t.Errorf("the same file is not linked to its first delivery:\n%s", page.Body)
	}
	if list := b.Get("/patienten"); !strings.Contains(list.Body, "1–36 van 36") {
		t.Errorf("not 36 patients:\n%s", list.Body)
	}
	for _, name := range []string{"Jansen", "Bakker"} {
		if strings.Contains(s.Log.String()+s.TTP.Log.String()+page.Body+report.Body, name) {
			t.Errorf("a surname came out: %s", name)
		}
	}
}

func TestCheckThenSave(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("uploader")
	sent := b.Upload("check", "pilot40.csv", servertest.Pilot(t))
	if page := b.Follow(sent); !strings.Contains(page.Body, "36 van 40 records kunnen worden opgeslagen, 4 worden afgewezen") {
		t.Fatalf("%s", page.Body)
	}
	if list := b.Get("/patienten"); !strings.Contains(list.Body, "Er zijn nog geen patiënten") {
		t.Error("a check stored something")
	}
	if page := b.Follow(b.Post(sent.Location()+"/opslaan", nil)); !strings.Contains(page.Body, "36 van 40 records opgeslagen, 4 afgewezen") ||
		strings.Contains(page.Body, "De records worden opgeslagen") {
		t.Errorf("%s", page.Body)
	}
	// Twice is not an error: the page says that there is nothing to decide.
	if page := b.Follow(b.Post(sent.Location()+"/opslaan", nil)); !strings.Contains(page.Body, "Uw klik heeft niets gewijzigd") {
		t.Errorf("%s", page.Body)
	}
}

func TestCheckThenCancel(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("uploader")
	sent := b.Upload("check", "pilot40.csv", servertest.Pilot(t))
	if page := b.Follow(b.Post(sent.Location()+"/annuleren", nil)); !strings.Contains(page.Body, "Deze aanlevering is geannuleerd") {
		t.Errorf("%s", page.Body)
	}
}

func TestModeAfterTheFileOnlyChecks(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("uploader")
	kind, body := servertest.Multipart(servertest.File("file", "pilot40.csv", servertest.Pilot(t)), servertest.Field("mode", "save"))
	page := b.Follow(b.Do("POST", "/aanleveringen", kind, body))
	if !strings.Contains(page.Body, "kunnen worden opgeslagen") ||
		!strings.Contains(page.Body, "Het bestand is ontvangen. Alleen controleren") {
		t.Errorf("%s", page.Body)
	}
}
