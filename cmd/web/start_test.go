//go:build unix

package main

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestEveryFaultAtStart starts the service with one fault of each kind that can be known
// at start, and checks that all of them are reported together.
func TestEveryFaultAtStart(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	writePair(t, in("tls.crt"), in("other.key"), 1)
	writePair(t, in("other.crt"), in("tls.key"), 2)
	write(t, in("ca.crt"), "no certificate")
	write(t, in("keyring.json"), "{}")
	write(t, in("mac.key"), newKey())
	write(t, in("group.key"), newKey())
	for name, mode := range map[string]os.FileMode{"keyring.json": 0o640, "mac.key": 0o644, "group.key": 0o440} {
		if err := os.Chmod(in(name), mode); err != nil {
			t.Fatal(err)
		}
	}
	settings := settingsIn(dir, ln.Addr().String(), "127.0.0.1:1")
	settings["SLUIS_DATABASE"] = "sqlite:" + in("nowhere/sluis.db")
	settings["SLUIS_TLS_CERT_FILE"], settings["SLUIS_TLS_KEY_FILE"] = in("tls.crt"), in("tls.key")
	settings["SLUIS_TTP_CA_FILE"] = in("ca.crt")
	delete(settings, "SLUIS_FILE_MAC_KEY")
	settings["SLUIS_FILE_MAC_KEY_FILE"] = in("mac.key")
	delete(settings, "SLUIS_SESSION_KEY")
	settings["SLUIS_SESSION_KEY_FILE"] = in("group.key") // as Kubernetes makes it: no fault
	settings["SLUIS_WORKERS"] = "many"

	r := command(t, environ(settings), "", "serve")
	got := faultsIn(t, r.err)
	want := []string{
		"SLUIS_ADDR " + ln.Addr().String() + " is in use by another program",
		"SLUIS_DATABASE is in a folder that does not exist: " + in("nowhere"),
		"SLUIS_KEYRING_FILE is refused: others on this machine can use " + in("keyring.json") + " (mode 0640); mend that with: chmod 600 " +
			in("keyring.json"),
		"SLUIS_FILE_MAC_KEY_FILE names a file that is not secret: others on this machine can use " + in("mac.key") +
			" (mode 0644); mend that with: chmod 600 " + in("mac.key"),
		"SLUIS_TLS_CERT_FILE and SLUIS_TLS_KEY_FILE cannot be used together: private key does not match public key",
		"SLUIS_TTP_CA_FILE names a file without a certificate in PEM form",
		"SLUIS_WORKERS must be a whole number from 1 to 64",
	}
	for _, w := range want {
		if !slices.ContainsFunc(got, func(fault string) bool { return strings.HasPrefix(fault, w) }) {
			t.Errorf("not said: %s", w)
		}
	}
	if r.code != 1 || len(got) != len(want) {
		t.Errorf("code %d, %d faults, want %d:\n%s", r.code, len(got), len(want), strings.Join(got, "\n"))
	}
	if left, err := filepath.Glob(in(".sluis-start-*")); err != nil || len(left) > 0 {
		t.Errorf("the check left %v (%v)", left, err)
	}
}

// TestOpenKeyringIsRefused checks that a command, too, refuses a keyring that others on
// the machine can read.
func TestOpenKeyringIsRefused(t *testing.T) {
	dir := t.TempDir()
	settings := settingsIn(dir, "127.0.0.1:0", "127.0.0.1:1")
	if r := command(t, environ(settings), "", "migrate"); r.code != 0 {
		t.Fatal(r.err)
	}
	ring := settings["SLUIS_KEYRING_FILE"]
	write(t, ring, "{}")
	if err := os.Chmod(ring, 0o604); err != nil {
		t.Fatal(err)
	}
	r := command(t, environ(settings), "", "keyring", "give-up", "--keyring", ring)
	if r.code != 1 || !strings.Contains(r.err, "chmod 600 "+ring) {
		t.Errorf("%d %q", r.code, r.err)
	}
}
