package api_test

import (
	"net/http"
	"strings"
	"testing"

	"sluis/internal/server/api"
	"sluis/internal/server/servertest"
)

// openDates is a file that does not show whether the day or the month comes first.
const openDates = "Patiëntnummer;Geboortedatum;Geslacht;Achternaam;Voorletters\n" +
	"1;7/1/1990 12:00:00 AM;m;Canarynaam;A\n2;3/11/1985 12:00:00 AM;v;Canarytwee;B\n"

// TestOrderOfDates: nobody is there to ask, so that a script says the order with its file.
func TestOrderOfDates(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	deliver := func(query string) string {
		sent := s.Call("uploader", "POST", api.Prefix+"/deliveries?filename=a.csv"+query, "text/csv", openDates)
		if sent.Status != http.StatusAccepted {
			t.Fatalf("%d %s", sent.Status, sent.Body)
		}
		v := finished(t, s, d, "uploader", value[api.Accepted](t, sent).ID)
		return string(v.Status) + " " + s.Call("uploader", "GET", api.Prefix+"/deliveries/"+v.ID, "", "").Body
	}
	for query, want := range map[string][]string{
		"":           {"refused", "DATES_ORDER_OPEN", "zeg de volgorde met de parameter dates: dmy of mdy"},
		"&dates=mdy": {"done", "DATES_MONTH_FIRST", "De jaren lopen van 1985 tot en met 1990"},
		"&dates=dmy": {"done"},
	} {
		got := deliver(query)
		if !strings.HasPrefix(got, want[0]+" ") || strings.Contains(got, "Canary") {
			t.Errorf("%q: %s", query, got)
		}
		servertest.Contains(t, query, got, want...)
	}
	for _, wrong := range []string{"&dates=ydm", "&dates="} {
		a := s.Call("uploader", "POST", api.Prefix+"/deliveries?filename=a.csv"+wrong, "text/csv", openDates)
		if a.Status != http.StatusBadRequest || !strings.Contains(a.Body, "invalid_parameter") {
			t.Errorf("%s: %d %s", wrong, a.Status, a.Body)
		}
	}
	t.Run("the same key with another order is another request", func(t *testing.T) {
		send := func(query string) int {
			return s.Call("uploader", "POST", api.Prefix+"/deliveries?filename=b.csv"+query, "text/csv", openDates, "Idempotency-Key",
				"k").Status
		}
		if one, two := send("&dates=dmy"), send("&dates=mdy"); one != http.StatusAccepted || two != http.StatusConflict {
			t.Errorf("%d %d", one, two)
		}
	})
}

// TestEntryOfABSN: a single entry is refused in the words of a file with BSNs.
func TestEntryOfABSN(t *testing.T) {
	s := servertest.New(t)
	for _, number := range []string{"111222333", "1112.22.333", "BSN 111222333", "111222333.0", "111\u200b222\u200b333"} {
		body := `{"patientNumber":"` + number + `","birthDate":"1970-03-02","sex":"m","surname":"Jansen","initials":"A"}`
		a := s.Call("clinician", "POST", api.Prefix+"/patients", "application/json", body)
		if a.Status != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d %s", number, a.Status, a.Body)
		}
		servertest.Contains(t, number, a.Body, `"number_bsn"`, `"patientNumber"`,
			"Een registratie mag geen BSN ontvangen. Gebruik het patiëntnummer uit uw EPD.")
	}
	a := s.Call("clinician", "POST", api.Prefix+"/patients", "application/json",
		`{"patientNumber":"700\u200b100","birthDate":"1970-03-02","sex":"m","surname":"Jansen","initials":"A"}`)
	servertest.Contains(t, "a number with marks", a.Body, "NUMBER_REWRITTEN")
}
