package server_test

import (
	"database/sql"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/patient"
	"sluis/internal/server/servertest"
)

// TestNothingOfAnotherCentreInAnyBody: the people and scripts of one centre read all that
// they can reach, while another centre has patients, deliveries, accounts and tokens. No
// answer has anything of these.
func TestNothingOfAnotherCentreInAnyBody(t *testing.T) {
	s := servertest.New(t)
	ids := s.OwnObjects()
	secrets := []string{
		ids.Patient, ids.Delivery, ids.User, ids.Token, "pilot40.csv", "weer.csv", "523534", "uploader@example.nl", "clinician@example.nl",
		"Ziekenhuis 2809", "genodigde@example.nl",
	}
	bodies := 0
	look := func(what string, a servertest.Answer) {
		bodies++
		for _, secret := range secrets {
			if strings.Contains(a.Body, secret) {
				t.Errorf("%s holds %s", what, secret)
			}
		}
	}
	for _, name := range []string{"other", "othercl", "otherca"} {
		b, todo, met := s.SignedIn(name), []string{"/"}, map[string]bool{}
		for len(todo) > 0 && len(met) < 80 {
			path := todo[0]
			todo = todo[1:]
			if met[path] || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "/static/") {
				continue
			}
			met[path] = true
			a := b.Get(path)
			look(path+" as "+name, a)
			if strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
				todo = append(todo, leadsTo(t, a.Body)...)
			}
		}
		look("a search", b.Post("/patienten", url.Values{"number": {"52353"}}))
		for _, path := range []string{"/api/v1/patients", "/api/v1/deliveries", "/api/v1/me", "/api/v1/deliveries?centre=2809", "/api/v1/patients?centre=2809"} {
			look(path+" as "+name, s.Call(name, "GET", path, "", ""))
		}
	}
	if a := s.Call("othercl", "POST", "/api/v1/patients/search", "application/json", `{"patientNumber":"523534","centre":"2809"}`); strings.Contains(a.Body, ids.Patient) {
		t.Errorf("a search in another centre: %d %s", a.Status, a.Body)
	}
	t.Logf("%d bodies, %d secrets", bodies, len(secrets))
}

// TestNoPseudonymInAnyBody: a screen may show the display set only; no role sees the value
// of a pseudonym anywhere, nor the hash of a password or a token.
func TestNoPseudonymInAnyBody(t *testing.T) {
	s := servertest.New(t)
	ids := s.OwnObjects()
	db := servertest.Must(sql.Open("sqlite", "file:"+s.Database+"?mode=ro&_pragma=busy_timeout(5000)"))(t)
	defer db.Close()
	rows := servertest.Must(db.QueryContext(t.Context(), "SELECT value FROM pseudonyms"))(t)
	defer rows.Close()
	var values []string
	for rows.Next() {
		var value string
		if err := rows.Scan(&value); err != nil {
			t.Fatal(err)
		}
		values = append(values, value)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	user := servertest.Must(s.Store.UserByEmail(t.Context(), "uploader@example.nl"))(t)
	values = append(values, user.PasswordHash, s.Tokens["uploader"])
	if len(values) < 50 {
		t.Fatalf("%d values", len(values))
	}
	for _, name := range everyone {
		b := s.SignedIn(name)
		for _, route := range s.Server.Routes() {
			if route.Method != http.MethodGet {
				continue
			}
			a := request(t, s, b, name, route, ids)
			for _, v := range values {
				if strings.Contains(a.Body, v) {
					t.Errorf("%s as %q shows %.12s…", route.Pattern, name, v)
				}
			}
		}
	}
}

// TestExtraFieldsChangeNothing: a form field or parameter that the page does not ask for,
// named as a column or setting is, has no effect.
func TestExtraFieldsChangeNothing(t *testing.T) {
	s := servertest.New(t)
	extra := url.Values{
		"centrum": {"2810"}, "centre": {"2810"}, "centre_id": {"2"}, "rol": {"admin"}, "role": {"admin"}, "roles": {"admin"}, "user_id": {"1"},
		"disabled_at": {""}, "password_hash": {"x"}, "id": {"1"}, "public_id": {"x"}, "version": {"9"}, "outcome": {"created"}, "state": {"done"},
	}
	with := func(more url.Values) url.Values {
		form := url.Values{}
		for k, v := range extra {
			form[k] = v
		}
		for k, v := range more {
			form[k] = v
		}
		return form
	}
	clinician := s.SignedIn("clinician")
	entered := clinician.Post("/patienten/nieuw", with(url.Values{
		"number": {"9001"}, "birth-day": {"1"}, "birth-month": {"2"}, "birth-year": {"1970"}, "sex": {"v"}, "surname": {"Proef"}, "initials": {"P"},
	}))
	if entered.Status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", entered.Status, entered.Body)
	}
	all := servertest.Must(s.Store.Patients(t.Context(), audit.Who{Name: "test"}, account.AllCentres(), patient.Query{Limit: 50}))(t)
	if len(all.Patients) != 1 || all.Patients[0].CentreNumber != "2809" || all.Patients[0].Version != 1 {
		t.Errorf("%+v", all.Patients)
	}
	clinician.Post("/account/wachtwoord", with(url.Values{"huidig": {servertest.Password}, "nieuw": {newPassword}}))
	s.SignedIn("uploader").Post("/taal", with(url.Values{"taal": {"nl"}}))
	s.SignedIn("centreadmin").Post("/gebruikers/nieuw", with(url.Values{
		"email": {"extra@example.nl"}, "naam": {"Extra"}, "rol": {"uploader"}, "reden": {reason},
	}))
	for email, want := range map[string]account.Role{"clinician@example.nl": account.Clinician, "extra@example.nl": account.Uploader} {
		u := servertest.Must(s.Store.UserByEmail(t.Context(), email))(t)
		if len(u.Roles) != 1 || u.Roles[0] != want || u.Centre == nil || u.Centre.Number != "2809" {
			t.Errorf("%s is now %v of %+v", email, u.Roles, u.Centre)
		}
	}
	api := s.Call("clinician", "POST", "/api/v1/patients", "application/json",
		`{"patientNumber":"9002","birthDate":"1970-02-01","sex":"v","surname":"Proef","initials":"P","centre":"2810","version":7}`)
	if api.Status != http.StatusBadRequest || !strings.Contains(api.Body, "unknown") {
		t.Errorf("the API: %d %s", api.Status, api.Body)
	}
}

// TestMarkupIsShownAsText: whatever a person can put into the registry is text on every
// page of everyone who sees it.
func TestMarkupIsShownAsText(t *testing.T) {
	s := servertest.New(t)
	s.OwnObjects()
	evil := []string{
		`"><script>qx()</script>`, `'><img src=x onerror=qx()>`, `</title><svg/onload=qx()>`, `javascript:qx()`, `{{qx}}`, `--><qx>`, `"qx="`,
	}
	up, cl, admin := s.SignedIn("uploader"), s.SignedIn("clinician"), s.SignedIn("admin")
	for n, text := range evil {
		csv := strings.NewReplacer("\n", "", ";", ",").Replace(text)
		up.Upload("save", text+".csv", servertest.EntryHeader+`2809;1-1-1955;v;"`+strings.ReplaceAll(csv, `"`, `""`)+`";Anders;;q`+"\n")
		up.Upload("check", "kop.csv", strings.TrimSuffix(servertest.EntryHeader, "\n")+`;"`+strings.ReplaceAll(csv, `"`, `""`)+"\"\n2809;1-1-1955;v;77;Anders;;q;x\n")
		a := cl.Post("/patienten/nieuw", url.Values{"number": {text}, "surname": {text}, "initials": {text}, "birth-day": {text}, "sex": {text}})
		clean(t, "the form of an entry", a.Body)
		clean(t, "a search", up.Post("/patienten", url.Values{"number": {text}}).Body)
		clean(t, "signing in", s.Browser().Post("/inloggen", url.Values{"email": {text}, "password": {"x"}, "next": {text}}).Body)
		admin.Post("/gebruikers/nieuw", url.Values{
			"email": {"m" + string(rune('a'+n)) + "@example.nl"}, "naam": {text}, "rol": {"uploader"}, "centrum": {"2809"}, "reden": {text + " en meer"},
		})
		admin.Post("/tokens/nieuw", url.Values{"naam": {text}, "rol": {"uploader"}, "centrum": {"2809"}, "dagen": {"30"}})
		admin.Post("/centra/nieuw", url.Values{"nummer": {"3" + string(rune('0'+n))}, "naam": {text}, "reden": {text + " en meer"}})
	}
	pages, held := 0, 0
	for _, name := range everyone {
		b, todo, met := s.SignedIn(name), []string{"/"}, map[string]bool{}
		for len(todo) > 0 && len(met) < 60 {
			path := todo[0]
			todo = todo[1:]
			if met[path] || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "/static/") {
				continue
			}
			met[path] = true
			a := b.Get(path)
			if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
				continue
			}
			pages++
			if strings.Contains(a.Body, "qx") {
				held++
			}
			clean(t, path+" as "+name, a.Body)
			todo = append(todo, leadsTo(t, a.Body)...)
		}
	}
	t.Logf("%d pages, of which %d show such a text", pages, held)
	if held < 10 {
		t.Errorf("only %d of %d pages show the text: the test covers less than it should", held, pages)
	}
}

// clean checks that none of the markup of TestMarkupIsShownAsText is markup on a page.
func clean(t *testing.T, what, body string) {
	t.Helper()
	for _, bad := range []string{"<script>qx", "<img src=x", "<svg/onload", "<qx>", `"qx="`, `href="javascript:`, `'><img`} {
		if strings.Contains(body, bad) {
			t.Errorf("%s has %q as markup", what, bad)
		}
	}
}
