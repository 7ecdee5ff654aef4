// Package ttptest starts a sandbox TTP behind real HTTP for the tests of its
// clients. Faults can be put between the two.
//
// Only tests import it.
package ttptest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluis/internal/ttpclient"
	"sluis/internal/ttpsandbox"
)

// Domain is the sandbox's pseudonym domain.
const Domain = "qrns"

// OtherDomain is another domain, to convert to.
const OtherDomain = "cbs"

const secret = "a-secret"

// Types are the pseudonym types that the tests ask for.
var Types = []string{"NGGV", "NGG"}

// TTP is a running sandbox.
type TTP struct {
	URL string
	// Sandbox is the TTP itself, to switch faults on and to make datasets ready.
	Sandbox *ttpsandbox.Sandbox
	Log     Buffer // log lines of the sandbox and of all clients
	Tokens  atomic.Int64
	Calls   atomic.Int64 // pseudonym calls
	t       testing.TB
	mu      sync.Mutex
	fault   func(next http.Handler) http.Handler
	inner   http.Handler
}

// Start runs a sandbox until the test ends.
func Start(t testing.TB) *TTP {
	t.Helper()
	x := &TTP{t: t}
	sb, err := ttpsandbox.New(ttpsandbox.Options{
		Domains: []string{Domain, OtherDomain},
		Log:     x.logger(), DatasetFolder: t.TempDir(), Seed: 1,
		Clients: []ttpsandbox.Client{
			{ID: ttpsandbox.ScopeTemporary, Secret: secret, Recipient: "registry", Scopes: []string{ttpsandbox.ScopeTemporary}},
			{ID: ttpsandbox.ScopeDefinitive, Secret: secret, Recipient: "registry", Scopes: []string{ttpsandbox.ScopeDefinitive}},
			{ID: ttpsandbox.ScopeConvert, Secret: secret, Recipient: "registry", Scopes: []string{ttpsandbox.ScopeConvert}},
			{ID: ttpsandbox.ScopeDatasets, Secret: secret, Recipient: "registry", Scopes: []string{ttpsandbox.ScopeDatasets}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	x.Sandbox, x.inner = sb, sb.Handler()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(x.serve))
	srv.Config.ErrorLog = slog.NewLogLogger(x.logger().Handler(), slog.LevelError)
	srv.Start()
	t.Cleanup(srv.Close)
	x.URL = srv.URL
	return x
}

func (x *TTP) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(&x.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (x *TTP) serve(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/oauth2/") {
		x.Tokens.Add(1)
	} else {
		x.Calls.Add(1)
	}
	x.mu.Lock()
	h := x.inner
	if x.fault != nil {
		h = x.fault(h)
	}
	x.mu.Unlock()
	h.ServeHTTP(w, r)
}

// Break puts fault in front of the sandbox; nil takes it away.
func (x *TTP) Break(fault func(next http.Handler) http.Handler) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.fault = fault
}

// BreakCalls puts fault in front of the pseudonym calls, not of the tokens; n counts
// the calls from 1.
func (x *TTP) BreakCalls(fault func(n int, next http.Handler, w http.ResponseWriter, r *http.Request)) {
	var n atomic.Int64
	x.Break(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/oauth2/") {
				next.ServeHTTP(w, r)
				return
			}
			fault(int(n.Add(1)), next, w, r)
		})
	})
}

// Item is one answered item, as loose as JSON.
type Item = map[string]any

// Tamper changes the items of every pseudonym call that the sandbox answers with 200.
func (x *TTP) Tamper(change func(items []Item) []Item) {
	x.BreakCalls(func(_ int, next http.Handler, w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		body := rec.Body.Bytes()
		var a struct {
			Items []Item `json:"items"`
		}
		if rec.Code == http.StatusOK && json.Unmarshal(body, &a) == nil {
			a.Items = change(a.Items)
			body, _ = json.Marshal(a)
		}
		w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
		w.WriteHeader(rec.Code)
		_, _ = w.Write(body)
	})
}

// Client returns a client on a line of its own, with waits too short to notice.
func (x *TTP) Client(scope string, change ...func(*ttpclient.Options)) *ttpclient.Client {
	x.t.Helper()
	return x.ClientOn(x.Line(), scope, change...)
}

// Line returns a new line to this TTP.
func (x *TTP) Line(change ...func(*ttpclient.LineOptions)) *ttpclient.Line {
	x.t.Helper()
	opt := ttpclient.LineOptions{AuthURL: x.URL, APIURL: x.URL, Sandbox: true, Log: x.logger()}
	for _, c := range change {
		c(&opt)
	}
	l, err := ttpclient.NewLine(opt)
	if err != nil {
		x.t.Fatal(err)
	}
	return l
}

// ClientOn returns a client on l, which other clients may share. It goes on asking a
// TTP that does not answer, unless change says otherwise.
func (x *TTP) ClientOn(l *ttpclient.Line, scope string, change ...func(*ttpclient.Options)) *ttpclient.Client {
	x.t.Helper()
	opt := ttpclient.Options{
		ClientID: scope, Secret: secret, Scope: scope, BaseDelay: time.Microsecond, MaxDelay: time.Millisecond, PerTry: 20 * time.Second,
		Trip: 1 << 20,
	}
	for _, c := range change {
		c(&opt)
	}
	c, err := ttpclient.New(l, opt)
	if err != nil {
		x.t.Fatal(err)
	}
	return c
}

// RoundTripper returns a transport that reaches this TTP without a network, for
// tests in a synctest bubble.
func (x *TTP) RoundTripper() http.RoundTripper { return direct{x} }

type direct struct{ ttp *TTP }

func (d direct) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	defer func() {
		if recover() != nil { // as in net/http: the handler broke off the connection
			resp, err = nil, io.ErrUnexpectedEOF
		}
	}()
	d.ttp.serve(rec, in)
	return rec.Result(), nil
}

// Person returns a made-up identity, by wire name. The same n makes the same person.
func Person(n int) map[string]string {
	letters := make([]byte, 10)
	for i := range letters {
		letters[i] = byte('a' + (n*7919+i*i*31+n>>i)%26)
	}
	return map[string]string{
		"surname": "Q" + string(letters) + number(n), "initials": string(rune('a' + n%26)),
		"birthDate": fmt.Sprintf("%d-%02d-%02d", 1930+n%90, 1+n%12, 1+n%28), "sex": []string{"m", "v"}[n%2],
	}
}

// number spells n in letters, for names have no digits.
func number(n int) (out string) {
	for ; n > 0; n /= 26 {
		out += string(rune('a' + n%26))
	}
	return out
}

// Temporaries returns the temporary pseudonyms of each person, by type. It asks the
// sandbox directly, without the client under test and without any fault.
func (x *TTP) Temporaries(people ...map[string]string) []map[string]string {
	x.t.Helper()
	items := make([]Item, len(people))
	for i, p := range people {
		items[i] = Item{"ref": fmt.Sprint(i)}
		for k, v := range p {
			items[i][k] = v
		}
	}
	return x.askDirectly(ttpsandbox.ScopeTemporary, "temporary", Item{"domain": Domain, "types": Types, "items": items}, len(people))
}

// Definitives returns the definitive pseudonyms of each row, by type. Like
// Temporaries it asks the sandbox directly.
func (x *TTP) Definitives(temporaries ...map[string]string) []map[string]string {
	x.t.Helper()
	items := make([]Item, len(temporaries))
	for i, values := range temporaries {
		var ps []Item
		for typ, v := range values {
			ps = append(ps, Item{"type": typ, "value": v})
		}
		items[i] = Item{"ref": fmt.Sprint(i), "pseudonyms": ps}
	}
	return x.askDirectly(ttpsandbox.ScopeDefinitive, "definitive", Item{"domain": Domain, "items": items}, len(temporaries))
}

var serial atomic.Int64

func (x *TTP) askDirectly(client, verb string, body Item, n int) []map[string]string {
	x.t.Helper()
	token := x.roundTrip("/oauth2/token", "application/x-www-form-urlencoded", []byte("grant_type=client_credentials"),
		func(r *http.Request) { r.SetBasicAuth(client, secret) })
	text, err := json.Marshal(body)
	if err != nil {
		x.t.Fatal(err)
	}
	answer := x.roundTrip("/v1/pseudonyms/"+verb, "application/json", text, func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+fmt.Sprint(token["access_token"]))
		r.Header.Set("Idempotency-Key", fmt.Sprint("direct-", serial.Add(1)))
	})
	out := make([]map[string]string, n)
	for _, raw := range answer["items"].([]any) {
		item := raw.(Item)
		var i int
		_, _ = fmt.Sscan(item["ref"].(string), &i)
		out[i] = map[string]string{}
		ps, _ := item["pseudonyms"].([]any)
		for _, p := range ps {
			out[i][p.(Item)["type"].(string)] = p.(Item)["value"].(string)
		}
	}
	return out
}

func (x *TTP) roundTrip(path, contentType string, body []byte, change func(*http.Request)) Item {
	x.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	change(r)
	rec := httptest.NewRecorder()
	x.inner.ServeHTTP(rec, r)
	text, _ := io.ReadAll(rec.Body)
	var out Item
	if err := json.Unmarshal(text, &out); err != nil || rec.Code != http.StatusOK {
		x.t.Fatalf("%s: %d %v", path, rec.Code, err)
	}
	return out
}

// Buffer is a log that is safe for concurrent use.
type Buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// Handler returns the TTP's handler, faults included, to be served in another way.
func (x *TTP) Handler() http.Handler { return http.HandlerFunc(x.serve) }
