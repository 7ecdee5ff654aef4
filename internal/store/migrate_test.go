package store_test

import (
	"database/sql"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pressly/goose/v3"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/patient"
	"sluis/internal/store"
	"sluis/migrations"
)

// before returns a database with the schema of these migration files only.
func before(t *testing.T, path string, files ...string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	old := fstest.MapFS{}
	for _, f := range files {
		text, err := migrations.Files.ReadFile("sqlite/" + f)
		if err != nil {
			t.Fatal(err)
		}
		old[f] = &fstest.MapFile{Data: text}
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, old)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

// oldDelivery adds a delivery to the schema before 0005: its id, public id, state, number
// of rows for review, and number of registered chunks.
const oldDelivery = `INSERT INTO deliveries (id, public_id, centre_id, filename, kind, mode, state, via, confirmed, user_id, user_name, user_role,
	address, request_id, file_bytes, same_as, key_id, columns, refusals, notes, fail_code, rows_read, n_created, n_updated, n_unchanged, n_rejected, n_review,
	p_created, p_updated, p_unchanged, p_rejected, p_review, warnings, chunks, prepared, resolved, registered, paused, lease_until, fence, failures, created_at)
	VALUES (?, ?, 1, 'a.csv', 'identities', 'save', ?, 'web', 0, 1, 'x', '', '', '', 1, '', '', '{}', '[]', '[]', '', 1, 0, 0, 0, 0, ?,
	0, 0, 0, 0, 0, 0, 1, 1, 1, ?, 0, '2026-01-01 00:00:00+00:00', 0, 0, '2026-01-01 00:00:00+00:00')`

// oldStatement is one statement on a database of an older schema.
type oldStatement struct {
	sql  string
	args []any
}

// fill runs statements on a database of an older schema and closes it.
func fill(t *testing.T, db *sql.DB, statements ...oldStatement) {
	t.Helper()
	statements = append([]oldStatement{{sql: "INSERT INTO centres (id, number, name, identities_allowed, created_at) " +
		"VALUES (1, '2809', 'x', 1, '2026-01-01 00:00:00+00:00')"}}, statements...)
	for _, st := range statements {
		if _, err := db.ExecContext(t.Context(), st.sql, st.args...); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestOldOpenConflict checks that a conflict from before the table review_rows is judged
// with its first row and with the row that joined it later.
func TestOldOpenConflict(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sluis.db")
	db := before(t, path, "0001_registry.sql", "0002_exchange.sql")
	fill(t, db, []oldStatement{
		{"UPDATE sequences SET next = 10", nil},
		{oldDelivery, []any{1, "d1", "done", 1, 1}},
		{oldDelivery, []any{2, "d2", "done", 1, 1}},
		{`INSERT INTO delivery_rows (delivery_id, line, chunk_no, patient_number, verdict, outcome) VALUES (1, 2, 0, '7', 'review', 'review'), (2, 5, 0, '7', 'review', 'review')`, nil},
		{`INSERT INTO findings (delivery_id, line, seq, patient_number, stage, severity, source, code, field, message, partners) VALUES
			(1, 2, 301, '7', 'decide', 'warning', 'sluis', 'DUPLICATE_NUMBER', 'patientNumber', '', ''), (2, 5, 301, '7', 'decide', 'warning', 'sluis', 'DUPLICATE_NUMBER', 'patientNumber', '', '')`, nil},
		{`INSERT INTO reviews (id, public_id, centre_id, delivery_id, line, patient_number, birth, sex, pseudonyms, content_hash, reason, partners, state, created_at)
			VALUES (1, 'r1', 1, 1, 2, '7', '1970', 'm', '[{"t":"NGGV","d":"qrns","k":1,"v":"x"}]', 1, 'DUPLICATE_NUMBER', '3', 'open', '2026-01-01 00:00:00+00:00')`, nil},
	}...)
	s, err := store.OpenSQLite(t.Context(), path, options())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	who, all := audit.Who{Name: "test"}, account.AllCentres()
	page, err := s.Conflicts(t.Context(), who, all, patient.ConflictQuery{})
	if err != nil || page.Total != 1 || page.Conflicts[0].Rows != 2 || page.Conflicts[0].Deliveries != 2 {
		t.Fatalf("page = %+v (%v)", page, err)
	}
	r := patient.NewRegistrar("NGGV", time.Now)
	var seen string
	_, _, err = s.ViewConflict(t.Context(), who, all, "r1", func(tx patient.Reader, c patient.Case) (patient.Comparison, error) {
		found, err := r.Compare(t.Context(), tx, c)
		seen = found.Seen
		return found, err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.JudgeConflict(t.Context(), who, all, "r1", patient.Judgement{Decision: patient.UseDelivered, Why: "proef"},
		func(tx patient.Tx, c patient.Case) (patient.Applied, error) {
			return r.ApplyJudgement(t.Context(), tx, c, patient.UseDelivered, seen)
		})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]patient.Counts{"d1": {Read: 1, Created: 1}, "d2": {Read: 1, Unchanged: 1}} {
		if d, err := s.Delivery(t.Context(), all, id); err != nil || d.Counts != want {
			t.Errorf("%s: %+v (%v), want %+v", id, d.Counts, err, want)
		}
	}
}

// TestOldChunks checks that the content of chunks is kept when it moves into its own
// table, and that Sweep deletes what an interrupted end of a delivery left behind.
func TestOldChunks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sluis.db")
	db := before(t, path, "0001_registry.sql", "0002_exchange.sql", "0003_judging.sql", "0004_columns.sql")
	const chunk = `INSERT INTO chunks (id, delivery_id, no, first_line, last_line, holds, sealed, call_key, attempts, next_try_at, lease_until, fence, failures)
		VALUES (?, ?, 0, 2, 3, 'definitives', ?, '', 0, '2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00', 0, 0)`
	fill(t, db, []oldStatement{
		{oldDelivery, []any{1, "d1", "deciding", 0, 0}},
		{oldDelivery, []any{2, "d2", "cancelled", 0, 0}},
		{chunk, []any{7, 1, []byte("sealed")}},
		{chunk, []any{8, 2, []byte("left behind")}},
		{"INSERT INTO upload_blocks (delivery_id, no, sealed) VALUES (1, 0, x'00'), (2, 0, x'00'), (2, 1, x'00')", nil},
		{"INSERT INTO row_marks (delivery_id, line, patient_number, link_hash, content_hash) VALUES (1, 2, '7', 1, 1), (2, 2, '7', 1, 1)",
			nil},
	}...)
	s, err := store.OpenSQLite(t.Context(), path, options())
	if err != nil {
		t.Fatal(err)
	}
	if k, err := s.SealedChunk(t.Context(), 1, 0); err != nil || string(k.Sealed) != "sealed" || k.LastLine != 3 {
		t.Errorf("chunk = %+v (%v)", k, err)
	}
	if _, known, err := s.Marks(t.Context(), 1, 0); err != nil || known {
		t.Errorf("an old chunk has marks (%v)", err)
	}
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err = sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for q, want := range map[string]int{
		"SELECT COUNT(*) FROM chunks": 1, "SELECT COUNT(*) FROM chunk_contents WHERE chunk_id = 7": 1,
		"SELECT COUNT(*) FROM chunk_contents":                  1,
		"SELECT COUNT(*) FROM row_marks WHERE delivery_id = 1": 1, "SELECT COUNT(*) FROM row_marks": 1,
		"SELECT COUNT(*) FROM upload_blocks": 0,
	} {
		var n int
		if err := db.QueryRowContext(t.Context(), q).Scan(&n); err != nil || n != want {
			t.Errorf("%s = %d (%v), want %d", q, n, err, want)
		}
	}
}
