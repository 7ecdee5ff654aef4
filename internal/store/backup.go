package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"time"

	"github.com/gofrs/flock"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"sluis/internal/delivery"
	"sluis/internal/patient"
)

// ErrServer says that a database is not a file: its server makes and restores backups.
var ErrServer = errors.New("the database is on a server, which makes its own backups")

// CopyTo writes a copy of the database to a new file, as it is at one moment, while others
// go on reading and writing.
func (s *Store) CopyTo(ctx context.Context, path string) error {
	if _, ok := s.dialect.(sqliteDialect); !ok {
		return ErrServer
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) // SQLite keeps the mode of an empty file
	if err != nil {
		return fmt.Errorf("make the copy: %w", err)
	}
	defer func() { _ = f.Close() }()
	if _, err := s.sql.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return fmt.Errorf("copy the database: %w", s.dialect.clean(err))
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	return nil
}

// OpenCopy opens a copy of a database that nobody writes to, only to read it. It takes no
// lock, and leaves the file as it is to the byte.
func OpenCopy(ctx context.Context, path string) (*Store, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("open the copy: %w", err)
	}
	return openToRead(ctx, path, url.Values{"mode": {"ro"}, "immutable": {"1"}})
}

// OpenDamaged opens a database that was set aside, with its write-ahead log, only to read
// what it still has.
func OpenDamaged(ctx context.Context, path string) (*Store, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return openToRead(ctx, path, url.Values{})
}

func openToRead(ctx context.Context, path string, q url.Values) (*Store, error) {
	q.Set("_time_format", "sqlite")
	q["_pragma"] = []string{"query_only(1)", "temp_store(MEMORY)"}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, fmt.Errorf("open the copy: %w", sqliteDialect{}.clean(err))
	}
	db.SetMaxOpenConns(1)
	g, err := gorm.Open(sqliteDialector{conn: db}, &gorm.Config{
		SkipDefaultTransaction: true, DisableAutomaticPing: true, Logger: logger.Discard,
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s := &Store{dialect: sqliteDialect{}, sql: db, gorm: g, now: time.Now, log: slog.New(slog.DiscardHandler)}
	if err := s.Ping(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open the copy: %w", err), s.Close())
	}
	return s, nil
}

// Lock keeps every serving process off the SQLite database at path until the lock is
// closed. If one serves from it now, the error is [ErrInUse].
func Lock(path string) (*flock.Flock, error) { return lockFile(path + ".lock") }

// Schema returns the number of the last migration of the database.
func (s *Store) Schema(ctx context.Context) (int64, error) {
	var current sql.NullInt64
	err := s.sql.QueryRowContext(ctx, "SELECT MAX(version_id) FROM goose_db_version").Scan(&current)
	return current.Int64, s.dialect.clean(err)
}

// Sums returns what each delivery adds up to, in the order in which they were made.
func (s *Store) Sums(ctx context.Context) ([]delivery.Sum, error) {
	rows, err := s.read(ctx).Raw(`SELECT d.public_id, c.number, d.state, d.kind, d.created_at, d.key_id,
		d.rows_read, d.n_created, d.n_updated, d.n_unchanged, d.n_rejected, d.n_review
		FROM deliveries d JOIN centres c ON c.id = d.centre_id ORDER BY d.id`).Rows()
	if err != nil {
		return nil, s.dialect.clean(err)
	}
	defer func() { _ = rows.Close() }()
	var out []delivery.Sum
	for rows.Next() {
		var d delivery.Sum
		n := &d.Counts
		if err := rows.Scan(&d.PublicID, &d.Centre, &d.State, &d.Kind, &d.At, &d.KeyID,
			&n.Read, &n.Created, &n.Updated, &n.Unchanged, &n.Rejected, &n.Review); err != nil {
			return nil, s.dialect.clean(err)
		}
		d.At = d.At.UTC()
		n.Pending = n.Read - n.Created - n.Updated - n.Unchanged - n.Rejected - n.Review
		out = append(out, d)
	}
	return out, s.dialect.clean(rows.Err())
}

// CountPatients returns how many patients and how many of their pseudonyms there are.
func (s *Store) CountPatients(ctx context.Context) (patients, pseudonyms int, err error) {
	err = s.sql.QueryRowContext(ctx, "SELECT (SELECT COUNT(*) FROM patients), (SELECT COUNT(*) FROM pseudonyms)").Scan(&patients, &pseudonyms)
	return patients, pseudonyms, s.dialect.clean(err)
}

// A Flaw is something that is wrong in a database.
type Flaw struct{ Check, Says string }

// Examine looks for flaws: in the file itself, in references between tables, and in
// deliveries whose outcomes do not add up. checked are the names of what it looked at.
func (s *Store) Examine(ctx context.Context) (checked []string, flaws []Flaw, err error) {
	if _, ok := s.dialect.(sqliteDialect); ok {
		checked = append(checked, "integrity", "references")
		if flaws, err = s.examineFile(ctx); err != nil {
			return checked, flaws, err
		}
	}
	checked = append(checked, "sums of deliveries")
	unbalanced, err := s.unbalanced(ctx)
	for _, id := range unbalanced {
		flaws = append(flaws, Flaw{"sums of deliveries", "the outcomes of delivery " + id + " do not add up to its rows"})
	}
	return checked, flaws, err
}

// examineFile lets SQLite read its whole file.
func (s *Store) examineFile(ctx context.Context) ([]Flaw, error) {
	var flaws []Flaw
	var n int
	rows, err := s.sql.QueryContext(ctx, "PRAGMA integrity_check(20)")
	if err != nil {
		return nil, s.dialect.clean(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var says string
		if err := rows.Scan(&says); err != nil {
			return nil, s.dialect.clean(err)
		}
		if n++; says != "ok" {
			// SQLite names pages, tables and indexes, never a value.
			flaws = append(flaws, Flaw{"integrity", says})
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return flaws, s.dialect.clean(err)
	}
	var loose int
	if err := s.sql.QueryRowContext(ctx, "SELECT COUNT(*) FROM pragma_foreign_key_check").Scan(&loose); err != nil {
		return flaws, s.dialect.clean(err)
	}
	if loose > 0 {
		flaws = append(flaws, Flaw{"references", fmt.Sprintf("%d rows refer to a row that is not there", loose)})
	}
	return flaws, nil
}

// unbalanced returns the deliveries that are done and whose outcomes do not add up: to the
// rows that were read, or to the rows that are kept with them.
func (s *Store) unbalanced(ctx context.Context) ([]string, error) {
	var ids []string
	err := s.read(ctx).Raw(`SELECT d.public_id FROM deliveries d WHERE d.state = ? AND
		d.rows_read <> d.n_created + d.n_updated + d.n_unchanged + d.n_rejected + d.n_review ORDER BY d.id`, string(delivery.Done)).
		Scan(&ids).Error
	if err != nil {
		return nil, s.dialect.clean(err)
	}
	var apart []string
	err = s.read(ctx).Raw(`SELECT d.public_id FROM deliveries d JOIN (
			SELECT delivery_id, COUNT(*) AS n_read,
				SUM(CASE WHEN outcome = ? THEN 1 ELSE 0 END) AS created, SUM(CASE WHEN outcome = ? THEN 1 ELSE 0 END) AS updated,
				SUM(CASE WHEN outcome = ? THEN 1 ELSE 0 END) AS unchanged, SUM(CASE WHEN outcome = ? THEN 1 ELSE 0 END) AS rejected,
				SUM(CASE WHEN outcome = ? THEN 1 ELSE 0 END) AS review
			FROM delivery_rows GROUP BY delivery_id) w ON w.delivery_id = d.id
		WHERE d.state = ? AND d.report_expired_at IS NULL AND (w.n_read <> d.rows_read OR w.created <> d.n_created OR
			w.updated <> d.n_updated OR w.unchanged <> d.n_unchanged OR w.rejected <> d.n_rejected OR w.review <> d.n_review)
		ORDER BY d.id`, string(patient.Created), string(patient.Updated), string(patient.Unchanged), string(patient.Rejected),
		string(patient.Review), string(delivery.Done)).Scan(&apart).Error
	return append(ids, apart...), s.dialect.clean(err)
}

// EndSessions signs everybody out. It returns how many sessions ended.
func (s *Store) EndSessions(ctx context.Context) (int64, error) {
	n := int64(0)
	err := s.write(ctx, func(t *tx) error {
		res := t.db.Exec("DELETE FROM sessions")
		n = res.RowsAffected
		return res.Error
	})
	return n, err
}
