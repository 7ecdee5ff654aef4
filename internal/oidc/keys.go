package oidc

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	goidc "github.com/coreos/go-oidc/v3/oidc"
)

// fetchEvery is how often tokens that anybody may send can make us ask a provider for its
// keys.
const fetchEvery = 10 * time.Second

// errFetched says that the keys were asked for a moment ago.
var errFetched = errors.New("oidc: the keys were fetched a moment ago")

// keys are the signing keys of a provider. The library fetches them again for each token
// that they do not verify, as it must after a rotation. keys is the transport of those
// fetches, because anybody may send us a logout token: it lets one through every
// fetchEvery, and any while somebody signs in. A token that the keys in memory verify is
// not held up by those that they do not.
type keys struct {
	remote goidc.KeySet
	next   http.RoundTripper // nil for Go's own
	now    func() time.Time

	mu        sync.Mutex
	fetchedAt time.Time
	signIns   int // being verified at this moment
}

func (c *Client) newKeys(uri string) *keys {
	k := &keys{next: c.http.Transport, now: c.now}
	client := *c.http
	client.Transport = k
	// The context of a key set lives as long as the set; each call is limited by the
	// client's timeout.
	k.remote = goidc.NewRemoteKeySet(goidc.ClientContext(context.Background(), &client), uri)
	return k
}

// RoundTrip fetches the keys, unless that was done a moment ago and nobody signs in.
func (k *keys) RoundTrip(r *http.Request) (*http.Response, error) {
	if !k.mayFetch() {
		return nil, errFetched
	}
	next := k.next
	if next == nil {
		next = http.DefaultTransport
	}
	return next.RoundTrip(r)
}

func (k *keys) mayFetch() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.signIns == 0 && k.now().Sub(k.fetchedAt) < fetchEvery {
		return false
	}
	k.fetchedAt = k.now()
	return true
}

// check verifies the signature of a token. fromAnybody is for logout tokens.
func (k *keys) check(ctx context.Context, token string, fromAnybody bool) ([]byte, error) {
	if !fromAnybody {
		k.count(1)
		defer k.count(-1)
	}
	payload, err := k.remote.VerifySignature(ctx, token)
	if errors.Is(err, errFetched) && !fromAnybody {
		// The fetch was under way for somebody else's logout token.
		payload, err = k.remote.VerifySignature(ctx, token)
	}
	if errors.Is(err, errFetched) {
		return nil, fault(TokenSignature)
	}
	return payload, err
}

func (k *keys) count(n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.signIns += n
}
