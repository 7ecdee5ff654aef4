package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit/tree"
	"sluis/internal/certificate"
	"sluis/internal/config"
	"sluis/internal/conversion"
	"sluis/internal/filemode"
	"sluis/internal/store"
)

// doctorCommand examines the machine and everything around the service. It changes
// nothing, and may run while the service runs.
type doctorCommand struct {
	JSON bool `help:"Print the lines as JSON."`
}

// Run examines everything that it can reach, so that one look shows all that is wrong.
func (d doctorCommand) Run(ctx context.Context, c console) error {
	l := &checklist{}
	b := thisBuild()
	l.ok("program", "version %s, commit %s, %s, %s/%s", b.Version, b.Commit, b.Go, runtime.GOOS, runtime.GOARCH)
	cfg, err := config.Load(c.env)
	if faults, ok := errors.AsType[config.Faults](err); ok {
		for _, f := range faults {
			l.fault("configuration", f, "mend the setting (docs/operations.md lists them)")
		}
	} else if err != nil {
		return err
	}
	checkSwap(l)
	if err == nil {
		l.ok("configuration", "no faults")
		p := patientDoctor{c: c, cfg: cfg, list: l}
		p.examine(ctx)
	}
	return l.finish(c, d.JSON)
}

// patientDoctor goes from check to check of one valid configuration.
type patientDoctor struct {
	c    console
	cfg  config.Config
	list *checklist
}

func (p patientDoctor) examine(ctx context.Context) {
	p.files()
	p.disks()
	p.certificates(time.Now())
	p.database(ctx)
	p.ttp(ctx)
}

// files looks at who can read the files with secrets, and the folders that they are in.
func (p patientDoctor) files() {
	if runtime.GOOS == "windows" {
		p.list.care("file modes", "not known on Windows", "give the folders of keyring and database to the service's account only (icacls)")
		return
	}
	wrong := false
	ring := p.cfg.KeyringFile
	for _, file := range []string{ring, conversion.KeyFile(ring), tree.KeyFile(ring), p.cfg.DatabaseFile()} {
		if file == "" {
			continue
		}
		if err := filemode.CheckOwner(file); err != nil {
			wrong = true
			p.list.fault("file modes", err.Error(), "chmod 600 "+file)
		}
	}
	for _, f := range foldersOf(p.cfg) {
		info, err := os.Stat(f.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			p.list.care("file modes", "the folder "+f.path+" does not exist yet", "make it for this user, mode 0700")
		case err != nil:
			wrong = true
			p.list.fault("file modes", "the folder "+f.path+" cannot be looked at", "run web doctor as the service's own user")
		case info.Mode().Perm()&0o077 != 0:
			wrong = true
			p.list.care("file modes", fmt.Sprintf("others can look into %s (mode %04o)", f.path, info.Mode().Perm()), "chmod 700 "+f.path)
		}
	}
	if file := p.cfg.DatabaseFile(); file != "" && sameFolder(file, ring) {
		p.list.care("keyring", "it is in the folder of the database: one backup of both can read what is sealed",
			"move it to a folder of its own and set SLUIS_KEYRING_FILE")
	}
	if !wrong {
		p.list.ok("file modes", "keys and database are for their owner only")
	}
}

func (p patientDoctor) disks() {
	for _, f := range foldersOf(p.cfg) {
		free, known := freeSpace(f.path)
		says := fmt.Sprintf("%s: %.1f GB free in %s", f.holds, float64(free)/1e9, f.path)
		switch {
		case !known:
			p.list.care("disk", f.holds+": free space is not known", "look yourself at the disk of "+f.path)
		case free < diskNearly:
			p.list.fault("disk", says, "make room; nothing needs a restart")
		case free < 10*diskNearly:
			p.list.care("disk", says, "make room soon")
		default:
			p.list.ok("disk", "%s", says)
		}
	}
}

// ending adds a line about something that ends.
func (p patientDoctor) ending(what string, at, now time.Time, do string) {
	days := int(at.Sub(now).Hours() / 24)
	switch {
	case at.IsZero():
		p.list.care(what, "nobody told when it ends", "set SLUIS_TTP_…_SECRET_EXPIRES to the day that the TTP gave")
	case at.Before(now):
		p.list.fault(what, "ended at "+at.Format(time.RFC3339), do)
	case days < 30:
		p.list.care(what, fmt.Sprintf("ends in %d days, at %s", days, at.Format(time.RFC3339)), do)
	default:
		p.list.ok(what, "until %s", at.Format(time.DateOnly))
	}
}

func (p patientDoctor) certificates(now time.Time) {
	const renew = "put the new one in place and send SIGHUP (docs/rotation.md)"
	pair := func(what, cert, key string) {
		if cert == "" {
			return
		}
		got, err := certificate.Read(cert, key)
		if err != nil {
			p.list.fault(what, "cannot be read", renew)
			return
		}
		p.ending(what, got.Leaf.NotAfter, now, renew)
	}
	pair("server certificate", p.cfg.TLSCertFile, p.cfg.TLSKeyFile)
	pair("TTP client certificate", p.cfg.TTP.ClientCertFile, p.cfg.TTP.ClientKeyFile)
	p.ending("TTP secret, prepare", p.cfg.TTP.Prepare.Expires, now, "ask the TTP for a new one")
	p.ending("TTP secret, resolve", p.cfg.TTP.Resolve.Expires, now, "ask the TTP for a new one")
	if end, ok := firstEnd(p.cfg.TTP.CA); ok {
		p.ending("TTP authority", end, now, "ask the TTP for its new authority, set SLUIS_TTP_CA_FILE, and restart")
	}
}

// firstEnd returns when the first of some certificates ends.
func firstEnd(raw []byte) (end time.Time, ok bool) {
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err == nil && (!ok || cert.NotAfter.Before(end)) {
			end, ok = cert.NotAfter, true
		}
	}
	return end, ok
}

// database looks into the database, and at what must fit it: keyring, key and heads of the
// access log.
func (p patientDoctor) database(ctx context.Context) {
	l := p.list
	if file := p.cfg.DatabaseFile(); file != "" {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			l.care("database", "there is none yet at "+file, "web migrate makes it, and so does the first start")
			return
		}
		if err := store.CheckFree(file); errors.Is(err, store.ErrInUse) {
			l.ok("service", "it is running")
		} else {
			l.care("service", "it is not running", "start it: systemctl start sluis, or web serve")
		}
	}
	key, err := openIfThere(tree.KeyFile(p.cfg.KeyringFile))
	if err != nil {
		l.fault("access log", err.Error(), "put audit-key back from its backup")
		return
	}
	s, err := store.Open(ctx, p.cfg.Database.Reveal(), store.Options{
		Now: time.Now, Log: slog.New(slog.DiscardHandler), Beside: true, AuditKey: key,
	})
	switch {
	case errors.Is(err, store.ErrAuditKey):
		l.fault("access log", "its key is missing: "+tree.KeyFile(p.cfg.KeyringFile),
			"put audit-key back from its backup; without it nothing starts")
		return
	case err != nil:
		l.fault("database", err.Error(), "is it there, is this user allowed, is the program the right version?")
		return
	}
	defer func() { _ = s.Close() }()
	l.ok("database", "%s, schema as this program knows it", p.cfg.DatabaseName())
	p.settings(ctx, s)
	p.clock(ctx, s)
	p.keyring(ctx, s)
	p.accessLog(ctx, s, key)
	p.queue(ctx, s)
}

// openIfThere opens the key of the access log, without making one.
func openIfThere(path string) (*tree.Key, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // no key is an answer
	}
	return tree.OpenKey(path)
}

func (p patientDoctor) settings(ctx context.Context, s *store.Store) {
	settings, err := s.Settings(ctx)
	if err != nil {
		p.list.fault("database settings", err.Error(), "may this login read them?")
		return
	}
	for _, x := range settings {
		if x.OK {
			p.list.ok("database settings", "%s", x.Says)
		} else {
			p.list.fault("database settings", x.Says, x.Do)
		}
	}
}

// skewCare and skewFault are how far clocks may be apart.
const (
	skewCare  = 5 * time.Second
	skewFault = time.Minute
)

func (p patientDoctor) skew(what string, theirs, sent, got time.Time) {
	// What they say is between the moments of our question and of its answer.
	apart := time.Duration(0)
	switch {
	case theirs.Before(sent):
		apart = sent.Sub(theirs)
	case theirs.After(got):
		apart = theirs.Sub(got)
	}
	says := fmt.Sprintf("%v from the clock of %s", apart.Round(time.Second), what)
	const do = "let both machines keep time by NTP (timedatectl, chronyc tracking)"
	switch {
	case apart >= skewFault:
		p.list.fault("clock", says, do)
	case apart >= skewCare:
		p.list.care("clock", says, do)
	default:
		p.list.ok("clock", "%s", says)
	}
}

func (p patientDoctor) clock(ctx context.Context, s *store.Store) {
	sent := time.Now()
	at, own, err := s.ServerClock(ctx)
	switch {
	case err != nil:
		p.list.fault("clock", "the database does not say what time it is", "is the database healthy?")
	case own:
		p.skew("the database", at, sent, time.Now())
	}
}

func (p patientDoctor) keyring(ctx context.Context, s *store.Store) {
	if _, err := os.Stat(p.cfg.KeyringFile); errors.Is(err, fs.ErrNotExist) {
		used, err := s.KeyIDsInUse(ctx)
		if err == nil && len(used) == 0 {
			p.list.care("keyring", "there is none yet", "the first start makes it")
			return
		}
	}
	if _, err := openKeyring(ctx, p.cfg.KeyringFile, s); err != nil {
		p.list.fault("keyring", err.Error(), "docs/restore.md says what a lost keyring means")
		return
	}
	p.list.ok("keyring", "it has every key that deliveries under way need")
}

func (p patientDoctor) accessLog(ctx context.Context, s *store.Store, key *tree.Key) {
	if key == nil {
		p.list.care("access log", "it has no key yet", "the first start makes it, next to the keyring")
		return
	}
	if p.cfg.AuditHeadsDir == "" {
		p.list.care("access log", "its heads are next to the keyring, where whoever has the keys can change them",
			"set SLUIS_AUDIT_HEADS_DIR to a folder elsewhere")
	}
	k := tree.Keeper{Tree: s, Key: key, File: tree.HeadsFile(p.cfg.AuditHeads()), Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	size, err := k.Check(ctx)
	if err != nil {
		p.list.fault("access log", err.Error(), "run web audit verify and keep its answer (docs/operations.md, The access log)")
		return
	}
	head, at := k.Last()
	if at.IsZero() {
		p.list.care("access log", fmt.Sprintf("%d records, and no head in %s", size, filepath.Dir(k.File)),
			"the running service signs one every minute")
		return
	}
	p.list.ok("access log", "%d records; the last head is over %d of them, of %s", size, head, at.Format(time.RFC3339))
}

// queue says what waits, for whoever was woken because of it.
func (p patientDoctor) queue(ctx context.Context, s *store.Store) {
	f, err := s.Figures(ctx)
	if err != nil {
		p.list.fault("queue", "it cannot be read", "GET /readyz says which check fails")
		return
	}
	b, err := s.Backlog(ctx, account.AllCentres())
	switch {
	case err != nil:
		p.list.fault("queue", "it cannot be read", "GET /readyz says which check fails")
		return
	case b.Denied > 0:
		p.list.fault("queue", fmt.Sprintf("%d deliveries wait because the TTP refuses our credential", b.Denied),
			"check the client, its secret and the certificate")
	case b.Paused > 0:
		p.list.care("queue", fmt.Sprintf("%d deliveries wait for a TTP that does not answer", b.Paused),
			"they go on by themselves; see /status/ttp")
	}
	if b.Expiring > 0 {
		p.list.fault("queue", fmt.Sprintf("temporary pseudonyms of %d rows end within 48 hours, the first at %s", b.Expiring,
			b.ExpiresAt.Format(time.RFC3339)), "press the TTP; rows that expire must be delivered again")
	}
	if f.OldestAt.IsZero() {
		p.list.ok("queue", "nothing is under way")
		return
	}
	p.list.ok("queue", "the oldest delivery under way is of %s", f.OldestAt.Format(time.RFC3339))
}
