package ttpclient_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"sluis/internal/ttpclient"
	"sluis/internal/ttpclient/ttptest"
)

// writePair writes a certificate with this serial number, valid until ends, and its
// key.
func writePair(t *testing.T, certFile, keyFile string, serial int64, ends time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: ends}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCertificateIsReadAgain shows that a new certificate is used without a restart,
// and that a half-written one is not used and breaks nothing.
func TestCertificateIsReadAgain(t *testing.T) {
	ttp := ttptest.Start(t)
	var mu sync.Mutex
	var shown []int64
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		shown = append(shown, r.TLS.PeerCertificates[0].SerialNumber.Int64())
		mu.Unlock()
		w.Header().Set("Connection", "close") // so that the next call shows a certificate again
		ttp.Handler().ServeHTTP(w, r)
	}))
	srv.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.StartTLS()
	defer srv.Close()
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())

	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	ends := time.Now().Add(48 * time.Hour).Truncate(time.Second).UTC()
	writePair(t, certFile, keyFile, 1, ends)
	now := time.Now()
	line := ttp.Line(func(o *ttpclient.LineOptions) {
		o.AuthURL, o.APIURL, o.TLS = srv.URL, srv.URL, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		o.CertFile, o.KeyFile, o.Now = certFile, keyFile, func() time.Time { return now }
	})
	c := ttp.ClientOn(line, ttpclient.ScopeTemporary)
	ask := func(key string) int64 {
		t.Helper()
		got, err := c.Exchange(t.Context(), key, call, rows(1))
		wellAnswered(t, 1, got, err)
		mu.Lock()
		defer mu.Unlock()
		return shown[len(shown)-1]
	}
	t.Run("first", func(t *testing.T) {
		if n := ask("first"); n != 1 {
			t.Errorf("showed %d", n)
		}
		if at, ok := line.CertificateExpiry(); !ok || !at.Equal(ends) {
			t.Errorf("ends %v", at)
		}
	})
	t.Run("half written", func(t *testing.T) {
		if err := os.WriteFile(certFile, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		now = now.Add(2 * time.Second)
		if n := ask("half written"); n != 1 {
			t.Errorf("showed %d", n)
		}
	})
	t.Run("renewed", func(t *testing.T) {
		writePair(t, certFile, keyFile, 2, ends.Add(time.Hour))
		now = now.Add(2 * time.Second)
		if n := ask("renewed"); n != 2 {
			t.Errorf("showed %d", n)
		}
		if at, _ := line.CertificateExpiry(); !at.Equal(ends.Add(time.Hour)) {
			t.Errorf("ends %v", at)
		}
	})
}

// TestWrongServer shows that a server with an expired certificate, or with that of
// another host, is not taken for the TTP, and that nothing falls back on plain http.
func TestWrongServer(t *testing.T) {
	ttp := ttptest.Start(t)
	var hits int
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits++ }))
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "c"), filepath.Join(dir, "k")
	for name, ends := range map[string]time.Time{
		"expired": time.Now().Add(-time.Minute), "another host": time.Now().Add(time.Hour),
	} {
		t.Run(name, func(t *testing.T) {
			writePair(t, certFile, keyFile, 3, ends)
			pair, err := tls.LoadX509KeyPair(certFile, keyFile)
			if err != nil {
				t.Fatal(err)
			}
			srv := httptest.NewUnstartedServer(srv.Config.Handler)
			srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			srv.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
			srv.StartTLS()
			defer srv.Close()
			roots := x509.NewCertPool()
			roots.AddCert(pair.Leaf)
			c := ttp.ClientOn(ttp.Line(func(o *ttpclient.LineOptions) {
				o.Sandbox, o.AuthURL, o.APIURL, o.TLS = false, srv.URL, srv.URL, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
			}), ttpclient.ScopeTemporary)
			_, err = c.Exchange(t.Context(), "k", call, rows(1))
			unavailable(t, err)
		})
	}
	if hits != 0 {
		t.Errorf("%d requests reached a server that is not the TTP", hits)
	}
}
