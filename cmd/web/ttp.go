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

// ttp is the Trusted Third Party as the parts see it: one line, and a client for
// each thing that a credential may do.
type ttp struct {
	line     *ttpclient.Line
	clients  []*ttpclient.Client // the preparing one first
	preparer *prepare.Client
	resolver *resolve.Client
	renewer  *resolve.Client
	datasets *dataset.Client
	expiries func() []server.Expiry
}

// openTTP makes the clients. Nothing is sent but a question whether the TTP is
// the sandbox, where that is not allowed.
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
		made, newErr := ttpclient.New(
			line,
			ttpclient.Options{ClientID: who.ID, Secret: who.Secret.Reveal(), Scope: scope, Observe: health.Observe},
		)
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

// tryNow lets every client try again, though it was told to wait.
func (x *ttp) tryNow() {
	for _, c := range x.clients {
		c.TryNow()
	}
}

// setSecrets replaces the secrets of all clients by those of t.
func (x *ttp) setSecrets(t config.TTP) {
	for i, c := range x.clients {
		if i == 0 { // the only one of the preparing credential
			c.SetSecret(t.Prepare.Secret.Reveal())
		} else {
			c.SetSecret(t.Resolve.Secret.Reveal())
		}
	}
}

// ttpRoots is whom we trust to be the TTP; nil for the system's authorities.
func ttpRoots(t config.TTP) *tls.Config {
	if t.CAFile == "" {
		return nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	c.RootCAs.AppendCertsFromPEM(t.CA) // config has checked it
	return c
}

// healthEvery is how often what was counted of the TTP is stored.
const healthEvery = 10 * time.Second

// keepHealth stores what was counted until ctx ends, and once more then.
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
			log.ErrorContext(ctx, "the TTP's health is not kept", "err", err)
		}
		if ctx.Err() != nil {
			return
		}
	}
}
