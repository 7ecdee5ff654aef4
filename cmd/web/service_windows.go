package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kardianos/service" // Windows' manager of services
)

// serviceName is the name of the service in the manager's list.
const serviceName = "Sluis"

// windowsService runs web serve for the manager.
type windowsService struct {
	run   func(ctx context.Context) error
	stop  context.CancelFunc
	ended chan error
}

// Start is for the manager, and returns at once.
func (w *windowsService) Start(service.Service) error {
	var ctx context.Context
	ctx, w.stop = context.WithCancel(context.Background())
	w.ended = make(chan error, 1)
	go func() {
		err := w.run(ctx)
		w.ended <- err
		if err != nil && ctx.Err() == nil {
			os.Exit(1) // the manager starts it again
		}

	}()
	return nil
}

// Stop is for the manager. It waits until running requests and steps have finished.
func (w *windowsService) Stop(service.Service) error {
	w.stop()
	return <-w.ended
}

func newService(w *windowsService, files serviceFiles) (service.Service, error) {
	return service.New(w, &service.Config{
		Name: serviceName, DisplayName: "Sluis", Description: "Deliveries to a quality registry",
		Arguments: []string{"service", "run", "--env", files.Env, "--log", files.Log},
		Option:    service.KeyValue{"OnFailure": "restart", "OnFailureDelayDuration": "5s", "DelayedAutoStart": true},
	})
}

// Run registers the service.
func (i installServiceCommand) Run(c console) error {
	var err error
	if i.Env, err = filepath.Abs(i.Env); err != nil {
		return err
	}
	if i.Log, err = filepath.Abs(i.Log); err != nil {
		return err
	}
	if _, err := settingsFile(i.Env); err != nil {
		return err
	}
	s, err := newService(&windowsService{}, i.serviceFiles)
	if err == nil {
		err = s.Install()
	}
	if err != nil {
		return fmt.Errorf("register the service (as an administrator): %w", err)
	}
	fmt.Fprintln(c.out, "registered; give it an account of its own (services.msc), and start it with: sc start "+serviceName)
	return nil
}

// Run takes the service out of the list.
func (uninstallServiceCommand) Run(console) error {
	s, err := newService(&windowsService{}, serviceFiles{})
	if err != nil {
		return err
	}
	return s.Uninstall()
}

// Run is the service.
func (r runServiceCommand) Run(c console) error {
	env, err := settingsFile(r.Env)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(r.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	defer func() { _ = log.Close() }()
	w := &windowsService{run: func(ctx context.Context) error {
		return serveCommand{}.Run(ctx, console{env: env, in: c.in, out: log, err: log})
	}}
	s, err := newService(w, r.serviceFiles)
	if err != nil {
		return err
	}
	return s.Run()
}
