package bench

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// child is a process that the benchmark started.
type child struct {
	cmd   *exec.Cmd
	mu    sync.Mutex
	log   bytes.Buffer
	ended chan struct{}
}

func (c *child) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.Write(p)
}

func (c *child) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.String()
}

// start runs the program until the benchmark ends.
func start(b *testing.B, env []string, args ...string) *child {
	b.Helper()
	c := &child{cmd: exec.Command(program, args...), ended: make(chan struct{})}
	c.cmd.Env = append(os.Environ(), env...)
	c.cmd.Stdout, c.cmd.Stderr = c, c
	if err := c.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	go func() {
		_ = c.cmd.Wait()
		close(c.ended)
	}()
	b.Cleanup(func() { c.stop(b) })
	return c
}

func (c *child) stop(b *testing.B) {
	b.Helper()
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.ended:
	case <-time.After(time.Minute):
		b.Errorf("%v does not stop", c.cmd.Args)
		_ = c.cmd.Process.Kill()
		<-c.ended
	}
}

// until waits until ok returns true, at most a minute.
func (c *child) until(b *testing.B, ok func() bool) {
	b.Helper()
	deadline, again := time.After(time.Minute), time.NewTicker(10*time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-c.ended:
			b.Fatalf("%v ended:\n%s", c.cmd.Args, c.said())
		case <-deadline:
			b.Fatalf("%v does not answer:\n%s", c.cmd.Args, c.said())
		case <-again.C:
		}
	}
}

// peak returns the largest amount of memory that the process has had, in bytes: VmHWM,
// the peak of the resident set. It includes the pages of the program's own file.
func (c *child) peak(b *testing.B) int64 {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), "VmHWM:")
	kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb << 10
}

// ticks is the number of clock ticks per second in which /proc counts, on Linux.
const ticks = 100

// worked returns the processor time that the process has used.
func (c *child) worked(b *testing.B) time.Duration {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')'):]))
	var sum time.Duration
	for _, f := range fields[12:14] { // utime and stime, after the state
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(n) * time.Second / ticks
	}
	return sum
}

// sandboxSecrets are the secrets of the sandbox TTP's two clients.
var sandboxSecrets = []string{"SLUIS_SANDBOX_PREPARE_SECRET=prepare-prepare", "SLUIS_SANDBOX_RESOLVE_SECRET=resolve-resolve"}

// startTTP starts the sandbox on the keys in dir, and returns its address.
func startTTP(b *testing.B, dir string) (*child, string) {
	b.Helper()
	c := start(b, sandboxSecrets, "sandbox", "serve", "--addr", "127.0.0.1:0", "--data", dir)
	address := ""
	c.until(b, func() bool {
		_, rest, _ := strings.Cut(c.said(), "TTP sandbox: ")
		line, _, whole := strings.Cut(rest, "\n")
		address = line
		return whole
	})
	return c, address
}

// site is a running Sluis of one centre, on a database of its own.
type site struct {
	*child
	dir, url, token string
}

// startSite starts the real service, set up with its own commands. The limits of a
// delivery are raised, for a million rows are over the default.
func startSite(b *testing.B, ttp string) *site {
	b.Helper()
	s := &site{dir: b.TempDir(), url: "http://" + freeAddress(b)}
	key := func() string {
		raw := make([]byte, 32)
		_, _ = rand.Read(raw) // never fails
		return base64.StdEncoding.EncodeToString(raw)
	}
	env := []string{
		"SLUIS_ADDR=" + strings.TrimPrefix(s.url, "http://"), "SLUIS_BASE_URL=" + s.url, "SLUIS_DATABASE=sqlite:" + s.database(),
		"SLUIS_DISPLAY_BIRTH=date", "SLUIS_SESSION_KEY=" + key(), "SLUIS_FILE_MAC_KEY=" + key(),
		"SLUIS_KEYRING_FILE=" + filepath.Join(s.dir, "keyring.json"),
		"SLUIS_TTP_AUTH_URL=http://" + ttp, "SLUIS_TTP_API_URL=http://" + ttp, "SLUIS_TTP_SANDBOX=true", "SLUIS_TTP_DOMAIN=qrns",
		"SLUIS_TTP_PREPARE_CLIENT_ID=zorgaanbieder", "SLUIS_TTP_PREPARE_CLIENT_SECRET=prepare-prepare",
		"SLUIS_TTP_RESOLVE_CLIENT_ID=registratie", "SLUIS_TTP_RESOLVE_CLIENT_SECRET=resolve-resolve",
		"SLUIS_MAX_ROWS=2000000", "SLUIS_MAX_FILE_MB=1000", "SLUIS_SECOND_FACTOR=any",
	}
	s.command(b, env, "migrate")
	s.command(b, env, "centre", "add", "--number", centre, "--name", "Bench", "--identities")
	said := strings.Fields(s.command(b, env, "token", "add", "--name", "bench", "--role", "uploader", "--centre", centre))
	s.token = said[len(said)-1]
	s.child = start(b, env, "serve")
	s.until(b, func() bool {
		resp, err := http.Get(s.url + "/healthz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return s
}

func (s *site) database() string { return filepath.Join(s.dir, "sluis.db") }

func (s *site) command(b *testing.B, env []string, args ...string) string {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), program, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("web %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// freeAddress returns an address on which nobody listens.
func freeAddress(b *testing.B) string {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// status is the part of a delivery that the benchmark reads.
type status struct {
	ID, Status string
	Counts     struct{ Read, Created int }
}

// call makes one request of the API, which must succeed. It returns the delivery, and
// how long the answer took.
func (s *site) call(b *testing.B, method, path string, body io.Reader) (status, time.Duration) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, s.url+path, body)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", "application/octet-stream")
	begun := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(errors.Join(err, errors.New(s.said())))
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	took := time.Since(begun)
	var out status
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil || resp.StatusCode >= 300 {
		b.Fatalf("%s %s: %d %v\n%s", method, path, resp.StatusCode, err, raw)
	}
	return out, took
}

// deliver delivers a file and waits until it is stored. waits are the times of the
// requests that it made meanwhile: another user would notice the same.
func (s *site) deliver(b *testing.B, path string, rows int) (took time.Duration, waits []time.Duration) {
	b.Helper()
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	pause := min(max(time.Duration(rows)*2*time.Microsecond, 10*time.Millisecond), 100*time.Millisecond)
	begun := time.Now()
	d, _ := s.call(b, http.MethodPost, "/api/v1/deliveries?filename="+url.QueryEscape(filepath.Base(path)), f)
	for d.Status == "queued" || d.Status == "processing" {
		<-time.After(pause)
		var wait time.Duration
		d, wait = s.call(b, http.MethodGet, "/api/v1/deliveries/"+d.ID, nil)
		waits = append(waits, wait)
	}
	took = time.Since(begun)
	if d.Status != "done" || d.Counts.Created != rows {
		b.Fatalf("delivery is %+v, want %d rows created\n%s", d, rows, s.said())
	}
	return took, waits
}
