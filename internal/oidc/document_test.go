package oidc_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluis/internal/oidc"
	"sluis/internal/oidc/oidctest"
)

// publish serves a vendor's discovery document at the address at which the vendor does,
// with every address in it moved here. It returns the issuer.
func publish(t *testing.T, file string) (issuer string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		AuthorizationEndpoint string `json:"authorization_endpoint"`
		Issuer                string `json:"issuer"`
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	origin, err := url.Parse(d.AuthorizationEndpoint)
	if err != nil {
		t.Fatal(err)
	}
	path := strings.TrimPrefix(d.Issuer, "https://"+origin.Host)
	if file == "entra-common.json" {
		path = "/common/v2.0" // where it is published, whatever it calls itself
	}
	var body string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path+"/.well-known/openid-configuration" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	body = strings.ReplaceAll(string(raw), "https://"+origin.Host, s.URL)
	return s.URL + path
}

// TestVendors reads the documents of Keycloak, Entra ID and AD FS as they are published,
// and says what of each is used.
func TestVendors(t *testing.T) {
	client := oidc.New(oidc.Options{Now: time.Now, Loopback: true})
	for file, want := range map[string]struct {
		algorithms                  string
		responseIssuer, backChannel bool
	}{
		"keycloak.json": {"RS256 PS256 ES256", true, true}, "entra.json": {"RS256", false, false}, "adfs.json": {"RS256", false, false},
	} {
		issuer := publish(t, file)
		d, err := client.Discover(t.Context(), issuer)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if got := strings.Join(d.Algorithms(), " "); got != want.algorithms {
			t.Errorf("%s: algorithms %s", file, got)
		}
		if d.ResponseIssuer != want.responseIssuer || d.BackChannelLogout != want.backChannel || d.EndSessionEndpoint == "" {
			t.Errorf("%s: %+v", file, d)
		}
		s := oidc.Settings{Issuer: issuer, ClientID: "sluis", RedirectURL: back}
		to, err := client.AuthURL(t.Context(), s, client.NewFlow())
		if err != nil || !strings.HasPrefix(to, d.AuthorizationEndpoint+"?") || !strings.Contains(to, "code_challenge_method=S256") {
			t.Errorf("%s: the way there is %s, %v", file, to, err)
		}
		out, err := client.SignOutURL(t.Context(), s, "https://sluis.example.nl/inloggen")
		if err != nil || !strings.HasPrefix(out, d.EndSessionEndpoint+"?client_id=sluis&post_logout_redirect_uri=https%3A%2F%2Fsluis") {
			t.Errorf("%s: the way out is %s, %v", file, out, err)
		}
	}
	if _, err := client.Discover(t.Context(), publish(t, "entra-common.json")); oidc.CodeOf(err) != oidc.IssuerTemplate {
		t.Errorf("the issuer of everybody: %v", err)
	}
}

// TestDocumentFaults reads documents that cannot be used.
func TestDocumentFaults(t *testing.T) {
	p := oidctest.Start(t)
	client := oidc.New(oidc.Options{Now: time.Now, Loopback: true})
	for name, c := range map[string]struct {
		change oidctest.Claims
		want   string
	}{
		"another issuer":   {oidctest.Claims{"issuer": "https://elders.example.nl"}, oidc.IssuerOther},
		"a slash too many": {oidctest.Claims{"issuer": p.URL + "/"}, oidc.IssuerOther},
		"capitals":         {oidctest.Claims{"issuer": strings.ToUpper(p.URL)}, oidc.IssuerOther},
		"no issuer":        {oidctest.Claims{"issuer": nil}, oidc.IssuerOther},
		"http to sign in":  {oidctest.Claims{"authorization_endpoint": "http://sso.example.nl/auth"}, oidc.EndpointInsecure},
		"http for tokens":  {oidctest.Claims{"token_endpoint": "http://sso.example.nl/token"}, oidc.EndpointInsecure},
		"http for keys":    {oidctest.Claims{"jwks_uri": "http://sso.example.nl/keys"}, oidc.EndpointInsecure},
		"http to sign out": {oidctest.Claims{"end_session_endpoint": "http://sso.example.nl/uit"}, oidc.EndpointInsecure},
		"a script":         {oidctest.Claims{"authorization_endpoint": "javascript:alert(1)"}, oidc.EndpointMissing},
		"no tokens":        {oidctest.Claims{"token_endpoint": nil}, oidc.EndpointMissing},
		"no keys":          {oidctest.Claims{"jwks_uri": nil}, oidc.EndpointMissing},
		"no code":          {oidctest.Claims{"response_types_supported": []string{"id_token"}}, oidc.NoCodeFlow},
		"only HS256":       {oidctest.Claims{"id_token_signing_alg_values_supported": []string{"HS256", "none"}}, oidc.NoAlgorithm},
		"only plain PKCE":  {oidctest.Claims{"code_challenge_methods_supported": []string{"plain"}}, oidc.NoPKCE},
		"an odd type":      {oidctest.Claims{"token_endpoint": 7}, oidc.NotJSON},
	} {
		p.Publish(c.change)
		if _, err := client.Discover(t.Context(), p.URL); oidc.CodeOf(err) != c.want || err == nil {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestIssuers(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://sso.example.nl": "", "https://sso.example.nl/realms/x": "", "https://login.microsoftonline.com/{tenantid}/v2.0": oidc.IssuerTemplate,
		"http://sso.example.nl": oidc.IssuerInsecure, "": oidc.IssuerInvalid, "sso.example.nl": oidc.IssuerInvalid,
		"https://sso.example.nl?x=1": oidc.IssuerInvalid, "https://sso.example.nl#x": oidc.IssuerInvalid,
		"https://jan:geheim@sso.example.nl": oidc.IssuerInvalid, "https://": oidc.IssuerInvalid, "file:///etc/passwd": oidc.IssuerInvalid,
		"http://127.0.0.1:8080": oidc.IssuerInsecure, "https://sso.example.nl/" + strings.Repeat("x", 500): oidc.IssuerInvalid,
	} {
		err := oidc.CheckIssuer(issuer, false)
		if (err == nil) != (want == "") || err != nil && oidc.CodeOf(err) != want {
			t.Errorf("%q: %v, want %q", issuer, err, want)
		}
	}
	if err := oidc.CheckIssuer("http://127.0.0.1:8080", true); err != nil {
		t.Error(err)
	}
}

// TestAddresses has an issuer lead inside: to this machine, a private network, the
// metadata of a cloud.
func TestAddresses(t *testing.T) {
	for address, networks := range map[string]bool{
		"https://127.0.0.1:1": false, "https://[::1]:1": false, "https://10.1.2.3": false, "https://192.168.1.1": false,
		"https://169.254.169.254": false, "https://[fe80::1]": false, "https://[fd00::1]": false, "https://0.0.0.0": false,
		"https://100.64.1.1": false, "https://[::ffff:10.0.0.1]": false, "https://172.16.0.1": false, "https://224.0.0.1": false,
		"https://127.0.0.2:1": true,
	} {
		o := oidc.Options{Now: time.Now, Timeout: time.Second}
		if networks {
			o.Networks = []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}
		}
		_, err := oidc.New(o).Discover(t.Context(), address)
		want := oidc.AddressRefused
		if networks {
			want = oidc.Unreachable // it was tried
		}
		if oidc.CodeOf(err) != want || err == nil {
			t.Errorf("%s: %v, want %s", address, err, want)
		}
	}
}

// TestCheck is the check that an administrator asks for.
func TestCheck(t *testing.T) {
	p := oidctest.Start(t)
	v := newVisitor(t, p)
	found, err := v.client.Check(t.Context(), v.settings)
	if err != nil || found.Keys != 1 || !found.Document.ResponseIssuer {
		t.Errorf("%+v, %v", found, err)
	}
	v.settings.Secret = func() (string, error) { return "fout", nil }
	if _, err := v.client.Check(t.Context(), v.settings); oidc.CodeOf(err) != oidc.ClientRefused {
		t.Errorf("a wrong secret: %v", err)
	}
	p.Publish(oidctest.Claims{"issuer": "https://elders.example.nl"})
	_, err = v.client.Check(t.Context(), v.settings)
	if f, ok := err.(*oidc.Fault); !ok || f.Code != oidc.IssuerOther || f.Published != "https://elders.example.nl" { //nolint:errorlint // as it is
		t.Errorf("another issuer: %+v", err)
	}
}
