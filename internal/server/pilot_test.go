package server_test

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sluis/internal/server/report"
)

// rejected are the pilot's four rows: line, number, column, message.
var rejected = []string{
	"7 987654 Geboortedatum De geboortedatum is leeg",
	"27 8561234897 Geboortedatum De geboortedatum ligt in de toekomst",
	"30 666 Geslacht Het geslacht bevat een ongeldige waarde",
	"39 001 Geboortedatum De geboortedatum is leeg",
}

func TestPilotInTheBrowser(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("uploader")
	sent := b.upload("save", "pilot40.csv", pilot(t))
	page := b.follow(sent)
	if page.Status != http.StatusOK || !strings.Contains(page.Body, "36 van 40 records opgeslagen, 4 afgewezen") {
		t.Fatalf("%d\n%s", page.Status, page.Body)
	}
	report := b.get(sent.location() + "/fouten?weergave=records")
	for _, message := range []string{"De geboortedatum is leeg", "De geboortedatum ligt in de toekomst", "Het geslacht bevat een ongeldige waarde"} {
		if !strings.Contains(page.Body, message) || !strings.Contains(report.Body, message) {
			t.Errorf("not told: %s", message)
		}
	}
	for bron, want := range map[string]string{"": "21 meldingen", "ttp": "6 meldingen", "sluis": "15 meldingen", "anders": "21 meldingen"} {
		if page := b.get(sent.location() + "/fouten?weergave=records&bron=" + bron); !strings.Contains(page.Body, want) ||
			!strings.Contains(page.Body, "4 records afgewezen, met 3 soorten fouten") || !strings.Contains(page.Body, `<option value="sluis"`) {
			t.Errorf("bron=%s is not %q", bron, want)
		}
	}
	checkCSV(t, b.get(sent.location()+"/fouten.csv").Body)
	checkJSON(t, b.get(sent.location()+"/fouten.json").Body)

	again := b.upload("save", "pilot40.csv", pilot(t))
	if page := b.follow(again); !strings.Contains(page.Body, sent.location()) {
		t.Errorf("the same file is not linked to its first delivery:\n%s", page.Body)
	}
	if list := b.get("/patienten"); !strings.Contains(list.Body, "1–36 van 36") {
		t.Errorf("not 36 patients:\n%s", list.Body)
	}
	for _, name := range []string{"Jansen", "Bakker"} {
		if strings.Contains(s.Log.String()+s.TTP.Log.String()+page.Body+report.Body, name) {
			t.Errorf("a surname came out: %s", name)
		}
	}
}

func checkCSV(t *testing.T, body string) {
	t.Helper()
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(body, "\ufeff")))
	r.Comma = ';'
	rows := must(r.ReadAll())(t)
	var got []string
	for _, row := range rows[1:] {
		if row[4] == "fout" {
			got = append(got, strings.Join([]string{row[0], row[1], row[2], row[5]}, " "))
		}
	}
	if !slices.Equal(got, rejected) {
		t.Errorf("CSV: %q", got)
	}
}

func checkJSON(t *testing.T, body string) {
	t.Helper()
	var got struct{ Rows []report.Row }
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	var fatal []string
	for _, row := range got.Rows {
		if row.Severity == "fatal" {
			fatal = append(fatal, strings.Join([]string{itoa(row.Line), row.PatientNumber, row.Column, row.Message}, " "))
			if row.Source != "ttp" || row.Advice == "" {
				t.Errorf("not the TTP's, or without our advice: %+v", row)
			}
		}
	}
	if !slices.Equal(fatal, rejected) {
		t.Errorf("JSON: %q", fatal)
	}
}

func TestCheckThenSave(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("uploader")
	sent := b.upload("check", "pilot40.csv", pilot(t))
	if page := b.follow(sent); !strings.Contains(page.Body, "36 van 40 records kunnen worden opgeslagen, 4 worden afgewezen") {
		t.Fatalf("%s", page.Body)
	}
	if list := b.get("/patienten"); !strings.Contains(list.Body, "Er zijn nog geen patiënten") {
		t.Error("a check stored something")
	}
	if page := b.follow(b.post(sent.location()+"/opslaan", nil)); !strings.Contains(page.Body, "36 van 40 records opgeslagen, 4 afgewezen") ||
		strings.Contains(page.Body, "De records worden opgeslagen") {
		t.Errorf("%s", page.Body)
	}
	// Twice is not an error: the page says that there is nothing to decide.
	if page := b.follow(b.post(sent.location()+"/opslaan", nil)); !strings.Contains(page.Body, "Uw klik heeft niets gewijzigd") {
		t.Errorf("%s", page.Body)
	}
}

func TestCheckThenCancel(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("uploader")
	sent := b.upload("check", "pilot40.csv", pilot(t))
	if page := b.follow(b.post(sent.location()+"/annuleren", nil)); !strings.Contains(page.Body, "Deze aanlevering is geannuleerd") {
		t.Errorf("%s", page.Body)
	}
}

func TestModeAfterTheFileOnlyChecks(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("uploader")
	kind, body := multipartBody(part{"file", "pilot40.csv", pilot(t)}, part{"mode", "", "save"})
	page := b.follow(b.do("POST", "/aanleveringen", kind, body))
	if !strings.Contains(page.Body, "kunnen worden opgeslagen") || !strings.Contains(page.Body, "Het bestand is ontvangen. Alleen controleren") {
		t.Errorf("%s", page.Body)
	}
}

func TestSearchKeepsTheNumberOutOfTheURL(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("uploader")
	b.upload("save", "pilot40.csv", pilot(t))
	found := b.post("/patienten", url.Values{"number": {"523534"}})
	if found.Status != http.StatusOK || strings.Count(found.Body, `href="/patienten/`) == 0 || strings.Contains(found.Body, "62343") {
		t.Errorf("%d\n%s", found.Status, found.Body)
	}
	if strings.Contains(found.Body, "Naar het begin") {
		t.Error("the only page of a result leads to its beginning")
	}
	if strings.Contains(found.Body, "?number") || strings.Contains(s.Log.String(), "523534") {
		t.Error("the number is in a URL or in the log")
	}
	if none := b.post("/patienten", url.Values{"number": {"0523534"}}); !strings.Contains(none.Body, "Geen patiënt met precies dit nummer") {
		t.Error("leading zeros make no difference")
	}
	if foreign := s.signedIn("other").post("/patienten", url.Values{"number": {"523534"}}); !strings.Contains(foreign.Body, "Geen patiënt met precies dit nummer") {
		t.Error("another centre finds the patient")
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
