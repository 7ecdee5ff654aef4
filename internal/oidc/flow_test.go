package oidc_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluis/internal/oidc"
	"sluis/internal/oidc/oidctest"
)

// visitor is Sluis in front of a provider.
type visitor struct {
	t        *testing.T
	client   *oidc.Client
	settings oidc.Settings
}

const back = "http://127.0.0.1/terug"

func newVisitor(t *testing.T, p *oidctest.Provider) *visitor {
	t.Helper()
	return &visitor{
		t: t, client: oidc.New(oidc.Options{Now: time.Now, Loopback: true, Timeout: time.Second}),
		settings: oidc.Settings{
			Issuer: p.URL, ClientID: oidctest.ClientID, RedirectURL: back,
			Secret: func() (string, error) { return oidctest.ClientSecret, nil },
		},
	}
}

// noFollow is a browser that stops at each redirect.
var noFollow = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// visit goes to the provider and returns what it sends back with the browser.
func (v *visitor) visit(f oidc.Flow) (url.Values, error) {
	v.t.Helper()
	to, err := v.client.AuthURL(v.t.Context(), v.settings, f)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, to, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	res, err := noFollow.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	_ = res.Body.Close()
	u, err := res.Location()
	if err != nil {
		v.t.Fatalf("status %d: %v", res.StatusCode, err)
	}
	return u.Query(), nil
}

// signIn does the whole flow.
func (v *visitor) signIn() (oidc.Claims, error) {
	v.t.Helper()
	f := v.client.NewFlow()
	q, err := v.visit(f)
	if err != nil {
		return oidc.Claims{}, err
	}
	if err := v.client.CheckResponse(v.t.Context(), v.settings, q.Get("iss")); err != nil {
		return oidc.Claims{}, err
	}
	return v.client.Exchange(v.t.Context(), v.settings, f, q.Get("code"))
}

func TestSignIn(t *testing.T) {
	for _, algorithm := range []string{"RS256", "PS256", "ES256"} {
		p := oidctest.Start(t)
		p.Rotate(algorithm)
		p.SignIn(oidctest.Claims{"realm_access": oidctest.Claims{"roles": []string{"een", "twee"}}, "https://x.nl/groep": "drie", "a.b": "vier"})
		claims, err := newVisitor(t, p).signIn()
		if err != nil {
			t.Fatalf("%s: %v", algorithm, err)
		}
		if claims.Issuer != p.URL || claims.Subject != "1234" || claims.Session != "sessie-1" || claims.First("upn", "name") != "Noor de Proef" {
			t.Errorf("%s: the claims are not those of the person", algorithm)
		}
		for name, want := range map[string]string{
			"realm_access.roles": "[een twee]", "https://x.nl/groep": "[drie]", "a.b": "[vier]", "realm_access": "[]", "roles": "[]",
			"exp": "[]", "realm_access.roles.x": "[]",
		} {
			if got := fmt.Sprint(claims.Values(name)); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
		q := p.LastRequest()
		if q.Get("code_challenge_method") != "S256" || q.Get("response_type") != "code" || q.Get("scope") != "openid profile email" ||
			q.Get("redirect_uri") != back || len(q.Get("state")) < 50 || len(q.Get("nonce")) < 50 {
			t.Errorf("the request is %v", q)
		}
	}
}

// TestClaimsAreNotPrinted prints the claims of a person in every way there is.
func TestClaimsAreNotPrinted(t *testing.T) {
	claims, err := newVisitor(t, oidctest.Start(t)).signIn()
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := json.Marshal(map[string]any{"c": claims})
	for _, printed := range []string{fmt.Sprint(claims), fmt.Sprintf("%v %+v %#v %s %q", claims, claims, claims, claims, claims), string(raw),
		claims.LogValue().String()} {
		if strings.Contains(printed, "Noor") || strings.Contains(printed, "1234") {
			t.Errorf("printed: %s", printed)
		}
	}
}

// TestEveryFault has a provider commit every fault, one by one: each is refused with its
// own code, and no error holds anything that the provider sent.
func TestEveryFault(t *testing.T) {
	for fault, want := range map[oidctest.Fault]string{
		oidctest.HugeDocument: oidc.TooLarge, oidctest.SlowDocument: oidc.Slow, oidctest.DocumentRedirects: oidc.Redirected,
		oidctest.DocumentIsAPage: oidc.NotJSON, oidctest.DocumentFails: oidc.StatusOdd,
		oidctest.KeysRedirect: oidc.Redirected, oidctest.HugeKeys: oidc.TooLarge, oidctest.SlowKeys: oidc.Slow,
		oidctest.NoResponseIssuer: oidc.TokenIssuer, oidctest.OtherResponseIssuer: oidc.TokenIssuer,
		oidctest.SlowToken: oidc.Slow, oidctest.HugeToken: oidc.TooLarge, oidctest.TokenFails: oidc.ProviderFailed,
		oidctest.TokenRedirects: oidc.Redirected, oidctest.NoIDToken: oidc.TokenMissing,
		oidctest.WrongIssuer: oidc.TokenIssuer, oidctest.WrongAudience: oidc.TokenAudience, oidctest.MoreAudiences: oidc.TokenParty,
		oidctest.WrongParty: oidc.TokenParty, oidctest.WrongNonce: oidc.TokenNonce, oidctest.NoNonce: oidc.TokenNonce,
		oidctest.Expired: oidc.TokenExpired, oidctest.NoExpiry: oidc.TokenExpired, oidctest.FromTheFuture: oidc.TokenFuture,
		oidctest.NotYet: oidc.TokenFuture, oidctest.FromThePast: oidc.TokenOld, oidctest.NoIssuedAt: oidc.TokenFuture,
		oidctest.NoSubject: oidc.TokenSubject, oidctest.LongSubject: oidc.TokenSubject, oidctest.Unsigned: oidc.TokenAlgorithm,
		oidctest.SignedByPublic: oidc.TokenAlgorithm, oidctest.UnknownKey: oidc.TokenSignature, oidctest.ChangedPayload: oidc.TokenSignature,
		oidctest.Garbage: oidc.TokenMalformed, oidctest.EncryptedToken: oidc.TokenMalformed, oidctest.OddAudienceType: oidc.TokenMalformed,
	} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			p := oidctest.Start(t)
			v := newVisitor(t, p)
			p.Commit(fault)
			start := time.Now()
			_, err := v.signIn()
			if err == nil {
				t.Fatal("accepted")
			}
			if got := oidc.CodeOf(err); got != want {
				t.Errorf("%s, want %s", got, want)
			}
			if time.Since(start) > 10*time.Second {
				t.Error("the provider was waited for too long")
			}
			for _, secret := range append(p.Secrets(), "Kwistenbiebel", p.URL, "1234") {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error holds what the provider sent: %v", err)
				}
			}
			p.Commit()
			if _, err := v.signIn(); err != nil && want != oidc.Slow && time.Since(start) > 6*time.Second {
				t.Errorf("without the fault: %v", err)
			}
		})
	}
}

// TestCodes uses codes as they must not be used. The provider checks it; so does Sluis
// where it can: the nonce binds a token to its sign-in even if PKCE is not checked.
func TestCodes(t *testing.T) {
	p := oidctest.Start(t)
	v := newVisitor(t, p)
	mine, his := v.client.NewFlow(), v.client.NewFlow()
	q, err := v.visit(his)
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.client.Exchange(t.Context(), v.settings, mine, q.Get("code"))
	if oidc.CodeOf(err) != oidc.CodeRefused {
		t.Errorf("somebody else's code: %v", err)
	}
	p.Commit(oidctest.NoChallengeCheck, oidctest.TakesCodesAgain)
	if _, err = v.client.Exchange(t.Context(), v.settings, mine, q.Get("code")); oidc.CodeOf(err) != oidc.TokenNonce {
		t.Errorf("somebody else's code at a provider that does not check PKCE: %v", err)
	}
	p.Commit()
	if _, err = v.client.Exchange(t.Context(), v.settings, his, q.Get("code")); oidc.CodeOf(err) != oidc.CodeRefused {
		t.Errorf("a code for the second time: %v", err)
	}
	if _, err = v.client.Exchange(t.Context(), v.settings, his, "verzonnen"); oidc.CodeOf(err) != oidc.CodeRefused {
		t.Errorf("a code that never was: %v", err)
	}
}

// TestMixUp sends the code of one provider to another.
func TestMixUp(t *testing.T) {
	honest, evil := oidctest.Start(t), oidctest.Start(t)
	v, w := newVisitor(t, honest), newVisitor(t, evil)
	f := v.client.NewFlow()
	q, err := v.visit(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.client.CheckResponse(t.Context(), w.settings, q.Get("iss")); oidc.CodeOf(err) != oidc.TokenIssuer {
		t.Errorf("the answer of another provider: %v", err)
	}
	evil.Publish(oidctest.Claims{"authorization_response_iss_parameter_supported": nil})
	w = newVisitor(t, evil)
	if err := w.client.CheckResponse(t.Context(), w.settings, q.Get("iss")); oidc.CodeOf(err) != oidc.TokenIssuer {
		t.Errorf("the answer of another provider, at one that does not name itself: %v", err)
	}
	if err := w.client.CheckResponse(t.Context(), w.settings, ""); err != nil {
		t.Errorf("a provider that does not name itself: %v", err)
	}
}

// TestRotation has the provider change its key between two sign-ins.
func TestRotation(t *testing.T) {
	p := oidctest.Start(t)
	v := newVisitor(t, p)
	for _, algorithm := range []string{"RS256", "ES256", "PS256"} {
		p.Rotate(algorithm)
		if _, err := v.signIn(); err != nil {
			t.Errorf("after a rotation to %s: %v", algorithm, err)
		}
	}
	if n := p.Calls("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("the document was read %d times in a few sign-ins", n)
	}
}

// TestClock lets the provider's clock be off.
func TestClock(t *testing.T) {
	for off, fine := range map[time.Duration]bool{
		-90 * time.Second: true, 90 * time.Second: true, -10 * time.Minute: false, 10 * time.Minute: false,
	} {
		p := oidctest.Start(t)
		p.SetNow(func() time.Time { return time.Now().Add(off) })
		if _, err := newVisitor(t, p).signIn(); (err == nil) != fine {
			t.Errorf("a clock %s off: %v", off, err)
		}
	}
}

func TestUnreachable(t *testing.T) {
	p := oidctest.Start(t)
	v := newVisitor(t, p)
	p.Stop()
	if _, err := v.signIn(); oidc.CodeOf(err) != oidc.Unreachable {
		t.Error(err)
	}
	p = oidctest.Start(t)
	v = newVisitor(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.client.AuthURL(ctx, v.settings, v.client.NewFlow()); err == nil {
		t.Error("a cancelled call was made")
	}
}

// TestWhoWeAre shows the provider a secret in the header, in the form, a private key, and
// what is none of these.
func TestWhoWeAre(t *testing.T) {
	p := oidctest.Start(t)
	v := newVisitor(t, p)
	dir := t.TempDir()
	write := func(name, content string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	key, _ := rsa.GenerateKey(rand.Reader, 2048)
	pkcs8, _ := x509.MarshalPKCS8PrivateKey(key)
	small, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ec, _ := x509.MarshalECPrivateKey(small)
	odd, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	oddDER, _ := x509.MarshalECPrivateKey(odd)
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	write("goed", oidctest.ClientSecret+"\n", 0o600)
	write("fout", "iets anders", 0o600)
	write("open", oidctest.ClientSecret, 0o644)
	write("leeg", " \n", 0o600)
	write("rsa", block("PRIVATE KEY", pkcs8)+block("CERTIFICATE", []byte("niets")), 0o600)
	write("ec", block("EC PRIVATE KEY", ec), 0o600)
	write("p384", block("EC PRIVATE KEY", oddDER), 0o600)
	write("kapot", block("PRIVATE KEY", []byte("x")), 0o600)
	write("geen", block("CERTIFICATE", []byte("x")), 0o600)
	outside := filepath.Join(t.TempDir(), "buiten")
	if err := os.WriteFile(outside, []byte(oidctest.ClientSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"goed": "", "rsa": "", "ec": "", "fout": oidc.ClientRefused, "open": oidc.SecretOpen, "leeg": oidc.SecretInvalid,
		"p384": oidc.SecretInvalid, "kapot": oidc.SecretInvalid, "geen": oidc.SecretInvalid, "nergens": oidc.SecretMissing,
		"link": oidc.SecretMissing, "../buiten": oidc.SecretMissing, "": oidc.SecretMissing,
	} {
		v.settings.Secret = oidc.SecretFile(dir, name)
		_, err := v.signIn()
		if (err == nil) != (want == "") || err != nil && oidc.CodeOf(err) != want {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
		if name == "rsa" || name == "ec" {
			assertion := p.LastRedeem().Get("client_assertion")
			if strings.Count(assertion, ".") != 2 || p.LastRedeem().Get("client_secret") != "" {
				t.Errorf("%s: the client did not sign who it is", name)
			}
		}
	}
	p.Publish(oidctest.Claims{"token_endpoint_auth_methods_supported": []string{"client_secret_post"}})
	w := newVisitor(t, p)
	if _, err := w.signIn(); err != nil || p.LastRedeem().Get("client_secret") != oidctest.ClientSecret {
		t.Errorf("a secret in the form: %v", err)
	}
}
