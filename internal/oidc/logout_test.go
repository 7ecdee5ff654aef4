package oidc_test

import (
	"testing"
	"time"

	"sluis/internal/oidc"
	"sluis/internal/oidc/oidctest"
)

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

func TestLogoutTokens(t *testing.T) {
	p := oidctest.Start(t)
	v := newVisitor(t, p)
	now := time.Now()
	for name, c := range map[string]struct {
		change oidctest.Claims
		fault  oidctest.Fault
		want   string
	}{
		"as it should be":       {},
		"its own type":          {change: oidctest.Claims{"typ": "logout+jwt"}},
		"only a subject":        {change: oidctest.Claims{"sid": nil}},
		"only a session":        {change: oidctest.Claims{"sub": nil}},
		"no exp":                {change: oidctest.Claims{"exp": nil}},
		"another type":          {change: oidctest.Claims{"typ": "at+jwt"}, want: oidc.LogoutEvent},
		"neither":               {change: oidctest.Claims{"sid": nil, "sub": nil}, want: oidc.TokenSubject},
		"no event":              {change: oidctest.Claims{"events": nil}, want: oidc.LogoutEvent},
		"another event":         {change: oidctest.Claims{"events": oidctest.Claims{"x": oidctest.Claims{}}}, want: oidc.LogoutEvent},
		"an event that is text": {change: oidctest.Claims{"events": oidctest.Claims{logoutEvent: "x"}}, want: oidc.LogoutEvent},
		"a nonce":               {change: oidctest.Claims{"nonce": "x"}, want: oidc.LogoutNonce},
		"an empty nonce":        {change: oidctest.Claims{"nonce": ""}, want: oidc.LogoutNonce},
		"no jti":                {change: oidctest.Claims{"jti": nil}, want: oidc.LogoutID},
		"old, without exp":      {change: oidctest.Claims{"exp": nil, "iat": now.Add(-time.Hour).Unix()}, want: oidc.TokenExpired},
		"old, with a late exp":  {change: oidctest.Claims{"exp": now.Add(time.Hour).Unix(), "iat": now.Add(-time.Hour).Unix()}, want: oidc.TokenExpired},
		"no iat":                {change: oidctest.Claims{"iat": nil}, want: oidc.TokenFuture},
		"expired":               {fault: oidctest.Expired, want: oidc.TokenExpired},
		"another issuer":        {fault: oidctest.WrongIssuer, want: oidc.TokenIssuer},
		"another audience":      {fault: oidctest.WrongAudience, want: oidc.TokenAudience},
		"in the future":         {fault: oidctest.FromTheFuture, want: oidc.TokenFuture},
		"alg none":              {fault: oidctest.Unsigned, want: oidc.TokenAlgorithm},
		"HS256":                 {fault: oidctest.SignedByPublic, want: oidc.TokenAlgorithm},
		"changed":               {fault: oidctest.ChangedPayload, want: oidc.TokenSignature},
		"an unknown key":        {fault: oidctest.UnknownKey, want: oidc.TokenSignature},
		"garbage":               {fault: oidctest.Garbage, want: oidc.TokenMalformed},
	} {
		p.Commit(c.fault)
		l, err := v.client.ReadLogout(t.Context(), v.settings, p.LogoutToken(c.change))
		if (err == nil) != (c.want == "") || err != nil && oidc.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if err == nil && (l.ID == "" || l.Issuer != p.URL || !l.Expires.After(now)) {
			t.Errorf("%s: %+v", name, l)
		}
	}
	p.Commit()
	if _, err := v.client.ReadLogout(t.Context(), v.settings, p.IDToken()); oidc.CodeOf(err) != oidc.LogoutEvent {
		t.Errorf("an ID token is taken for a logout token: %v", err)
	}
	if _, err := v.client.ReadLogout(t.Context(), v.settings, ""); oidc.CodeOf(err) != oidc.TokenMalformed {
		t.Error(err)
	}
}

// TestBadTokensDoNotFetchKeysEachTime sends logout tokens with made-up keys, and with a
// known key and a wrong signature, as anybody can: the provider is not asked for its keys
// for each. Meanwhile a good logout token is accepted, also if nobody has signed in since the
// start, and a sign-in after a rotation works at once.
func TestBadTokensDoNotFetchKeysEachTime(t *testing.T) {
	p := oidctest.Start(t)
	v := newVisitor(t, p)
	for _, bad := range []oidctest.Fault{oidctest.UnknownKey, oidctest.ChangedPayload} {
		p.Commit(bad)
		for range 50 {
			if _, err := v.client.ReadLogout(t.Context(), v.settings, p.LogoutToken(nil)); oidc.CodeOf(err) != oidc.TokenSignature {
				t.Fatal(err)
			}
		}
	}
	if n := p.Calls("/keys"); n != 1 {
		t.Errorf("100 tokens made us ask for the keys %d times", n)
	}
	p.Commit()
	if _, err := v.client.ReadLogout(t.Context(), v.settings, p.LogoutToken(nil)); err != nil {
		t.Errorf("a good logout token, meanwhile: %v", err)
	}
	p.Rotate("ES256")
	if _, err := v.signIn(); err != nil {
		t.Errorf("a sign-in after a rotation, meanwhile: %v", err)
	}
}
