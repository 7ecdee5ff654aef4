package e2e

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // to look into the database

	"sluis/internal/store/pgtest"
)

// with returns the service with other settings, not started yet.
func (s *service) with(settings ...string) *service {
	out := *s
	out.env = nil
	for _, line := range s.env {
		name, _, _ := strings.Cut(line, "=")
		for _, set := range settings {
			if strings.HasPrefix(set, name+"=") {
				line = set
			}
		}
		out.env = append(out.env, line)
	}
	return &out
}

// twin returns a second process of the service, with the same database and keys.
func (s *service) twin() *service {
	address := unusedAddress(s.t)
	return s.with("SLUIS_ADDR="+address, "SLUIS_BASE_URL=https://"+address)
}

// The size of TestTwoProcessesOnPostgres.
const (
	pgFiles = 5
	pgRows  = 800
	pgKills = 6
)

// TestTwoProcessesOnPostgres runs the service twice on one PostgreSQL database, as the
// manual says. It delivers the pilot's file to one process and again to the other. Then
// it delivers files while it kills the processes, lets their claims run out before their
// time, and cuts their connections. The result must be that of one undisturbed process on
// SQLite.
func TestTwoProcessesOnPostgres(t *testing.T) {
	t.Parallel()
	dsn := pgtest.EmptyDSN(t)
	s := prepareService(t, "SLUIS_DATABASE="+dsn)
	other := s.twin()
	s.start()
	other.start()
	token := regexp.MustCompile(`(?m)^sluis_\S+$`).FindString(s.printed)
	d := s.await(t, token, s.upload(t, token, pilotFile, "").ID)
	if want := (counts{Read: 40, Created: 36, Rejected: 4}); d.Status != "done" || d.Counts != want {
		t.Errorf("pilot: %s %+v, want done %+v", d.Status, d.Counts, want)
	}
	again := other.await(t, token, other.upload(t, token, pilotFile, "").ID)
	if want := (counts{Read: 40, Unchanged: 36, Rejected: 4}); again.Counts != want || again.SameAs != d.ID {
		t.Errorf("pilot again, by the other process: %+v, want %+v", again.Counts, want)
	}

	files := pgDeliveries(t)
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	began := time.Now()
	f := fire{t: t, db: db, processes: []*service{s, other}}
	f.deliver(token, files)
	t.Logf("%d files of %d rows: %d kills, %d claims cut short, %d times all connections cut, %v", pgFiles, pgRows, f.kills, f.lapses, f.cuts,
		time.Since(began).Round(time.Millisecond))
	s.stop(t)
	other.stop(t)

	calm := s.with("SLUIS_DATABASE=sqlite:"+filepath.Join(t.TempDir(), "calm.db"), "SLUIS_KEYRING_FILE="+
		filepath.Join(t.TempDir(), "keyring.json"))
	token = regexp.MustCompile(`(?m)^sluis_\S+$`).FindString(calm.shell(calm.commands, calm.env...))
	calm.start()
	for _, path := range append([]string{pilotFile, pilotFile}, files...) {
		calm.await(t, token, calm.upload(t, token, path, "").ID)
	}
	calm.stop(t)
	sqlite, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(calm.setting("SLUIS_DATABASE"), "sqlite:")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer sqlite.Close()
	struck, undisturbed := resultsIn(t, db), resultsIn(t, sqlite)
	if n := compare(t, struck, undisturbed); n > 0 || len(struck["rows"]) != 80+pgFiles*pgRows {
		t.Errorf("%d differences in %d rows", n, len(struck["rows"]))
	}
}

// setting returns the value of a setting of the service.
func (s *service) setting(name string) string {
	for _, line := range s.env {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			return value
		}
	}
	return ""
}

// pgDeliveries writes files of persons of whom some come in two files.
func pgDeliveries(t *testing.T) []string {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	var files []string
	var before []person
	for n := range pgFiles {
		all := people(random, fmt.Sprintf("P%d-", n), pgRows)
		var rows []string
		for i, p := range all {
			switch {
			case i%20 == 3:
				rows = append(rows, p.row("1-1-2099", p.sex)) // in the future
			case i%20 == 5 && n > 0: // another person under a number of the file before
				p.number = before[i].number
				rows = append(rows, p.line())
			case i%20 == 7 && n > 0:
				rows = append(rows, before[i].line()) // the same again
			default:
				rows = append(rows, p.line())
			}
		}
		before = all
		files = append(files, filepath.Join(dir, fmt.Sprintf("p%d.csv", n)))
		writeRows(t, files[n], rows)
	}
	return files
}

// fire disturbs the processes of a service while they work.
type fire struct {
	t                   *testing.T
	db                  *sql.DB
	processes           []*service
	kills, lapses, cuts int
}

// deliver delivers files and strikes until all of them are done.
func (f *fire) deliver(token string, files []string) {
	f.t.Helper()
	for i, path := range files {
		p := f.processes[i%len(f.processes)]
		if d := p.upload(f.t, token, path, ""); d.ID == "" {
			f.t.Fatal("no delivery")
		}
	}
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	deadline := time.Now().Add(workTime)
	for f.open() > 0 {
		if time.Now().After(deadline) {
			f.t.Fatalf("%d deliveries are not done after %v", f.open(), workTime)
		}
		time.Sleep(100*time.Millisecond + time.Duration(random.Int64N(int64(300*time.Millisecond))))
		switch p := f.processes[random.IntN(len(f.processes))]; {
		case f.kills < pgKills:
			p.kill()
			f.kills++
			f.lapse() // as though two minutes had passed, for the process that lives too
			p.start()
		case f.cuts < 2:
			f.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
			f.cuts++
		default:
			f.lapse()
		}
	}
}

// lapse lets every claim run out.
func (f *fire) lapse() {
	f.exec("UPDATE deliveries SET lease_until = now() WHERE lease_until > now()")
	f.exec("UPDATE chunks SET lease_until = now() WHERE lease_until > now()")
	f.lapses++
}

func (f *fire) exec(statement string) {
	f.t.Helper()
	if _, err := f.db.ExecContext(f.t.Context(), statement); err != nil {
		f.t.Fatal(err)
	}
}

// open returns the number of deliveries that are not done.
func (f *fire) open() (n int) {
	f.t.Helper()
	if err := f.db.QueryRowContext(f.t.Context(), "SELECT COUNT(*) FROM deliveries WHERE state <> 'done'").Scan(&n); err != nil {
		f.t.Fatal(err)
	}
	return n
}
