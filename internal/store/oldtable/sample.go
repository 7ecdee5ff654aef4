package oldtable

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"

	"sluis/internal/importer/oldtable"
)

// WriteSample makes a SQLite file with an old table of n made-up rows. It has the columns
// of seed 003 and one for the hospital's own patient number.
func WriteSample(ctx context.Context, path string, s *oldtable.Sample, n int) error {
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("%s is there already", path)
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)")
	if err != nil {
		return clean(err)
	}
	db.SetMaxOpenConns(1)
	return errors.Join(clean(fill(ctx, db, s, n)), clean(db.Close()))
}

func fill(ctx context.Context, db *sql.DB, s *oldtable.Sample, n int) error {
	for _, q := range []string{
		`CREATE TABLE patient (patid INTEGER NOT NULL PRIMARY KEY, version INTEGER NOT NULL, tussenvoegsel TEXT NULL,
			achternaam TEXT NOT NULL,
			datumoverlijden DATE NULL,
			geboortedatum DATE NULL, voorletters TEXT NULL, geslacht TEXT NULL, centrum_id TEXT NULL, email TEXT NULL,
			pseudonym TEXT NULL, patientnummer TEXT NULL)`,
		`CREATE INDEX ix_patient_naam ON patient (achternaam, voorletters)`,
		`CREATE TABLE behandeling (id INTEGER NOT NULL PRIMARY KEY, patid INTEGER NOT NULL REFERENCES patient (patid), code TEXT NOT NULL)`,
	} {
		if _, err := db.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	for i := 1; i <= n; {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		for range 5000 {
			if i > n {
				break
			}
			if err := insertRow(ctx, tx, s.Row(i), i); err != nil {
				return errors.Join(err, tx.Rollback())
			}
			i++
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	_, err := db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}

// insertRow inserts the n-th patient, and a treatment that refers to it.
func insertRow(ctx context.Context, tx *sql.Tx, r oldtable.Sampled, n int) error {
	null := func(v string) any {
		if v == "" {
			return nil
		}
		return v
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO patient (patid, version, tussenvoegsel, achternaam, datumoverlijden, geboortedatum,
			voorletters, geslacht, centrum_id, email, pseudonym, patientnummer)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?)`,
		r.Patid, r.Version, null(r.Prefix), r.Surname, null(r.Died), null(r.Birth), null(r.Initials), null(r.Sex), null(r.Centre),
		null(r.Email), null(r.Number))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO behandeling (id, patid, code) VALUES (?, ?, ?)`, n, r.Patid, fmt.Sprintf("B%03d", n%997))
	return err
}
