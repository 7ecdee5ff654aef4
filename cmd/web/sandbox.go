package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sluis/internal/ttpsandbox"
)

// The stand-in TTP's parties: the care provider that makes temporary pseudonyms
// and the registry that resolves them.
const (
	sandboxDomain = "qrns"
	// sandboxOtherDomain is a second domain, for domain conversions.
	sandboxOtherDomain = "cbs"
	sandboxPrepareID   = "zorgaanbieder"
	sandboxResolveID   = "registratie"
	sandboxRegistry    = "qrns-registratie"
)

// faultFile is the file in which a running sandbox looks for the faults to switch on.
const faultFile = "faults.txt"

// newSandbox returns the stand-in TTP with the keys and datasets of the data folder, and
// with faults as [ttpsandbox.ParseFaults] reads them.
func newSandbox(data, prepareSecret, resolveSecret, faults string, log *slog.Logger) (*ttpsandbox.Sandbox, error) {
	f, err := ttpsandbox.ParseFaults(faults)
	if err != nil {
		return nil, fmt.Errorf("--fault: %w", err)
	}
	folder := filepath.Join(data, "ttp")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the TTP's folder: %w", err)
	}
	return ttpsandbox.New(ttpsandbox.Options{
		KeyFile: filepath.Join(folder, "keys.json"), Log: log, Domains: []string{sandboxDomain, sandboxOtherDomain},
		DatasetFolder: filepath.Join(folder, "datasets"), Faults: f, FaultFile: filepath.Join(folder, faultFile),
		Clients: []ttpsandbox.Client{
			{ID: sandboxPrepareID, Secret: prepareSecret, Scopes: []string{"pseudonyms.temporary"}, Recipient: sandboxRegistry},
			{
				ID:        sandboxResolveID,
				Secret:    resolveSecret,
				Scopes:    []string{"pseudonyms.definitive", "pseudonyms.convert", "datasets.read"},
				Recipient: sandboxRegistry,
			},
		},
	})
}

// sandboxServeCommand serves only the stand-in TTP, so that serve can be rehearsed with it.
type sandboxServeCommand struct {
	Addr    string `default:"127.0.0.1:8090" help:"Address to listen on; loopback only."`
	Data    string `default:"./data" help:"Folder whose ttp/ holds the TTP's keys."`
	TLSCert string `name:"tls-cert" help:"Certificate file; with it the sandbox speaks https."`
	TLSKey  string `name:"tls-key" help:"Key file of the certificate."`
	Prepare string `env:"SLUIS_SANDBOX_PREPARE_SECRET" required:"" help:"Secret of client zorgaanbieder."`
	Resolve string `env:"SLUIS_SANDBOX_RESOLVE_SECRET" required:"" help:"Secret of client registratie."`
	// Old is what a TTP does while a party replaces its secret.
	Old   string `env:"SLUIS_SANDBOX_PREPARE_OLD_SECRET" help:"A second secret that client zorgaanbieder may use."`
	Fault string `help:"Faults from the start, such as latency=50ms,500=10%%,reset=5%%; web sandbox fault changes them while it runs."`
}

// Run serves until ctx ends.
func (s sandboxServeCommand) Run(ctx context.Context, c console) error {
	if err := loopback(s.Addr); err != nil {
		return err
	}
	if (s.TLSCert == "") != (s.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key go together")
	}
	box, err := newSandbox(s.Data, s.Prepare, s.Resolve, s.Fault, slog.New(slog.NewTextHandler(c.err, nil)))
	if err != nil {
		return err
	}
	box.AcceptToo(sandboxPrepareID, s.Old)
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.Addr, err)
	}
	srv := &http.Server{Handler: box.Handler(), ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	fmt.Fprintln(c.out, "TTP sandbox:", ln.Addr())
	if s.TLSCert != "" {
		err = srv.ServeTLS(ln, s.TLSCert, s.TLSKey)
	} else {
		err = srv.Serve(ln)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// hasSandbox returns an error if no demonstration or sandbox ever ran in this folder.
func hasSandbox(data string) error {
	if _, err := os.Stat(filepath.Join(data, "ttp", "keys.json")); err != nil {
		return fmt.Errorf("there is no TTP in %s: start the demonstration with --data %s first", data, data)
	}
	return nil
}

// pseudonymiseCommand plays the hospital's side of the web technique.
type pseudonymiseCommand struct {
	Data   string `default:"./data" help:"Folder of the demonstration whose TTP is asked."`
	Centre string `help:"Number of the hospital that fetches them, such as 2809: then another hospital cannot deliver them."`
	In     string `arg:"" help:"CSV with identities."`
	Out    string `arg:"" help:"CSV to write, with temporary pseudonyms in place of the names."`
}

// Run writes Out, and next to it a file of the rows that the TTP refused, with its words.
func (p pseudonymiseCommand) Run(ctx context.Context, c console) (err error) {
	box, err := idleSandbox(p.Data)
	if err != nil {
		return err
	}
	in, err := os.Open(p.In)
	if err != nil {
		return err
	}
	defer in.Close()
	refusedPath := strings.TrimSuffix(p.Out, filepath.Ext(p.Out)) + ".afgewezen" + filepath.Ext(p.Out)
	out, err := os.OpenFile(p.Out, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	rejected, err := os.OpenFile(refusedPath, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return errors.Join(err, out.Close())
	}
	rows, refused, err := box.Pseudonymise(ctx, in, out, rejected, ttpsandbox.Order{Provider: p.Centre})
	if err := errors.Join(err, out.Close(), rejected.Close()); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%d rows with temporary pseudonyms in %s, %d rejected in %s\n", rows, p.Out, refused, refusedPath)
	return nil
}
