package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sluis/internal/account"
	"sluis/internal/delivery"
)

const oddFile = "Zisnr;Wanneer geboren;M/V;Eigen naam;Initialen pat.;Tussenv.\n0017;3/4/1970;M;Canarynaam;Q.;van\n0018;5/6/1971;V;Canarytwee;X.;\n"

func TestAssignColumns(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("uploader")
	sent := b.upload("save", "epd.csv", oddFile)
	at := sent.location()
	page := b.follow(sent)
	contains(t, "the delivery", page.Body, "Toewijzen nodig", `href="`+at+`/kolommen"`, "Annuleren en gegevens verwijderen")
	form := b.get(at + "/kolommen")
	contains(t, "the form", form.Body, "Kolommen toewijzen", "Eigen naam", "0017 · 0018", "vermoed, controleer dit", "Hoe zijn de datums geschreven?", `name="onthouden"`)
	if strings.Contains(form.Body+page.Body+s.Log.String(), "Canary") {
		t.Error("a name is shown or logged")
	}
	if other := s.signedIn("clinician").get(at + "/kolommen"); other.Status != http.StatusForbidden {
		t.Errorf("a clinician: %d", other.Status)
	}
	if other := s.signedIn("other").get(at + "/kolommen"); other.Status != http.StatusNotFound {
		t.Errorf("another centre: %d", other.Status)
	}
	contains(t, "others see why it waits", s.signedIn("datamanager").get(at).Body, "De aanleveraar van het centrum moet eerst de kolommen toewijzen")

	v := url.Values{"blad": {"0"}, "kop": {"1"}, "veld-patientNumber": {"0"}, "veld-birthDate": {"1"}, "veld-sex": {"2"}, "veld-surname": {"3"}, "veld-initials": {"3"}}
	wrong := b.post(at+"/kolommen", v)
	if wrong.Status != http.StatusUnprocessableEntity {
		t.Fatalf("%d\n%s", wrong.Status, wrong.Body)
	}
	contains(t, "no order", wrong.Body, "Kies hoe de datums zijn geschreven.", `href="#volgorde"`, "Fout:")
	v.Set("volgorde", "dmy")
	wrong = b.post(at+"/kolommen", v)
	contains(t, "one column twice", wrong.Body, "Kolom 4 (D) is voor twee gegevens gekozen", `href="#veld-surname"`)
	v.Del("veld-initials")
	contains(t, "one too few", b.post(at+"/kolommen", v).Body, "De kolom Voorletters ontbreekt", `href="#veld-initials"`)
	v.Set("veld-initials", "4")
	v.Set("onthouden", "ja")
	done := b.post(at+"/kolommen", v)
	if done.Status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", done.Status, done.Body)
	}
	contains(t, "it goes on", b.follow(done).Body, "Alle 2 records opgeslagen")

	next := b.follow(b.upload("save", "epd2.csv", strings.NewReplacer("00", "99", "Canary", "Kanarie").Replace(oddFile)))
	contains(t, "the next file needs no screen", next.Body, "Alle 2 records opgeslagen", "zoals uw centrum ze eerder toewees")
	contains(t, "what is remembered", b.get("/aanleveringen/nieuw").Body, "van 1 soort bestand onthouden", "Vergeet dit")
	contains(t, "forgotten", b.follow(b.post("/aanleveringen/kolommen/vergeten", nil)).Body, "Vergeten.")
	contains(t, "then it asks again", b.follow(b.upload("check", "epd3.csv", strings.ReplaceAll(oddFile, "00", "88"))).Body, "Toewijzen nodig")
}

// TestColumnsLapse: a file whose columns nobody assigns is erased.
func TestColumnsLapse(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("uploader")
	at := b.upload("save", "epd.csv", oddFile).location()
	id := strings.TrimPrefix(at, "/aanleveringen/")
	if n := must(s.Store.Expire(t.Context(), s.Clock.Now().Add(delivery.ExpiryWarning), 0))(t); n != 1 {
		t.Fatalf("%d lapsed", n)
	}
	d := must(s.Store.Delivery(t.Context(), account.AllCentres(), id))(t)
	if block := must(s.Store.Block(t.Context(), d.ID, 0))(t); d.State != delivery.Cancelled || block != nil {
		t.Errorf("%s, %d bytes left", d.State, len(block))
	}
	contains(t, "too late", b.follow(b.get(at+"/kolommen")).Body, "wacht niet meer op het toewijzen")
}
