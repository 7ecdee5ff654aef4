package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"sluis/internal/audit"
	"sluis/internal/server/api"
	"sluis/internal/server/servertest"
)

// sought searches for a number as an account, and returns what was found.
func sought(t *testing.T, s *servertest.Site, d *described, name string, body map[string]string) []api.Patient {
	t.Helper()
	a := s.Call(name, "POST", "/api/v1/patients/search", "application/json", string(servertest.Must(json.Marshal(body))(t)))
	d.fits("Patients", a)
	got := value[api.Patients](t, a)
	if a.Status != 200 || got.Next != nil || !strings.Contains(a.Body, `"patients":[`) {
		t.Errorf("%q: %d %s", body, a.Status, a.Body)
	}
	return got.Patients
}

func TestPatientsByNumber(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	s.SignedIn("uploader").Upload("save", "pilot40.csv", servertest.Pilot(t))
	for _, body := range []string{
		`{"patientNumber":"523534","birthDate":"1960-02-03","sex":"m","surname":"Ander","initials":"Q"}`,
		`{"patientNumber":"0523534","birthDate":"1961-02-03","sex":"v","surname":"Nul","initials":"N"}`,
	} {
		if a := s.Call("othercl", "POST", "/api/v1/patients", "application/json", body); a.Status != 201 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	for number, want := range map[string]int{
		"523534": 1, " 523534\t": 1, "523534.0": 1, "5.23534E5": 1, "523\u200b534": 1, "\u00a0523534": 1,
		"0523534": 0, "52353": 0, "5235345": 0, "nobody": 0, "%": 0, "523534' OR '1'='1": 0,
	} {
		got := sought(t, s, d, "uploader", map[string]string{"patientNumber": number})
		if len(got) != want || want == 1 && (got[0].PatientNumber != "523534" || got[0].Centre != "") {
			t.Errorf("%q: %+v, want %d", number, got, want)
		}
	}
	one := sought(t, s, d, "clinician", map[string]string{"patientNumber": "523534"})[0]
	whole := s.Call("clinician", "GET", "/api/v1/patients/"+one.ID, "", "")
	if same := value[api.Patient](t, whole); *same.BirthDate != *one.BirthDate || *same.Sex != *one.Sex {
		t.Errorf("the search found %+v, the patient is %s", one, whole.Body)
	}
	for centre, want := range map[string]int{"": 2, "2809": 1, "2810": 1, "9999": 0} {
		got := sought(t, s, d, "datamanager", map[string]string{"patientNumber": "523534", "centre": centre})
		if len(got) != want || want == 1 && got[0].Centre != centre {
			t.Errorf("all centres, of %q: %+v, want %d", centre, got, want)
		}
	}
	if got := sought(t, s, d, "uploader", map[string]string{"patientNumber": "523534", "centre": "2810"}); len(got) != 0 {
		t.Errorf("an uploader sees another centre: %+v", got)
	}
}

// TestASearchIsLoggedWithoutItsNumber: the access log has who searched and whom they saw,
// found or not; nothing has the number.
func TestASearchIsLoggedWithoutItsNumber(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	s.SignedIn("uploader").Upload("save", "pilot40.csv", servertest.Pilot(t))
	for number, subjects := range map[string]int{"8561234897": 0, "523534": 1, servertest.Canary: 0} {
		sought(t, s, d, "uploader", map[string]string{"patientNumber": number})
		ev := s.Events()[0]
		if ev.Type != audit.PatientsSearched || ev.Via != audit.ViaAPI || ev.Name != "token uploader" || ev.SubjectCount != subjects {
			t.Errorf("%q: %+v", number, ev)
		}
		if told := fmt.Sprintf("%+v", ev) + s.Log.String(); strings.Contains(told, number) {
			t.Errorf("%q is in a log", number)
		}
	}
	const path, kind, canary = "/api/v1/patients/search", "application/json", servertest.Canary
	for _, c := range []struct {
		what, name, kind, body string
		status                 int
		code                   string
	}{
		{"no body", "uploader", kind, "", 400, "json_malformed"},
		{"no number", "uploader", kind, "{}", 400, "invalid_parameter"},
		{"empty", "uploader", kind, `{"patientNumber":" "}`, 400, "invalid_parameter"},
		{"too long", "uploader", kind, `{"patientNumber":"` + strings.Repeat(canary, 6) + `"}`, 400, "invalid_parameter"},
		{"control", "uploader", kind, `{"patientNumber":"` + canary + `\u0001x"}`, 400, "invalid_parameter"},
		{"a number", "uploader", kind, `{"patientNumber":523534}`, 400, "json_not_text"},
		{"a list", "uploader", kind, `{"patientNumber":["` + canary + `"]}`, 400, "json_not_text"},
		{"misspelt", "uploader", kind, `{"patientnumber":"` + canary + `"}`, 400, "unknown_parameter"},
		{"another field", "uploader", kind, `{"patientNumber":"1","` + canary + `":"x"}`, 400, "unknown_parameter"},
		{"cut", "uploader", kind, `{"patientNumber":"` + canary, 400, "json_malformed"},
		{"as a form", "uploader", "application/x-www-form-urlencoded", "patientNumber=" + canary, 415, "content_type_json"},
		{"no right", "auditor", kind, `{"patientNumber":"` + canary + `"}`, 403, "forbidden"},
		{"nobody", "", kind, `{"patientNumber":"` + canary + `"}`, 401, "token_missing"},
	} {
		a := s.Call(c.name, "POST", path, c.kind, c.body)
		d.problem(c.what, a, c.status, c.code)
		if strings.Contains(a.Body, canary) {
			t.Errorf("%s: the number is repeated: %s", c.what, a.Body)
		}
	}
	d.problem("in the URL", s.Call("uploader", "POST", path+"?patientNumber="+canary, kind, "{}"), 400, "unknown_parameter")
	if strings.Contains(s.Log.String(), canary) {
		t.Error("the number is in the log")
	}
}
