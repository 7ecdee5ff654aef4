package main

import (
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sluis/internal/config"
)

func readDeploy(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestUnits lets systemd itself read the units, if this machine has it, and rate how much
// of the machine the service can reach.
func TestUnits(t *testing.T) {
	const unit = "systemd/sluis.service"
	text := readDeploy(t, unit)
	for _, want := range []string{"MemorySwapMax=0", "LimitCORE=0", "NoNewPrivileges=true", "ProtectSystem=strict", "ExecReload=/bin/kill -HUP"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s lacks %s", unit, want)
		}
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Fatal("systemd-analyze is not installed: run ./.ci/tools systemd-analyze as root (Debian: apt-get install systemd)")
	}
	dir := t.TempDir()
	var files []string
	for _, name := range []string{"sluis.service", "sluis-backup.service", "sluis-backup.timer"} {
		here := strings.NewReplacer("/usr/local/bin/web serve", "/bin/true", "User=sluis", "User=root", "Group=sluis", "Group=root").
			Replace(readDeploy(t, "systemd/"+name))
		files = append(files, filepath.Join(dir, name))
		if err := os.WriteFile(files[len(files)-1], []byte(here), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), analyze, append([]string{"verify", "--man=no"}, files...)...).CombinedOutput()
	said := false
	for _, line := range strings.Split(string(out), "\n") {
		if strings.Contains(line, "sluis") { // it also complains of the machine's own units
			said = true
			t.Errorf("systemd-analyze: %s", line)
		}
	}
	if err != nil && said {
		t.Errorf("systemd-analyze verify: %v", err)
	}
	out, err = exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--threshold=20", files[0]).CombinedOutput()
	if err != nil {
		t.Errorf("the unit leaves the service more than it needs (%v):\n%s", err, out)
	}
	t.Logf("%s", regexp.MustCompile(`Overall exposure level.*`).Find(out))
}

// TestRehearsalSettings checks that the settings of the compose file are settings of Sluis,
// and that the files for proxies are about the same size of a file.
func TestRehearsalSettings(t *testing.T) {
	env, err := settingsFile("../../deploy/container/rehearsal.env")
	if err != nil {
		t.Fatal(err)
	}
	if len(env) < 15 {
		t.Fatalf("only %d settings", len(env))
	}
	_, err = config.Load(env)
	for _, fault := range strings.Split(err.Error(), "\n")[1:] {
		if !strings.Contains(fault, "file that cannot be read") { // they are in the container
			t.Errorf("the rehearsal's settings: %s", fault)
		}
	}
	compose := readDeploy(t, "container/compose.yml")
	for _, secret := range regexp.MustCompile(`/run/secrets/([a-z-]+)`).FindAllStringSubmatch(strings.Join(env, "\n")+compose, -1) {
		if !strings.Contains(compose, "\n  "+secret[1]+": {file: secrets/") {
			t.Errorf("compose.yml has no secret %s", secret[1])
		}
	}
	for file, want := range map[string][]string{
		"proxy/nginx.conf": {"client_max_body_size 110m;", "proxy_request_buffering off;", "proxy_buffering off;", "X-Forwarded-For $remote_addr"},
		"proxy/Caddyfile":  {"max_size 110MB", "flush_interval -1"},
		"proxy/web.config": {`maxAllowedContentLength="115343360"`, `HTTP_X_FORWARDED_FOR" value="{REMOTE_ADDR}"`},
	} {
		text := readDeploy(t, file)
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s lacks %s", file, w)
			}
		}
	}
	var site struct{ XMLName xml.Name }
	if err := xml.Unmarshal([]byte(readDeploy(t, "proxy/web.config")), &site); err != nil || site.XMLName.Local != "configuration" {
		t.Errorf("web.config: %v", err)
	}
}
