package request_test

import (
	"net/http/httptest"
	"net/netip"
	"testing"

	"sluis/internal/server/request"
)

func TestClientAddress(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"nobody forwards", "198.51.100.7:999", nil, "198.51.100.7"},
		{"an untrusted peer may say what it likes", "198.51.100.7:999", []string{"1.2.3.4"}, "198.51.100.7"},
		{"a trusted proxy", "10.0.0.1:999", []string{"198.51.100.7"}, "198.51.100.7"},
		{"what the client itself wrote is left", "10.0.0.1:999", []string{"1.2.3.4, 198.51.100.7"}, "198.51.100.7"},
		{"two proxies, two headers", "10.0.0.1:999", []string{"1.2.3.4", "198.51.100.7, 10.0.0.2"}, "198.51.100.7"},
		{"garbage", "10.0.0.1:999", []string{"198.51.100.7, <script>"}, "10.0.0.1"},
		{"a trusted proxy that says nothing", "10.0.0.1:999", nil, "10.0.0.1"},
		{"IPv6", "[fd00::1]:999", []string{"2001:db8::7"}, "2001:db8::7"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:999", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.peer
		r.Header["X-Forwarded-For"] = c.forwarded
		if got := request.ClientAddress(r, trusted); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
