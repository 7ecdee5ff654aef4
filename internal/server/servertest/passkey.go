package servertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
	"github.com/pquerna/otp/totp"
)

// Authenticator is a device with one passkey. Its fields are what an honest device does;
// a test changes one to play another.
type Authenticator struct {
	Origin   string // of the page, as the browser tells it
	RP       string // the host name that the passkey belongs to
	Verifies bool   // it checks who holds it (UV)
	Count    uint32
	Handle   []byte // of the account
	ID       []byte
	key      *ecdsa.PrivateKey
}

// NewAuthenticator returns a device at the pages of a site.
func (s *Site) NewAuthenticator() *Authenticator {
	s.t.Helper()
	id := make([]byte, 32)
	_, _ = rand.Read(id)
	key := Must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(s.t)
	return &Authenticator{Origin: s.URL, RP: "localhost", Verifies: true, ID: id, key: key}
}

// PasskeyOptions is what a page asks a device.
type PasskeyOptions struct {
	PublicKey struct {
		Challenge string
		RPID      string `json:"rpId"`
		User      struct{ ID string }
	} `json:"publicKey"`
}

// Options asks a page what it asks a device.
func (b *Browser) Options(path string) PasskeyOptions {
	b.s.t.Helper()
	var o PasskeyOptions
	if a := b.Post(path, nil); a.Status != http.StatusOK || json.Unmarshal([]byte(a.Body), &o) != nil || o.PublicKey.Challenge == "" {
		b.s.t.Fatalf("%s: %d\n%s", path, a.Status, a.Body)
	}
	return o
}

func text64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (d *Authenticator) clientData(kind string, o PasskeyOptions) []byte {
	raw, _ := json.Marshal(map[string]any{"type": kind, "challenge": o.PublicKey.Challenge, "origin": d.Origin, "crossOrigin": false})
	return raw
}

// data is the authenticator data, without the parts of a new passkey.
func (d *Authenticator) data(flags byte) []byte {
	rp := sha256.Sum256([]byte(d.RP))
	flags |= 0x01 // somebody touched it
	if d.Verifies {
		flags |= 0x04
	}
	return binary.BigEndian.AppendUint32(append(rp[:], flags), d.Count)
}

// Create makes the passkey and returns the browser's answer.
func (d *Authenticator) Create(t testing.TB, o PasskeyOptions) string {
	t.Helper()
	d.Handle = Must(base64.RawURLEncoding.DecodeString(o.PublicKey.User.ID))(t)
	data := append(d.data(0x40), make([]byte, 16)...) // no model
	data = binary.BigEndian.AppendUint16(data, uint16(len(d.ID)))
	point := Must(d.key.PublicKey.Bytes())(t)
	public := Must(webauthncbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]}))(t)
	data = append(append(data, d.ID...), public...)
	object := Must(webauthncbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data}))(t)
	return d.answer(map[string]any{
		"clientDataJSON": text64(d.clientData("webauthn.create", o)), "attestationObject": text64(object), "transports": []string{"internal"},
	})
}

// Get signs with the passkey and returns the browser's answer.
func (d *Authenticator) Get(t testing.TB, o PasskeyOptions) string {
	t.Helper()
	d.Count++
	data, client := d.data(0), d.clientData("webauthn.get", o)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(data, hash[:]...))
	signature := Must(ecdsa.SignASN1(rand.Reader, d.key, digest[:]))(t)
	return d.answer(map[string]any{
		"clientDataJSON": text64(client), "authenticatorData": text64(data), "signature": text64(signature), "userHandle": text64(d.Handle),
	})
}

func (d *Authenticator) answer(response map[string]any) string {
	raw, _ := json.Marshal(map[string]any{
		"id": text64(d.ID), "rawId": text64(d.ID), "type": "public-key", "clientExtensionResults": map[string]any{}, "response": response,
	})
	return string(raw)
}

// SetUpPasskey signs in by password and sets up a passkey as first factor. It returns the
// device and the recovery codes.
func (b *Browser) SetUpPasskey(email string) (*Authenticator, []string) {
	b.s.t.Helper()
	if a := b.SignIn(email, Password); a.Location() != "/inloggen/instellen" {
		b.s.t.Fatalf("sign in as %s: %d %s\n%s", email, a.Status, a.Location(), a.Body)
	}
	d := b.s.NewAuthenticator()
	a := b.Post("/inloggen/instellen/passkey", url.Values{
		"naam": {"laptop"}, "antwoord": {d.Create(b.s.t, b.Options("/inloggen/instellen/opties"))},
	})
	return d, codesIn(b.s.t, a)
}

// SetUpApp signs in by password and sets up an authenticator app as first factor. It
// returns the secret and the recovery codes.
func (b *Browser) SetUpApp(email string) (secret string, codes []string) {
	b.s.t.Helper()
	if a := b.SignIn(email, Password); a.Location() != "/inloggen/instellen" {
		b.s.t.Fatalf("sign in as %s: %d %s\n%s", email, a.Status, a.Location(), a.Body)
	}
	secret = SecretIn(b.s.t, b.Get("/inloggen/instellen/app"))
	return secret, codesIn(b.s.t, b.Post("/inloggen/instellen/app", url.Values{"code": {b.s.Code(secret)}}))
}

// SecretIn returns the key that a page of an app shows.
func SecretIn(t testing.TB, a Answer) string {
	t.Helper()
	_, rest, ok := strings.Cut(a.Body, `<code class="app-secret">`)
	secret, _, _ := strings.Cut(rest, "<")
	if !ok {
		t.Fatalf("no key: %d\n%s", a.Status, a.Body)
	}
	return strings.ReplaceAll(secret, " ", "")
}

func codesIn(t testing.TB, a Answer) []string {
	t.Helper()
	var codes []string
	for _, part := range strings.Split(a.Body, "<li><code>")[1:] {
		code, _, _ := strings.Cut(part, "<")
		codes = append(codes, code)
	}
	if a.Status != http.StatusOK || len(codes) != 10 {
		t.Fatalf("no recovery codes: %d %s\n%s", a.Status, a.Location(), a.Body)
	}
	return codes
}

// Code returns the code that an app shows now.
func (s *Site) Code(secret string) string {
	s.t.Helper()
	return Must(totp.GenerateCode(secret, s.Clock.Now()))(s.t)
}

// NextCode lets so much time pass that the app shows a new code, and returns that.
func (s *Site) NextCode(secret string) string {
	s.Clock.Advance(31 * time.Second)
	return s.Code(secret)
}
