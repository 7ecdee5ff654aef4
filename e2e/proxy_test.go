package e2e

import (
	"bufio"
	"bytes"
	"database/sql"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBehindNginx runs the service behind a real nginx with the file of deploy/proxy, of
// which only paths and ports are replaced.
func TestBehindNginx(t *testing.T) {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Fatal("nginx is not installed: run ./.ci/tools nginx as root (Debian: apt-get install nginx-light)")
	}
	t.Parallel()
	s := prepareService(t, "SLUIS_SECOND_FACTOR=optional") // its person reads pages with a password
	behind, front := unusedAddress(t), unusedAddress(t)
	for i, line := range s.env {
		switch {
		case strings.HasPrefix(line, "SLUIS_ADDR="):
			s.env[i] = "SLUIS_ADDR=" + behind
		case strings.HasPrefix(line, "SLUIS_BASE_URL="):
			s.env[i] = "SLUIS_BASE_URL=https://" + front
		case strings.HasPrefix(line, "SLUIS_TLS_"):
			s.env[i] = "SLUIS_TRUSTED_PROXIES=127.0.0.1" // twice, and the same
		}
	}
	folder := startNginx(t, nginx, s.etc, behind, front)
	s.start()

	token := tokenIn(s.printed)
	if d := s.await(t, token, s.upload(t, token, pilotFile, "").ID); d.Counts != (counts{Read: 40, Created: 36, Rejected: 4}) {
		t.Errorf("through nginx: %+v", d.Counts)
	}
	a := s.tooLarge(token, "Naamvaniemand")
	if a.status != http.StatusRequestEntityTooLarge || !bytes.Contains(a.body, []byte("file_too_large")) {
		t.Errorf("a file that is too large must be refused by Sluis, in words: %d %s", a.status, a.body)
	}
	if hsts := a.header.Values("Strict-Transport-Security"); len(hsts) != 1 {
		t.Errorf("Strict-Transport-Security: %q, want one", hsts)
	}
	s.wantStream(token)
	s.wantAddress()
	_ = filepath.WalkDir(folder, func(path string, f os.DirEntry, err error) error {
		if err == nil && f.Type().IsRegular() && strings.Contains(path, "temp") {
			t.Errorf("nginx wrote a body to its disk: %s", path)
		}
		return err
	})
}

// startNginx starts nginx with the example, and returns the folder of everything that it
// writes.
func startNginx(t *testing.T, nginx, etc, behind, front string) string {
	t.Helper()
	raw, err := os.ReadFile("../deploy/proxy/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	site := strings.NewReplacer("/etc/sluis", etc, "listen 443 ssl", "listen "+front+" ssl", "listen 80;", "listen "+unusedAddress(t)+";",
		"http://127.0.0.1:8080", "http://"+behind, "/var/log/nginx", folder).Replace(string(raw))
	var temporary strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temporary.WriteString(kind + "_temp_path " + filepath.Join(folder, "temp-"+kind) + ";\n")
	}
	conf := filepath.Join(folder, "nginx.conf")
	whole := "daemon off;\nworker_processes 1;\npid " + filepath.Join(folder, "pid") + ";\nerror_log " + filepath.Join(folder, "error.log") +
		";\nevents {}\nhttp {\n" + temporary.String() + site + "\n}\n"
	if err := os.WriteFile(conf, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 { // its workers are another user
		for _, dir := range []string{folder, filepath.Dir(folder)} {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := exec.Command(nginx, "-e", filepath.Join(folder, "error.log"), "-c", conf)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(folder, "error.log"))
			t.Logf("nginx: %s\n%s", said.String(), log)
		}
	})
	return folder
}

// wantStream checks that the events of a delivery come one by one, as they are sent.
func (s *service) wantStream(token string) {
	s.t.Helper()
	id := s.upload(s.t, token, pilotFile, "&check=true").ID
	v := newVisitor(s.t, s.address)
	v.client.Transport = s.client.Transport
	v.signIn(account{Email: "aanleveraar@ziekenhuis.example", Password: passwordIn(s.t, s.printed, "aanleveraar@ziekenhuis.example")})
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.address+"/aanleveringen/"+id+"/voortgang", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	began := time.Now()
	a, err := v.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer a.Body.Close()
	line, err := bufio.NewReader(a.Body).ReadString('\n')
	if took := time.Since(began); err != nil && !errors.Is(err, io.EOF) || a.StatusCode != http.StatusOK || line == "" || took > 5*time.Second {
		s.t.Errorf("the first event: %d %q after %v (%v)", a.StatusCode, line, took, err)
	}
}

// wantAddress checks that an address which a client makes up is not believed.
func (s *service) wantAddress() {
	s.t.Helper()
	v := newVisitor(s.t, s.address)
	v.client.Transport = s.client.Transport
	_, err := v.try(outgoing{
		method: http.MethodPost, path: "/inloggen", kind: "application/x-www-form-urlencoded",
		body: strings.NewReader("email=invoerder%40ziekenhuis.example&password=fout"), header: map[string]string{"X-Forwarded-For": "203.0.113.9"},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.stop(s.t)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.lib, "sluis.db")+"?mode=ro")
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	made, err := column(s.t.Context(), db, "SELECT address FROM audit_events WHERE address LIKE '203.%'")
	if err != nil || len(made) > 0 {
		s.t.Errorf("the access log has an address that the client made up: %q (%v)", made, err)
	}
}
