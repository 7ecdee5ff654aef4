package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sluis/internal/audit"
	"sluis/internal/backup"
	"sluis/internal/config"
	"sluis/internal/delivery"
	"sluis/internal/store"
)

// restoreCommand puts a backup in the place of the database.
type restoreCommand struct {
	Folder string `arg:"" name:"dir" help:"Folder of the backup."`
	List   bool   `help:"Change nothing: only say what would be lost, and what hospitals must deliver again."`
	Force  bool   `help:"Set the database that is there aside first, under another name. Nothing is deleted."`
}

// serverRestore is what to run instead for a database on a server.
const serverRestore = `The database is on a server. Stop the service, and run there:

SQL Server:   RESTORE DATABASE [NAME] FROM DISK = N'…\sluis.bak' WITH CHECKSUM, NORECOVERY;  then RESTORE LOG … WITH RECOVERY
PostgreSQL:   createdb NAME && pg_restore --exit-on-error --dbname=NAME sluis.dump

Then web check, and docs/restore.md from step 4.`

// Run checks the backup, puts it in place, and says what was lost.
func (r restoreCommand) Run(ctx context.Context, c console) error {
	began := time.Now()
	where, err := config.LoadDatabase(c.env)
	if err != nil {
		return err
	}
	path, isFile := strings.CutPrefix(where.Reveal(), "sqlite:")
	if !isFile {
		fmt.Fprintln(c.out, serverRestore)
		return attend("nothing was restored")
	}
	m, err := r.verified(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "backup of %s: %d patients, %d deliveries, %d records of the access log\n",
		m.MadeAt.Format(time.RFC3339), m.Patients, len(m.Deliveries), m.Records)
	if r.List {
		r.tellLost(ctx, c, m, path)
		return nil
	}
	aside, err := r.place(path)
	if err != nil {
		return err
	}
	if aside != "" {
		fmt.Fprintf(c.out, "the database that was there is now %s\n", aside)
	}
	if err := makeUsable(ctx, c, path); err != nil {
		return fmt.Errorf("the backup is in place at %s, but: %w", path, err)
	}
	fmt.Fprintf(c.out, "restored to %s in %.1f s; everybody is signed out\n", path, time.Since(began).Seconds())
	r.tellLost(ctx, c, m, aside)
	tellNext(c)
	return nil
}

// verified returns the manifest of a backup that is whole.
func (r restoreCommand) verified(ctx context.Context) (backup.Manifest, error) {
	m, err := backup.Read(r.Folder)
	if err != nil {
		return m, err
	}
	s, err := store.OpenCopy(ctx, filepath.Join(r.Folder, backup.DatabaseFile))
	if err != nil {
		return m, err
	}
	switch err = s.CheckSchema(ctx); {
	case err == nil:
		err = compare(ctx, s, m)
	case errors.Is(err, store.ErrSchema):
		err = nil // its hash is right; an older program's tables are not read here
	}
	return m, errors.Join(err, s.Close())
}

// place puts the backup at path, while no service uses that.
func (r restoreCommand) place(path string) (aside string, err error) {
	lock, err := store.Lock(path)
	if errors.Is(err, store.ErrInUse) {
		return "", errors.New("the service uses the database: stop it first (systemctl stop sluis)")
	} else if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if there := backup.Beside(path); len(there) > 0 {
		if !r.Force {
			return "", fmt.Errorf("there is a database already (%s): with --force it is set aside first, under another name",
				strings.Join(there, ", "))
		}
		if aside, err = backup.SetAside(path, time.Now()); err != nil {
			return "", err
		}
	}
	return aside, backup.Place(r.Folder, path)
}

// makeUsable makes a restored database fit to be used: sessions that ended since the backup
// must not come to life, and the access log says what happened.
func makeUsable(ctx context.Context, c console, path string) error {
	key, err := auditKeyIfThere(c.env)
	if err != nil {
		return err
	}
	s, err := store.OpenSQLite(ctx, path, store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler), AuditKey: key})
	if err != nil {
		return err
	}
	_, err = s.EndSessions(ctx)
	if err == nil {
		err = s.Record(ctx, audit.Event{Type: audit.DatabaseRestored, Action: audit.Update, Who: byCommand, ObjectType: "database"})
	}
	return errors.Join(err, s.Close())
}

// tellLost prints what the backup does not have: exactly, if the later database can still be
// read, and else by time.
func (r restoreCommand) tellLost(ctx context.Context, c console, m backup.Manifest, later string) {
	ring, _ := config.Lookup(c.env, "SLUIS_KEYRING_FILE")
	missing := missingKeys(ring, m.Keys)
	fmt.Fprintf(c.out, "\nUnder way when the backup was made: %d deliveries.\n", len(m.UnderWay()))
	for _, d := range m.UnderWay() {
		says := "goes on by itself"
		if slices.Contains(missing, d.KeyID) {
			says = "must be delivered again: its key is not in the keyring (web keyring give-up ends it)"
		}
		printSum(c.out, d, says)
	}
	sums, records, err := laterSums(ctx, later)
	if err == nil {
		lost := m.Lost(sums)
		fmt.Fprintf(c.out, "\nMade after the backup, and to be delivered again: %d deliveries.\n", len(lost))
		for _, d := range lost {
			printSum(c.out, d, "must be delivered again")
		}
		fmt.Fprintf(c.out, "\nThe access log loses %d records, %d to %d. Keep the old database: they are in it.\n",
			max(0, records-m.Records), m.Records+1, records)
		return
	}
	fmt.Fprintf(c.out, "\nEverything after %s is lost, and must be delivered and entered again.\n", m.MadeAt.Format(time.RFC3339))
	fmt.Fprintln(c.out, "Tell each centre which delivery is the last one that the registry has:")
	last := m.Last()
	for _, centre := range slices.Sorted(maps.Keys(last)) {
		printSum(c.out, last[centre], "the last one")
	}
	fmt.Fprintf(c.out, "The access log has %d records; later ones are lost. The files of heads say how many there were.\n", m.Records)
}

func printSum(out io.Writer, d delivery.Sum, says string) {
	fmt.Fprintf(out, "  centre %-8s %s  %s  %-12s %6d rows  %s\n",
		d.Centre, d.At.Format(time.RFC3339), d.PublicID, d.State, d.Counts.Read, says)
}

// laterSums reads the database that a backup replaces, if it can still be read.
func laterSums(ctx context.Context, path string) ([]delivery.Sum, int64, error) {
	if path == "" {
		return nil, 0, errors.New("there is none")
	}
	s, err := store.OpenDamaged(ctx, path)
	if err != nil {
		return nil, 0, err
	}
	sums, err := s.Sums(ctx)
	if err != nil {
		return nil, 0, errors.Join(err, s.Close())
	}
	e, err := s.Extent(ctx)
	return sums, e.Last, errors.Join(err, s.Close())
}

// tellNext prints what is left to do.
func tellNext(c console) {
	fmt.Fprint(c.out, `
Before you start the service (docs/restore.md):
  1. web check
  2. Blocks, passwords, roles and revoked tokens of after the backup are undone: go over Gebruikers and API-tokens.
  3. If the service says that the access log does not continue its last head, move the file of heads away and keep it.
`)
}
