package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/http"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/server"
	from "sluis/internal/server/request"
	"sluis/internal/server/servertest"
)

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key := servertest.Must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der := servertest.Must(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))(t)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: servertest.Must(x509.ParseCertificate(der))(t)}
}

// TestClientCertificate: where Sluis ends TLS itself, a token that is bound to a certificate
// works over a connection whose client has the key of that, and over no other.
func TestClientCertificate(t *testing.T) {
	s := servertest.New(t, func(o *server.Options) { o.ClientCerts = from.CertsTLS })
	own, script, stranger := selfSigned(t), selfSigned(t), selfSigned(t)
	web := s.Server.HTTPServer()
	ln := servertest.Must((&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0"))(t)
	go func() {
		_ = web.Serve(s.Server.TLSListener(ln, web, func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &own, nil }))
	}()
	t.Cleanup(func() { _ = web.Close() })
	centre := s.Centres["2809"]
	token, hash := account.NewToken()
	servertest.Must(s.Store.AddToken(t.Context(), audit.Who{Name: "test"}, account.Token{
		Name: "gebonden", Role: account.Uploader, Centre: &centre, Certificate: account.Thumbprint(script.Certificate[0]),
	}, hash))(t)
	roots := x509.NewCertPool()
	roots.AddCert(own.Leaf)
	for _, h2 := range []bool{false, true} {
		for what, c := range map[string]struct {
			sends  []tls.Certificate
			status int
		}{"the certificate": {[]tls.Certificate{script}, 200}, "another": {[]tls.Certificate{stranger}, 403}, "none": {nil, 403}} {
			client := &http.Client{Transport: &http.Transport{
				TLSClientConfig:   &tls.Config{RootCAs: roots, Certificates: c.sends, MinVersion: tls.VersionTLS12},
				ForceAttemptHTTP2: h2,
			}}
			r := servertest.Must(http.NewRequestWithContext(t.Context(), "GET", "https://"+ln.Addr().String()+"/api/v1/me", nil))(t)
			r.Header.Set("Authorization", "Bearer "+token)
			res := servertest.Must(client.Do(r))(t)
			_ = res.Body.Close()
			client.CloseIdleConnections()
			if res.StatusCode != c.status || h2 != (res.ProtoMajor == 2) {
				t.Errorf("%s over %s: %d, want %d", what, res.Proto, res.StatusCode, c.status)
			}
		}
	}
}
