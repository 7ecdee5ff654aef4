package logbook_test

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sluis/internal/audit"
	"sluis/internal/audit/alarm"
	"sluis/internal/server/logbook"
	"sluis/internal/server/servertest"
)

// lines reads a CSV of ours.
func lines(t *testing.T, a servertest.Answer) [][]string {
	t.Helper()
	if kind := a.Header.Get("Content-Type"); a.Status != http.StatusOK || !strings.HasPrefix(kind, "text/csv") || !strings.HasPrefix(a.Body, "\ufeff") {
		t.Fatalf("%d %s\n%.500s", a.Status, kind, a.Body)
	}
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(a.Body, "\ufeff")))
	r.Comma, r.FieldsPerRecord = ';', -1
	return servertest.Must(r.ReadAll())(t)
}

// TestRecordPage shows an event with every field of it, whether it is what was recorded, and
// the patients that it is about.
func TestRecordPage(t *testing.T) {
	s := servertest.New(t)
	ids := s.OwnObjects()
	viewed := s.SignedIn("clinician").Get("/patienten/" + ids.Patient)
	ev := s.Events()[0]
	if ev.Type != audit.PatientViewed {
		t.Fatalf("%+v", ev)
	}
	b := s.SignedIn("auditor")
	list := b.Get("/logboek?soort=patient_viewed&resultaat=gelukt&groep=views").Body
	servertest.Contains(t, "the log", list, "/logboek/"+itoa(ev.ID), "gebeurtenis", "/logboek.csv?")
	page := b.Get("/logboek/" + itoa(ev.ID))
	servertest.Contains(t, "the record", page.Body, "Patiënt bekeken", "clinician@example.nl", "Invoerder", "2809", ids.Patient, "127.0.0.1",
		viewed.Header.Get("X-Request-Id"), "Zegel en plaats in het logboek kloppen", "ingezien")
	if seen := s.Events()[0]; seen.Type != audit.LogViewed || seen.Code != "log_record" || seen.ObjectID != itoa(ev.ID) || seen.SubjectCount != 1 {
		t.Errorf("reading it: %+v", seen)
	}
	for _, path := range []string{"/logboek/0", "/logboek/99999999", "/logboek/x"} {
		if a := b.Get(path); a.Status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.Status)
		}
	}
	for query, name := range map[string]string{"groep=x": "groep", "resultaat=x": "resultaat", "soort=x": "soort"} {
		if a := b.Get("/logboek?" + query); a.Status != http.StatusBadRequest || !strings.Contains(a.Body, name) {
			t.Errorf("%s: %d", query, a.Status)
		}
	}
}

func itoa(n int64) string {
	out := ""
	for ; n > 0; n /= 10 {
		out = string(rune('0'+n%10)) + out
	}
	return out
}

// TestExport downloads what a filter selects: no cell is a formula, and the export is recorded.
func TestExport(t *testing.T) {
	s := servertest.New(t)
	s.OwnObjects()
	if err := s.Store.Record(t.Context(), audit.Event{
		Type: audit.AccountChanged, Action: audit.Update, Who: audit.Who{Name: "=cmd|x"}, Reason: "+31 is geen formule", Code: "disabled",
	}); err != nil {
		t.Fatal(err)
	}
	b := s.SignedIn("auditor")
	rows := lines(t, b.Get("/logboek.csv?groep=accounts"))
	if len(rows) < 3 || rows[0][0] != "Nummer" || len(rows[0]) != 20 {
		t.Fatalf("%d rows: %q", len(rows), rows[0])
	}
	if first := rows[1]; first[6] != "'=cmd|x" || first[15] != "'+31 is geen formule" || first[3] != "Account gewijzigd" || first[13] != "disabled" {
		t.Errorf("%q", first)
	}
	for _, r := range rows[1:] {
		if r[2] != "account_changed" && r[2] != "accounts_listed" {
			t.Errorf("not in the group: %q", r)
		}
	}
	if ev := s.Events()[0]; ev.Type != audit.LogExported || ev.Code != "csv" || ev.Name != "auditor@example.nl" {
		t.Errorf("%+v", ev)
	}
	if a := b.Get("/logboek.csv?van=gisteren"); a.Status != http.StatusBadRequest {
		t.Errorf("a wrong date: %d", a.Status)
	}
	if whole := lines(t, b.Get("/logboek.csv")); len(whole) <= len(rows) {
		t.Errorf("%d rows of the whole log", len(whole))
	}
	if english := b.Get("/logboek.csv", "Cookie", "taal=en"); !strings.Contains(english.Body, "Nummer;") && english.Status == http.StatusOK {
		t.Error("scripts read the header")
	}
}

// TestDisclosure answers a patient who asks who saw their data, on paper and as a file.
func TestDisclosure(t *testing.T) {
	s := servertest.New(t)
	s.OwnObjects()
	s.SignedIn("clinician").Post("/patienten", url.Values{"number": {"523534"}})
	b := s.SignedIn("auditor")
	of := url.Values{"nummer": {"523534"}, "zorgaanbieder": {"2809"}}
	page := b.Post("/logboek/inzage", of)
	servertest.Contains(t, "the overview", page.Body, "Wie uw gegevens heeft gezien", "523534", "Ziekenhuis 2809", "Zocht uw patiëntnummer op",
		"clinician@example.nl", "Leverde uw gegevens aan", "Bekeek een lijst van patiënten")
	if ev := s.Events()[0]; ev.Type != audit.LogDisclosed || ev.Code != "html" || ev.SubjectCount != 1 {
		t.Errorf("%+v", ev)
	}
	answer := b.Post("/logboek/inzage.csv", of)
	rows := lines(t, answer)
	if len(rows) < 4 || strings.Join(rows[0], ";") != "Wanneer;Wie;Rol;Organisatie;Wat er gebeurde" || rows[1][4] != "Maakte dit overzicht voor u, of een eerder" {
		t.Errorf("%q", rows)
	}
	if strings.Contains(answer.Header.Get("Content-Disposition"), "523534") {
		t.Error("the number is in the name of the file")
	}
	for name, form := range map[string]url.Values{
		"another hospital": {"nummer": {"523534"}, "zorgaanbieder": {"2810"}}, "nobody": {"nummer": {"x"}, "zorgaanbieder": {"2809"}},
	} {
		for _, path := range []string{"/logboek/inzage", "/logboek/inzage.csv"} {
			if a := b.Post(path, form); a.Status != http.StatusOK || !strings.Contains(a.Body, "geen patiënt met dit nummer") {
				t.Errorf("%s, %s: %d", name, path, a.Status)
			}
		}
	}
	for _, form := range []url.Values{{"nummer": {"523534"}}, {"zorgaanbieder": {"2809"}}, {"nummer": {"1"}, "zorgaanbieder": {"x"}}} {
		if a := b.Post("/logboek/inzage", form); a.Status != http.StatusUnprocessableEntity {
			t.Errorf("%v: %d", form, a.Status)
		}
	}
}

// TestReview: the auditor is told that a review is due, sees what nobody has reviewed, and
// signs off. A month later it is due again.
func TestReview(t *testing.T) {
	s := servertest.New(t)
	s.OwnObjects()
	b := s.SignedIn("auditor")
	servertest.Contains(t, "the overview", b.Get("/").Body, "nog nooit gecontroleerd", "1 open alarm")
	page := b.Get("/logboek/controle").Body
	servertest.Contains(t, "the review", page, "Veel patiënten bekeken op een dag", "/logboek?groep=views", "Steekproef", "/logboek/")
	_, rest, _ := strings.Cut(page, `name="tot" value="`)
	to, _, _ := strings.Cut(rest, `"`)
	for _, form := range []url.Values{{}, {"gezien": {"ja"}}, {"gezien": {"ja"}, "opmerking": {"niets gevonden"}}, {"opmerking": {"niets"}, "tot": {to}}} {
		if a := b.Post("/logboek/controle", form); a.Status != http.StatusUnprocessableEntity {
			t.Errorf("%v: %d", form, a.Status)
		}
	}
	signed := b.Post("/logboek/controle", url.Values{"gezien": {"ja"}, "opmerking": {"niets gevonden"}, "tot": {to}})
	servertest.Contains(t, "after it", b.Follow(signed).Body, "De controle is afgetekend", "niets gevonden", "auditor@example.nl", "uiterlijk")
	done := servertest.Must(s.Store.LogReviews(t.Context()))(t)
	if len(done) != 1 || done[0].To.Format(time.RFC3339Nano) != to || !done[0].From.Before(done[0].To) {
		t.Errorf("%+v, want to %s", done, to)
	}
	s.Clock.Advance(logbook.DefaultReviewEvery + time.Hour)
	servertest.Contains(t, "the log a month later", s.SignedIn("auditor").Get("/logboek").Body, "had uiterlijk")
}

// TestAlarmPages: an alarm is shown, leads to its events, and is closed once. An administrator
// sees it and cannot close it.
func TestAlarmPages(t *testing.T) {
	s := servertest.New(t)
	ids := s.OwnObjects()
	b, admin := s.SignedIn("auditor"), s.SignedIn("admin")
	servertest.Contains(t, "the list", b.Get("/alarmen").Body, "Veel patiënten bekeken op een dag", "uploader@example.nl", "Open")
	page := b.Get("/alarmen/" + ids.Alarm).Body
	servertest.Contains(t, "the alarm", page, "meer patiënten dan gewoon", "/logboek?gebruiker=uploader", "Afhandelen")
	if seen := admin.Get("/alarmen/" + ids.Alarm); seen.Status != http.StatusOK || strings.Contains(seen.Body, "<textarea") {
		t.Errorf("an administrator: %d", seen.Status)
	}
	if a := b.Post("/alarmen/"+ids.Alarm, url.Values{"opmerking": {"x"}}); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("without a remark: %d", a.Status)
	}
	closing := url.Values{"opmerking": {"nagevraagd bij de afdeling"}}
	servertest.Contains(t, "closed", b.Follow(b.Post("/alarmen/"+ids.Alarm, closing)).Body, "Het alarm is afgehandeld", "geen open alarmen")
	servertest.Contains(t, "closed again", b.Follow(b.Post("/alarmen/"+ids.Alarm, closing)).Body, "al afgehandeld")
	servertest.Contains(t, "all", b.Get("/alarmen?staat=alle").Body, "Afgehandeld")
	servertest.Contains(t, "it", b.Get("/alarmen/"+ids.Alarm).Body, "nagevraagd bij de afdeling", "auditor@example.nl")
}

// TestAttacksRaiseAlarms: what the sign-in and the API record becomes an alarm, and a line in
// the service's log that names nobody.
func TestAttacksRaiseAlarms(t *testing.T) {
	s := servertest.New(t)
	for range 6 {
		s.Browser().SignIn("uploader@example.nl", "verkeerd")
	}
	limits := alarm.Defaults(time.UTC)
	limits.SignIns = 5
	raised, _, err := s.Store.RaiseAlarms(t.Context(), limits)
	causes := map[string]bool{}
	for _, a := range raised {
		if a.Kind == alarm.SignIns {
			causes[a.Cause] = true
		}
	}
	if err != nil || !causes["uploader@example.nl"] || !causes["127.0.0.1"] {
		t.Errorf("%+v, %v", raised, err)
	}
}
