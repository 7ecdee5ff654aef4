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

// TestOrderOfDatesIsAsked: if the columns are known and the order of the dates is not, that
// is all that is asked, also if the first rows do not show it.
func TestOrderOfDatesIsAsked(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("uploader")
	const head = "Patiëntnummer;Geboortedatum;Geslacht;Achternaam;Voorletters\n"
	open := "1;7/1/1990 12:00:00 AM;m;Canarynaam;A\n2;3/11/1985 12:00:00 AM;v;Canarytwee;B\n"
	ask := func(name, file string) string {
		t.Helper()
		at := b.Upload("save", name, file).Location()
		servertest.Contains(t, name, b.Get(at).Body, "Toewijzen nodig", "hoe de datums zijn geschreven", `href="`+at+`/kolommen"`)
		return at
	}
	at := ask("epd.csv", head+open)
	form := b.Get(at + "/kolommen")
	servertest.Contains(t, "the form", form.Body, "Volgorde van dag en maand", "7/1/1990 12:00:00 AM", "Dag eerst: 3-4-1970 is 3 april",
		`<input type="hidden" name="veld-patientNumber" value="0"`, `<input type="hidden" name="veld-initials" value="4"`,
		"Kiezen en verder")
	if strings.Contains(form.Body, "<select") || strings.Contains(form.Body, "Canary") {
		t.Errorf("more is asked, or a name is shown:\n%s", form.Body)
	}
	v := url.Values{"blad": {"0"}, "kop": {"1"}, "veld-patientNumber": {"0"}, "veld-birthDate": {"1"}, "veld-sex": {"2"},
		"veld-surname": {"3"}, "veld-initials": {"4"}, "onthouden": {"ja"}}
	wrong := b.Post(at+"/kolommen", v)
	if wrong.Status != http.StatusUnprocessableEntity {
		t.Fatalf("%d\n%s", wrong.Status, wrong.Body)
	}
	servertest.Contains(t, "no order", wrong.Body, "Kies hoe de datums zijn geschreven.", `href="#volgorde"`)
	v.Set("volgorde", "mdy")
	servertest.Contains(t, "it goes on", b.Follow(b.Post(at+"/kolommen", v)).Body, "Alle 2 records opgeslagen",
		"gelezen als maand-dag-jaar",
		"van 1985 tot en met 1990")
	servertest.Contains(t, "it is remembered", b.Follow(b.Upload("check", "epd2.csv",
		head+strings.ReplaceAll(open, "Canary", "Kanarie"))).Body,
		"gelezen als maand-dag-jaar")
	servertest.Contains(t, "forgotten", b.Follow(b.Post("/aanleveringen/kolommen/vergeten", nil)).Body, "Vergeten.")

	late := head
	for i := range 60 {
		late += "9" + strings.Repeat("0", i%9) + strings.Repeat("1", i/9+1) + ";3/3/1970 12:00:00 AM;m;Jansen;A\n"
	}
	at = ask("laat.csv", late+open)
	servertest.Contains(t, "the first rows do not show it", b.Get(at+"/kolommen").Body, "Volgorde van dag en maand")
	servertest.Contains(t, "it goes on", b.Follow(b.Post(at+"/kolommen", v)).Body, "gelezen als maand-dag-jaar")

	// The columns are asked first, and then the dates that the first rows do not show.
	at = ask("beide.csv", strings.Replace(late+open, "Voorletters", "Letters pat", 1))
	servertest.Contains(t, "columns first", b.Get(at+"/kolommen").Body, "Kolommen toewijzen", "<select")
	v.Del("volgorde")
	b.Follow(b.Post(at+"/kolommen", v))
	servertest.Contains(t, "then the dates", b.Get(at+"/kolommen").Body, "Volgorde van dag en maand", `name="veld-initials" value="4"`)
	v.Set("volgorde", "dmy")
	servertest.Contains(t, "it goes on", b.Follow(b.Post(at+"/kolommen", v)).Body, "records")
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
