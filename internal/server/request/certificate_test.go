package request_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net/http/httptest"
	"net/netip"
	"testing"

	"sluis/internal/account"
	"sluis/internal/server/request"
)

func TestCertificate(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	der := []byte("certificate")
	print := account.Thumbprint(der)
	header := ":" + base64.StdEncoding.EncodeToString(der) + ":"
	for _, c := range []struct {
		what, peer string
		from       request.Certs
		headers    []string
		tls        bool
		want       string
	}{
		{"nothing is asked for", "10.0.0.1:1", request.NoCerts, []string{header}, true, ""},
		{"of the connection", "198.51.100.7:1", request.CertsTLS, nil, true, print},
		{"a header where the connection counts", "10.0.0.1:1", request.CertsTLS, []string{header}, false, ""},
		{"of a trusted proxy", "10.0.0.1:1", request.CertsHeader, []string{header}, false, print},
		{"of a stranger", "198.51.100.7:1", request.CertsHeader, []string{header}, false, ""},
		{"two headers", "10.0.0.1:1", request.CertsHeader, []string{header, header}, false, ""},
		{"no byte sequence", "10.0.0.1:1", request.CertsHeader, []string{base64.StdEncoding.EncodeToString(der)}, false, ""},
		{"garbage", "10.0.0.1:1", request.CertsHeader, []string{":%%%:"}, false, ""},
		{"empty", "10.0.0.1:1", request.CertsHeader, []string{"::"}, false, ""},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.peer
		r.Header["Client-Cert"] = c.headers
		if c.tls {
			r = r.WithContext(request.OnConnection(r.Context(), func() tls.ConnectionState {
				return tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Raw: der}}}
			}))
		}
		if got := request.Certificate(r, c.from, trusted); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}
