package main

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/store"
)

// TestLostKeyringStopsTheStart checks that a missing keyring, as when its disk is not
// mounted, does not cost the deliveries under way: only a person can give them up.
func TestLostKeyringStopsTheStart(t *testing.T) {
	dir := t.TempDir()
	database, ring := filepath.Join(dir, "sluis.db"), filepath.Join(dir, "keyring.json")
	s, err := store.OpenSQLite(t.Context(), database, store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	who := audit.Who{Name: "test"}
	centre, err := s.AddCentre(t.Context(), who, account.Centre{Number: "1", Name: "Proef"})
	if err != nil {
		t.Fatal(err)
	}
	id, err := s.CreateDelivery(t.Context(), delivery.New{PublicID: "a", CentreID: centre.ID, Mode: delivery.Save, Who: who, KeyID: "123",
		WrappedKey: []byte("x"), At: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.FinishUpload(t.Context(), id, []byte("mac"), 1, who); err != nil {
		t.Fatal(err)
	}
	if _, err := openKeyring(t.Context(), ring, s); err == nil || !strings.Contains(err.Error(), "give-up") {
		t.Fatalf("err = %v, want a refusal that says what to do", err)
	}
	if _, err := os.Stat(ring); !errors.Is(err, os.ErrNotExist) {
		t.Error("a new keyring was put in the place of the lost one")
	}
	var out, errOut bytes.Buffer
	env := []string{"SLUIS_DATABASE=sqlite:" + database}
	if code := run(t.Context(), []string{"keyring", "give-up", "--keyring", ring}, env, strings.NewReader(""), &out, &errOut); code != 0 {
		t.Fatalf("give-up: exit %d: %s", code, errOut.String())
	}
	d, err := s.Delivery(t.Context(), account.AllCentres(), "a")
	if err != nil || d.State != delivery.Failed || d.FailCode != "key_destroyed" {
		t.Errorf("delivery %s %s (%v), want failed", d.State, d.FailCode, err)
	}
	if _, err := openKeyring(t.Context(), ring, s); err != nil {
		t.Errorf("after giving up: %v", err)
	}
}
