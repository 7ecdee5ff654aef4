package ttpsandbox_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluis/internal/ttpsandbox"
)

// ttp is a sandbox behind real HTTP, with a clock that a test can set.
type ttp struct {
	*ttpsandbox.Sandbox
	t   testing.TB
	url string
	now time.Time
	log bytes.Buffer
}

func options(keyFile string) ttpsandbox.Options {
	return ttpsandbox.Options{
		KeyFile: keyFile,
		Domains: []string{"qrns", "other"},
		Clients: []ttpsandbox.Client{
			{ID: "hospital", Secret: "s:1/ü", Recipient: "registry", Scopes: []string{ttpsandbox.ScopeTemporary}},
			{ID: "elsewhere", Secret: "s2", Recipient: "someone", Scopes: []string{ttpsandbox.ScopeTemporary}, Domains: []string{"other"}},
			{ID: "stray", Secret: "s4", Recipient: "someone", Scopes: []string{ttpsandbox.ScopeTemporary}},
			{ID: "registry", Secret: "s3", Recipient: "registry", Scopes: []string{ttpsandbox.ScopeDefinitive}},
		},
	}
}

var secrets = map[string]string{"hospital": "s:1/ü", "elsewhere": "s2", "registry": "s3", "stray": "s4"}

func start(t testing.TB, opt ttpsandbox.Options) *ttp {
	t.Helper()
	x := &ttp{t: t, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	opt.Now = func() time.Time { return x.now }
	opt.Log = slog.New(slog.NewJSONHandler(&x.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	if x.Sandbox, err = ttpsandbox.New(opt); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(x.Handler())
	t.Cleanup(srv.Close)
	x.url = srv.URL
	return x
}

func (x *ttp) token(client, secret, scope string) (int, string) {
	x.t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}
	req, _ := http.NewRequestWithContext(x.t.Context(), http.MethodPost, x.url+"/oauth2/token", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(client), url.QueryEscape(secret))
	status, body, _ := x.do(req)
	var out struct {
		Token string `json:"access_token"`
		Error string `json:"error"`
	}
	if err := json.Unmarshal(body, &out); err != nil {
		x.t.Fatal(err)
	}
	return status, out.Token + out.Error
}

func (x *ttp) do(req *http.Request) (int, []byte, http.Header) {
	x.t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		x.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		x.t.Fatal(err)
	}
	return resp.StatusCode, body, resp.Header
}

// post makes a call as client; change can spoil the request.
func (x *ttp) post(client, verb, key, body string, change ...func(*http.Request)) (int, []byte) {
	x.t.Helper()
	_, token := x.token(client, secrets[client], "")
	req, _ := http.NewRequestWithContext(x.t.Context(), http.MethodPost, x.url+"/v1/pseudonyms/"+verb, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Idempotency-Key", key)
	for _, c := range change {
		c(req)
	}
	status, answer, _ := x.do(req)
	return status, answer
}

type item struct {
	Ref        string
	Pseudonyms []struct {
		Type, Value, RecordedOn string
		ExpiresAt               time.Time
		KeyVersion              int
	}
	Findings []struct{ Severity, Code, Field, Message string }
}

func items(t testing.TB, status int, body []byte) []item {
	t.Helper()
	var out struct{ Items []item }
	if err := json.Unmarshal(body, &out); err != nil || status != http.StatusOK {
		t.Fatalf("status %d, %v: %s", status, err, body)
	}
	return out.Items
}

func code(t testing.TB, body []byte) string {
	t.Helper()
	var p struct{ Code string }
	if err := json.Unmarshal(body, &p); err != nil {
		t.Fatal(err)
	}
	return p.Code
}

var serial int

// temporary asks for one person's temporary pseudonyms of domain qrns; fields is
// JSON.
func (x *ttp) temporary(client, types, fields string) item {
	x.t.Helper()
	serial++
	status, body := x.post(
		client,
		"temporary",
		fmt.Sprint("t", serial),
		`{"domain":"qrns","types":[`+types+`],"items":[{"ref":"1",`+fields+`}]}`,
	)
	return items(x.t, status, body)[0]
}

func (x *ttp) definitive(typ, value string) item {
	x.t.Helper()
	serial++
	status, body := x.post(
		"registry",
		"definitive",
		fmt.Sprint("d", serial),
		fmt.Sprintf(`{"domain":"qrns","items":[{"ref":"1","pseudonyms":[{"type":%q,"value":%q}]}]}`, typ, value),
	)
	return items(x.t, status, body)[0]
}

// person returns the definitive pseudonym of a person, of type typ.
func (x *ttp) person(typ, fields string) string {
	x.t.Helper()
	t := x.temporary("hospital", `"`+typ+`"`, fields)
	if len(t.Pseudonyms) != 1 {
		x.t.Fatalf("%s of %s: %+v", typ, fields, t)
	}
	return x.definitive(typ, t.Pseudonyms[0].Value).Pseudonyms[0].Value
}

const both = `"NGGV","NGG"`

func TestFindings(t *testing.T) {
	x := start(t, options(""))
	const ok = `"surname":"Jansen","initials":"a","birthDate":"2001-01-01","sex":"m"`
	type want struct{ severity, code, field, message string }
	for name, c := range map[string]struct {
		types, fields string
		want          []want
		made          string // types that come back
	}{
		"all well": {both, ok, nil, "NGGV NGG"},
		"birth date empty": {
			both, `"surname":"J","initials":"a","birthDate":" ","sex":"m"`,
			[]want{{"fatal", "2101", "birthDate", "De geboortedatum is leeg"}}, "",
		},
		"born tomorrow": {
			both, `"surname":"J","initials":"a","birthDate":"2026-11-23","sex":"m"`,
			[]want{{"fatal", "2102", "birthDate", "De geboortedatum ligt in de toekomst"}}, "",
		},
		"born today": {both, `"surname":"J","initials":"a","birthDate":"2026-11-22","sex":"m"`, nil, "NGGV NGG"},
		"not ISO": {
			both, `"surname":"J","initials":"a","birthDate":"1-1-2001","sex":"m"`,
			[]want{{"fatal", "2103", "birthDate", "De geboortedatum is ongeldig"}}, "",
		},
		"impossible day": {
			both, `"surname":"J","initials":"a","birthDate":"2001-02-29","sex":"m"`,
			[]want{{"fatal", "2103", "birthDate", "De geboortedatum is ongeldig"}}, "",
		},
		"110 years to day": {both, `"surname":"J","initials":"a","birthDate":"1916-11-22","sex":"v"`, nil, "NGGV NGG"},
		"older than that": {
			both, `"surname":"J","initials":"a","birthDate":"1916-11-21","sex":"v"`,
			[]want{{"warning", "3101", "birthDate", "De geboortedatum ligt meer dan 110 jaar terug"}}, "NGGV NGG",
		},
		"sex empty": {
			both, `"surname":"J","initials":"a","birthDate":"2001-01-01","sex":""`,
			[]want{{"fatal", "2111", "sex", "Het geslacht bevat een ongeldige waarde"}}, "",
		},
		"sex unknown": {
			both, `"surname":"J","initials":"a","birthDate":"2001-01-01","sex":"x"`,
			[]want{{"fatal", "2111", "sex", "Het geslacht bevat een ongeldige waarde"}}, "",
		},
		"sex in capitals": {both, `"surname":"J","initials":"a","birthDate":"2001-01-01","sex":"V"`, nil, "NGGV NGG"},
		"surname empty": {
			both, `"surname":"","initials":"a","birthDate":"2001-01-01","sex":"m"`,
			[]want{{"fatal", "2121", "surname", "De achternaam is leeg"}},
			"",
		},
		"surname digits": {
			both, `"surname":"12 -","initials":"a","birthDate":"2001-01-01","sex":"m"`,
			[]want{{"fatal", "2122", "surname", "De achternaam bevat geen bruikbare letters"}}, "",
		},
		"no initials": {both, `"surname":"J","initials":"","birthDate":"2001-01-01","sex":"m"`, nil, "NGG"},
		"no initials, NGGV": {
			`"NGGV"`, `"surname":"J","initials":". ","birthDate":"2001-01-01","sex":"m"`,
			[]want{{"fatal", "2131", "initials", "De voorletters zijn leeg"}}, "",
		},
		"two faults": {both, `"surname":"J","initials":"a","birthDate":"","sex":""`, []want{
			{"fatal", "2101", "birthDate", "De geboortedatum is leeg"}, {"fatal", "2111", "sex", "Het geslacht bevat een ongeldige waarde"},
		}, ""},
		"no postcode": {`"NGG","PGG"`, ok, nil, "NGG"},
		"only a postcode": {
			`"PGG"`, `"birthDate":"2001-01-01","sex":"m","postcodes":[{"postcode":"1234 ab","houseNumber":"1","recordedOn":"2020-01-01"}]`,
			nil,
			"PGG",
		},
		"postcode, no such": {`"PGG"`, `"birthDate":"2001-01-01","sex":"m"`, []want{{"fatal", "2141", "postcode", "De postcode is leeg"}},
			""},
	} {
		t.Run(name, func(t *testing.T) {
			x.t = t
			got := x.temporary("hospital", c.types, c.fields)
			var made []string
			for _, p := range got.Pseudonyms {
				made = append(made, p.Type)
				if p.Value == "" || !p.ExpiresAt.Equal(x.now.Add(14*24*time.Hour)) {
					t.Errorf("value %q expires at %v", p.Value, p.ExpiresAt)
				}
			}
			if s := strings.Join(made, " "); s != c.made {
				t.Errorf("made %q, want %q", s, c.made)
			}
			var found []want
			for _, f := range got.Findings {
				found = append(found, want{f.Severity, f.Code, f.Field, f.Message})
			}
			if fmt.Sprint(found) != fmt.Sprint(c.want) {
				t.Errorf("found %v, want %v", found, c.want)
			}
		})
	}
}

func TestWhoIsTheSamePerson(t *testing.T) {
	x := start(t, options(""))
	f := func(surname, prefix, initials, sex string) string {
		return fmt.Sprintf(`"surname":%q,"surnamePrefix":%q,"initials":%q,"birthDate":"2001-01-01","sex":%q`, surname, prefix, initials,
			sex)
	}
	a := f("Jansen", "", "a", "m")
	for _, c := range []struct {
		typ, a, b string
		same      bool
	}{
		{"NGGV", a, a, true},
		{"NGGV", a, f("JANSEN ", "van", "A.B.", "M"), true},
		{"NGGV", a, f("Jånsén", "", "a a", "m"), true},
		{"NGGV", f("Groß-Ørsted", "", "t t", "v"), f("grossorsted", "", "T.", "v"), true},
		{"NGGV", f("Wijĳ", "", "é", "v"), f("Wijij", "", "e", "v"), true},
		{"NGGV", a, f("Jansen", "", "b", "m"), false},
		{"NGG", a, f("Jansen", "", "b", "m"), true},
		{"NGG", a, f("Jansen", "", "a", "v"), false},
		{"NGG", a, f("Janssen", "", "a", "m"), false},
	} {
		if got := x.person(c.typ, c.a) == x.person(c.typ, c.b); got != c.same {
			t.Errorf("%s: %s and %s: same %v, want %v", c.typ, c.a, c.b, got, c.same)
		}
	}
	if x.person("NGG", a) == x.person("NGGV", a) {
		t.Error("two types have one pseudonym")
	}
}

func TestTemporariesDifferAndExpireAndAreBound(t *testing.T) {
	x := start(t, options(""))
	const jan = `"surname":"Jansen","initials":"a","birthDate":"2001-01-01","sex":"m"`
	one, two := x.temporary("hospital", `"NGGV"`, jan).Pseudonyms[0], x.temporary("hospital", `"NGGV"`, jan).Pseudonyms[0]
	if one.Value == two.Value {
		t.Error("two calls gave one temporary pseudonym")
	}
	d := x.definitive("NGGV", one.Value)
	if d.Pseudonyms[0].Value != x.definitive("NGGV", two.Value).Pseudonyms[0].Value {
		t.Error("one person has two definitive pseudonyms")
	}
	if p := d.Pseudonyms[0]; !strings.HasPrefix(p.Value, "v1.") || p.KeyVersion != 1 {
		t.Errorf("definitive pseudonym %+v", p)
	}
	stray := x.temporary("stray", `"NGGV"`, jan).Pseudonyms[0].Value
	spoilt := []byte(one.Value)
	spoilt[40] ^= 1
	refused := func(typ, value, code, message string) {
		t.Helper()
		got := x.definitive(typ, value)
		if len(got.Pseudonyms) != 0 || len(got.Findings) != 1 || got.Findings[0].Code != code ||
			got.Findings[0].Field != typ || got.Findings[0].Message != message || got.Findings[0].Severity != "fatal" {
			t.Errorf("%s: got %+v", code, got)
		}
	}
	const unknown = "Het tijdelijke pseudoniem is onbekend of beschadigd"
	refused("NGGV", string(spoilt), "2202", unknown)
	refused("NGGV", "nonsense", "2202", unknown)
	refused("NGG", one.Value, "2202", unknown)
	refused("NGGV", stray, "2203", "Het tijdelijke pseudoniem is voor een andere ontvanger bestemd")
	x.now = x.now.Add(14 * 24 * time.Hour)
	refused("NGGV", one.Value, "2201", "Het tijdelijke pseudoniem is verlopen")
}

// TestTemporariesAreBoundToTheirProvider: who delivers what another hospital fetched is
// refused, if the registry says who delivered.
func TestTemporariesAreBoundToTheirProvider(t *testing.T) {
	o := options("")
	for i := range o.Clients {
		if o.Clients[i].ID == "hospital" {
			o.Clients[i].Provider = "2809"
		}
	}
	x := start(t, o)
	value := x.temporary("hospital", `"NGGV"`, `"surname":"Jansen","initials":"a","birthDate":"2001-01-01","sex":"m"`).Pseudonyms[0].Value
	for provider, code := range map[string]string{"": "", "2809": "", "2810": "2205", "280": "2205"} {
		status, body := x.post("registry", "definitive", "by-"+provider, fmt.Sprintf(
			`{"domain":"qrns","items":[{"ref":"1","provider":%q,"pseudonyms":[{"type":"NGGV","value":%q}]}]}`, provider, value))
		item := items(t, status, body)[0]
		if code == "" && (len(item.Pseudonyms) != 1 || len(item.Findings) != 0) ||
			code != "" && (len(item.Pseudonyms) != 0 || len(item.Findings) != 1 || item.Findings[0].Code != code) {
			t.Errorf("delivered by %q: %+v", provider, item)
		}
	}
}

func TestRestartKeepsPseudonyms(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ttp.key")
	const jan = `"surname":"Jansen","initials":"a","birthDate":"2001-01-01","sex":"m"`
	first := start(t, options(file))
	old := first.temporary("hospital", `"NGGV"`, jan).Pseudonyms[0].Value
	want := first.person("NGGV", jan)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("key file: %v, %v", info, err)
	}
	second := start(t, options(file))
	if got := second.person("NGGV", jan); got != want {
		t.Errorf("%s after the restart, %s before", got, want)
	}
	if got := second.definitive("NGGV", old).Pseudonyms[0].Value; got != want {
		t.Error("an older temporary pseudonym leads elsewhere after the restart")
	}
	if start(t, options("")).person("NGGV", jan) == want {
		t.Error("another key gives the same pseudonym")
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ttpsandbox.New(options(file)); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that others can read: %v", err)
	}
}

func TestIdempotency(t *testing.T) {
	opt := options("")
	opt.MaxIdempotencyKeys = 3
	x := start(t, opt)
	body := func(name string) string {
		return `{"domain":"qrns","types":["NGGV"],"items":[{"ref":"1","surname":"` + name +
			`","initials":"a","birthDate":"2001-01-01","sex":"m"}]}`
	}
	_, one := x.post("hospital", "temporary", "k", body("Jansen"))
	x.now = x.now.Add(23 * time.Hour)
	if _, again := x.post("hospital", "temporary", "k", body("Jansen")); !bytes.Equal(one, again) {
		t.Errorf("the same call gave\n%s\nand\n%s", one, again)
	}
	if _, other := x.post("hospital", "temporary", "k2", body("Jansen")); bytes.Equal(one, other) {
		t.Error("another key gave the same answer")
	}
	if status, b := x.post("hospital", "temporary", "k", body("Visser")); status != http.StatusConflict ||
		code(t, b) != "IDEMPOTENCY_KEY_REUSED" {
		t.Errorf("another body: %d %s", status, b)
	}
	if status, _ := x.post("stray", "temporary", "k", body("Visser")); status != http.StatusOK {
		t.Errorf("another client's key: %d", status)
	}
	x.now = x.now.Add(2 * time.Hour)
	if status, _ := x.post("hospital", "temporary", "k", body("Visser")); status != http.StatusOK {
		t.Errorf("after 24 hours: %d", status)
	}
	for i := range 3 { // fills the ledger
		x.post("hospital", "temporary", fmt.Sprint("fill", i), body("Jansen"))
	}
	if status, _ := x.post("hospital", "temporary", "k", body("Bakker")); status != http.StatusOK {
		t.Errorf("forgotten key: %d", status)
	}
}

func TestRefusals(t *testing.T) {
	opt := options("")
	opt.MaxItems = 2
	x := start(t, opt)
	const ok = `{"domain":"qrns","types":["NGG"],"items":[{"ref":"1","surname":"J","birthDate":"2001-01-01","sex":"m"}]}`
	swap := func(old, fresh string) string { return strings.ReplaceAll(ok, old, fresh) }
	for name, c := range map[string]struct {
		client, verb, body string
		change             func(*http.Request)
		status             int
		code               string
	}{
		"no token": {"hospital", "temporary", ok, func(r *http.Request) { r.Header.Del("Authorization") }, 401, "UNAUTHORIZED"},
		"forged token": {
			"hospital", "temporary", ok, func(r *http.Request) { r.Header.Set("Authorization", "Bearer e30.AAAA") }, 401, "UNAUTHORIZED",
		},
		"wrong scope":   {"registry", "temporary", ok, nil, 403, "SCOPE_NOT_ALLOWED"},
		"other domain":  {"elsewhere", "temporary", ok, nil, 403, "DOMAIN_NOT_ALLOWED"},
		"no domain":     {"hospital", "temporary", swap("qrns", "nowhere"), nil, 403, "DOMAIN_NOT_ALLOWED"},
		"no JSON":       {"hospital", "temporary", "{", nil, 400, "MALFORMED"},
		"unknown field": {"hospital", "temporary", swap(`"sex"`, `"bsn":"1","sex"`), nil, 400, "MALFORMED"},
		"unknown type":  {"hospital", "temporary", swap("NGG", "XYZ"), nil, 400, "MALFORMED"},
		"no ref":        {"hospital", "temporary", swap(`"ref":"1"`, `"ref":""`), nil, 400, "MALFORMED"},
		"doubled ref":   {"hospital", "temporary", swap(`}]`, `},{"ref":"1"}]`), nil, 400, "MALFORMED"},
		"more after it": {"hospital", "temporary", ok + "{}", nil, 400, "MALFORMED"},
		"no key":        {"hospital", "temporary", ok, func(r *http.Request) { r.Header.Del("Idempotency-Key") }, 400, "MALFORMED"},
		"content type": {
			"hospital", "temporary", ok, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415,
			"UNSUPPORTED_MEDIA_TYPE",
		},
		"too many":      {"hospital", "temporary", swap(`}]`, `},{"ref":"2"},{"ref":"3"}]`), nil, 413, "TOO_MANY_ITEMS"},
		"no such call":  {"hospital", "permanent", ok, nil, 404, "NOT_FOUND"},
		"no pseudonyms": {"registry", "definitive", `{"domain":"qrns","items":[{"ref":"1"}]}`, nil, 400, "MALFORMED"},
	} {
		t.Run(name, func(t *testing.T) {
			x.t = t
			change := c.change
			if change == nil {
				change = func(*http.Request) {}
			}
			status, body := x.post(c.client, c.verb, name, c.body, change)
			if status != c.status || code(t, body) != c.code {
				t.Errorf("got %d %s, want %d %s", status, body, c.status, c.code)
			}
		})
	}
	x.t = t
	if status, e := x.token("hospital", "wrong", ""); status != 401 || e != "invalid_client" {
		t.Errorf("wrong secret: %d %s", status, e)
	}
	if status, e := x.token("hospital", secrets["hospital"], ttpsandbox.ScopeDefinitive); status != 400 || e != "invalid_scope" {
		t.Errorf("scope too far: %d %s", status, e)
	}
	_, token := x.token("hospital", secrets["hospital"], "")
	x.now = x.now.Add(time.Hour)
	status, _ := x.post("hospital", "temporary", "late", ok, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) })
	if status != http.StatusUnauthorized {
		t.Errorf("expired token: %d", status)
	}
}

func TestLogHoldsNoValue(t *testing.T) {
	x := start(t, options(""))
	const canary = `"surname":"Qanarynaam","initials":"q","birthDate":"1987-06-05","sex":"m"`
	value := x.temporary("hospital", both, canary).Pseudonyms[0].Value
	x.definitive("NGGV", value)
	x.post("hospital", "temporary", "spoilt", `{"Qanarynaam":1`)
	x.post("hospital", "temporary", "spoilt2", `{"Qanarynaam":1}`)
	log := x.log.String()
	if !strings.Contains(log, "/v1/pseudonyms/temporary") {
		t.Fatalf("the log has no line of the call: %s", log)
	}
	for _, s := range []string{"qanarynaam", "1987-06", strings.ToLower(value)} {
		if strings.Contains(strings.ToLower(log), s) {
			t.Errorf("the log holds %q", s)
		}
	}
}
