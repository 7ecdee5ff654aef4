package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// lineOf returns the first line of a check, or the zero line.
func lineOf(lines []checked, check string) checked {
	for _, x := range lines {
		if x.Check == check {
			return x
		}
	}
	return checked{}
}

// examined runs web doctor.
func examined(t *testing.T, env []string) (int, []checked) {
	t.Helper()
	r := command(t, env, "", "doctor", "--json")
	var got struct{ Lines []checked }
	if err := json.Unmarshal([]byte(r.out), &got); err != nil {
		t.Fatalf("doctor: %d %v\n%s%s", r.code, err, r.out, r.err)
	}
	return r.code, got.Lines
}

// TestDoctor examines a service that runs well, and then one thing after the other that is
// wrong with it.
func TestDoctor(t *testing.T) {
	dir := t.TempDir()
	p, settings := beginService(t, dir)
	settings["SLUIS_AUDIT_HEADS_DIR"] = filepath.Join(dir, "audit-heads")
	env := environ(settings)
	_, lines := examined(t, env)
	for _, check := range []string{"configuration", "database", "service", "database settings", "keyring", "disk", "TTP",
		"TTP credential, prepare", "TTP credential, resolve", "clock", "queue"} {
		if x := lineOf(lines, check); x.Level != levelOK && check != "keyring" {
			t.Errorf("%s: %+v", check, x)
		}
	}
	for _, x := range lines {
		if x.Level != levelOK && x.Do == "" {
			t.Errorf("%s does not say what to do: %+v", x.Check, x)
		}
	}
	if x := lineOf(lines, "keyring"); x.Level != levelCare || !strings.Contains(x.Says, "one backup of both") {
		t.Errorf("the keyring next to the database: %+v", x)
	}
	if x := lineOf(lines, "TTP secret, prepare"); x.Level != levelCare || !strings.Contains(x.Says, "nobody told") {
		t.Errorf("a secret without an end: %+v", x)
	}
	r := command(t, env, "", "doctor")
	if r.code != exitAttention || !strings.Contains(r.out, "let op") || !strings.Contains(r.out, "→ ") {
		t.Errorf("doctor in words: %d\n%s", r.code, r.out)
	}
	for name, value := range settings {
		if strings.HasSuffix(name, "_SECRET") && strings.Contains(r.out, value) {
			t.Errorf("doctor shows the value of %s", name)
		}
	}
	if code := p.end(t); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	_, lines = examined(t, env)
	if x := lineOf(lines, "service"); x.Level != levelCare {
		t.Errorf("a stopped service: %+v", x)
	}
	if x := lineOf(lines, "access log"); x.Level != levelOK {
		t.Errorf("the access log: %+v", x)
	}

	settings["SLUIS_TTP_PREPARE_CLIENT_SECRET"] = "another secret than the TTP's"
	settings["SLUIS_TTP_RESOLVE_SECRET_EXPIRES"] = time.Now().Add(-48 * time.Hour).Format(time.DateOnly)
	if err := os.Chmod(filepath.Join(dir, "audit-heads"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "sluis.db"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, lines := examined(t, environ(settings))
	if code != 1 {
		t.Errorf("exit code %d with faults, want 1", code)
	}
	for check, says := range map[string]string{
		"TTP credential, prepare": "status 401", "TTP secret, resolve": "ended at", "file modes": "sluis.db",
	} {
		if x := lineOf(lines, check); x.Level != levelFault || !strings.Contains(x.Says, says) {
			t.Errorf("%s: %+v", check, x)
		}
	}
	settings["SLUIS_TTP_AUTH_URL"], settings["SLUIS_WORKERS"] = "http://"+freeAddress(t), "many"
	if code, lines = examined(t, environ(settings)); code != 1 || lineOf(lines, "configuration").Level != levelFault {
		t.Errorf("a faulty setting: %d %+v", code, lines)
	}
	delete(settings, "SLUIS_WORKERS")
	if _, lines = examined(t, environ(settings)); lineOf(lines, "TTP").Level != levelFault {
		t.Errorf("a TTP that is not there: %+v", lineOf(lines, "TTP"))
	}
}

func TestVersion(t *testing.T) {
	r := command(t, nil, "", "version")
	if r.code != 0 || !strings.HasPrefix(r.out, "sluis ") || !strings.Contains(r.out, "commit ") {
		t.Errorf("version: %d %q", r.code, r.out)
	}
	var b build
	if r := command(t, nil, "", "version", "--json"); r.code != 0 || json.Unmarshal([]byte(r.out), &b) != nil || b.Version == "" || b.Go == "" {
		t.Errorf("version as JSON: %d %q", r.code, r.out)
	}
	if got := (build{Version: "1.2", Commit: "0123456789"}).Short(); got != "1.2 (0123456)" {
		t.Errorf("short: %q", got)
	}
}

// TestMetrics reads the figures of a service that delivers, on an address of their own only.
func TestMetrics(t *testing.T) {
	dir := t.TempDir()
	p, settings := beginService(t, dir)
	if strings.Contains(p.err.String(), "figures for a monitor") {
		t.Error("there are figures although no address is set")
	}
	p.end(t)
	settings["SLUIS_METRICS_ADDR"] = freeAddress(t)
	env := environ(settings)
	p = begin(t, env, "serve")
	p.until(t, "figures", func() bool { return strings.Contains(p.err.String(), "figures for a monitor") })
	uploader := prepareCentre(t, env, settings["SLUIS_BASE_URL"])
	uploader.deliver(t, "pilot40.csv", pilot(t), "")
	page := fetch(t, "http://"+settings["SLUIS_METRICS_ADDR"]+"/metrics", http.StatusOK)
	for _, want := range []string{
		`sluis_deliveries{state="done"} 1`, `sluis_rows{outcome="created"} 36`, `sluis_rows{outcome="rejected"} 4`,
		`sluis_ttp_calls_total{call="definitive",result="answered"}`, `sluis_disk_free_bytes{holds="database"}`,
		`sluis_sqlite_bytes{file="wal"}`, `sluis_ttp_breaker_open{client="renew",reason="denied"} 0`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the figures lack %s", want)
		}
	}
	for _, never := range []string{"2809", "Jansen", "987654", "pilot40", "uploader"} {
		if strings.Contains(page, never) {
			t.Errorf("the figures have %q", never)
		}
	}
	fetch(t, settings["SLUIS_BASE_URL"]+"/metrics", http.StatusNotFound)
	if code := p.end(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.err.String())
	}
	for _, address := range []string{"0.0.0.0:9464", "203.0.113.7:9464", "localhost:9464", "9464"} {
		settings["SLUIS_METRICS_ADDR"] = address
		if r := command(t, environ(settings), "", "serve"); r.code != 1 || !strings.Contains(r.err, "SLUIS_METRICS_ADDR") {
			t.Errorf("figures at %s: %d %s", address, r.code, r.err)
		}
	}
}

func fetch(t *testing.T, url string, status int) string {
	t.Helper()
	a, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	raw, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != status {
		t.Errorf("%s: %d, want %d (%v)", url, a.StatusCode, status, err)
	}
	return string(raw)
}
