package patients_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/patient"
	"sluis/internal/server"
	"sluis/internal/server/servertest"
)

func person(change ...string) url.Values {
	v := url.Values{
		"number": {"0012"}, "birth-day": {"31"}, "birth-month": {"1"}, "birth-year": {"1961"}, "sex": {"v"},
		"surname": {servertest.Canary}, "prefix": {"van der"}, "initials": {"Q."},
	}
	for i := 0; i+1 < len(change); i += 2 {
		v.Set(change[i], change[i+1])
	}
	return v
}

func TestEnterOnePatient(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("clinician")
	for _, c := range []struct{ change, outcome, heading string }{
		{"v", "created", "Patiënt opgeslagen"}, {"v", "unchanged", "Patiënt was al bekend"},
	} {
		got := b.Post("/patienten/nieuw", person("sex", c.change))
		if got.Status != http.StatusSeeOther || !strings.HasSuffix(got.Location(), "/klaar?uitkomst="+c.outcome) {
			t.Fatalf("%d %s\n%s", got.Status, got.Location(), got.Body)
		}
		page := b.Follow(got)
		if page.Status != http.StatusOK || !strings.Contains(page.Body, c.heading) || !strings.Contains(page.Body, "0012") ||
			!strings.Contains(page.Body, "31-1-1961") {
			t.Errorf("%d\n%s", page.Status, page.Body)
		}
		if strings.Contains(page.Body+got.Location(), servertest.Canary) {
			t.Error("the surname came back")
		}
		if detail := b.Get(strings.TrimSuffix(strings.Split(got.Location(), "?")[0], "/klaar")); !strings.Contains(detail.Body, "NGGV") ||
			strings.Contains(detail.Body, servertest.Canary) {
			t.Errorf("%s", detail.Body)
		}
	}
	if strings.Contains(s.Log.String()+s.TTP.Log.String(), servertest.Canary) {
		t.Error("the surname is in the log")
	}
}

// TestEntryOfANumber: a BSN is refused at its field in whatever way it is written, and a
// number that is stored otherwise than it was typed is told.
func TestEntryOfANumber(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("clinician")
	for _, bsn := range []string{"111222333", "1112.22.333", "BSN 111222333", "١١١٢٢٢٣٣٣"} {
		got := b.Post("/patienten/nieuw", person("number", bsn))
		if got.Status != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d", bsn, got.Status)
		}
		servertest.Contains(t, bsn, got.Body, `href="#number"`, "Dit patiëntnummer ziet eruit als een BSN. Een registratie mag geen BSN ontvangen.")
	}
	page := b.Follow(b.Post("/patienten/nieuw", person("number", "700\u200b100.0")))
	servertest.Contains(t, "marks are taken out", page.Body, "Patiënt opgeslagen", "anders opgeslagen dan u het typte", "700100")
	if strings.Contains(page.Body, "\u200b") {
		t.Error("the mark is still there")
	}
	if again := b.Follow(b.Post("/patienten/nieuw", person("number", "700100"))); strings.Contains(again.Body, "dan u het typte") {
		t.Error("a plain number is told too")
	}
}

func TestEntryThatTheTTPRefuses(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("clinician")
	got := b.Post("/patienten/nieuw", person("birth-year", "2899", "prefix", "'s <b>"))
	if got.Status != http.StatusUnprocessableEntity {
		t.Fatalf("%d\n%s", got.Status, got.Body)
	}
	for _, want := range []string{"De TTP meldt:", "De geboortedatum ligt in de toekomst", `href="#birth`, `value="2899"`,
		`value="` + servertest.Canary + `"`, "&lt;b&gt;"} {
		if !strings.Contains(got.Body, want) {
			t.Errorf("not shown: %s", want)
		}
	}
	empty := b.Post("/patienten/nieuw", person("birth-day", "", "birth-month", "", "birth-year", ""))
	if strings.Contains(empty.Body, "bestand") || !strings.Contains(empty.Body, "Vul de dag, de maand en het jaar van de geboorte in.") {
		t.Error("the advice is for a file, not for a form")
	}
	if list := b.Get("/patienten"); !strings.Contains(list.Body, "Er zijn nog geen patiënten") {
		t.Error("something was stored")
	}
	for _, ev := range s.Events() {
		if ev.Type == audit.PatientEntered && ev.Result == audit.MinorFailure && ev.Code == "rejected" {
			return
		}
	}
	t.Error("the refused entry is not in the access log")
}

func TestEntryThatSluisRefuses(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("clinician")
	before := s.TTP.Calls.Load()
	for _, c := range []struct{ field, value, input, message string }{
		{"number", " ", "number", "Vul het patiëntnummer in."},
		{"number", strings.Repeat("1", patient.MaxNumberLength+1), "number", "Het patiëntnummer is te lang"},
		{"number", "1\x002", "number", "Dit veld bevat tekens"},
		{"birth-day", "31x", "birth", "Deze geboortedatum bestaat niet"},
		{"birth-month", "2", "birth", "Deze geboortedatum bestaat niet"},
		{"birth-month", "", "birth", "Vul dag, maand en jaar"},
		{"birth-year", "61", "birth", "Deze geboortedatum bestaat niet"},
		{"surname", strings.Repeat("é", 201), "surname", "De tekst is te lang"},
	} {
		got := b.Post("/patienten/nieuw", person(c.field, c.value))
		if got.Status != http.StatusUnprocessableEntity || !strings.Contains(got.Body, c.message) ||
			!strings.Contains(got.Body, `href="#`+c.input) {
			t.Errorf("%s=%q: %d\n%.2000s", c.field, c.value, got.Status, got.Body)
		}
	}
	if after := s.TTP.Calls.Load(); after != before {
		t.Errorf("the TTP was asked %d times", after-before)
	}
}

func TestEmptyBirthDateIsForTheTTP(t *testing.T) {
	s := servertest.New(t)
	got := s.SignedIn("clinician").Post("/patienten/nieuw", person("birth-day", "", "birth-month", "", "birth-year", ""))
	if got.Status != http.StatusUnprocessableEntity || !strings.Contains(got.Body, "De geboortedatum is leeg") {
		t.Errorf("%d\n%s", got.Status, got.Body)
	}
}

func TestEntryWithoutTheTTP(t *testing.T) {
	s := servertest.New(t)
	s.TTP.Break(func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	})
	got := s.SignedIn("clinician").Post("/patienten/nieuw", person())
	if got.Status != http.StatusServiceUnavailable || !strings.Contains(got.Body, "Niet opgeslagen") ||
		!strings.Contains(got.Body, `value="`+servertest.Canary+`"`) {
		t.Fatalf("%d\n%s", got.Status, got.Body)
	}
	if strings.Contains(s.Log.String(), servertest.Canary) {
		t.Error("the surname is in the log")
	}
	for _, ev := range s.Events() {
		if ev.Type == audit.PatientEntered && ev.Result == audit.SeriousFailure && ev.Code == "ttp_unavailable" {
			return
		}
	}
	t.Error("the failed entry is not in the access log")
}

func TestEntryThatWaitsForADataManager(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("clinician")
	b.Post("/patienten/nieuw", person())
	got := b.Post("/patienten/nieuw", person("surname", "Anderskamp"))
	if got.Status != http.StatusOK || !strings.Contains(got.Body, "wordt beoordeeld") || strings.Contains(got.Body, "Anderskamp") {
		t.Errorf("%d\n%s", got.Status, got.Body)
	}
}

func TestBirthYearOnly(t *testing.T) {
	s := servertest.New(t, func(o *server.Options) { o.BirthYearOnly = true })
	b := s.SignedIn("clinician")
	page := b.Follow(b.Post("/patienten/nieuw", person()))
	if !strings.Contains(page.Body, "1961") || strings.Contains(page.Body, "31-1") {
		t.Errorf("%s", page.Body)
	}
	scope := account.ActorOf(account.User{Roles: []account.Role{account.DataManager}}).Scope()
	kept := servertest.Must(s.Store.Patients(t.Context(), audit.Who{}, scope, patient.Query{Limit: 10}))(t)
	if len(kept.Patients) != 1 || kept.Patients[0].Birth != (patient.Birth{Year: 1961}) {
		t.Errorf("kept: %+v", kept.Patients)
	}
	if got := s.Call("clinician", "GET", "/api/v1/patients", "", ""); !strings.Contains(got.Body, `"birthYear":1961`) ||
		strings.Contains(got.Body, "birthDate") {
		t.Errorf("%s", got.Body)
	}
}

func TestSearchKeepsTheNumberOutOfTheURL(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("uploader")
	b.Upload("save", "pilot40.csv", servertest.Pilot(t))
	found := b.Post("/patienten", url.Values{"number": {"523534"}})
	if found.Status != http.StatusOK || strings.Count(found.Body, `href="/patienten/`) == 0 || strings.Contains(found.Body, "62343") {
		t.Errorf("%d\n%s", found.Status, found.Body)
	}
	if strings.Contains(found.Body, "Naar het begin") {
		t.Error("the only page of a result leads to its beginning")
	}
	if strings.Contains(found.Body, "?number") || strings.Contains(s.Log.String(), "523534") {
		t.Error("the number is in a URL or in the log")
	}
	for _, written := range []string{"523534.0", "523\u200b534", "\u00a0523534 "} {
		if found := b.Post("/patienten", url.Values{"number": {written}}); strings.Count(found.Body, `href="/patienten/`) == 0 || strings.Contains(found.Body, "Geen patiënt met precies") {
			t.Errorf("%q does not find 523534", written)
		}
	}
	if none := b.Post("/patienten", url.Values{"number": {"0523534"}}); !strings.Contains(none.Body, "Geen patiënt met precies dit nummer") {
		t.Error("leading zeros make no difference")
	}
	if foreign := s.SignedIn("other").Post("/patienten", url.Values{"number": {"523534"}}); !strings.Contains(foreign.Body,
		"Geen patiënt met precies dit nummer") {
		t.Error("another centre finds the patient")
	}
}
