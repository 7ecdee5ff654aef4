package centres_test

import (
	"encoding/base64"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/server"
	"sluis/internal/server/page"
	"sluis/internal/server/request"
	"sluis/internal/server/servertest"
)

func settings(more ...string) url.Values {
	form := url.Values{"nummer": {"3001"}, "naam": {"Derde ziekenhuis"}, "soort": {"tijdelijk"}, "reden": {"op verzoek"}}
	for i := 0; i+1 < len(more); i += 2 {
		form[more[i]] = strings.Split(more[i+1], ",")
	}
	return form
}

func codes(s *servertest.Site, kind audit.Type) string {
	var out []string
	for _, ev := range s.Events() {
		if ev.Type == kind && ev.ObjectType == "centre" {
			out = append(out, ev.Code)
		}
	}
	return strings.Join(out, " ")
}

// TestCentre adds a centre and changes each setting; the access log says which.
func TestCentre(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("admin")
	if a := b.Post("/centra/nieuw", settings()); a.Status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.Status, a.Body)
	}
	if a := b.Post("/centra/nieuw", settings()); a.Status != http.StatusConflict {
		t.Errorf("the same number again: %d", a.Status)
	}
	changed := b.Post("/centra/3001", settings("naam", "Ander ziekenhuis", "soort", "namen", "limiet", "500", "rem", "40",
		"nummersysteem", "urn:x", "contact", "F. Bakker", "contact-email", "f@zh.example", "contact-telefoon", "030-1"))
	if page := b.Follow(changed); !strings.Contains(page.Body, `value="500"`) || !strings.Contains(page.Body, "De instellingen zijn opgeslagen") {
		t.Errorf("%s", page.Body)
	}
	c := servertest.Must(s.Store.CentreByNumber(t.Context(), "3001"))(t)
	want := account.Centre{ID: c.ID, Number: "3001", Name: "Ander ziekenhuis", IdentitiesAllowed: true, TemporaryRefused: true, MaxRows: 500,
		BrakePercent: 40, NumberSystem: "urn:x", ContactName: "F. Bakker", ContactEmail: "f@zh.example", ContactPhone: "030-1"}
	if c != want {
		t.Errorf("%+v", c)
	}
	logged := codes(s, audit.AccountChanged)
	for _, code := range []string{
		"centre_name", "identities_on", "temporary_off", "centre_limit", "centre_brake", "number_system", "centre_contact",
	} {
		if !strings.Contains(logged, code) {
			t.Errorf("the log does not say %s: %s", code, logged)
		}
	}
	if page := b.Get("/centra"); !strings.Contains(page.Body, "3001 Ander ziekenhuis") || !strings.Contains(page.Body, "40%") {
		t.Error("the list does not show it")
	}
}

// TestCentreFaults is each fault of the form, with nothing stored.
func TestCentreFaults(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("admin")
	for _, more := range [][]string{
		{"nummer", ""}, {"nummer", "een twee"}, {"nummer", "../x"}, {"nummer", "nieuw"}, {"naam", ""}, {"soort", ""}, {"limiet", "0"},
		{"limiet", "veel"}, {"limiet", "999999999"}, {"rem", "101"}, {"rem", "-1"}, {"contact-email", "geen adres"},
		{"contact-telefoon", strings.Repeat("1", 51)},
	} {
		if a := b.Post("/centra/nieuw", settings(more...)); a.Status != http.StatusUnprocessableEntity {
			t.Errorf("%v: %d", more, a.Status)
		}
	}
	if _, err := s.Store.CentreByNumber(t.Context(), "3001"); err == nil {
		t.Error("a refused form left a centre")
	}
}

// TestCentreSettingsCount: what a centre may not deliver is refused, and so is a file over
// its limit.
func TestCentreSettingsCount(t *testing.T) {
	s := servertest.New(t)
	admin, b := s.SignedIn("admin"), s.SignedIn("uploader")
	upload := func(content string) string {
		return b.Follow(b.Upload("save", "x.csv", content)).Body
	}
	const temporary = "patid;geboortedatum;geslacht;NGGV\n7;1-1-1950;m;abc\n"
	admin.Post("/centra/2809", settings("soort", "namen", "limiet", "1"))
	if page := upload(temporary); !strings.Contains(page, "mag geen bestanden met tijdelijke pseudoniemen") {
		t.Errorf("temporary pseudonyms are taken\n%s", page)
	}
	if page := upload(servertest.EntryHeader + "2809;1-1-1955;v;1;A;;q\n2809;1-1-1956;v;2;B;;q\n"); !strings.Contains(page, "Bestand afgekeurd") {
		t.Errorf("two rows over a limit of one\n%s", page)
	}
	admin.Post("/centra/2809", settings("soort", "tijdelijk"))
	if page := upload(temporary); strings.Contains(page, "mag geen bestanden") {
		t.Error("temporary pseudonyms are still refused")
	}
}

func tokenForm(more ...string) url.Values {
	form := url.Values{"naam": {"nachtelijke aanlevering"}, "rol": {"uploader"}, "centrum": {"2809"}, "geldig": {"30"}, "reden": {"op verzoek"}}
	for i := 0; i+1 < len(more); i += 2 {
		form[more[i]] = strings.Split(more[i+1], ",")
	}
	return form
}

// tokenIn is the token on the page that shows it, and its id in the store.
func tokenIn(t *testing.T, s *servertest.Site, a servertest.Answer) (token, id string) {
	t.Helper()
	_, rest, ok := strings.Cut(a.Body, `value="sluis_`)
	if a.Status != http.StatusOK || !ok {
		t.Fatalf("%d\n%s", a.Status, a.Body)
	}
	secret, _, _ := strings.Cut(rest, `"`)
	token = "sluis_" + secret
	for _, k := range servertest.Must(s.Store.Tokens(t.Context(), audit.Who{Name: "test"}))(t) {
		return token, k.PublicID // the newest
	}
	return token, ""
}

func call(s *servertest.Site, token string) int {
	return s.Browser().Do("GET", "/api/v1/deliveries", "", nil, "Authorization", "Bearer "+token).Status
}

// TestToken: a token is shown once, counts its last use, ends after its time and when it
// is revoked; using a revoked one is an alarm in the access log.
func TestToken(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("admin")
	token, id := tokenIn(t, s, b.Post("/tokens/nieuw", tokenForm()))
	list := b.Get("/tokens?centrum=2809").Body
	if strings.Contains(list, token) || !strings.Contains(list, "nachtelijke aanlevering") || !strings.Contains(list, "Nooit") {
		t.Error("the list shows the token, or not its name and that it was never used")
	}
	if got := call(s, token); got != http.StatusOK {
		t.Fatalf("the token: %d", got)
	}
	used := servertest.Must(s.Store.Tokens(t.Context(), audit.Who{Name: "test"}))(t)[0].LastUsedAt
	if used.IsZero() {
		t.Error("the last use is not stored")
	}
	why := url.Values{"reden": {"niet meer in gebruik"}}
	if a := b.Post("/tokens/"+id+"/intrekken", nil); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("revoked without a reason: %d", a.Status)
	}
	if a := b.Post("/tokens/"+id+"/intrekken", why); a.Location() != "/tokens" {
		t.Errorf("revoke: %d", a.Status)
	}
	if page := b.Follow(b.Post("/tokens/"+id+"/intrekken", why)); !strings.Contains(page.Body, "werkt niet meer") {
		t.Error("revoked twice")
	}
	if got := call(s, token); got != http.StatusUnauthorized {
		t.Errorf("a revoked token: %d", got)
	}
	if ev := s.Events()[0]; ev.Type != audit.AccessDenied || ev.Code != "token_revoked" || ev.ObjectID != id || ev.CentreNumber != "2809" ||
		ev.Result != audit.SeriousFailure || ev.Address == "" {
		t.Errorf("%+v", ev)
	}
	if !strings.Contains(s.Log.String(), "a revoked token was used") || strings.Contains(s.Log.String(), token) {
		t.Error("the log has no alarm, or the token")
	}

	second, _ := tokenIn(t, s, b.Post("/tokens/nieuw", tokenForm()))
	s.Clock.Advance(30*24*time.Hour - time.Hour)
	if got := call(s, second); got != http.StatusOK {
		t.Errorf("within its time: %d", got)
	}
	s.Clock.Advance(2 * time.Hour)
	if got := call(s, second); got != http.StatusUnauthorized {
		t.Errorf("after its time: %d", got)
	}
	if ev := s.Events()[0]; ev.Code != "token_expired" {
		t.Errorf("%+v", ev)
	}
}

// TestTokenFaults is each fault of the form, for both who may make tokens.
func TestTokenFaults(t *testing.T) {
	s := servertest.New(t)
	for name, faults := range map[string][][]string{
		"admin": {
			{"naam", ""}, {"rol", ""}, {"rol", "admin"}, {"rol", "auditor"}, {"rol", "centreadmin"}, {"centrum", ""}, {"centrum", "9999"},
			{"rol", "datamanager"}, {"geldig", "9999"}, {"geldig", ""}, {"reden", ""}, {"adressen", "0.0.0.0/0"}, {"adressen", "thuis"},
			{"vingerafdruk", "x"}, {"vingerafdruk", strings.Repeat("0a", 32)},
		},
		"centreadmin": {{"rol", "datamanager"}, {"rol", "admin"}, {"naam", ""}},
	} {
		b := s.SignedIn(name)
		for _, more := range faults {
			if a := b.Post("/tokens/nieuw", tokenForm(more...)); a.Status != http.StatusUnprocessableEntity {
				t.Errorf("%s %v: %d", name, more, a.Status)
			}
		}
	}
}

// TestLocalTokens: a local administrator has the tokens of the own centre, and makes them
// for it whatever the form says.
func TestLocalTokens(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("centreadmin")
	_, id := tokenIn(t, s, b.Post("/tokens/nieuw", tokenForm("centrum", "2810")))
	list := b.Get("/tokens").Body
	if !strings.Contains(list, id) || strings.Contains(list, ">other<") || strings.Contains(list, ">datamanager<") {
		t.Error("the list lacks the own token, or shows another centre's")
	}
	for _, k := range servertest.Must(s.Store.Tokens(t.Context(), audit.Who{Name: "test"}))(t) {
		if k.PublicID == id && (k.Centre == nil || k.Centre.Number != "2809") {
			t.Errorf("made for %+v", k.Centre)
		}
		if k.Name == "other" {
			if a := b.Post("/tokens/"+k.PublicID+"/intrekken", nil); a.Status != http.StatusNotFound {
				t.Errorf("revokes another centre's: %d", a.Status)
			}
		}
	}
}

// TestTokenElsewhere: a token that is bound to addresses or a certificate works there only;
// a use from elsewhere is refused in words, and an alarm in the access log and the log.
func TestTokenElsewhere(t *testing.T) {
	proxy := netip.MustParsePrefix("127.0.0.0/8")
	s := servertest.New(t, func(o *server.Options) {
		o.TrustedProxies, o.ClientCerts = []netip.Prefix{proxy}, request.CertsHeader
	})
	b := s.SignedIn("admin")
	der := []byte("a certificate")
	token, id := tokenIn(t, s, b.Post("/tokens/nieuw", url.Values{
		"naam": {"gebonden"}, "rol": {"uploader"}, "centrum": {"2809"}, "geldig": {"30"}, "reden": {"op verzoek"},
		"adressen": {"192.0.2.0/24 2001:db8::/32"}, "vingerafdruk": {account.Thumbprint(der)},
	}))
	servertest.Contains(t, "the page of the token", b.Get("/tokens/"+id).Body, "192.0.2.0/24 2001:db8::/32", account.Thumbprint(der))
	header := ":" + base64.StdEncoding.EncodeToString(der) + ":"
	for _, c := range []struct {
		what, from, certificate string
		status                  int
		code                    string
	}{
		{"from there, with it", "192.0.2.7", header, 200, ""},
		{"IPv6", "2001:db8::7", header, 200, ""},
		{"from elsewhere", "198.51.100.7", header, 403, "token_address"},
		{"without the certificate", "192.0.2.7", "", 403, "token_certificate"},
		{"with another one", "192.0.2.7", ":" + base64.StdEncoding.EncodeToString([]byte("x")) + ":", 403, "token_certificate"},
	} {
		headers := []string{"Authorization", "Bearer " + token, "X-Forwarded-For", c.from}
		if c.certificate != "" {
			headers = append(headers, "Client-Cert", c.certificate)
		}
		a := s.Browser().Do("GET", "/api/v1/me", "", nil, headers...)
		if a.Status != c.status || !strings.Contains(a.Body, c.code) {
			t.Errorf("%s: %d %s", c.what, a.Status, a.Body)
		}
		if ev := s.Events()[0]; c.code != "" && (ev.Code != c.code || ev.ObjectID != id || ev.Result != audit.SeriousFailure || ev.Address != c.from) {
			t.Errorf("%s: %+v", c.what, ev)
		}
	}
	if log := s.Log.String(); !strings.Contains(log, "a token was used elsewhere") || strings.Contains(log, token) {
		t.Error("the log has no alarm, or the token")
	}
}

// TestTokenPages: the list has pages, and none is lost between them.
func TestTokenPages(t *testing.T) {
	s := servertest.New(t)
	centre := s.Centres["2809"]
	for i := range page.Size + 1 {
		_, hash := account.NewToken()
		servertest.Must(s.Store.AddToken(t.Context(), audit.Who{Name: "test"}, account.Token{
			Name: "script " + strconv.Itoa(i), Role: account.Uploader, Centre: &centre,
		}, hash))(t)
	}
	b := s.SignedIn("centreadmin")
	first := b.Get("/tokens").Body
	_, rest, more := strings.Cut(first, `href="/tokens?na=`)
	if !more || strings.Count(first, `href="/tokens/0`) != page.Size {
		t.Fatalf("the first page has %d tokens", strings.Count(first, `href="/tokens/0`))
	}
	next, _, _ := strings.Cut(rest, `"`)
	if second := b.Get("/tokens?na=" + next).Body; strings.Count(second, `href="/tokens/0`) != 4 { // those of the site
		t.Errorf("the second page has %d", strings.Count(second, `href="/tokens/0`))
	}
}
