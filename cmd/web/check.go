package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sluis/internal/audit/tree"
	"sluis/internal/backup"
	"sluis/internal/config"
	"sluis/internal/sealing"
	"sluis/internal/store"
)

// checkCommand examines a database, or a backup, and everything that must fit it.
type checkCommand struct {
	Backup string `placeholder:"DIR" help:"Examine this backup instead of the database."`
	JSON   bool   `help:"Print the lines as JSON."`
}

// Run examines it. Nothing is changed.
func (x checkCommand) Run(ctx context.Context, c console) error {
	l := &checklist{}
	if x.Backup != "" {
		if err := x.checkBackup(ctx, c, l); err != nil {
			return err
		}
		return l.finish(c, x.JSON)
	}
	err := withStore(ctx, c, func(s *store.Store) error {
		return checkStore(ctx, c, s, l, true)
	})
	if err != nil {
		return err
	}
	return l.finish(c, x.JSON)
}

func (x checkCommand) checkBackup(ctx context.Context, c console, l *checklist) error {
	m, err := backup.Read(x.Backup)
	if err != nil {
		l.fault("backup", err.Error(), "use an earlier backup")
		return nil
	}
	l.ok("backup", "of %s, %d MB, by version %s", m.MadeAt.Format(time.RFC3339), m.Bytes>>20, m.Version)
	s, err := store.OpenCopy(ctx, filepath.Join(x.Backup, backup.DatabaseFile))
	if err != nil {
		return err
	}
	if err := compare(ctx, s, m); err != nil {
		l.fault("manifest", err.Error(), "use an earlier backup")
	} else {
		l.ok("manifest", "%d deliveries and %d patients, as the manifest says", len(m.Deliveries), m.Patients)
	}
	// The files of heads may have gone on since.
	return errors.Join(checkStore(ctx, c, s, l, false), s.Close())
}

// compare returns an error if a database is not what a manifest says.
func compare(ctx context.Context, s *store.Store, m backup.Manifest) error {
	var got backup.Manifest
	if err := describe(ctx, s, &got); err != nil {
		return err
	}
	switch {
	case got.Schema != m.Schema:
		return fmt.Errorf("it has schema %d, and the manifest says %d", got.Schema, m.Schema)
	case backup.Digest(got.Deliveries) != m.Sums:
		return errors.New("the sums of its deliveries are not those of the manifest")
	case got.Patients != m.Patients || got.Pseudonyms != m.Pseudonyms:
		return fmt.Errorf("it has %d patients, and the manifest says %d", got.Patients, m.Patients)
	case got.Records != m.Records || got.Root != m.Root:
		return errors.New("its access log is not the one of the manifest")
	}
	return nil
}

// checkStore examines a database. heads says whether the files of heads are about it.
func checkStore(ctx context.Context, c console, s *store.Store, l *checklist, heads bool) error {
	checked, flaws, err := s.Examine(ctx)
	if err != nil {
		l.fault("database", err.Error(), "restore a backup (docs/restore.md)")
		return nil
	}
	for _, name := range checked {
		bad := 0
		for _, f := range flaws {
			if f.Check == name {
				bad++
				l.fault(name, f.Says, "restore a backup (docs/restore.md)")
			}
		}
		if bad == 0 {
			l.ok(name, "no flaw")
		}
	}
	schema, err := s.Schema(ctx)
	if err != nil {
		return err
	}
	switch err := s.CheckSchema(ctx); {
	case err == nil:
		l.ok("schema", "%d, as this program knows it", schema)
	case errors.Is(err, store.ErrSchema):
		l.care("schema", err.Error(), "use the program that fits, or web migrate")
	default:
		return err
	}
	checkKeys(ctx, c, s, l)
	return checkLog(ctx, c, s, l, heads)
}

// checkKeys compares the keyring with what deliveries under way need.
func checkKeys(ctx context.Context, c console, s *store.Store, l *checklist) {
	ring, _ := config.Lookup(c.env, "SLUIS_KEYRING_FILE")
	used, err := s.KeyIDsInUse(ctx)
	if err != nil {
		l.fault("keyring", err.Error(), "restore a backup (docs/restore.md)")
		return
	}
	if ring == "" {
		l.care("keyring", "SLUIS_KEYRING_FILE is not set", "set it as the service does")
		return
	}
	missing := missingKeys(ring, used)
	if len(missing) > 0 {
		l.fault("keyring", fmt.Sprintf("%d of the %d keys that deliveries under way need are not in it", len(missing), len(used)),
			"put the right keyring back; if it is lost: web keyring give-up, and those deliveries must be delivered again")
		return
	}
	l.ok("keyring", "it has the %d keys that deliveries under way need", len(used))
}

// missingKeys returns the keys of used that a keyring does not have. A keyring that cannot
// be opened has none.
func missingKeys(ring string, used []string) []string {
	if _, err := os.Stat(ring); err != nil {
		return used
	}
	keys, err := sealing.OpenKeyring(ring, time.Now)
	if err != nil {
		return used
	}
	var missing []string
	for _, id := range used {
		if !keys.Has(id) {
			missing = append(missing, id)
		}
	}
	return missing
}

// checkLog verifies the access log.
func checkLog(ctx context.Context, c console, s *store.Store, l *checklist, heads bool) error {
	key, err := auditKeyIfThere(c.env)
	if err != nil {
		l.fault("access log", err.Error(), "put audit-key back from its backup")
		return nil
	}
	var files []*tree.Heads
	if heads && key != nil {
		names, err := (verifyLogCommand{}).files(c.env)
		if err != nil {
			return err
		}
		for _, name := range names {
			f, err := os.Open(name)
			if err != nil {
				return fmt.Errorf("open the heads: %w", err)
			}
			defer func() { _ = f.Close() }()
			files = append(files, tree.ReadHeads(name, f, key))
		}
	}
	res, err := tree.Verify(ctx, s, key, files...)
	switch {
	case err != nil:
		l.fault("access log", err.Error(), "run web audit verify and keep its answer")
	case res.Bad != nil:
		l.fault("access log", res.Bad.String(), "run web audit verify and keep its answer (docs/restore.md if a copy was put back)")
	case !res.Sealed:
		l.care("access log", fmt.Sprintf("%d records in order; their seals were not verified, without audit-key", res.Records),
			"set SLUIS_KEYRING_FILE as the service does")
	default:
		l.ok("access log", "%d records and %d heads verified", res.Records, res.Heads)
	}
	return nil
}

// auditKeyIfThere returns the key of the access log, or nil. It makes none.
func auditKeyIfThere(env []string) (*tree.Key, error) {
	ring, _ := config.Lookup(env, "SLUIS_KEYRING_FILE")
	if strings.TrimSpace(ring) == "" {
		return nil, nil //nolint:nilnil // no key is an answer
	}
	return openIfThere(tree.KeyFile(ring))
}
