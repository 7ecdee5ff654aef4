package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/gofrs/flock"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/audit/tree"
	"sluis/internal/config"
	"sluis/internal/conversion"
	"sluis/internal/delivery"
	"sluis/internal/importer/oldtable"
	"sluis/internal/store"
	oldstore "sluis/internal/store/oldtable"
	"sluis/internal/ttphealth"
)

// conversionCommands are the steps of the one-time conversion, in their order.
type conversionCommands struct {
	Sample     sampleCommand     `cmd:"" help:"Make an old patient table of made-up people, with a known share of every fault, to rehearse with."`
	Plan       planCommand       `cmd:"" help:"Count what is in the old table, what would fail, and how long it takes. Stores nothing of it."`
	Run        runCommand        `cmd:"" help:"Convert, or rehearse it. May be stopped at any moment and run again."`
	Stop       stopCommand       `cmd:"" help:"End a run that is under way; what is not stored yet is forgotten."`
	Verify     verifyCommand     `cmd:"" help:"Compare the old table with the registry."`
	Except     exceptCommand     `cmd:"" help:"Sign the list of rows that may be lost with the old table."`
	Erase      eraseCommand      `cmd:"" help:"Ask for the erasure of the old table, and do it when two people have approved it."`
	Prove      proveCommand      `cmd:"" help:"Look for names that were left behind, and sign what was found."`
	CheckProof checkProofCommand `cmd:"" name:"check-proof" help:"Check that a proof or an exception was signed by this registry, and not changed since."`
}

// exitAttention is the exit code if nothing failed, but a person must act.
const exitAttention = 3

// attention is an error that ends a command with exitAttention.
type attention struct{ error }

func (a attention) Unwrap() error { return a.error }

func attend(format string, args ...any) error { return attention{fmt.Errorf(format, args...)} }

// conversionFlags are the flags of every step.
type conversionFlags struct {
	As       string  `required:"" placeholder:"EMAIL" help:"Your own account, of a data manager or an administrator: the access log names it."`
	Data     string  `placeholder:"DIR" help:"Folder of a demonstration; without it the environment says all (docs/operations.md)."`
	OldTable string  `name:"source" placeholder:"sqlite:PATH" help:"The old table. An address with a password in it goes into SLUIS_EXISTING_DSN instead."`
	Mapping  string  `placeholder:"FILE" help:"JSON file that says which column is what; without it the last plan's or run's, or the usual columns."`
	Number   *string `placeholder:"COLUMN" xor:"number" help:"Column of the hospital's own patient number."`
	NoNumber bool    `xor:"number" help:"The table has no patient number: the first delivery of each patient will bring it."`
}

// need is all that a step needs besides the registry's database.
type need struct {
	ttp bool
	// mayBeGone says that the step also works after the old table was destroyed.
	mayBeGone bool
	// mapping returns the mapping to use if the operator named none.
	mapping func(ctx context.Context, s conversion.MappingStore) (m conversion.Mapping, ok bool, err error)
}

// toRun returns need.mapping for a step that plans, begins or ends a run of a mode.
func toRun(mode delivery.Mode) func(context.Context, conversion.MappingStore) (conversion.Mapping, bool, error) {
	return func(ctx context.Context, s conversion.MappingStore) (conversion.Mapping, bool, error) {
		return conversion.NextMapping(ctx, s, mode)
	}
}

// session is one command at work.
type session struct {
	console
	flags   conversionFlags
	cfg     config.Config
	log     *slog.Logger
	store   *store.Store
	table   *oldstore.Table // nil if it was destroyed
	mapping conversion.Mapping
	who     audit.Who
	pipe    *pipeline // nil for steps that need no TTP
	conv    *oldtable.Conversion
	key     ed25519.PrivateKey
	// auditKey seals what is recorded in the access log.
	auditKey *tree.Key
	closers  []func()
}

func (s *session) close() {
	for _, c := range slices.Backward(s.closers) {
		c()
	}
}

// say writes a line for the operator.
func (s *session) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// command returns the whole command line of a step, so that the operator can copy it. The
// mapping is not in it, because the database remembers that.
func (s *session) command(step string, args ...string) string {
	line := []string{"web", "existing", step, "--as", s.flags.As}
	if s.flags.Data != "" {
		line = append(line, "--data", s.flags.Data)
	}
	if s.flags.OldTable != "" {
		line = append(line, "--source", s.flags.OldTable)
	}
	return shellLine(append(line, args...))
}

// shellLine joins the words of a command, and quotes those that a POSIX shell would not
// read as one word.
func shellLine(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		if out[i] = w; w == "" || strings.ContainsFunc(w, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("@%+=:,./_-", r)
		}) {
			out[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}

// open returns a session with the registry's database and what else the step needs.
func (f conversionFlags) open(ctx context.Context, c console, n need) (*session, error) {
	s := &session{console: c, flags: f, log: slog.New(slog.NewTextHandler(c.err, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	err := f.configure(ctx, s)
	if err == nil {
		err = f.openStore(ctx, s)
	}
	if err == nil {
		err = f.openTable(ctx, s, n)
	}
	if err == nil && n.ttp {
		s.pipe, err = openPipeline(ctx, s.cfg, s.store, ttphealth.NewRecorder(time.Now), s.log)
	}
	if err == nil {
		s.key, err = conversion.SigningKey(conversion.KeyFile(s.cfg.KeyringFile))
	}
	if err == nil && s.table != nil {
		err = s.convert()
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// configure reads the settings from the environment or, with --data, from the folder of a
// demonstration. For a demonstration it starts the TTP's sandbox in this process too.
func (f conversionFlags) configure(ctx context.Context, s *session) (err error) {
	if f.Data == "" {
		s.cfg, err = config.Load(s.env)
		return err
	}
	if err := hasSandbox(f.Data); err != nil {
		return err
	}
	var keys demoKeys
	missing := false
	if err := remember(filepath.Join(f.Data, "demo-keys.json"), &keys, func() { missing = true }); err != nil || missing {
		return errors.Join(err, fmt.Errorf("there is no demonstration in %s", f.Data))
	}
	box, err := newSandbox(f.Data, keys.TTPPrepare, keys.TTPResolve, "", slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	ttp, err := startSandbox(ctx, box)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, func() { _ = ttp.Close() })
	s.cfg = demoCommand{Data: f.Data}.config(keys, &url.URL{Scheme: "http", Host: "127.0.0.1"}, ttp.Addr)
	s.cfg.Database = config.NewSecret("sqlite:" + filepath.Join(f.Data, "sluis.db"))
	if env, ok := config.Lookup(s.env, "SLUIS_EXISTING_DSN"); ok {
		s.cfg.OldTable = config.NewSecret(env)
	}
	return nil
}

// openStore opens the registry's database and finds the account that --as names. It asks
// for no password: whoever can run the command has the registry's keys already, so that a
// password would prove nothing. What cannot be undone needs two people on the console.
func (f conversionFlags) openStore(ctx context.Context, s *session) error {
	var err error
	if s.auditKey, err = tree.OpenKey(tree.KeyFile(s.cfg.KeyringFile)); err != nil {
		return err
	}
	s.store, err = store.Open(ctx, s.cfg.Database.Reveal(), store.Options{Now: time.Now, Log: s.log, Beside: true, AuditKey: s.auditKey})
	if err != nil {
		return err
	}
	s.closers = append(s.closers, func() { _ = s.store.Close() })
	u, err := s.store.UserByEmail(ctx, f.As)
	if apperr.KindOf(err) == apperr.NotFound || err == nil && (!u.DisabledAt.IsZero() || !account.ActorOf(u).May(account.RunConversion)) {
		return fmt.Errorf("--as %s: there is no data manager or administrator with this address", f.As)
	} else if err != nil {
		return err
	}
	s.who = account.ActorOf(u).Who()
	s.who.Via, s.who.Address = "cli", "os:"+osUser()
	return nil
}

func osUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// openTable finds the mapping and opens the old table.
func (f conversionFlags) openTable(ctx context.Context, s *session, n need) error {
	where := s.cfg.OldTable.Reveal()
	if f.OldTable != "" {
		if !strings.HasPrefix(f.OldTable, "sqlite:") {
			return errors.New("--source takes only sqlite:PATH, because everybody on this machine can read it: " +
				"put another address in SLUIS_EXISTING_DSN")
		}
		where = f.OldTable
	}
	if where == "" {
		return errors.New("which table? Set SLUIS_EXISTING_DSN (or a file by SLUIS_EXISTING_DSN_FILE), or give --source sqlite:PATH")
	}
	s.cfg.OldTable = config.NewSecret(where)
	var err error
	if s.mapping, err = f.readMapping(ctx, s, n); err != nil {
		return err
	}
	if n.mayBeGone {
		s.table, err = oldstore.Reopen(where, s.mapping)
		if path, isFile := strings.CutPrefix(where, "sqlite:"); isFile && err != nil {
			if _, statErr := os.Stat(path); errors.Is(statErr, os.ErrNotExist) {
				return nil
			}
		}
	} else {
		s.table, err = oldstore.Open(ctx, where, s.mapping)
	}
	if err == nil {
		s.closers = append(s.closers, func() { _ = s.table.Close() })
	}
	return err
}

// readMapping returns the mapping that the operator names, or else the one that the
// database remembers, or else the usual columns. --number and --no-number change only its
// column of the patient number.
func (f conversionFlags) readMapping(ctx context.Context, s *session, n need) (conversion.Mapping, error) {
	m := conversion.DefaultMapping()
	if f.Mapping != "" {
		file, err := os.Open(f.Mapping)
		if err != nil {
			return m, err
		}
		defer file.Close()
		if m, err = conversion.ReadMapping(file); err != nil {
			return m, err
		}
	} else if remembered, ok, err := n.mapping(ctx, s.store); err != nil {
		return m, err
	} else if ok {
		m = remembered
	}
	none := ""
	switch {
	case f.Number != nil:
		m.Number = f.Number
	case f.NoNumber:
		m.Number = &none
	}
	return m, m.Check()
}

// convert makes the conversion of the open table.
func (s *session) convert() (err error) {
	o := oldtable.Options{
		Table: s.table, Mapping: s.mapping, Store: s.store, Who: s.who, Address: s.who.Address,
		ChunkRows: s.cfg.TTP.Rows, Calls: s.cfg.TTP.Calls, Now: time.Now, Log: s.log, Say: s.say,
	}
	if s.pipe != nil {
		o.Intake, o.Keys, o.Other = s.pipe.intake, s.pipe.keys, s.pipe.workers
	}
	s.conv, err = oldtable.New(o)
	return err
}

// lockDatabase keeps a second run off this database: at its start a run frees the claims
// that a killed one left behind, and would free those of a run at work as well. served
// reports whether the service is at work on the database too.
func (s *session) lockDatabase(ctx context.Context) (served bool, err error) {
	path, isFile := strings.CutPrefix(s.cfg.Database.Reveal(), "sqlite:")
	if !isFile {
		return false, nil // SQL Server: leases and fences keep two runs apart
	}
	lock := flock.New(path + ".existing.lock")
	got, err := lock.TryLock()
	if err != nil {
		return false, err
	}
	if !got {
		return false, errors.New("another `web existing run` is at work on this database")
	}
	s.closers = append(s.closers, func() { _ = lock.Close() })
	whole, err := store.OpenSQLite(ctx, path, store.Options{Now: time.Now, Log: s.log, AuditKey: s.auditKey})
	if errors.Is(err, store.ErrInUse) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return false, whole.Close()
}

// newFile makes a file that only this user can read, and returns its path. It never
// overwrites a file: if the name is taken, it adds a few random letters.
func newFile(folder, name string, content []byte) (string, error) {
	path := filepath.Join(folder, name)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		path = filepath.Join(folder, strings.TrimSuffix(name, filepath.Ext(name))+"-"+strings.ToLower(rand.Text()[:6])+filepath.Ext(name))
		f, err = os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	}
	if err != nil {
		return path, err
	}
	_, err = f.Write(content)
	return path, errors.Join(err, f.Close())
}
