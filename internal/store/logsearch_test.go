package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/store"
)

// searches are one of each question that the page of the log can ask.
func searches() map[string]audit.Query {
	denied := audit.MinorFailure
	from := time.Now().AddDate(0, 0, -1)
	return map[string]audit.Query{
		"everything":         {},
		"a next page":        {After: 400},
		"a type":             {Type: audit.PatientViewed},
		"a group":            {Group: audit.Views},
		"a user":             {UserName: "gebruikerb@example.nl"},
		"a user and a group": {UserName: "gebruikerb@example.nl", Group: audit.Views},
		"a centre":           {CentreNumber: "2809"},
		"a centre, a type":   {CentreNumber: "2809", Type: audit.PatientViewed},
		"a result":           {Result: &denied},
		"a period":           {From: from, To: from.AddDate(0, 0, 3)},
		"all of it":          {UserName: "gebruikerb@example.nl", Group: audit.Views, From: from, Result: &denied, After: 400},
		"a patient":          {PatientNumber: "700100"},
		"a patient, older":   {PatientNumber: "700100", PatientCentre: "2809", After: 400},
	}
}

// newSearchedLog is a log with n events, a centre and a patient.
func newSearchedLog(t testing.TB, n int) *logRig {
	t.Helper()
	r := newLogRig(t)
	who := audit.Who{Name: "test"}
	if _, err := r.AddCentre(context.Background(), who, account.Centre{Number: "2809", Name: "Een"}); err != nil {
		t.Fatal(err)
	}
	r.exec(`INSERT INTO patients (id, public_id, centre_id, patient_number, birth, sex, unnumbered, version, created_at, updated_at)
		VALUES (7, 'x', 1, '700100', '1961', 'v', 0, 1, '2026-01-01 10:00:00+00:00', '2026-01-01 10:00:00+00:00')`)
	if err := r.Grow(context.Background(), n); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestEverySearchSeeks asks SQLite how it would find each page of the log: by an index, in its
// order. Nothing reads the whole log, and nothing sorts it.
func TestEverySearchSeeks(t *testing.T) {
	r := newSearchedLog(t, 500)
	db, err := sql.Open("sqlite", "file:"+r.path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for name, q := range searches() {
		statements, err := r.Statements(t.Context(), q)
		if err != nil || len(statements) == 0 {
			t.Fatalf("%s: %d statements, %v", name, len(statements), err)
		}
		for _, s := range statements {
			for _, step := range plan(t, db, s) {
				scan := strings.HasPrefix(step, "SCAN") && !strings.Contains(step, "found") && !strings.HasPrefix(step, "SCAN e USING COVERING INDEX") &&
					name != "everything" && name != "a period"
				if scan || strings.Contains(step, "TEMP B-TREE") {
					t.Errorf("%s: %s\n%s", name, step, s)
				}
			}
		}
	}
}

func plan(t *testing.T, db *sql.DB, statement string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+statement)
	if err != nil {
		t.Fatalf("%v\n%s", err, statement)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		out = append(out, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestSearchesFindTheSame compares each search with what looking at every event finds.
func TestSearchesFindTheSame(t *testing.T) {
	r := newSearchedLog(t, 1200)
	all := map[int64]audit.Event{}
	var after int64
	for {
		page, err := r.Events(t.Context(), audit.Who{Name: "test"}, audit.Query{After: after, Limit: 500})
		if err != nil {
			t.Fatal(err)
		}
		for _, ev := range page.Events {
			all[ev.ID] = ev
		}
		if after = page.Next; after == 0 {
			break
		}
	}
	top := int64(len(all))
	for name, q := range searches() {
		if q.PatientNumber != "" {
			continue
		}
		q.After = max(q.After, 0)
		want := 0
		for _, ev := range all {
			if fits(ev, q) && (q.After == 0 || ev.ID < q.After) {
				want++
			}
		}
		got := 0
		for after := q.After; ; {
			q.After, q.Limit = after, 100
			page, err := r.Events(t.Context(), audit.Who{Name: "later"}, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, ev := range page.Events {
				if ev.ID <= top {
					got++
					if !fits(ev, q) {
						t.Errorf("%s: %+v does not fit", name, ev)
					}
				}
			}
			if after = page.Next; after == 0 {
				break
			}
		}
		if got != want {
			t.Errorf("%s: %d events, want %d", name, got, want)
		}
	}
}

func fits(ev audit.Event, q audit.Query) bool {
	in := false
	for _, typ := range q.Types() {
		in = in || typ == ev.Type
	}
	return (len(q.Types()) == 0 || in) && (q.UserName == "" || q.UserName == ev.Name) && (q.CentreNumber == "" || q.CentreNumber == ev.CentreNumber) &&
		(q.Result == nil || *q.Result == ev.Result) && (q.From.IsZero() || !ev.At.Before(q.From)) && (q.To.IsZero() || ev.At.Before(q.To))
}

// TestCountStops: a long log is not counted to its end.
func TestCountStops(t *testing.T) {
	r := newSearchedLog(t, 300)
	if n, err := r.Count(t.Context(), audit.Query{}, 100); err != nil || n != 101 {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := r.Count(t.Context(), audit.Query{Type: audit.PatientViewed}, 100); err != nil || n == 0 || n > 100 {
		t.Errorf("%d, %v", n, err)
	}
}

// BenchmarkSearch times each search in a log of SLUIS_BENCH_EVENTS events and in one of 10,000.
func BenchmarkSearch(b *testing.B) {
	sizes := []int{10_000, 100_000}
	if n, err := strconv.Atoi(os.Getenv("SLUIS_BENCH_EVENTS")); err == nil {
		sizes[1] = n
	}
	for _, n := range sizes {
		r := newSearchedLog(b, n)
		for name, q := range searches() {
			b.Run(fmt.Sprintf("%s/events=%d", strings.ReplaceAll(name, " ", "-"), n), func(b *testing.B) {
				q.Limit = 50
				for b.Loop() {
					if _, err := r.Events(context.Background(), audit.Who{Name: "bench"}, q); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// TestRetentionKeepsTheTree moves the clock by five years: old records go in pieces, and the
// rest is verified as before. Tampering from before and after is still found.
func TestRetentionKeepsTheTree(t *testing.T) {
	now := time.Date(2021, 3, 1, 12, 0, 0, 0, time.UTC)
	r := newLogRig(t)
	open := func() {
		_ = r.Close()
		s, err := store.OpenSQLite(context.Background(), r.path, store.Options{
			Now: func() time.Time { return now }, Log: options().Log, AuditKey: r.key,
		})
		if err != nil {
			t.Fatal(err)
		}
		r.Store = s
		r.keeper.Tree = s
	}
	open()
	r.grow(120, "old@example.nl")
	now = now.AddDate(5, 0, 1)
	r.grow(40, "new@example.nl")
	head := r.heads()
	expire := func() int {
		t.Helper()
		total := 0
		for more := true; more; {
			var n int
			var err error
			if n, more, err = r.ExpireEvents(t.Context(), audit.Who{Name: "systeem"}, now.AddDate(-5, 0, 0)); err != nil {
				t.Fatal(err)
			}
			total += n
		}
		return total
	}
	if n := expire(); n != 120 {
		t.Errorf("%d records expired, want 120", n)
	}
	if n := expire(); n != 0 {
		t.Errorf("%d records expired again", n)
	}
	res := r.verify(head)
	if res.Bad != nil || res.Expired != 120 || res.Records < 160 {
		t.Errorf("%+v %v", res, res.Bad)
	}
	if err := r.Close(); err != nil { // it brings all into the one file
		t.Fatal(err)
	}
	whole, err := os.ReadFile(r.path)
	if err != nil {
		t.Fatal(err)
	}
	open()
	for name, c := range map[string]struct {
		do    string
		first int64
	}{
		"a hash of an expired record":    {"UPDATE audit_hashes SET hash = zeroblob(32) WHERE id = (SELECT id FROM audit_hashes ORDER BY id LIMIT 1)", 0},
		"the first that was kept":        {"DELETE FROM audit_subjects WHERE event_id = 121; DELETE FROM audit_events WHERE id = 121", 121},
		"a record after the retention":   {"UPDATE audit_events SET user_name = 'x' WHERE id = 140", 140},
		"the record of the retention":    {"DELETE FROM audit_events WHERE type = 'log_expired'", 161},
		"more than the retention says":   {"UPDATE audit_events SET object_id = '125' WHERE type = 'log_expired'", 161},
		"a subject after the retention":  {"DELETE FROM audit_subjects WHERE event_id = 130", 130},
		"an old record put back, forged": {forged(50), 50},
	} {
		for _, statement := range strings.Split(c.do, "; ") {
			r.exec(statement)
		}
		bad := r.verify(head).Bad
		if bad == nil || c.first != 0 && bad.First != c.first {
			t.Errorf("%s: %v, want record %d", name, bad, c.first)
		} else {
			t.Logf("%s: %s", name, bad)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		for _, more := range []string{"-wal", "-shm"} {
			_ = os.Remove(r.path + more)
		}
		if err := os.WriteFile(r.path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		open()
	}
}
