package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"sluis/internal/audit/tree"
	"sluis/internal/config"
	"sluis/internal/conversion"
	"sluis/internal/filemode"
	"sluis/internal/sealing"
	"sluis/internal/store"
)

// startable returns a check of what the service needs from this machine: an address, and
// folders that it can write in. Its faults come in the same list as those of the settings.
func startable(ctx context.Context) config.Check {
	return func(c config.Config, faults *config.Faults) {
		checkAddress(ctx, "SLUIS_ADDR", c.Addr, faults)
		checkAddress(ctx, "SLUIS_METRICS_ADDR", c.MetricsAddr, faults)
		if file := c.DatabaseFile(); file != "" {
			if checkFolder("SLUIS_DATABASE", "the database", file, faults) {
				if err := store.CheckFree(file); err != nil {
					faults.Add("SLUIS_DATABASE", "cannot be opened: %s", err)
				}
			}
		}
		if c.AuditHeadsDir != "" {
			checkFolder("SLUIS_AUDIT_HEADS_DIR", "the file of heads", filepath.Join(c.AuditHeadsDir, "heads"), faults)
		}
		if c.KeyringFile == "" {
			return
		}
		checkFolder("SLUIS_KEYRING_FILE", "the keyring", c.KeyringFile, faults)
		for _, file := range []string{
			c.KeyringFile, conversion.KeyFile(c.KeyringFile), tree.KeyFile(c.KeyringFile), sealing.FactorKeys(c.KeyringFile),
		} {
			if err := filemode.CheckOwner(file); err != nil {
				faults.Add("SLUIS_KEYRING_FILE", "is refused: %s", err)
			}
		}
	}
}

// checkAddress listens on the address for a moment. It passes over an address that cannot
// be read, because package config has reported that.
func checkAddress(ctx context.Context, setting, address string, faults *config.Faults) {
	if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
		return
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err == nil {
		_ = ln.Close()
		return
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		faults.Add(setting, "%s is in use by another program; stop that one, or choose another port", address)
	case errors.Is(err, os.ErrPermission):
		faults.Add(setting, "%s may not be listened on by this user (permission denied); choose a port from 1024", address)
	default:
		faults.Add(setting, "%s cannot be listened on: %s", address, err)
	}
}

// checkFolder reports whether files can be made in the folder of a file: others come next
// to it, such as a write-ahead log.
func checkFolder(setting, what, file string, faults *config.Faults) bool {
	folder := filepath.Dir(file)
	f, err := os.CreateTemp(folder, ".sluis-start-*")
	if err == nil {
		err = errors.Join(f.Close(), os.Remove(f.Name()))
	}
	switch {
	case err == nil:
		return true
	case errors.Is(err, os.ErrNotExist):
		faults.Add(setting, "is in a folder that does not exist: %s; make it, with mode 0700, for this user", folder)
	case errors.Is(err, os.ErrPermission):
		faults.Add(setting, "is in a folder in which this user may not make files: %s; %s needs that", folder, what)
	default:
		faults.Add(setting, "is in a folder in which no file can be made: %s", err)
	}
	return false
}
