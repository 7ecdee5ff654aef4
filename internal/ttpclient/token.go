package ttpclient

import (
	"context"
	"errors"
	"net/http"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"sluis/internal/ttphealth"
)

// tokenSource keeps one access token for all callers. x/oauth2 fetches it.
// tokenSource adds what x/oauth2 does not do: it drops a token that the TTP refuses,
// renews one early by the injected clock, and keeps the response body out of errors.
type tokenSource struct {
	client *Client
	config clientcredentials.Config
	turn   chan struct{} // one fetch at a time; a caller stops waiting if its context ends
	cached string
	until  time.Time
}

const (
	// A token is renewed before it ends: a tenth of its life before, but at most
	// maxMargin.
	maxMargin = time.Minute
	// assumedLife is the life of a token if the TTP does not say how long it lives.
	assumedLife = 5 * time.Minute
)

func newTokenSource(c *Client) *tokenSource {
	return &tokenSource{
		client: c,
		turn:   make(chan struct{}, 1),
		config: clientcredentials.Config{
			ClientID: c.opt.ClientID, ClientSecret: c.opt.Secret, Scopes: []string{c.opt.Scope},
			TokenURL: c.line.auth + tokenPath, AuthStyle: oauth2.AuthStyleInHeader,
		},
	}
}

// token returns a valid token. It fetches one if none is cached.
func (s *tokenSource) token(ctx context.Context) (string, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if s.cached != "" && s.client.now().Before(s.until) {
		return s.cached, nil
	}
	start := time.Now()
	tok, err := s.config.Token(context.WithValue(ctx, oauth2.HTTPClient, s.client.line.http))
	if ctx.Err() == nil || !errors.Is(ctx.Err(), context.Canceled) {
		s.client.opt.Observe(ttphealth.Token, time.Since(start), err == nil)
	}
	if err != nil {
		return "", tokenError(err, s.client.now())
	}
	life := assumedLife
	if !tok.Expiry.IsZero() {
		life = time.Until(tok.Expiry)
	}
	s.cached = tok.AccessToken
	s.until = s.client.now().Add(life - min(life/10, maxMargin))
	return s.cached, nil
}

// drop forgets a token that was refused, unless another caller already did.
func (s *tokenSource) drop(refused string) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if s.cached == refused {
		s.cached = ""
	}
}

// setSecret makes later tokens be fetched with another secret, and forgets the
// token that the old one brought. A fetch that is under way ends first. It returns
// false if the secret is the same.
func (s *tokenSource) setSecret(secret string) bool {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if secret == s.config.ClientSecret {
		return false
	}
	s.config.ClientSecret, s.cached = secret, ""
	return true
}

// tokenError returns err as a fault, without the body that x/oauth2 puts in its text.
func tokenError(err error, now time.Time) error {
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || e.Response == nil {
		return networkFault(err)
	}
	f := &fault{status: e.Response.StatusCode, what: "the token was not given", verdict: giveUp}
	switch s := f.status; {
	case s == http.StatusTooManyRequests, s == http.StatusRequestTimeout, s >= 500:
		f.verdict, f.retryAfter = tryAgain, retryAfter(e.Response.Header, now)
	case s == http.StatusBadRequest, s == http.StatusUnauthorized, s == http.StatusForbidden:
		f.verdict = denied
	}
	return f
}
