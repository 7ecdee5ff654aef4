package oidc

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"time"

	goidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Flow is one sign-in under way: the secrets that bind the answer of the provider to the
// question.
type Flow struct {
	State     string
	Nonce     string
	Verifier  string // of PKCE
	StartedAt time.Time
}

// NewFlow starts a sign-in.
func (c *Client) NewFlow() Flow {
	return Flow{State: rand.Text() + rand.Text(), Nonce: rand.Text() + rand.Text(), Verifier: oauth2.GenerateVerifier(), StartedAt: c.now()}
}

func (s Settings) config(d Document) *oauth2.Config {
	scopes := append([]string{goidc.ScopeOpenID, "profile", "email"}, s.Scopes...)
	return &oauth2.Config{
		ClientID: s.ClientID, RedirectURL: s.RedirectURL, Scopes: slices.Compact(scopes),
		Endpoint: oauth2.Endpoint{AuthURL: d.AuthorizationEndpoint, TokenURL: d.TokenEndpoint},
	}
}

// AuthURL returns where the browser goes to sign in.
func (c *Client) AuthURL(ctx context.Context, s Settings, f Flow) (string, error) {
	d, _, err := c.of(ctx, s.Issuer)
	if err != nil {
		return "", err
	}
	return s.config(d).AuthCodeURL(f.State, goidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier),
		oauth2.SetAuthURLParam("response_mode", "query")), nil
}

// CheckResponse checks the issuer that an answer names (RFC 9207). If the provider
// announces that its answers have one, an answer without it is refused. It must come
// before the code is used, and before an error is believed.
func (c *Client) CheckResponse(ctx context.Context, s Settings, issuer string) error {
	d, _, err := c.of(ctx, s.Issuer)
	if err != nil {
		return err
	}
	if issuer == "" && !d.ResponseIssuer || issuer == s.Issuer {
		return nil
	}
	return fault(TokenIssuer)
}

// Exchange sends the code to the provider and returns what the ID token says of the person.
// All tokens are forgotten.
func (c *Client) Exchange(ctx context.Context, s Settings, f Flow, code string) (Claims, error) {
	d, keys, err := c.of(ctx, s.Issuer)
	if err != nil {
		return Claims{}, err
	}
	raw, err := c.redeem(ctx, s, d, code, f.Verifier)
	if err != nil {
		return Claims{}, err
	}
	return c.readIDToken(ctx, s, keys, f, raw)
}

// redeem exchanges a code for an ID token.
func (c *Client) redeem(ctx context.Context, s Settings, d Document, code, verifier string) (string, error) {
	config := s.config(d)
	options, err := c.authenticate(s, d, config)
	if err != nil {
		return "", err
	}
	release, err := c.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	ctx = context.WithValue(ctx, oauth2.HTTPClient, c.http)
	token, err := config.Exchange(ctx, code, append(options, oauth2.VerifierOption(verifier))...)
	if err != nil {
		return "", exchangeFault(err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok || raw == "" {
		return "", fault(TokenMissing)
	}
	return raw, nil
}

// exchangeFault returns the fault of a code that was not exchanged. The provider's own
// text is dropped.
func exchangeFault(err error) error {
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return redeemFault(err)
	}
	switch {
	case refused.ErrorCode == "invalid_client", refused.ErrorCode == "unauthorized_client",
		refused.ErrorCode == "" && refused.Response != nil && refused.Response.StatusCode == http.StatusUnauthorized:
		return fault(ClientRefused)
	case refused.ErrorCode == "invalid_grant":
		return fault(CodeRefused)
	}
	return fault(ProviderFailed)
}

// redeemFault distinguishes an answer that cannot be read from no answer. oauth2 has no type
// for the first.
func redeemFault(err error) error {
	f := networkFault(err)
	if CodeOf(f) == Unreachable && answered(err) {
		return fault(ProviderFailed)
	}
	return f
}

// answered reports whether the provider answered: the error is not one of the network.
func answered(err error) bool {
	_, network := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return !network
}
