// Package servertest is a whole Sluis over HTTP for the tests of the server's rooms:
// the real store, pipeline and pages, the sandbox as TTP, browsers and API clients.
//
// It is imported by tests only.
package servertest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/audit/alarm"
	"sluis/internal/audit/tree"
	"sluis/internal/conversion"
	"sluis/internal/importer"
	"sluis/internal/importer/intake"
	"sluis/internal/oidc"
	"sluis/internal/oidc/oidctest"
	"sluis/internal/patient"
	"sluis/internal/sealing"
	"sluis/internal/server"
	"sluis/internal/store"
	"sluis/internal/ttpclient"
	"sluis/internal/ttpclient/dataset"
	"sluis/internal/ttpclient/prepare"
	"sluis/internal/ttpclient/resolve"
	"sluis/internal/ttpclient/ttptest"
	"sluis/internal/ttpsandbox"
)

// Password is that of every account.
const Password = "een lang wachtwoord voor de proef"

// passwordHash is made once: hashing is slow on purpose.
var passwordHash = sync.OnceValue(func() string {
	hash, err := account.HashPassword(context.Background(), Password)
	if err != nil {
		panic(err)
	}
	return hash
})

// Site is a whole Sluis over HTTP: real store, pipeline and TTP (a sandbox), two
// centres, an account and a token for each role.
type Site struct {
	t       testing.TB
	URL     string
	Server  *server.Server
	Store   *store.Store
	TTP     *ttptest.TTP
	Log     *lines
	Clock   *clock
	Centres map[string]account.Centre
	// Processors are by the name of their account: "processor" has a mandate of 2809,
	// "otherp" one of 2810.
	Processors map[string]account.Processor
	Tokens     map[string]string // by account name

	Database string         // the file of the store
	AuditKey *tree.Key      // that seals its access log
	served   server.Options // what the server was made with
	secrets  string         // the folder of the secrets of providers

	factorKeys *sealing.Keyring
	named      bool // reached at localhost and not at an address
}

// Accounts are those of every site, by name. "other" is an uploader of another
// centre, "othercl" its clinician, "otherca" its local administrator.
var Accounts = map[string]struct {
	Role   account.Role
	Centre string
}{
	"clinician": {account.Clinician, "2809"}, "uploader": {account.Uploader, "2809"}, "datamanager": {account.DataManager, ""},
	"admin": {account.Admin, ""}, "auditor": {account.Auditor, ""},
	"centreadmin": {account.CentreAdmin, "2809"},
	"processor":   {account.ProcessorStaff, ""}, "otherp": {account.ProcessorStaff, ""},
	"other": {account.Uploader, "2810"}, "othercl": {account.Clinician, "2810"}, "otherca": {account.CentreAdmin, "2810"},
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

// New starts a site until the test ends. Nobody needs a second factor there, unless the
// test changes that.
func New(t testing.TB, change ...func(*server.Options)) *Site {
	t.Helper()
	return newSite(t, false, change)
}

// NewNamed is New for a site that people reach at a name, so that passkeys work, and where
// everyone needs a second factor as in production.
func NewNamed(t testing.TB, change ...func(*server.Options)) *Site {
	t.Helper()
	strict := func(o *server.Options) { o.SecondFactor = account.FactorRequired }
	return newSite(t, true, append([]func(*server.Options){strict}, change...))
}

func newSite(t testing.TB, named bool, change []func(*server.Options)) *Site {
	t.Helper()
	s := &Site{
		t: t, named: named, TTP: ttptest.Start(t), Log: &lines{}, Clock: &clock{},
		Centres: map[string]account.Centre{}, Processors: map[string]account.Processor{}, Tokens: map[string]string{},
		AuditKey: Must(tree.NewKey())(t),
	}
	log := slog.New(slog.NewJSONHandler(s.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	dir := t.TempDir()
	s.Database, s.secrets = filepath.Join(dir, "sluis.db"), t.TempDir()
	s.Store = Must(store.OpenSQLite(t.Context(), s.Database, store.Options{Now: s.Clock.Now, Log: log, AuditKey: s.AuditKey}))(t)
	t.Cleanup(func() { _ = s.Store.Close() })
	s.fill()
	o := s.options(s.startPipeline(dir, log), log)
	for _, c := range change {
		c(&o)
	}
	s.serve(o)
	return s
}

// serve starts the server with these options.
func (s *Site) serve(o server.Options) {
	web := httptest.NewUnstartedServer(nil)
	s.URL = "http://" + web.Listener.Addr().String()
	if s.named {
		_, port, _ := net.SplitHostPort(web.Listener.Addr().String())
		o.BaseURL = &url.URL{Scheme: "http", Host: "localhost:" + port}
		s.URL = o.BaseURL.String()
	}
	s.served, s.Server = o, Must(server.New(o))(s.t)
	web.Config, web.Listener = s.Server.HTTPServer(), s.Server.Listener(web.Listener)
	web.Start()
	s.t.Cleanup(web.Close)
}

// pipeline is the parts behind the server.
type pipeline struct {
	preparer *prepare.Client
	intake   *intake.Intake
	desk     *importer.Desk
}

// startPipeline starts the workers, with a keyring in dir. They stop when the test ends.
func (s *Site) startPipeline(dir string, log *slog.Logger) pipeline {
	t := s.t
	t.Helper()
	keys := Must(sealing.OpenKeyring(filepath.Join(dir, "keyring"), s.Clock.Now))(t)
	s.factorKeys = Must(sealing.OpenKeyring(sealing.FactorKeys(filepath.Join(dir, "keyring")), s.Clock.Now))(t)
	prep := prepare.New(s.TTP.Client(ttpclient.ScopeTemporary), ttptest.Domain, ttptest.Types)
	in := Must(intake.New(intake.Options{
		Ports:    intake.Ports{Uploads: s.Store, Blocks: s.Store, Mappings: s.Store, Parses: s.Store, Preparations: s.Store},
		Preparer: prep, Keys: keys, MACKey: bytes.Repeat([]byte("mac!"), 8), Types: ttptest.Types, LinkType: "NGGV",
		MaxBytes: 1 << 20, Now: s.Clock.Now, Log: log,
	}))(t)
	resolver := resolve.New(s.TTP.Client(ttpclient.ScopeDefinitive), ttptest.Domain)
	sets := dataset.New(s.TTP.Client(ttpclient.ScopeDatasets), ttptest.Domain)
	registrar := patient.NewRegistrar("NGGV", s.Clock.Now)
	im := Must(importer.New(importer.Options{
		Ports: importer.Ports{
			Queue: s.Store, Fetches: s.Store, Answers: s.Store, Repeats: s.Store, Decisions: s.Store,
			Registrations: s.Store, Housekeeping: s.Store,
		},
		Intake: in, Resolver: resolver, Sets: sets, Types: ttptest.Types, Domain: ttptest.Domain,
		Registrar: registrar, Keys: keys, Workers: 2, Poll: 10 * time.Millisecond, Now: s.Clock.Now, Log: log,
	}))(t)
	desk := Must(importer.NewDesk(importer.DeskOptions{
		Waiting: s.Store, Imports: s.Store, Conflicts: s.Store, Entries: s.Store, Registrar: registrar, Resolver: resolver,
		Sets: sets, Keys: keys, Wake: im.Wake, Now: s.Clock.Now,
	}))(t)
	ctx, stop := context.WithCancel(context.Background())
	var working sync.WaitGroup
	working.Go(func() { im.Run(ctx) })
	t.Cleanup(func() { stop(); working.Wait() })
	return pipeline{prep, in, desk}
}

// options returns the options of the server, before a test changes them.
func (s *Site) options(p pipeline, log *slog.Logger) server.Options {
	return server.Options{
		Log: log, Now: s.Clock.Now, Accounts: s.Store, People: s.Store, CentreDesk: s.Store,
		Providers: s.Store, SignOn: oidc.New(oidc.Options{Now: s.Clock.Now, Loopback: true, Timeout: 2 * time.Second}),
		SignOnSecrets: s.secrets, SignOnLoopback: true, Sessions: s.Store, Tries: s.Store, Audit: s.Store, Records: s.Store,
		Factors: s.Store, FactorKeys: s.factorKeys, SecondFactor: account.FactorOptional, // strict in the tests of package factors
		Receiver: p.intake, Columns: p.intake, Desk: p.desk, Preparer: p.preparer, Watch: s.Store, Planner: s.Store,
		Conversion: s.Store,
		Ready: func(ctx context.Context) []server.Check {
			return []server.Check{{Name: "database", OK: s.Store.CheckWrite(ctx) == nil}}
		},
		SessionKeys: [][]byte{bytes.Repeat([]byte("key!"), 8)}, MaxFileBytes: 1 << 20, MaxRows: 10_000, Types: ttptest.Types, LinkType: "NGGV",
		BusyWait: 20 * time.Second,
	}
}

// Again starts a second server of the same site, with other options. Accounts, tokens
// and sessions are those of s.
func (s *Site) Again(change func(*server.Options)) *Site {
	s.t.Helper()
	second, o := *s, s.served
	change(&o)
	second.serve(o)
	return &second
}

// At returns a browser with the cookies of b that visits another server.
func (b *Browser) At(s *Site) *Browser { return &Browser{s, b.Client} }

// Must fails the test if there is an error.
func Must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// fill makes the centres, the accounts and the tokens.
func (s *Site) fill() {
	who, ctx := audit.Who{Name: "systeem", Via: audit.ViaCLI}, s.t.Context()
	for number, identities := range map[string]bool{"2809": true, "2810": false} {
		s.Centres[number] = Must(s.Store.AddCentre(ctx, who,
			account.Centre{Number: number, Name: "Ziekenhuis " + number, IdentitiesAllowed: identities}))(s.t)
	}
	for name, number := range map[string]string{"processor": "2809", "otherp": "2810"} {
		s.Processors[name] = Must(s.Store.AddProcessor(ctx, who, account.Processor{Name: "EPD-leverancier " + name}, "overeenkomst"))(s.t)
		s.Grant(name, number)
	}
	for name, a := range Accounts {
		var centre *account.Centre
		var processor *account.Processor
		if p, ok := s.Processors[name]; ok {
			processor = &p
		}
		if a.Centre != "" {
			c := s.Centres[a.Centre]
			centre = &c
		}
		Must(
			s.Store.AddUser(ctx, who, account.User{Email: name + "@example.nl", PasswordHash: passwordHash(), Roles: []account.Role{a.Role},
				Centre: centre, Processor: processor}),
		)(
			s.t,
		)
		token, hash := account.NewToken()
		Must(s.Store.AddToken(ctx, who, account.Token{Name: name, Role: a.Role, Centre: centre, Processor: processor}, hash))(s.t)
		s.Tokens[name] = token
	}
}

// Grant grants a processor a mandate of a centre, from now on.
func (s *Site) Grant(processor, number string) account.Mandate {
	s.t.Helper()
	return Must(s.Store.GrantMandate(s.t.Context(), audit.Who{Name: "systeem", Via: audit.ViaCLI}, account.Mandate{
		Processor: s.Processors[processor], Centre: s.Centres[number], From: s.Clock.Now(), Reason: "overeenkomst",
	}))(s.t)
}

// Mandate is the mandate of a centre that a processor has, the newest one.
func (s *Site) Mandate(processor, number string) account.Mandate {
	s.t.Helper()
	for _, m := range Must(s.Store.Mandates(s.t.Context(), audit.Who{Name: "test"}, account.AllCentres()))(s.t) {
		if m.Processor.ID == s.Processors[processor].ID && m.Centre.Number == number {
			return m
		}
	}
	s.t.Fatalf("%s has no mandate of %s", processor, number)
	return account.Mandate{}
}

// Browser is a person at a browser: it keeps cookies and does not follow
// redirects by itself.
type Browser struct {
	s      *Site
	Client *http.Client
}

// Browser returns a browser in which nobody has signed in.
func (s *Site) Browser() *Browser {
	jar := Must(cookiejar.New(nil))(s.t)
	return &Browser{s, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// SignedIn returns a browser in which name has signed in, or nobody if name is "".
func (s *Site) SignedIn(name string) *Browser {
	s.t.Helper()
	b := s.Browser()
	if name == "" {
		return b
	}
	if a := b.SignIn(name+"@example.nl", Password); a.Status != http.StatusSeeOther {
		s.t.Fatalf("sign in as %s: %d\n%s", name, a.Status, a.Body)
	}
	return b
}

// SignIn posts the sign-in form.
func (b *Browser) SignIn(email, password string) Answer {
	return b.Post("/inloggen", url.Values{"email": {email}, "password": {password}})
}

// Answer is a whole response.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Location is where the answer leads.
func (a Answer) Location() string { return a.Header.Get("Location") }

// Do makes a request with a body of this kind; headers are names and values in turn.
func (b *Browser) Do(method, path, kind string, body io.Reader, headers ...string) Answer {
	b.s.t.Helper()
	r := Must(http.NewRequest(method, b.s.URL+path, body))(b.s.t)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res := Must(b.Client.Do(r))(b.s.t)
	defer func() { _ = res.Body.Close() }()
	raw := Must(io.ReadAll(res.Body))(b.s.t)
	return Answer{res.StatusCode, res.Header, string(raw)}
}

// Get asks for a page.
func (b *Browser) Get(path string, headers ...string) Answer {
	b.s.t.Helper()
	return b.Do("GET", path, "", nil, headers...)
}

// Post sends a form.
func (b *Browser) Post(path string, form url.Values, headers ...string) Answer {
	b.s.t.Helper()
	return b.Do("POST", path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()), headers...)
}

// Follow asks for the page that an answer leads to.
func (b *Browser) Follow(a Answer) Answer {
	b.s.t.Helper()
	if a.Status != http.StatusSeeOther {
		b.s.t.Fatalf("no redirect: %d\n%s", a.Status, a.Body)
	}
	return b.Get(a.Location())
}

// Part is one part of a multipart form.
type Part struct{ name, filename, content string }

// Field is a part without a file.
func Field(name, content string) Part { return Part{name: name, content: content} }

// File is a part with a file; without a name it is like a field that was left empty.
func File(name, filename, content string) Part { return Part{name, filename, content} }

// Multipart returns a form of parts, and its content type.
func Multipart(parts ...Part) (kind string, body *bytes.Buffer) {
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

// Upload posts the upload form.
func (b *Browser) Upload(mode, filename, content string) Answer {
	b.s.t.Helper()
	kind, body := Multipart(Field("mode", mode), File("file", filename, content))
	return b.Do("POST", "/aanleveringen", kind, body)
}

// Call makes a request of the API with the token of an account; "" for none.
func (s *Site) Call(name, method, path, kind, body string, headers ...string) Answer {
	s.t.Helper()
	if name != "" {
		headers = append(headers, "Authorization", "Bearer "+s.Tokens[name])
	}
	return s.Browser().Do(method, path, kind, strings.NewReader(body), headers...)
}

// Events returns the events of the access log, newest first.
func (s *Site) Events() []audit.Event {
	s.t.Helper()
	page := Must(s.Store.Events(s.t.Context(), audit.Who{Name: "test"}, audit.Query{Limit: 500}))(s.t)
	return page.Events
}

// Pilot returns the file of the pilot: 40 rows, of which 36 are stored.
func Pilot(t testing.TB) string {
	t.Helper()
	return string(Must(os.ReadFile(filepath.Join(Root(t), "testdata", "pilot40.csv")))(t))
}

// Root is the folder of the module, above that of the test.
func Root(t testing.TB) string {
	t.Helper()
	dir := Must(os.Getwd())(t)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("there is no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}

// Action is where the form of the upload page posts to.
func Action(page string) string {
	_, rest, _ := strings.Cut(page, `action="/aanleveringen?`)
	query, _, _ := strings.Cut(rest, `"`)
	return "/aanleveringen?" + query
}

// Objects are the ids of a patient, a delivery, a conflict, a proof, an account, an API
// token, a mandate and a provider, the token of a one-time link, the number of a centre, an event of the
// access log and an alarm. Delegated is a delivery that a processor made for the centre.
type Objects struct {
	Patient, Delivery, Delegated, Conflict, Proof, User, Token, Mandate, Provider, Link, Centre, Event, Alarm string
}

// OwnObjects makes a delivery of 2809 that is done, with its patients.
func (s *Site) OwnObjects() Objects {
	s.t.Helper()
	b := s.SignedIn("uploader")
	sent := b.Upload("save", "pilot40.csv", Pilot(s.t))
	_, rest, ok := strings.Cut(b.Get("/patienten").Body, `href="/patienten/`)
	if !ok || sent.Status != http.StatusSeeOther {
		s.t.Fatal("nothing was delivered")
	}
	id, _, _ := strings.Cut(rest, `"`)
	b.Upload("save", "weer.csv", EntryHeader+"2809;1-1-1955;v;523534;Anders;;q\n")
	conflicts := Must(
		s.Store.Conflicts(s.t.Context(), audit.Who{Name: "test"}, account.AllCentres(), patient.ConflictQuery{}),
	)(
		s.t,
	).Conflicts
	if len(conflicts) != 1 {
		s.t.Fatalf("%d conflicts, want 1", len(conflicts))
	}
	signed := Must(conversion.Sign(ed25519.NewKeyFromSeed(make([]byte, 32)), conversion.Proof{}))(s.t)
	proof := Must(s.Store.AddReport(s.t.Context(), audit.Who{Name: "test"},
		conversion.Report{Kind: conversion.KindProof, Document: string(Must(json.Marshal(signed))(s.t))}))(s.t)
	user := Must(s.Store.UserByEmail(s.t.Context(), "uploader@example.nl"))(s.t)
	centre := s.Centres["2809"]
	_, hash := account.NewToken()
	spare := Must(s.Store.AddToken(s.t.Context(), audit.Who{Name: "test"}, account.Token{Name: "spare", Role: account.Uploader, Centre: &centre},
		hash))(s.t)
	alarms, _, err := s.Store.RaiseAlarms(s.t.Context(), alarm.Limits{ViewsDay: 1, Location: time.UTC})
	if err != nil || len(alarms) == 0 {
		s.t.Fatalf("%d alarms: %v", len(alarms), err)
	}
	delegated := s.SignedIn("processor").Upload("save", "namens.csv", Pilot(s.t))
	return Objects{
		Event: "1", Alarm: strconv.FormatInt(alarms[0].ID, 10),
		Delegated: strings.TrimPrefix(delegated.Location(), "/aanleveringen/"), Mandate: s.Mandate("processor", "2809").PublicID,
		Patient: id, Delivery: strings.TrimPrefix(sent.Location(), "/aanleveringen/"), Conflict: conflicts[0].PublicID, Proof: proof.PublicID,
		User: user.PublicID, Token: spare.PublicID, Centre: "2809", Link: s.Invited("genodigde@example.nl"),
		Provider: s.Provider(oidctest.Start(s.t), "2809").PublicID,
	}
}

// Provider stores a provider of a centre, or the registry's own if centre is "". Its claim
// "roles" has the roles by their names.
func (s *Site) Provider(p *oidctest.Provider, centre string, change ...func(*account.Provider)) account.Provider {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.secrets, "proef"), []byte(oidctest.ClientSecret+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	made := account.Provider{
		Name: "Proef " + centre, Issuer: p.URL, ClientID: oidctest.ClientID, SecretFile: "proef", MakesAccounts: true, Enabled: true,
		Domains: []string{"ziekenhuis" + centre + ".example.nl"},
	}
	if centre != "" {
		c := s.Centres[centre]
		made.Centre = &c
	}
	for _, r := range made.Gives() {
		made.Mapping = append(made.Mapping, account.RoleClaim{Claim: "roles", Value: string(r), Role: r})
	}
	for _, c := range change {
		c(&made)
	}
	return Must(s.Store.AddProvider(s.t.Context(), audit.Who{Name: "test"}, made, "voor de proef"))(s.t)
}

// SecretsDir is the folder of the files with the secrets of providers.
func (s *Site) SecretsDir() string { return s.secrets }

// Invited invites somebody as uploader of 2809, and returns the token of the link.
func (s *Site) Invited(email string) string {
	s.t.Helper()
	centre := s.Centres["2809"]
	token, hash := account.NewToken()
	Must(s.Store.Invite(s.t.Context(), audit.Who{Name: "test"}, account.User{
		Email: email, Name: "Genodigde", Roles: []account.Role{account.Uploader}, Centre: &centre,
	}, hash, "begint maandag"))(s.t)
	return token
}

// EntryHeader is the header of a file with identities.
const EntryHeader = "Centrum id;Geboortedatum;Geslacht;Patiëntnummer;Achternaam;Tussenvoegsel;Voorletters\n"

// OddFile has headers that Sluis does not know.
const OddFile = "Zisnr;Wanneer geboren;M/V;Eigen naam;Initialen pat.;Tussenv.\n0017;3/4/1970;M;Canarynaam;Q.;van\n0018;5/6/1971;V;Canarytwee;X.;\n"

// Canary is a surname that nobody has.
const Canary = "Kwistenbiebel"

// Cookies are those that a browser keeps for the site.
func Cookies(b *Browser) []*http.Cookie {
	return b.Client.Jar.Cookies(Must(url.Parse(b.s.URL))(b.s.t))
}

// Contains fails the test for each of the words that a page lacks.
func Contains(t testing.TB, what, page string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(page, w) {
			t.Errorf("%s lacks %q", what, w)
		}
	}
}

// Faults makes the TTP fail as the sandbox's language of faults says; "" ends it.
func (s *Site) Faults(text string) {
	s.t.Helper()
	f, err := ttpsandbox.ParseFaults(text)
	if err != nil {
		s.t.Fatal(err)
	}
	s.TTP.Sandbox.SetFaults(f)
}
