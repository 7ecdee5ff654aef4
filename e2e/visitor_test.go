package e2e

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// visitor is a person with a browser that runs no script. It keeps cookies, follows
// redirects itself, and keeps every answer that it got.
type visitor struct {
	t       testing.TB
	address string
	client  *http.Client

	mu      sync.Mutex
	answers bytes.Buffer // every status line, header and body
	calls   int
}

func newVisitor(t testing.TB, address string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{t: t, address: address, client: &http.Client{Jar: jar, Timeout: time.Minute}}
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return v
}

// outgoing is one request of a visitor.
type outgoing struct {
	method, path string
	body         io.Reader
	kind         string            // Content-Type
	header       map[string]string // other headers
	reshown      bool              // the answer may show the visitor's own input again, and is not kept
}

// do sends a request and follows redirects.
func (v *visitor) do(a outgoing) answer {
	v.t.Helper()
	got, err := v.try(a)
	if err != nil {
		v.t.Fatalf("%s %s: %v", a.method, a.path, err)
	}
	for hops := 0; got.status == http.StatusSeeOther && hops < 5; hops++ {
		to, err := url.Parse(got.header.Get("Location"))
		if err != nil {
			v.t.Fatal(err)
		}
		got, err = v.try(outgoing{method: http.MethodGet, path: to.RequestURI(), reshown: a.reshown})
		if err != nil {
			v.t.Fatalf("GET %s: %v", to.Path, err)
		}
	}
	return got
}

// try sends one request.
func (v *visitor) try(a outgoing) (answer, error) {
	r, err := http.NewRequestWithContext(v.t.Context(), a.method, v.address+a.path, a.body)
	if err != nil {
		return answer{}, err
	}
	if a.kind != "" {
		r.Header.Set("Content-Type", a.kind)
	}
	if a.method != http.MethodGet {
		r.Header.Set("Origin", v.address)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for k, value := range a.header {
		r.Header.Set(k, value)
	}
	res, err := v.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if !a.reshown {
		v.mu.Lock()
		fmt.Fprintln(&v.answers, res.Status)
		_ = res.Header.Write(&v.answers)
		v.answers.Write(raw)
		v.calls++
		v.mu.Unlock()
	}
	return answer{res.StatusCode, res.Header, raw}, err
}

// get returns a page, which must answer 200. If the visitor asked too much at once, it asks
// again until it may.
func (v *visitor) get(path string) answer {
	v.t.Helper()
	var a answer
	poll(workTime, 500*time.Millisecond, func() bool {
		a = v.do(outgoing{method: http.MethodGet, path: path})
		return a.status != http.StatusTooManyRequests
	})
	if a.status != http.StatusOK {
		v.t.Fatalf("GET %s: %d", path, a.status)
	}
	return a
}

// form posts a form.
func (v *visitor) form(path string, fields url.Values, reshown bool) answer {
	v.t.Helper()
	return v.do(outgoing{
		method: http.MethodPost, path: path, kind: "application/x-www-form-urlencoded",
		body: strings.NewReader(fields.Encode()), reshown: reshown,
	})
}

// signIn signs in, and fails the test if that does not work.
func (v *visitor) signIn(a account) *visitor {
	v.t.Helper()
	got := v.form("/inloggen", url.Values{"email": {a.Email}, "password": {a.Password}}, false)
	if got.status != http.StatusOK || bytes.Contains(got.body, []byte(`name="password"`)) {
		v.t.Fatalf("%s cannot sign in: %d", a.Email, got.status)
	}
	return v
}

// appSecret is the key on the page where an authenticator app is set up.
var appSecret = regexp.MustCompile(`<code class="app-secret">([A-Z2-7 ]+)</code>`)

// setUpApp sets up an authenticator app after the password, without script, and returns
// the answer that signs in.
func (v *visitor) setUpApp() answer {
	v.t.Helper()
	page, err := v.try(outgoing{method: http.MethodGet, path: "/inloggen/instellen/app", reshown: true})
	found := appSecret.FindSubmatch(page.body)
	if err != nil || found == nil {
		v.t.Fatalf("no key for an app: %d, %v", page.status, err)
	}
	code, err := totp.GenerateCode(strings.ReplaceAll(string(found[1]), " ", ""), time.Now())
	if err != nil {
		v.t.Fatal(err)
	}
	a, err := v.try(outgoing{
		method: http.MethodPost, path: "/inloggen/instellen/app", kind: "application/x-www-form-urlencoded",
		body: strings.NewReader(url.Values{"code": {code}}.Encode()), reshown: true,
	})
	if err != nil || a.status != http.StatusOK || !bytes.Contains(a.body, []byte("herstelcode")) {
		v.t.Fatalf("the code is not accepted: %d, %v", a.status, err)
	}
	return a
}

// multipartFile makes the body of an upload form. mode may be "".
func multipartFile(t testing.TB, mode, filename string, file []byte) (body *bytes.Buffer, kind string) {
	t.Helper()
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	if mode != "" {
		if err := w.WriteField("mode", mode); err != nil {
			t.Fatal(err)
		}
	}
	part, err := w.CreateFormFile("file", filename)
	if err == nil {
		_, err = part.Write(file)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return body, w.FormDataContentType()
}
