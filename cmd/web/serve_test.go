package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluis/internal/account"
	"sluis/internal/config"
)

// required are the settings without a default (docs/operations.md).
var required = []string{
	"SLUIS_BASE_URL", "SLUIS_DATABASE", "SLUIS_DISPLAY_BIRTH", "SLUIS_SESSION_KEY", "SLUIS_FILE_MAC_KEY", "SLUIS_KEYRING_FILE",
	"SLUIS_TTP_AUTH_URL", "SLUIS_TTP_API_URL", "SLUIS_TTP_PREPARE_CLIENT_ID", "SLUIS_TTP_PREPARE_CLIENT_SECRET",
	"SLUIS_TTP_RESOLVE_CLIENT_ID", "SLUIS_TTP_RESOLVE_CLIENT_SECRET", "SLUIS_TTP_DOMAIN",
}

func newKey() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return base64.StdEncoding.EncodeToString(b)
}

// settingsIn are the settings of a service whose files are in dir.
func settingsIn(dir, address, ttp string) map[string]string {
	return map[string]string{
		"SLUIS_ADDR": address, "SLUIS_BASE_URL": "http://" + address, "SLUIS_DATABASE": "sqlite:" + filepath.Join(dir, "sluis.db"),
		"SLUIS_DISPLAY_BIRTH": "date", "SLUIS_SESSION_KEY": newKey(), "SLUIS_FILE_MAC_KEY": newKey(),
		"SLUIS_KEYRING_FILE": filepath.Join(dir, "keyring.json"), "SLUIS_SECOND_FACTOR": "any",
		"SLUIS_TTP_AUTH_URL": "http://" + ttp, "SLUIS_TTP_API_URL": "http://" + ttp, "SLUIS_TTP_DOMAIN": sandboxDomain,
		"SLUIS_TTP_PREPARE_CLIENT_ID": sandboxPrepareID, "SLUIS_TTP_PREPARE_CLIENT_SECRET": "prepare-secret-for-a-test",
		"SLUIS_TTP_RESOLVE_CLIENT_ID": sandboxResolveID, "SLUIS_TTP_RESOLVE_CLIENT_SECRET": "resolve-secret-for-a-test",
		"SLUIS_TTP_SANDBOX": "true",
	}
}

func environ(settings map[string]string) []string {
	var env []string
	for _, k := range slices.Sorted(maps.Keys(settings)) {
		env = append(env, k+"="+settings[k])
	}
	return env
}

func TestServeNamesEverythingMissing(t *testing.T) {
	r := command(t, []string{"SLUIS_ADDR=127.0.0.1:0"}, "", "serve") // the default port may be in use
	if r.code != 1 {
		t.Errorf("exit code %d, want 1", r.code)
	}
	for _, name := range required {
		if !strings.Contains(r.err, name+" is missing") {
			t.Errorf("serve does not say that %s is missing:\n%s", name, r.err)
		}
	}
	// No other setting may be required.
	faults := faultsIn(t, r.err)
	for _, fault := range faults {
		name, _, found := strings.Cut(fault, " is missing")
		if found && !slices.Contains(required, name) {
			t.Errorf("serve also wants %s, which the list of required settings lacks", name)
		}
	}
	if len(faults) != len(required) {
		t.Errorf("%d faults, want %d: %q", len(faults), len(required), faults)
	}
}

// faultsIn returns the faults in the last line of a service's log. Every line of it
// must be JSON.
func faultsIn(t *testing.T, log string) []string {
	t.Helper()
	var last struct {
		Level, Msg string
		Faults     []string
	}
	for _, line := range strings.Split(strings.TrimSpace(log), "\n") {
		last.Faults = nil
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("a line of the log is not JSON: %v\n%s", err, line)
		}
	}
	if last.Level != "ERROR" || last.Msg != "the service has ended" {
		t.Errorf("the last line is %+v", last)
	}
	return last.Faults
}

func TestServeRefusesAFaultyEnvironment(t *testing.T) {
	settings := settingsIn(t.TempDir(), "127.0.0.1:0", "127.0.0.1:1")
	settings["SLUIS_WORKERS"] = "many"
	settings["SLUIS_SESSION_KEY"] = "kort-en-geheim"
	settings["SLUIS_TTP_API_URL"] = "http://ttp.example.org"
	settings["SLUIS_DATABSE"] = "typing error"
	r := command(t, environ(settings), "", "serve")
	for _, want := range []string{"SLUIS_WORKERS", "SLUIS_SESSION_KEY", "SLUIS_TTP_API_URL", "SLUIS_DATABSE"} {
		if r.code != 1 || !strings.Contains(r.err, want) {
			t.Errorf("%d, want 1 and a word of %s:\n%s", r.code, want, r.err)
		}
	}
	if strings.Contains(r.err, "kort-en-geheim") {
		t.Errorf("the message repeats a secret:\n%s", r.err)
	}
}

func TestServeRefusesADemonstration(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	if code := beginDemo(t, data).end(t); code != 0 {
		t.Fatalf("demo ended with %d", code)
	}
	r := command(t, environ(settingsIn(data, "127.0.0.1:0", "127.0.0.1:1")), "", "serve")
	if r.code != 1 || !strings.Contains(r.err, "demonstration") {
		t.Errorf("serve on a demonstration's database: %d %q", r.code, r.err)
	}
}

// beginService starts a TTP and a service that uses it.
func beginService(t *testing.T, dir string) (*program, map[string]string) {
	t.Helper()
	ttp := begin(t, []string{}, "sandbox", "serve", "--addr", "127.0.0.1:0", "--data", filepath.Join(dir, "ttp-data"),
		"--prepare", "prepare-secret-for-a-test", "--resolve", "resolve-secret-for-a-test")
	ttp.until(t, "address", func() bool { return strings.Contains(ttp.out.String(), "TTP sandbox: ") })
	address := strings.TrimSpace(strings.TrimPrefix(ttp.out.String(), "TTP sandbox: "))
	settings := settingsIn(dir, freeAddress(t), address)
	p := begin(t, environ(settings), "serve")
	p.until(t, "address", func() bool { return strings.Contains(p.err.String(), `"msg":"serving"`) })
	return p, settings
}

// TestServePilot prepares a service while it runs, and delivers to it.
func TestServePilot(t *testing.T) {
	dir := t.TempDir()
	p, settings := beginService(t, dir)
	env := environ(settings)
	if r := command(t, env, "", "centre", "add", "--number", "2809", "--name", "Ziekenhuis", "--identities"); r.code != 0 {
		t.Fatalf("centre add beside the service: %d %s", r.code, r.err)
	}
	r := command(t, env, "", "token", "add", "--name", "script", "--role", "uploader", "--centre", "2809")
	if r.code != 0 {
		t.Fatalf("token add beside the service: %d %s", r.code, r.err)
	}
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	uploader := newAPI(t, settings["SLUIS_BASE_URL"], lines[len(lines)-1])
	got := uploader.deliver(t, "pilot40.csv", pilot(t), "")
	if got.Counts != (counts{Read: 40, Created: 36, Rejected: 4}) {
		t.Errorf("pilot: %s %+v", got.Status, got.Counts)
	}
	wantPilotRejects(t, uploader.report(t, got.ID))
	if r := command(t, env, "", "serve"); r.code != 1 || !strings.Contains(r.err, "another process") {
		t.Errorf("a second service on the same SQLite file: %d %q", r.code, r.err)
	}
	if code := p.end(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.err.String())
	}
	// The log at start shows the settings, and none of the secrets.
	for name := range settings {
		secret := strings.HasSuffix(name, "_SECRET") || strings.HasSuffix(name, "_KEY")
		if !strings.Contains(p.err.String(), name) {
			t.Errorf("the log does not show %s", name)
		} else if secret && strings.Contains(p.err.String(), settings[name]) {
			t.Errorf("the log shows the value of %s", name)
		}
	}
}

// TestPrepareService runs the commands that add accounts and checks what each prints.
func TestPrepareService(t *testing.T) {
	env := environ(settingsIn(t.TempDir(), "127.0.0.1:0", "127.0.0.1:1"))
	for _, tc := range []struct {
		stdin, args string
		code        int
		says        string
	}{
		{"", "centre add --number 2809 --name Een", 1, "Make it with web migrate"},
		{"", "migrate", 0, "up to date"},
		{"", "token add --name x --role uploader --centre 2809", 1, "web centre add"},
		{"", "centre add --number 2809 --name Een", 0, "centre 2809 added"},
		{"", "centre add --number 2809 --name Twee", 1, "is there already"},
		{"", "centre add --name Drie", 2, "--number"},
		{"", "centre set --number 2809 --brake 40 --number-system urn:oid:1.2.3 --identities", 0,
			`centre 2809: Een, identities true, brake 40%, number system "urn:oid:1.2.3"`},
		{"", "centre set --number 2809 --name Anders --no-identities --brake 0", 0,
			`centre 2809: Anders, identities false, brake 30%, number system "urn:oid:1.2.3"`},
		{"", "centre set --number 2809 --brake 101", 1, "from 0 to 100"},
		{"", "centre set --number 1", 1, "no centre 1"},
		{"", "user add --email a@b.example --role uploader --centre 2809", 0, "password: "},
		{"", "user add --email A@B.example --role uploader --centre 2809", 1, "is there already"},
		{"", "user add --email geen-adres --role admin", 1, "no e-mail address"},
		{"", "user add --email c@b.example --role uploader", 1, "give --centre"},
		{"", "user add --email c@b.example --role admin --centre 2809", 1, "clinician, uploader and centreadmin only"},
		{"", "user add --email c@b.example --role admin --role uploader --centre 2809", 1, "two accounts"},
		{"", "user add --email c@b.example --role chef", 1, "none of clinician"},
		{"", "user add --email c@b.example --role uploader --centre 9999", 1, "there is no centre 9999"},
		{"", "user add --email c@b.example --role admin --password-stdin", 1, "no password"},
		{"", "user add --email c@b.example --role admin --role auditor", 1, "an auditor has no other role"},
		{"een lang genoeg wachtwoord\n", "user add --email c@b.example --role admin --role datamanager --password-stdin", 0, "added"},
		{"", "token add --name script --role uploader --centre 2809 --as c@b.example", 0, "shown this once"},
		{"", "token add --name script --role datamanager", 1, "--as is missing"},
		{"", "centre set --number 2809 --brake 40", 1, "--as is missing"},
		{"", "centre set --number 2809 --brake 40 --as niemand@b.example", 1, "no administrator"},
		{"", "token add --name script --role datamanager --as c@b.example", 0, "shown this once"},
		{"", "token add --role datamanager", 2, "--name"},
	} {
		r := command(t, env, tc.stdin, strings.Fields(tc.args)...)
		if r.code != tc.code || !strings.Contains(r.out+r.err, tc.says) {
			t.Errorf("web %s: %d %q, want %d and %q", tc.args, r.code, r.out+r.err, tc.code, tc.says)
		}
		if tc.stdin != "" && strings.Contains(r.out+r.err, strings.TrimSpace(tc.stdin)) {
			t.Errorf("web %s repeats the password", tc.args)
		}
	}
	if r := command(t, nil, "", "centre", "add", "--number", "1", "--name", "x"); r.code != 1 ||
		!strings.Contains(r.err, "SLUIS_DATABASE") {
		t.Errorf("without a database: %d %q", r.code, r.err)
	}
}

// TestBlankAccounts checks that no account, centre or token is made with an empty name or
// password, nor a token that only works on the pages.
func TestBlankAccounts(t *testing.T) {
	env := environ(settingsIn(t.TempDir(), "127.0.0.1:0", "127.0.0.1:1"))
	if r := command(t, env, "", "migrate"); r.code != 0 {
		t.Fatal(r.err)
	}
	for _, tc := range []struct {
		stdin string
		args  []string
	}{
		{"\n", []string{"user", "add", "--email", "d@b.example", "--role", "admin", "--password-stdin"}},
		{"", []string{"centre", "add", "--number", "", "--name", "x"}},
		{"", []string{"centre", "add", "--number", "1", "--name", " "}},
		{"", []string{"token", "add", "--name", "", "--role", "datamanager"}},
		{"", []string{"token", "add", "--name", "x", "--role", string(account.Auditor)}},
	} {
		if r := command(t, env, tc.stdin, tc.args...); r.code == 0 {
			t.Errorf("web %q was taken: %s", tc.args, r.out)
		}
	}
}

// TestRequiredIsWhatConfigWants compares required with package config.
func TestRequiredIsWhatConfigWants(t *testing.T) {
	settings := settingsIn(t.TempDir(), "127.0.0.1:0", "127.0.0.1:1")
	if _, err := config.Load(environ(settings)); err != nil {
		t.Fatalf("the settings of these tests: %v", err)
	}
	for _, name := range required {
		without := maps.Clone(settings)
		delete(without, name)
		if _, err := config.Load(environ(without)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}
