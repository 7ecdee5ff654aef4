package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sluis/internal/account"
)

// patience is how long a test waits for something that should take a second.
const patience = 30 * time.Second

// output is a stream of the console. A test may read it while the program writes.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// ran is the exit code and the output of a command.
type ran struct {
	code     int
	out, err string
}

// command runs the program to its end.
func command(t *testing.T, env []string, stdin string, args ...string) ran {
	t.Helper()
	var out, errOut output
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	code := run(ctx, args, env, strings.NewReader(stdin), &out, &errOut)
	if ctx.Err() != nil {
		t.Fatalf("web %s did not end\n%s", strings.Join(args, " "), errOut.String())
	}
	return ran{code, out.String(), errOut.String()}
}

// program is a command that keeps running, such as serve.
type program struct {
	out, err output
	stop     context.CancelFunc
	ended    chan int // the exit code
}

// begin starts the program, as main does.
func begin(t *testing.T, env []string, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	p := &program{stop: cancel, ended: make(chan int, 1)}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		p.ended <- run(ctx, args, env, strings.NewReader(""), &p.out, &p.err)
	}()
	// The last thing that it does is to write a file in the test's folder.
	t.Cleanup(func() {
		cancel()
		<-gone
	})
	return p
}

// end asks the program to stop, and returns its exit code.
func (p *program) end(t *testing.T) int {
	t.Helper()
	p.stop()
	select {
	case code := <-p.ended:
		return code
	case <-time.After(patience):
		t.Fatalf("the program did not stop\n%s", p.err.String())
		return -1
	}
}

// until waits until is returns true.
func (p *program) until(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !is() {
		select {
		case code := <-p.ended:
			t.Fatalf("the program ended with %d before %s\n%s", code, what, p.err.String())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("no %s after %v\n%s", what, patience, p.err.String())
		}
	}
}

// demo is a running demonstration.
type demo struct {
	*program
	demoFile
	data string
}

// beginDemo starts a demonstration on the data folder.
func beginDemo(t *testing.T, data string) *demo {
	t.Helper()
	d := &demo{program: begin(t, nil, "demo", "--addr", "127.0.0.1:0", "--data", data), data: data}
	// The address is printed once it can be used.
	d.until(t, "address", func() bool { return strings.Contains(d.out.String(), "Stoppen:") })
	raw, err := os.ReadFile(filepath.Join(data, "demo.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &d.demoFile); err != nil {
		t.Fatal(err)
	}
	return d
}

// api returns a client with the token of this role and centre.
func (d *demo) api(t *testing.T, role account.Role, centre string) *api {
	t.Helper()
	for _, k := range d.Tokens {
		if k.Role == role && k.Centre == centre {
			return newAPI(t, d.Address, k.Token)
		}
	}
	t.Fatalf("demo.json has no token for %s of %q", role, centre)
	return nil
}

// api is a client of the JSON API.
type api struct {
	base, token string
	http        *http.Client
}

func newAPI(t *testing.T, base, token string) *api {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	return &api{base: base + "/api/v1", token: token, http: &http.Client{Transport: transport, Timeout: patience}}
}

// call makes one call and decodes its answer into out, unless that is nil.
func (a *api) call(t *testing.T, method, path, contentType string, body io.Reader, out any) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, a.base+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := a.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	if out != nil && resp.StatusCode < 300 {
		if err := json.Unmarshal(raw, out); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, raw)
		}
	}
	return resp.StatusCode
}

// delivered is a delivery as the API shows it.
type delivered struct {
	ID, Status, Kind, SameAs string
	Counts                   counts
	Planned                  *counts
	Reasons                  []struct {
		Code, Message, Source string
		Lines                 []int
	}
	Notes []struct{ Code string }
}

type counts struct{ Read, Created, Updated, Unchanged, Rejected, Review, Pending int }

func (c counts) sum() int {
	return c.Created + c.Updated + c.Unchanged + c.Rejected + c.Review + c.Pending
}

// deliver sends a file and waits for the end of its delivery.
func (a *api) deliver(t *testing.T, name string, file []byte, query string) delivered {
	t.Helper()
	var got delivered
	path := "/deliveries?filename=" + name + query
	if status := a.call(t, "POST", path, "text/csv", bytes.NewReader(file), &got); status != http.StatusAccepted {
		t.Fatalf("POST %s: status %d, want 202", path, status)
	}
	return a.await(t, got.ID)
}

// await waits until a delivery is done or waits for a person.
func (a *api) await(t *testing.T, id string) delivered {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		var got delivered
		if status := a.call(t, "GET", "/deliveries/"+id, "", nil, &got); status != http.StatusOK {
			t.Fatalf("delivery %s: status %d", id, status)
		}
		if got.Counts.sum() != got.Counts.Read {
			t.Fatalf("delivery %s: the outcomes add up to %d of %d rows: %+v", id, got.Counts.sum(), got.Counts.Read, got.Counts)
		}
		switch got.Status {
		case "queued", "processing", "paused":
		default:
			return got
		}
		if time.Now().After(deadline) {
			t.Fatalf("delivery %s is still %s", id, got.Status)
		}
	}
}

// reportRow is a line of an error report.
type reportRow struct {
	Line                                   int
	PatientNumber, Message, Source, Column string
	Code, Severity, Advice                 string
}

func (a *api) report(t *testing.T, id string) []reportRow {
	t.Helper()
	var got struct{ Rows []reportRow }
	if status := a.call(t, "GET", "/deliveries/"+id+"/report?format=json", "", nil, &got); status != http.StatusOK {
		t.Fatalf("report of %s: status %d", id, status)
	}
	return got.Rows
}

// listed is a patient as the API lists it.
type listed struct {
	ID, PatientNumber, BirthDate string
	BirthYear                    int
	Sex                          string
}

// patients returns every patient, fetched page by page.
func (a *api) patients(t *testing.T) []listed {
	t.Helper()
	var all []listed
	after := ""
	for {
		var page struct {
			Patients []listed
			Next     string
		}
		if status := a.call(t, "GET", "/patients?limit=25&after="+after, "", nil, &page); status != http.StatusOK {
			t.Fatalf("patients: status %d", status)
		}
		all = append(all, page.Patients...)
		if after = page.Next; after == "" {
			return all
		}
	}
}

// freeAddress returns an address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}
