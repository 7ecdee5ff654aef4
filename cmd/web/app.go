package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/audit/alarm"
	"sluis/internal/audit/tree"
	"sluis/internal/certificate"
	"sluis/internal/config"
	"sluis/internal/conversion"
	"sluis/internal/delivery"
	"sluis/internal/importer"
	"sluis/internal/importer/intake"
	"sluis/internal/logging"
	"sluis/internal/mail"
	"sluis/internal/metrics"
	"sluis/internal/oidc"
	"sluis/internal/patient"
	"sluis/internal/renewal"
	"sluis/internal/sealing"
	"sluis/internal/server"
	"sluis/internal/server/request"
	"sluis/internal/store"
	"sluis/internal/ttphealth"
)

// shutdownTime is how long running requests and steps have to finish after a stop.
const shutdownTime = 10 * time.Second

// app is the running program: the parts, put together.
type app struct {
	log     *slog.Logger
	store   *store.Store
	intake  *intake.Intake
	workers *importer.Importer
	// renewing fetches new values of pseudonyms after somebody has asked for a renewal.
	renewing *renewal.Worker
	health   *ttphealth.Recorder
	ready    *readyChecks
	server   *server.Server
	ttp      *ttp
	heads    *tree.Keeper
	alarms   *alarm.Watcher
	expiring *retention        // of the access log
	mail     *mail.Worker      // nil if no mail server is set
	cert     *certificate.Pair // nil if a proxy ends TLS
	// hangups brings the signals that ask for a reload; nil if the program takes none.
	hangups <-chan os.Signal
	reload  func(ctx context.Context)
	// metrics are counted for the monitor that reads them at metricsAddr; nil without one.
	metrics     *metrics.Metrics
	metricsAddr string
	// faults is the log that knows whether the storage has a fault; nil for a demonstration.
	faults *logging.Log
}

// assemble puts the parts together. The caller closes the store.
func assemble(ctx context.Context, c config.Config, s *store.Store, demo bool, log *slog.Logger) (*app, error) {
	health := ttphealth.NewRecorder(time.Now)
	a := &app{log: log, store: s, health: health, metricsAddr: c.MetricsAddr}
	if c.MetricsAddr != "" {
		a.metrics = a.newMetrics(c)
		health.Tell(a.metrics.Call)
	}
	p, err := openPipeline(ctx, c, s, health, log)
	if err != nil {
		return nil, err
	}
	ttp, in, workers := p.ttp, p.intake, p.workers
	proofKey, err := conversion.SigningKey(conversion.KeyFile(c.KeyringFile))
	if err != nil {
		return nil, err
	}
	factorKeys, err := openFactorKeys(ctx, c, s)
	if err != nil {
		return nil, err
	}
	post, mailer := openMail(c, s, p.keys, log)
	ready := &readyChecks{store: s, keys: p.keys, health: health, folder: filepath.Dir(c.KeyringFile), database: c.DatabaseFile()}
	rehearsal := demo || !c.ProductionReady()
	srv, err := server.New(server.Options{
		Log: log, Now: time.Now, Accounts: s, People: s, CentreDesk: s, Sessions: countedSessions{s, a.metrics},
		Tries: s, Audit: s, Records: s,
		Factors: s, FactorKeys: factorKeys, SecondFactor: account.FactorPolicy(c.SecondFactor),
		Receiver: waking{in, workers}, Columns: waking{in, workers}, Desk: p.desk, Preparer: ttp.preparer,
		Watch: s, Planner: s, Expiries: ttp.expiries, Conversion: s, ProofKey: conversion.Public(proofKey),
		LogReviewEvery: c.LogReviewEvery,
		Providers:      s, SignOn: signOn(c, rehearsal), SignOnSecrets: c.SignOn.SecretsDir, SignOnLoopback: rehearsal,
		Ready: ready.run, Demo: rehearsal, BirthYearOnly: c.BirthYearOnly, Secure: c.Secure(),
		SessionKeys: sessionKeys(c), BaseURL: c.BaseURL, TrustedProxies: c.TrustedProxies,
		ClientCerts: request.Certs(c.ClientCerts), Mail: mailer,
		MaxFileBytes: c.MaxFileBytes, MaxRows: c.MaxRows, MaxUploads: c.MaxUploads, Types: c.Types, LinkType: c.LinkType,
		Observe: a.metrics.Request, Version: thisBuild().Short(),
	})
	if err != nil {
		return nil, err
	}
	a.intake, a.workers, a.ready, a.server, a.ttp = in, workers, ready, srv, ttp
	a.renewing = &renewal.Worker{Store: s, Converter: ttp.renewer, Now: time.Now, Log: log}
	a.mail = post
	a.heads = &tree.Keeper{Tree: s, Key: s.AuditKey(), File: tree.HeadsFile(c.AuditHeads()), Now: time.Now, Log: log}
	a.alarms = &alarm.Watcher{Store: s, Limits: alarms(c), Log: log}
	a.expiring = &retention{store: s, years: c.AuditYears, log: log}
	if c.TLSCertFile != "" {
		a.cert, err = certificate.Open(certificate.Options{
			Name: "SLUIS_TLS_CERT_FILE", CertFile: c.TLSCertFile, KeyFile: c.TLSKeyFile, Now: time.Now, Log: log,
		})
	}
	return a, err
}

// signOn makes the client of the providers at which people sign in.
func signOn(c config.Config, loopback bool) *oidc.Client {
	o := oidc.Options{Now: time.Now, Networks: c.SignOn.Networks, Loopback: loopback}
	if len(c.SignOn.CA) > 0 {
		o.Roots = x509.NewCertPool()
		o.Roots.AppendCertsFromPEM(c.SignOn.CA) // its certificates were read at start
	}
	return oidc.New(o)
}

func sessionKeys(c config.Config) [][]byte {
	keys := make([][]byte, len(c.SessionKeys))
	for i, k := range c.SessionKeys {
		keys[i] = []byte(k.Reveal())
	}
	return keys
}

// pipeline is the parts that bring rows through the TTP and into the registry.
type pipeline struct {
	keys    *sealing.Keyring
	ttp     *ttp
	intake  *intake.Intake
	workers *importer.Importer
	desk    *importer.Desk
}

// openPipeline puts a pipeline together, for the service and for the commands that do
// its work.
func openPipeline(ctx context.Context, c config.Config, s *store.Store, health *ttphealth.Recorder, log *slog.Logger) (*pipeline, error) {
	keys, err := openKeyring(ctx, c.KeyringFile, s)
	if err != nil {
		return nil, err
	}
	ttp, err := openTTP(ctx, c, health, log)
	if err != nil {
		return nil, err
	}
	in, err := intake.New(intake.Options{
		Ports:    intake.Ports{Uploads: s, Blocks: s, Mappings: s, Parses: s, Preparations: s},
		Preparer: ttp.preparer, Keys: keys, MACKey: []byte(c.FileMACKey.Reveal()), Types: c.Types, LinkType: c.LinkType,
		PostcodeTypes: c.PostcodeTypes, TemporaryLife: c.TTP.TemporaryLife, ChunkRows: c.TTP.Rows,
		YearOnly: c.BirthYearOnly, MaxBytes: c.MaxFileBytes, MaxRows: c.MaxRows, Now: time.Now, Log: log,
	})
	if err != nil {
		return nil, err
	}
	registrar := patient.NewRegistrar(c.LinkType, time.Now)
	workers, err := importer.New(importer.Options{
		Ports:  importer.Ports{Queue: s, Fetches: s, Answers: s, Repeats: s, Decisions: s, Registrations: s, Housekeeping: s},
		Intake: in, Resolver: ttp.resolver, Sets: ttp.datasets, Registrar: registrar, Keys: keys,
		Types: c.Types, YearOnly: c.BirthYearOnly, MaxRows: c.MaxRows, Domain: c.TTP.Domain, Workers: c.Workers, Calls: hands(c.TTP.Calls),
		Plan: s.Maintenance, ReportLife: c.ReportLife, Now: time.Now, Log: log, Announce: s.Announce, Listen: s.Listen,
	})
	if err != nil {
		return nil, err
	}
	desk, err := importer.NewDesk(importer.DeskOptions{
		Waiting: s, Imports: s, Conflicts: s, Entries: s, Registrar: registrar, Resolver: ttp.resolver, Sets: ttp.datasets, Keys: keys,
		Wake: workers.Wake, TryNow: ttp.tryNow, Now: time.Now,
	})
	if err != nil {
		return nil, err
	}
	return &pipeline{keys, ttp, in, workers, desk}, nil
}

// hands returns how many chunks to work on at once if the TTP takes so many calls. It is
// more than the calls, so that one chunk is stored while the next is asked for.
func hands(calls int) int { return calls + calls/2 + 1 }

// openKeyring opens the keyring, and refuses one that lacks a key which deliveries under
// way need: it is another file, or its disk is not mounted. It makes a new ring only if
// no delivery needs an old one.
func openKeyring(ctx context.Context, path string, s *store.Store) (*sealing.Keyring, error) {
	inUse, err := s.KeyIDsInUse(ctx)
	if err != nil {
		return nil, err
	}
	lost := func(detail string) error {
		return fmt.Errorf("%s %s, and %d key(s) of it are needed by deliveries under way: put the right file back; "+
			"if it is lost for good, `web keyring give-up` ends those deliveries as failed", path, detail, len(inUse))
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) && len(inUse) > 0 {
		return nil, lost("does not exist")
	}
	keys, err := sealing.OpenKeyring(path, time.Now)
	if err != nil {
		return nil, err
	}
	for _, id := range inUse {
		if !keys.Has(id) {
			return nil, lost("is not the keyring of this database")
		}
	}
	return keys, nil
}

// waking is the intake, and wakes the workers after each upload and each answer about
// columns, so that they start at once.
type waking struct {
	*intake.Intake
	workers *importer.Importer
}

// serve answers requests on ln and works on the queue until ctx ends. Then it waits for
// running requests and steps to finish, and returns.
func (a *app) serve(ctx context.Context, ln net.Listener) error {
	live, stop := context.WithCancel(ctx)
	defer stop()
	// Running requests have a third of shutdownTime to finish by themselves. Those that
	// stay open, such as a progress stream, are ended after it.
	requests, endRequests := context.WithCancel(context.WithoutCancel(ctx))
	defer endRequests()
	web := a.server.HTTPServer()
	web.BaseContext = func(net.Listener) context.Context { return requests }
	var working sync.WaitGroup
	working.Go(func() { a.workers.Run(live) })
	working.Go(func() { a.renewing.Run(live) })
	working.Go(func() { keepHealth(live, a.health, a.store, a.log) })
	working.Go(func() { a.heads.Run(live) })
	working.Go(func() { a.alarms.Run(live) })
	working.Go(func() { a.expiring.run(live) })
	working.Go(func() { a.obeyHangups(live) })
	if a.mail != nil {
		working.Go(func() { a.mail.Run(live) })
	}
	working.Go(func() { a.watchStorage(live) })
	working.Go(func() { a.serveMetrics(live) })
	failed := make(chan error, 1)
	go func() {
		if a.cert != nil {
			ln = a.server.TLSListener(ln, web, a.cert.ForServer)
		} else {
			ln = a.server.Listener(ln)
		}
		failed <- web.Serve(ln)
	}()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer cancel()
		patience := time.AfterFunc(shutdownTime/3, endRequests)
		err = web.Shutdown(grace)
		patience.Stop()
	}
	stop()
	working.Wait()
	a.lastHead(context.WithoutCancel(ctx))
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// lastHead signs what was recorded until the end.
func (a *app) lastHead(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, shutdownTime)
	defer cancel()
	if err := a.heads.Write(ctx); err != nil {
		a.log.ErrorContext(ctx, "no head of the access log written", "file", a.heads.File, "error", err)
	}
}

// Assign assigns the columns of a delivery and wakes the workers.
func (w waking) Assign(
	ctx context.Context, who audit.Who, scope account.Scope, publicID string, a delivery.Assignment, keep bool,
) ([]delivery.Remark, error) {
	wrong, err := w.Intake.Assign(ctx, who, scope, publicID, a, keep)
	if err == nil && len(wrong) == 0 {
		w.workers.Wake()
	}
	return wrong, err
}

// Receive receives an upload and wakes the workers.
func (w waking) Receive(ctx context.Context, up intake.Upload, r io.Reader) (string, error) {
	id, err := w.Intake.Receive(ctx, up, r)
	if err == nil {
		w.workers.Wake()
	}
	return id, err
}
