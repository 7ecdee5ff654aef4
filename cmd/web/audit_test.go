package main

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAuditVerify runs a service, ends it, and verifies its log: whole, changed, and with
// less than all of the keys.
func TestAuditVerify(t *testing.T) {
	dir := t.TempDir()
	p, settings := beginService(t, dir)
	env := environ(settings)
	if r := command(t, env, "", "centre", "add", "--number", "2809", "--name", "Ziekenhuis"); r.code != 0 {
		t.Fatalf("centre add: %d %s", r.code, r.err)
	}
	if code := p.end(t); code != 0 {
		t.Fatalf("exit code %d\n%s", code, p.err.String())
	}
	if !strings.Contains(p.err.String(), "SLUIS_AUDIT_HEADS_DIR is not set") {
		t.Error("the start does not warn of heads next to the keyring")
	}
	files, err := filepath.Glob(filepath.Join(dir, "audit-heads", "heads-*.txt"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files of heads after the end: %q %v", files, err)
	}
	left := filepath.Join(t.TempDir(), "copy.txt")
	if raw, err := os.ReadFile(files[0]); err != nil || os.WriteFile(left, raw, 0o600) != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{}, {"--heads", left}, {"--key", filepath.Join(dir, "audit-key.pub"), "--heads", left}} {
		r := command(t, env, "", append([]string{"audit", "verify"}, args...)...)
		if r.code != 0 || !strings.Contains(r.out, "the access log is whole") || !strings.Contains(r.out, "agree, in 1 file") ||
			strings.Contains(r.out, "heads: 0") {
			t.Errorf("verify %q: %d\n%s%s", args, r.code, r.out, r.err)
		}
	}
	withoutKeyring := []string{"SLUIS_DATABASE=" + settings["SLUIS_DATABASE"]}
	if r := command(t, withoutKeyring, "", "centre", "add", "--number", "1", "--name", "x"); r.code == 0 || !strings.Contains(r.err, "SLUIS_KEYRING_FILE") {
		t.Errorf("a command without the key: %d %s", r.code, r.err)
	}

	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "sluis.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(context.Background(), "UPDATE audit_events SET address = '192.0.2.9' WHERE id = 1"); err != nil {
		t.Fatal(err)
	}
	r := command(t, env, "", "audit", "verify")
	if r.code != exitAttention || !strings.Contains(r.err, "the first bad record is 1:") || strings.Contains(r.out, "whole") {
		t.Errorf("verify after a change: %d\n%s%s", r.code, r.out, r.err)
	}
}
