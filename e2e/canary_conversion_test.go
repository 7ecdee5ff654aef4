package e2e

import (
	"bytes"
	"database/sql"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// convertOldTable converts an old table with names in every column, even in those where
// no name belongs. It runs every command while the program is at work, and looks at the
// console.
func (s *sieve) convertOldTable() {
	dir := s.t.TempDir() // not in a folder that is searched: the old table has the names
	path := filepath.Join(dir, "oud.db")
	s.oldTable(path)
	web := func(step string, args ...string) {
		s.t.Helper()
		cmd := exec.CommandContext(s.t.Context(), binary,
			append([]string{"existing", step, "--as", "beheerder@registratie.example", "--data", s.data, "--source", "sqlite:" + path},
				args...)...)
		cmd.Env = append(os.Environ(), "TMPDIR="+s.tmp)
		out, err := cmd.CombinedOutput()
		s.logs.Write(out) // searched like a log
		if err != nil && cmd.ProcessState.ExitCode() != exitAttention {
			s.t.Errorf("web existing %s: %v\n%s", step, err, out)
		}
	}
	web("plan") // asks which column is the number, and shows shapes of values
	web("plan", "--number", "patientnummer")
	web("run", "--number", "patientnummer", "--rehearse")
	web("run", "--number", "patientnummer")
	web("verify")
	web("except", "--why", "Proef.", "--out", s.tmp)
	web("erase", "--way", "inplace", "--out", s.tmp)
	v := s.visitor().signIn(s.p.account("admin", ""))
	page := v.get("/migratie").body
	for _, path := range []string{"/migratie/rijen?soort=rejected", "/migratie/rijen?soort=rejected&van=rehearsal", "/migratie/rijen?soort=review", "/migratie/rijen?centrum=2809"} {
		v.get(path)
	}
	_, rest, found := bytes.Cut(page, []byte(`action="/migratie/`))
	if !found {
		s.t.Fatal("nothing to approve on the console")
	}
	id, _, _ := bytes.Cut(rest, []byte("/"))
	approval := url.Values{"rol": {"admin"}, "centra": {s.name("typed centre")}, "reden": {s.name("reason")}, "uitzonderingen": {"gezien"}}
	if a := v.form("/migratie/"+string(id)+"/goedkeuren", approval, true); a.status != http.StatusUnprocessableEntity {
		s.t.Errorf("approval of no centre: %d", a.status)
	}
	for _, role := range []string{"admin", "datamanager"} {
		v := s.visitor().signIn(s.p.account(role, ""))
		v.form("/migratie/"+string(id)+"/goedkeuren",
			url.Values{"rol": {role}, "centra": {"2809"}, "reden": {"Gezien."}, "uitzonderingen": {"gezien"}}, false)
	}
	web("erase", "--out", s.tmp)
	web("prove", "--out", s.tmp)
	auditor := s.visitor().signIn(s.p.account("auditor", ""))
	list := auditor.get("/migratie/bewijzen").body
	_, rest, found = bytes.Cut(list, []byte(`href="/migratie/bewijzen/`))
	if !found {
		s.t.Fatal("there is no proof")
	}
	proof, _, _ := bytes.Cut(rest, []byte(`"`))
	auditor.get("/migratie/bewijzen/" + string(proof))
	auditor.get("/migratie/bewijzen/" + string(proof) + "/bewijs.json")
	if hits, _, _ := newScanner(s.byName).sweep(s.t, dir); len(hits) > 0 {
		for _, h := range hits {
			// The registry itself must see to a column that is not erased.
			if !strings.Contains(h, "kept column") {
				s.t.Errorf("after the erasure in place: %s", h)
			}
		}
	}
}

// oldTable makes the old table, with a good row and rows with a name in each column.
func (s *sieve) oldTable(path string) {
	s.t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)")
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	insert := func(key int, centre, birth, sex, died, version, number, place string) {
		s.t.Helper()
		name := s.name(place)
		_, err := db.ExecContext(s.t.Context(), "INSERT INTO patient VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", key, version,
			s.name(place+" prefix"), name, died, birth,
			"Q."+s.name(place+" initials"), sex, centre, strings.ToLower(name)+"@"+s.name(place+" host")+".example", number)
		if err != nil {
			s.t.Fatal(err)
		}
	}
	_, err = db.ExecContext(s.t.Context(), `CREATE TABLE patient (patid INTEGER PRIMARY KEY, version TEXT, tussenvoegsel TEXT, achternaam TEXT, datumoverlijden TEXT, geboortedatum TEXT,
		voorletters TEXT, geslacht TEXT, centrum_id TEXT, email TEXT, patientnummer TEXT)`)
	if err != nil {
		s.t.Fatal(err)
	}
	for key := 1; key <= 20; key++ {
		insert(key, "2809", "1-3-1970", "v", "", "1", s.newNumber(), "old table")
	}
	insert(21, "2809", s.name("old table, kept column birth"), "v", "", "1", s.newNumber(), "old birth")
	insert(22, "2809", "1-3-1970", s.name("old table, kept column sex"), "", "1", s.newNumber(), "old sex")
	insert(23, "2809", "1-3-1970", "v", s.name("old table, kept column death"), "1", s.newNumber(), "old death")
	insert(24, "2809", "1-3-1970", "v", "", s.name("old table, kept column version"), s.newNumber(), "old version")
	insert(25, s.name("old table, kept column centre"), "1-3-1970", "v", "", "1", s.newNumber(), "old centre")
	insert(26, "2809", "", "v", "", "1", s.newNumber(), "old rejected")
	insert(27, "2809", "1-3-1970", "v", "", "1", "", "old table without number")
}
