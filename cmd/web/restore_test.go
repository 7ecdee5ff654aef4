package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/backup"
	"sluis/internal/store"
)

// people returns a file with identities of made-up people that the sandbox accepts.
func people(first, n int) []byte {
	var b strings.Builder
	b.WriteString("Centrum id;Geboortedatum;Geslacht;Patiëntnummer;Achternaam;Tussenvoegsel;Voorletters\n")
	for i := first; i < first+n; i++ {
		fmt.Fprintf(&b, "2809;%d-%d-%d;%s;P%06d;Naam%c%c%c;;%c\n", 1+i%28, 1+i%12, 1930+i%80, []string{"m", "v"}[i%2], i,
			'a'+i%26, 'a'+i/26%26, 'a'+i/676%26, 'A'+i%26)
	}
	return []byte(b.String())
}

// TestRestoreDrill makes a backup while hospitals deliver, loses the database, and puts the
// backup back.
func TestRestoreDrill(t *testing.T) {
	dir := t.TempDir()
	p, settings := beginService(t, dir)
	env := environ(settings)
	database := filepath.Join(dir, "sluis.db")
	uploader := prepareCentre(t, env, settings["SLUIS_BASE_URL"])
	uploader.deliver(t, "pilot40.csv", pilot(t), "")

	// Backup during writes.
	stop, written := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-stop:
				written <- n
				return
			default:
				uploader.deliver(t, "tijdens.csv", people(n*200, 200), "")
				n++
			}
		}
	}()
	waitForRows(t, p)
	saved := filepath.Join(t.TempDir(), "backup")
	r := command(t, env, "", "backup", saved)
	if r.code != 0 {
		t.Fatalf("backup: %d %s", r.code, r.err)
	}
	t.Logf("backup: %s", strings.TrimSpace(r.out))
	close(stop)
	during := <-written
	if during == 0 {
		t.Error("nothing was delivered during the backup: the test is blind")
	}
	m, err := backup.Read(saved)
	if err != nil {
		t.Fatal(err)
	}
	wantNoKeys(t, saved, dir)
	if r := command(t, env, "", "check", "--backup", saved); r.code != 0 {
		t.Errorf("check of the backup: %d\n%s%s", r.code, r.out, r.err)
	}
	later := uploader.deliver(t, "later.csv", people(90_000, 50), "")
	before := uploader.patients(t)
	if r := command(t, env, "", "restore", "--force", saved); r.code != 1 || !strings.Contains(r.err, "stop it first") {
		t.Errorf("restore while the service runs: %d %s", r.code, r.err)
	}
	if code := p.end(t); code != 0 {
		t.Fatalf("exit code %d\n%s", code, p.err.String())
	}
	if r := command(t, env, "", "check"); r.code != 0 {
		t.Errorf("check before: %d\n%s%s", r.code, r.out, r.err)
	}
	if r := command(t, env, "", "restore", "--list", saved); r.code != 0 || !strings.Contains(r.out, later.ID) {
		t.Errorf("the list of what would be lost: %d\n%s%s", r.code, r.out, r.err)
	}

	// Destroy and restore.
	for _, file := range backup.Beside(database) {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	r = command(t, env, "", "restore", saved)
	took := time.Since(began)
	if r.code != 0 || !strings.Contains(r.out, "must be delivered and entered again") {
		t.Fatalf("restore: %d\n%s%s", r.code, r.out, r.err)
	}
	wantDigest(t, database, m)
	// The heads know of records that are lost now: that must be seen, and be settled by a person.
	if r := command(t, env, "", "check"); r.code != 1 || !strings.Contains(r.out, "the first bad record is") {
		t.Errorf("check with the heads of before: %d\n%s%s", r.code, r.out, r.err)
	}
	if err := os.Rename(filepath.Join(dir, "audit-heads"), filepath.Join(dir, "heads-before-restore")); err != nil {
		t.Fatal(err)
	}
	if r := command(t, env, "", "check"); r.code != 0 {
		t.Errorf("check after: %d\n%s%s", r.code, r.out, r.err)
	}

	// Start again: what was under way goes on, and what was lost is delivered again.
	p = begin(t, env, "serve")
	p.until(t, "address", func() bool { return strings.Contains(p.err.String(), `"msg":"serving"`) })
	for _, d := range m.UnderWay() {
		if d.State != "receiving" { // a broken upload: its sender knows
			uploader.await(t, d.PublicID)
		}
	}
	lost := len(before) - len(uploader.patients(t))
	for i := range during {
		uploader.deliver(t, "opnieuw.csv", people(i*200, 200), "")
	}
	uploader.deliver(t, "later.csv", people(90_000, 50), "")
	if after := uploader.patients(t); !slices.Equal(numbers(after), numbers(before)) {
		t.Errorf("%d patients after everything was delivered again, before %d", len(after), len(before))
	}
	if code := p.end(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.err.String())
	}
	if r := command(t, env, "", "audit", "verify"); r.code != 0 {
		t.Errorf("verify at the end: %d\n%s%s", r.code, r.out, r.err)
	}
	t.Logf("restored in %.2f s: %d patients, %d deliveries, digest as the manifest's; lost until delivered again: %d patients, %d delivery",
		took.Seconds(), m.Patients, len(m.Deliveries), lost, 1)
}

// prepareCentre makes a centre and returns a client with a token of it.
func prepareCentre(t *testing.T, env []string, base string) *api {
	t.Helper()
	if r := command(t, env, "", "centre", "add", "--number", "2809", "--name", "Ziekenhuis", "--identities"); r.code != 0 {
		t.Fatalf("centre add: %d %s", r.code, r.err)
	}
	r := command(t, env, "", "token", "add", "--name", "script", "--role", string(account.Uploader), "--centre", "2809")
	if r.code != 0 {
		t.Fatalf("token add: %d %s", r.code, r.err)
	}
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	return newAPI(t, base, lines[len(lines)-1])
}

// waitForRows waits until a second delivery is being worked on.
func waitForRows(t *testing.T, p *program) {
	t.Helper()
	p.until(t, "work on a delivery", func() bool { return strings.Count(p.err.String(), `"delivery step"`) > 4 })
}

// wantNoKeys checks that no key is in a backup.
func wantNoKeys(t *testing.T, saved, dir string) {
	t.Helper()
	for _, name := range []string{"keyring.json", "audit-key"} {
		key, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{backup.DatabaseFile, backup.ManifestFile} {
			raw, err := os.ReadFile(filepath.Join(saved, file))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(raw), string(key[len(key)/2:len(key)/2+24])) {
				t.Errorf("%s of the backup has a part of %s", file, name)
			}
		}
	}
}

// wantDigest checks that a database is what a manifest says.
func wantDigest(t *testing.T, database string, m backup.Manifest) {
	t.Helper()
	s, err := store.OpenDamaged(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	sums, err := s.Sums(t.Context())
	if err != nil || backup.Digest(sums) != m.Sums {
		t.Errorf("the restored deliveries are others than the manifest's (%v)", err)
	}
	if n, _, err := s.CountPatients(t.Context()); err != nil || n != m.Patients {
		t.Errorf("%d patients restored, want %d (%v)", n, m.Patients, err)
	}
}

// numbers returns the patient numbers, in order.
func numbers(list []listed) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = x.PatientNumber
	}
	slices.Sort(out)
	return out
}

// TestRestoreRefuses checks that nothing is overwritten and nothing damaged is used.
func TestRestoreRefuses(t *testing.T) {
	dir := t.TempDir()
	settings := settingsIn(dir, "127.0.0.1:0", "127.0.0.1:1")
	env := environ(settings)
	database := filepath.Join(dir, "sluis.db")
	if r := command(t, env, "", "migrate"); r.code != 0 {
		t.Fatal(r.err)
	}
	saved := filepath.Join(t.TempDir(), "a")
	if r := command(t, env, "", "backup", saved); r.code != 0 {
		t.Fatal(r.err)
	}
	for _, tc := range []struct {
		name string
		args []string
		says string
	}{
		{"a folder that is not empty", []string{"backup", saved}, "is not empty"},
		{"the keyring's folder", []string{"backup", filepath.Join(dir, "b")}, "the keyring's"},
		{"over a database", []string{"restore", saved}, "--force"},
		{"no backup", []string{"restore", t.TempDir()}, "it is no backup"},
	} {
		if r := command(t, env, "", tc.args...); r.code != 1 || !strings.Contains(r.err, tc.says) {
			t.Errorf("%s: %d %q", tc.name, r.code, r.err)
		}
	}
	old, err := os.ReadFile(database)
	if err != nil {
		t.Fatal(err)
	}
	r := command(t, env, "", "restore", "--force", saved)
	if r.code != 0 {
		t.Fatalf("restore --force: %d %s", r.code, r.err)
	}
	aside, err := filepath.Glob(database + ".before-restore-*Z")
	if err != nil || len(aside) != 1 {
		t.Fatalf("set aside: %q %v", aside, err)
	}
	if kept, err := os.ReadFile(aside[0]); err != nil || string(kept) != string(old) {
		t.Errorf("the database that was set aside is not what it was (%v)", err)
	}
	// One byte of the copy changes.
	file := filepath.Join(saved, backup.DatabaseFile)
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := command(t, env, "", "restore", "--force", saved); r.code != 1 || !strings.Contains(r.err, "changed or damaged") {
		t.Errorf("a damaged backup: %d %s", r.code, r.err)
	}
	if r := command(t, env, "", "check", "--backup", saved); r.code != 1 || !strings.Contains(r.out, "fout") {
		t.Errorf("check of a damaged backup: %d %s", r.code, r.out)
	}
	for _, name := range []string{"backup", "restore"} {
		server := []string{"SLUIS_DATABASE=sqlserver://u:secret@127.0.0.1?database=x"}
		if r := command(t, server, "", name, filepath.Join(t.TempDir(), "c")); r.code != exitAttention || !strings.Contains(r.out, strings.ToUpper(name)) {
			t.Errorf("%s on a server: %d %s", name, r.code, r.out)
		}
	}
}

func wantCommand(t *testing.T, env []string, args ...string) {
	t.Helper()
	if r := command(t, env, "", args...); r.code != 0 {
		t.Fatalf("web %v: %d\n%s%s", args, r.code, r.out, r.err)
	}
}
