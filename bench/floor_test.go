package bench

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"sluis/internal/store"
	"sluis/internal/ttpsandbox"
)

// floor is the work that no program of this kind can do without. The rows that Sluis
// stored, with the same pseudonyms, are put into an empty database with the same schema
// and pragmas, and the sandbox's cryptography is done for the same people. It has two
// parts, one after the other:
//
//	insert  only patients and pseudonyms, with prepared statements, in transactions of
//	        1,000 patients, on one connection; the time for reading them is not counted
//	crypto  for a file of temporary pseudonyms: open each and make the definitive
//	        one; for identities: hash and seal them first; on both cores, without
//	        HTTP, JSON and idempotency
//
// It has no upload, no parsing, no sealing, no rows of the delivery, no comparison with
// stored patients, no outcomes and no access log.
type floor struct{ insert, crypto span }

func (f floor) took() time.Duration { return f.insert.wall + f.crypto.wall }

// worked returns the processor time of the floor.
func (f floor) worked() time.Duration { return f.insert.cpu + f.crypto.cpu }

// span is an amount of time, and of processor time of this process.
type span struct{ wall, cpu time.Duration }

// timed adds the time that f takes.
func (s *span) timed(f func() error) error {
	before, begun := processorTime(), time.Now()
	err := f()
	s.wall += time.Since(begun)
	s.cpu += processorTime() - before
	return err
}

// floorOf measures the floor of the delivery of the CSV at path, which Sluis stored in
// the database at stored.
func floorOf(b *testing.B, stored, path, kind, keys string, rows int) floor {
	b.Helper()
	var f floor
	var err error
	if f.insert, err = bulkInsert(b, stored, rows); err != nil {
		b.Fatal(err)
	}
	if f.crypto, err = bareCrypto(path, kind, keys, rows); err != nil {
		b.Fatal(err)
	}
	return f
}

// perTransaction is the number of patients that the floor stores in one transaction.
const perTransaction = 1000

// bulkInsert copies patients and pseudonyms to a new database.
func bulkInsert(b *testing.B, from string, rows int) (took span, err error) {
	path := filepath.Join(b.TempDir(), "floor.db")
	s, err := store.OpenSQLite(b.Context(), path, store.Options{Now: time.Now})
	if err != nil {
		return took, err
	}
	if err := s.Close(); err != nil { // it was opened only to make the schema
		return took, err
	}
	src, err := sql.Open("sqlite", "file:"+from+"?mode=ro")
	if err != nil {
		return took, err
	}
	defer src.Close()
	dst, err := sql.Open("sqlite", store.SQLiteDSN(path))
	if err != nil {
		return took, err
	}
	defer dst.Close()
	dst.SetMaxOpenConns(1)
	if _, err := dst.Exec("INSERT INTO centres (id, number, name, identities_allowed, created_at) VALUES (1, '2809', '', 1, '')"); err != nil {
		return took, err
	}
	patients := reader{
		db:    src,
		query: "SELECT id, public_id, centre_id, patient_number, birth, sex, version, created_at, updated_at FROM patients WHERE id > ? AND id <= ? ORDER BY id",
	}
	pseudonyms := reader{
		db:    src,
		query: "SELECT patient_id, type, domain, key_version, value_hash, value, observed_on, recorded_on FROM pseudonyms WHERE patient_id > ? AND patient_id <= ? ORDER BY patient_id, type",
	}
	stored := 0
	for after := 0; after < rows; after += perTransaction {
		p, err := patients.read(b.Context(), after, after+perTransaction)
		if err != nil {
			return took, err
		}
		q, err := pseudonyms.read(b.Context(), after, after+perTransaction)
		if err != nil {
			return took, err
		}
		stored += len(p)
		if err := took.timed(func() error { return store1000(context.Background(), dst, p, q) }); err != nil {
			return took, err
		}
	}
	err = took.timed(dst.Close)
	if stored != rows {
		err = errors.Join(err, errors.New("the floor did not store every patient"))
	}
	return took, err
}

// reader reads rows in the form in which a statement takes them.
type reader struct {
	db    *sql.DB
	query string
}

func (r reader) read(ctx context.Context, after, last int) ([][]any, error) {
	rows, err := r.db.QueryContext(ctx, r.query, after, last)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var out [][]any
	for rows.Next() {
		row, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

// store1000 stores patients and pseudonyms in one transaction. Its context must be one
// that cannot end: with any other one the driver takes half as long again.
func store1000(ctx context.Context, db *sql.DB, patients, pseudonyms [][]any) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for _, part := range []struct {
		insert string
		rows   [][]any
	}{
		{
			"INSERT INTO patients (id, public_id, centre_id, patient_number, birth, sex, version, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			patients,
		},
		{
			"INSERT INTO pseudonyms (patient_id, type, domain, key_version, value_hash, value, observed_on, recorded_on) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			pseudonyms,
		},
	} {
		st, err := tx.PrepareContext(ctx, part.insert)
		if err != nil {
			return err
		}
		defer st.Close()
		for _, row := range part.rows {
			if _, err := st.ExecContext(ctx, row...); err != nil {
				return err
			}
		}
	}
	return tx.Commit()
}

// bareCrypto does the sandbox's cryptography for every row of a CSV of this package. It
// reads a thousand rows at a time, and does not count the time for reading.
func bareCrypto(path, kind, keys string, rows int) (took span, err error) {
	box, err := ttpsandbox.New(ttpsandbox.Options{
		KeyFile: filepath.Join(keys, "ttp", "keys.json"), Domains: []string{"qrns", "cbs"},
		Clients: []ttpsandbox.Client{
			{ID: "zorgaanbieder", Secret: "prepare-prepare", Scopes: []string{ttpsandbox.ScopeTemporary}, Recipient: "qrns-registratie"},
		},
	})
	if err != nil {
		return took, err
	}
	bare, err := box.Bare(ttpsandbox.Order{Types: types})
	if err != nil {
		return took, err
	}
	batch := make([]work, 0, perTransaction)
	done := 0
	flush := func() error {
		err := took.timed(func() error {
			if !both(bare, kind, batch) {
				return errors.New("the sandbox does not know its own pseudonyms")
			}
			return nil
		})
		done += len(batch)
		batch = batch[:0]
		return err
	}
	err = table(path, func(c map[string]string) error {
		w := work{surname: c["Achternaam"], initials: c["Voorletters"], iso: isoDate(c["Geboortedatum"]), sex: c["Geslacht"]}
		for _, t := range types {
			w.temporaries = append(w.temporaries, c["Pseudoniem "+t])
		}
		w.iso = isoDate(c["Geboortedatum"])
		if batch = append(batch, w); len(batch) == perTransaction {
			return flush()
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	if done != rows {
		err = errors.Join(err, errors.New("the floor did not see every row"))
	}
	return took, err
}

// work is one row on which the cryptography is done.
type work struct {
	surname, initials, iso, sex string
	temporaries                 []string
}

// both divides a batch over the two cores.
func both(bare *ttpsandbox.Bare, kind string, batch []work) bool {
	const cores = 2
	var working sync.WaitGroup
	var good [cores]bool
	for n := range cores {
		part := batch[n*len(batch)/cores : (n+1)*len(batch)/cores]
		working.Go(func() {
			good[n] = true
			for _, w := range part {
				t := w.temporaries
				if kind == "identities" {
					t = bare.Temporary(w.surname, w.initials, w.iso, w.sex)
				}
				d, ok := bare.Definitive(t)
				good[n] = good[n] && ok && len(d) == len(types)
			}
		})
	}
	working.Wait()
	return good[0] && good[1]
}
