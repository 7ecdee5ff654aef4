package oidc

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

const (
	defaultTimeout = 10 * time.Second
	// maxAnswer is the largest answer that is read, in bytes. Keycloak's discovery
	// document has about 7,000.
	maxAnswer = 512 << 10
)

// newHTTPClient makes the client for every call to a provider. It follows no redirect,
// reads no more than maxAnswer, and connects to no address in a network of our own: an
// issuer is typed by a person, and must not become a way to look around inside.
func newHTTPClient(o Options) *http.Client {
	timeout := cmp.Or(o.Timeout, defaultTimeout)
	dialer := &net.Dialer{Timeout: timeout / 2, Control: func(_, address string, _ syscall.RawConn) error {
		return checkAddress(o, address)
	}}
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return fault(Redirected) },
		Transport: &capped{loopback: o.Loopback, next: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots},
			TLSHandshakeTimeout:    timeout / 2,
			ResponseHeaderTimeout:  timeout,
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true,
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    2,
			IdleConnTimeout:        time.Minute,
		}},
	}
}

// checkAddress refuses a connection to an address that is not public, unless it is in a
// network in which providers may be. It sees the address that the name resolved to.
func checkAddress(o Options, address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fault(AddressRefused)
	}
	ip := at.Addr().Unmap().WithZone("")
	for _, network := range o.Networks {
		if network.Contains(ip) {
			return nil
		}
	}
	if ip.IsLoopback() && o.Loopback {
		return nil
	}
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || sharedNetwork.Contains(ip) {
		return fault(AddressRefused)
	}
	return nil
}

// sharedNetwork is what carriers and clouds use inside (RFC 6598).
var sharedNetwork = netip.MustParsePrefix("100.64.0.0/10")

// capped is a transport that refuses plain http and cuts answers off.
type capped struct {
	loopback bool
	next     http.RoundTripper
}

func (t *capped) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && (!t.loopback || !isLoopback(r.URL.Hostname())) {
		return nil, fault(EndpointInsecure)
	}
	res, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body := res.Body
	defer func() { _ = body.Close() }()
	if e := res.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, fault(NotJSON) // we did not ask for it: it may be a bomb
	}
	// It is read here, because the libraries drop the error of a body.
	raw, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case len(raw) > maxAnswer:
		return nil, fault(TooLarge)
	}
	res.Body = io.NopCloser(bytes.NewReader(raw))
	return res, nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// getJSON reads a JSON document.
func (c *Client) getJSON(ctx context.Context, address string, into any) error {
	release, err := c.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fault(IssuerInvalid)
	}
	r.Header.Set("Accept", "application/json")
	res, err := c.http.Do(r)
	if err != nil {
		return networkFault(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fault(StatusOdd)
	}
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return networkFault(err)
	}
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return fault(NotJSON)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fault(NotJSON) // the decoder's error quotes what it read
	}
	return nil
}
