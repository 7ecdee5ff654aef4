package oidc

import (
	"context"
	"crypto/subtle"
	"errors"
	"slices"
	"time"

	goidc "github.com/coreos/go-oidc/v3/oidc"
)

// claims are the ones that every token is judged by.
type tokenClaims struct {
	Issuer   string         `json:"iss"`
	Subject  string         `json:"sub"`
	Audience audience       `json:"aud"`
	Party    string         `json:"azp"`
	Expires  float64        `json:"exp"`
	Issued   float64        `json:"iat"`
	NotUntil float64        `json:"nbf"`
	Nonce    *string        `json:"nonce"`
	Session  string         `json:"sid"`
	ID       string         `json:"jti"`
	Events   map[string]any `json:"events"`
}

// maxSubject is the longest subject (OpenID Connect Core, section 2), in bytes.
const maxSubject = 255

// watched is a key set that remembers why it could not answer: the library drops it.
type watched struct {
	keys        *keys
	fromAnybody bool
	err         error
}

func (w *watched) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := w.keys.check(ctx, token, w.fromAnybody)
	w.err = err
	return payload, err
}

// verify checks the signature, the issuer, the audience and the times of a token, and
// reads its claims.
func (c *Client) verify(ctx context.Context, s Settings, keys *keys, raw string, logout bool) (*goidc.IDToken, tokenClaims, error) {
	set := &watched{keys: keys, fromAnybody: logout}
	verifier := goidc.NewVerifier(s.Issuer, set, &goidc.Config{
		ClientID: s.ClientID, SupportedSigningAlgs: algorithms,
		// The tokens of a provider whose clock is behind have just expired for us.
		Now: func() time.Time { return c.now().Add(-Skew) },
		// A logout token may have no exp; its age is checked by its caller.
		SkipExpiryCheck: logout,
	})
	token, err := verifier.Verify(ctx, raw)
	if err != nil {
		return nil, tokenClaims{}, c.explain(s, raw, set.err)
	}
	var claims tokenClaims
	if err := token.Claims(&claims); err != nil {
		return nil, tokenClaims{}, fault(TokenMalformed)
	}
	now := float64(c.now().Unix())
	switch {
	case claims.Party != "" && claims.Party != s.ClientID, claims.Party == "" && len(claims.Audience) > 1:
		return nil, claims, fault(TokenParty)
	case claims.Issued == 0, claims.Issued > now+Skew.Seconds(), claims.NotUntil > now+Skew.Seconds():
		return nil, claims, fault(TokenFuture)
	}
	return token, claims, nil
}

// explain returns the fault of a token that the library refused. The library's error
// quotes the token, so that the reason is looked for once more, in claims that nobody
// has verified: they decide nothing but the code.
func (c *Client) explain(s Settings, raw string, keyError error) error {
	var header struct {
		Algorithm string `json:"alg"`
	}
	var claims tokenClaims
	if readPart(raw, 0, &header) != nil || readPart(raw, 1, &claims) != nil {
		return fault(TokenMalformed)
	}
	now := float64(c.now().Unix())
	switch {
	case !slices.Contains(algorithms, header.Algorithm):
		return fault(TokenAlgorithm)
	case claims.Issuer != s.Issuer:
		return fault(TokenIssuer)
	case !slices.Contains(claims.Audience, s.ClientID):
		return fault(TokenAudience)
	case keyError != nil && fetchFailed(keyError):
		return networkFault(keyError)
	case keyError != nil:
		return fault(TokenSignature)
	case claims.Expires <= now-Skew.Seconds():
		return fault(TokenExpired)
	case claims.NotUntil > now:
		return fault(TokenFuture)
	}
	return fault(TokenSignature)
}

// fetchFailed reports whether keys could not be fetched, as against keys that do not fit.
func fetchFailed(err error) bool {
	_, ours := errors.AsType[*Fault](err)
	_, network := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ours || network
}

// readIDToken verifies an ID token and returns what it says.
func (c *Client) readIDToken(ctx context.Context, s Settings, keys *keys, f Flow, raw string) (Claims, error) {
	token, claims, err := c.verify(ctx, s, keys, raw, false)
	if err != nil {
		return Claims{}, err
	}
	switch {
	case claims.Nonce == nil, subtle.ConstantTimeCompare([]byte(*claims.Nonce), []byte(f.Nonce)) != 1:
		return Claims{}, fault(TokenNonce)
	case claims.Issued < float64(f.StartedAt.Add(-Skew).Unix()):
		return Claims{}, fault(TokenOld)
	case claims.Subject == "", len(claims.Subject) > maxSubject:
		return Claims{}, fault(TokenSubject)
	}
	values := map[string]any{}
	if err := token.Claims(&values); err != nil {
		return Claims{}, fault(TokenMalformed)
	}
	return Claims{Issuer: claims.Issuer, Subject: claims.Subject, Session: claims.Session, values: values}, nil
}
