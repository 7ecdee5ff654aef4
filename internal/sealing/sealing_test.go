package sealing

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestKeyOpensOnlyInItsPlace(t *testing.T) {
	ring := open(t, filepath.Join(t.TempDir(), "ring.json"), time.Now)
	key, wrapped, _, err := ring.NewKey("delivery-1")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := key.Seal([]byte("canary"), "upload/0")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("canary")) {
		t.Fatal("the sealed bytes hold the plain text")
	}
	again, err := ring.OpenKey(wrapped, "delivery-1")
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := again.Open(sealed, "upload/0"); err != nil || string(plain) != "canary" {
		t.Fatalf("open = %q, %v", plain, err)
	}
	if _, err := again.Open(sealed, "upload/1"); err == nil {
		t.Error("a block opened in another place")
	}
	if _, err := ring.OpenKey(wrapped, "delivery-2"); err == nil {
		t.Error("a key opened for another delivery")
	}
}

func TestRotateDestroysUnusedKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring.json")
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	ring := open(t, path, clock)
	other := open(t, path, clock) // another process on the same file
	_, open1, id1, _ := ring.NewKey("open")
	_, done1, _, _ := ring.NewKey("done")

	now = now.Add(25 * time.Hour)
	if rotated, destroyed, err := ring.Rotate(24*time.Hour, []string{id1}); err != nil || !rotated || destroyed != 0 {
		t.Fatalf("first rotation: %v %d %v", rotated, destroyed, err)
	}
	_, _, id2, err := other.NewKey("later")
	if err != nil || id2 == id1 {
		t.Fatalf("the other process wraps with %s, want a new key (%v)", id2, err)
	}
	now = now.Add(2 * time.Hour)
	if _, destroyed, err := ring.Rotate(24*time.Hour, []string{id1}); err != nil || destroyed != 0 {
		t.Fatalf("a key in use was destroyed: %d %v", destroyed, err)
	}
	if _, err := other.OpenKey(open1, "open"); err != nil {
		t.Fatal("an open delivery lost its key:", err)
	}
	if _, destroyed, err := ring.Rotate(24*time.Hour, nil); err != nil || destroyed != 1 {
		t.Fatalf("destroyed %d, want 1 (%v)", destroyed, err)
	}
	if _, err := other.OpenKey(done1, "done"); !errors.Is(err, ErrDestroyed) {
		t.Errorf("err = %v, want ErrDestroyed", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
}

func TestDamagedRingIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring.json")
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKeyring(path, time.Now); err == nil {
		t.Fatal("a damaged keyring was accepted or replaced")
	}
}

func TestHalfWrittenRing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring.json")
	// A process that dies while it makes the first ring leaves such a file, and
	// never a ring that cannot be read.
	half := path + ".next-1"
	if err := os.WriteFile(half, []byte(`{"keyset"`), 0o600); err != nil {
		t.Fatal(err)
	}
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(half, past, past); err != nil {
		t.Fatal(err)
	}
	ring := open(t, path, time.Now)
	if _, _, _, err := ring.NewKey("x"); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 || files[0].Name() != "ring.json" {
		t.Errorf("files %v, want only the ring (%v)", files, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600 (%v)", info.Mode(), err)
	}
}

// TestFirstRingOfManyProcesses opens a keyring that does not exist many times at once:
// all must end with the same ring.
func TestFirstRingOfManyProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring.json")
	ids := make(chan string, 8)
	for range cap(ids) {
		go func() {
			ring, err := OpenKeyring(path, time.Now)
			if err != nil {
				ids <- err.Error()
				return
			}
			_, _, id, err := ring.NewKey("x")
			ids <- id + fmt.Sprint(err)
		}()
	}
	first := <-ids
	for range cap(ids) - 1 {
		if id := <-ids; id != first {
			t.Errorf("one wraps with %s, another with %s", first, id)
		}
	}
}

func open(t *testing.T, path string, now func() time.Time) *Keyring {
	t.Helper()
	k, err := OpenKeyring(path, now)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestManyProcessesRotateAtOnce checks that no process drops the key that another has
// made.
func TestManyProcessesRotateAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring.json")
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	rings := make([]*Keyring, 8)
	for i := range rings {
		rings[i] = open(t, path, clock)
	}
	now = now.Add(25 * time.Hour)
	wrapped := make(chan []byte, len(rings))
	for _, r := range rings {
		go func() {
			if _, _, err := r.Rotate(24*time.Hour, nil); err != nil {
				t.Error(err)
			}
			_, w, _, err := r.NewKey("x")
			if err != nil {
				t.Error(err)
			}
			wrapped <- w
		}()
	}
	fresh := make([][]byte, len(rings))
	for i := range fresh {
		fresh[i] = <-wrapped
	}
	late := open(t, path, clock)
	for _, w := range fresh {
		if _, err := late.OpenKey(w, "x"); err != nil {
			t.Errorf("a key that was wrapped during the rotation is lost: %v", err)
		}
	}
}
