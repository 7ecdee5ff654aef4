// Package e2e tests the whole program: the built cmd/web as a child process, used as
// its users use it, by browser, by API and by command line. It looks at nothing from
// inside: of the packages of Sluis it imports only pgtest, for a database server.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sluis/internal/store/pgtest"
)

const (
	// pilotFile is seed 003's table 2: 40 rows, of which the TTP refuses 4.
	pilotFile = "../testdata/pilot40.csv"
	// startTime is how long the program may take to answer, on a busy machine.
	startTime = 60 * time.Second
	// stopTime is how long the program may take to end after SIGTERM.
	stopTime = 30 * time.Second
	// workTime is how long a delivery may take.
	workTime = 2 * time.Minute
)

// binary is the built program.
var binary string

func TestMain(m *testing.M) { os.Exit(build(m)) }

// build builds the program once, runs the tests and removes the program again.
func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sluis-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "web")
	cmd := exec.Command("go", "build", "-o", binary, "sluis/cmd/web")
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "e2e: go build sluis/cmd/web: %v\n%s", err, out)
		return 1
	}
	defer stopBrowser()
	defer pgtest.Stop()
	return m.Run()
}

// program is a running child process.
type program struct {
	address string // http://host:port
	dir     string // --data
	cmd     *exec.Cmd
	client  *http.Client
	demo    demoFile
	ended   chan struct{} // closed once the process is gone

	mu     sync.Mutex
	output bytes.Buffer // everything that it wrote to stdout and stderr
}

// demoFile is DIR/demo.json.
type demoFile struct {
	Address  string    `json:"address"`
	Accounts []account `json:"accounts"`
	Tokens   []struct {
		Role, Centre, Token string
	} `json:"tokens"`
}

// account is how a person of the demonstration signs in.
type account struct {
	Role, Centre, Email, Password string
}

// startDemo starts `web demo` with its data in dir and waits until it answers.
// It is stopped when the test ends.
func startDemo(t testing.TB, dir string, args ...string) *program {
	t.Helper()
	p := startProgram(t, nil, append([]string{"demo", "--addr", "127.0.0.1:0", "--data", dir}, args...)...)
	p.dir = dir
	p.waitForAddress(t, "Sluis, demonstratie: ")
	p.waitForHealth(t)
	p.readDemo(t, dir)
	if p.demo.Address != p.address {
		t.Errorf("demo.json says %s, the program says %s", p.demo.Address, p.address)
	}
	return p
}

// readDemo reads DIR/demo.json.
func (p *program) readDemo(t testing.TB, dir string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "demo.json"))
	if err == nil {
		err = json.Unmarshal(raw, &p.demo)
	}
	if err != nil {
		t.Fatalf("read demo.json: %v", err)
	}
}

// startProgram starts the built program. env is added to the test's own environment.
func startProgram(t testing.TB, env []string, args ...string) *program {
	t.Helper()
	p := &program{cmd: exec.Command(binary, args...), client: &http.Client{Timeout: time.Minute}, ended: make(chan struct{})}
	p.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %v: %v", args, err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.stop(t)
		if t.Failed() {
			t.Logf("the last output of %v:\n%s", args, tail(p.log(), 4000))
		}
	})
	return p
}

// Write collects what the process writes.
func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.Write(b)
}

// log returns everything that the process has written so far.
func (p *program) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// waitForAddress waits for the line that starts with prefix. The rest of that line
// is the program's address.
func (p *program) waitForAddress(t testing.TB, prefix string) {
	t.Helper()
	p.eventually(t, "its address in "+prefix, func() bool {
		lines := bufio.NewScanner(strings.NewReader(p.log()))
		for lines.Scan() {
			if rest, ok := strings.CutPrefix(lines.Text(), prefix); ok {
				p.address = strings.TrimSpace(rest)
			}
		}
		return p.address != ""
	})
}

// waitForHealth waits until /healthz answers 200.
func (p *program) waitForHealth(t testing.TB) {
	t.Helper()
	p.eventually(t, "an answer of /healthz", func() bool {
		res, err := p.client.Get(p.address + "/healthz")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

// eventually waits until ok returns true. It fails the test after startTime, or if
// the process ends before.
func (p *program) eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	came := poll(startTime, 20*time.Millisecond, func() bool {
		if ok() {
			return true
		}
		select {
		case <-p.ended:
			t.Fatalf("the program ended before %s came; it wrote:\n%s", what, tail(p.log(), 4000))
		default:
		}
		return false
	})
	if !came {
		t.Fatalf("%s did not come within %v; the program wrote:\n%s", what, startTime, tail(p.log(), 4000))
	}
}

// poll calls done, and again each interval, until it returns true. poll returns false
// if that takes longer than limit.
func poll(limit, interval time.Duration, done func() bool) bool {
	deadline, again := time.NewTimer(limit), time.NewTicker(interval)
	defer deadline.Stop()
	defer again.Stop()
	for !done() {
		select {
		case <-again.C:
		case <-deadline.C:
			return false
		}
	}
	return true
}

// stop asks the process to end, as Ctrl+C does, and waits for it.
func (p *program) stop(t testing.TB) {
	t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(stopTime):
		t.Errorf("the program did not end within %v of SIGTERM", stopTime)
		p.kill()
	}
}

// kill ends the process as a power cut would, and waits until it is gone.
func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// account returns the account of a role; centre is "" for a role without a centre.
func (p *program) account(role, centre string) account {
	for _, a := range p.demo.Accounts {
		if a.Role == role && a.Centre == centre {
			return a
		}
	}
	panic("demo.json has no account of role " + role + " and centre " + centre)
}

// token returns the API token of a role.
func (p *program) token(role, centre string) string {
	for _, k := range p.demo.Tokens {
		if k.Role == role && k.Centre == centre {
			return k.Token
		}
	}
	panic("demo.json has no token of role " + role + " and centre " + centre)
}

// answer is an HTTP answer, read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// request sends one request. path starts with a slash; contentType may be "".
func (p *program) request(t testing.TB, method, token, path, contentType string, body io.Reader) answer {
	t.Helper()
	a, err := p.try(t.Context(), method, token, path, contentType, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// try sends one request and returns its error, for a program that may be killed
// meanwhile.
func (p *program) try(ctx context.Context, method, token, path, contentType string, body io.Reader) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, p.address+path, body)
	if err != nil {
		return answer{}, err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	res, err := p.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, raw}, err
}

// get returns the body of a GET, which must succeed.
func (p *program) get(t testing.TB, token, path string) []byte {
	t.Helper()
	a := p.request(t, http.MethodGet, token, path, "", nil)
	if a.status != http.StatusOK {
		t.Fatalf("GET %s: %d\n%s", path, a.status, a.body)
	}
	return a.body
}

// post sends body and returns the answer, whatever its status.
func (p *program) post(t testing.TB, token, path, contentType string, body io.Reader) answer {
	t.Helper()
	return p.request(t, http.MethodPost, token, path, contentType, body)
}

// delivery is a delivery as the API shows it.
type delivery struct {
	ID, Filename, Kind, Mode, Status, Centre, SameAs string
	Counts                                           counts
	Planned                                          *counts
	Warnings                                         int
	Reasons                                          []reason
}

type counts struct {
	Read, Created, Updated, Unchanged, Rejected, Review, Pending int
}

type reason struct {
	Code, Field, Column, Message, Source, Severity string
	Count                                          int
	Lines                                          []int
}

// upload delivers the file at path over the API. query is "" or, for one,
// "check=true".
func (p *program) upload(t testing.TB, token, path, query string) delivery {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	target := "/api/v1/deliveries?filename=" + url.QueryEscape(filepath.Base(path))
	if query != "" {
		target += "&" + query
	}
	a := p.post(t, token, target, "text/csv", f)
	if a.status != http.StatusAccepted {
		t.Fatalf("POST %s: %d\n%s", target, a.status, a.body)
	}
	var d delivery
	if err := json.Unmarshal(a.body, &d); err != nil {
		t.Fatalf("POST %s: %v\n%s", target, err, a.body)
	}
	return d
}

// delivery returns a delivery as it is now.
func (p *program) delivery(t testing.TB, token, id string) delivery {
	t.Helper()
	var d delivery
	if err := json.Unmarshal(p.get(t, token, "/api/v1/deliveries/"+id), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// await waits until a delivery no longer goes on by itself: it is done, checked,
// refused, failed, cancelled or waiting for its user.
func (p *program) await(t testing.TB, token, id string) (d delivery) {
	t.Helper()
	rests := poll(workTime, 50*time.Millisecond, func() bool {
		d = p.delivery(t, token, id)
		return !d.working()
	})
	if !rests {
		t.Fatalf("delivery %s is still %s after %v: %+v", id, d.Status, workTime, d.Counts)
	}
	return d
}

// working reports whether a delivery goes on by itself.
func (d delivery) working() bool {
	return d.Status == "queued" || d.Status == "processing" || d.Status == "paused"
}

// command runs a subcommand of the program, which must succeed.
func command(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), binary, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("web %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
