package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"sluis/internal/audit"
	"sluis/internal/audit/tree"
	"sluis/internal/backup"
	"sluis/internal/config"
	"sluis/internal/store"
)

// backupCommand makes a backup of the database, while the service runs.
type backupCommand struct {
	Folder string `arg:"" name:"dir" help:"Folder for this backup; it must be empty or not exist."`
}

// serverBackup is what to run instead for a database on a server.
const serverBackup = `The database is on a server, which makes its own backups. Run there, every night and with its log in between:

SQL Server:
  BACKUP DATABASE [NAME] TO DISK = N'…\sluis.bak' WITH CHECKSUM, COMPRESSION, INIT;
  BACKUP LOG [NAME] TO DISK = N'…\sluis.trn' WITH CHECKSUM;        -- every 15 minutes, recovery model FULL
  RESTORE VERIFYONLY FROM DISK = N'…\sluis.bak' WITH CHECKSUM;

PostgreSQL:
  pg_dump --format=custom --file=sluis.dump NAME                   -- or pg_basebackup with archived WAL

Keep the keyring and audit-key out of those backups. Afterwards: web check, and docs/restore.md.`

// Run makes the backup and prints what is in it.
func (b backupCommand) Run(ctx context.Context, c console) error {
	where, err := config.LoadDatabase(c.env)
	if err != nil {
		return err
	}
	file, isFile := strings.CutPrefix(where.Reveal(), "sqlite:")
	if !isFile {
		fmt.Fprintln(c.out, serverBackup)
		return attend("no backup was made")
	}
	if ring, ok := config.Lookup(c.env, "SLUIS_KEYRING_FILE"); ok && inside(filepath.Dir(ring), b.Folder) {
		return errors.New("that folder is the keyring's: whoever has both can read what is sealed. Choose another one")
	}
	if inside(filepath.Dir(file), b.Folder) && sameFolder(file, filepath.Join(b.Folder, "x")) {
		return errors.New("that folder is the database's: a backup on the same disk is lost with it. Choose another one")
	}
	if err := backup.Prepare(b.Folder); err != nil {
		return err
	}
	began := time.Now()
	return withStore(ctx, c, func(s *store.Store) error {
		m, err := makeBackup(ctx, s, b.Folder)
		if err != nil {
			return err
		}
		ev := audit.Event{Type: audit.DatabaseBackedUp, Action: audit.Read, Who: byCommand, ObjectType: "database"}
		if err := s.Record(ctx, ev); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "backup of %s in %s\n", m.MadeAt.Format(time.RFC3339), b.Folder)
		fmt.Fprintf(c.out, "%d MB, %d patients, %d deliveries (%d under way), %d records of the access log, in %.1f s\n",
			m.Bytes>>20, m.Patients, len(m.Deliveries), len(m.UnderWay()), m.Records, time.Since(began).Seconds())
		fmt.Fprintln(c.out, "It has no keys. The keyring and audit-key have a backup of their own, elsewhere (docs/restore.md).")
		return nil
	})
}

// inside reports whether path is folder, or in it.
func inside(folder, path string) bool {
	a, errA := filepath.Abs(folder)
	b, errB := filepath.Abs(path)
	if errA != nil || errB != nil {
		return false
	}
	rel, err := filepath.Rel(a, b)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// makeBackup copies the database, reads the copy, and writes what it read.
func makeBackup(ctx context.Context, s *store.Store, folder string) (backup.Manifest, error) {
	b := thisBuild()
	m := backup.Manifest{MadeAt: time.Now().UTC().Truncate(time.Millisecond), Version: b.Version, Commit: b.Commit}
	path := filepath.Join(folder, backup.DatabaseFile)
	if err := s.CopyTo(ctx, path); err != nil {
		return m, err
	}
	cp, err := store.OpenCopy(ctx, path)
	if err != nil {
		return m, err
	}
	err = describe(ctx, cp, &m)
	if err := errors.Join(err, cp.Close()); err != nil {
		return m, err
	}
	return backup.Write(folder, m)
}

// describe fills in what is in a copy of the database.
func describe(ctx context.Context, cp *store.Store, m *backup.Manifest) error {
	_, flaws, err := cp.Examine(ctx)
	if err != nil {
		return err
	}
	if len(flaws) > 0 {
		return fmt.Errorf("the database has %d flaws, the first: %s (see web check)", len(flaws), flaws[0].Says)
	}
	if m.Schema, err = cp.Schema(ctx); err != nil {
		return err
	}
	if m.Deliveries, err = cp.Sums(ctx); err != nil {
		return err
	}
	if m.Patients, m.Pseudonyms, err = cp.CountPatients(ctx); err != nil {
		return err
	}
	if m.Keys, err = cp.KeyIDsInUse(ctx); err != nil {
		return err
	}
	if m.Records, err = cp.TreeSize(ctx); err != nil || m.Records == 0 {
		return err
	}
	root, err := tree.Root(m.Records, func(indexes []int64) ([]tree.Hash, error) { return cp.StoredHashes(ctx, indexes) })
	m.Root = root.String()
	return err
}
