package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/audit/tree"
	"sluis/internal/config"
	"sluis/internal/delivery"
	"sluis/internal/metrics"
	"sluis/internal/store"
)

// newMetrics returns the metrics of a. It is called before the parts that it asks are
// there; nobody asks for figures until all of them are.
func (a *app) newMetrics(c config.Config) *metrics.Metrics {
	b := thisBuild()
	return metrics.New(metrics.Build{Version: b.Version, Commit: b.Commit, Go: b.Go}, metrics.Sources{
		Figures: a.store.Figures,
		Backlog: func(ctx context.Context) (delivery.Backlog, error) { return a.store.Backlog(ctx, account.AllCentres()) },
		Maintenance: func(ctx context.Context) (bool, error) {
			plan, err := a.store.Maintenance(ctx)
			return plan.Going(time.Now()), err
		},
		Alarms: a.store.OpenAlarms,
		Trees:  a.trees, Breakers: a.breakers, Ends: a.ends,
		Pool: func() metrics.Pool { return metrics.Pool(a.store.Pool()) },
		Disks: func() []metrics.Disk {
			var out []metrics.Disk
			for _, f := range foldersOf(c) {
				if free, known := freeSpace(f.path); known {
					out = append(out, metrics.Disk{Holds: f.holds, Free: free})
				}
			}
			return out
		},
		Files: func() (int64, int64, bool) {
			file := c.DatabaseFile()
			return sizeOf(file), sizeOf(file + "-wal"), file != ""
		},
	}, time.Now, a.log)
}

// folder is one in which the service writes.
type folder struct{ holds, path string }

// foldersOf returns the folders in which the service writes.
func foldersOf(c config.Config) []folder {
	out := []folder{{"keyring", filepath.Dir(c.KeyringFile)}, {"heads", c.AuditHeads()}}
	if file := c.DatabaseFile(); file != "" {
		out = append([]folder{{"database", filepath.Dir(file)}}, out...)
	}
	return out
}

// sizeOf returns the size of a file; 0 if there is none.
func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

func (a *app) trees(ctx context.Context) (metrics.Trees, error) {
	e, err := a.store.Extent(ctx)
	if err != nil {
		return metrics.Trees{}, err
	}
	placed, _ := tree.Size(e.Hashes)
	head, at := a.heads.Last()
	return metrics.Trees{Records: e.Last, Placed: placed, Head: head, HeadAt: at}, nil
}

func (a *app) breakers() []metrics.Breaker {
	out := make([]metrics.Breaker, len(a.ttp.clients))
	for i, c := range a.ttp.clients {
		down, denied := c.Silenced()
		out[i] = metrics.Breaker{Client: clientNames[i], Silent: down, Denied: denied}
	}
	return out
}

func (a *app) ends() []metrics.End {
	var out []metrics.End
	for _, e := range a.ttp.expiries() {
		out = append(out, metrics.End{What: e.What, At: e.At})
	}
	if a.cert != nil {
		out = append(out, metrics.End{What: "server_certificate", At: a.cert.Ends()})
	}
	return out
}

// serveMetrics answers the monitor until ctx ends. If its address cannot be listened on,
// the service goes on without it and says so.
func (a *app) serveMetrics(ctx context.Context) {
	if a.metrics == nil {
		return
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.metricsAddr)
	if err == nil {
		a.log.InfoContext(ctx, "figures for a monitor", "address", ln.Addr().String())
		err = a.metrics.Serve(ctx, ln)
	}
	if err != nil {
		a.log.ErrorContext(ctx, "no figures for a monitor", "address", a.metricsAddr, "err", err)
	}
}

// countedSessions counts who signs in.
type countedSessions struct {
	*store.Store
	metrics *metrics.Metrics
}

// SignIn stores the session and counts it.
func (c countedSessions) SignIn(ctx context.Context, x account.Session, ev audit.Event) error {
	err := c.Store.SignIn(ctx, x, ev)
	if err == nil && !x.Half {
		c.metrics.SignedIn()
	}
	return err
}
