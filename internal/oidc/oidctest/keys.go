package oidctest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"sync"
)

// signingKey is a key of the provider.
type signingKey struct {
	algorithm, id string
	rsa           *rsa.PrivateKey
	ec            *ecdsa.PrivateKey
}

// rsaKeys are made once: making one is slow.
var (
	rsaKeys  = map[string]*rsa.PrivateKey{}
	rsaMutex sync.Mutex
)

func newKey(algorithm, id string) *signingKey {
	k := &signingKey{algorithm: algorithm, id: id}
	if algorithm == "ES256" {
		k.ec, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		return k
	}
	rsaMutex.Lock()
	defer rsaMutex.Unlock()
	if rsaKeys[id] == nil {
		rsaKeys[id], _ = rsa.GenerateKey(rand.Reader, 2048)
	}
	k.rsa = rsaKeys[id]
	return k
}

// Rotate makes the provider sign with a new key. The old one is published no longer.
func (p *Provider) Rotate(algorithm string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = []*signingKey{newKey(algorithm, "sleutel-"+algorithm)}
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func random() string { return rand.Text() }

// public returns a key as it is published.
func (k *signingKey) public() Claims {
	if k.ec != nil {
		x, y := k.ec.X.FillBytes(make([]byte, 32)), k.ec.Y.FillBytes(make([]byte, 32))
		return Claims{"kty": "EC", "use": "sig", "alg": k.algorithm, "kid": k.id, "crv": "P-256", "x": encode(x), "y": encode(y)}
	}
	e := big.NewInt(int64(k.rsa.E)).Bytes()
	return Claims{"kty": "RSA", "use": "sig", "alg": k.algorithm, "kid": k.id, "n": encode(k.rsa.N.Bytes()), "e": encode(e)}
}

// sign signs claims, after the faults of the moment were committed.
func (p *Provider) sign(claims Claims) string {
	key := p.keys[0]
	header := Claims{"alg": key.algorithm, "kid": key.id, "typ": "JWT"}
	if t, ok := claims["typ"]; ok {
		header["typ"] = t
		delete(claims, "typ")
	}
	switch {
	case p.commits(Garbage):
		return "Kwistenbiebel"
	case p.commits(EncryptedToken):
		return "a.b.c.d.e"
	case p.commits(Unsigned):
		header["alg"] = "none"
		return text(header, claims) + "."
	case p.commits(SignedByPublic):
		header["alg"] = "HS256"
		der, _ := x509.MarshalPKIXPublicKey(&key.rsa.PublicKey)
		mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		signed := text(header, claims)
		mac.Write([]byte(signed))
		return signed + "." + encode(mac.Sum(nil))
	case p.commits(UnknownKey):
		key = newKey("RS256", "onbekend")
		header["kid"], header["alg"] = key.id, key.algorithm
	}
	token := text(header, claims) + "." + encode(key.signature(text(header, claims)))
	if p.commits(ChangedPayload) {
		parts := strings.Split(token, ".")
		claims["sub"] = "iemand-anders"
		parts[1] = strings.Split(text(header, claims), ".")[1]
		token = strings.Join(parts, ".")
	}
	return token
}

func text(header, claims Claims) string {
	h, _ := json.Marshal(header)
	c, _ := json.Marshal(claims)
	return encode(h) + "." + encode(c)
}

func (k *signingKey) signature(signed string) []byte {
	sum := sha256.Sum256([]byte(signed))
	switch k.algorithm {
	case "ES256":
		r, s, _ := ecdsa.Sign(rand.Reader, k.ec, sum[:])
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	case "PS256":
		s, _ := rsa.SignPSS(rand.Reader, k.rsa, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		return s
	}
	s, _ := rsa.SignPKCS1v15(rand.Reader, k.rsa, crypto.SHA256, sum[:])
	return s
}
