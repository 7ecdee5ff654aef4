package oldtable_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluis/internal/conversion"
	"sluis/internal/importer/oldtable"
	oldstore "sluis/internal/store/oldtable"
)

// file returns the path of a database made by these statements.
func file(t *testing.T, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "old.db")
	change(t, path, statements...)
	return path
}

func change(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

const table = `CREATE TABLE patient (patid %s PRIMARY KEY, version INTEGER, tussenvoegsel TEXT, achternaam TEXT NOT NULL, datumoverlijden DATE, geboortedatum DATETIME,
	voorletters TEXT, geslacht TEXT, centrum_id %s, email TEXT %s, nummer TEXT)`

func row(key, name, centre string) string {
	return fmt.Sprintf("INSERT INTO patient VALUES (%s, 1, 'van', '%s', NULL, '1980-02-29 00:00:00', 'a.', 'v', %s, '%s@example.org', '%s')", key, name, centre, strings.ToLower(name)+strings.Trim(key, "'"), strings.Trim(key, "'"))
}

func reader(t *testing.T, path string, m conversion.Mapping) *oldstore.Table {
	t.Helper()
	s, err := oldstore.Open(t.Context(), "sqlite:"+path, m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// walk returns every key of every centre, read two at a time.
func walk(t *testing.T, s *oldstore.Table) []string {
	t.Helper()
	groups, err := s.Groups(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(groups, func(a, b oldtable.Group) int { return strings.Compare(a.Value, b.Value) })
	var out []string
	for _, g := range groups {
		for after := ""; ; {
			keys, err := s.Keys(t.Context(), oldtable.Values{g.Raw}, after, 2)
			if err != nil {
				t.Fatal(err)
			}
			if len(keys) == 0 {
				break
			}
			out = append(out, keys...)
			after = keys[len(keys)-1]
		}
	}
	return out
}

// TestKeysInOrder checks that whole numbers are ordered as numbers and texts as texts,
// whatever the declared type of the column.
func TestKeysInOrder(t *testing.T) {
	for what, c := range map[string]struct {
		key, centre string
		rows        []string
		want        string
	}{
		"numbers": {"INTEGER", "INTEGER",
			[]string{row("10", "A", "1"), row("9", "A", "1"), row("100", "A", "2"), row("8", "A", "NULL")}, "8 9 10 100"},
		"undeclared numbers": {"", "", []string{row("10", "A", "1"), row("9", "A", "1"), row("100", "A", "2"), row("8", "A", "NULL")},
			"8 9 10 100"},
		"texts": {"TEXT", "TEXT", []string{row("'10'", "A", "'1'"), row("'9'", "A", "'1'"), row("'é'", "A", "'1'"),
			row("'0010'", "A", "'1'")}, "0010 10 9 é"},
	} {
		path := file(t, append([]string{fmt.Sprintf(table, c.key, c.centre, "")}, c.rows...)...)
		if got := strings.Join(walk(t, reader(t, path, conversion.DefaultMapping())), " "); got != c.want {
			t.Errorf("%s: %s, want %s", what, got, c.want)
		}
	}
	mixed := file(t, fmt.Sprintf(table, "", "", ""), row("10", "A", "1"), row("'x'", "A", "1"))
	if _, err := oldstore.Open(t.Context(), "sqlite:"+mixed, conversion.DefaultMapping()); err == nil ||
		!strings.Contains(err.Error(), "several types") {
		t.Errorf("mixed keys: %v", err)
	}
}

// TestRowsAndQueries checks that a query is read like a table, and that names are read
// only if they are needed.
func TestRowsAndQueries(t *testing.T) {
	path := file(t, fmt.Sprintf(table, "INTEGER", "INTEGER", ""), row("1", "Timmermans", "7"), row("2", "Pietersen", "7"),
		"CREATE TABLE centrum (id INTEGER, nummer TEXT)", "INSERT INTO centrum VALUES (7, '2809')")
	m := conversion.DefaultMapping()
	m.Table, m.Query, m.Centre = "", "SELECT p.*, c.nummer AS agb FROM patient p JOIN centrum c ON c.id = p.centrum_id;", "agb"
	s := reader(t, path, m)
	groups, err := s.Groups(t.Context())
	if err != nil || len(groups) != 1 || groups[0].Value != "2809" || groups[0].Rows != 2 {
		t.Fatalf("groups = %+v (%v)", groups, err)
	}
	rows, err := s.ByKeys(t.Context(), []string{"2", "1"})
	if err != nil || len(rows) != 2 || rows[0].Key != "1" {
		t.Fatalf("rows = %+v (%v)", rows, err)
	}
	if said := fmt.Sprintf("%v %+v %#v %s %q", rows, rows[0], rows[0], rows[0], rows); strings.Contains(said, "Timmermans") ||
		strings.Contains(said, "1980") {
		t.Errorf("a row can be printed: %s", said)
	}
	f, err := s.Facts(t.Context())
	if err != nil || f.Rows != 2 || f.KeyTwice != 0 {
		t.Errorf("facts = %+v (%v)", f, err)
	}
	if n, err := s.Count(t.Context()); err != nil || n != 2 {
		t.Errorf("count = %d (%v)", n, err)
	}
	names := map[string]bool{}
	if err := s.Names(t.Context(), func(kind oldtable.NameKind, name string) { names[string(kind)+" "+name] = true }); err != nil ||
		len(names) != 4 || !names["surname Timmermans"] || !names["email timmermans1@example.org"] {
		t.Errorf("names = %v (%v)", names, err)
	}
	wantNoTable(t, path, m)
}

// wantNoTable opens tables and addresses that cannot be read. No error may have a value or a
// password in it.
func wantNoTable(t *testing.T, path string, m conversion.Mapping) {
	t.Helper()
	for what, change := range map[string]func(m *conversion.Mapping){
		"a column that is not there": func(m *conversion.Mapping) { m.Surname = "naam" },
		"a table that is not there":  func(m *conversion.Mapping) { m.Table, m.Query = "patienten", "" },
		"a hostile name":             func(m *conversion.Mapping) { m.Surname = `x" FROM patient; DROP TABLE patient; --` },
		"a query that is none":       func(m *conversion.Mapping) { m.Query = "SELEC 'Timmermans'" },
	} {
		bad := m
		change(&bad)
		_, err := oldstore.Open(t.Context(), "sqlite:"+path, bad)
		if err == nil || strings.Contains(err.Error(), "Timmermans") {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, where := range []string{"sqlite:" + path + ".not", "postgres://x", "sqlserver://sa:geheim@%zz"} {
		if _, err := oldstore.Open(t.Context(), where, m); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v", where, err)
		}
	}
}

// TestReadingWritesNothing checks that the connection for reading cannot write.
func TestReadingWritesNothing(t *testing.T) {
	path := file(t, fmt.Sprintf(table, "INTEGER", "INTEGER", ""), row("1", "Timmermans", "7"))
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m := conversion.DefaultMapping()
	m.Table, m.Query = "", "SELECT * FROM patient"
	s := reader(t, path, m)
	walk(t, s)
	if _, err := oldstore.EraseSQLite(t.Context(), "sqlite:"+path, m, t.Logf); err == nil {
		t.Error("a query can be erased")
	}
	after, err := os.ReadFile(path)
	if err != nil || string(before) != string(after) {
		t.Errorf("the file has changed (%v)", err)
	}
}

// everywhere returns how often a name is in the files of a database.
func everywhere(t *testing.T, path, name string) int {
	t.Helper()
	n := 0
	for _, suffix := range []string{"", "-wal", "-journal", "-shm"} {
		raw, err := os.ReadFile(path + suffix)
		if err == nil {
			n += strings.Count(string(raw), name)
		}
	}
	return n
}

// TestEraseInPlace checks that no value of the columns is left in any file, that
// references to the rows still work, and that an erasure can be stopped and begun again.
func TestEraseInPlace(t *testing.T) {
	for what, c := range map[string]struct {
		journal, unique string
		more            []string
		left            []string
	}{
		"a write-ahead log": {"WAL", "", nil, nil},
		"a journal":         {"DELETE", "", nil, nil},
		"an index on names": {"WAL", "", []string{"CREATE INDEX ix_naam ON patient (achternaam, voorletters)",
			"CREATE UNIQUE INDEX ux_mail ON patient (email)"}, nil},
		"a unique column": {"WAL", "NOT NULL UNIQUE", nil, []string{"email"}},
		"a view that needs a column": {"WAL", "", []string{"CREATE VIEW namen AS SELECT patid, achternaam FROM patient"},
			[]string{"achternaam"}},
	} {
		t.Run(what, func(t *testing.T) {
			statements := []string{"PRAGMA journal_mode = " + c.journal, fmt.Sprintf(table, "INTEGER", "INTEGER", c.unique), "BEGIN"}
			for i := range 2500 {
				statements = append(statements, row(fmt.Sprint(i+1), "Timmermans", "2809"))
			}
			path := file(t, append(append(statements, "COMMIT"), c.more...)...)
			if everywhere(t, path, "Timmermans") < 2500 || everywhere(t, path, "timmermans1@") == 0 {
				t.Fatal("the names are not there to begin with")
			}
			m := conversion.DefaultMapping()
			// An earlier erasure was stopped after the first rows.
			change(t, path, "UPDATE patient SET achternaam = '', tussenvoegsel = NULL WHERE patid <= 700")
			done, err := oldstore.EraseSQLite(t.Context(), "sqlite:"+path, m, func(string, ...any) {})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(done.Left, c.left) || len(done.Dropped)+len(done.Left) != 4 || done.Rows != 2500 {
				t.Errorf("done = %+v", done)
			}
			for _, name := range []string{"Timmermans", "timmermans", "@example.org"} {
				if n := everywhere(t, path, name); n > 0 {
					t.Errorf("%s is still there %d times", name, n)
				}
			}
			s, err := oldstore.Reopen("sqlite:"+path, m)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			if gone, left, err := s.Gone(t.Context()); err != nil || len(gone) != len(done.Dropped) || len(left) != len(c.left) {
				t.Errorf("gone %v, left %v (%v)", gone, left, err)
			}
			if n, err := s.Count(t.Context()); err != nil || n != 2500 {
				t.Errorf("%d rows (%v)", n, err)
			}
			again, err := oldstore.EraseSQLite(t.Context(), "sqlite:"+path, m, func(string, ...any) {})
			if err != nil || again.Rows != 0 {
				t.Errorf("again: %+v (%v)", again, err)
			}
		})
	}
}

func TestEraseIsRefused(t *testing.T) {
	path := file(t, fmt.Sprintf(table, "INTEGER", "INTEGER", ""), row("1", "Timmermans", "7"), "CREATE TABLE historie (naam TEXT)",
		"CREATE TRIGGER bewaar AFTER UPDATE ON patient BEGIN INSERT INTO historie VALUES (old.achternaam); END")
	s := reader(t, path, conversion.DefaultMapping())
	if got, err := s.Triggers(t.Context()); err != nil || !slices.Equal(got, []string{"bewaar"}) {
		t.Errorf("triggers = %v (%v)", got, err)
	}
	if _, err := oldstore.EraseSQLite(t.Context(), "sqlite:"+path, conversion.DefaultMapping(), t.Logf); err == nil ||
		!strings.Contains(err.Error(), "triggers") {
		t.Errorf("with a trigger: %v", err)
	}
	if everywhere(t, path, "Timmermans") == 0 {
		t.Error("it was erased all the same")
	}
}

// TestScript looks at the steps of the T-SQL and their order.
func TestScript(t *testing.T) {
	m := conversion.DefaultMapping()
	m.Table, m.Surname, m.Erase = "dbo.pat]iënt's", "achter]naam", []string{"pseudonym"}
	got, err := oldstore.Script(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"UPDATE TOP (10000) [dbo].[pat]]iënt's]\n    SET [achter]]naam] = N'', [tussenvoegsel] = N'', [voorletters] = N'', [email] = N'', [pseudonym] = N''",
		"OBJECT_ID(N'[dbo].[pat]]iënt''s]')", "IF COL_LENGTH(N'[dbo].[pat]]iënt''s]', N'email') IS NOT NULL\n    ALTER TABLE [dbo].[pat]]iënt's] DROP COLUMN [email];",
		"ALTER INDEX ALL ON [dbo].[pat]]iënt's] REBUILD;", "ALTER TABLE [dbo].[pat]]iënt's] REBUILD;", "sp_clean_db_free_space",
		"CHECKPOINT", "BACKUP LOG",
		"sys.triggers", "temporal_type", "is_tracked_by_cdc", "It cannot reach: backups", "NOT run by Sluis",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the script lacks %q:\n%s", want, got)
		}
	}
	// The order is: overwrite, drop, rebuild, clean.
	at := 0
	for _, step := range []string{"UPDATE TOP", "DROP COLUMN", "REBUILD", "EXEC sp_clean_db_free_space", "\nCHECKPOINT", "full backup"} {
		i := strings.Index(got[at:], step)
		if i < 0 {
			t.Fatalf("%s comes too early", step)
		}
		at += i
	}
	for _, kept := range []string{"[patid]", "[geboortedatum]", "[centrum_id]"} {
		if strings.Contains(got, kept) {
			t.Errorf("the script touches %s", kept)
		}
	}
	m.Table, m.Query = "", "SELECT 1"
	if _, err := oldstore.Script(m); err == nil {
		t.Error("a query has a script")
	}
}

// TestSample checks that the same seed makes the same table, with every fault in it.
func TestSample(t *testing.T) {
	dir := t.TempDir()
	make := func(name string, seed uint64) ([]string, map[string]int) {
		t.Helper()
		s := oldtable.NewSample(seed, []string{"2809", "2810"}, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		path := filepath.Join(dir, name)
		if err := oldstore.WriteSample(t.Context(), path, s, 3000); err != nil {
			t.Fatal(err)
		}
		if err := oldstore.WriteSample(t.Context(), path, s, 1); err == nil {
			t.Error("a file that is there is written over")
		}
		r := reader(t, path, conversion.DefaultMapping())
		rows, err := r.Count(t.Context())
		if err != nil || rows != 3000 {
			t.Fatalf("%d rows (%v)", rows, err)
		}
		return s.Canaries, s.Faults
	}
	a, faults := make("a.db", 1)
	b, _ := make("b.db", 1)
	c, _ := make("c.db", 2)
	if !slices.Equal(a, b) || slices.Equal(a, c) || len(a) == 0 {
		t.Errorf("seeds: %v %v %v", a, b, c)
	}
	if len(faults) != 15 {
		t.Errorf("%d kinds of faults: %v", len(faults), faults)
	}
}
