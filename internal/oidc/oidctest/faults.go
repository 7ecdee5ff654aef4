package oidctest

import (
	"maps"
	"strings"
	"time"
)

// Fault is something that a provider should not do.
type Fault string

// The faults of discovery documents, keys and answers.
const (
	HugeDocument        Fault = "a huge discovery document"
	SlowDocument        Fault = "a discovery document that does not come"
	DocumentRedirects   Fault = "a discovery document elsewhere"
	DocumentIsAPage     Fault = "a page in place of the discovery document"
	DocumentFails       Fault = "status 502 for the discovery document"
	KeysRedirect        Fault = "keys elsewhere"
	HugeKeys            Fault = "huge keys"
	SlowKeys            Fault = "keys that do not come"
	AnswersWithError    Fault = "access denied"
	AnswersOddError     Fault = "an error that is markup"
	NoResponseIssuer    Fault = "no issuer in the answer"
	OtherResponseIssuer Fault = "another issuer in the answer"
	TwoCodes            Fault = "two codes in the answer"
	SlowToken           Fault = "tokens that do not come"
	HugeToken           Fault = "a huge answer with tokens"
	TokenFails          Fault = "status 500 for tokens"
	TokenRedirects      Fault = "tokens elsewhere"
	NoIDToken           Fault = "no ID token"
	NoChallengeCheck    Fault = "PKCE is not checked"
	TakesCodesAgain     Fault = "a code works twice"
)

// The faults of tokens.
const (
	WrongIssuer     Fault = "another issuer"
	WrongAudience   Fault = "another audience"
	MoreAudiences   Fault = "two audiences without azp"
	WrongParty      Fault = "another azp"
	WrongNonce      Fault = "another nonce"
	NoNonce         Fault = "no nonce"
	Expired         Fault = "expired"
	NoExpiry        Fault = "no exp"
	FromTheFuture   Fault = "iat in the future"
	NotYet          Fault = "nbf in the future"
	FromThePast     Fault = "iat long ago"
	NoIssuedAt      Fault = "no iat"
	NoSubject       Fault = "no sub"
	LongSubject     Fault = "a sub of 300 characters"
	Unsigned        Fault = "alg none"
	SignedByPublic  Fault = "HS256 with the public key"
	UnknownKey      Fault = "a key that is not published"
	ChangedPayload  Fault = "a payload that was not signed"
	Garbage         Fault = "no token but text"
	EncryptedToken  Fault = "a token of five parts"
	OddAudienceType Fault = "an audience that is a number"
)

// idToken makes the ID token of a grant, with the faults of the moment.
func (p *Provider) idToken(g *grant) string {
	now := p.now()
	claims := Claims{
		"iss": p.URL, "aud": ClientID, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "nonce": g.nonce, "auth_time": now.Unix(),
	}
	maps.Copy(claims, g.person)
	return p.spoil(claims)
}

// spoil signs claims, after the faults of the moment were committed.
func (p *Provider) spoil(claims Claims) string {
	now := p.now()
	change := map[Fault]func(){
		WrongIssuer:     func() { claims["iss"] = "https://elders.example.nl" },
		WrongAudience:   func() { claims["aud"] = "iemand-anders" },
		MoreAudiences:   func() { claims["aud"] = []string{ClientID, "iemand-anders"} },
		WrongParty:      func() { claims["azp"] = "iemand-anders" },
		WrongNonce:      func() { claims["nonce"] = "een andere" },
		NoNonce:         func() { delete(claims, "nonce") },
		Expired:         func() { claims["exp"], claims["iat"] = now.Add(-time.Hour).Unix(), now.Add(-2*time.Hour).Unix() },
		NoExpiry:        func() { delete(claims, "exp") },
		FromTheFuture:   func() { claims["iat"], claims["exp"] = now.Add(time.Hour).Unix(), now.Add(2*time.Hour).Unix() },
		NotYet:          func() { claims["nbf"] = now.Add(time.Hour).Unix() },
		FromThePast:     func() { claims["iat"] = now.Add(-time.Hour).Unix() },
		NoIssuedAt:      func() { delete(claims, "iat") },
		NoSubject:       func() { delete(claims, "sub") },
		LongSubject:     func() { claims["sub"] = strings.Repeat("s", 300) },
		OddAudienceType: func() { claims["aud"] = 7 },
	}
	for _, f := range p.faults {
		if c, ok := change[f]; ok {
			c()
		}
	}
	token := p.sign(claims)
	p.tokens = append(p.tokens, token)
	return token
}

// LogoutToken makes a logout token. change is made to its claims and its header ("typ"
// only) before it is signed; a nil value leaves a claim out.
func (p *Provider) LogoutToken(change Claims) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	claims := Claims{
		"iss": p.URL, "aud": ClientID, "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(), "jti": random(),
		"sub": p.person["sub"], "sid": p.person["sid"],
		"events": Claims{"http://schemas.openid.net/event/backchannel-logout": Claims{}},
	}
	for name, value := range change {
		if value == nil {
			delete(claims, name)
			continue
		}
		claims[name] = value
	}
	return p.spoil(claims)
}

// IDToken makes an ID token that nobody asked for.
func (p *Provider) IDToken() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.idToken(&grant{nonce: "geen", person: p.person})
}
