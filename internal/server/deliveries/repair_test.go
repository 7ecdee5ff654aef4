package deliveries_test

import (
	"net/http"
	"strings"
	"testing"

	"sluis/internal/server/servertest"
)

// repairing posts the upload form as the page of a delivery leads to it.
func repairing(t *testing.T, b *servertest.Browser, of string, ticked bool, content string) servertest.Answer {
	t.Helper()
	id := strings.TrimPrefix(of, "/aanleveringen/")
	form := b.Get("/aanleveringen/nieuw?herstelt=" + id)
	if form.Status != http.StatusOK || !strings.Contains(form.Body, `value="`+id+`" checked`) {
		t.Fatalf("the form does not name the delivery: %d\n%s", form.Status, form.Body)
	}
	parts := []servertest.Part{servertest.Field("mode", "save")}
	if ticked {
		parts = append(parts, servertest.Field("herstelt", id))
	}
	kind, body := servertest.Multipart(append(parts, servertest.File("file", "herstel.csv", content))...)
	return b.Do("POST", strings.ReplaceAll(servertest.Action(form.Body), "&amp;", "&"), kind, body)
}

// From the result to a mended file and back: both say how far it is.
func TestRepair(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("uploader")
	first := b.Upload("save", "pilot40.csv", servertest.Pilot(t)).Location()
	id := strings.TrimPrefix(first, "/aanleveringen/")
	b.Says(first, `href="/aanleveringen/nieuw?herstelt=`+id+`"`)
	b.Says("/aanleveringen/nieuw?herstelt="+id, "pilot40.csv", "4 records afgewezen", "Dit bestand herstelt een eerdere aanlevering")

	// A failed try keeps the link to the repaired delivery, or stays without it if the
	// user took it off.
	for _, ticked := range []bool{true, false} {
		parts := []servertest.Part{servertest.Field("mode", "save")}
		if ticked {
			parts = append(parts, servertest.Field("herstelt", id))
		}
		kind, body := servertest.Multipart(append(parts, servertest.File("file", "leeg.csv", ""))...)
		again := b.Do("POST", "/aanleveringen?herstelt="+id, kind, body)
		if again.Status != http.StatusUnprocessableEntity || strings.Contains(again.Body, `value="`+id+`" checked`) != ticked ||
			!strings.Contains(again.Body, `value="`+id+`"`) {
			t.Errorf("ticked %v: %d\n%s", ticked, again.Status, again.Body)
		}
	}

	loose := repairing(t, b, first, false, servertest.Mended(4)).Location()
	if page := b.Get(first).Body; strings.Contains(page, "hersteld") || strings.Contains(b.Get(loose).Body, "Herstelt") {
		t.Error("a file whose link was dropped repairs all the same")
	}
	second := repairing(t, b, first, true, servertest.Mended(3)).Location()
	b.Says(first, "3 van 4 hersteld", `href="`+second+`"`, "Regel 39, patiëntnummer 001", "De rest herstellen")
	b.Says(second, "Herstelt een eerdere aanlevering: 3 van 4 hersteld", `href="`+first+`"`, "Regel 39, patiëntnummer 001")
	b.Says("/aanleveringen?groep=to_mend", first, second, "3 van 4 hersteld")
	third := repairing(t, b, second, true, servertest.Mended(4)).Location()
	b.Says(first, "4 van 4 hersteld", "Er is niets meer te herstellen.", second, third)
	b.Says(second, "Herstelt een eerdere aanlevering: 4 van 4 hersteld", "1 van 1 hersteld")
	if list := b.Get("/aanleveringen?groep=to_mend").Body; !strings.Contains(list, "Er is niets te herstellen.") {
		t.Errorf("what is repaired is still to be repaired:\n%s", list)
	}
	if page := b.Get("/").Body; strings.Contains(page, "te herstellen") {
		t.Error("the overview still counts them")
	}

	if a := b.Get("/aanleveringen/nieuw?herstelt=" + strings.TrimPrefix(third, "/aanleveringen/")); a.Status != http.StatusConflict {
		t.Errorf("a delivery without a fault can be repaired: %d", a.Status)
	}
	other := s.SignedIn("other")
	if a := other.Get("/aanleveringen/nieuw?herstelt=" + id); a.Status != http.StatusNotFound {
		t.Errorf("another centre: %d", a.Status)
	}
	kind, body := servertest.Multipart(servertest.Field("mode", "save"), servertest.Field("herstelt", id),
		servertest.File("file", "x.csv", servertest.Mended(4)))
	if a := other.Do("POST", "/aanleveringen", kind, body); a.Status != http.StatusNotFound {
		t.Errorf("another centre repairs it: %d", a.Status)
	}
}

func TestRepairOfARefusedFile(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("uploader")
	first := b.Upload("save", "bsn.csv", "BSN;Geslacht\n1;m\n").Location()
	b.Says(first, "bestand", `href="/aanleveringen/nieuw?herstelt=`)
	second := repairing(t, b, first, true, servertest.Mended(4)).Location()
	b.Says(first, "Opnieuw aangeleverd", second)
	b.Says(second, "Herstelt een eerdere aanlevering", "bestand afgekeurd")
	if list := b.Get("/aanleveringen?groep=to_mend").Body; strings.Contains(list, first) {
		t.Error("the refused file is still to be repaired")
	}
}
