package main

import (
	"context"
	"errors"
	"maps"
	"slices"

	"sluis/internal/config"
)

// obeyHangups reloads the configuration at each signal, until ctx ends.
func (a *app) obeyHangups(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.hangups:
			a.reload(ctx)
		}
	}
}

// reloader reads a configuration again, and takes over the settings that can change while
// the service runs.
type reloader struct {
	env []string
	cfg config.Config // the settings in use
	app *app
}

// reload takes over the settings of a configuration without faults. If there is a fault,
// all old values stay in use. It logs the names of settings, never a value.
func (r *reloader) reload(ctx context.Context) {
	log := r.app.log
	next, err := config.Load(r.env)
	if err != nil {
		log.ErrorContext(ctx, "the new configuration has faults; the old one stays in use", faultsOf(err)...)
		return
	}
	changed, restart := r.reloadCertificates(ctx), []string{}
	for _, c := range config.Changes(r.cfg, next) {
		if c.Restart {
			restart = append(restart, c.Name)
		} else {
			changed = append(changed, c.Name)
		}
	}
	r.app.server.SetSessionKeys(sessionKeys(next))
	r.app.intake.SetMACKey([]byte(next.FileMACKey.Reveal()))
	r.app.ttp.setSecrets(next.TTP)
	r.cfg.SessionKeys, r.cfg.FileMACKey, r.cfg.TTP.Prepare, r.cfg.TTP.Resolve = next.SessionKeys, next.FileMACKey, next.TTP.Prepare,
		next.TTP.Resolve
	if other, err := r.app.store.AuditKey().Reload(); err != nil {
		log.ErrorContext(ctx, "the key of the access log was not read again; the old one stays in use", "err", err)
	} else if other {
		changed = append(changed, "audit-key")
	}
	if len(restart) > 0 {
		log.WarnContext(ctx, "these settings have changed and need a restart", "settings", restart)
	}
	log.InfoContext(ctx, "the configuration was read again", "changed", changed)
}

// reloadCertificates reads both certificates again, and returns the names of the settings
// of those that were replaced. It may fail although the configuration was checked: the
// files may have changed since.
func (r *reloader) reloadCertificates(ctx context.Context) []string {
	pairs := map[string]func() (bool, error){"SLUIS_TTP_CLIENT_CERT_FILE": r.app.ttp.line.ReloadCertificate}
	if r.app.cert != nil {
		pairs["SLUIS_TLS_CERT_FILE"] = r.app.cert.Reload
	}
	replaced := []string{}
	for _, setting := range slices.Sorted(maps.Keys(pairs)) {
		changed, err := pairs[setting]()
		if err != nil {
			r.app.log.ErrorContext(ctx, "a certificate was not read again; the old one stays in use", "setting", setting, "err", err)
		} else if changed {
			replaced = append(replaced, setting)
		}
	}
	return replaced
}

// faultsOf returns an error as attributes of a log line. The faults of a configuration
// become a list.
func faultsOf(err error) []any {
	if faults, ok := errors.AsType[config.Faults](err); ok {
		return []any{"faults", []string(faults)}
	}
	return []any{"err", err.Error()}
}
