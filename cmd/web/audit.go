package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"sluis/internal/audit"
	"sluis/internal/audit/tree"
	"sluis/internal/config"
	"sluis/internal/store"
)

// auditKey returns the key of the access log, which is next to the keyring. It returns nil
// if the environment names no keyring; then the store refuses a log that is sealed.
func auditKey(env []string) (*tree.Key, error) {
	ring, ok := config.Lookup(env, "SLUIS_KEYRING_FILE")
	if !ok || ring == "" {
		return nil, nil //nolint:nilnil // no key is an answer
	}
	return tree.OpenKey(tree.KeyFile(ring))
}

// auditCommands are about the access log as a whole.
type auditCommands struct {
	Expire expireLogCommand    `cmd:"" help:"Delete records of the access log that are old enough. Their hashes are kept, so that the rest is still verified."`
	Rotate rotateLogKeyCommand `cmd:"" help:"Make a new key for the access log, above the old one; the service uses it after SIGHUP."`
	Verify verifyLogCommand    `cmd:"" help:"Verify that no record of the access log was changed, removed, moved or added; names the first that was."`
}

// verifyLogCommand compares the access log with its tree, its seals and its heads.
type verifyLogCommand struct {
	Heads []string `help:"A file of heads, such as the copy that left this machine; may be given more than once. Without it: the files in the folder for heads." placeholder:"FILE"`
	Key   string   `help:"Verify with this public key (audit-key.pub) only. The seals are not verified then, and nothing is recorded." placeholder:"FILE"`
}

// Run verifies, and records that it did.
func (v verifyLogCommand) Run(ctx context.Context, c console) error {
	where, err := config.LoadDatabase(c.env)
	if err != nil {
		return err
	}
	key, err := auditKey(c.env)
	if v.Key != "" {
		key, err = tree.OpenPublicKey(v.Key)
	}
	if err != nil {
		return err
	}
	if key == nil {
		return errors.New("set SLUIS_KEYRING_FILE as the service does, for the key next to it, or give --key with the public key")
	}
	s, err := store.Open(ctx, where.Reveal(), store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler), Beside: true, AuditKey: key})
	if err != nil {
		return err
	}
	return errors.Join(v.verify(ctx, c, s, key), s.Close())
}

func (v verifyLogCommand) verify(ctx context.Context, c console, s *store.Store, key *tree.Key) error {
	names, err := v.files(c.env)
	if err != nil {
		return err
	}
	var heads []*tree.Heads
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("open the heads: %w", err)
		}
		defer func() { _ = f.Close() }()
		heads = append(heads, tree.ReadHeads(name, f, key))
	}
	res, err := tree.Verify(ctx, s, key, heads...)
	if err != nil {
		return err
	}
	printResult(c, res, names)
	if v.Key == "" {
		ev := audit.Event{Type: audit.LogVerified, Action: audit.Read, Who: byCommand, ObjectType: "log"}
		if res.Bad != nil {
			ev.Result, ev.Code = audit.SeriousFailure, "log_changed"
		}
		if err := s.Record(ctx, ev); err != nil {
			return err
		}
	}
	if res.Bad != nil {
		return attend("the access log is not what was recorded: %s", res.Bad)
	}
	fmt.Fprintln(c.out, "the access log is whole")
	return nil
}

// files returns the files of heads: those that were named, or all in the folder for them.
func (v verifyLogCommand) files(env []string) ([]string, error) {
	if len(v.Heads) > 0 {
		return v.Heads, nil
	}
	folder, ok := config.Lookup(env, "SLUIS_AUDIT_HEADS_DIR")
	if !ok || folder == "" {
		ring, _ := config.Lookup(env, "SLUIS_KEYRING_FILE")
		if ring == "" {
			return nil, nil
		}
		folder = config.DefaultHeads(ring)
	}
	return filepath.Glob(filepath.Join(folder, "heads-*.txt"))
}

func printResult(c console, res tree.Result, names []string) {
	fmt.Fprintf(c.out, "records: %d verified", res.Records)
	if res.Expired > 0 {
		fmt.Fprintf(c.out, ", of which the retention deleted the first %d (their hashes are left)", res.Expired)
	}
	fmt.Fprintln(c.out)
	switch {
	case !res.Sealed:
		fmt.Fprintln(c.out, "seals: not verified, without the key")
	case res.Unsealed > 0:
		fmt.Fprintf(c.out, "seals: none on the first %d records, from before there was a key\n", res.Unsealed)
	default:
		fmt.Fprintln(c.out, "seals: every record")
	}
	if len(names) == 0 {
		fmt.Fprintln(c.out, "heads: none; without them a rewrite by somebody with the key, or an older copy put back, is not found")
		return
	}
	fmt.Fprintf(c.out, "heads: %d agree, in %d file(s)", res.Heads, len(names))
	if !res.LastHead.IsZero() {
		fmt.Fprintf(c.out, ", the last of %s", res.LastHead.UTC().Format(time.RFC3339))
	}
	fmt.Fprintln(c.out)
}

// warnOfHeads says at start if the heads of the access log do not leave the reach of who
// could change the log.
func warnOfHeads(ctx context.Context, c config.Config, log *slog.Logger) {
	if c.AuditHeadsDir == "" {
		log.WarnContext(ctx, "SLUIS_AUDIT_HEADS_DIR is not set: heads of the access log are written next to the keyring, "+
			"where whoever has the keys can change them too", "folder", c.AuditHeads())
		return
	}
	if file := c.DatabaseFile(); file != "" && filepath.Clean(filepath.Dir(file)) == filepath.Clean(c.AuditHeadsDir) {
		log.WarnContext(ctx, "SLUIS_AUDIT_HEADS_DIR is the folder of the database: whoever can change the log can change its heads too",
			"folder", c.AuditHeadsDir)
	}
}

// rotateLogKeyCommand makes a new key for the access log.
type rotateLogKeyCommand struct {
	Keyring string `required:"" env:"SLUIS_KEYRING_FILE" help:"The keyring file of the service: audit-key is next to it."`
}

// Run makes it. The old one stays below it, to verify what it sealed.
func (r rotateLogKeyCommand) Run(c console) error {
	path := tree.KeyFile(r.Keyring)
	if err := tree.Rotate(path); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "a new key is above the old one in %s; send SIGHUP to the service, and give out %s.pub again\n", path, path)
	return nil
}
