package ttpclient_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"sluis/internal/patient"
	"sluis/internal/ttpclient"
	"sluis/internal/ttpclient/ttptest"
)

var call = ttpclient.Temporary(ttptest.Domain, ttptest.Types)

func rows(n int) []ttpclient.Row {
	out := make([]ttpclient.Row, n)
	for i := range out {
		p := ttptest.Person(i)
		out[i] = ttpclient.Row{Ref: fmt.Sprint("ref-", i), Person: ttpclient.Person{
			Surname: p["surname"], Initials: p["initials"], BirthDate: p["birthDate"], Sex: p["sex"],
		}}
	}
	return out
}

// wellAnswered fails the test unless every row got its two temporary pseudonyms.
func wellAnswered(t *testing.T, n int, got map[string]ttpclient.Answer, err error) {
	t.Helper()
	if err != nil || len(got) != n {
		t.Fatalf("%d answers to %d rows, %v", len(got), n, err)
	}
	for ref, a := range got {
		if len(a.Pseudonyms) != 2 || len(a.Findings) != 0 {
			t.Errorf("%s: %+v", ref, a)
		}
	}
}

func unavailable(t *testing.T, err error) *patient.UnavailableError {
	t.Helper()
	u, ok := errors.AsType[*patient.UnavailableError](err)
	if !ok {
		t.Fatalf("no UnavailableError but %v", err)
	}
	return u
}

func TestOneTokenForMany(t *testing.T) {
	ttp := ttptest.Start(t)
	now := time.Now()
	c := ttp.ClientOn(ttp.Line(func(o *ttpclient.LineOptions) { o.Now = func() time.Time { return now } }), ttpclient.ScopeTemporary)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			got, err := c.Exchange(t.Context(), fmt.Sprint(i), call, rows(1))
			if err != nil || len(got) != 1 {
				t.Error(got, err)
			}
		})
	}
	wg.Wait()
	if n := ttp.Tokens.Load(); n != 1 {
		t.Errorf("%d tokens for 20 callers", n)
	}
	for _, c2 := range []struct {
		later time.Duration
		want  int64
	}{{58 * time.Minute, 1}, {59*time.Minute + time.Second, 2}} { // the token lives an hour
		was := now
		now = now.Add(c2.later)
		got, err := c.Exchange(t.Context(), "later"+c2.later.String(), call, rows(1))
		wellAnswered(t, 1, got, err)
		if n := ttp.Tokens.Load(); n != c2.want {
			t.Errorf("%d tokens after %v, want %d", n, c2.later, c2.want)
		}
		now = was
	}
}

func TestRefusedToken(t *testing.T) {
	ttp := ttptest.Start(t)
	c := ttp.Client(ttpclient.ScopeTemporary)
	refuse := func(times int) {
		ttp.BreakCalls(func(n int, next http.Handler, w http.ResponseWriter, r *http.Request) {
			if n <= times {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	refuse(1)
	got, err := c.Exchange(t.Context(), "once", call, rows(2))
	wellAnswered(t, 2, got, err)
	if tokens, calls := ttp.Tokens.Load(), ttp.Calls.Load(); tokens != 2 || calls != 2 {
		t.Errorf("%d tokens and %d calls for one 401", tokens, calls)
	}
	refuse(1000)
	_, err = c.Exchange(t.Context(), "always", call, rows(2))
	if u := unavailable(t, err); !u.Denied {
		t.Errorf("not denied: %v", u)
	}
	if tokens, calls := ttp.Tokens.Load(), ttp.Calls.Load(); tokens != 3 || calls != 4 {
		t.Errorf("%d tokens and %d calls after lasting 401", tokens, calls)
	}
}

func TestDenied(t *testing.T) {
	ttp := ttptest.Start(t)
	for name, change := range map[string]func(*ttpclient.Options){
		"secret": func(o *ttpclient.Options) { o.Secret = "wrong" },
		"client": func(o *ttpclient.Options) { o.ClientID = "nobody" },
		"scope":  func(o *ttpclient.Options) { o.Scope = ttpclient.ScopeDefinitive },
	} {
		_, err := ttp.Client(ttpclient.ScopeTemporary, change).Exchange(t.Context(), name, call, rows(1))
		if u := unavailable(t, err); !u.Denied {
			t.Errorf("%s: %v", name, u)
		}
	}
	before := ttp.Calls.Load()
	_, err := ttp.Client(ttpclient.ScopeTemporary).Exchange(t.Context(), "domain", ttpclient.Temporary("elsewhere", ttptest.Types), rows(1))
	if u := unavailable(t, err); !u.Denied || !strings.Contains(u.Error(), "DOMAIN_NOT_ALLOWED") || ttp.Calls.Load() != before+1 {
		t.Errorf("domain: %v after %d calls", u, ttp.Calls.Load()-before)
	}
}

type answering = func(w http.ResponseWriter, next func(http.ResponseWriter))

func status(code int, header ...string) answering {
	return func(w http.ResponseWriter, _ func(http.ResponseWriter)) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

// cut answers with the first half of the true answer, and then calls end.
func cut(end func(http.ResponseWriter)) answering {
	return func(w http.ResponseWriter, next func(http.ResponseWriter)) {
		rec := httptest.NewRecorder()
		next(rec)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(rec.Body.Bytes()[:rec.Body.Len()/2])
		end(w)
	}
}

func hangUp(w http.ResponseWriter) {
	_ = http.NewResponseController(w).Flush()
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}

var passing = map[string]answering{
	"429":                   status(429),
	"429, seconds":          status(429, "Retry-After", "0"),
	"429, date":             status(429, "Retry-After", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)),
	"429, nonsense":         status(429, "Retry-After", "soon"),
	"500":                   status(500),
	"502":                   status(502),
	"503":                   status(503, "Retry-After", "0"),
	"504":                   status(504),
	"408":                   status(408),
	"409, still busy":       status(409),
	"reset":                 func(w http.ResponseWriter, _ func(http.ResponseWriter)) { hangUp(w) },
	"cut":                   cut(func(http.ResponseWriter) {}),
	"cut and hung up":       cut(hangUp),
	"done, but never heard": func(w http.ResponseWriter, next func(http.ResponseWriter)) { next(httptest.NewRecorder()); hangUp(w) },
	"a page": func(w http.ResponseWriter, _ func(http.ResponseWriter)) {
		_, _ = io.WriteString(w, "<html>Onderhoud</html>")
	},
}

func TestPassingFaults(t *testing.T) {
	ttp := ttptest.Start(t)
	c := ttp.Client(ttpclient.ScopeTemporary)
	for name, fault := range passing {
		t.Run(name, func(t *testing.T) {
			var keys []string
			ttp.BreakCalls(func(n int, next http.Handler, w http.ResponseWriter, r *http.Request) {
				keys = append(keys, r.Header.Get("Idempotency-Key"))
				if n < 3 {
					fault(w, func(w http.ResponseWriter) { next.ServeHTTP(w, r) })
					return
				}
				next.ServeHTTP(w, r)
			})
			got, err := c.Exchange(t.Context(), name, call, rows(3))
			wellAnswered(t, 3, got, err)
			if len(keys) != 3 || keys[0] != keys[1] || keys[1] != keys[2] {
				t.Errorf("keys %v", keys)
			}
		})
	}
}

func TestLastingFaults(t *testing.T) {
	ttp := ttptest.Start(t)
	type want struct {
		calls int64
		after time.Duration
	}
	once := map[string]want{}
	for name := range passing {
		once[name] = want{calls: 3}
	}
	faults := map[string]answering{
		"long wait":   status(503, "Retry-After", "120"),
		"absurd wait": status(429, "Retry-After", "2000000000"),
		"no such path": func(w http.ResponseWriter, _ func(http.ResponseWriter)) {
			w.WriteHeader(http.StatusNotFound)
		},
		"bad request": status(400),
		"redirect":    status(307, "Location", "/oauth2/token"),
		"endless": func(w http.ResponseWriter, _ func(http.ResponseWriter)) {
			w.Header().Set("Content-Type", "application/json")
			for range 17 << 4 {
				_, _ = w.Write(bytes.Repeat([]byte(" "), 1<<16))
			}
		},
	}
	once["long wait"] = want{1, 2 * time.Minute}
	once["absurd wait"] = want{1, time.Hour}
	for name := range faults {
		if _, ok := once[name]; !ok {
			once[name] = want{calls: 1}
		}
	}
	for name, f := range passing {
		faults[name] = f
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			ttp.BreakCalls(func(_ int, next http.Handler, w http.ResponseWriter, r *http.Request) {
				fault(w, func(w http.ResponseWriter) { next.ServeHTTP(w, r) })
			})
			before, tokens := ttp.Calls.Load(), ttp.Tokens.Load()
			c := ttp.Client(ttpclient.ScopeTemporary, func(o *ttpclient.Options) { o.Attempts = 3 })
			got, err := c.Exchange(t.Context(), name, call, rows(3))
			if u := unavailable(t, err); u.Denied || u.RetryAfter != once[name].after || got != nil {
				t.Errorf("%+v", u)
			}
			if n := ttp.Calls.Load() - before; n != once[name].calls || ttp.Tokens.Load() > tokens+1 {
				t.Errorf("%d calls, want %d; %d tokens", n, once[name].calls, ttp.Tokens.Load())
			}
		})
	}
}

func TestNoConnectionAndNoAnswer(t *testing.T) {
	ttp := ttptest.Start(t)
	nobody := ttp.ClientOn(ttp.Line(func(o *ttpclient.LineOptions) {
		o.AuthURL, o.APIURL = "http://127.0.0.1:1", "http://127.0.0.1:1"
	}), ttpclient.ScopeTemporary)
	_, err := nobody.Exchange(t.Context(), "k", call, rows(1))
	if u := unavailable(t, err); u.Denied {
		t.Errorf("%v", u)
	}

	ttp.BreakCalls(func(_ int, _ http.Handler, _ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body) // so that the server notices when the client leaves
		<-r.Context().Done()
	})
	c := ttp.Client(ttpclient.ScopeTemporary, func(o *ttpclient.Options) { o.PerTry, o.Attempts = 30*time.Millisecond, 2 })
	_, err = c.Exchange(t.Context(), "k", call, rows(1))
	if u := unavailable(t, err); !errors.Is(u, context.DeadlineExceeded) {
		t.Errorf("%v", u)
	}
}

func TestTokenOutage(t *testing.T) {
	ttp := ttptest.Start(t)
	n := 0
	ttp.Break(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n++; n < 3 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	got, err := ttp.Client(ttpclient.ScopeTemporary).Exchange(t.Context(), "k", call, rows(1))
	wellAnswered(t, 1, got, err)
	ttp.Break(func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "90")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "Qanary")
		})
	})
	_, err = ttp.Client(ttpclient.ScopeTemporary).Exchange(t.Context(), "k", call, rows(1))
	if u := unavailable(t, err); u.Denied || u.RetryAfter != 90*time.Second || strings.Contains(u.Error(), "Qanary") {
		t.Errorf("%+v", u)
	}
}

func TestTLS(t *testing.T) {
	ttp := ttptest.Start(t)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req, _ := http.NewRequestWithContext(r.Context(), r.Method, ttp.URL+r.URL.Path, r.Body)
		req.Header = r.Header
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer func() { _ = resp.Body.Close() }()
		w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	}))
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // one handshake fails on purpose
	srv.StartTLS()
	defer srv.Close()
	secure := func(trusted bool) *ttpclient.Client {
		return ttp.ClientOn(ttp.Line(func(o *ttpclient.LineOptions) {
			o.Sandbox, o.AuthURL, o.APIURL = false, srv.URL, srv.URL
			if trusted {
				o.TLS = srv.Client().Transport.(*http.Transport).TLSClientConfig
			}
		}), ttpclient.ScopeTemporary)
	}
	got, err := secure(true).Exchange(t.Context(), "k", call, rows(1))
	wellAnswered(t, 1, got, err)
	_, err = secure(false).Exchange(t.Context(), "k", call, rows(1))
	u := unavailable(t, err)
	if _, ok := errors.AsType[x509.UnknownAuthorityError](u); !ok {
		t.Errorf("an unknown authority: %v", u)
	}
}

func TestOptions(t *testing.T) {
	type options struct {
		ttpclient.LineOptions
		ttpclient.Options
	}
	make := func(o options) error {
		l, err := ttpclient.NewLine(o.LineOptions)
		if err == nil {
			_, err = ttpclient.New(l, o.Options)
		}
		return err
	}
	good := options{
		ttpclient.LineOptions{AuthURL: "https://a.nl", APIURL: "https://b.nl"},
		ttpclient.Options{ClientID: "c", Secret: "s3cret", Scope: "x"},
	}
	if err := make(good); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*options){
		"auth address must start with https": func(o *options) { o.AuthURL = "http://a.nl" },
		"API address is no address":          func(o *options) { o.APIURL = "b.nl" },
		"no user, query":                     func(o *options) { o.APIURL = "https://u:s3cret@b.nl" },
		"secret is missing":                  func(o *options) { o.Secret = "" },
		"must be positive":                   func(o *options) { o.MaxItems = -1 },
		"calls at once must be positive":     func(o *options) { o.Calls = -1 },
		"read the TTP client certificate":    func(o *options) { o.CertFile, o.KeyFile = "nowhere", "nowhere" },
	} {
		o := good
		change(&o)
		if err := make(o); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// asked returns the refs of a request and puts its body back.
func asked(r *http.Request) []string {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	var q struct{ Items []struct{ Ref string } }
	_ = json.Unmarshal(body, &q)
	refs := make([]string, len(q.Items))
	for i := range q.Items {
		refs[i] = q.Items[i].Ref
	}
	return refs
}

func problem(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// TestTheSandboxIsRefused shows that a client does not use a sandbox unless its
// options allow one.
func TestTheSandboxIsRefused(t *testing.T) {
	x := ttptest.Start(t)
	srv := httptest.NewTLSServer(x.Handler())
	t.Cleanup(srv.Close)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	c := x.ClientOn(x.Line(func(o *ttpclient.LineOptions) {
		o.Sandbox, o.AuthURL, o.APIURL, o.TLS = false, srv.URL, srv.URL, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}), ttpclient.ScopeTemporary)
	if err := c.CheckReal(t.Context()); err == nil || !strings.Contains(err.Error(), "SLUIS_TTP_SANDBOX") {
		t.Errorf("CheckReal = %v, want a refusal that says what to do", err)
	}
	_, err := c.Exchange(t.Context(), "key", ttpclient.Temporary(ttptest.Domain, ttptest.Types), []ttpclient.Row{{Ref: "1"}})
	if _, ok := errors.AsType[*patient.UnavailableError](err); !ok {
		t.Errorf("Exchange = %v, want the TTP to be unavailable", err)
	}
	allowed := x.ClientOn(x.Line(func(o *ttpclient.LineOptions) {
		o.AuthURL, o.APIURL, o.TLS = srv.URL, srv.URL, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}), ttpclient.ScopeTemporary)
	if err := allowed.CheckReal(t.Context()); err != nil {
		t.Errorf("although the sandbox is allowed: %v", err)
	}
}
