//go:build unix

package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestRotation replaces every key that there is, while people look at pages and a script
// delivers. No request may fail, nobody is signed out, and every delivery ends well.
func TestRotation(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	settings := filedSettings(t, dir)
	ttp := begin(t, nil, "sandbox", "serve", "--addr", "127.0.0.1:0", "--data", in("ttp"), "--prepare", "prepare-secret-one",
		"--old", "prepare-secret-two", "--resolve", settings["SLUIS_TTP_RESOLVE_CLIENT_SECRET"])
	ttp.until(t, "address", func() bool { return strings.Contains(ttp.out.String(), "TTP sandbox: ") })
	address := "http://" + strings.TrimSpace(strings.TrimPrefix(ttp.out.String(), "TTP sandbox: "))
	settings["SLUIS_TTP_AUTH_URL"], settings["SLUIS_TTP_API_URL"] = address, address
	settings["SLUIS_SECOND_FACTOR"] = "optional" // a password is enough to read pages here
	env := environ(settings)
	p := begin(t, env, "serve")
	p.until(t, "address", func() bool { return strings.Contains(p.err.String(), `"msg":"serving"`) })
	uploader := prepareCentre(t, env, settings["SLUIS_BASE_URL"])
	r := command(t, env, "", "user", "add", "--email", "a@b.example", "--role", "uploader", "--centre", "2809")
	if r.code != 0 {
		t.Fatal(r.err)
	}
	_, password, _ := strings.Cut(r.out, "password: ")
	under := beginUse(t, settings["SLUIS_BASE_URL"], uploader.token, strings.Fields(password)[0])

	rotated := map[string]int64{}
	for _, step := range []struct {
		name string
		do   func()
		says string // in the log, after SIGHUP; empty without one
	}{
		{"keyring", func() { wantCommand(t, env, "keyring", "rotate", "--keyring", in("keyring.json")) }, ""},
		{"session key", func() {
			old, err := os.ReadFile(in("session.key"))
			if err != nil {
				t.Fatal(err)
			}
			write(t, in("session.key"), newKey()+","+string(old))
		}, "SLUIS_SESSION_KEY"},
		{"file key", func() { write(t, in("mac.key"), newKey()) }, "SLUIS_FILE_MAC_KEY"},
		{"key of the access log", func() { wantCommand(t, env, "audit", "rotate", "--keyring", in("keyring.json")) }, "audit-key"},
		{"TTP secret", func() { write(t, in("prepare.secret"), "prepare-secret-two") }, "SLUIS_TTP_PREPARE_CLIENT_SECRET"},
		{"certificate", func() { writePair(t, in("tls.crt"), in("tls.key"), 2) }, "SLUIS_TLS_CERT_FILE"},
	} {
		before := under.asked.Load()
		step.do()
		if step.says != "" {
			hangUp(t, p, `"msg":"the configuration was read again","changed":["`+step.says+`"]`)
		}
		p.until(t, "requests after "+step.name, func() bool { return under.asked.Load() > before+20 && under.delivered.Load() > 0 })
		rotated[step.name] = under.asked.Load() - before
	}
	done := under.delivered.Load()
	p.until(t, "a delivery after all of it", func() bool { return under.delivered.Load() > done })
	lost := under.end()
	t.Logf("%d requests and %d deliveries; failed %d; requests by rotation: %v", under.asked.Load(), under.delivered.Load(), len(lost), rotated)
	if len(lost) > 0 {
		t.Errorf("failed: %v", lost[:min(5, len(lost))])
	}
	if got := serialAt(t, settings["SLUIS_ADDR"]); got != 2 {
		t.Errorf("serial %d after the rotation, want 2", got)
	}
	if code := p.end(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.err.String())
	}
	key, err := os.ReadFile(in("audit-key"))
	if err != nil || len(strings.Fields(string(key))) != 2 {
		t.Errorf("audit-key has not two keys (%v)", err)
	}
	for _, args := range [][]string{{"audit", "verify"}, {"audit", "verify", "--key", in("audit-key.pub")}, {"check"}} {
		wantCommand(t, env, args...)
	}
}

// use is people and a script at work.
type use struct {
	stop             chan struct{}
	working          sync.WaitGroup
	asked, delivered atomic.Int64
	mu               sync.Mutex
	lost             []string
}

// beginUse signs somebody in who reads pages, over kept and over new connections, and
// delivers files by the API.
func beginUse(t *testing.T, base, token, password string) *use {
	t.Helper()
	u := &use{stop: make(chan struct{})}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := func(fresh bool) *http.Client {
		return &http.Client{Timeout: patience, Jar: jar, Transport: &http.Transport{
			DisableKeepAlives: fresh, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12},
		}}
	}
	a, err := client(true).PostForm(base+"/inloggen", url.Values{"email": {"a@b.example"}, "password": {password}})
	if err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("sign in: %v %v", a, err)
	}
	_ = a.Body.Close()
	for _, fresh := range []bool{false, true} {
		c := client(fresh)
		u.keep(func() error { return u.ask(c, base+"/aanleveringen", "app-user__name") })
	}
	script := client(false)
	script.Jar = nil
	n := 0
	u.keep(func() error {
		n++
		var got delivered
		body := people(n*20, 20)
		if err := u.call(script, http.MethodPost, base+"/api/v1/deliveries?filename=a.csv", token, bytes.NewReader(body), &got); err != nil {
			return err
		}
		for deadline := time.Now().Add(patience); got.Status != "done"; time.Sleep(20 * time.Millisecond) {
			if err := u.call(script, http.MethodGet, base+"/api/v1/deliveries/"+got.ID, token, nil, &got); err != nil {
				return err
			}
			if time.Now().After(deadline) || got.Status == "failed" || got.Status == "refused" {
				return fmt.Errorf("delivery %s is %s", got.ID, got.Status)
			}
		}
		u.delivered.Add(1)
		return nil
	})
	return u
}

// keep does something again and again until the use ends.
func (u *use) keep(do func() error) {
	u.working.Go(func() {
		for {
			select {
			case <-u.stop:
				return
			default:
			}
			if err := do(); err != nil {
				u.mu.Lock()
				u.lost = append(u.lost, err.Error())
				u.mu.Unlock()
			}
		}
	})
}

func (u *use) end() []string {
	close(u.stop)
	u.working.Wait()
	return u.lost
}

// ask makes one request, whose answer must be good and have some words.
func (u *use) ask(c *http.Client, address, want string) error {
	raw, err := u.send(c, http.MethodGet, address, "", nil)
	if err == nil && !strings.Contains(string(raw), want) {
		err = errors.New(address + " lacks " + want)
	}
	return err
}

// call makes one call of the API and decodes its answer.
func (u *use) call(c *http.Client, method, address, token string, body io.Reader, out any) error {
	raw, err := u.send(c, method, address, token, body)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, out)
}

func (u *use) send(c *http.Client, method, address, token string, body io.Reader) ([]byte, error) {
	r, err := http.NewRequest(method, address, body)
	if err != nil {
		return nil, err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "text/csv")
	}
	a, err := c.Do(r)
	u.asked.Add(1)
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	raw, err := io.ReadAll(a.Body)
	if err == nil && a.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %d", method, a.Request.URL.Path, a.StatusCode)
	}
	return raw, err
}
