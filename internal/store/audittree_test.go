package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"sluis/internal/audit"
	"sluis/internal/audit/tree"
	"sluis/internal/store"
)

// logRig is a database with an access log, whose heads leave it.
type logRig struct {
	t    testing.TB
	path string
	key  *tree.Key
	file string // of heads
	*store.Store
	keeper *tree.Keeper
}

func newLogRig(t testing.TB) *logRig {
	t.Helper()
	key, err := tree.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	r := &logRig{t: t, path: filepath.Join(dir, "sluis.db"), key: key, file: filepath.Join(dir, "away", "heads.txt")}
	r.open()
	return r
}

func (r *logRig) open() {
	r.t.Helper()
	o := options()
	o.AuditKey = r.key
	s, err := store.OpenSQLite(context.Background(), r.path, o)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = s.Close() })
	r.Store = s
	r.keeper = &tree.Keeper{Tree: s, Key: r.key, File: r.file, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
}

// grow records n events, and writes a head after every 40th record.
func (r *logRig) grow(n int, name string) {
	r.t.Helper()
	for range n {
		size, err := r.TreeSize(context.Background())
		if err != nil {
			r.t.Fatal(err)
		}
		ev := audit.Event{
			Type: audit.PatientsListed, Action: audit.Read, Who: audit.Who{UserID: 3, Name: name, Role: "clinician", Via: audit.ViaWeb},
			Subjects: []audit.Subject{{PatientID: 700 + size, Action: audit.Read}, {PatientID: 7, Action: audit.Read}},
		}
		if err := r.Record(context.Background(), ev); err != nil {
			r.t.Fatal(err)
		}
		if (size+1)%40 == 0 {
			r.head()
		}
	}
}

func (r *logRig) head() {
	r.t.Helper()
	if err := r.keeper.Write(context.Background()); err != nil {
		r.t.Fatal(err)
	}
}

// exec changes the database as somebody does who holds it.
func (r *logRig) exec(statements ...string) {
	r.t.Helper()
	db, err := sql.Open("sqlite", "file:"+r.path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, st := range statements {
		if _, err := db.ExecContext(context.Background(), st); err != nil {
			r.t.Fatal(st, err)
		}
	}
}

// verify verifies with heads, if there are any.
func (r *logRig) verify(heads []byte) tree.Result {
	r.t.Helper()
	var files []*tree.Heads
	if heads != nil {
		files = append(files, tree.ReadHeads("heads.txt", bytes.NewReader(heads), r.key))
	}
	res, err := tree.Verify(context.Background(), r.Store, r.key, files...)
	if err != nil {
		r.t.Fatal(err)
	}
	return res
}

func (r *logRig) heads() []byte {
	r.t.Helper()
	raw, err := os.ReadFile(r.file)
	if err != nil {
		r.t.Fatal(err)
	}
	return raw
}

// rewrite replaces every record from number first on as its finder would: with seals of
// this key (nil for none), a tree that fits, and the sequence after it.
func (r *logRig) rewrite(first int64, key *tree.Key, change func(ev *audit.Event)) {
	r.t.Helper()
	ctx := context.Background()
	e, err := r.Extent(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	all, err := r.Records(ctx, 1, e.Last)
	if err != nil {
		r.t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+r.path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	must := func(_ sql.Result, err error) {
		r.t.Helper()
		if err != nil {
			r.t.Fatal(err)
		}
	}
	var edge tree.Edge
	must(db.ExecContext(ctx, "DELETE FROM audit_hashes"))
	for _, rec := range all {
		ev, seal := rec.Event, rec.Seal
		if ev.ID >= first {
			change(&ev)
			seal = key.Seal(tree.Encode(ev))
			must(db.ExecContext(ctx, "UPDATE audit_events SET user_name = ?, seal = ? WHERE id = ?", ev.Name, seal, ev.ID))
		}
		for i, h := range edge.Add(tree.Leaf(tree.Encode(ev), seal), nil) {
			must(db.ExecContext(ctx, "INSERT INTO audit_hashes (id, hash) VALUES (?, ?)", tree.Index(ev.ID)+int64(i), h[:]))
		}
	}
}

// forged is an event that somebody with the database writes into it.
func forged(id int) string {
	return fmt.Sprintf(`INSERT INTO audit_events (id, at, type, action, result, user_id, user_name, role, centre_id, address, request_id, via,
		object_type, object_id, code, subjects, seal) VALUES (%d, '2026-01-01 10:00:00+00:00', 'sign_in', 'E', 0, 3, 'forged', '', 0, '', '', 'web', '', '', '', 0,
		x'00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff')`, id)
}

const hashesFrom = "DELETE FROM audit_hashes WHERE id >= %d"

// TestTamperingIsNamed does what somebody with the database could do, and expects the
// number of the first record that is not what it was.
func TestTamperingIsNamed(t *testing.T) {
	stranger, err := tree.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name  string
		first int64
		heads bool // it takes the heads to see it
		do    func(r *logRig)
	}{
		{"a flip", 57, false, func(r *logRig) { r.exec("UPDATE audit_events SET user_name = 'somebody else' WHERE id = 57") }},
		{"a flip of a subject", 57, false, func(r *logRig) {
			r.exec("UPDATE audit_subjects SET patient_id = 8 WHERE event_id = 57 AND patient_id = 7")
		}},
		{"a flip with its hashes, without the key", 57, false, func(r *logRig) {
			r.rewrite(57, stranger, func(ev *audit.Event) { ev.Name = "somebody else" })
		}},
		{"a flip of a hash", 57, false, func(r *logRig) {
			r.exec(fmt.Sprintf("UPDATE audit_hashes SET hash = zeroblob(32) WHERE id = %d", tree.Index(57)))
		}},
		{"a deletion", 61, false, func(r *logRig) {
			r.exec("DELETE FROM audit_subjects WHERE event_id = 61", "DELETE FROM audit_events WHERE id = 61")
		}},
		{"a deletion of the first", 1, false, func(r *logRig) {
			r.exec("DELETE FROM audit_subjects WHERE event_id <= 9", "DELETE FROM audit_events WHERE id <= 9")
		}},
		{"a reordering", 30, false, func(r *logRig) {
			r.exec("PRAGMA foreign_keys = OFF", "UPDATE audit_events SET id = -1 WHERE id = 30",
				"UPDATE audit_events SET id = 30 WHERE id = 90",
				"UPDATE audit_events SET id = 90 WHERE id = -1", "UPDATE audit_subjects SET event_id = -1 WHERE event_id = 30",
				"UPDATE audit_subjects SET event_id = 30 WHERE event_id = 90",
				"UPDATE audit_subjects SET event_id = 90 WHERE event_id = -1")
		}},
		{"a truncation", 111, true, func(r *logRig) {
			r.exec("DELETE FROM audit_subjects WHERE event_id > 110", "DELETE FROM audit_events WHERE id > 110",
				fmt.Sprintf(hashesFrom, tree.Index(111)), "UPDATE sequences SET next = 111 WHERE name = 'audit_events'")
		}},
		{"a truncation of the records only", 111, false, func(r *logRig) {
			r.exec("DELETE FROM audit_subjects WHERE event_id > 110", "DELETE FROM audit_events WHERE id > 110")
		}},
		{"an appended forgery", 121, false, func(r *logRig) { r.exec(forged(121)) }},
		{"an appended forgery with its hashes", 121, false, func(r *logRig) {
			r.exec(forged(121), "UPDATE sequences SET next = 122 WHERE name = 'audit_events'")
			r.rewrite(121, stranger, func(*audit.Event) {})
		}},
		{"a rewrite of everything with the key", 1, true, func(r *logRig) {
			r.rewrite(1, r.key, func(ev *audit.Event) { ev.Name = "nobody" })
		}},
		{"a rewrite from the middle with the key", 45, true, func(r *logRig) {
			r.rewrite(45, r.key, func(ev *audit.Event) { ev.Name = "nobody" })
		}},
		{"a rewrite without any seal", 1, false, func(r *logRig) { r.rewrite(1, nil, func(*audit.Event) {}) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newLogRig(t)
			r.grow(120, "x@example.nl")
			left := r.heads()
			if res := r.verify(left); res.Bad != nil || res.Records != 120 || res.Heads != 3 || res.Unsealed != 0 {
				t.Fatalf("before: %+v", res)
			}
			c.do(r)
			res := r.verify(left)
			if res.Bad == nil || res.Bad.First != c.first || res.Bad.Last != c.first {
				t.Errorf("%+v %v, want record %d", res, res.Bad, c.first)
			} else {
				t.Log(res.Bad)
			}
			if res := r.verify(nil); (res.Bad == nil) != c.heads {
				t.Errorf("without heads: %v", res.Bad)
			}
		})
	}
}

// TestRollbackIsNamed puts yesterday's copy of the database back. The log goes on from
// there, and hides that some records are gone.
func TestRollbackIsNamed(t *testing.T) {
	r := newLogRig(t)
	r.grow(70, "x@example.nl")
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	copied, err := os.ReadFile(r.path)
	if err != nil {
		t.Fatal(err)
	}
	r.open()
	r.grow(50, "x@example.nl")
	left := r.heads()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.path, copied, 0o600); err != nil {
		t.Fatal(err)
	}
	r.open()
	if res := r.verify(left); res.Bad == nil || res.Bad.First != 71 || !strings.Contains(res.Bad.What, "missing") {
		t.Errorf("right after: %v", res.Bad)
	}
	// The service says so at its start, and signs nothing on top of it.
	if err := r.keeper.Write(t.Context()); !errors.Is(err, tree.ErrNotContinued) {
		t.Errorf("a head on a log that was rolled back: %v", err)
	}
	r.keeper = &tree.Keeper{Tree: r.Store, Key: r.key, File: r.file + ".new", Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	r.grow(90, "y@example.nl")
	if res := r.verify(left); res.Bad == nil || res.Bad.First != 71 || res.Bad.Last != 71 {
		t.Errorf("after it has grown again: %v", res.Bad)
	} else {
		t.Log(res.Bad)
	}
	if res := r.verify(nil); res.Bad != nil {
		t.Errorf("only the heads know: %v", res.Bad)
	}
	// The same with a keeper that begins with the old file.
	r.keeper = &tree.Keeper{Tree: r.Store, Key: r.key, File: r.file, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	if err := r.keeper.Write(t.Context()); !errors.Is(err, tree.ErrNotContinued) {
		t.Errorf("a head on a log that was rolled back and has grown: %v", err)
	}
}

// TestHeadsThemselves: a head that somebody else signed, changed or moved is no head.
func TestHeadsThemselves(t *testing.T) {
	r := newLogRig(t)
	r.grow(120, "x@example.nl")
	left := string(r.heads())
	second := strings.Index(left[1:], "sluis access log\n") + 1
	stranger, err := tree.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		heads string
		key   *tree.Key
	}{
		"changed":    {strings.Replace(left, "\n40\n", "\n41\n", 1), r.key},
		"cut":        {left[:len(left)-30], r.key},
		"backwards":  {left[second:] + left[:second], r.key},
		"of another": {left, stranger},
	} {
		_, err := tree.Verify(t.Context(), r.Store, nil, tree.ReadHeads("heads.txt", strings.NewReader(c.heads), c.key))
		if _, ok := errors.AsType[*tree.BadHead](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A file that begins later than the log, as one that was started anew.
	if res := r.verify([]byte(left[second:])); res.Bad != nil || res.Heads != 2 {
		t.Errorf("%+v", res)
	}
}

// TestOlderEventsAreAdopted: a log from before there was a tree gets one, and its records
// have no seal.
func TestOlderEventsAreAdopted(t *testing.T) {
	r := newLogRig(t)
	r.grow(25, "x@example.nl")
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r.exec("UPDATE audit_events SET seal = NULL, source = ''", "DELETE FROM audit_hashes",
		"UPDATE sequences SET next = 26 WHERE name = 'audit_adopt'")
	r.open()
	r.grow(5, "x@example.nl")
	if res := r.verify(nil); res.Bad != nil || res.Records != 30 || res.Unsealed != 25 {
		t.Errorf("%+v %v", res, res.Bad)
	}
	// From then on every record needs the key.
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.OpenSQLite(t.Context(), r.path, options()); !errors.Is(err, store.ErrAuditKey) {
		t.Errorf("opened without the key: %v", err)
	}
}

// TestLogFailsClosed: an event that gets no place in the tree is not recorded, and nor is
// what it was about.
func TestLogFailsClosed(t *testing.T) {
	r := newLogRig(t)
	r.grow(7, "x@example.nl")
	r.exec(`CREATE TRIGGER no_hash BEFORE INSERT ON audit_hashes BEGIN SELECT RAISE(ABORT, 'no'); END`)
	if err := r.Record(t.Context(), audit.Event{Type: audit.SignIn}); err == nil {
		t.Error("recorded without a place in the tree")
	}
	if _, err := r.Events(t.Context(), audit.Who{}, audit.Query{}); err == nil {
		t.Error("answered without a place in the tree")
	}
	r.exec("DROP TRIGGER no_hash")
	r.grow(1, "x@example.nl")
	if res := r.verify(nil); res.Bad != nil || res.Records != 8 {
		t.Errorf("%+v %v", res, res.Bad)
	}
}

// BenchmarkVerify verifies logs of SLUIS_BENCH_EVENTS records, and prints what memory it took.
func BenchmarkVerify(b *testing.B) {
	n := 20_000
	if s := os.Getenv("SLUIS_BENCH_EVENTS"); s != "" {
		_, _ = fmt.Sscan(s, &n)
	}
	r := newLogRig(b)
	if err := r.Grow(context.Background(), n); err != nil {
		b.Fatal(err)
	}
	r.head()
	heads := r.heads()
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		if res := r.verify(heads); res.Bad != nil || res.Records != int64(n) {
			b.Fatalf("%+v %v", res, res.Bad)
		}
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(n)/time.Since(start).Seconds(), "records/s")
		b.ReportMetric(float64(after.HeapSys-before.HeapSys)/(1<<20), "heap-MB-grown")
	}
}
