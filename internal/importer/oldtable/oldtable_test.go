package oldtable_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to make old tables
	"pgregory.net/rapid"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/conversion"
	"sluis/internal/delivery"
	"sluis/internal/importer"
	"sluis/internal/importer/intake"
	"sluis/internal/importer/oldtable"
	"sluis/internal/patient"
	"sluis/internal/sealing"
	"sluis/internal/store"
	oldstore "sluis/internal/store/oldtable"
	"sluis/internal/ttpclient"
	"sluis/internal/ttpclient/prepare"
	"sluis/internal/ttpclient/resolve"
	"sluis/internal/ttpclient/ttptest"
	"sluis/internal/value/valuetest"
	"sluis/web/text"
)

// registry is a whole pipeline beside an old table.
type registry struct {
	t      *testing.T
	store  *store.Store
	path   string // of the old table
	in     *intake.Intake
	work   *importer.Importer
	keys   *sealing.Keyring
	ttp    *ttptest.TTP
	said   bytes.Buffer
	mu     sync.Mutex
	centre map[string]account.Centre
}

var who = audit.Who{UserID: 1, Name: "datamanager@example.org", Role: "datamanager", Via: audit.ViaCLI}

func newRegistry(t *testing.T, centres ...string) *registry {
	t.Helper()
	dir := t.TempDir()
	r := &registry{t: t, ttp: ttptest.Start(t), path: filepath.Join(t.TempDir(), "old.db"), centre: map[string]account.Centre{}}
	log := slog.New(slog.DiscardHandler)
	r.store = must(store.OpenSQLite(t.Context(), filepath.Join(dir, "sluis.db"), store.Options{Now: time.Now, Log: log}))(t)
	t.Cleanup(func() { _ = r.store.Close() })
	for _, n := range centres {
		r.centre[n] = must(r.store.AddCentre(t.Context(), who, account.Centre{Number: n, Name: "Proef"}))(t)
	}
	r.keys = must(sealing.OpenKeyring(filepath.Join(dir, "keyring"), time.Now))(t)
	r.in = must(intake.New(intake.Options{
		Ports:    intake.Ports{Uploads: r.store, Blocks: r.store, Mappings: r.store, Parses: r.store, Preparations: r.store},
		Preparer: prepare.New(r.ttp.Client(ttpclient.ScopeTemporary), ttptest.Domain, ttptest.Types), Keys: r.keys,
		MACKey: bytes.Repeat([]byte("mac!"), 8),
		Types:  ttptest.Types, LinkType: "NGGV", Now: time.Now, Log: log,
	}))(t)
	r.work = must(importer.New(importer.Options{
		Ports: importer.Ports{Queue: r.store, Fetches: r.store, Answers: r.store, Repeats: r.store, Decisions: r.store,
			Registrations: r.store,
			Housekeeping:  r.store},
		Intake: r.in, Resolver: resolve.New(r.ttp.Client(ttpclient.ScopeDefinitive), ttptest.Domain), Types: ttptest.Types,
		Domain:    ttptest.Domain,
		Registrar: patient.NewRegistrar("NGGV", time.Now), Keys: r.keys, Poll: 10 * time.Millisecond, Now: time.Now, Log: log,
	}))(t)
	ctx, stop := context.WithCancel(context.Background())
	var working sync.WaitGroup
	working.Go(func() { r.work.Run(ctx) })
	t.Cleanup(func() { stop(); working.Wait() })
	return r
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// table makes the old table, or adds to it.
func (r *registry) table(statements ...string) {
	r.t.Helper()
	db := must(sql.Open("sqlite", "file:"+r.path))(r.t)
	defer db.Close()
	for _, s := range statements {
		if _, err := db.ExecContext(r.t.Context(), s); err != nil {
			r.t.Fatal(err)
		}
	}
}

const oldTable = `CREATE TABLE patient (patid INTEGER PRIMARY KEY, version INTEGER, tussenvoegsel TEXT, achternaam TEXT, datumoverlijden DATE, geboortedatum DATE, voorletters TEXT,
	geslacht TEXT, centrum_id INTEGER, email TEXT, pseudonym TEXT, nummer TEXT)`

// pilot is seed 003's table 2 as an old table, from patid 1.
func (r *registry) pilot() {
	r.t.Helper()
	raw := must(os.ReadFile("../../../testdata/pilot40.csv"))(r.t)
	c := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))))
	c.Comma = ';'
	rows := must(c.ReadAll())(r.t)
	statements := []string{oldTable}
	null := func(s string) string {
		if s == "" {
			return "NULL"
		}
		return "'" + s + "'"
	}
	for i, x := range rows[1:] {
		statements = append(statements, fmt.Sprintf("INSERT INTO patient VALUES (%d, 1, %s, %s, NULL, %s, %s, %s, %s, %s, NULL, %s)",
			i+1, null(x[5]), null(x[4]), null(x[1]), null(x[6]), null(x[2]), x[0], null(strings.ToLower(x[4])+"@example.org"), null(x[3])))
	}
	r.table(statements...)
}

func numbered(column string) conversion.Mapping {
	m := conversion.DefaultMapping()
	m.Number = &column
	return m
}

// conversion makes one, as a command does.
func (r *registry) conversion(m conversion.Mapping) *oldtable.Conversion {
	r.t.Helper()
	src := must(oldstore.Open(r.t.Context(), "sqlite:"+r.path, m))(r.t)
	r.t.Cleanup(func() { _ = src.Close() })
	return must(oldtable.New(oldtable.Options{
		Table: src, Mapping: m, Store: r.store, Intake: r.in, Keys: r.keys, Other: r.work, Who: who, Address: "os:test", ChunkRows: 7,
		Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Say: func(format string, args ...any) {
			r.mu.Lock()
			defer r.mu.Unlock()
			fmt.Fprintf(&r.said, format+"\n", args...)
		},
	}))(r.t)
}

// holder is the patient of an old key.
func (r *registry) holder(centre, key string) (patient.Patient, bool) {
	r.t.Helper()
	keys := must(r.store.Keys(r.t.Context(), []string{key}, nil))(r.t)
	if len(keys) == 0 {
		return patient.Patient{}, false
	}
	found := must(r.store.PatientsByID(r.t.Context(), r.centre[centre].ID, []int64{keys[0].PatientID}))(r.t)
	p, ok := found[keys[0].PatientID]
	return p, ok
}

// TestPilotAsOldTable: of the pilot's 40, 36 become patients with their patid, and
// 4 are listed with the TTP's words.
func TestPilotAsOldTable(t *testing.T) {
	r := newRegistry(t, "2809")
	r.pilot()
	c := r.conversion(numbered("nummer"))
	run := must(c.Run(t.Context(), oldtable.How{}))(t)
	if n := run.Counts(); n.Read != 40 || n.Created != 36 || n.Rejected != 4 {
		t.Fatalf("%+v", n)
	}
	want := map[string]string{
		"6": "De geboortedatum is leeg", "38": "De geboortedatum is leeg", "26": "De geboortedatum ligt in de toekomst",
		"29": "Het geslacht bevat een ongeldige waarde",
	}
	stored := 0
	for i := 1; i <= 40; i++ {
		key := fmt.Sprint(i)
		p, there := r.holder("2809", key)
		if there == (want[key] != "") {
			t.Errorf("patid %s is a patient: %v", key, there)
		}
		if there {
			stored++
			if p.Number == "" || p.Version != 1 || len(p.Pseudonyms) != 2 {
				t.Errorf("patid %s: %+v", key, p)
			}
		}
	}
	page := must(r.store.OpenRows(t.Context(), run.ID, conversion.OpenQuery{Outcome: patient.Rejected}))(t)
	for _, o := range page.Rows {
		if o.Finding.Message != want[o.OldKey] || o.Finding.Source != patient.TTP || o.CentreNumber != "2809" {
			t.Errorf("patid %s: %+v", o.OldKey, o)
		}
		t.Logf("patid %s, number %s: %s (%s %s)", o.OldKey, o.PatientNumber, o.Finding.Message, o.Finding.Source, o.Finding.Code)
	}
	t.Logf("%d of 40 are patients, %d are listed", stored, page.Total)
	if stored != 36 || page.Total != 4 {
		t.Errorf("%d stored, %d listed", stored, page.Total)
	}
	if v := must(c.Verify(t.Context(), 100))(t); !v.Clean() || v.Stored != 36 || v.Patients != 36 || v.Rejected != 4 || v.Sampled != 36 {
		t.Errorf("verification: %+v", v)
	}
	if _, err := c.Run(t.Context(), oldtable.How{}); !errors.Is(err, oldtable.ErrDone) {
		t.Errorf("a second run: %v", err)
	}
	again := must(c.Run(t.Context(), oldtable.How{Again: true}))(t)
	if n := again.Counts(); n.Unchanged != 36 || n.Rejected != 4 {
		t.Errorf("once more: %+v", n)
	}
	r.wantNoNames()
}

// wantNoNames looks for the pilot's names in what was said.
func (r *registry) wantNoNames() {
	r.t.Helper()
	for _, name := range []string{"Jansen", "Molenaar", "Timmermans", "example.org"} {
		if strings.Contains(r.said.String(), name) || strings.Contains(r.ttp.Log.String(), name) {
			r.t.Errorf("%s was said", name)
		}
	}
}

// TestWithoutNumbers: patients of a table without numbers get theirs from the
// hospital's first delivery.
func TestWithoutNumbers(t *testing.T) {
	r := newRegistry(t, "2809")
	r.pilot()
	r.table("UPDATE patient SET version = 5, datumoverlijden = '3-2-2020' WHERE patid = 1")
	c := r.conversion(numbered(""))
	run := must(c.Run(t.Context(), oldtable.How{}))(t)
	if n := run.Counts(); n.Created != 36 || n.Rejected != 4 {
		t.Fatalf("%+v", n)
	}
	if p, _ := r.holder("2809", "1"); p.Number != "" || p.Version != 5 || p.DiedOn != "2020-02-03" {
		t.Errorf("patid 1: %+v", p)
	}
	r.deliver()
	for i := 1; i <= 40; i++ {
		if p, there := r.holder("2809", fmt.Sprint(i)); there && p.Number == "" {
			t.Errorf("patid %d has no number after the delivery", i)
		}
	}
	if p, _ := r.holder("2809", "1"); p.Number != "523534" || p.Version != 6 || p.DiedOn != "2020-02-03" {
		t.Errorf("patid 1: %+v", p)
	}
	if v := must(c.Verify(t.Context(), 100))(t); !v.Clean() || v.Later != 36 {
		t.Errorf("verification: %+v", v)
	}
}

// deliver has the hospital deliver the pilot's file.
func (r *registry) deliver() {
	r.t.Helper()
	raw := must(os.ReadFile("../../../testdata/pilot40.csv"))(r.t)
	centre := r.centre["2809"]
	centre.IdentitiesAllowed = true
	if err := r.store.ChangeCentre(r.t.Context(), who, centre); err != nil {
		r.t.Fatal(err)
	}
	up := intake.Upload{Who: audit.Who{Name: "uploader", CentreID: centre.ID}, Centre: centre, Filename: "pilot40.csv", Mode: delivery.Save,
		Via: audit.ViaWeb, Confirmed: true}
	id := must(r.in.Receive(r.t.Context(), up, bytes.NewReader(raw)))(r.t)
	r.work.Wake()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		d := must(r.store.Delivery(r.t.Context(), account.AllCentres(), id))(r.t)
		if d.State == delivery.Done {
			if d.Counts.Updated != 36 {
				r.t.Errorf("delivery: %+v", d.Counts)
			}
			return
		}
		if d.State.Final() || time.Now().After(deadline) {
			r.t.Fatalf("delivery: %s", d.State)
		}
	}
}

// TestVerifyFindsFaults: what is not as it must be is found, by its patid and with
// no value.
func TestVerifyFindsFaults(t *testing.T) {
	r := newRegistry(t, "2809", "2810")
	r.pilot()
	c := r.conversion(numbered("nummer"))
	must(c.Run(t.Context(), oldtable.How{}))(t)
	for _, f := range []struct {
		what, breaks, mends string
		want                conversion.Tally
	}{
		{"a row came", "INSERT INTO patient VALUES (41, 1, NULL, 'Later', NULL, '1970-01-02', 'a', 'm', 2809, NULL, NULL, '41')",
			"DELETE FROM patient WHERE patid = 41", conversion.Tally{Code: "ROW_MISSING", Count: 1}},
		{"a row went", "UPDATE patient SET patid = -1 WHERE patid = 1", "UPDATE patient SET patid = 1 WHERE patid = -1",
			conversion.Tally{Code: "ROW_FOREIGN", Count: 1}},
		{"another birth date", "UPDATE patient SET geboortedatum = '2-1-2001' WHERE patid = 1",
			"UPDATE patient SET geboortedatum = '1-1-2001' WHERE patid = 1",
			conversion.Tally{Code: "DISPLAY_OTHER", Field: "birthDate", Count: 1}},
		{"another sex", "UPDATE patient SET geslacht = 'v' WHERE patid = 1", "UPDATE patient SET geslacht = 'm' WHERE patid = 1",
			conversion.Tally{Code: "DISPLAY_OTHER", Field: "sex", Count: 1}},
		{"another number", "UPDATE patient SET nummer = 'x' WHERE patid = 1", "UPDATE patient SET nummer = '523534' WHERE patid = 1",
			conversion.Tally{Code: "DISPLAY_OTHER", Field: "patientNumber", Count: 1}},
		{"a date of death", "UPDATE patient SET datumoverlijden = '2020-01-01' WHERE patid = 1",
			"UPDATE patient SET datumoverlijden = NULL WHERE patid = 1",
			conversion.Tally{Code: "DISPLAY_OTHER", Field: "diedOn", Count: 1}},
		{"another surname", "UPDATE patient SET achternaam = 'Anders' WHERE patid = 1",
			"UPDATE patient SET achternaam = 'Jansen' WHERE patid = 1", conversion.Tally{Code: "PSEUDONYM_OTHER", Field: "NGGV", Count: 1}},
		{"another centre", "UPDATE patient SET centrum_id = 2810 WHERE patid = 1", "UPDATE patient SET centrum_id = 2809 WHERE patid = 1",
			conversion.Tally{Code: "CENTRE_OTHER", Count: 1}},
		{"refused now", "UPDATE patient SET achternaam = '' WHERE patid = 1", "UPDATE patient SET achternaam = 'Jansen' WHERE patid = 1",
			conversion.Tally{Code: "REFUSED_NOW", Count: 1}},
	} {
		r.table(f.breaks)
		v := must(c.Verify(t.Context(), 100))(t)
		if v.Clean() || !slices.Contains(v.Faults, f.want) {
			t.Errorf("%s: %+v, want %+v", f.what, v.Faults, f.want)
		}
		r.table(f.mends)
		if v := must(c.Verify(t.Context(), 100))(t); !v.Clean() {
			t.Fatalf("%s, mended: %+v", f.what, v.Faults)
		}
	}
}

// TestPlanSaysWhatIsThere, and what forbids a run.
func TestPlanSaysWhatIsThere(t *testing.T) {
	r := newRegistry(t, "2809")
	r.pilot()
	r.table("INSERT INTO patient VALUES (41, 1, NULL, 'Zwervers', NULL, '1970-01-02', 'a', 'm', 98, NULL, NULL, '41'),"+
		" (42, 1, NULL, 'Zwervers', NULL, 'gisteren', 'a', 'm', 2809, NULL, NULL, '41'),"+
		" (43, 1, NULL, 'Jansen', NULL, '1-1-2001', 'a', 'm', 2809, NULL, NULL, '')",
		"UPDATE patient SET centrum_id = 'Zwervershof' WHERE patid = 41")
	p := must(r.conversion(numbered("nummer")).Plan(t.Context(), oldtable.Probe{}))(t)
	if p.Rows != 43 || p.StrayRows != 1 || p.NumberEmpty != 1 || p.PersonTwice != 1 || p.BSN || len(p.Blockers()) > 0 || p.Probe == 0 ||
		p.ProbeRefused != 4 || p.RowsPerSecond <= 0 {
		t.Errorf("plan = %+v", p)
	}
	if !slices.Contains(p.Local, conversion.Tally{Code: "BIRTH_DATE_UNREADABLE", Field: "birthDate", Count: 1}) {
		t.Errorf("local = %+v", p.Local)
	}
	// What stands in the column of the centre may be a name.
	if got := p.Centres[len(p.Centres)-1]; got.Known || got.Centre != "aaaaaaaaaaa" || got.Rows != 1 {
		t.Errorf("centres = %+v", p.Centres)
	}
	undecided := must(r.conversion(conversion.DefaultMapping()).Plan(t.Context(), oldtable.Probe{}))(t)
	if !slices.Equal(undecided.Blockers(), []string{"NUMBER_UNDECIDED"}) || undecided.Probe != 0 {
		t.Errorf("undecided: %+v", undecided)
	}
	spares := must(r.conversion(conversion.DefaultMapping()).Spares(t.Context(), 2))(t)
	if len(spares) != 2 || spares[0].Column != "nummer" || spares[0].Shapes[0] != [2]string{"1", "999999"} {
		t.Errorf("spares = %+v", spares)
	}
	if _, err := r.conversion(conversion.DefaultMapping()).Run(t.Context(), oldtable.How{}); !errors.Is(err, oldtable.ErrUndecided) {
		t.Errorf("a run with nothing decided: %v", err)
	}
	r.table("UPDATE patient SET nummer = '999999' || (900 + patid)", "UPDATE patient SET nummer = CASE patid % 2"+
		" WHEN 0 THEN '111222333' ELSE '123456782' END")
	bsn := r.conversion(numbered("nummer"))
	if p := must(bsn.Plan(t.Context(), oldtable.Probe{}))(t); !slices.Contains(p.Blockers(), "BSN_NUMBERS") {
		t.Errorf("BSNs: %+v", p)
	}
	if _, err := bsn.Run(t.Context(), oldtable.How{}); err == nil || !strings.Contains(err.Error(), "BSN_NUMBERS") {
		t.Errorf("a run of BSNs: %v", err)
	}
	r.table("ALTER TABLE patient RENAME TO met_sleutel", "CREATE TABLE patient AS SELECT * FROM met_sleutel",
		"INSERT INTO patient SELECT * FROM met_sleutel WHERE patid = 1", "UPDATE patient SET patid = NULL WHERE patid = 2")
	if p := must(r.conversion(numbered("")).Plan(t.Context(), oldtable.Probe{}))(t); !slices.Equal(p.Blockers(),
		[]string{"KEY_EMPTY", "KEY_TWICE"}) {
		t.Errorf("keys: %v", p.Blockers())
	}
}

// fill makes the old table of men with these numbers and dates of birth.
func (r *registry) fill(numbers, births []string, sex string) {
	r.t.Helper()
	db := must(sql.Open("sqlite", "file:"+r.path))(r.t)
	defer db.Close()
	for _, s := range []string{"DROP TABLE IF EXISTS patient", strings.ReplaceAll(oldTable, "DATE,", "TEXT,")} {
		if _, err := db.ExecContext(r.t.Context(), s); err != nil {
			r.t.Fatal(err)
		}
	}
	for i, n := range numbers {
		_, err := db.ExecContext(r.t.Context(), "INSERT INTO patient VALUES (?, 1, NULL, ?, NULL, ?, 'a', ?, 2809, NULL, NULL, ?)",
			i+1, fmt.Sprintf("Naam%c", 'a'+i), births[i], sex[i%len(sex):i%len(sex)+1], n)
		if err != nil {
			r.t.Fatal(err)
		}
	}
}

// TestColumnsOfTheOldTable: its columns are looked at as those of a file are, before a row
// is read.
func TestColumnsOfTheOldTable(t *testing.T) {
	r := newRegistry(t, "2809")
	for name, c := range map[string]struct {
		births  string
		sex     string
		blocked string
		notes   string
	}{
		"ISO dates":       {"1970-03-04 1971-04-05", "mv", "", ""},
		"assumed":         {"3-4-1970 4-5-1971", "m", "", "DATES_ORDER_ASSUMED"},
		"month first":     {"1/31/1970 1/30/1971 3/4/1971", "m", "DATES_MONTH_FIRST", ""},
		"year-day-month":  {"1970-31-01 1971-13-02", "m", "DATES_YEAR_DAY_MONTH", ""},
		"open":            {"1/31/1970 3/4/1971", "m", "DATES_ORDER_OPEN", ""},
		"swapped":         {"1950-02-01 1951-12-12 1952-03-04 13-1-1950 14-2-1951 31-3-1952", "m", "DATES_SWAPPED", ""},
		"two orders":      {"31-1-1950 30-1-1951 29-1-1952 1-31-1950 1-30-1951 1-29-1952", "m", "DATES_MIXED", ""},
		"numbers":         {"18264 20000 25000 30000 31000", "m", "BIRTHS_NUMBERED_TEXT", ""},
		"sexes 0 and 1":   {"1970-03-04 1971-04-05", "01", "SEX_ZERO_ONE", ""},
		"sexes 1 and 2":   {"1970-03-04 1971-04-05", "12", "", ""},
		"numbers as told": {"1970-03-04", "m", "", "NUMBER_MARKS"},
	} {
		t.Run(name, func(t *testing.T) {
			births := strings.Fields(c.births)
			var numbers []string
			for i := range births {
				numbers = append(numbers, fmt.Sprint(700100+i))
			}
			if c.notes == "NUMBER_MARKS" {
				numbers[0] = "700\u200b100"
			}
			r.fill(numbers, births, c.sex)
			p := must(r.conversion(numbered("nummer")).Plan(t.Context(), oldtable.Probe{Skip: true}))(t)
			var notes []string
			for _, n := range p.Notes {
				notes = append(notes, n.Code)
			}
			if got := strings.Join(p.Blockers(), " "); got != c.blocked || strings.Join(notes, " ") != c.notes {
				t.Errorf("blocked by %q, notes %q; want %q, %q", got, notes, c.blocked, c.notes)
			}
			if c.blocked == "" {
				return
			}
			if text.For("nl").T("existing.blocker."+c.blocked) == "existing.blocker."+c.blocked {
				t.Errorf("%s has no text", c.blocked)
			}
			if _, err := r.conversion(numbered("")).Run(t.Context(), oldtable.How{}); err == nil ||
				!strings.Contains(err.Error(), c.blocked) {
				t.Errorf("a run: %v", err)
			}
		})
	}
}

// TestAnyWritingInTheOldTable: BSNs in whatever writing forbid a run, and a plain number in
// whatever writing is one number.
func TestAnyWritingInTheOldTable(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f != nil && f.Value.String() == f.DefValue {
		if err := f.Value.Set("20"); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Value.Set(f.DefValue) }()
	}
	r := newRegistry(t, "2809")
	births := slices.Repeat([]string{"1970-03-04"}, len(valuetest.BSNs))
	writings, failures := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		var bsns []string
		for i, bsn := range valuetest.BSNs {
			bsns = append(bsns, valuetest.BSN(rt, bsn))
			written := valuetest.Number(rt, fmt.Sprint(700100+i))
			row := r.in.Known(r.centre["2809"]).Check(1, "1", "1", written, "1970-03-04", "m", "", "Jansen", "", "A")
			if row.Rejected() || row.Display.Number != fmt.Sprint(700100+i) {
				failures++
				rt.Errorf("%q is %q, not %d", written, row.Display.Number, 700100+i)
			}
		}
		writings += 2 * len(bsns)
		r.fill(bsns, births, "m")
		if p := must(r.conversion(numbered("nummer")).Plan(t.Context(), oldtable.Probe{Skip: true}))(t); !slices.Equal(p.Blockers(),
			[]string{"BSN_NUMBERS"}) {
			failures++
			rt.Errorf("%q: blocked by %v", bsns, p.Blockers())
		}
	})
	t.Logf("%d writings, %d failures", writings, failures)
}

// TestRehearsal stores nothing, and the conversion after it is as without.
func TestRehearsal(t *testing.T) {
	r := newRegistry(t, "2809")
	r.pilot()
	c := r.conversion(numbered("nummer"))
	some := must(c.Run(t.Context(), oldtable.How{Rehearse: true, Sample: 10}))(t)
	if n := some.Counts(); some.Mode != delivery.Check || n.Read != 10 || n.Created+n.Rejected != 10 {
		t.Errorf("ten rows: %+v", n)
	}
	all := must(c.Run(t.Context(), oldtable.How{Rehearse: true}))(t)
	if n := all.Counts(); n.Created != 36 || n.Rejected != 4 {
		t.Errorf("all rows: %+v", n)
	}
	if _, there := r.holder("2809", "1"); there {
		t.Error("a rehearsal stored a patient")
	}
	page := must(r.store.OpenRows(t.Context(), all.ID, conversion.OpenQuery{Outcome: patient.Rejected}))(t)
	if page.Total != 4 || page.Rows[0].Finding.Message == "" {
		t.Errorf("rejected in the rehearsal: %+v", page)
	}
	if err := r.store.SaveChecked(t.Context(), who, account.AllCentres(), all.Centres[0].Delivery.PublicID); err == nil {
		t.Error("a rehearsal can be saved")
	}
	if n := must(c.Run(t.Context(), oldtable.How{}))(t).Counts(); n.Created != 36 {
		t.Errorf("after it: %+v", n)
	}
}

// TestCentresOneByOne: one centre now, the other later; strays are listed, and a
// pause holds.
func TestCentresOneByOne(t *testing.T) {
	r := newRegistry(t, "2809", "2810")
	r.pilot()
	r.table("UPDATE patient SET centrum_id = 17 WHERE patid > 20", "UPDATE patient SET centrum_id = NULL WHERE patid = 40",
		"UPDATE patient SET centrum_id = 99 WHERE patid = 39")
	m := numbered("nummer")
	m.Centres = map[string]string{"17": "2810"}
	c := r.conversion(m)
	run := must(c.Run(t.Context(), oldtable.How{Centres: []string{"2810"}}))(t)
	if n := run.Counts(); n.Read != 18 || run.Whole() || run.Strays != 2 || !run.FinishedAt.IsZero() {
		t.Errorf("2810 alone: %+v, strays %d", n, run.Strays)
	}
	if err := r.store.PauseRun(t.Context(), who, run.PublicID, true); err != nil {
		t.Fatal(err)
	}
	done := make(chan conversion.Run, 1)
	go func() {
		run, err := r.conversion(m).Run(context.WithoutCancel(t.Context()), oldtable.How{})
		if err != nil {
			t.Error(err)
		}
		done <- run
	}()
	r.eventually("word of the pause", func() bool { return strings.Contains(r.words(), "paused on the console") })
	if err := r.store.PauseRun(t.Context(), who, run.PublicID, false); err != nil {
		t.Fatal(err)
	}
	run = <-done
	if n := run.Counts(); n.Read != 38 || n.Created != 34 || !run.Whole() || run.Strays != 2 {
		t.Errorf("both: %+v", n)
	}
	if v := must(c.Verify(t.Context(), 10))(t); !v.Clean() || v.Rejected != 6 || v.Strays != 2 || v.Rows != 40 {
		t.Errorf("verification: %+v", v)
	}
	signed, n, err := c.Except(t.Context(), must(conversion.SigningKey(filepath.Join(t.TempDir(), "key.pem")))(t), "afgesproken")
	if err != nil || n != 6 || len(signed.Signature) == 0 {
		t.Errorf("exceptions: %d (%v)", n, err)
	}
}

func (r *registry) words() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said.String()
}

func (r *registry) eventually(what string, ok func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("%s did not come", what)
		}
	}
}

// TestBrake: where so much is rejected a person must say so; a stopped run can be
// begun anew with another mapping.
func TestBrake(t *testing.T) {
	r := newRegistry(t, "2809")
	r.pilot()
	r.table("UPDATE patient SET geslacht = 'x' WHERE patid > 20")
	c := r.conversion(numbered("nummer"))
	run := must(c.Run(t.Context(), oldtable.How{}))(t)
	if run.Centres[0].Delivery.State != delivery.Confirm || run.Whole() {
		t.Fatalf("half of it is rejected: %s", run.Centres[0].Delivery.State)
	}
	if _, err := r.conversion(numbered("")).Run(t.Context(), oldtable.How{}); !errors.Is(err, oldtable.ErrMapping) {
		t.Errorf("another mapping: %v", err)
	}
	if err := r.store.ConfirmConversion(t.Context(), who, run.Centres[0].Delivery.PublicID); err != nil {
		t.Fatal(err)
	}
	if run = must(c.Run(t.Context(), oldtable.How{}))(t); !run.Whole() || run.Counts().Created != 19 {
		t.Errorf("confirmed: %+v", run.Counts())
	}
	must(c.Run(t.Context(), oldtable.How{Rehearse: true}))(t)
	if _, err := c.Stop(t.Context(), false); err == nil {
		t.Error("a run that is done can be stopped")
	}
}
