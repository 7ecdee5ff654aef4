package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"sluis/internal/config"
	"sluis/internal/store"
)

// serveCommand is the real mode.
type serveCommand struct{}

// Run starts the service that the environment describes.
func (serveCommand) Run(ctx context.Context, c console) error {
	hup, stop := hangups()
	defer stop()
	cfg, err := config.Load(c.env)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(c.err, nil))
	log.Info("configuration", "settings", strings.Split(strings.TrimSpace(cfg.String()), "\n"))
	s, err := store.Open(ctx, cfg.Database.Reveal(), store.Options{Now: time.Now, Log: log})
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
	a, err := assemble(ctx, cfg, s, false, log)
	if err != nil {
		return err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Addr)
	if err != nil {
		return fmt.Errorf("listen on SLUIS_ADDR: %w", err)
	}
	log.Info("serving", "address", ln.Addr().String(), "url", cfg.BaseURL.String())
	a.hangups, a.reload = hup, (&reloader{env: c.env, cfg: cfg, app: a}).reload
	return a.serve(ctx, ln)
}
