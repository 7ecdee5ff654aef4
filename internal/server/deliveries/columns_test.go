package deliveries_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sluis/internal/account"
	"sluis/internal/delivery"
	"sluis/internal/server/servertest"
)

func TestAssignColumns(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("uploader")
	sent := b.Upload("save", "epd.csv", servertest.OddFile)
	at := sent.Location()
	page := b.Follow(sent)
	servertest.Contains(t, "the delivery", page.Body, "Toewijzen nodig", `href="`+at+`/kolommen"`, "Annuleren en gegevens verwijderen")
	form := b.Get(at + "/kolommen")
	servertest.Contains(t, "the form", form.Body, "Kolommen toewijzen", "Eigen naam", "0017 · 0018", "vermoed, controleer dit",
		"Hoe zijn de datums geschreven?", `name="onthouden"`)
	if strings.Contains(form.Body+page.Body+s.Log.String(), "Canary") {
		t.Error("a name is shown or logged")
	}
	if other := s.SignedIn("clinician").Get(at + "/kolommen"); other.Status != http.StatusForbidden {
		t.Errorf("a clinician: %d", other.Status)
	}
	if other := s.SignedIn("other").Get(at + "/kolommen"); other.Status != http.StatusNotFound {
		t.Errorf("another centre: %d", other.Status)
	}
	servertest.Contains(t, "others see why it waits", s.SignedIn("datamanager").Get(at).Body,
		"De aanleveraar van het centrum moet eerst de kolommen toewijzen")

	v := url.Values{"blad": {"0"}, "kop": {"1"}, "veld-patientNumber": {"0"}, "veld-birthDate": {"1"}, "veld-sex": {"2"},
		"veld-surname": {"3"}, "veld-initials": {"3"}}
	wrong := b.Post(at+"/kolommen", v)
	if wrong.Status != http.StatusUnprocessableEntity {
		t.Fatalf("%d\n%s", wrong.Status, wrong.Body)
	}
	servertest.Contains(t, "no order", wrong.Body, "Kies hoe de datums zijn geschreven.", `href="#volgorde"`, "Fout:")
	v.Set("volgorde", "dmy")
	wrong = b.Post(at+"/kolommen", v)
	servertest.Contains(t, "one column twice", wrong.Body, "Kolom 4 (D) is voor twee gegevens gekozen", `href="#veld-surname"`)
	v.Del("veld-initials")
	servertest.Contains(t, "one too few", b.Post(at+"/kolommen", v).Body, "De kolom Voorletters ontbreekt", `href="#veld-initials"`)
	v.Set("veld-initials", "4")
	v.Set("onthouden", "ja")
	done := b.Post(at+"/kolommen", v)
	if done.Status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", done.Status, done.Body)
	}
	servertest.Contains(t, "it goes on", b.Follow(done).Body, "Alle 2 records opgeslagen")

	next := b.Follow(b.Upload("save", "epd2.csv", strings.NewReplacer("00", "99", "Canary", "Kanarie").Replace(servertest.OddFile)))
	servertest.Contains(t, "the next file needs no screen", next.Body, "Alle 2 records opgeslagen", "zoals uw centrum ze eerder toewees")
	servertest.Contains(t, "what is remembered", b.Get("/aanleveringen/nieuw").Body, "van 1 soort bestand onthouden", "Vergeet dit")
	servertest.Contains(t, "forgotten", b.Follow(b.Post("/aanleveringen/kolommen/vergeten", nil)).Body, "Vergeten.")
	servertest.Contains(t, "then it asks again",
		b.Follow(b.Upload("check", "epd3.csv", strings.ReplaceAll(servertest.OddFile, "00", "88"))).Body, "Toewijzen nodig")
}

// TestColumnsLapse: a file whose columns nobody assigns is erased.
func TestColumnsLapse(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("uploader")
	at := b.Upload("save", "epd.csv", servertest.OddFile).Location()
	id := strings.TrimPrefix(at, "/aanleveringen/")
	if n := servertest.Must(s.Store.Expire(t.Context(), s.Clock.Now().Add(delivery.ExpiryWarning), 0))(t); n != 1 {
		t.Fatalf("%d lapsed", n)
	}
	d := servertest.Must(s.Store.Delivery(t.Context(), account.AllCentres(), id))(t)
	if block := servertest.Must(s.Store.Block(t.Context(), d.ID, 0))(t); d.State != delivery.Cancelled || block != nil {
		t.Errorf("%s, %d bytes left", d.State, len(block))
	}
	servertest.Contains(t, "too late", b.Follow(b.Get(at+"/kolommen")).Body, "wacht niet meer op het toewijzen")
}
