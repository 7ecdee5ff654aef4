package server_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/importer"
	"sluis/internal/importer/intake"
	"sluis/internal/patient"
	"sluis/internal/sealing"
	"sluis/internal/server"
	"sluis/internal/store"
	"sluis/internal/ttpclient"
	"sluis/internal/ttpclient/dataset"
	"sluis/internal/ttpclient/prepare"
	"sluis/internal/ttpclient/resolve"
	"sluis/internal/ttpclient/ttptest"
)

const password = "een lang wachtwoord voor de proef"

// passwordHash is made once: hashing is slow on purpose.
var passwordHash = sync.OnceValue(func() string {
	hash, err := account.HashPassword(context.Background(), password)
	if err != nil {
		panic(err)
	}
	return hash
})

// site is a whole Sluis over HTTP: real store, pipeline and TTP (a sandbox), two
// centres, an account and a token for each role.
type site struct {
	t       *testing.T
	URL     string
	Server  *server.Server
	Store   *store.Store
	TTP     *ttptest.TTP
	Log     *lines
	Clock   *clock
	Centres map[string]account.Centre
	tokens  map[string]string // by account name
}

// The accounts, by name. other is an uploader of another centre.
var accounts = map[string]struct {
	role   account.Role
	centre string
}{
	"clinician": {account.Clinician, "2809"}, "uploader": {account.Uploader, "2809"}, "datamanager": {account.DataManager, ""},
	"admin": {account.Admin, ""}, "auditor": {account.Auditor, ""},
	"other": {account.Uploader, "2810"}, "othercl": {account.Clinician, "2810"},
}

// lines collects a log.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// clock is the real time and whatever a test puts on top.
type clock struct {
	mu    sync.Mutex
	extra time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.extra)
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.extra += d
}

// newSite starts a site until the test ends.
func newSite(t *testing.T, change ...func(*server.Options)) *site {
	t.Helper()
	s := &site{t: t, TTP: ttptest.Start(t), Log: &lines{}, Clock: &clock{}, Centres: map[string]account.Centre{}, tokens: map[string]string{}}
	log := slog.New(slog.NewJSONHandler(s.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	dir := t.TempDir()
	s.Store = must(store.OpenSQLite(t.Context(), filepath.Join(dir, "sluis.db"), store.Options{Now: s.Clock.Now, Log: log}))(t)
	t.Cleanup(func() { _ = s.Store.Close() })
	s.fill()

	keys := must(sealing.OpenKeyring(filepath.Join(dir, "keyring"), s.Clock.Now))(t)
	prep := prepare.New(s.TTP.Client(ttpclient.ScopeTemporary), ttptest.Domain, ttptest.Types)
	in := must(intake.New(intake.Options{
		Store: s.Store, Preparer: prep, Keys: keys, MACKey: bytes.Repeat([]byte("mac!"), 8), Types: ttptest.Types, LinkType: "NGGV",
		MaxBytes: 1 << 20, Now: s.Clock.Now, Log: log,
	}))(t)
	resolver := resolve.New(s.TTP.Client(ttpclient.ScopeDefinitive), ttptest.Domain)
	sets := dataset.New(s.TTP.Client(ttpclient.ScopeDatasets), ttptest.Domain)
	registrar := patient.NewRegistrar("NGGV", s.Clock.Now)
	im := must(importer.New(importer.Options{
		Ports: importer.Ports{Queue: s.Store, Fetches: s.Store, Answers: s.Store, Repeats: s.Store, Decisions: s.Store, Registrations: s.Store,
			Housekeeping: s.Store},
		Intake: in, Resolver: resolver, Sets: sets, Types: ttptest.Types, Domain: ttptest.Domain,
		Registrar: registrar, Keys: keys, Workers: 2, Poll: 10 * time.Millisecond, Now: s.Clock.Now, Log: log,
	}))(t)
	desk := must(importer.NewDesk(importer.DeskOptions{
		Waiting: s.Store, Imports: s.Store, Conflicts: s.Store, Entries: s.Store, Registrar: registrar, Resolver: resolver, Sets: sets,
		Keys: keys,
		Wake: im.Wake, Now: s.Clock.Now,
	}))(t)
	ctx, stop := context.WithCancel(context.Background())
	var working sync.WaitGroup
	working.Go(func() { im.Run(ctx) })
	t.Cleanup(func() { stop(); working.Wait() })

	o := server.Options{
		Log: log, Now: s.Clock.Now, Accounts: s.Store, Sessions: s.Store, Audit: s.Store, Records: s.Store, Receiver: in, Columns: in,
		Desk: desk, Preparer: prep, Watch: s.Store, Existing: s.Store,
		SessionKeys: [][]byte{bytes.Repeat([]byte("key!"), 8)}, MaxFileBytes: 1 << 20, MaxRows: 10_000, Types: ttptest.Types, LinkType: "NGGV",
		BusyWait: 20 * time.Second,
	}
	for _, c := range change {
		c(&o)
	}
	s.Server = must(server.New(o))(t)
	web := httptest.NewUnstartedServer(s.Server)
	web.Config = s.Server.HTTPServer()
	web.Start()
	t.Cleanup(web.Close)
	s.URL = web.URL
	return s
}

// must fails the test where there is an error.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// fill makes the centres, the accounts and the tokens.
func (s *site) fill() {
	who, ctx := audit.Who{Name: "systeem", Via: audit.ViaCLI}, s.t.Context()
	for number, identities := range map[string]bool{"2809": true, "2810": false} {
		s.Centres[number] = must(s.Store.AddCentre(ctx, who, account.Centre{Number: number, Name: "Ziekenhuis " + number,
			IdentitiesAllowed: identities}))(s.t)
	}
	for name, a := range accounts {
		var centre *account.Centre
		if a.centre != "" {
			c := s.Centres[a.centre]
			centre = &c
		}
		must(s.Store.AddUser(ctx, who, account.User{Email: name + "@example.nl", PasswordHash: passwordHash(), Roles: []account.Role{a.role},
			Centre: centre}))(s.t)
		token, hash := account.NewToken()
		must(s.Store.AddToken(ctx, who, account.Token{Name: name, Role: a.role, Centre: centre}, hash))(s.t)
		s.tokens[name] = token
	}
}

// browser is a person at a browser: it keeps cookies and does not follow
// redirects by itself.
type browser struct {
	s *site
	c *http.Client
}

func (s *site) browser() *browser {
	jar := must(cookiejar.New(nil))(s.t)
	return &browser{s, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// signedIn is a browser in which name has signed in; nobody's for "".
func (s *site) signedIn(name string) *browser {
	s.t.Helper()
	b := s.browser()
	if name == "" {
		return b
	}
	if a := b.signIn(name+"@example.nl", password); a.Status != http.StatusSeeOther {
		s.t.Fatalf("sign in as %s: %d\n%s", name, a.Status, a.Body)
	}
	return b
}

func (b *browser) signIn(email, password string) answer {
	return b.post("/inloggen", url.Values{"email": {email}, "password": {password}})
}

// answer is a whole response.
type answer struct {
	Status int
	Header http.Header
	Body   string
}

func (a answer) location() string { return a.Header.Get("Location") }

func (b *browser) do(method, path, kind string, body io.Reader, headers ...string) answer {
	b.s.t.Helper()
	r := must(http.NewRequest(method, b.s.URL+path, body))(b.s.t)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res := must(b.c.Do(r))(b.s.t)
	defer func() { _ = res.Body.Close() }()
	raw := must(io.ReadAll(res.Body))(b.s.t)
	return answer{res.StatusCode, res.Header, string(raw)}
}

func (b *browser) get(path string, headers ...string) answer {
	b.s.t.Helper()
	return b.do("GET", path, "", nil, headers...)
}

func (b *browser) post(path string, form url.Values, headers ...string) answer {
	b.s.t.Helper()
	return b.do("POST", path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()), headers...)
}

// follow asks for where an answer leads.
func (b *browser) follow(a answer) answer {
	b.s.t.Helper()
	if a.Status != http.StatusSeeOther {
		b.s.t.Fatalf("no redirect: %d\n%s", a.Status, a.Body)
	}
	return b.get(a.location())
}

// part is one part of a multipart form.
type part struct{ name, filename, content string }

func multipartBody(parts ...part) (kind string, body *bytes.Buffer) {
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	for _, p := range parts {
		var to io.Writer
		if p.filename == "" {
			to, _ = w.CreateFormField(p.name)
		} else {
			to, _ = w.CreateFormFile(p.name, p.filename)
		}
		_, _ = io.WriteString(to, p.content)
	}
	_ = w.Close()
	return w.FormDataContentType(), body
}

// upload posts the upload form.
func (b *browser) upload(mode, filename, content string) answer {
	b.s.t.Helper()
	kind, body := multipartBody(part{"mode", "", mode}, part{"file", filename, content})
	return b.do("POST", "/aanleveringen", kind, body)
}

// call makes a request of the API with the token of an account; "" for none.
func (s *site) call(name, method, path, kind, body string, headers ...string) answer {
	s.t.Helper()
	if name != "" {
		headers = append(headers, "Authorization", "Bearer "+s.tokens[name])
	}
	return s.browser().do(method, path, kind, strings.NewReader(body), headers...)
}

// events gives the types of all events in the access log, oldest first.
func (s *site) events() []audit.Event {
	s.t.Helper()
	page := must(s.Store.Events(s.t.Context(), audit.Who{Name: "test"}, audit.Query{Limit: 500}))(s.t)
	return page.Events
}

func pilot(t *testing.T) string {
	t.Helper()
	return string(must(os.ReadFile("../../testdata/pilot40.csv"))(t))
}

// action is where the form of the upload page posts to.
func action(page string) string {
	_, rest, _ := strings.Cut(page, `action="/aanleveringen?`)
	query, _, _ := strings.Cut(rest, `"`)
	return "/aanleveringen?" + query
}
