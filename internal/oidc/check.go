package oidc

import (
	"context"
	"crypto/rand"
	"slices"

	"golang.org/x/oauth2"
)

// Connection is what a check of a provider found, if nothing is wrong.
type Connection struct {
	Document Document
	Keys     int // signing keys that Sluis can use
}

// Check asks a provider everything that a sign-in needs, without anybody signing in: its
// document, its keys, and whether it knows us. For the last it offers a code that does not
// exist: a provider that says so has accepted who we are.
func (c *Client) Check(ctx context.Context, s Settings) (Connection, error) {
	c.Forget(s.Issuer)
	d, err := c.Discover(ctx, s.Issuer)
	if err != nil {
		return Connection{}, err
	}
	var set struct {
		Keys []struct {
			Type      string `json:"kty"`
			Use       string `json:"use"`
			Curve     string `json:"crv"`
			Algorithm string `json:"alg"`
		} `json:"keys"`
	}
	if err := c.getJSON(ctx, d.JWKSURI, &set); err != nil {
		return Connection{}, err
	}
	found := Connection{Document: d}
	for _, k := range set.Keys {
		signs := k.Use == "" || k.Use == "sig"
		fits := k.Type == "RSA" || k.Type == "EC" && k.Curve == "P-256"
		if signs && fits && (k.Algorithm == "" || slices.Contains(algorithms, k.Algorithm)) {
			found.Keys++
		}
	}
	if found.Keys == 0 {
		return Connection{}, fault(NoKeys)
	}
	_, err = c.redeem(ctx, s, d, "sluis-"+rand.Text(), oauth2.GenerateVerifier())
	switch CodeOf(err) {
	case CodeRefused, ProviderFailed, TokenMissing:
		return found, nil
	}
	return Connection{}, err
}
