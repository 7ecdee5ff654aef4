//go:build unix

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// writePair writes a certificate for 127.0.0.1 with this serial number, and its key.
func writePair(t *testing.T, certFile, keyFile string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// serialAt returns the serial number of the certificate that a new connection is shown.
func serialAt(t *testing.T, address string) int64 {
	t.Helper()
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}
	conn, err := d.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.Int64() //nolint:forcetypeassert // a tls.Dialer's
}

// hangUp sends SIGHUP and waits until the log has one line more with the text in what.
func hangUp(t *testing.T, p *program, what string) {
	t.Helper()
	before := strings.Count(p.err.String(), what)
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.until(t, what, func() bool { return strings.Count(p.err.String(), what) > before })
}

// filedSettings are the settings of a service on https, with its keys and secrets in files of
// dir: tls.crt, tls.key, session.key, mac.key and prepare.secret.
func filedSettings(t *testing.T, dir string) map[string]string {
	t.Helper()
	in := func(name string) string { return filepath.Join(dir, name) }
	writePair(t, in("tls.crt"), in("tls.key"), 1)
	writePair(t, in("ca.crt"), in("ca.key"), 20)
	write(t, in("session.key"), newKey())
	write(t, in("mac.key"), newKey())
	write(t, in("prepare.secret"), "prepare-secret-one")
	settings := settingsIn(dir, freeAddress(t), "127.0.0.1:1")
	settings["SLUIS_BASE_URL"] = "https://" + settings["SLUIS_ADDR"]
	settings["SLUIS_TLS_CERT_FILE"], settings["SLUIS_TLS_KEY_FILE"] = in("tls.crt"), in("tls.key")
	settings["SLUIS_TTP_CA_FILE"] = in("ca.crt")
	for name, file := range map[string]string{
		"SLUIS_SESSION_KEY": "session.key", "SLUIS_FILE_MAC_KEY": "mac.key", "SLUIS_TTP_PREPARE_CLIENT_SECRET": "prepare.secret",
	} {
		delete(settings, name)
		settings[name+"_FILE"] = in(file)
	}
	return settings
}

// TestReload renews certificates and secrets while requests are running: none may fail.
func TestReload(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	settings := filedSettings(t, dir)
	address := settings["SLUIS_ADDR"]
	p := begin(t, environ(settings), "serve")
	p.until(t, "address", func() bool { return strings.Contains(p.err.String(), `"msg":"serving"`) })
	load := beginLoad(t, "https://"+address+"/healthz")

	t.Run("a renewed certificate", func(t *testing.T) {
		if got := serialAt(t, address); got != 1 {
			t.Fatalf("serial %d before", got)
		}
		writePair(t, in("tls.crt"), in("tls.key"), 2)
		hangUp(t, p, `"msg":"the configuration was read again","changed":["SLUIS_TLS_CERT_FILE"]`)
		if got := serialAt(t, address); got != 2 {
			t.Errorf("serial %d after SIGHUP, want 2", got)
		}
	})
	t.Run("a key that does not fit is refused", func(t *testing.T) {
		writePair(t, in("other.crt"), in("tls.key"), 3)
		hangUp(t, p, "the old one stays in use")
		if !strings.Contains(p.err.String(), "SLUIS_TLS_CERT_FILE and SLUIS_TLS_KEY_FILE cannot be used together: private key does not match") {
			t.Errorf("the log does not say why:\n%s", p.err.String())
		}
		if got := serialAt(t, address); got != 2 {
			t.Errorf("serial %d, want the old one", got)
		}
		writePair(t, in("tls.crt"), in("tls.key"), 4)
	})
	t.Run("secrets by name", func(t *testing.T) {
		write(t, in("session.key"), newKey())
		write(t, in("prepare.secret"), "prepare-secret-two")
		write(t, in("mac.key"), newKey())
		writePair(t, in("ca.crt"), in("ca.key"), 21)
		hangUp(t, p, `"changed":["SLUIS_TLS_CERT_FILE","SLUIS_SESSION_KEY","SLUIS_TTP_PREPARE_CLIENT_SECRET","SLUIS_FILE_MAC_KEY"]`)
		if !strings.Contains(p.err.String(), `need a restart","settings":["SLUIS_TTP_CA_FILE"]`) {
			t.Errorf("the log does not name what needs a restart:\n%s", p.err.String())
		}
	})
	asked, lost := load.end()
	if asked < 20 || len(lost) > 0 {
		t.Errorf("%d requests, of which failed: %v", asked, lost)
	}
	if code := p.end(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.err.String())
	}
	if strings.Contains(p.err.String(), "prepare-secret") {
		t.Error("the log shows a secret")
	}
}

// load sends requests to one address all the time: over kept connections and over new
// ones.
type load struct {
	stop    context.CancelFunc
	working sync.WaitGroup
	asked   atomic.Int64
	mu      sync.Mutex
	lost    []string
}

func beginLoad(t *testing.T, address string) *load {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	l := &load{stop: stop}
	for _, fresh := range []bool{false, false, true} {
		client := &http.Client{Timeout: patience, Transport: &http.Transport{
			DisableKeepAlives: fresh, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12},
		}}
		l.working.Go(func() {
			for ctx.Err() == nil {
				// The end of the test must not break off a request, which would count as lost.
				req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, address, nil)
				if err == nil {
					err = l.ask(client, req)
				}
				l.asked.Add(1)
				if err != nil {
					l.mu.Lock()
					l.lost = append(l.lost, err.Error())
					l.mu.Unlock()
				}
			}
			client.CloseIdleConnections()
		})
	}
	return l
}

func (*load) ask(client *http.Client, req *http.Request) error {
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func (l *load) end() (asked int64, lost []string) {
	l.stop()
	l.working.Wait()
	return l.asked.Load(), l.lost
}
