package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sluis/internal/audit/tree"
	"sluis/internal/config"
	"sluis/internal/logging"
	"sluis/internal/store"
)

// serveCommand runs the real service.
type serveCommand struct{}

// errLogged is an error that is in the log already, so that it is not printed again.
type errLogged struct{ error }

// Run starts the service that the environment describes. Even the error with which it ends
// is a line of the log.
func (s serveCommand) Run(ctx context.Context, c console) error {
	log := logging.New(c.err)
	if err := s.run(ctx, c, log); err != nil {
		log.ErrorContext(ctx, "the service has ended", faultsOf(err)...)
		return errLogged{err}
	}
	log.InfoContext(ctx, "the service has stopped")
	return nil
}

// sameFolder reports whether two files are in one folder.
func sameFolder(a, b string) bool {
	x, errX := os.Stat(filepath.Dir(a))
	y, errY := os.Stat(filepath.Dir(b))
	return errX == nil && errY == nil && os.SameFile(x, y)
}

func (serveCommand) run(ctx context.Context, c console, log *logging.Log) error {
	hup, stop := hangups()
	defer stop()
	cfg, err := config.Load(c.env, startable(ctx))
	if err != nil {
		return err
	}
	log.InfoContext(ctx, "configuration", "settings", strings.Split(strings.TrimSpace(cfg.String()), "\n"))
	if file := cfg.DatabaseFile(); file != "" && sameFolder(file, cfg.KeyringFile) {
		log.WarnContext(ctx, "the keyring is in the folder of the database: one backup of both can read what is sealed",
			"setting", "SLUIS_KEYRING_FILE")
	}
	log.InfoContext(ctx, "opening the database", "database", cfg.DatabaseName())
	key, err := tree.OpenKey(tree.KeyFile(cfg.KeyringFile))
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, cfg.Database.Reveal(), store.Options{Now: time.Now, Log: log.Logger, AuditKey: key})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	demo, err := s.HasDemoAccounts(ctx)
	if err != nil {
		return err
	}
	if demo {
		return errors.New("this database is a demonstration's: its accounts are made up. Use another database")
	}
	a, err := assemble(ctx, cfg, s, false, log.Logger)
	if err != nil {
		return err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Addr)
	if err != nil {
		return fmt.Errorf("listen on SLUIS_ADDR: %w", err)
	}
	log.InfoContext(ctx, "serving", "version", thisBuild().Version, "commit", thisBuild().Commit,
		"address", ln.Addr().String(), "url", cfg.BaseURL.String(), "database", cfg.DatabaseName())
	if err := offerFirstAdmin(ctx, s, cfg.BaseURL, c.out); err != nil {
		return errors.Join(err, ln.Close())
	}
	warnOfHeads(ctx, cfg, log.Logger)
	a.hangups, a.reload = hup, (&reloader{env: c.env, cfg: cfg, app: a}).reload
	a.faults = log
	return a.serve(ctx, ln)
}
