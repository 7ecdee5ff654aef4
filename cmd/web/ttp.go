package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"time"

	"sluis/internal/config"
	"sluis/internal/server"
	"sluis/internal/store"
	"sluis/internal/ttpclient"
	"sluis/internal/ttpclient/dataset"
	"sluis/internal/ttpclient/prepare"
	"sluis/internal/ttpclient/resolve"
	"sluis/internal/ttphealth"
)

// ttp is our side of the Trusted Third Party: one line, and a client for each thing that a
// credential may do.
type ttp struct {
	line     *ttpclient.Line
	clients  []*ttpclient.Client // in the order of clientNames: the first is the preparing one
	preparer *prepare.Client
	resolver *resolve.Client
	renewer  *resolve.Client
	datasets *dataset.Client
	expiries func() []server.Expiry
}

// clientNames are the clients for whoever watches them.
var clientNames = []string{"prepare", "resolve", "renew", "datasets"}

// openTTP makes the clients. It sends nothing, except that in production it asks the TTP
// whether it is the sandbox.
func openTTP(ctx context.Context, c config.Config, health *ttphealth.Recorder, log *slog.Logger) (*ttp, error) {
	t := c.TTP
	line, err := ttpclient.NewLine(ttpclient.LineOptions{
		AuthURL: t.AuthURL.String(), APIURL: t.APIURL.String(), TLS: ttpRoots(t), CertFile: t.ClientCertFile, KeyFile: t.ClientKeyFile,
		Sandbox: t.Sandbox, Calls: t.Calls, Log: log, Now: time.Now,
	})
	if err != nil {
		return nil, err
	}
	x := &ttp{line: line}
	client := func(who config.Credential, scope string) *ttpclient.Client {
		o := ttpclient.Options{ClientID: who.ID, Secret: who.Secret.Reveal(), Scope: scope, Observe: health.Observe}
		made, newErr := ttpclient.New(line, o)
		err = errors.Join(err, newErr)
		x.clients = append(x.clients, made)
		return made
	}
	preparing := client(t.Prepare, ttpclient.ScopeTemporary)
	resolving := client(t.Resolve, ttpclient.ScopeDefinitive)
	converting := client(t.Resolve, ttpclient.ScopeConvert)
	reading := client(t.Resolve, ttpclient.ScopeDatasets)
	if err != nil {
		return nil, err
	}
	if err := preparing.CheckReal(ctx); err != nil {
		return nil, err
	}
	x.preparer = prepare.New(preparing, t.Domain, c.Types)
	x.resolver, x.renewer = resolve.New(resolving, t.Domain), resolve.New(converting, t.Domain)
	x.datasets = dataset.New(reading, t.Domain)
	x.expiries = func() []server.Expiry {
		list := []server.Expiry{{What: "prepare_secret", At: t.Prepare.Expires}, {What: "resolve_secret", At: t.Resolve.Expires}}
		if t.ClientCertFile != "" {
			at, _ := line.CertificateExpiry()
			list = append(list, server.Expiry{What: "client_certificate", At: at})
		}
		return list
	}
	return x, nil
}

// tryNow lets every client try again at once, although it is waiting.
func (x *ttp) tryNow() {
	for _, c := range x.clients {
		c.TryNow()
	}
}

// setSecrets replaces the secrets of all clients with those of t.
func (x *ttp) setSecrets(t config.TTP) {
	for i, c := range x.clients {
		if i == 0 { // the only client with the preparing credential
			c.SetSecret(t.Prepare.Secret.Reveal())
		} else {
			c.SetSecret(t.Resolve.Secret.Reveal())
		}
	}
}

// ttpRoots returns the authorities that may vouch for the TTP's certificate, or nil for
// the system's.
func ttpRoots(t config.TTP) *tls.Config {
	if t.CAFile == "" {
		return nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	c.RootCAs.AppendCertsFromPEM(t.CA) // config has checked it
	return c
}

// healthEvery is the time between two writes of the TTP's counts.
const healthEvery = 10 * time.Second

// keepHealth stores the counts of the TTP's calls regularly until ctx ends, and once more
// at the end.
func keepHealth(ctx context.Context, r *ttphealth.Recorder, s *store.Store, log *slog.Logger) {
	tick := time.NewTicker(healthEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		bins := r.Take()
		if err := s.RecordTTP(context.WithoutCancel(ctx), bins); err != nil {
			r.GiveBack(bins)
			log.ErrorContext(ctx, "the counts of the TTP's calls could not be stored", "err", err)
		}
		if ctx.Err() != nil {
			return
		}
	}
}
