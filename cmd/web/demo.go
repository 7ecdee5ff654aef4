package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/audit/tree"
	"sluis/internal/config"
	"sluis/internal/store"
	"sluis/internal/ttpsandbox"
)

// demoCommand starts everything on embedded defaults.
type demoCommand struct {
	Addr string `default:"127.0.0.1:8080" help:"Address to listen on; loopback only."`
	Data string `default:"./data" help:"Folder for the database, the keys and demo.json."`
	// Metrics lets people try a monitor and its dashboard.
	Metrics string `placeholder:"ADDR" help:"Address at which a monitor reads figures, such as 127.0.0.1:9464; none unless given."`
	// Fault lets people see what Sluis does if the TTP fails.
	Fault string `help:"Faults of the TTP from the start, such as latency=50ms,500=10%%; web sandbox fault changes them while it runs."`
}

// demoFile is the content of demo.json.
type demoFile struct {
	Address  string        `json:"address"`
	Accounts []demoAccount `json:"accounts"`
	Tokens   []demoToken   `json:"tokens"`
}

type demoAccount struct {
	Role     account.Role `json:"role"`
	Centre   string       `json:"centre"` // empty for roles of no centre
	Email    string       `json:"email"`
	Password string       `json:"password"`
}

type demoToken struct {
	Role   account.Role `json:"role"`
	Centre string       `json:"centre"`
	Token  string       `json:"token"`
}

// demoKeys are the secrets of a demonstration that nobody types.
type demoKeys struct {
	Session, MAC []byte
	TTPPrepare   string
	TTPResolve   string
}

// Run starts the demonstration, and prints its address and its accounts.
func (d demoCommand) Run(ctx context.Context, c console) error {
	if err := loopback(d.Addr); err != nil {
		return err
	}
	if d.Metrics != "" {
		if err := loopback(d.Metrics); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(d.Data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	log := slog.New(slog.NewTextHandler(c.err, nil))
	key, err := tree.OpenKey(tree.KeyFile(d.keyring()))
	if err != nil {
		return err
	}
	s, err := store.OpenSQLite(ctx, filepath.Join(d.Data, "sluis.db"), store.Options{Now: time.Now, Log: log, AuditKey: key})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	var keys demoKeys
	err = remember(filepath.Join(d.Data, "demo-keys.json"), &keys, func() {
		keys = demoKeys{Session: random(), MAC: random(), TTPPrepare: rand.Text(), TTPResolve: rand.Text()}
	})
	if err != nil {
		return err
	}
	sandbox, err := newSandbox(d.Data, keys.TTPPrepare, keys.TTPResolve, d.Fault, log)
	if err != nil {
		return err
	}
	ttp, err := startSandbox(ctx, sandbox)
	if err != nil {
		return err
	}
	defer func() { _ = ttp.Close() }()
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", d.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w (choose another with --addr)", d.Addr, err)
	}
	base := d.base(ln.Addr())
	who, err := d.enrol(ctx, s, base.String())
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	a, err := assemble(ctx, d.config(keys, base, ttp.Addr), s, true, log)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	who.print(c, filepath.Join(d.Data, "demo.json"))
	return a.serve(ctx, ln)
}

// base is at which people reach the demonstration. Passkeys work at localhost only, not at
// an address without a name.
func (d demoCommand) base(at net.Addr) *url.URL {
	host := at.String()
	if name, _, err := net.SplitHostPort(d.Addr); err == nil && name == "localhost" {
		if _, port, err := net.SplitHostPort(host); err == nil {
			host = net.JoinHostPort(name, port)
		}
	}
	return &url.URL{Scheme: "http", Host: host}
}

func (d demoCommand) keyring() string { return filepath.Join(d.Data, "keyring.json") }

// config is the configuration of a demonstration.
func (d demoCommand) config(k demoKeys, base *url.URL, ttp string) config.Config {
	at := &url.URL{Scheme: "http", Host: ttp}
	c := config.Defaults()
	c.BaseURL = base
	c.SessionKeys, c.FileMACKey = []config.Secret{config.NewSecret(string(k.Session))}, config.NewSecret(string(k.MAC))
	c.KeyringFile = d.keyring()
	// The demonstration's passwords are printed, and two clicks must do.
	c.SecondFactor = string(account.FactorOptional)
	c.MetricsAddr = d.Metrics
	c.TTP.AuthURL, c.TTP.APIURL, c.TTP.Domain, c.TTP.Sandbox = at, at, sandboxDomain, true
	c.TTP.Prepare = config.Credential{ID: sandboxPrepareID, Secret: config.NewSecret(k.TTPPrepare)}
	c.TTP.Resolve = config.Credential{ID: sandboxResolveID, Secret: config.NewSecret(k.TTPResolve)}
	return c
}

// loopback refuses an address that others could reach.
func loopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("--addr %q is no host:port", addr)
	}
	ip, err := netip.ParseAddr(host)
	if host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return fmt.Errorf("--addr %s: the demonstration has made-up accounts and listens on this machine only (127.0.0.1)", addr)
	}
	return nil
}

// remember reads a JSON file into into. If there is no file, it calls fresh to fill in
// into, and makes the file, with mode 0600.
func remember(path string, into any, fresh func()) error {
	raw, err := os.ReadFile(path)
	if err == nil {
		if err := json.Unmarshal(raw, into); err != nil {
			return fmt.Errorf("%s is damaged: delete the data folder to start afresh", path)
		}
		return nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	fresh()
	return writeJSON(path, into)
}

// writeJSON writes a new file next to the old one and renames it, so that a crash leaves
// one of the two whole.
func writeJSON(path string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".next", append(raw, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".next", path)
}

func random() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return b
}

// enrol makes those centres, accounts and tokens of the demonstration that are not there
// yet. It writes demo.json first, so that no account is made without its password being
// known.
func (d demoCommand) enrol(ctx context.Context, s *store.Store, address string) (demoFile, error) {
	path := filepath.Join(d.Data, "demo.json")
	var f demoFile
	if err := remember(path, &f, func() { f = newDemoFile() }); err != nil {
		return f, err
	}
	f.Address = address
	if err := writeJSON(path, f); err != nil {
		return f, err
	}
	who := audit.Who{Name: "demo", Via: audit.ViaCLI}
	centres := map[string]*account.Centre{"": nil}
	for _, c := range []account.Centre{
		{Number: "2809", Name: "Voorbeeldziekenhuis", IdentitiesAllowed: true},
		{Number: "2810", Name: "Tweede Voorbeeldziekenhuis"},
	} {
		got, err := s.CentreByNumber(ctx, c.Number)
		if apperr.KindOf(err) == apperr.NotFound {
			got, err = s.AddCentre(ctx, who, c)
		}
		if err != nil {
			return f, err
		}
		centres[c.Number] = &got
	}
	for _, a := range f.Accounts {
		if _, err := s.UserByEmail(ctx, a.Email); apperr.KindOf(err) != apperr.NotFound {
			if err != nil {
				return f, err
			}
			continue
		}
		hash, err := account.HashPassword(ctx, a.Password)
		if err != nil {
			return f, err
		}
		u := account.User{Email: a.Email, PasswordHash: hash, Roles: []account.Role{a.Role}, Centre: centres[a.Centre], Demo: true}
		if _, err := s.AddUser(ctx, who, u); err != nil {
			return f, err
		}
	}
	for _, k := range f.Tokens {
		hash := account.HashToken(k.Token)
		if _, err := s.TokenByHash(ctx, hash); apperr.KindOf(err) != apperr.NotFound {
			if err != nil {
				return f, err
			}
			continue
		}
		t := account.Token{Name: "demo " + string(k.Role), Role: k.Role, Centre: centres[k.Centre], Demo: true}
		if _, err := s.AddToken(ctx, who, t, hash); err != nil {
			return f, err
		}
	}
	return f, nil
}

// newDemoFile returns the demonstration's accounts, with new passwords and tokens.
func newDemoFile() demoFile {
	var f demoFile
	for _, a := range []demoAccount{
		{Role: account.Clinician, Centre: "2809", Email: "invoerder@2809.example"},
		{Role: account.Uploader, Centre: "2809", Email: "aanleveraar@2809.example"},
		{Role: account.CentreAdmin, Centre: "2809", Email: "lokalebeheerder@2809.example"},
		{Role: account.Uploader, Centre: "2810", Email: "aanleveraar@2810.example"},
		{Role: account.DataManager, Email: "datamanager@registratie.example"},
		{Role: account.Admin, Email: "beheerder@registratie.example"},
		{Role: account.Auditor, Email: "toezicht@registratie.example"},
	} {
		a.Password = rand.Text()[:16]
		f.Accounts = append(f.Accounts, a)
		if a.Role == account.CentreAdmin {
			continue // works on the pages only
		}
		token, _ := account.NewToken()
		f.Tokens = append(f.Tokens, demoToken{a.Role, a.Centre, token})
	}
	return f
}

func (f demoFile) print(c console, path string) {
	fmt.Fprintf(c.out, "Sluis, demonstratie: %s\n\n", f.Address)
	for _, a := range f.Accounts {
		fmt.Fprintf(c.out, "  %-12s %-5s %-34s %s\n", a.Role, a.Centre, a.Email, a.Password)
	}
	fmt.Fprintf(c.out, "\nDeze accounts en API-tokens staan ook in %s. Stoppen: Ctrl+C.\n", path)
}

// startSandbox serves the stand-in TTP on a loopback port, over real HTTP.
func startSandbox(ctx context.Context, sandbox *ttpsandbox.Sandbox) (*http.Server, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the TTP sandbox: %w", err)
	}
	srv := &http.Server{Addr: ln.Addr().String(), Handler: sandbox.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = srv.Serve(ln) }()
	return srv, nil
}
