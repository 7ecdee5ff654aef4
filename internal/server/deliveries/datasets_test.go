package deliveries_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sluis/internal/server/servertest"
	"sluis/internal/ttpclient/ttptest"
	"sluis/internal/ttpsandbox"
)

// TestDatasets: from the list to the patients, by who may.
func TestDatasets(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("datamanager")
	servertest.Contains(t, "nothing", b.Get("/datasets").Body, "Er staat niets klaar bij de TTP")
	csv := servertest.Pilot(t)
	id, rows, refused, err := s.TTP.Sandbox.AddDataset(t.Context(), "2809", strings.NewReader(csv),
		ttpsandbox.Order{Domain: ttptest.Domain})
	if err != nil || rows != 36 || refused != 4 {
		t.Fatal(rows, refused, err)
	}
	foreign, _, _, err := s.TTP.Sandbox.AddDataset(t.Context(), "4711", strings.NewReader(csv), ttpsandbox.Order{})
	if err != nil {
		t.Fatal(err)
	}
	list := b.Get("/datasets").Body
	servertest.Contains(t, "the list", list, id, "Nog niet geïmporteerd", "Dit centrum staat niet in de registratie",
		"/datasets/"+id+"/importeren")
	if strings.Contains(list, "/datasets/"+foreign+"/importeren") {
		t.Error("a dataset of an unknown centre can be imported")
	}
	checked := b.Post("/datasets/"+id+"/importeren", url.Values{"modus": {"check"}})
	servertest.Contains(t, "checked", b.Get(checked.Location()).Body, "Dataset "+id, "36 records opslaan")
	servertest.Contains(t, "meanwhile", b.Get("/datasets").Body, "Wordt geïmporteerd")
	again := b.Post("/datasets/"+id+"/importeren", url.Values{"modus": {"save"}})
	if again.Location() != "/datasets" {
		t.Errorf("twice at once goes to %s", again.Location())
	}
	servertest.Contains(t, "twice at once", b.Get("/datasets").Body, "wordt al geïmporteerd")
	if got := b.Post(checked.Location()+"/opslaan", nil); got.Status != http.StatusSeeOther {
		t.Errorf("saving: %d", got.Status)
	}
	servertest.Contains(t, "saved", b.Get(checked.Location()).Body, "Alle 36 records opgeslagen")
	servertest.Contains(t, "afterwards", b.Get("/datasets").Body, "Eerder geïmporteerd")
	servertest.Contains(t, "the centre's own page", s.SignedIn("uploader").Get(checked.Location()).Body, "Dataset van de TTP")
	if got := s.SignedIn("other").Get(checked.Location()); got.Status != http.StatusNotFound {
		t.Errorf("another centre: %d", got.Status)
	}
	if got := b.Post("/datasets/nothing/importeren", url.Values{"modus": {"save"}}); got.Status != http.StatusNotFound {
		t.Errorf("a dataset that is not there: %d", got.Status)
	} else {
		servertest.Contains(t, "not there", got.Body, "Deze dataset staat niet meer klaar")
	}
	s.Faults("down")
	if got := b.Get("/datasets"); got.Status != http.StatusServiceUnavailable {
		t.Errorf("while the TTP is down: %d", got.Status)
	} else {
		servertest.Contains(t, "down", got.Body, "De TTP is niet bereikbaar")
	}
}
