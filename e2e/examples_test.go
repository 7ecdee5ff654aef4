package e2e

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// examples are the worked examples of docs/api.md that can run here. The one in
// PowerShell cannot.
var examples = []struct{ name, program, script string }{
	{"curl", "sh", "../docs/examples/aanleveren.sh"},
	{"Python", "python3", "../docs/examples/aanleveren.py"},
}

// TestExamples runs the examples of the API's documentation as a hospital would: with
// a good file, with a refused one, and over a line that loses the answer to the upload.
func TestExamples(t *testing.T) {
	p := startDemo(t, t.TempDir())
	token := p.token("uploader", "2809")
	target, err := url.Parse(p.address)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range examples {
		t.Run(x.name, func(t *testing.T) {
			program, err := exec.LookPath(x.program)
			if err != nil {
				t.Fatalf("the example needs %s: %v", x.program, err)
			}
			run := func(address, file string, env ...string) (output string, code int) {
				cmd := exec.CommandContext(t.Context(), program, x.script, file)
				cmd.Env = append(os.Environ(), "SLUIS_URL="+address, "SLUIS_TOKEN="+token)
				cmd.Env = append(cmd.Env, env...)
				out, err := cmd.CombinedOutput()
				if err != nil && cmd.ProcessState == nil {
					t.Fatal(err)
				}
				t.Logf("$ %s %s %q\n%sends with %d", x.program, filepath.Base(x.script), filepath.Base(file), out,
					cmd.ProcessState.ExitCode())
				return string(out), cmd.ProcessState.ExitCode()
			}
			dir := t.TempDir()
			file := filepath.Join(dir, "pilot "+x.name+".csv")
			raw, err := os.ReadFile(pilotFile)
			if err == nil {
				err = os.WriteFile(file, raw, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}

			// The first answer to an upload is lost on the way.
			before := p.deliveries(t, token)
			var posts atomic.Int32
			proxy := httputil.NewSingleHostReverseProxy(target)
			line := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost && posts.Add(1) == 1 {
					proxy.ServeHTTP(httptest.NewRecorder(), r)
					panic(http.ErrAbortHandler)
				}
				proxy.ServeHTTP(w, r)
			}))
			t.Cleanup(line.Close)
			out, code := run(line.URL, file)
			if code != 1 || !strings.Contains(out, "done: 40 records, 4 afgewezen, 0 te beoordelen") {
				t.Errorf("the pilot ends with %d", code)
			}
			if n := p.deliveries(t, token) - before; posts.Load() < 2 || n != 1 {
				t.Errorf("%d requests made %d deliveries, want 1", posts.Load(), n)
			}
			report, err := os.ReadFile(filepath.Join(dir, "pilot "+x.name+"-fouten.csv"))
			if err != nil || strings.Count(string(report), "De geboortedatum is leeg") != 2 {
				t.Errorf("the report: %v\n%s", err, report)
			}
			if left, err := filepath.Glob(filepath.Join(dir, "*.sleutel")); err != nil || len(left) > 0 {
				t.Errorf("the key is still there: %v %v", left, err)
			}

			bsn := filepath.Join(dir, "bsn.csv")
			if err := os.WriteFile(bsn, []byte("BSN;Geboortedatum;Geslacht;Patiëntnummer;Achternaam;Voorletters\n1;1-1-2001;m;1;Jansen;A\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, code := run(p.address, bsn); code != 2 {
				t.Errorf("a file with a BSN ends with %d, want 2", code)
			}
			if _, code := run(p.address+"/nergens", file); code != 2 {
				t.Errorf("a wrong address ends with %d, want 2", code)
			}
			certificates(t, proxy, func(address string, env ...string) (string, int) { return run(address, file, env...) })
			late(t, func(address string) (string, int) { return run(address, file, "SLUIS_WAIT=0") })
		})
	}
}

// certificates runs an example with a server whose certificate the machine does not
// trust. The example stops at its first try, and delivers once SLUIS_CA names the
// certificate authority.
func certificates(t *testing.T, sluis http.Handler, run func(address string, env ...string) (string, int)) {
	t.Helper()
	var requests atomic.Int32
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		sluis.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the example breaks off handshakes on purpose
	out, code := run(server.URL)
	if code != 5 || requests.Load() != 0 || !strings.Contains(out, "SLUIS_CA") {
		t.Errorf("an unknown certificate ends with %d after %d requests, want 5 after none", code, requests.Load())
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, code := run(server.URL, "SLUIS_CA="+ca); code != 1 {
		t.Errorf("with its certificate authority named it ends with %d, want 1", code)
	}
	if _, code := run(server.URL, "SLUIS_CA="+filepath.Join(t.TempDir(), "none.pem")); code != 5 {
		t.Errorf("with a certificate file that is not there it ends with %d, want 5", code)
	}
}

// late runs an example with a server whose delivery is never done. The example gives up
// when its time is over.
func late(t *testing.T, run func(address string) (string, int)) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Retry-After", "1")
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusAccepted)
		}
		_, _ = io.WriteString(w, `{"id":"1","status":"queued","counts":{"read":0,"rejected":0,"review":0}}`)
	}))
	t.Cleanup(server.Close)
	if out, code := run(server.URL); code != 4 || !strings.Contains(out, "nog niet klaar") {
		t.Errorf("a delivery that is never done ends with %d, want 4", code)
	}
}

// deliveries returns the number of deliveries of a token's centre, at most fifty.
func (p *program) deliveries(t *testing.T, token string) int {
	t.Helper()
	return strings.Count(string(p.get(t, token, "/api/v1/deliveries?limit=50")), `"createdAt"`)
}
