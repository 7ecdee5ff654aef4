package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"sluis/internal/apperr"
	"sluis/internal/sealing"
	"sluis/internal/server"
	"sluis/internal/store"
	"sluis/internal/ttphealth"
)

// A disk with less free space than these counts as full, and as nearly full. Writing a row
// does not show it: a write-ahead log can take one more row on a full disk.
const (
	diskFull   = 1 << 20
	diskNearly = 100 << 20
)

// readyChecks does the checks of /readyz.
type readyChecks struct {
	store    *store.Store
	keys     *sealing.Keyring
	health   *ttphealth.Recorder
	folder   string // of the keyring
	database string // file of SQLite; "" for SQL Server
}

func (r *readyChecks) run(ctx context.Context) []server.Check {
	return []server.Check{r.checkDatabase(ctx), r.checkDisk(), r.checkSchema(ctx), r.checkKeyring(), r.checkTTP()}
}

func (r *readyChecks) checkDatabase(ctx context.Context) server.Check {
	c := server.Check{Name: "database"}
	switch err := r.store.CheckWrite(ctx); {
	case err == nil:
		c.OK, c.Says = true, "a row was written"
	case apperr.IsStorage(err):
		c.Says = err.Error() // a code, and words of ours
	case errors.Is(err, context.DeadlineExceeded):
		c.Says = "no row could be written within five seconds"
	default:
		c.Says = "no row could be written"
	}
	return c
}

// checkDisk looks at the disk of the keyring, and at that of the database if it is a file.
func (r *readyChecks) checkDisk() server.Check {
	c := server.Check{Name: "disk", OK: true, Says: "there is room"}
	folders := []string{r.folder}
	if r.database != "" {
		folders = append(folders, filepath.Dir(r.database))
	}
	for _, folder := range folders {
		free, known := freeSpace(folder)
		switch {
		case !known:
			c.Says = "its free space is not known"
		case free < diskFull:
			return server.Check{Name: c.Name, Says: "the disk is full"}
		case free < diskNearly:
			c.Says = "less than 100 MB is free"
		}
	}
	return c
}

func (r *readyChecks) checkSchema(ctx context.Context) server.Check {
	c := server.Check{Name: "schema"}
	switch err := r.store.CheckSchema(ctx); {
	case err == nil:
		c.OK, c.Says = true, "as this program knows it"
	case errors.Is(err, store.ErrSchema):
		c.Says = "another one than this program knows"
	default:
		c.Says = "it could not be read"
	}
	return c
}

func (r *readyChecks) checkKeyring() server.Check {
	if err := r.keys.Check(); err != nil {
		return server.Check{Name: "keyring", Says: "it cannot be read, or its newest key cannot be used"}
	}
	return server.Check{Name: "keyring", OK: true, Says: "its newest key can be used"}
}

// checkTTP is always OK, and for information only: deliveries wait for a silent TTP, and
// everything else goes on.
func (r *readyChecks) checkTTP() server.Check {
	c := server.Check{Name: "ttp", OK: true}
	switch last := r.health.LastHeard(); {
	case last.IsZero():
		c.Says = "no answer since the start"
	case time.Since(last) < 15*time.Minute:
		c.Says = "answered in the last quarter of an hour"
	default:
		c.Says = "no answer since " + last.Format(time.RFC3339)
	}
	return c
}

// storageEvery is the time between two tries of a storage that has a fault.
const storageEvery = 10 * time.Second

// watchStorage tries the storage for as long as the log says that it has a fault, so that
// the log also says when the fault is over.
func (a *app) watchStorage(ctx context.Context) {
	if a.faults == nil {
		return
	}
	tick := time.NewTicker(storageEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if a.faults.StorageFault() && a.ready.checkDatabase(ctx).OK && a.ready.checkDisk().OK {
			a.faults.StorageMended(ctx)
		}
	}
}
