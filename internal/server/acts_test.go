package server_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"sluis/internal/server/servertest"
)

// recordTable says, for every route, which events of the access log a request leaves: type
// and, after a slash, code. The request is that of TestMatrix, of an object of one's own, with
// as little as the route needs. A route that leaves none then shows nothing of anybody; what
// its form does is among the acts.
var recordTable = map[string]string{
	"GET /healthz":                            "",
	"GET /readyz":                             "",
	"GET /static/*":                           "",
	"GET /inloggen":                           "",
	"POST /inloggen":                          "",
	"POST /taal":                              "",
	"POST /uitloggen":                         "sign_out",
	"GET /":                                   "deliveries_listed deliveries_listed",
	"GET /patienten":                          "patients_listed",
	"POST /patienten":                         "",
	"GET /patienten/nieuw":                    "",
	"POST /patienten/nieuw":                   "",
	"GET /patienten/{id}":                     "patient_viewed",
	"GET /patienten/{id}/klaar":               "patient_viewed",
	"GET /aanleveringen":                      "deliveries_listed deliveries_listed",
	"GET /aanleveringen/nieuw":                "",
	"POST /aanleveringen":                     "",
	"GET /aanleveringen/{id}":                 "delivery_viewed",
	"GET /aanleveringen/{id}/kolommen":        "delivery_viewed",
	"POST /aanleveringen/{id}/kolommen":       "",
	"GET /aanleveringen/voorbeeld/{name}":     "",
	"POST /aanleveringen/kolommen/vergeten":   "columns_forgotten",
	"GET /aanleveringen/{id}/voortgang":       "",
	"POST /aanleveringen/{id}/opslaan":        "",
	"POST /aanleveringen/{id}/annuleren":      "",
	"POST /aanleveringen/{id}/nu-proberen":    "delivery_retried",
	"GET /aanleveringen/{id}/fouten":          "report_viewed/html",
	"GET /aanleveringen/{id}/fouten.csv":      "report_viewed/csv",
	"GET /aanleveringen/{id}/fouten.json":     "report_viewed/json",
	"GET /aanleveringen/{id}/fouten.xlsx":     "report_viewed/xlsx",
	"GET /datasets":                           "datasets_listed",
	"POST /datasets/{id}/importeren":          "",
	"GET /beoordelen":                         "reviews_listed",
	"GET /beoordelen/{id}":                    "review_viewed",
	"POST /beoordelen/{id}":                   "review_viewed",
	"GET /migratie":                           "existing_viewed",
	"GET /migratie/rijen":                     "",
	"POST /migratie/{id}/pauzeren":            "",
	"POST /migratie/{id}/hervatten":           "",
	"POST /migratie/{id}/doorgaan":            "",
	"POST /migratie/{id}/goedkeuren":          "",
	"GET /migratie/bewijzen":                  "proofs_listed",
	"GET /migratie/bewijzen/{id}":             "proof_viewed",
	"GET /migratie/bewijzen/{id}/bewijs.json": "proof_exported",
	"GET /status/ttp":                         "ttp_viewed",
	"GET /logboek":                            "log_viewed",
	"POST /logboek":                           "",
	"GET /logboek.csv":                        "log_exported/csv",
	"GET /logboek/inzage":                     "",
	"POST /logboek/inzage":                    "",
	"POST /logboek/inzage.csv":                "",
	"GET /logboek/controle":                   "log_viewed/log_review alarms_listed",
	"POST /logboek/controle":                  "log_viewed/log_review alarms_listed",
	"GET /logboek/{id}":                       "log_viewed/log_record",
	"GET /alarmen":                            "alarms_listed",
	"GET /alarmen/{id}":                       "alarms_listed",
	"POST /alarmen/{id}":                      "alarms_listed",
	"GET /gebruikers":                         "accounts_listed",
	"GET /gebruikers/nieuw":                   "",
	"POST /gebruikers/nieuw":                  "",
	"GET /gebruikers/controle":                "accounts_listed/html",
	"POST /gebruikers/controle":               "accounts_listed/html",
	"GET /gebruikers/controle.csv":            "accounts_listed/csv",
	"GET /gebruikers/{id}":                    "accounts_listed",
	"POST /gebruikers/{id}/rollen":            "accounts_listed",
	"POST /gebruikers/{id}/blokkeren":         "accounts_listed",
	"POST /gebruikers/{id}/deblokkeren":       "accounts_listed",
	"POST /gebruikers/{id}/link":              "accounts_listed",
	"GET /uitnodiging/{token}":                "",
	"POST /uitnodiging/{token}":               "",
	"GET /centra":                             "accounts_listed",
	"GET /centra/nieuw":                       "",
	"POST /centra/nieuw":                      "",
	"GET /centra/{id}":                        "accounts_listed",
	"POST /centra/{id}":                       "",
	"GET /tokens":                             "accounts_listed",
	"GET /tokens/nieuw":                       "",
	"POST /tokens/nieuw":                      "",
	"POST /tokens/{id}/intrekken":             "accounts_listed", // asks for a reason
	"GET /tokens/{id}":                        "accounts_listed",
	"GET /inloggen/via/{id}":                  "", "GET /inloggen/via/{id}/terug": "sign_in/sign_on_odd", "POST /inloggen/via/{id}/afmelden": "",
	"POST /inloggen/via": "", "GET /uitnodiging/{token}/via/{id}": "", "POST /gebruikers/{id}/ontkoppelen": "accounts_listed",
	"GET /inlogdiensten": "accounts_listed", "GET /inlogdiensten/nieuw": "", "POST /inlogdiensten/nieuw": "accounts_listed",
	"GET /inlogdiensten/{id}": "", "POST /inlogdiensten/{id}": "accounts_listed", "POST /inlogdiensten/{id}/controleren": "",
	"GET /account/sessie": "", "POST /account/sessie": "",
	"GET /verwerkers": "accounts_listed", "GET /verwerkers/nieuw": "", "POST /verwerkers/nieuw": "",
	"GET /mandaten/nieuw": "", "POST /mandaten/nieuw": "", "GET /mandaten/{id}": "accounts_listed", "POST /mandaten/{id}/intrekken": "accounts_listed",
	"GET /account":                            "",
	"POST /account/wachtwoord":                "access_denied/password_wrong",
	"POST /inloggen/passkey/opties":           "",
	"POST /inloggen/passkey":                  "",
	"GET /inloggen/factor":                    "",
	"POST /inloggen/factor":                   "",
	"POST /inloggen/factor/opties":            "",
	"POST /inloggen/stoppen":                  "",
	"GET /inloggen/instellen":                 "",
	"POST /inloggen/instellen/opties":         "",
	"POST /inloggen/instellen/passkey":        "",
	"GET /inloggen/instellen/app":             "",
	"POST /inloggen/instellen/app":            "",
	"GET /bevestigen":                         "",
	"POST /bevestigen":                        "",
	"POST /bevestigen/opties":                 "",
	"GET /account/passkeys/nieuw":             "",
	"POST /account/passkeys/opties":           "",
	"POST /account/passkeys":                  "",
	"GET /account/app":                        "",
	"POST /account/app":                       "",
	"POST /account/app/verwijderen":           "",
	"POST /account/herstelcodes":              "",
	"GET /onderhoud":                          "",
	"POST /onderhoud":                         "",
	"POST /account/passkeys/{id}/naam":        "access_denied/not_found",
	"POST /account/passkeys/{id}/verwijderen": "access_denied/not_found",
	"POST /onderhoud/{id}/intrekken":          "access_denied/not_found",
	"POST /gebruikers/{id}/factoren":          "accounts_listed",
	"POST /account/sessies/{id}/beeindigen":   "sign_out/session_ended",
	"GET /api/v1/openapi.json":                "",
	"GET /api/v1/me":                          "",
	"GET /api/v1/deliveries":                  "deliveries_listed",
	"POST /api/v1/deliveries":                 "",
	"GET /api/v1/deliveries/{id}":             "delivery_viewed",
	"POST /api/v1/deliveries/{id}/confirm":    "",
	"POST /api/v1/deliveries/{id}/cancel":     "",
	"POST /api/v1/deliveries/{id}/retry":      "delivery_retried",
	"GET /api/v1/deliveries/{id}/report":      "report_viewed/json",
	"GET /api/v1/patients":                    "patients_listed",
	"POST /api/v1/patients":                   "",
	"POST /api/v1/patients/search":            "",
	"GET /api/v1/patients/{id}":               "patient_viewed",
	"GET /fhir/metadata":                      "",
	"POST /fhir":                              "",
	"POST /fhir/":                             "",
	"POST /fhir/Patient":                      "",
}

// act is a request that does something, which the walk over the routes does not.
type act struct {
	what, name, method, path string
	form                     url.Values // of a page
	body                     string     // of a call of the API
	want                     string     // the first event that it leaves; workers may add others
}

const because = "omdat de proef dat vraagt"

// form makes a form of names and values in turn.
func form(pairs ...string) url.Values {
	f := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
	}
	return f
}

// acts are one of each kind of sign-in, search, entry, change, export and disclosure.
func acts(ids servertest.Objects) []act {
	person := form("number", "0012", "birth-day", "31", "birth-month", "1", "birth-year", "1961", "sex", "v", "surname", servertest.Canary,
		"initials", "Q")
	script := `{"patientNumber":"0013","birthDate":"1962-03-04","sex":"m","surname":"Anderling","initials":"Q"}`
	now := time.Now().UTC().Format(time.RFC3339Nano)
	user, patient := "/gebruikers/"+ids.User, form("nummer", "523534", "zorgaanbieder", "2809")
	return []act{
		{"sign-in", "", "POST", "/inloggen", form("email", "uploader@example.nl", "password", servertest.Password), "", "sign_in/password_only"},
		{"wrong password", "", "POST", "/inloggen", form("email", "uploader@example.nl", "password", "mis"), "", "sign_in/sign_in_failed"},
		{"search", "uploader", "POST", "/patienten", form("number", "523534"), "", "patients_searched"},
		{"search for nobody", "uploader", "POST", "/patienten", form("number", "nobody"), "", "patients_searched"},
		{"entry", "clinician", "POST", "/patienten/nieuw", person, "", "patient_entered/created"},
		{"search by a script", "uploader", "POST", "/api/v1/patients/search", nil, `{"patientNumber":"523534"}`, "patients_searched"},
		{"entry by a script", "clinician", "POST", "/api/v1/patients", nil, script, "patient_entered/created"},
		{
			"invitation", "admin", "POST", "/gebruikers/nieuw",
			form("email", "fleur@example.nl", "naam", "Fleur", "rol", "uploader", "centrum", "2809", "reden", because), "",
			"account_changed/invited",
		},
		{
			"roles", "admin", "POST", user + "/rollen", form("rol", "clinician", "centrum", "2809", "reden-rollen", because), "",
			"account_changed/roles",
		},
		{"link", "admin", "POST", user + "/link", form("reden-link", because), "", "account_changed/reset_link"},
		{"block", "admin", "POST", user + "/blokkeren", form("reden-blokkeren", because), "", "account_changed/disabled"},
		{"unblock", "admin", "POST", user + "/deblokkeren", form("reden-deblokkeren", because), "", "account_changed/enabled"},
		{"centre", "admin", "POST", "/centra/nieuw", form("nummer", "3001", "naam", "Derde", "soort", "tijdelijk"), "", "account_changed"},
		{"token", "admin", "POST", "/tokens/nieuw", form("naam", "nacht", "rol", "uploader", "centrum", "2809",
			"geldig", "90", "reden", "op verzoek"), "", "account_changed"},
		{"review of access", "admin", "POST", "/gebruikers/controle", form("gezien", "ja", "opmerking", because), "", "account_changed/review_signed"},
		{"who looked", "auditor", "POST", "/logboek", patient, "", "log_viewed/log_patient"},
		{"disclosure", "auditor", "POST", "/logboek/inzage", patient, "", "log_disclosed/html"},
		{"disclosure as a file", "auditor", "POST", "/logboek/inzage.csv", patient, "", "log_disclosed/csv"},
		{"review of the log", "auditor", "POST", "/logboek/controle", form("gezien", "ja", "opmerking", because, "tot", now), "", "log_reviewed"},
		{"alarm closed", "auditor", "POST", "/alarmen/" + ids.Alarm, form("opmerking", because), "", "alarm_closed/mass_day"},
	}
}

// do makes the request of an act.
func (a act) do(s *servertest.Site, b *servertest.Browser) servertest.Answer {
	if a.body != "" {
		return s.Call(a.name, a.method, a.path, "application/json", a.body)
	}
	return b.Post(a.path, a.form)
}

// TestEveryActLeavesItsRecord does one of each kind of act.
func TestEveryActLeavesItsRecord(t *testing.T) {
	s := servertest.New(t)
	ids := s.OwnObjects()
	uploader := s.SignedIn("uploader")
	last := s.Events()[0].ID
	sent := uploader.Upload("save", "x.csv", servertest.EntryHeader+"2809;1-1-1955;v;99;Anders;;q\n")
	if got := left(s, last, sent.Header.Get("X-Request-Id")); !strings.HasPrefix(got, "delivery_received") {
		t.Errorf("a delivery leaves %q", got)
	}
	for _, a := range acts(ids) {
		b := s.SignedIn(a.name)
		before := s.Events()[0].ID
		answer := a.do(s, b)
		got := left(s, before, answer.Header.Get("X-Request-Id"))
		if got != a.want && !strings.HasPrefix(got, a.want+" ") {
			t.Errorf("%s: %q, want %q (%d)\n%.800s", a.what, got, a.want, answer.Status, answer.Body)
		}
	}
}
